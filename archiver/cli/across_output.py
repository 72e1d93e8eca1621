"""Write the picture of several sources: for people as lines, for programs as rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.cli import log_output, output
from archiver.history.places import SCHEMA, Wanted
from archiver.language import retold, said, sentence, tr, trn
from archiver.records.text import RECORD, Noun, clip, count, few, terminal
from archiver.render import wording
from archiver.render.export import export

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from archiver.changes.aliases import Level
    from archiver.history.picture import Picture
    from archiver.history.places import Across, Origin, Place, Reason
    from archiver.records.model import Json, Record
    from archiver.render.view import Form

_WIDEST: Final = 100
_SHOWN: Final = 10
"""Records that the overview names, unless --limit says how many."""
_PLACE: Final = Noun("place", "places")
_EVIDENCE: Final[Mapping[Level, str]] = {
    "pair": sentence("explicit pair"),
    "rule": sentence("rule"),
    "key": sentence("equal key"),
    "case": sentence("equal key apart from case"),
    "former": sentence("former key"),
    "name": sentence("equal name of one owner"),
}
_encode = msgspec.json.Encoder().encode


def note_windows(origins: Iterable[Origin]) -> None:
    """Say which sources list only a part of what they have."""
    for each in origins:
        if each.covers:
            output.noted(
                sentence(
                    "{source} lists only a part of its catalogue: what it lacks may be there",
                    source=each.source,
                )
            )


def note_idle(texts: Sequence[str]) -> None:
    """Say which rules and pairs pair nothing: they may be misspelt."""
    if texts:
        output.noted(sentence("[alias] pairs nothing by: {few}", few=few(texts)))


def one(found: Across, form: Form, out: TextIO) -> None:
    """Write one record."""
    if form == "text":
        out.writelines(f"{line}\n" for line in _lines(found))
    elif form == "json":
        out.write(_encode({"schema": SCHEMA, "records": [found]}).decode() + "\n")
    elif form == "jsonl":
        out.write(_encode(found).decode() + "\n")
    else:
        rows = ((place.source, _place_row(place)) for place in found.places)
        columns = ("key", "state", "since", "first_seen", "cause", "now", "values")
        export(rows, form, out, title=found.key, noun=_PLACE, fields=columns, first="source")


def _place_row(place: Place) -> Record:
    row: Record = msgspec.to_builtins(place)
    return row


def several(records: Iterable[Across], picture: Picture, form: Form, out: TextIO) -> None:
    """Write records; the totals of the picture follow in ``json``."""
    if form == "text":
        found = False
        for each in records:
            found = True
            out.writelines(f"{line}\n" for line in _lines(each))
        if not found:
            output.note(tr("no record is like that"))
    elif form == "json":
        _write_json(records, picture, out)
    elif form == "jsonl":
        out.writelines(_encode(each).decode() + "\n" for each in records)
    else:
        names = [each.source for each in picture.origins]
        columns = [name for source in names for name in (source, f"{source}_state")]
        rows = ((each.key, _row(each)) for each in records)
        fields = (*columns, "gone_since", "paired_by", "rule", "differs")
        title = tr("{sources}: across", sources=", ".join(names))
        export(rows, form, out, title=title, noun=RECORD, fields=fields, first="key")


def _write_json(records: Iterable[Across], picture: Picture, out: TextIO) -> None:
    """Write one document with one record a line; the totals stand at its end."""
    sources = _encode(picture.origins).decode()
    out.write(f'{{"schema":"{SCHEMA}","sources":{sources},"records":[')
    before = "\n"
    for each in records:
        out.write(before + _encode(each).decode())
        before = ",\n"
    out.write(f'\n],"totals":{_encode(picture.totals).decode()}}}\n')


def _row(found: Across) -> Record:
    """Return a record as one row: its key and state in each source."""
    row: Record = {}
    for place in found.places:
        row[place.source] = place.key
        row[f"{place.source}_state"] = place.state
    gone = [place.since for place in found.places if place.state == "removed"]
    rules = [each.rule for each in found.pairing if isinstance(each.rule, str)]
    return {
        **row,
        "gone_since": max(gone, default=None),
        "paired_by": ", ".join(dict.fromkeys(each.by for each in found.pairing)),
        "rule": "; ".join(dict.fromkeys(rules)),
        "differs": ", ".join(each.field for each in found.differs),
    }


def overview(picture: Picture, out: TextIO, limit: int | None) -> None:
    """Write how many records are where, and the first that are gone from one source."""
    rest = picture.records(Wanted(gone=True))
    first = [*islice(rest, limit or _SHOWN)]
    left = sum(1 for _ in rest)
    out.writelines(f"{line}\n" for line in _totals(picture))
    if first:
        out.write("\n" + tr("removed from one source, still in another:\n"))
        for each in first:
            out.writelines(f"{line}\n" for line in _lines(each))
        log_output.left_out(left, "text", out)


def _totals(picture: Picture) -> Iterator[str]:
    totals = picture.totals
    for origin in picture.origins:
        yield tr(
            "{source}: {records} ({timestamp} UTC)",
            source=terminal(origin.source),
            records=RECORD.counted(origin.total),
            timestamp=origin.timestamp,
        )
    yield ""
    yield tr("in two sources or more: {number}", number=count(totals.shared))
    for source, number in totals.only.items():
        yield tr("only in {source}: {number}", source=terminal(source), number=count(number))
    for source, number in totals.gone.items():
        if number:
            yield tr(
                "removed from {source}, still in another: {number}",
                source=terminal(source),
                number=count(number),
            )
    if totals.gone_everywhere:
        yield tr("gone everywhere: {number}", number=count(totals.gone_everywhere))
    if totals.paired:
        yield ""
    for level, number in totals.paired.items():
        yield tr("paired by {evidence}: {number}", evidence=_EVIDENCE[level], number=count(number))
    for field, number in totals.differs.items():
        yield trn(
            "{field} differs: {number:,} record",
            "{field} differs: {number:,} records",
            number,
            field=terminal(field),
        )


def _lines(found: Across) -> Iterator[str]:
    yield clip(terminal(found.key), _WIDEST)
    for place in found.places:
        yield f"    {_state(place)}"
        if place.last_seen and place.first_seen:
            yield f"        {_seen(place)}"
    for reason in found.pairing:
        yield f"    {_paired(reason)}"
    differing = {each.field for each in found.differs}
    for each in found.differs:
        values = _values(each.field, each.values)
        yield f"    {tr('{field} differs: {values}', field=terminal(each.field), values=values)}"
    names = dict.fromkeys(name for place in found.places for name in place.values)
    for name in names:
        if name not in differing:
            there = [place for place in found.places if name in place.values]
            values = _values(name, {place.source: place.values[name] for place in there})
            yield f"    {tr('{field}: {values}', field=terminal(name), values=values)}"


def _values(field: str, values: Mapping[str, Json]) -> str:
    """Write the value of each source."""
    shown = (
        tr(
            "{value} ({source})",
            value=clip(terminal(wording.cell(field, value)), _WIDEST // 2),
            source=terminal(source),
        )
        for source, value in values.items()
    )
    return ", ".join(shown)


def _paired(reason: Reason) -> str:
    if isinstance(reason.rule, str):
        return tr("paired by the rule {rule}", rule=clip(terminal(reason.rule), _WIDEST))
    one_, other = (clip(terminal(each), _WIDEST) for each in reason.between)
    return tr(
        "paired by {evidence}: {one}, {other}",
        evidence=_EVIDENCE[reason.by],
        one=one_,
        other=other,
    )


def _state(place: Place) -> str:
    """Say where it is, and since when."""
    if place.state == "never":
        return tr("{source}: never seen", source=terminal(place.source))
    key = clip(terminal(place.called), _WIDEST)
    since = place.since
    if place.state == "there":
        return _there(place, key)
    if place.state == "missing":
        words = sentence("{key}: missing since {since} UTC, not confirmed", key=key, since=since)
    elif place.state == "renamed":
        now = clip(terminal(place.now), _WIDEST)
        words = sentence("{key}: renamed to {now}, {since} UTC", key=key, now=now, since=since)
    elif place.state == "left":
        words = sentence("{key}: left the window {since} UTC", key=key, since=since)
    elif place.cause:
        cause = clip(terminal(retold(place.cause)), _WIDEST)
        words = sentence("{key}: removed {since} UTC: {cause}", key=key, since=since, cause=cause)
    else:
        words = sentence("{key}: removed {since} UTC", key=key, since=since)
    return said(words)


def _seen(place: Place) -> str:
    return tr(
        "first seen {first} UTC, last seen {last} UTC", first=place.first_seen, last=place.last_seen
    )


def _there(place: Place, key: str) -> str:
    since, first = place.since, place.first_seen
    if not since:
        return tr("{key}: there", key=key)
    if first == since:
        return tr("{key}: there since {since} UTC", key=key, since=since)
    return tr(
        "{key}: there again since {since} UTC, first seen {first} UTC",
        key=key,
        since=since,
        first=first,
    )
