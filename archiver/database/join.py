"""Join a database that holds a range of captures, a *part*, to the one that ends before it.

A part is a database of the same tables, written by another process. Its captures have their numbers
in the whole history; keys and fields have numbers of its own, and are found again by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from archiver.errors import DatabaseDamaged
from archiver.language import sentence

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

_NUMBERS: Final = (
    "INSERT OR IGNORE INTO main.keys (key) SELECT key FROM part.keys ORDER BY id",
    "INSERT OR IGNORE INTO main.fields (name, role) SELECT name, role FROM part.fields ORDER BY id",
    "CREATE TEMP TABLE key_of (part INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE)",
    """INSERT INTO key_of SELECT theirs.id, ours.id
FROM part.keys AS theirs JOIN main.keys AS ours ON ours.key = theirs.key""",
    "CREATE TEMP TABLE field_of (part INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    """INSERT INTO field_of SELECT theirs.id, ours.id
FROM part.fields AS theirs
JOIN main.fields AS ours ON ours.name = theirs.name AND ours.role = theirs.role""",
)
# What a part begins or ends may have begun before it; its first touch ends that row.
_TOUCHED: Final = """SELECT min(touched.capture), key_of.number
FROM (
    SELECT key, valid_from AS capture FROM part.record_rows
    UNION ALL
    SELECT key, capture FROM part.change_rows
    WHERE field IS NULL AND kind IN ('removed', 'left', '')
) AS touched
JOIN key_of ON key_of.part = touched.key
GROUP BY key_of.number"""
_END: Final = "UPDATE main.record_rows SET valid_to = ? WHERE key = ? AND valid_to IS NULL"
# Rows are read in the order in which they are kept here. A part may tell more of the capture
# before its first one: the values that differed there without a change.
_ROWS: Final = (
    "INSERT INTO main.captures SELECT * FROM part.captures ORDER BY id",
    """INSERT INTO main.record_rows
SELECT key_of.number, rows.valid_from, rows.valid_to, rows.record
FROM key_of CROSS JOIN part.record_rows AS rows ON rows.key = key_of.part
ORDER BY key_of.number, rows.valid_from""",
    """INSERT INTO main.change_rows
SELECT rows.capture, key_of.number, rows.kind, rows.field, rows.old, rows.new,
    former.number, later.number, rows.cause
FROM part.change_rows AS rows
JOIN key_of ON key_of.part = rows.key
LEFT JOIN key_of AS former ON former.part = rows.old_key
LEFT JOIN key_of AS later ON later.part = rows.new_key
ORDER BY rows.rowid""",
    """INSERT OR REPLACE INTO main.value_rows
SELECT key_of.number, field_of.number, rows.capture, rows.value, rows.json, rows.counts
FROM key_of
CROSS JOIN part.value_rows AS rows ON rows.key = key_of.part
CROSS JOIN field_of ON field_of.part = rows.field""",
    "INSERT INTO main.field_counts SELECT * FROM part.field_counts ORDER BY rowid",
    "DROP TABLE key_of",
    "DROP TABLE field_of",
)


def join(
    connection: sqlite3.Connection, part: Path, captures: Sequence[tuple[int, str, str | None]]
) -> None:
    """Add the rows of a part to a database.

    Args:
        connection: The database; it ends with the capture before the first one of the part.
        part: The part's file.
        captures: Number, commit and object of each capture that the part must hold.

    Raises:
        DatabaseDamaged: The part holds other captures.
    """
    connection.commit()  # SQLite attaches nothing within a transaction
    connection.execute("ATTACH ? AS part", (f"file:{quote(str(part))}?mode=ro&immutable=1",))
    found = connection.execute("SELECT id, revision, object FROM part.captures ORDER BY id")
    if found.fetchall() != [*captures]:
        raise DatabaseDamaged(
            sentence("{part} does not hold the captures that were asked for", part=part)
        )
    for statement in _NUMBERS:
        connection.execute(statement)
    connection.executemany(_END, connection.execute(_TOUCHED))
    for statement in _ROWS:
        connection.execute(statement)
    connection.commit()
    connection.execute("DETACH part")
