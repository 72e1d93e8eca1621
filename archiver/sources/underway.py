"""A listing under way in one SQLite file: it can go on after a crash and need not fit in memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from archiver.errors import StoreError, StoreFull
from archiver.records.model import Bad
from archiver.sources.disk import LINES_TABLE, LinesOnDisk
from archiver.sources.gathered import Gathered
from archiver.sources.protocol import Entry, Ledger
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.sources.gathered import Answer

LONGEST: Final = timedelta(hours=24)
"""A listing that began longer ago is not gone on with: its first pages say too little of today."""

_TABLES = (
    "CREATE TABLE about (identity TEXT, began TEXT)",
    "CREATE TABLE entries (entry BLOB)",
    "CREATE TABLE pending (request BLOB)",
    "CREATE TABLE bad (place TEXT, reason TEXT, key TEXT)",
    "CREATE TABLE again (key TEXT)",
    LINES_TABLE,
)
_ANSWERED = "DELETE FROM pending WHERE rowid = (SELECT min(rowid) FROM pending)"


class Underway(Gathered):
    """A listing in a file.

    Each answer is one transaction, so a process that is killed loses only the answers that it
    had not taken yet.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        """Go on where `database` stands."""
        super().__init__()
        self._database = database
        self.lines = LinesOnDisk(database)
        self.ledger = Ledger.of(_decoded(database, "SELECT entry FROM entries", Entry))
        self.pending.extend(_decoded(database, "SELECT request FROM pending", Request))
        self.bad = list(map(Bad._make, database.execute("SELECT * FROM bad")))
        self.again = [key for (key,) in database.execute("SELECT key FROM again")]

    def plan(self, requests: Iterable[Request]) -> None:
        """Take requests that are to be asked."""
        planned = list(requests)
        with _transaction(self._database):
            self._remember(planned)
            super().plan(planned)

    def take(self, answer: Answer) -> Entry:
        """Take the answer to the first pending request, and what it leads to."""
        named = len(self.again)
        with _transaction(self._database):
            entry = super().take(answer)
            self._database.execute("INSERT INTO entries VALUES (?)", (msgspec.json.encode(entry),))
            self._database.execute(_ANSWERED)
            self._remember(answer.parsed.next)
            self._database.executemany("INSERT INTO bad VALUES (?, ?, ?)", answer.bad)
            again = ((key,) for key in self.again[named:])
            self._database.executemany("INSERT INTO again VALUES (?)", again)
        return entry

    def finish(self) -> None:
        """Begin a transaction that nobody commits: see `Gathered.finish`."""
        self._database.execute("BEGIN")

    def _remember(self, requests: Iterable[Request]) -> None:
        rows = ((msgspec.json.encode(request),) for request in requests)
        self._database.executemany("INSERT INTO pending VALUES (?)", rows)


_T = TypeVar("_T")


def _decoded(database: sqlite3.Connection, query: str, type_: type[_T]) -> Iterator[_T]:
    rows = database.execute(f"{query} ORDER BY rowid")
    return (msgspec.json.decode(row, type=type_) for (row,) in rows)


@contextmanager
def underway(path: Path | None, *, identity: str, now: datetime) -> Iterator[Underway]:
    """Open the listing that is kept at `path`, or begin a new one there.

    A listing is gone on with if it asks the same questions, began less than `LONGEST` ago, and
    no other process works on it. The file stays when the block ends: `forget` removes it.

    Args:
        path: The file; None: a private one that vanishes.
        identity: Digest of what is asked; another one begins anew.
        now: Time, UTC.

    Raises:
        StoreFull: There is no room on the disk.
        StoreError: The file cannot be written.
    """
    with _translated(path), closing(_opened(path, identity, now)) as database:
        yield Underway(database)


def forget(path: Path) -> None:
    """Remove the listing at `path`: it was committed or refused."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _opened(path: Path | None, identity: str, now: datetime) -> sqlite3.Connection:
    if path is None:
        return _begun(_connected(""), identity, now)
    path.parent.mkdir(parents=True, exist_ok=True)
    database = _connected(path)
    try:
        if _goes_on(database, identity, now):
            return database
    except sqlite3.OperationalError as error:
        database.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:  # another run works on it
            return _begun(_connected(""), identity, now)
        raise
    except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError):
        pass  # damaged: begin anew
    database.close()
    forget(path)
    return _begun(_connected(path), identity, now)


def _connected(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=0.1)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def _begun(database: sqlite3.Connection, identity: str, now: datetime) -> sqlite3.Connection:
    # No fsync at each page: after a power cut the file is whole, if perhaps a few pages older.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    for table in _TABLES:
        database.execute(table)
    database.execute("INSERT INTO about VALUES (?, ?)", (identity, now.isoformat()))
    return database


def _goes_on(database: sqlite3.Connection, identity: str, now: datetime) -> bool:
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("BEGIN IMMEDIATE")
    (known,) = database.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'about'"
    ).fetchone()
    row = database.execute("SELECT identity, began FROM about").fetchone() if known else None
    database.execute("COMMIT")
    if row is None or row[0] != identity:
        return False
    began = datetime.fromisoformat(row[1])
    return timedelta() <= now - began <= LONGEST


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
    place = path or "a temporary file"
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StoreFull(f"no room to keep the listing: {place}") from error
        raise StoreError(f"the listing cannot be kept in {place}: {error}") from error
    except OSError as error:
        raise StoreError(f"the listing cannot be kept in {place}: {error.strerror}") from error
