"""Write what captures changed into the tables, and take it out again."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from archiver.changes.compare import summarize
from archiver.database import schema
from archiver.records.jsontext import UNREADABLE, decode
from archiver.records.model import KINDS, Summary
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from archiver.changes.delta import Delta, Value
    from archiver.changes.lifecycle import Tombstone
    from archiver.records.model import Kind

_LARGEST: Final = 2**63
"""SQLite's integers are below; larger ones are kept as JSON."""
_BATCH: Final = 900
"""Records that are written together: SQLite once took at most 999 values a statement."""
_RUN: Final = {
    **dict.fromkeys(("timestamp", "outcome"), ""),
    **dict.fromkeys(("code", "seconds"), 0),
    **dict.fromkeys(("total",), None),
    **dict.fromkeys(("new", "updated", "removed"), 0),
    **dict.fromkeys(("snapshot", "error"), None),
}
"""Members of a run's report, and what they are where they are left out."""
_COUNTED: Final = (*KINDS, "unchanged")
_COLUMNS: Final = (
    *("id", "revision", "object", "timestamp", "authored_at", "committed_at", "subject"),
    *("total", "status", "reason", "proof", "settings", "path"),
    *_COUNTED,
)


class Capture(NamedTuple):
    """One revision of the catalogue, as the log shows it.

    Attributes:
        id: Its number, from 1, in the order of the history.
        revision: Full commit id.
        object: Object id of the file in it; None: the file is gone.
        timestamp: Capture time, ``YYYY-MM-DD HH:MM:SS`` in UTC, as the snapshot says.
        authored_at: Author date of the commit, written likewise.
        committed_at: Time of the commit, ISO 8601 in UTC.
        subject: First line of the commit message.
        total: Number of records; None where the version cannot be read.
        status: ``first``, ``ok`` or ``unreadable``, as in the log.
        reason: Why it cannot be read, or what is to be known of it.
        proof: Why its listing was complete (``pages``, ``total``, …); None: unknown.
        settings: Object id of archiver.toml in the commit; None: there is none.
        path: Where the file was; None: where it is in the newest one.
    """

    id: int
    revision: str
    object: str | None
    timestamp: str
    authored_at: str
    committed_at: str
    subject: str
    total: int | None
    status: str
    reason: str | None
    proof: str | None
    settings: str | None
    path: str | None = None

    def __repr__(self) -> str:
        return short(self)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables and views of an empty database."""
    connection.execute(f"PRAGMA page_size = {schema.PAGE}")
    for statement in (*schema.TABLES, *schema.VIEWS):
        connection.execute(statement)


class Writer:
    """Adds captures to a database, oldest first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write to `connection`, which has the tables."""
        self._database = connection
        self._fields: dict[tuple[str, str], int] = {
            (name, role): number
            for number, name, role in connection.execute("SELECT id, name, role FROM fields")
        }
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM keys").fetchone()
        self._next_key = int(last) + 1

    def add(
        self, capture: Capture, deltas: Iterable[Delta], *, before: int | None, old_total: int
    ) -> Summary:
        """Add a readable capture and what it changed.

        The first one is a state: it has records and values, but no changes.

        Args:
            capture: The capture.
            deltas: What it changed.
            before: Number of the readable capture before; None: this is the first one.
            old_total: Number of records of that one.

        Raises:
            UnreadableSnapshot: A line is no record, or the counts do not add up. Nothing that was
                written may be kept then.
        """
        counts: Counter[Kind] = Counter()
        fields: Counter[tuple[str, str]] = Counter()
        batch: list[Delta] = []
        for delta in deltas:
            if delta.kind is not None:
                counts[delta.kind] += 1
            fields.update((each.field, "updated") for each in delta.changes)
            fields.update(
                (each.field, "metrics")
                for each in delta.values
                if each.counts and each.role in ("metric", "leaf")
            )
            batch.append(delta)
            if len(batch) == _BATCH:
                self._write(capture.id, before, self._with_keys(batch))
                batch.clear()
        self._write(capture.id, before, self._with_keys(batch))
        rows = ((capture.id, *place, number) for place, number in sorted(fields.items()))
        self._database.executemany("INSERT INTO field_counts VALUES (?, ?, ?, ?)", rows)
        summary = summarize(counts, old=old_total, new=capture.total or 0)
        self.add_capture(capture, summary if before is not None else None)
        return summary

    def add_capture(self, capture: Capture, summary: Summary | None) -> None:
        """Add the row of a capture; without `summary` nothing is known of what it changed."""
        counts = [None if summary is None else getattr(summary, name) for name in _COUNTED]
        columns, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
        insert = f"INSERT INTO captures ({columns}) VALUES ({marks})"  # noqa: S608  names of ours
        self._database.execute(insert, (*capture, *counts))

    def _write(self, capture: int, before: int | None, batch: list[tuple[int, Delta]]) -> None:
        run = self._database.executemany
        ended = ((capture, key) for key, delta in batch if delta.gone or delta.settled is not None)
        run("UPDATE record_rows SET valid_to = ? WHERE key = ? AND valid_to IS NULL", ended)
        began = (
            (key, capture, delta.settled.decode())
            for key, delta in batch
            if delta.settled is not None
        )
        run("INSERT INTO record_rows (key, valid_from, record) VALUES (?, ?, ?)", began)
        if before is not None:
            changes = (row for key, delta in batch for row in self._changes(capture, key, delta))
            run("INSERT INTO change_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", changes)
        values = (row for key, delta in batch for row in self._values(capture, before, key, delta))
        run("INSERT OR REPLACE INTO value_rows VALUES (?, ?, ?, ?, ?, ?)", values)

    def _changes(self, capture: int, key: int, delta: Delta) -> Iterator[tuple[object, ...]]:
        if delta.kind == "updated":
            for each in delta.changes:
                old, new = _text(each.old), _text(each.new)
                yield (capture, key, "updated", each.field, old, new, None, None, None)
        elif delta.kind not in (None, "metrics") or delta.gone:
            old_key, new_key = (
                self._key(name) if name else None for name in (delta.old_key, delta.new_key)
            )
            cause = delta.cause or None
            yield (capture, key, delta.kind or "", None, None, None, old_key, new_key, cause)

    def _values(
        self, capture: int, before: int | None, key: int, delta: Delta
    ) -> Iterator[tuple[object, ...]]:
        for each in delta.earlier if before is not None else ():
            yield (key, self._field(each), before, *_stored(each.text), 0)
        for each in delta.values:
            yield (key, self._field(each), capture, *_stored(each.text), int(each.counts))

    def _with_keys(self, deltas: Sequence[Delta]) -> list[tuple[int, Delta]]:
        """Return deltas with the numbers of their keys; those are looked up all at once."""
        keys = [delta.key for delta in deltas]
        query = f"SELECT key, id FROM keys WHERE key IN ({', '.join('?' * len(keys))})"  # noqa: S608  marks only
        known = dict(self._database.execute(query, keys))
        return [(known.get(delta.key) or self._key(delta.key), delta) for delta in deltas]

    def _key(self, key: str) -> int:
        row = self._database.execute("SELECT id FROM keys WHERE key = ?", (key,)).fetchone()
        if row is not None:
            return int(row[0])
        number = self._next_key
        self._next_key = number + 1
        self._database.execute("INSERT INTO keys VALUES (?, ?)", (number, key))
        return number

    def _field(self, value: Value) -> int:
        place = (value.field, str(value.role))
        if place not in self._fields:
            self._fields[place] = len(self._fields) + 1
            row = (self._fields[place], *place)
            self._database.execute("INSERT INTO fields VALUES (?, ?, ?)", row)
        return self._fields[place]


def note_settings(connection: sqlite3.Connection, capture: int, settings: str | None) -> None:
    """Write the object id of archiver.toml in a capture's commit; None: there is none."""
    connection.execute("UPDATE captures SET settings = ? WHERE id = ?", (settings, capture))


def take_back(connection: sqlite3.Connection, first: int) -> None:
    """Remove the captures from number `first` on, as if they had never been added."""
    for table, column in (
        ("change_rows", "capture"),
        ("value_rows", "capture"),
        ("field_counts", "capture"),
        ("record_rows", "valid_from"),
        ("captures", "id"),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} >= ?", (first,))  # noqa: S608  names of ours
    connection.execute("UPDATE record_rows SET valid_to = NULL WHERE valid_to >= ?", (first,))


def replace_tombstones(connection: sqlite3.Connection, stones: Iterable[Tombstone]) -> None:
    """Write the tombstones of the newest commit."""
    connection.execute("DELETE FROM tombstones")
    rows = (
        (each.key, each.removed_at, each.last_seen, each.cause or None, each.now or None)
        for each in stones
    )
    connection.executemany("INSERT INTO tombstones VALUES (?, ?, ?, ?, ?)", rows)


def replace_runs(connection: sqlite3.Connection, reports: bytes) -> None:
    """Write the reports of runs, one JSON object a line; what is none is left out."""
    connection.execute("DELETE FROM runs")
    for line in reports.splitlines():
        with suppress(*UNREADABLE):
            report = msgspec.json.decode(line, type=dict[str, Any])
            row = [report.get(name, default) for name, default in _RUN.items()]
            connection.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  marks only


def _text(text: bytes | None) -> str | None:
    return None if text is None else text.decode()


def _stored(text: bytes | None) -> tuple[int | float | None, str | None]:
    """Return a value as number, or as JSON where it is none that SQLite can hold."""
    value = None if text is None else decode(text)
    if type(value) is float or (type(value) is int and -_LARGEST <= value < _LARGEST):
        return value, None
    return None, _text(text)
