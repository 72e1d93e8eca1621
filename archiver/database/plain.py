"""The tables as other programs are given them: names instead of numbers, in one order, with types.

Their order depends on the history alone, never on how the database came to be: what is written
from it has the same bytes whether it was built at once or day by day.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from archiver.records.model import KINDS
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

Type: TypeAlias = Literal["text", "json", "integer", "real", "flag", "time"]
"""``json`` is text, ``flag`` 0 or 1, ``time`` UTC as ``YYYY-MM-DD HH:MM:SS``."""
Row: TypeAlias = tuple[object, ...]

_EXACT: Final = 2**53
"""Doubles hold every integer up to here (IEEE 754)."""


class Column(NamedTuple):
    """A column: its name, its type, and what it holds."""

    name: str
    type: Type
    about: str


class Table(NamedTuple):
    """A table: what it holds, its columns, and the query that returns its rows in order.

    A table with captures takes a JSON array of their numbers as ``:captures``.
    """

    about: str
    columns: tuple[Column, ...]
    query: str

    def __repr__(self) -> str:
        return short(self)


_CAPTURE: Final = Column("capture", "integer", "Number of the capture; 1 is the oldest")
_TIMESTAMP: Final = Column("timestamp", "time", "Time of the capture")
_KEY: Final = Column("key", "text", "Key of the record")
_AMONG: Final = "IN (SELECT value FROM json_each(:captures))"

_COUNTS: Final = (
    *(Column(kind, "integer", f"Number of changes of the kind {kind}") for kind in KINDS),
    Column("unchanged", "integer", "Number of records without a change"),
)
_CAPTURES: Final = Table(
    "One row for each version of the catalogue",
    (
        _CAPTURE,
        Column("revision", "text", "Id of the commit"),
        Column("object", "text", "git's id of the file; none: the file is gone"),
        _TIMESTAMP,
        Column("authored_at", "time", "Author date of the commit"),
        Column("committed_at", "time", "Time of the commit"),
        Column("subject", "text", "First line of the commit message"),
        Column("total", "integer", "Number of records; none: unreadable"),
        *_COUNTS,
        Column("status", "text", "first, ok or unreadable"),
        Column("reason", "text", "Why it cannot be read, or what is to be known of it"),
        Column("proof", "text", "Why its listing was complete; none: unknown"),
    ),
    f"""SELECT id, revision, object, timestamp, authored_at,
    strftime('%Y-%m-%d %H:%M:%S', committed_at), subject, total,
    {", ".join(each.name for each in _COUNTS)}, status, reason, proof
FROM captures WHERE id {_AMONG} ORDER BY id""",  # noqa: S608  names of ours
)
_RECORD: Final = Column("record", "json", "The record without metrics and volatile fields")
_RECORDS: Final = Table(
    "What each record was, and when",
    (
        _KEY,
        Column("valid_from", "time", "Time of the capture that has it first"),
        Column("valid_to", "time", "Time of the first capture that lacks it; none: still valid"),
        Column("from_capture", "integer", "Number of the capture that has it first"),
        Column("to_capture", "integer", "Number of the first capture that lacks it"),
        _RECORD,
    ),
    f"""SELECT keys.key, began.timestamp, ended.timestamp, rows.valid_from, rows.valid_to,
    rows.record
FROM keys CROSS JOIN record_rows AS rows ON rows.key = keys.id
JOIN captures AS began ON began.id = rows.valid_from
LEFT JOIN captures AS ended ON ended.id = rows.valid_to
WHERE rows.valid_from {_AMONG} ORDER BY keys.key, rows.valid_from""",  # noqa: S608  names of ours
)
_EVENTS: Final = Table(
    "What each record became, and when: it is valid until the next row of its key",
    (
        _KEY,
        Column("valid_from", "time", "Time of the capture from which on it is so"),
        Column("from_capture", "integer", "Number of that capture"),
        _RECORD._replace(about=f"{_RECORD.about}; none: it is gone from here on"),
    ),
    f"""SELECT key, timestamp, capture, record FROM (
    SELECT keys.key AS key, captures.timestamp AS timestamp, rows.valid_from AS capture,
        rows.record AS record
    FROM keys CROSS JOIN record_rows AS rows ON rows.key = keys.id
    JOIN captures ON captures.id = rows.valid_from
    WHERE rows.valid_from {_AMONG}
    UNION ALL
    SELECT keys.key, captures.timestamp, rows.valid_to, NULL
    FROM keys CROSS JOIN record_rows AS rows ON rows.key = keys.id
    JOIN captures ON captures.id = rows.valid_to
    WHERE rows.valid_to {_AMONG} AND NOT EXISTS (
        SELECT 1 FROM record_rows AS later
        WHERE later.key = rows.key AND later.valid_from = rows.valid_to))
ORDER BY key, capture""",  # noqa: S608  names of ours
)
_CHANGES: Final = Table(
    "What is news; changes of metrics are in the table of metrics",
    (
        _CAPTURE,
        _TIMESTAMP,
        _KEY,
        Column("kind", "text", "new, removed, returned, renamed, entered, left or updated"),
        Column("field", "text", "The field that changed; none: the whole record"),
        Column("old", "json", "Its value before; none: it was absent"),
        Column("new", "json", "Its value since; none: it is absent"),
        Column("old_key", "text", "The key that became this one"),
        Column("new_key", "text", "The key that this one became"),
        Column("cause", "text", "Why the record is gone"),
    ),
    f"""SELECT rows.capture, captures.timestamp, keys.key, rows.kind, rows.field, rows.old,
    rows.new, former.key, later.key, rows.cause
FROM change_rows AS rows
JOIN captures ON captures.id = rows.capture
JOIN keys ON keys.id = rows.key
LEFT JOIN keys AS former ON former.id = rows.old_key
LEFT JOIN keys AS later ON later.id = rows.new_key
WHERE rows.kind <> '' AND rows.capture {_AMONG}
ORDER BY keys.key, rows.capture, rows.field""",  # noqa: S608  names of ours
)
_METRICS: Final = Table(
    "The values of metrics, from the capture on in which they differ from the one before",
    (
        _KEY,
        Column("field", "text", "The metric; inside of a field, its dotted path"),
        _CAPTURE,
        _TIMESTAMP,
        Column("value", "real", "The value as a number"),
        Column("json", "json", "The value where it is no number, or none that a double holds"),
        Column("counts", "flag", "Whether it counts as a change"),
    ),
    f"""SELECT keys.key, fields.name, rows.capture, captures.timestamp, rows.value,
    CASE WHEN typeof(rows.value) = 'integer' AND rows.value NOT BETWEEN -{_EXACT} AND {_EXACT}
        THEN CAST(rows.value AS TEXT) ELSE rows.json END, rows.counts
FROM keys CROSS JOIN value_rows AS rows ON rows.key = keys.id
JOIN fields ON fields.id = rows.field
JOIN captures ON captures.id = rows.capture
WHERE fields.role IN ('metric', 'leaf') AND rows.capture {_AMONG}
ORDER BY keys.key, fields.name, rows.capture""",  # noqa: S608  names of ours
)
_TOMBSTONES: Final = Table(
    "Confirmed removals",
    (
        _KEY,
        Column("removed_at", "time", "When it was removed"),
        Column("last_seen", "time", "When a listing named it for the last time"),
        Column("cause", "text", "Why, in words; none: unknown"),
        Column("now", "text", "Its key after a rename"),
    ),
    "SELECT key, removed_at, last_seen, cause, now FROM tombstones ORDER BY key",
)
_RUNS: Final = Table(
    "The reports of runs",
    (
        Column("timestamp", "time", "When it began"),
        Column("outcome", "text", "What came of it"),
        Column("code", "integer", "Its exit code"),
        Column("seconds", "real", "How long it took"),
        Column("total", "integer", "Number of records"),
        Column("new", "integer", "Number of records that are new"),
        Column("updated", "integer", "Number of records that are updated"),
        Column("removed", "integer", "Number of records that are removed"),
        Column("snapshot", "text", "Name of the snapshot"),
        Column("error", "text", "What went wrong"),
    ),
    """SELECT timestamp, outcome, code, seconds, total, new, updated, removed, snapshot, error
FROM runs ORDER BY rowid""",
)

HISTORY: Final[Mapping[str, Table]] = {
    "captures": _CAPTURES,
    "records": _RECORDS,
    "changes": _CHANGES,
    "metrics": _METRICS,
}
"""The tables that captures add rows to; a record's row gets its end later."""
CURRENT: Final[Mapping[str, Table]] = {"tombstones": _TOMBSTONES, "runs": _RUNS}
"""The tables that stand as they are now."""
EVENTS: Final[Mapping[str, Table]] = {**HISTORY, "records": _EVENTS}
"""The same, with rows of records that never change once they are written."""


def rows(
    connection: sqlite3.Connection, table: Table, captures: Iterable[int] | None = None
) -> Iterator[Row]:
    """Yield the rows of a table, in its order.

    Args:
        connection: The index.
        table: One of the tables of this module.
        captures: Numbers of the captures whose rows are meant; None: all.
    """
    if captures is None:
        captures = [number for (number,) in connection.execute("SELECT id FROM captures")]
    yield from connection.execute(table.query, {"captures": json.dumps([*captures])})
