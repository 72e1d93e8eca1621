"""Read the tables: what one capture changed, record by record."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from archiver.records.model import Kind

_CHANGES: Final = """SELECT rows.key, keys.key, rows.kind, coalesce(former.key, ''),
    coalesce(later.key, ''), coalesce(rows.cause, ''), rows.field, rows.old, rows.new
FROM change_rows AS rows
JOIN keys ON keys.id = rows.key
LEFT JOIN keys AS former ON former.id = rows.old_key
LEFT JOIN keys AS later ON later.id = rows.new_key
WHERE rows.capture = ? AND rows.kind <> ''
ORDER BY keys.key, rows.field"""


class Shift(NamedTuple):
    """A field that changed: its old and new value as canonical JSON; None: absent."""

    field: str
    old: str | None
    new: str | None

    def __repr__(self) -> str:
        return short(self)


class Told(NamedTuple):
    """What one capture changed of one record.

    Attributes:
        number: Number of its key.
        key: Its key.
        kind: What happened.
        old_key: The key that became this one, if any.
        new_key: The key that this one became, if any.
        cause: Why it is gone, if known.
        shifts: The fields that changed, by name; ``updated`` only.
    """

    number: int
    key: str
    kind: Kind
    old_key: str
    new_key: str
    cause: str
    shifts: tuple[Shift, ...]

    def __repr__(self) -> str:
        return short(self)


def told(connection: sqlite3.Connection, capture: int) -> Iterator[Told]:
    """Yield the news of a capture, by key."""
    rows = connection.execute(_CHANGES, (capture,))
    for record, group in groupby(rows, key=itemgetter(*range(6))):
        shifts = tuple(Shift(*each[6:]) for each in group if each[6] is not None)
        number, key, kind, old_key, new_key, cause = record
        yield Told(number, key, kind, old_key, new_key, cause, shifts)
