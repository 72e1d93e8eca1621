"""Tell the log and the life of a record: line by line to a person, as rows to a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.cli import output
from archiver.records.model import KINDS, Summary
from archiver.records.text import Noun, clip, more, terminal
from archiver.render import wording
from archiver.render.export import export
from archiver.render.table import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from archiver.history.catalogue import Catalogue
    from archiver.history.log import Entry
    from archiver.history.timeline import Event, Moment, Timeline
    from archiver.records.model import FieldChange
    from archiver.render.export import Keyed
    from archiver.render.view import Form

_WIDEST: Final = 100
_REVISION: Final = Noun("revision", "revisions")
_CHANGE: Final = Noun("change", "changes")
_FIELD: Final = Noun("field", "fields")
_COUNTS: Final = ("timestamp", "total", *KINDS, "unchanged", "status", "reason", "subject")
_PAGE: Final = ("timestamp", "changes", "subject", "reason")
_EVENT_COLUMNS: Final = ("timestamp", "kind", "field", "old", "new")


def log(entries: Iterable[Entry], form: Form, out: TextIO, catalogue: Catalogue) -> None:
    """Write the entries of a log.

    Args:
        entries: Newest first.
        form: The format. ``json`` and ``jsonl`` have `Entry` as it is, CSV its counts, the
            others the words for them.
        out: Where to.
        catalogue: Says what its records are called. Without an archiver.toml the commits are
            other people's: their subjects say more than the counts.
    """
    if form == "text":
        for entry in entries:
            out.writelines(f"{line}\n" for line in _entry_lines(entry, catalogue))
    elif form in ("json", "jsonl"):
        rows = ((entry.revision, msgspec.to_builtins(entry)) for entry in entries)
        export(rows, form, out)
    else:
        columns = _COUNTS if form == "csv" else _PAGE
        rows = (_flat(entry, catalogue.noun) for entry in entries)
        title = f"{catalogue.source}: log"
        export(rows, form, out, title=title, noun=_REVISION, fields=columns)


def _flat(entry: Entry, noun: Noun) -> Keyed:
    """Return an entry as one row, its counts beside the rest."""
    row = msgspec.to_builtins(entry)
    return entry.revision, {**row, **(row.pop("summary") or {}), "changes": _counts(entry, noun)}


def _entry_lines(entry: Entry, catalogue: Catalogue) -> Iterator[str]:
    counts = terminal(_counts(entry, catalogue.noun))
    yield f"{entry.timestamp}  {wording.short(entry.revision)}  {counts}"
    if catalogue.config is None or entry.summary == Summary(unchanged=entry.total or 0):
        yield f"    {clip(terminal(entry.subject), _WIDEST)}"
    if entry.reason:
        yield f"    {terminal(entry.reason)}"


def _counts(entry: Entry, noun: Noun) -> str:
    if entry.status == "unreadable":
        return "unreadable"
    return wording.headline(
        entry.summary or Summary(), entry.total or 0, first=entry.status == "first", noun=noun
    )


def life(timeline: Timeline, form: Form, out: TextIO, *, limit: int | None) -> int:
    """Write the life of a record; return how many events the `limit` left out."""
    events = timeline.events[:limit]
    if form == "text":
        out.writelines(f"{line}\n" for line in _life_lines(timeline, events))
    elif form == "json":
        shown = msgspec.structs.replace(timeline, events=events)
        out.write(msgspec.json.encode(shown).decode() + "\n")
    elif form == "jsonl":
        out.writelines(msgspec.json.encode(event).decode() + "\n" for event in events)
    else:
        rows = (row for event in events for row in _event_rows(event))
        export(rows, form, out, title=timeline.key, noun=_CHANGE, fields=_EVENT_COLUMNS)
    return len(timeline.events) - len(events)


def left_out(number: int, form: Form, out: TextIO) -> None:
    """Say how much a limit left out: in a text itself, beside any other form."""
    if number and form == "text":
        out.write(f"{more(number)}\n")
    elif number:
        output.note(more(number))


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


def _life_lines(timeline: Timeline, events: tuple[Event, ...]) -> Iterator[str]:
    yield f"{terminal(timeline.key)} ({timeline.state})"
    yield f"first seen    {_when(timeline.first_seen)}"
    yield f"last changed  {_when(timeline.last_changed)}"
    yield ""
    yield from _field_lines(timeline)
    for event in events:
        yield ""
        yield f"{_when(event.at)}  {_happened(event)}"
        for change in event.changes:
            yield from _change_lines(change)


def _happened(event: Event) -> str:
    if event.old_key:
        return f"renamed from {terminal(event.old_key)} (see its timeline for what came before)"
    if event.new_key:
        return f"renamed to {terminal(event.new_key)} (see its timeline for what came after)"
    if event.cause:
        return f"{event.kind}: {terminal(event.cause)}"
    return wording.NOTES.get(event.kind, event.kind)


def _change_lines(change: FieldChange) -> Iterator[str]:
    for shift in wording.shifts(change):
        old, new = (clip(terminal(words), _WIDEST // 2) for words in (shift.old, shift.new))
        yield f"    {terminal(shift.field)}: {old} → {new}"


def _when(moment: Moment) -> str:
    return f"{moment.timestamp}  {wording.short(moment.revision)}"


def _field_lines(timeline: Timeline, *, blame: bool = False) -> Iterator[str]:
    """Yield names and values, the values one under the other."""
    names = {name: clip(terminal(name), _WIDEST // 2) for name in timeline.record}
    widest = max(map(len, names.values()), default=0)
    for name, value in timeline.record.items():
        origin = f"{_when(timeline.blame[name])}  " if blame else ""
        shown = "null" if value is None else clip(terminal(cell(name, value)), _WIDEST)
        yield f"    {origin}{names[name]:<{widest}}  {shown}"


def blame(timeline: Timeline, form: Form, out: TextIO) -> None:
    """Write which revision gave each field the value that it has."""
    if form == "text":
        out.write(f"{terminal(timeline.key)} ({timeline.state})\n")
        out.writelines(f"{line}\n" for line in _field_lines(timeline, blame=True))
        return
    rows = ((name, _blame_row(timeline, name)) for name in timeline.record)
    fields = ("value", "timestamp", "revision")
    export(rows, form, out, title=timeline.key, noun=_FIELD, fields=fields)


def _blame_row(timeline: Timeline, name: str) -> dict[str, Any]:
    return {
        "field": name,
        "value": timeline.record[name],
        "timestamp": timeline.blame[name].timestamp,
        "revision": timeline.blame[name].revision,
    }
