"""The life of one record: every change of every field, and which revision gave each value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.compare import explain
from archiver.errors import UnknownRecord, UnreadableSnapshot
from archiver.records import canonical
from archiver.records.jsontext import dump
from archiver.watcher import history
from archiver.watcher.comparison import lives
from archiver.watcher.versions import EMPTY, Part, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.changes.lifecycle import Lives
    from archiver.records.model import FieldChange, Kind, Record
    from archiver.records.policy import Policy
    from archiver.watcher.catalogue import Catalogue
    from archiver.watcher.versions import Version, Versions

State: TypeAlias = Literal["present", "removed", "renamed", "left"]

_SUGGESTED = 5


class Moment(msgspec.Struct, frozen=True):
    """A revision and its capture time (``YYYY-MM-DD HH:MM:SS``, UTC)."""

    revision: str
    timestamp: str


class Event(msgspec.Struct, frozen=True):
    """What happened to the record in one revision.

    Attributes:
        at: When.
        kind: What happened. One that was there before and comes again has ``returned``, also
            where nobody noted its removal.
        changes: The fields that differ; empty unless ``updated`` or ``metrics``.
        record: The record from here on; None where it is gone.
        cause: Why it is gone, where that is known; ``removed`` only.
        old_key: The key whose timeline leads here; ``renamed`` only.
        new_key: The key whose timeline goes on from here; ``renamed`` only.
    """

    at: Moment
    kind: Kind
    changes: tuple[FieldChange, ...]
    record: Record | None
    cause: str | UnsetType = UNSET
    old_key: str | UnsetType = UNSET
    new_key: str | UnsetType = UNSET


class Timeline(msgspec.Struct, frozen=True):
    """The life of one record.

    Attributes:
        key: The record's key.
        state: Whether the newest version holds it, or how it went.
        record: The record as it is, or as it last was.
        first_seen: The first revision that holds it.
        last_changed: The revision of its last change.
        events: Every change, newest first.
        blame: Field name to the revision that gave it its value.
    """

    key: str
    state: State
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
    before = _Seen(Moment("", ""), EMPTY, None)
    with history.opened(catalogue) as versions:
        for after in reversed([*_seen(catalogue, versions, key, tip)]):
            event = _event(key, before, after, catalogue.policy, known=bool(events))
            before = after
            if event is not None:
                events.append(event)
        if not events:
            raise _unknown(catalogue, versions, key)
    return _told(key, events)


class _Seen(NamedTuple):
    """The record's line in one version, whose lines are not read any more."""

    at: Moment
    version: Version
    line: bytes | None


def _seen(catalogue: Catalogue, versions: Versions, key: str, tip: str | None) -> Iterator[_Seen]:
    """Yield the record's line in each readable revision, newest first."""
    wanted = key.encode(errors="replace")
    for revision in catalogue.revisions(tip):
        try:
            version = versions.stored(revision)
            line = _line(version, wanted)
        except UnreadableSnapshot:
            continue
        read = replace(version, parts={"": Part(None, tuple)})  # lines of all would fill memory
        yield _Seen(Moment(revision.id, stamp(revision.authored_at)), read, line)


def _line(version: Version, wanted: bytes) -> bytes | None:
    names = len(version.parts)
    name = "" if names == 1 else canonical.shard_name(wanted.decode(), names)
    needle = dump(wanted.decode())
    for line in version.parts[name].lines():
        if needle in line and canonical.line_key(line) == wanted:
            return line
    return None


def _event(key: str, before: _Seen, after: _Seen, policy: Policy, *, known: bool) -> Event | None:
    """Return what happened from one version to the next; `known`: it was there before."""
    if before.line == after.line:
        return None
    if before.line is None:
        assert after.line is not None  # noqa: S101  they differ
        return _came(key, after.at, after.line, lives(before.version, after.version), known=known)
    if after.line is None:
        return _went(key, after.at, before.line, lives(before.version, after.version))
    change = explain(before.line, after.line, policy)
    if change is None or not change.changes:
        return None
    return Event(after.at, change.kind, change.changes, canonical.decode(after.line))


def _came(key: str, at: Moment, line: bytes, ends: Lives, *, known: bool) -> Event:
    record = canonical.decode(line)
    olds = [old for old, new in ends.renames.items() if new == key]
    if olds:
        return Event(at, "renamed", (), record, old_key=min(olds))
    kind = ends.appeared(line)
    return Event(at, "returned" if known and kind == "new" else kind, (), record)


def _went(key: str, at: Moment, line: bytes, ends: Lives) -> Event:
    stone = ends.after.get(key)
    if stone is not None and stone.now:
        return Event(at, "renamed", (), None, new_key=stone.now)
    cause = stone.cause if stone else ""
    return Event(at, ends.vanished(line), (), None, cause=cause or UNSET)


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
        state="present" if events[-1].record is not None else _gone(events[-1].kind),
        record=record,
        first_seen=events[0].at,
        last_changed=events[-1].at,
        events=tuple(reversed(events)),
        blame=blame,
    )


def _gone(kind: Kind) -> State:
    return kind if kind in ("left", "renamed") else "removed"


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
