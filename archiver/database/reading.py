"""Read the tables: the log, and the life of one record."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from archiver.changes.compare import split
from archiver.records.jsontext import decode, dump
from archiver.records.model import KINDS, Summary
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.records.model import Kind, Record

_COUNTS: Final = (*KINDS, "unchanged")
_CHANGED: Final = """SELECT moved.capture, moved.kind, (
    SELECT rows.record FROM record_rows AS rows
    WHERE rows.key = moved.key AND rows.valid_from <= moved.capture
    ORDER BY rows.valid_from DESC LIMIT 1)
FROM (
    SELECT DISTINCT capture, key, kind FROM change_rows WHERE kind <> '' AND capture <= :last
    UNION ALL
    SELECT DISTINCT rows.capture, rows.key, 'metrics' FROM value_rows AS rows
    WHERE rows.counts AND rows.capture <= :last AND NOT EXISTS (
        SELECT 1 FROM change_rows AS news
        WHERE news.key = rows.key AND news.capture = rows.capture)
) AS moved
ORDER BY moved.capture DESC"""

_SETTLED: Final = (
    "SELECT record FROM record_rows WHERE key = ? AND valid_from <= ? "
    "ORDER BY valid_from DESC LIMIT 1"
)
_MOVING: Final = """SELECT fields.name, rows.value, rows.json
FROM fields CROSS JOIN value_rows AS rows ON rows.key = :key AND rows.field = fields.id
    AND rows.capture = (SELECT max(capture) FROM value_rows
        WHERE key = :key AND field = fields.id AND capture <= :last)
WHERE fields.role <> 'leaf'"""

Status: TypeAlias = Literal["first", "ok", "unreadable", "edge"]


class Logged(NamedTuple):
    """One capture, as the log shows it; see `rows.Capture`."""

    revision: str
    timestamp: str
    committed_at: str
    subject: str
    total: int | None
    summary: Summary | None
    status: Status
    reason: str | None
    path: str | None

    def __repr__(self) -> str:
        return short(self)


class Counted(NamedTuple):
    """What a step through the history needs to know of one capture.

    Attributes:
        timestamp: Capture time, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        total: Number of records; None where the version cannot be read.
        summary: What changed since the readable version before; None where there is none.
        reason: Why it cannot be read, or what is to be known of it.
        settings: Object id of archiver.toml in the commit; None: there is none.
    """

    timestamp: str
    total: int | None
    summary: Summary | None
    reason: str | None
    settings: str | None

    def __repr__(self) -> str:
        return short(self)


class Stage(NamedTuple):
    """One capture in which something of a record differs from the one before.

    Attributes:
        revision: Full commit id.
        authored_at: Author date of the commit, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        line: The record's canonical line from here on; None: it is gone.
        kind: What happened where it came or went; empty: it was there before and still is.
        old_key: The key that became this one, if any.
        new_key: The key that this one became, if any.
        cause: Why it is gone, if known.
    """

    revision: str
    authored_at: str
    line: bytes | None
    kind: str = ""
    old_key: str = ""
    new_key: str = ""
    cause: str = ""

    def __repr__(self) -> str:
        return short(self)


def revisions(connection: sqlite3.Connection) -> list[tuple[str, str | None]]:
    """Return commit and object of every capture, oldest first."""
    return connection.execute("SELECT revision, object FROM captures ORDER BY id").fetchall()


def last_readable(connection: sqlite3.Connection, last: int) -> int | None:
    """Return the number of the newest readable capture up to number `last`; None: there is none."""
    query = "SELECT max(id) FROM captures WHERE id <= ? AND status <> 'unreadable'"
    found: int | None = connection.execute(query, (last,)).fetchone()[0]
    return found


def unreadable(connection: sqlite3.Connection, last: int) -> Iterator[tuple[str, str, str]]:
    """Yield commit, author date and reason of what cannot be read up to `last`, newest first."""
    query = (
        "SELECT revision, authored_at, reason FROM captures "
        "WHERE id <= ? AND status = 'unreadable' ORDER BY id DESC"
    )
    yield from connection.execute(query, (last,))


def logged(connection: sqlite3.Connection, last: int) -> Iterator[Logged]:
    """Yield the captures up to number `last`, newest first."""
    columns = "revision, timestamp, committed_at, subject, total, status, reason, path"
    query = f"SELECT {columns}, {', '.join(_COUNTS)} FROM captures WHERE id <= ? ORDER BY id DESC"  # noqa: S608  names of ours
    for row in connection.execute(query, (last,)):
        revision, timestamp, committed_at, subject, total = row[:5]
        summary = _summary(row[8:])
        yield Logged(revision, timestamp, committed_at, subject, total, summary, *row[5:8])


def captured_keys(connection: sqlite3.Connection, last: int) -> frozenset[str]:
    """Return every key that a capture up to number `last` has."""
    query = (
        "SELECT key FROM keys WHERE EXISTS "
        "(SELECT 1 FROM record_rows WHERE record_rows.key = keys.id AND valid_from <= ?)"
    )
    return frozenset(key for (key,) in connection.execute(query, (last,)))


def counted(connection: sqlite3.Connection) -> dict[str, Counted]:
    """Return the counts of every capture by the full id of its commit."""
    columns = "revision, timestamp, total, reason, settings"
    query = f"SELECT {columns}, {', '.join(_COUNTS)} FROM captures"  # noqa: S608  names of ours
    return {
        revision: Counted(timestamp, total, _summary(counts), reason, settings)
        for revision, timestamp, total, reason, settings, *counts in connection.execute(query)
    }


def _summary(counts: Sequence[int | None]) -> Summary | None:
    known = [number for number in counts if number is not None]
    return Summary(**dict(zip(_COUNTS, known, strict=True))) if known else None


def changed(connection: sqlite3.Connection, last: int) -> Iterator[tuple[int, Kind, str]]:
    """Yield what the captures up to number `last` changed, newest first.

    Capture, kind, and the settled part of the record as it is then, or was before it went.
    """
    yield from connection.execute(_CHANGED, {"last": last})


def stages(connection: sqlite3.Connection, key: str, last: int) -> Iterator[Stage]:
    """Yield the life of one record up to capture number `last`, oldest first."""
    row = connection.execute("SELECT id FROM keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return
    (number,) = row
    settled, ends = _settled(connection, number, last)
    values = _values(connection, number, last)
    moves = _moves(connection, number, last)
    moving: dict[str, bytes | None] = {}
    text: str | None = None
    for capture in sorted(settled.keys() | ends | values.keys() | moves.keys()):
        text = settled.get(capture, None if capture in ends else text)
        moving |= values.get(capture, {})
        revision, authored_at = connection.execute(
            "SELECT revision, authored_at FROM captures WHERE id = ?", (capture,)
        ).fetchone()
        line = None if text is None else _line(text, moving)
        yield Stage(revision, authored_at, line, *moves.get(capture, ()))


def whole(connection: sqlite3.Connection, key: int, last: int) -> Record:
    """Return a record as it was at capture number `last`, or before it went, with ``@key``.

    A volatile field stands as it was when something else of its record changed last.

    Args:
        connection: The database.
        key: Number of its key.
        last: Number of the capture.
    """
    (settled,) = connection.execute(_SETTLED, (key, last)).fetchone()
    record: Record = decode(settled.encode())
    values = connection.execute(_MOVING, {"key": key, "last": last}).fetchall()
    moving = {
        name: decode(json.encode()) if json is not None else value
        for name, value, json in values
        if json is not None or value is not None
    }
    if not moving:
        return record
    first, *names = record
    return {
        name: moving[name] if name in moving else record[name]
        for name in (first, *sorted({*names, *moving}))
    }


def newest(connection: sqlite3.Connection) -> Iterator[tuple[str, str, bytes]]:
    """Yield key, time of its settled part and canonical line of each present record, by key.

    A volatile field stands as it was when something else of its record changed last.
    """
    records = connection.execute(
        "SELECT keys.key, captures.timestamp, rows.record "
        "FROM keys CROSS JOIN record_rows AS rows ON rows.key = keys.id "
        "JOIN captures ON captures.id = rows.valid_from "
        "WHERE rows.valid_to IS NULL ORDER BY keys.key"
    )
    values = connection.execute(
        "SELECT keys.key, fields.name, rows.value, rows.json, max(rows.capture) "
        "FROM keys CROSS JOIN value_rows AS rows ON rows.key = keys.id "
        "JOIN fields ON fields.id = rows.field "
        "WHERE fields.role <> 'leaf' GROUP BY keys.key, fields.id ORDER BY keys.key"
    )
    moving = groupby(values, key=itemgetter(0))
    ahead = next(moving, None)
    for key, timestamp, record in records:
        while ahead is not None and ahead[0].encode() < key.encode():
            ahead = next(moving, None)
        known = ahead[1] if ahead is not None and ahead[0] == key else ()
        yield key, timestamp, _line(record, {name: _value(*each) for _, name, *each, _ in known})


def _settled(
    connection: sqlite3.Connection, key: int, last: int
) -> tuple[dict[int, str], set[int]]:
    """Return the settled part of a record by the capture that it begins with, and its ends."""
    rows = connection.execute(
        "SELECT valid_from, valid_to, record FROM record_rows WHERE key = ? AND valid_from <= ?",
        (key, last),
    ).fetchall()
    ends = {end for _, end, _ in rows if end is not None and end <= last}
    return {begin: record for begin, _, record in rows}, ends


def _values(
    connection: sqlite3.Connection, key: int, last: int
) -> dict[int, dict[str, bytes | None]]:
    """Return the canonical text of the moving fields that each capture changed; None: absent."""
    found: dict[int, dict[str, bytes | None]] = {}
    rows = connection.execute(
        "SELECT rows.capture, fields.name, rows.value, rows.json FROM value_rows AS rows "
        "JOIN fields ON fields.id = rows.field "
        "WHERE rows.key = ? AND rows.capture <= ? AND fields.role <> 'leaf'",
        (key, last),
    )
    for capture, name, value, json in rows:
        found.setdefault(capture, {})[name] = _value(value, json)
    return found


def _value(number: float | None, json: str | None) -> bytes | None:
    """Return the canonical text of a moving field; None: absent."""
    if json is not None:
        return json.encode()
    return None if number is None else dump(number)


def _moves(
    connection: sqlite3.Connection, key: int, last: int
) -> dict[int, tuple[str, str, str, str]]:
    """Return kind, old key, new key and cause of the captures in which a record came or went."""
    rows = connection.execute(
        "SELECT rows.capture, rows.kind, former.key, later.key, rows.cause "
        "FROM change_rows AS rows "
        "LEFT JOIN keys AS former ON former.id = rows.old_key "
        "LEFT JOIN keys AS later ON later.id = rows.new_key "
        "WHERE rows.key = ? AND rows.capture <= ? AND rows.field IS NULL",
        (key, last),
    )
    return {
        capture: (kind, old_key or "", new_key or "", cause or "")
        for capture, kind, old_key, new_key, cause in rows
    }


def _line(settled: str, moving: Mapping[str, bytes | None]) -> bytes:
    """Put a record together again, in canonical form: its key first, then by name."""
    texts: dict[str, bytes] = {name: bytes(text) for name, text in split(settled.encode()).items()}
    first = next(iter(texts))
    texts |= {name: text for name, text in moving.items() if text is not None}
    names = [first, *sorted(texts.keys() - {first})]
    return b"{%b}" % b",".join(dump(name) + b":" + texts[name] for name in names)
