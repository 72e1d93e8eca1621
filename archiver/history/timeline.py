"""The life of one record: every change of every field, and which revision gave each value."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.compare import explain
from archiver.database.reading import stages, unreadable
from archiver.errors import UnknownRecord, UnreadableSnapshot, reason
from archiver.history.comparison import lives
from archiver.history.index import advised, index
from archiver.history.unreadable import Problems, called
from archiver.history.versions import EMPTY, STAMP, Part, arrival, opened, stamp
from archiver.language import joined, sentence
from archiver.records import canonical
from archiver.records.jsontext import dump
from archiver.records.key import label_of
from archiver.records.representation import short
from archiver.records.text import named
from archiver.store.history import Revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archiver.changes.lifecycle import Lives
    from archiver.database.reading import Stage
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.history.versions import Version, Versions
    from archiver.records.model import FieldChange, Kind, Record
    from archiver.records.policy import Policy

State: TypeAlias = Literal["present", "removed", "renamed", "left"]
Number: TypeAlias = int | float
Series: TypeAlias = "dict[str, list[Number | None]]"

_SUGGESTED = 5

_log = logging.getLogger(__name__)


class Moment(msgspec.Struct, frozen=True):
    """A revision and its capture time (``YYYY-MM-DD HH:MM:SS``, UTC)."""

    revision: str
    timestamp: str

    __repr__ = short


class Event(msgspec.Struct, frozen=True):
    """What happened to the record in one revision.

    Attributes:
        at: When.
        kind: What happened. One that was there before and comes again has ``returned``, also
            where its removal was not recorded.
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

    __repr__ = short


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
        label: What people read instead of the key, where the source has a `label`.
    """

    key: str
    state: State
    record: Record
    first_seen: Moment
    last_changed: Moment
    events: tuple[Event, ...]
    blame: dict[str, Moment]
    label: str | UnsetType = UNSET

    __repr__ = short

    @property
    def shown(self) -> str:
        """What people read of the record, not yet safe for a sink."""
        return self.key if self.label is UNSET else named(self.key, self.label)


def timeline(catalogue: Catalogue, key: str, *, tip: str | None = None) -> Timeline:
    """Return the life of the record `key`, up to the commit `tip` (None: the newest).

    Raises:
        UnknownRecord: No version holds the key.
        UnreadableSnapshot: No version can be read.
        ShallowHistory: The clone ends before the first version.
    """
    found = timelines(catalogue, (key,), tip=tip)
    if key not in found:
        if end := catalogue.not_here(tip):
            raise end
        with opened(catalogue) as versions:
            raise _unknown(catalogue, versions, key)
    return found[key]


def timelines(
    catalogue: Catalogue, keys: Iterable[str], *, tip: str | None = None
) -> dict[str, Timeline]:
    """Return the lives of several records, in one pass through the history.

    A key that no version holds is left out. Arguments and errors are those of `timeline`.
    """
    if end := catalogue.not_here(tip):
        _log.warning(joined("; ", (reason(end), end.hint)))
    with index(catalogue, tip) as known:
        if known is not None:
            _problems(catalogue, known).warn(catalogue)
            found = {key: _indexed(known, key, catalogue.policy) for key in dict.fromkeys(keys)}
        else:
            found = _compared(catalogue, keys, tip)
    return {key: _told(key, events, catalogue.policy) for key, events in found.items() if events}


def _problems(catalogue: Catalogue, known: Index) -> Problems:
    """Return the problems of versions that cannot be read, as the index says."""
    problems = Problems()
    for revision, authored_at, why in unreadable(known.connection, known.last):
        time = datetime.strptime(authored_at, STAMP).replace(tzinfo=UTC)
        found = Revision(revision, None, catalogue.path, time, time, "", {})
        problems.add(found, UnreadableSnapshot(why))
    return problems


def _indexed(known: Index, key: str, policy: Policy) -> list[Event]:
    """Return what happened to one record, oldest first, as the index says."""
    events: list[Event] = []
    before: bytes | None = None
    for stage in stages(known.connection, key, known.last):
        event = _staged(before, stage, policy, known=bool(events))
        before = stage.line
        if event is not None:
            events.append(event)
    return events


def _staged(before: bytes | None, stage: Stage, policy: Policy, *, known: bool) -> Event | None:
    """Return what happened at a stage; `known`: the record was there at some time before."""
    at = Moment(stage.revision, stage.authored_at)
    if before is None or stage.line is None:
        return _appeared_or_gone(at, stage, known=known)
    change = explain(before, stage.line, policy)
    if change is None or not change.changes:
        return None
    return Event(at, change.kind, change.changes, canonical.decode(stage.line))


def _appeared_or_gone(at: Moment, stage: Stage, *, known: bool) -> Event:
    kind = cast("Kind", stage.kind or "new")
    if stage.line is None:
        if stage.new_key:
            return Event(at, "renamed", (), None, new_key=stage.new_key)
        return Event(at, kind, (), None, cause=stage.cause or UNSET)
    record = canonical.decode(stage.line)
    if stage.old_key:
        return Event(at, "renamed", (), record, old_key=stage.old_key)
    return Event(at, "returned" if known and kind == "new" else kind, (), record)


def _compared(catalogue: Catalogue, keys: Iterable[str], tip: str | None) -> dict[str, list[Event]]:
    """Return what happened to each record, oldest first, by reading every version."""
    wanted = {key: key.encode(errors="replace") for key in keys}
    problems = Problems()
    with opened(catalogue) as versions:
        passed = [*_seen(catalogue, versions, wanted, tip, problems)]
        if problems and not passed:
            raise problems.error(catalogue)
        problems.warn(catalogue)
        versions.ahead.stones(_alone(passed, wanted))
        return {key: _events(key, reversed(passed), catalogue.policy) for key in wanted}


def _alone(passed: Sequence[_Seen], keys: Iterable[str]) -> Iterator[Revision]:
    """Yield the revisions of two versions of which only one has some of the records."""
    for after, before in pairwise(passed):
        if any((key in after.lines) != (key in before.lines) for key in keys):
            yield from (after.revision, before.revision)


class _Seen(NamedTuple):
    """The records' lines in one version, whose lines are not read any more."""

    at: Moment
    version: Version
    lines: Mapping[str, bytes]
    revision: Revision


def _seen(
    catalogue: Catalogue,
    versions: Versions,
    wanted: Mapping[str, bytes],
    tip: str | None,
    problems: Problems,
) -> Iterator[_Seen]:
    """Yield the records' lines in each readable revision, newest first.

    The `problems` of the others are collected.
    """
    found = versions.ahead.searched(catalogue.revisions(tip), wanted)
    for revision in advised(catalogue, found):
        for note in arrival(revision):
            _log.warning(joined(": ", (called(revision), note)))
        try:
            version = versions.stored(revision)
            lines = dict(_lines(version, wanted))
        except UnreadableSnapshot as error:
            problems.add(revision, error)
            continue
        read = replace(version, parts={"": Part(None, tuple)})  # lines of all would fill memory
        yield _Seen(Moment(revision.id, stamp(revision.authored_at)), read, lines, revision)


def _lines(version: Version, wanted: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield key and line of the records that a version has; shards without any are not read."""
    names = len(version.parts)
    shards: dict[str, dict[bytes, str]] = {}
    for key, encoded in wanted.items():
        name = "" if names == 1 else canonical.shard_name(encoded.decode(), names)
        shards.setdefault(name, {})[encoded] = key
    for name, keys in shards.items():
        held = version.parts[name].records
        if held is not None:
            yield from ((key, held[key]) for key in keys.values() if key in held)
            continue
        yield from _found(version.parts[name].lines(), keys)


def _found(lines: Iterable[bytes], keys: dict[bytes, str]) -> Iterator[tuple[str, bytes]]:
    left = len(keys)
    needle = dump(next(iter(keys)).decode()) if left == 1 else b""  # much faster than any key
    for line in lines:
        if needle in line and (found := canonical.line_key(line)) in keys:
            yield keys[found], line
            left -= 1
            if not left:
                return


def _events(key: str, passed: Iterable[_Seen], policy: Policy) -> list[Event]:
    """Return what happened to one record, oldest first."""
    events: list[Event] = []
    before: _Seen | None = None
    for after in passed:
        event = _event(key, before, after, policy, known=bool(events))
        before = after
        if event is not None:
            events.append(event)
    return events


def _event(
    key: str, before: _Seen | None, after: _Seen, policy: Policy, *, known: bool
) -> Event | None:
    """Return what happened from one version to the next; `known`: it was there before."""
    old, new = before and before.lines.get(key), after.lines.get(key)
    if old == new:
        return None
    if old is None or new is None:
        ends = lives(before.version if before else EMPTY, after.version)
        if new is not None:
            return _came(key, after.at, new, ends, known=known)
        assert old is not None  # noqa: S101  they differ
        return _went(key, after.at, old, ends)
    change = explain(old, new, policy)
    if change is None or not change.changes:
        return None
    return Event(after.at, change.kind, change.changes, canonical.decode(new))


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


def _told(key: str, events: list[Event], policy: Policy) -> Timeline:
    """Build the timeline from its `events`, oldest first."""
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
        label=(policy.label and label_of(record, policy.label)) or UNSET,
    )


def series(timeline: Timeline, policy: Policy) -> Series:
    """Return the values that each metric of a record had, oldest first, by its dotted path.

    None: it was absent, or no number. They follow from the timeline alone, whether git or an index
    told it. A metric that never changed is left out.
    """
    told = [event.record or {} for event in reversed(timeline.events)]
    found = [dict(_numbers(record, policy)) for record in told]
    paths = {path for each in found for path in each}
    values = {path: [*_each_once(each.get(path) for each in found)] for path in sorted(paths)}
    return {path: each for path, each in values.items() if len({*each} - {None}) > 1}


def _each_once(values: Iterable[Number | None]) -> Iterator[Number | None]:
    """Yield values without those that equal the one before."""
    return (value for value, _ in groupby(values))


def _numbers(record: Record, policy: Policy) -> Iterator[tuple[str, Number]]:
    for name, value in record.items():
        for path, number in policy.measured(name, value) if policy.concerns(name) else ():
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                yield path, number


def _gone(kind: Kind) -> State:
    return kind if kind in ("left", "renamed") else "removed"


def _unknown(catalogue: Catalogue, versions: Versions, key: str) -> UnknownRecord:
    from archiver.history.queries import readable  # noqa: PLC0415  for a wrong key only

    newest = next(readable(versions, catalogue.revisions()), None)
    label = catalogue.policy.label
    near = [] if newest is None else _near(key, newest[1].lines(), label)
    hint = (
        sentence("did you mean {near}?", near=", ".join(near))
        if near
        else sentence("`archiver search` finds records")
    )
    return UnknownRecord(sentence("no version holds a record {key!r}", key=key), hint=hint)


def _near(key: str, lines: Iterable[bytes], label: str) -> list[str]:
    """Return records whose key or label holds the words, as people read them."""
    wanted = key.casefold()
    found: list[str] = []
    for line in lines:
        known = canonical.line_key(line).decode()
        if label:
            known = named(known, label_of(canonical.decode(line), label))
        if wanted in known.casefold():
            found.append(known)
            if len(found) == _SUGGESTED:
                break
    return found
