"""Read the tables: what stood at two captures, and what did only between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_AT_BASE: Final = "valid_from <= :base AND (valid_to IS NULL OR valid_to > :base)"
_AT_LAST: Final = "valid_from <= :last AND (valid_to IS NULL OR valid_to > :last)"
_BOTH: Final = f"""SELECT record, {_AT_BASE}, {_AT_LAST} FROM record_rows
WHERE ({_AT_BASE}) OR ({_AT_LAST})"""  # noqa: S608  constants
_RENAMED: Final = """SELECT key FROM change_rows
    WHERE capture > :base AND capture <= :last
        AND (kind = 'renamed' OR kind = '' AND new_key IS NOT NULL)"""
_PASSED: Final = f"""SELECT keys.key, min(rows.valid_from), max(rows.valid_to)
FROM record_rows AS rows JOIN keys ON keys.id = rows.key
WHERE rows.valid_from > :base AND rows.valid_to <= :last
    AND NOT EXISTS (SELECT 1 FROM record_rows
        WHERE key = rows.key AND (({_AT_BASE}) OR ({_AT_LAST})))
    AND rows.key NOT IN ({_RENAMED})
GROUP BY rows.key ORDER BY keys.key"""  # noqa: S608  constants
_ABSENT: Final = f"""SELECT keys.key, rows.valid_to, (
    SELECT min(valid_from) FROM record_rows WHERE key = rows.key AND valid_from >= rows.valid_to
) AS back
FROM record_rows AS rows JOIN keys ON keys.id = rows.key
WHERE rows.valid_to > :base AND rows.valid_to < back AND back <= :last
    AND EXISTS (SELECT 1 FROM record_rows WHERE key = rows.key AND {_AT_BASE})
    AND EXISTS (SELECT 1 FROM record_rows WHERE key = rows.key AND {_AT_LAST})
    AND rows.key NOT IN ({_RENAMED})
ORDER BY keys.key, rows.valid_to"""  # noqa: S608  constants


class Standing(NamedTuple):
    """A record without its metrics, as JSON, and at which of two captures it was like this."""

    record: str
    then: bool
    now: bool

    def __repr__(self) -> str:
        return short(self)


class Spell(NamedTuple):
    """A time of a record: its key, the number of the capture that began it, and of the next one."""

    key: str
    since: int
    until: int

    def __repr__(self) -> str:
        return short(self)


def records(connection: sqlite3.Connection, base: int, last: int) -> Iterator[Standing]:
    """Yield the records of two captures; one that is in both alike, once."""
    for record, then, now in connection.execute(_BOTH, {"base": base, "last": last}):
        yield Standing(record, bool(then), bool(now))


def passed(connection: sqlite3.Connection, base: int, last: int) -> list[Spell]:
    """Return the records that neither of two captures has, but one between them: when they were."""
    return [Spell(*row) for row in connection.execute(_PASSED, {"base": base, "last": last})]


def absences(connection: sqlite3.Connection, base: int, last: int) -> list[Spell]:
    """Return when records that both of two captures have were gone between them."""
    return [Spell(*row) for row in connection.execute(_ABSENT, {"base": base, "last": last})]
