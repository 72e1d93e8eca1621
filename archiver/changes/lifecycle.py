"""The life cycle of a record: missing, removed, returned, renamed, in or out of a window."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from archiver.language import stored
from archiver.records.canonical import decode_with_key, line_key
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.records.model import Json, Kind, RecordChange

Pair: TypeAlias = "tuple[bytes | None, bytes | None]"
"""The line before and the line after of one record; None where there is none."""


POSSIBLE_RENAME: Final = stored("possible rename")
"""Cause of a tombstone: a record known by its name alone was taken for the one listed model of
that name."""


class Missing(msgspec.Struct, frozen=True):
    """A record that a complete listing lacked, and that is not removed yet.

    Attributes:
        key: Its key.
        since: Capture time of the first listing that lacked it, UTC.
        listings: How many complete listings in a row lacked it.
    """

    key: str
    since: str
    listings: int

    __repr__ = short


class Tombstone(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that was removed.

    Attributes:
        key: Its key.
        removed_at: Capture time of the listing that confirmed it, UTC.
        last_seen: Capture time of the last snapshot that had it, UTC.
        cause: Why it is gone, in words; empty: unknown.
        now: The key under which it is found now, if it was renamed.
    """

    key: str
    removed_at: str
    last_seen: str
    cause: str = ""
    now: str = ""

    __repr__ = short

    @property
    def reason(self) -> str:
        """Why it is gone, in words; empty: unknown."""
        renamed = POSSIBLE_RENAME if self.cause == POSSIBLE_RENAME else "renamed"
        return (
            stored("{renamed} to {now}", renamed=renamed, now=self.now) if self.now else self.cause
        )


class Unlisted(msgspec.Struct, frozen=True):
    """A record that a snapshot holds though its listing did not name it."""

    key: str

    __repr__ = short


_Row = TypeVar("_Row", Missing, Tombstone, Unlisted)


def read_missing(content: bytes) -> dict[str, Missing]:
    """Return what `write_missing` wrote; ValueError where it did not."""
    return _read(content, Missing)


def write_missing(missing: Mapping[str, Missing]) -> bytes:
    """Return one JSON object a line, by key."""
    return _write(missing)


def read_tombstones(content: bytes) -> dict[str, Tombstone]:
    """Return what `write_tombstones` wrote; ValueError where it did not."""
    return _read(content, Tombstone)


def write_tombstones(tombstones: Mapping[str, Tombstone]) -> bytes:
    """Return one JSON object a line, by key."""
    return _write(tombstones)


def read_unlisted(content: bytes) -> frozenset[str]:
    """Return the keys that `write_unlisted` wrote; ValueError where it did not."""
    return frozenset(_read(content, Unlisted))


def write_unlisted(keys: Iterable[str]) -> bytes:
    """Return one JSON object a line, by key."""
    return _write({key: Unlisted(key) for key in keys})


def sort_out(
    absent: Iterable[str], missing: Mapping[str, Missing], *, confirmations: int, taken: str
) -> tuple[dict[str, Missing], frozenset[str]]:
    """Count one more complete listing that lacks the keys `absent`.

    Args:
        absent: Keys of the snapshot before that the listing lacks.
        missing: What earlier listings lacked.
        confirmations: Listings in a row that a record must be missing from to be removed.
        taken: Capture time of the listing, UTC.

    Returns:
        All absent keys with their new count, and those among them that were missing from enough
        listings. A key that is listed again is forgotten.
    """
    counted = {}
    for key in absent:
        before = missing.get(key) or Missing(key, taken, 0)
        counted[key] = Missing(key, before.since, before.listings + 1)
    ripe = (key for key, each in counted.items() if each.listings >= confirmations)
    return counted, frozenset(ripe)


def _read(content: bytes, row: type[_Row]) -> dict[str, _Row]:
    try:
        return {each.key: each for each in msgspec.json.Decoder(row).decode_lines(content)}
    except UNREADABLE as error:
        raise ValueError(plain(error)) from error


def _write(rows: Mapping[str, _Row]) -> bytes:
    return b"".join(msgspec.json.encode(rows[key]) + b"\n" for key in sorted(rows))


@dataclass(frozen=True)
class Lives:
    """What is known about the records at the two ends of a comparison.

    Attributes:
        before: The tombstones of the old end.
        after: The tombstones of the new end.
        since: Capture time of the old end, UTC, as ``YYYY-MM-DD HH:MM:SS``; empty: unknown.
        window: Whether an end shows only the top of its catalogue: a record that comes into it
            or leaves it may have been there all the time.
    """

    before: Mapping[str, Tombstone] = field(default_factory=dict)
    after: Mapping[str, Tombstone] = field(default_factory=dict)
    since: str = ""
    window: bool = False

    __repr__ = short

    @cached_property
    def silent(self) -> bool:
        """Whether nothing is known: what appears is new, what vanishes is removed."""
        return not (self.before or self.after or self.window)

    @cached_property
    def renames(self) -> Mapping[str, str]:
        """The old key to the new key of records that were renamed between the two ends."""
        stones = (
            stone for key, stone in self.after.items() if stone.now and key not in self.before
        )
        return {stone.key: stone.now for stone in stones}

    def paired(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Yield `pairs`, with the two lines of a renamed record as one pair, at the end.

        Of several records that became one, the first by key was renamed, the others are gone.
        """
        old: dict[str, bytes] = {}
        new: dict[str, bytes] = {}
        wanted = {*self.renames.values()}
        for before, after in pairs:
            if after is None and before and (key := line_key(before).decode()) in self.renames:
                old[key] = before
            elif before is None and after and (key := line_key(after).decode()) in wanted:
                new[key] = after
            else:
                yield before, after
        for key in sorted(old):
            yield old[key], new.pop(self.renames[key], None)
        yield from ((None, new[key]) for key in sorted(new))

    def renamed(self, change: RecordChange) -> RecordChange:
        """Return the `change` of a renamed record with its cause where the rename is a guess."""
        stone = self.after.get(str(change.old_key))
        known = stone is None or stone.cause != POSSIBLE_RENAME
        return change if known else msgspec.structs.replace(change, cause=POSSIBLE_RENAME)

    def appeared(self, line: bytes) -> Kind:
        """Return the kind of change of a record that only the new end has."""
        if line_key(line).decode() in self.before:
            return "returned"
        return "entered" if self.window and not self._created_since(line) else "new"

    def vanished(self, line: bytes) -> Kind:
        """Return the kind of change of a record that only the old end has."""
        known = line_key(line).decode() in self.after
        return "left" if self.window and not known else "removed"

    def classified(self, change: RecordChange, line: bytes) -> RecordChange:
        """Return the `change` of a record that only one end has with its kind and cause."""
        if change.kind == "new":
            return msgspec.structs.replace(change, kind=self.appeared(line))
        stone = self.after.get(change.key)
        reason = stone.reason if stone else ""
        return msgspec.structs.replace(
            change, kind=self.vanished(line), **({"cause": reason} if reason else {})
        )

    def _created_since(self, line: bytes) -> bool:
        created = _moment(decode_with_key(line).get("release_date"))
        return self._began != "" and created > self._began

    @cached_property
    def _began(self) -> str:
        return _moment(self.since)


UNKNOWN = Lives()
"""Nothing is known about any record."""


def _moment(value: Json) -> str:
    """Return an ISO 8601 time, or the start of a day, as capture times are written, in UTC.

    A time without zone is UTC. What is no time is empty: it lies before every capture.
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        if read is None:
            return ""
        time = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return time.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
