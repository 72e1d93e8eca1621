"""The checkpoint of a listing: its ledger, its lines, the requests that are still to be sent.

Kept in memory, or in one SQLite file: then an interrupted listing continues, and it need not fit in
memory.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from sys import intern
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from archiver.errors import StoreError, StoreFull, reason
from archiver.language import sentence
from archiver.records.model import Bad
from archiver.sources.ledger import Entry, Ledger
from archiver.sources.lines import LINES_TABLE, LinesInMemory, LinesOnDisk
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from archiver.records.model import Line
    from archiver.sources.lines import Lines
    from archiver.sources.protocol import Parsed

LONGEST: Final = timedelta(hours=24)
"""A listing that began longer ago is not continued: its first pages say too little of today."""
NAMED: Final = 1000
"""Number of repeated keys that are remembered by name; the ledger counts them all."""

_TABLES = (
    "CREATE TABLE about (identity TEXT, began TEXT)",
    "CREATE TABLE entries (entry BLOB)",
    "CREATE TABLE pending (request BLOB)",
    "CREATE TABLE bad (place TEXT, reason TEXT, key TEXT, beside INTEGER)",
    "CREATE TABLE again (key TEXT)",
    LINES_TABLE,
)
_ANSWERED = "DELETE FROM pending WHERE rowid = (SELECT min(rowid) FROM pending)"


class Checkpoint:
    """A listing in memory.

    Attributes:
        ledger: The answered requests.
        pending: Requests that are planned and not answered, in the order in which to send them.
        lines: One line per key.
        bad: Unusable records.
        repeated: The first `NAMED` repeated keys, once for each repetition.
    """

    lines: Lines

    def __init__(self) -> None:
        """Start an empty listing."""
        self.ledger = Ledger()
        self.pending: deque[Request] = deque()
        self.lines = LinesInMemory()
        self.bad: list[Bad] = []
        self.repeated: list[str] = []

    def plan(self, requests: Sequence[Request]) -> None:
        """Add requests that are to be sent."""
        self.pending.extend(requests)

    def take(self, id_: str, parsed: Parsed, lines: Sequence[Line], bad: Sequence[Bad]) -> Entry:
        """Add the answer to the first pending request, and the requests that it leads to.

        Args:
            id_: The request's id.
            parsed: Its page.
            lines: The records of the page.
            bad: Unusable records.
        """
        repeated = self.lines.put(lines)
        self.repeated += repeated[: NAMED - len(self.repeated)]
        self.bad += bad
        entry = Entry(
            id=id_,
            records=len(lines),
            fresh=len(lines) - len(repeated),
            bad=sum(not each.beside for each in bad),
            total=parsed.total,
            matches=parsed.matches,
            end=parsed.end,
            facts=tuple(map(intern, parsed.facts)),  # pages repeat them: a quarter of the memory
            mark=parsed.mark,
            notes=tuple(parsed.notes),
        )
        self.ledger.add(entry)
        self.pending.popleft()
        self.pending.extend(parsed.next)
        return entry

    def finish(self) -> None:
        """End the listing: later changes to its lines are not saved."""


class SavedCheckpoint(Checkpoint):
    """A listing in a file.

    Each answer is one transaction: a killed process loses only the answers that it had not
    added yet.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        """Continue where `database` stands."""
        super().__init__()
        self._database = database
        self.lines = LinesOnDisk(database)
        self.ledger = Ledger.of(_decoded(database, "SELECT entry FROM entries", Entry))
        self.pending.extend(_decoded(database, "SELECT request FROM pending", Request))
        self.bad = list(map(Bad._make, database.execute("SELECT * FROM bad")))
        self.repeated = [key for (key,) in database.execute("SELECT key FROM again")]

    def plan(self, requests: Sequence[Request]) -> None:
        """Add requests that are to be sent."""
        with _transaction(self._database):
            self._save(requests)
            super().plan(requests)

    def take(self, id_: str, parsed: Parsed, lines: Sequence[Line], bad: Sequence[Bad]) -> Entry:
        """Add an answer; see `Checkpoint.take`."""
        named = len(self.repeated)
        with _transaction(self._database):
            entry = super().take(id_, parsed, lines, bad)
            self._database.execute("INSERT INTO entries VALUES (?)", (msgspec.json.encode(entry),))
            self._database.execute(_ANSWERED)
            self._save(parsed.next)
            self._database.executemany("INSERT INTO bad VALUES (?, ?, ?, ?)", bad)
            repeated = ((key,) for key in self.repeated[named:])
            self._database.executemany("INSERT INTO again VALUES (?)", repeated)
        return entry

    def finish(self) -> None:
        """Begin a transaction that is never committed; see `Checkpoint.finish`."""
        self._database.execute("BEGIN")

    def _save(self, requests: Iterable[Request]) -> None:
        rows = ((msgspec.json.encode(request),) for request in requests)
        self._database.executemany("INSERT INTO pending VALUES (?)", rows)


_T = TypeVar("_T")


def _decoded(database: sqlite3.Connection, query: str, type_: type[_T]) -> Iterator[_T]:
    rows = database.execute(f"{query} ORDER BY rowid")
    return (msgspec.json.decode(row, type=type_) for (row,) in rows)


@contextmanager
def opened(
    path: Path | None, *, identity: str, now: datetime, after: datetime | None = None
) -> Iterator[SavedCheckpoint]:
    """Open the checkpoint at `path`, or start a new one there.

    A listing is continued if it has the same identity, began less than `LONGEST` ago and after
    the last capture, and no other process works on it. The file stays when the block ends:
    `forget` removes it.

    Args:
        path: The file; None: a temporary one.
        identity: Digest of what is asked; another one starts over.
        now: Time, UTC.
        after: Time of the last capture, UTC; None: there is none.

    Raises:
        StoreFull: There is no room on the disk.
        StoreError: The file cannot be written.
    """
    oldest = now - LONGEST if after is None else max(now - LONGEST, after)
    with _translated(path), closing(_database(path, identity, oldest, now)) as database:
        yield SavedCheckpoint(database)


def forget(path: Path) -> None:
    """Remove the checkpoint at `path`: its listing was committed or refused."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _database(
    path: Path | None, identity: str, oldest: datetime, now: datetime
) -> sqlite3.Connection:
    if path is None:
        return _begun(_connected(""), identity, now)
    path.parent.mkdir(parents=True, exist_ok=True)
    database = _connected(path)
    try:
        if _continues(database, identity, oldest, now):
            return database
    except sqlite3.OperationalError as error:
        database.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:  # another run works on it
            return _begun(_connected(""), identity, now)
        raise
    except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError):
        pass  # damaged: start over
    database.close()
    forget(path)
    return _begun(_connected(path), identity, now)


def _connected(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=0.1)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def _begun(database: sqlite3.Connection, identity: str, now: datetime) -> sqlite3.Connection:
    # No fsync at each page: after a power failure the file is consistent, perhaps a few pages
    # older.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    for table in _TABLES:
        database.execute(table)
    database.execute("INSERT INTO about VALUES (?, ?)", (identity, now.isoformat()))
    return database


def _continues(
    database: sqlite3.Connection, identity: str, oldest: datetime, now: datetime
) -> bool:
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("BEGIN IMMEDIATE")
    (known,) = database.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'about'"
    ).fetchone()
    row = database.execute("SELECT identity, began FROM about").fetchone() if known else None
    database.execute("COMMIT")
    if row is None or row[0] != identity:
        return False
    return oldest <= datetime.fromisoformat(row[1]) <= now


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    place = path or sentence("a temporary file")
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StoreFull(
                sentence("no room to keep the listing: {place}", place=place)
            ) from error
        raise StoreError(
            sentence(
                "the listing cannot be kept in {place}: {error}", place=place, error=reason(error)
            )
        ) from error
    except OSError as error:
        raise StoreError(
            sentence(
                "the listing cannot be kept in {place}: {strerror}",
                place=place,
                strerror=error.strerror,
            )
        ) from error
