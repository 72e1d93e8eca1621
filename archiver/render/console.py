"""Changes as text for a terminal, streamed."""

from __future__ import annotations

from itertools import chain, islice
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from archiver.changes.severity import severity_of
from archiver.language import plain, retold, said, tr
from archiver.records import text
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TextIO

    from archiver.records.model import FieldSummary, Kind, RecordChange
    from archiver.render.view import ChangeStream, Shown, View

COLOURS: Final[Mapping[Kind, str]] = {
    "new": "\x1b[32m",
    "returned": "\x1b[32m",
    "entered": "\x1b[32m",
    "removed": "\x1b[31m",
    "left": "\x1b[31m",
    "renamed": "\x1b[36m",
    "updated": "\x1b[33m",
    "metrics": "\x1b[2m",
}
"""The style for a terminal with colours (ECMA-48, SGR)."""

_PLAIN: Final = "\x1b[0m"
_COLUMNS: Final = 60
_LEAVES: Final = 20
_HELD: Final = 4_000_000
"""Bytes of text that wait in memory."""


def write(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write the two ends, a mark and a key for each change with its fields, and the counts.

    What happened to most records comes first, then what is breaking; the others wait, in a file
    where they are many.
    """
    source = text.terminal(stream.source)
    old, current = (text.terminal(wording.end(end)) for end in (stream.old, stream.current))
    if plain():
        span = tr("{source}: from {old} to {current}", source=source, old=old, current=current)
        out.write(f"{span}\n")
    else:
        out.write(f"{source}: {old} → {current}\n")
    with SpooledTemporaryFile(_HELD, "w+", encoding="utf-8", newline="") as others:
        changes = iter(shown)
        first = [*islice(changes, 1)]  # with it, what happened to most records is known
        out.writelines(summaries(shown.fields))
        if any(each.prefix is UNSET for each in shown.fields):
            hint = tr("  (--all lists each record)")
            out.write(f"{hint}\n")
        for each in chain(first, changes):
            place = out if severity_of(each) == "breaking" else others
            place.writelines(change(each, view.style, name_only=view.name_only))
        others.seek(0)
        copyfileobj(others, out)
    if shown.left_out:
        out.write(f"{said(text.more(shown.left_out.total()))}\n")
    counts = wording.headline(stream.summary(), stream.current.total, noun=stream.noun)
    out.write(f"{source}: {wording.folded(counts, stream.folded.total())}\n")


def summaries(fields: Iterable[FieldSummary]) -> Iterator[str]:
    """Yield a line for each field that changed in most records."""
    for each in fields:
        yield f"* {text.terminal(wording.said_once(each))}\n"


def change(
    change: RecordChange, style: Mapping[Kind, str], *, name_only: bool = False
) -> Iterator[str]:
    """Yield the lines of one change: its mark and key, then its fields.

    Args:
        change: The change.
        style: ANSI sequence with which each kind starts; empty: no colour.
        name_only: Only mark and key.
    """
    yield _first_line(change, style.get(change.kind, ""))
    if not name_only:
        yield from _field_lines(change)


def _first_line(change: RecordChange, colour: str) -> str:
    kind = change.kind
    line = _marked(change)
    note = wording.NOTES.get(kind, "") if change.cause is UNSET else retold(change.cause)
    if change.changes is not UNSET and severity_of(change) == "breaking":
        note = wording.SEVERITIES["breaking"]
    note = text.terminal(note)
    line += tr(" ({words})", words=note) if note else ""
    return f"{colour}{line}{_PLAIN}\n" if colour else f"{line}\n"


def _marked(change: RecordChange) -> str:
    """Return the mark of a change and its record; read aloud, the kind in a word."""
    shown = text.terminal(wording.shown(change))
    old = None if change.old_key is UNSET else text.terminal(change.old_key)
    if plain():
        if old is not None:
            return tr("renamed: {old}, now {record}", old=old, record=shown)
        return tr("{kind}: {record}", kind=wording.WORDS[change.kind], record=shown)
    return f"{wording.mark(change)} {shown}" if old is None else f"= {old} → {shown}"


def _field_lines(change: RecordChange) -> Iterator[str]:
    fields = () if change.changes is UNSET else change.changes
    shifts = list(chain.from_iterable(map(wording.shifts, fields)))
    for shift in shifts[:_LEAVES]:
        field, old, new = text.terminal(shift.field), _cell(shift.old), _cell(shift.new)
        yield f"    {wording.shifted(field, old, new, shift.words)}\n"
    if len(shifts) > _LEAVES:
        yield f"    {said(text.more(len(shifts) - _LEAVES))}\n"


def _cell(words: str) -> str:
    return text.clip(text.terminal(words), _COLUMNS)
