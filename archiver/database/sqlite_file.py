"""The history as an SQLite file for people and Datasette: plain tables, views, full-text search."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from archiver.database import plain
from archiver.database.plain import Column
from archiver.database.reading import newest
from archiver.errors import ConfigError, StoreError, StoreFull, reason
from archiver.language import sentence
from archiver.records.canonical import decode_with_key
from archiver.records.field_names import FieldNames
from archiver.records.jsontext import dump
from archiver.records.query import at
from archiver.records.representation import short
from archiver.store.durable import MAKE_ROOM, disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from archiver.database.plain import Row, Type
    from archiver.records.model import Json, Record

APPLICATION: Final = 0x41524348
"""Marks our files (``PRAGMA application_id``); others are not overwritten."""

_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION_AT: Final = slice(68, 72)
_LARGEST: Final = 2**63
_AFFINITY: Final[Mapping[Type, str]] = {
    "text": "TEXT",
    "json": "TEXT",
    "integer": "INTEGER",
    "real": "NUMERIC",
    "flag": "INTEGER",
    "time": "TEXT",
}
_BUILT_IN: Final = (
    Column("key", "text", "Key of the record"),
    Column("valid_from", "time", "Time since which it is so, metrics and volatile fields aside"),
    Column("record", "json", "The whole record"),
)
KEYS: Final = plain.Table(
    "Every key that ever was in the catalogue",
    (
        Column("key", "text", "Key of the record"),
        Column("first_seen", "time", "Time of the first capture that has it"),
        Column("gone_since", "time", "Time of the capture since which it is gone; none: it is not"),
        Column("first_capture", "integer", "Number of that capture"),
        Column("gone_capture", "integer", "Number of that capture"),
    ),
    """SELECT keys.key, began.timestamp, ended.timestamp, life.began, life.ended
FROM keys CROSS JOIN (
    SELECT key, min(valid_from) AS began,
        CASE WHEN count(*) = count(valid_to) THEN max(valid_to) END AS ended
    FROM record_rows GROUP BY key) AS life ON life.key = keys.id
JOIN captures AS began ON began.id = life.began
LEFT JOIN captures AS ended ON ended.id = life.ended
ORDER BY keys.key""",
)
TABLES: Final[Mapping[str, plain.Table]] = {
    "captures": plain.HISTORY["captures"],
    "keys": KEYS,
    **plain.HISTORY,
    **plain.CURRENT,
}
_CAPTURES: Final = "REFERENCES captures (capture)"
_KEYS: Final = "REFERENCES keys (key)"
_MORE: Final[Mapping[tuple[str, str], str]] = {
    ("captures", "capture"): "PRIMARY KEY",
    ("captures", "revision"): "NOT NULL UNIQUE",
    ("keys", "key"): "PRIMARY KEY",
    ("keys", "first_capture"): _CAPTURES,
    ("keys", "gone_capture"): _CAPTURES,
    ("records", "key"): f"NOT NULL {_KEYS}",
    ("records", "from_capture"): f"NOT NULL {_CAPTURES}",
    ("records", "to_capture"): _CAPTURES,
    ("changes", "capture"): f"NOT NULL {_CAPTURES}",
    ("changes", "key"): f"NOT NULL {_KEYS}",
    ("metrics", "key"): f"NOT NULL {_KEYS}",
    ("metrics", "capture"): f"NOT NULL {_CAPTURES}",
    ("tombstones", "key"): "PRIMARY KEY",
}
"""What columns have besides their types."""
_TABLE_ENDS: Final = {
    "records": sentence(", PRIMARY KEY (key, from_capture)"),
    "metrics": sentence(", PRIMARY KEY (key, field, capture)"),
}
_COMPACT: Final = ("keys", "metrics", "tombstones")
_INDEXES: Final = (
    "CREATE INDEX records_from_capture ON records (from_capture)",
    "CREATE INDEX changes_key ON changes (key, capture)",
    "CREATE INDEX changes_capture ON changes (capture)",
    "CREATE INDEX changes_field ON changes (field)",
)
VIEWS: Final[Mapping[str, str]] = {
    "new_this_week": sentence("Records that are new in the seven days before the newest capture"),
    "removed": sentence("Records that are gone: since when, why, and what they were"),
    "license_changes": sentence("Changes of a licence"),
    "all_changes": sentence("Changes with those of metrics, as they are counted"),
}
"""The views, and what they show."""
_VIEWS: Final = (
    """CREATE VIEW removed AS
SELECT keys.key AS key, keys.gone_since AS gone_since, changes.kind AS kind,
    coalesce(changes.cause, tombstones.cause) AS cause, tombstones.now AS new_key,
    records.record AS record
FROM keys
JOIN records ON records.key = keys.key AND records.to_capture = keys.gone_capture
LEFT JOIN changes ON changes.key = keys.key AND changes.capture = keys.gone_capture
    AND changes.field IS NULL
LEFT JOIN tombstones ON tombstones.key = keys.key
ORDER BY keys.gone_since DESC, keys.key""",
    """CREATE VIEW license_changes AS
SELECT timestamp, key, field, json_extract(old, '$') AS old, json_extract(new, '$') AS new, capture
FROM changes
WHERE lower(field) IN ('license', 'licence', 'licenses', 'licences')
ORDER BY timestamp DESC, key""",
    """CREATE VIEW all_changes AS
SELECT capture, timestamp, key, kind, field, old, new FROM changes
UNION ALL
SELECT now.capture, now.timestamp, now.key, 'metrics', now.field,
    (SELECT coalesce(before.json, before.value) FROM metrics AS before
        WHERE before.key = now.key AND before.field = now.field AND before.capture < now.capture
        ORDER BY before.capture DESC LIMIT 1),
    coalesce(now.json, now.value)
FROM metrics AS now
WHERE now.counts""",
)


class Wanted(NamedTuple):
    """What the present records are to have besides their JSON.

    Attributes:
        columns: Paths of fields that get columns of their own.
        searched: Those that full-text search covers, the key besides; they get columns, too.
    """

    columns: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, each once."""
        return tuple(dict.fromkeys((*self.columns, *self.searched)))


class Written(NamedTuple):
    """What a file holds: the number of rows of each table, and the columns of present records."""

    rows: Mapping[str, int]
    latest: tuple[Column, ...]

    def __repr__(self) -> str:
        return short(self)


def write(path: Path, index: sqlite3.Connection, wanted: Wanted) -> Written:
    """Write the file `path`, complete or not at all; the same history gives the same rows.

    Raises:
        ConfigError: A wanted field is in no record, or cannot be a column; there is a file that
            archiver did not write.
        StoreError: It cannot be written.
    """
    path = path.resolve()
    _refuse_foreign(path)
    columns = _typed(index, wanted)
    with disk_errors(), _draft(path) as connection:
        rows = {}
        for name, table in TABLES.items():
            connection.execute(_create(name, table.columns))
            rows[name] = _fill(connection, name, table.columns, plain.rows(index, table))
        connection.execute(_create("latest", columns))
        rows["latest"] = _fill(connection, "latest", columns, _present(index, columns))
        for statement in (*_INDEXES, _new_this_week(columns), *_VIEWS):
            connection.execute(statement)
        if wanted.searched:
            _make_searchable(connection, wanted.searched)
    return Written(rows, columns)


def _refuse_foreign(path: Path) -> None:
    if not path.exists():
        return
    head = b"none"
    if path.is_file():
        with disk_errors(), path.open("rb") as file:
            head = file.read(_APPLICATION_AT.stop)
    ours = head.startswith(_MAGIC) and head[_APPLICATION_AT] == APPLICATION.to_bytes(4, "big")
    if head and not ours:
        hint = sentence("name another file, or remove it")
        raise ConfigError(
            sentence("{path} is no file that archiver exported", path=path), hint=hint
        )


@contextmanager
def _draft(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a new database that takes the place of `path` when the block ends without an error."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.unlink(missing_ok=True)
    try:
        address = f"file:{quote(str(draft))}?mode=rwc"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            for setting in (
                "page_size = 4096",
                "journal_mode = OFF",
                "synchronous = OFF",
                f"application_id = {APPLICATION}",
            ):
                connection.execute(f"PRAGMA {setting}")
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
            raise StoreFull(
                sentence("{path}: {error}", path=path, error=reason(error)), hint=MAKE_ROOM
            ) from error
        raise StoreError(
            sentence("{path} cannot be written: {error}", path=path, error=reason(error))
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _create(table: str, columns: Iterable[Column]) -> str:
    parts = (
        " ".join(
            filter(None, (_quoted(each.name), _AFFINITY[each.type], _MORE.get((table, each.name))))
        )
        for each in columns
    )
    end = " WITHOUT ROWID" if table in _COMPACT else ""
    return f"CREATE TABLE {table} ({', '.join(parts)}{_TABLE_ENDS.get(table, '')}){end}"


def _fill(
    connection: sqlite3.Connection, table: str, columns: Sequence[Column], rows: Iterable[Row]
) -> int:
    marks = ", ".join("?" * len(columns))
    return connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows).rowcount  # noqa: S608  names of ours


def _typed(index: sqlite3.Connection, wanted: Wanted) -> tuple[Column, ...]:
    """Return the columns of the present records, typed as their values are.

    Raises:
        ConfigError: A field is in no record, or its name is taken.
    """
    paths = wanted.paths
    taken = [each.name for each in _BUILT_IN]
    for path in paths:
        if not path or "\0" in path or path.casefold() in taken:
            raise ConfigError(
                sentence('"{path}" cannot be a column', path=path),
                hint=sentence("its name is taken"),
            )
        taken.append(path.casefold())
    kinds: dict[str, set[Type]] = {path: set() for path in paths}
    names = FieldNames.asked(paths=paths)
    for _, _, line in newest(index) if paths else ():
        record = decode_with_key(line)
        names.see(record)
        for path in paths:
            value = _found(record, path)
            if value is not None:
                kinds[path].add(_type(value))
    names.refuse_missing()
    key, *others = _BUILT_IN
    fields = (Column(path, _common(kinds[path]), f"The field {path}") for path in paths)
    return (key, *fields, *others)


def _type(value: Json) -> Type:
    match value:
        case bool():
            return "flag"
        case int() if -_LARGEST <= value < _LARGEST:
            return "integer"
        case float():
            return "real"
        case str():
            return "text"
        case _:
            return "json"


def _common(kinds: set[Type]) -> Type:
    """Return the type that holds values of all `kinds`; what is mixed is text."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return "real" if kinds == {"integer", "real"} else "text"


def _present(index: sqlite3.Connection, columns: Sequence[Column]) -> Iterator[Row]:
    fields = columns[1 : 1 - len(_BUILT_IN)]
    for key, timestamp, line in newest(index):
        record = decode_with_key(line) if fields else {}
        cells = (_cell(_found(record, each.name), each.type) for each in fields)
        yield (key, *cells, timestamp, line.decode())


def _found(record: Record, path: str) -> Json:
    """Return what stands at a path; through a list with several, the list of them."""
    values = [*at(record, path)]
    return values[0] if len(values) == 1 else values or None


def _cell(value: Json, kind: Type) -> object:
    if value is None or kind in ("flag", "integer", "real") or isinstance(value, str):
        return value
    return dump(value).decode()


def _new_this_week(columns: Sequence[Column]) -> str:
    shown = ", ".join(f"latest.{_quoted(each.name)}" for each in columns[1:])
    return f"""CREATE VIEW new_this_week AS
SELECT changes.timestamp AS new_since, changes.key AS key, {shown}
FROM changes LEFT JOIN latest ON latest.key = changes.key
WHERE changes.kind = 'new'
    AND changes.timestamp > (SELECT datetime(max(timestamp), '-7 days') FROM captures)
ORDER BY changes.timestamp DESC, changes.key"""  # noqa: S608  names are quoted


def _make_searchable(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    names = ", ".join(map(_quoted, dict.fromkeys(("key", *paths))))
    try:
        connection.execute(f'CREATE VIRTUAL TABLE latest_fts USING fts5({names}, content="latest")')
        connection.execute("INSERT INTO latest_fts (latest_fts) VALUES ('rebuild')")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise ConfigError(sentence("--fts: {error}", error=reason(error))) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
