"""Write the log: as lines for people, as rows for programs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.cli import output
from archiver.history.folder import shown
from archiver.language import plain, retold, said, tr
from archiver.records.model import KINDS, Summary
from archiver.records.text import Noun, clip, more, terminal
from archiver.render import wording
from archiver.render.export import export

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO, TypeAlias

    from archiver.changes.flapping import Episode
    from archiver.history.catalogue import Catalogue
    from archiver.history.log import Entry
    from archiver.records.model import Record
    from archiver.render.view import Form

    Logged: TypeAlias = tuple[Catalogue, Entry]
    Flapped: TypeAlias = dict[tuple[str, str], list[Episode]]
    """Source and revision to the episodes that end there."""

_WIDEST: Final = 100
_FLAPS: Final = 5
_TABLES: Final = frozenset({"csv", "csv-raw", "markdown", "html"})
_REVISION: Final = Noun("revision", "revisions")
_VERSION: Final = Noun("version", "versions")
_COUNTS: Final = ("timestamp", "total", *KINDS, "unchanged", "status", "reason", "subject")
_PAGE: Final = ("timestamp", "changes", "subject", "reason")


def log(
    entries: Iterable[Logged],
    form: Form,
    out: TextIO,
    catalogues: Sequence[Catalogue],
    flapped: Flapped | None = None,
) -> None:
    """Write the entries of a log.

    Args:
        entries: Catalogue and entry, newest first.
        form: The format. ``json`` and ``jsonl`` have `Entry` as it is, CSV its counts, the
            others the words for them.
        out: Where to.
        catalogues: Those that were asked; of several, each entry names its own.
        flapped: What is told of the revisions in which an episode ends, once they are written.
    """
    several, known = len(catalogues) > 1, {} if flapped is None else flapped
    if form == "text":
        for _, alike in groupby(entries, key=_problem):
            (catalogue, entry), *older = alike
            lines = _entry_lines(entry, catalogue, named=several)
            flaps = _flaps(known.pop((catalogue.source, entry.revision), ()))
            out.writelines(f"{line}\n" for line in (*lines, *flaps, *_older(older)))
        return
    rows = (
        (entry.revision, {**({"source": catalogue.source} if several else {}), **row})
        for catalogue, entry in entries
        for row in (_flat(entry, catalogue.noun) if form in _TABLES else _whole(entry),)
    )
    columns = _COUNTS if form in ("csv", "csv-raw") else _PAGE
    title = tr("{sources}: log", sources=", ".join(each.source for each in catalogues))
    fields = ("source", *columns) if several else columns
    export(rows, form, out, title=title, noun=_REVISION, fields=fields)


def _problem(logged: Logged) -> tuple[str, ...]:
    """Return what versions in a row share that cannot be read for the same reason."""
    catalogue, entry = logged
    if entry.status == "unreadable":
        return catalogue.source, entry.reason or ""
    return catalogue.source, entry.revision, "readable"


def _older(entries: Sequence[Logged]) -> Iterator[str]:
    if entries:
        _, oldest = entries[-1]
        number = _VERSION.counted(len(entries))
        since = f"{oldest.timestamp} ({wording.short(oldest.revision)})"
        yield tr("    so are {number} before it, back to {since}", number=number, since=since)


def _flaps(episodes: Sequence[Episode]) -> Iterator[str]:
    for each in episodes[:_FLAPS]:
        key, words = clip(terminal(each.key), _WIDEST), retold(each.words)
        yield f"    {key}: {words}" if plain() else f"    {wording.FLAPPING} {key} {words}"
    if len(episodes) > _FLAPS:
        yield f"    {said(more(len(episodes) - _FLAPS))}"


def _whole(entry: Entry) -> Record:
    row: Record = msgspec.to_builtins(entry)
    return row


def _flat(entry: Entry, noun: Noun) -> Record:
    """Return an entry as one row, its counts beside the rest."""
    row = _whole(entry)
    return {**row, **(row.pop("summary") or {}), "changes": _counts(entry, noun)}


def _entry_lines(entry: Entry, catalogue: Catalogue, *, named: bool) -> Iterator[str]:
    counts = terminal(_counts(entry, catalogue.noun))
    source = f"{terminal(catalogue.source)}: " if named else ""
    if plain():
        yield f"{wording.committed(entry.timestamp, entry.revision)}: {source}{counts}"
    else:
        yield f"{entry.timestamp}  {wording.short(entry.revision)}  {source}{counts}"
    # The subjects of other people's commits say more than the counts.
    if catalogue.config is None or entry.summary == Summary(unchanged=entry.total or 0):
        yield f"    {clip(terminal(entry.subject), _WIDEST)}"
    if entry.path:
        yield tr("    at {path}", path=clip(terminal(shown(entry.path)), _WIDEST))
    if entry.reason:
        yield f"    {terminal(retold(entry.reason))}"


def _counts(entry: Entry, noun: Noun) -> str:
    if entry.status == "unreadable":
        return tr("unreadable")
    if entry.status == "edge":
        return tr("where this clone ends ({records})", records=noun.counted(entry.total or 0))
    return wording.headline(
        entry.summary or Summary(), entry.total or 0, first=entry.status == "first", noun=noun
    )


def left_out(number: int, form: Form, out: TextIO) -> None:
    """Write how much a limit left out: in text itself, otherwise to standard error."""
    if number and form == "text":
        out.write(f"{said(more(number))}\n")
    elif number:
        output.note(more(number))
