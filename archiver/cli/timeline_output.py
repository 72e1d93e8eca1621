"""Write the timeline of a record: as lines for people, as rows for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.language import listed, plain, retold, said, tr
from archiver.records.text import Noun, clip, terminal, width
from archiver.render import wording
from archiver.render.export import export
from archiver.render.sparkline import BLOCKS, sparkline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from archiver.history.timeline import Event, Moment, Series, Timeline
    from archiver.records.model import FieldChange
    from archiver.render.export import Keyed
    from archiver.render.view import Form

_WIDEST: Final = 100
_CURVE: Final = 40
_CHANGE: Final = Noun("change", "changes")
_FIELD: Final = Noun("field", "fields")
_EVENT_COLUMNS: Final = ("timestamp", "kind", "field", "old", "new")


def lives(
    found: Sequence[tuple[str, Timeline]],
    form: Form,
    out: TextIO,
    *,
    limit: int | None,
    named: bool,
    metrics: Sequence[Series],
) -> int:
    """Write the lives of a record in one or more catalogues.

    Args:
        found: Source and timeline of each.
        form: The format.
        out: Where to.
        limit: Show at most this many events of each; None: all.
        named: Several catalogues were asked: each row names its source.
        metrics: How the metrics of each moved; only ``text`` draws them.

    Returns:
        How many events the `limit` left out.
    """
    shown = [(source, each, each.events[:limit]) for source, each in found]
    if form == "text":
        drawn = _can_draw(out)
        for number, ((source, each, events), moved) in enumerate(zip(shown, metrics, strict=True)):
            out.write("\n" if number else "")
            lines = _life_lines(each, events, source * named, [*_metric_lines(moved, drawn=drawn)])
            out.writelines(f"{line}\n" for line in lines)
    elif form == "json" and not named:
        ((_, each, events),) = shown
        whole = msgspec.structs.replace(each, events=events)
        out.write(msgspec.json.encode(whole).decode() + "\n")
    else:
        export(
            _life_rows(shown, form, named=named),
            form,
            out,
            title=_heading(found),
            noun=_CHANGE,
            fields=("source", *_EVENT_COLUMNS) if named else _EVENT_COLUMNS,
        )
    return sum(len(each.events) - len(events) for _, each, events in shown)


def _heading(found: Sequence[tuple[str, Timeline]]) -> str:
    """Return the key of the record and its state, in each source where they differ."""
    states = dict.fromkeys(each.state for _, each in found)
    words = [said(wording.WORDS[state]) for state in states]
    if len(states) > 1:
        words = [f"{source}: {said(wording.WORDS[each.state])}" for source, each in found]
    return tr("{record} ({state})", record=found[0][1].shown, state=listed(words))


def _life_rows(
    shown: Iterable[tuple[str, Timeline, tuple[Event, ...]]], form: Form, *, named: bool
) -> Iterator[Keyed]:
    """Yield lives as rows: one for each life, event, or field, as the form holds them."""
    for source, each, events in shown:
        rows: Iterable[Keyed]
        if form == "json":
            whole = msgspec.structs.replace(each, events=events)
            rows = ((each.key, msgspec.to_builtins(whole)),)
        elif form == "jsonl":
            rows = ((event.at.revision, msgspec.to_builtins(event)) for event in events)
        else:
            rows = (row for event in events for row in _event_rows(event))
        for key, row in rows:
            yield key, {"source": source, **row} if named else row


def _event_rows(event: Event) -> Iterator[Keyed]:
    """Yield one row for each field that changed, or one for the record."""
    about = {"revision": event.at.revision, "timestamp": event.at.timestamp, "kind": event.kind}
    for change in event.changes:
        values = msgspec.to_builtins(change)
        shown = {"field": change.field, "old": values.get("old"), "new": values.get("new")}
        yield event.at.revision, {**about, **shown}
    if not event.changes:
        keys = {"old": event.old_key, "new": event.new_key}
        yield event.at.revision, {**about, **{name: key for name, key in keys.items() if key}}


def _life_lines(
    timeline: Timeline, events: tuple[Event, ...], source: str, metrics: Sequence[str]
) -> Iterator[str]:
    yield _title(timeline, source)
    yield wording.labelled(tr("first seen    {when}", when=_when(timeline.first_seen)))
    yield wording.labelled(tr("last changed  {when}", when=_when(timeline.last_changed)))
    yield ""
    yield from _field_lines(timeline)
    yield from ("", *metrics) if metrics else ()
    for event in events:
        yield ""
        gap = ": " if plain() else "  "
        yield f"{_when(event.at)}{gap}{_happened(event)}"
        for change in event.changes:
            yield from _change_lines(change)


def _happened(event: Event) -> str:
    if event.old_key:
        return tr(
            "renamed from {old_key} (see its timeline for what came before)",
            old_key=terminal(event.old_key),
        )
    if event.new_key:
        return tr(
            "renamed to {new_key} (see its timeline for what came after)",
            new_key=terminal(event.new_key),
        )
    if event.cause:
        cause = terminal(retold(event.cause))
        return tr("{kind}: {cause}", kind=wording.WORDS[event.kind], cause=cause)
    return said(wording.NOTES.get(event.kind) or wording.WORDS[event.kind])


def _change_lines(change: FieldChange) -> Iterator[str]:
    for shift in wording.shifts(change):
        old, new = (clip(terminal(words), _WIDEST // 2) for words in (shift.old, shift.new))
        yield f"    {wording.shifted(terminal(shift.field), old, new, shift.words)}"


def _can_draw(out: TextIO) -> bool:
    """Return whether the encoding of `out` has the blocks, and a reader sees them."""
    if plain():
        return False
    try:
        BLOCKS.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _metric_lines(series: Series, *, drawn: bool) -> Iterator[str]:
    """Yield a line for each metric: how it moved, and its first, last, least and largest value."""
    names = {path: clip(terminal(path), _WIDEST // 2) for path in series}
    widest = max(map(width, names.values()), default=0)
    for path, values in series.items():
        there = [value for value in values if value is not None]
        least, last, first, most = (
            terminal(wording.words(path, value))
            for value in (min(there), there[-1], there[0], max(there))
        )
        if plain():
            span = wording.spanned(first, last, least, most)
            yield f"    {names[path]}: {span}"
            continue
        curve = f"{sparkline(values, _CURVE)}  " if drawn else ""
        name = names[path] + " " * (widest - width(names[path]))
        span = tr(
            "{first} → {last} (least {least}, most {most})",
            first=first,
            last=last,
            least=least,
            most=most,
        )
        yield f"    {name}  {curve}{span}"


def _when(moment: Moment) -> str:
    if plain():
        return wording.committed(moment.timestamp, moment.revision)
    return f"{moment.timestamp}  {wording.short(moment.revision)}"


def _field_lines(timeline: Timeline, *, blame: bool = False) -> Iterator[str]:
    """Yield names and values, the values one under the other."""
    names = {name: clip(terminal(name), _WIDEST // 2) for name in timeline.record}
    widest = max(map(width, names.values()), default=0)
    for name, value in timeline.record.items():
        origin = f"{_when(timeline.blame[name])}  " if blame else ""
        shown = "null" if value is None else clip(terminal(wording.cell(name, value)), _WIDEST)
        if plain():
            yield f"    {names[name]}: {shown}" + (f" ({origin.strip()})" if origin else "")
            continue
        yield f"    {origin}{names[name]}{' ' * (widest - width(names[name]))}  {shown}"


def blame(found: Sequence[tuple[str, Timeline]], form: Form, out: TextIO, *, named: bool) -> None:
    """Write which revision gave each field the value that it has; arguments as of `lives`."""
    if form == "text":
        for number, (source, each) in enumerate(found):
            out.write(("\n" if number else "") + _title(each, source * named) + "\n")
            out.writelines(f"{line}\n" for line in _field_lines(each, blame=True))
        return
    rows = (
        (name, {**({"source": source} if named else {}), **_blame_row(each, name)})
        for source, each in found
        for name in each.record
    )
    columns = ("value", "timestamp", "revision")
    fields = ("source", *columns) if named else columns
    export(rows, form, out, title=found[0][1].key, noun=_FIELD, fields=fields)


def _title(timeline: Timeline, source: str) -> str:
    about = f"{terminal(source)}: " if source else ""
    shown = terminal(timeline.shown)
    return about + tr("{record} ({state})", record=shown, state=wording.WORDS[timeline.state])


def _blame_row(timeline: Timeline, name: str) -> dict[str, Any]:
    return {
        "field": name,
        "value": timeline.record[name],
        "timestamp": timeline.blame[name].timestamp,
        "revision": timeline.blame[name].revision,
    }
