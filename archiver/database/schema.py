"""The tables and views of the database; ``docs/database.md`` describes them for readers.

Rows name keys, fields and captures by number, which keeps them small; the views spell them out.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 1
"""Changes with every table, and with whatever gives a row another content."""

PAGE: Final = 8192
"""Bytes of a page: the settled part of a record fits into one several times."""

TABLES: Final = (
    """CREATE TABLE captures (
    id INTEGER PRIMARY KEY,
    revision TEXT NOT NULL UNIQUE,
    object TEXT,
    timestamp TEXT NOT NULL,
    authored_at TEXT NOT NULL,
    committed_at TEXT NOT NULL,
    subject TEXT NOT NULL,
    total INTEGER,
    new INTEGER,
    removed INTEGER,
    returned INTEGER,
    renamed INTEGER,
    entered INTEGER,
    left INTEGER,
    updated INTEGER,
    metrics INTEGER,
    unchanged INTEGER,
    status TEXT NOT NULL,
    reason TEXT,
    proof TEXT,
    settings TEXT,
    path TEXT
)""",
    "CREATE TABLE keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
    """CREATE TABLE fields (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    UNIQUE (name, role)
)""",
    """CREATE TABLE record_rows (
    key INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    record TEXT NOT NULL,
    PRIMARY KEY (key, valid_from)
) WITHOUT ROWID""",
    """CREATE TABLE change_rows (
    capture INTEGER NOT NULL,
    key INTEGER NOT NULL,
    kind TEXT NOT NULL,
    field TEXT,
    old TEXT,
    new TEXT,
    old_key INTEGER,
    new_key INTEGER,
    cause TEXT
)""",
    # The column `value` has no type: SQLite keeps an integer an integer and a float a float.
    """CREATE TABLE value_rows (
    key INTEGER NOT NULL,
    field INTEGER NOT NULL,
    capture INTEGER NOT NULL,
    value,
    json TEXT,
    counts INTEGER NOT NULL,
    PRIMARY KEY (key, field, capture)
) WITHOUT ROWID""",
    """CREATE TABLE field_counts (
    capture INTEGER NOT NULL,
    field TEXT NOT NULL,
    kind TEXT NOT NULL,
    changes INTEGER NOT NULL
)""",
    """CREATE TABLE tombstones (
    key TEXT PRIMARY KEY,
    removed_at TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    cause TEXT,
    now TEXT
) WITHOUT ROWID""",
    """CREATE TABLE runs (
    timestamp TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code INTEGER NOT NULL,
    seconds REAL,
    total INTEGER,
    new INTEGER,
    updated INTEGER,
    removed INTEGER,
    snapshot TEXT,
    error TEXT
)""",
    "CREATE INDEX change_rows_capture ON change_rows (capture)",
    "CREATE INDEX change_rows_key ON change_rows (key, capture)",
    "CREATE INDEX change_rows_old_key ON change_rows (old_key) WHERE old_key IS NOT NULL",
)

VIEWS: Final = (
    """CREATE VIEW records AS
SELECT keys.key AS key, began.timestamp AS valid_from, ended.timestamp AS valid_to,
    rows.record AS record, rows.valid_from AS from_capture, rows.valid_to AS to_capture
FROM record_rows AS rows
JOIN keys ON keys.id = rows.key
JOIN captures AS began ON began.id = rows.valid_from
LEFT JOIN captures AS ended ON ended.id = rows.valid_to""",
    """CREATE VIEW latest AS
SELECT keys.key AS key, rows.record AS record, began.timestamp AS valid_from
FROM record_rows AS rows
JOIN keys ON keys.id = rows.key
JOIN captures AS began ON began.id = rows.valid_from
WHERE rows.valid_to IS NULL""",
    """CREATE VIEW changes AS
SELECT rows.capture AS capture, captures.timestamp AS timestamp, keys.key AS key,
    rows.kind AS kind, rows.field AS field, rows.old AS old, rows.new AS new,
    former.key AS old_key, later.key AS new_key, rows.cause AS cause
FROM change_rows AS rows
JOIN captures ON captures.id = rows.capture
JOIN keys ON keys.id = rows.key
LEFT JOIN keys AS former ON former.id = rows.old_key
LEFT JOIN keys AS later ON later.id = rows.new_key
WHERE rows.kind <> ''""",
    """CREATE VIEW metrics AS
SELECT keys.key AS key, fields.name AS field, rows.capture AS capture,
    captures.timestamp AS timestamp, rows.value AS value
FROM value_rows AS rows
JOIN keys ON keys.id = rows.key
JOIN fields ON fields.id = rows.field
JOIN captures ON captures.id = rows.capture
WHERE fields.role IN ('metric', 'leaf')""",
    """CREATE VIEW all_changes AS
SELECT capture, timestamp, key, kind, field, old, new FROM changes
UNION ALL
SELECT rows.capture, captures.timestamp, keys.key, 'metrics', fields.name,
    (SELECT coalesce(before.json, before.value) FROM value_rows AS before
        WHERE before.key = rows.key AND before.field = rows.field
            AND before.capture < rows.capture
        ORDER BY before.capture DESC LIMIT 1),
    coalesce(rows.json, rows.value)
FROM value_rows AS rows
JOIN captures ON captures.id = rows.capture
JOIN keys ON keys.id = rows.key
JOIN fields ON fields.id = rows.field
WHERE rows.counts AND fields.role IN ('metric', 'leaf')""",
)
