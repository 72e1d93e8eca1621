"""The life of one record: every change of every field, and which revision gave each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from archiver.changes.compare import explain
from archiver.errors import UnknownRecord, UnreadableSnapshot
from archiver.records import canonical
from archiver.records.jsontext import dump
from archiver.watcher import history
from archiver.watcher.versions import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import FieldChange, Kind, Record
    from archiver.store.history import Revision
    from archiver.watcher.catalogue import Catalogue
    from archiver.watcher.versions import Version, Versions

_SUGGESTED = 5


class Moment(msgspec.Struct, frozen=True):
    """A revision and its capture time (``YYYY-MM-DD HH:MM:SS``, UTC)."""

    revision: str
    timestamp: str


class Event(msgspec.Struct, frozen=True):
    """What happened to the record in one revision.

    Attributes:
        at: When.
        kind: ``new``, ``updated``, ``metrics``, ``removed`` or ``returned``.
        changes: The fields that differ; empty unless ``updated`` or ``metrics``.
        record: The record from here on; None when it was removed.
    """

    at: Moment
    kind: Kind
    changes: tuple[FieldChange, ...]
    record: Record | None


class Timeline(msgspec.Struct, frozen=True):
    """The life of one record.

    Attributes:
        key: The record's key.
        state: Whether the newest version holds it.
        record: The record as it is, or as it last was.
        first_seen: The first revision that holds it.
        last_changed: The revision of its last change.
        events: Every change, newest first.
        blame: Field name to the revision that gave it its value.
    """

    key: str
    state: Literal["present", "removed"]
    record: Record
    first_seen: Moment
    last_changed: Moment
    events: tuple[Event, ...]
    blame: dict[str, Moment]


def timeline(catalogue: Catalogue, key: str, *, tip: str | None = None) -> Timeline:
    """Return the life of the record `key`, up to the commit `tip` (None: the newest).

    Raises:
        UnknownRecord: No version holds the key.
        ShallowHistory: The clone ends before the first version.
    """
    events: list[Event] = []
    before: bytes | None = None
    with history.opened(catalogue) as versions:
        for revision, line in reversed([*_lines(catalogue, versions, key, tip)]):
            event = _event(revision, before, line, catalogue, seen=bool(events))
            before = line
            if event is not None:
                events.append(event)
        if not events:
            raise _unknown(catalogue, versions, key)
    return _told(key, events)


def _lines(
    catalogue: Catalogue, versions: Versions, key: str, tip: str | None
) -> Iterator[tuple[Revision, bytes | None]]:
    """Yield the record's line in each readable revision, newest first."""
    wanted = key.encode(errors="replace")
    for revision in catalogue.revisions(tip):
        try:
            yield revision, _line(versions.stored(revision), wanted)
        except UnreadableSnapshot:
            continue


def _line(version: Version, wanted: bytes) -> bytes | None:
    names = len(version.parts)
    name = "" if names == 1 else canonical.shard_name(wanted.decode(), names)
    needle = dump(wanted.decode())
    for line in version.parts[name].lines():
        if needle in line and canonical.line_key(line) == wanted:
            return line
    return None


def _event(
    revision: Revision,
    before: bytes | None,
    after: bytes | None,
    catalogue: Catalogue,
    *,
    seen: bool,
) -> Event | None:
    if before == after:
        return None
    at = Moment(revision.id, stamp(revision.authored_at))
    record = None if after is None else canonical.decode(after)
    if before is None:
        return Event(at, "returned" if seen else "new", (), record)
    if after is None:
        return Event(at, "removed", (), None)
    change = explain(before, after, catalogue.policy)
    if change is None or not change.changes:
        return None
    return Event(at, change.kind, change.changes, record)


def _told(key: str, events: list[Event]) -> Timeline:
    """Tell the life from its `events`, oldest first."""
    blame: dict[str, Moment] = {}
    record: Record = {}
    for event in events:
        if event.record is not None:
            changed = {change.field for change in event.changes} or event.record.keys()
            blame = {name: blame.get(name, event.at) for name in event.record}
            blame |= {name: event.at for name in changed if name in event.record}
            record = event.record
    return Timeline(
        key=key,
        state="present" if events[-1].record is not None else "removed",
        record=record,
        first_seen=events[0].at,
        last_changed=events[-1].at,
        events=tuple(reversed(events)),
        blame=blame,
    )


def _unknown(catalogue: Catalogue, versions: Versions, key: str) -> UnknownRecord:
    newest = next(history.readable(versions, catalogue.revisions()), None)
    near = [] if newest is None else _near(key, newest[1].lines())
    hint = f"did you mean {', '.join(near)}?" if near else "`archiver search` finds records"
    return UnknownRecord(f"no version holds a record {key!r}", hint=hint)


def _near(key: str, lines: Iterable[bytes]) -> list[str]:
    wanted = key.casefold()
    found: list[str] = []
    for line in lines:
        known = canonical.line_key(line).decode()
        if wanted in known.casefold():
            found.append(known)
            if len(found) == _SUGGESTED:
                break
    return found
