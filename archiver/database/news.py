"""Read the tables: what one capture changed, record by record."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from archiver.changes.flapping import COMING, GOING, Moves
from archiver.changes.lifecycle import Tombstone
from archiver.records.jsontext import dump
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Kind

_COLUMNS: Final = """SELECT rows.key, rows.capture, keys.key, rows.kind, coalesce(former.key, ''),
    coalesce(later.key, ''), coalesce(rows.cause, ''), rows.field, rows.old, rows.new"""
_KEYS: Final = """JOIN keys ON keys.id = rows.key
LEFT JOIN keys AS former ON former.id = rows.old_key
LEFT JOIN keys AS later ON later.id = rows.new_key"""
_ALL: Final = f"""{_COLUMNS}
FROM change_rows AS rows {_KEYS}
WHERE rows.capture = ? AND rows.kind <> ''
ORDER BY keys.key, rows.field"""
_FIRST: Final = f"""WITH first AS MATERIALIZED (
    SELECT DISTINCT keys.key, keys.id AS id
    FROM change_rows AS rows JOIN keys ON keys.id = rows.key
    WHERE rows.capture = :capture AND rows.kind = :kind ORDER BY keys.key LIMIT :most
)
{_COLUMNS}
FROM first CROSS JOIN change_rows AS rows ON rows.key = first.id AND rows.capture = :capture
{_KEYS}
WHERE rows.kind = :kind
ORDER BY keys.key, rows.field"""  # noqa: S608  constants

_RENAMED: Final = "CASE rows.kind WHEN '' THEN 'renamed' ELSE rows.kind END"
"""The old key of a rename has a row without kind."""
_LIVES: Final = f"""{_COLUMNS.replace("rows.kind", _RENAMED)}
FROM change_rows AS rows {_KEYS}
WHERE rows.kind <> '' OR rows.new_key IS NOT NULL
ORDER BY rows.key, rows.capture, rows.field"""

_OF_FIELDS: Final = f"""{_COLUMNS}
FROM change_rows AS rows {_KEYS}
WHERE rows.capture > :base AND rows.capture <= :last AND rows.kind = 'updated'
    AND (:fields IS NULL OR rows.field IN (SELECT value FROM json_each(:fields)))
ORDER BY rows.capture DESC, keys.key, rows.field"""  # noqa: S608  constants
_LAST: Final = """SELECT rows.kind, keys.key, max(rows.capture)
FROM change_rows AS rows JOIN keys ON keys.id = rows.key
WHERE rows.capture > :base AND rows.capture <= :last AND rows.kind NOT IN ('', 'updated')
    AND keys.key IN (SELECT value FROM json_each(:keys))
GROUP BY rows.kind, keys.key"""
_MOVES: Final = """SELECT captures.revision, captures.timestamp, keys.key, rows.kind
FROM captures
LEFT JOIN change_rows AS rows ON rows.capture = captures.id AND rows.kind NOT IN ('', 'updated')
LEFT JOIN keys ON keys.id = rows.key
WHERE captures.id <= ? AND captures.status = 'ok'
ORDER BY captures.id DESC"""


class Shift(NamedTuple):
    """A field that changed: its old and new value as canonical JSON; None: absent."""

    field: str
    old: str | None
    new: str | None

    def __repr__(self) -> str:
        return short(self)


class Event(NamedTuple):
    """What one capture changed of one record.

    Attributes:
        number: Number of its key.
        capture: Number of the capture.
        key: Its key.
        kind: What happened.
        old_key: The key that became this one, if any.
        new_key: The key that this one became, if any.
        cause: Why it is gone, if known.
        shifts: The fields that changed, by name; ``updated`` only.
        record: The record as it was when it went, as JSON, where that is asked for.
        flapping: Whether it stands for a time in which the record flapped, of which `cause` tells.
    """

    number: int
    capture: int
    key: str
    kind: Kind
    old_key: str
    new_key: str
    cause: str
    shifts: tuple[Shift, ...]
    record: str | None = None
    flapping: bool = False

    def __repr__(self) -> str:
        return short(self)

    @property
    def reason(self) -> str:
        """Why the record is gone, in words; empty: unknown."""
        if self.kind != "removed":
            return self.cause
        return Tombstone(self.key, "", "", self.cause, self.new_key).reason


def told(connection: sqlite3.Connection, capture: int) -> Iterator[Event]:
    """Yield the news of a capture, by key."""
    return _joined(connection.execute(_ALL, (capture,)))


def first(connection: sqlite3.Connection, capture: int, kind: Kind, most: int) -> Iterator[Event]:
    """Yield the first news of one kind of a capture, by key, without reading the others."""
    values = {"capture": capture, "kind": kind, "most": most}
    return _joined(connection.execute(_FIRST, values))


def by_record(connection: sqlite3.Connection) -> Iterator[Event]:
    """Yield all news of every record, oldest first, in the order of the numbers of their keys.

    A rename is an event of both of its keys.
    """
    return _joined(connection.execute(_LIVES))


def of_fields(
    connection: sqlite3.Connection, fields: Iterable[str] | None, base: int, last: int
) -> Iterator[Event]:
    """Yield what changed some fields after capture `base`, up to capture `last`, newest first.

    None: any fields. Of each event, only what happened to these fields is told.
    """
    names = None if fields is None else dump([*fields]).decode()
    values = {"fields": names, "base": base, "last": last}
    return _joined(connection.execute(_OF_FIELDS, values))


def last_of(
    connection: sqlite3.Connection, keys: Iterable[str], base: int, last: int
) -> Iterator[tuple[Kind, str, int]]:
    """Yield kind, key and the last capture of that kind of news, but updates, of some records."""
    values = {"keys": dump([*keys]).decode(), "base": base, "last": last}
    yield from connection.execute(_LAST, values)


def moves(connection: sqlite3.Connection, last: int) -> Iterator[Moves]:
    """Yield which records came and went in the captures up to number `last`, newest first."""
    rows = connection.execute(_MOVES, (last,))
    for (revision, timestamp), group in groupby(rows, key=itemgetter(0, 1)):
        found = [(key, kind) for _, _, key, kind in group]
        gone = frozenset(key for key, kind in found if kind in GOING)
        back = frozenset(key for key, kind in found if kind in COMING)
        yield Moves(revision, timestamp, gone, back)


def _joined(rows: Iterable[tuple[Any, ...]]) -> Iterator[Event]:
    """Yield one event for the rows of one record in one capture."""
    for facts, group in groupby(rows, key=itemgetter(*range(7))):
        shifts = tuple(Shift(*each[7:]) for each in group if each[7] is not None)
        yield Event._make((*facts, shifts, None, False))
