"""The records of several sources in one temporary database, in the order of their names.

It exists as long as a question is asked, and memory stays flat: SQLite sorts on the disk.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.errors import StoreError, StoreFull, reason
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Name: TypeAlias = tuple[str, int, str, int, int]
    """Loose name, source, key, state, id."""
    Claim: TypeAlias = tuple[str, int, str, int, str, int]
    """Loose name, source and key that a record may have, its id, level, number."""

_CREATE: Final = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -24576",  # KiB; also what is sorted in memory at once
    "BEGIN",  # never committed
    "CREATE TABLE given (loose TEXT, source INTEGER, key TEXT, state INTEGER, said BLOB)",
    """
    CREATE TABLE claims
        (loose TEXT, source INTEGER, key TEXT, id INTEGER, level TEXT, number INTEGER)
    """,
)
_ORDER: Final = (
    """
    CREATE TABLE ordered AS
        SELECT loose, source, key, state, rowid - 1 AS id, said FROM given
        ORDER BY loose, source, key
    """,
    "DROP TABLE given",
)
_NAMES: Final = "SELECT loose, source, key, state, id FROM ordered ORDER BY rowid"
_CLAIMS: Final = (
    "SELECT loose, source, key, id, level, number FROM claims ORDER BY loose, number, id"
)
_PLACES: Final = "SELECT source, key, state, said FROM ordered WHERE rowid BETWEEN ? AND ?"
_FEW: Final = 16
"""Records that are read at once: those that are one are mostly next to each other."""
_KEPT: Final = 64


class Given(NamedTuple):
    """A record.

    Attributes:
        loose: The name by which records are ordered.
        source: Number of its source.
        key: Its key.
        state: What the caller says of it, as a number.
        said: What else the caller keeps of it.
    """

    loose: str
    source: int
    key: str
    state: int
    said: bytes


class Crossing:
    """A temporary database: first add records and claims, then `order` them, then read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an empty database."""
        self._connection = connection
        self._read: dict[int, list[tuple[int, str, int, bytes]]] = {}
        for statement in _CREATE:
            connection.execute(statement)

    def add(self, records: Iterable[Given]) -> None:
        """Add records; their ids count from 0."""
        self._connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?, ?)", records)

    def claim(self, claims: Iterable[Claim]) -> None:
        """Add what records may be called in other sources."""
        self._connection.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?)", claims)

    def order(self) -> int:
        """Order the records by their loose names; return their number."""
        for statement in _ORDER:
            self._connection.execute(statement)
        (number,) = self._connection.execute("SELECT count(*) FROM ordered").fetchone()
        return int(number)

    def names(self) -> Iterator[Name]:
        """Yield the records, in order: the first has position 0."""
        return iter(self._connection.execute(_NAMES))

    def claims(self) -> Iterator[Claim]:
        """Yield the claims, by loose names."""
        return iter(self._connection.execute(_CLAIMS))

    def at(self, position: int) -> tuple[int, str, int, bytes]:
        """Return source, key, state, and what is kept of the record at a position."""
        number, place = divmod(position, _FEW)
        if number not in self._read:
            if len(self._read) == _KEPT:
                self._read.pop(next(iter(self._read)))
            span = (number * _FEW + 1, number * _FEW + _FEW)
            self._read[number] = self._connection.execute(_PLACES, span).fetchall()
        return self._read[number][place]


@contextmanager
def opened() -> Iterator[Crossing]:
    """Open an empty temporary database, which is gone when the block ends.

    Raises:
        StoreFull: There is no room for it.
        StoreError: SQLite cannot write it.
    """
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as connection:
            yield Crossing(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
            raise StoreFull(sentence("no room for a temporary file")) from error
        words = sentence("a temporary file cannot be written: {error}", error=reason(error))
        raise StoreError(words) from error
