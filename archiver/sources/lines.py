"""The lines of a listing, one per key: in a dictionary, or in an SQLite table.

The table is only appended to; a line is found by a hash of its key. An index inside the table would
cost four times as much (random writes); the table of hashes is a temporary one, some 14 MB for a
million keys, and is rebuilt when an interrupted listing continues.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.records.canonical import shard_names, shard_of
from archiver.records.model import Line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

LINES_TABLE: Final = "CREATE TABLE lines (key TEXT, data BLOB)"

_BATCH = 4096  # lines
_ATTACH = (
    "ATTACH '' AS hashes",
    "PRAGMA hashes.cache_size = -32768",  # KiB
    "PRAGMA hashes.synchronous = OFF",
    "PRAGMA hashes.journal_mode = MEMORY",
    "CREATE TABLE hashes.seen (hash INTEGER PRIMARY KEY, line INTEGER)",
)
_NEXT = "SELECT coalesce(max(rowid), 0) + 1 FROM lines"
_SEE = "INSERT OR IGNORE INTO hashes.seen VALUES (?, ?)"
_ADD = "INSERT INTO lines VALUES (?, ?)"
_FIND = (
    "SELECT lines.rowid, key, data FROM hashes.seen JOIN lines ON lines.rowid = line WHERE hash = ?"
)
_RANGE = (
    "SELECT data FROM hashes.seen JOIN lines ON lines.rowid = line "
    "WHERE hash BETWEEN ? AND ? ORDER BY key"
)
_COUNT = "SELECT count(*) FROM hashes.seen WHERE hash BETWEEN ? AND ?"
_LOWEST = -(1 << 63)
_SPAN = 1 << 64

_Rows: TypeAlias = "list[tuple[str, bytes]]"


class Lines(ABC):
    """The lines of a listing, sorted by key (code points), one per key; can be read again."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of lines."""

    @abstractmethod
    def __iter__(self) -> Iterator[Line]:
        """Yield the lines by key."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """Return the bytes of the line of `key`, or None."""

    def holds(self, key: str) -> bool:
        """Tell whether there is a line of `key`."""
        return self.get(key) is not None

    @abstractmethod
    def put(self, lines: Iterable[Line]) -> list[str]:
        """Add lines; of several with one key the greatest counts, in whatever order they come.

        Returns:
            The repeated keys, once for each repetition.
        """

    @abstractmethod
    def replace(self, lines: Iterable[Line]) -> None:
        """Put `lines` in the place of those that have their keys."""

    @abstractmethod
    def keep(self, lines: Iterable[Line]) -> None:
        """Add the lines whose key is not there yet."""

    @abstractmethod
    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by the name of their shard, each sorted by key.

        Args:
            shards: 1 (the one name is empty), 16, 256 or 4,096.
        """


class LinesInMemory(Lines):
    """Lines in a dictionary."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """Begin with `lines`."""
        self._lines: dict[str, bytes] = {}
        self._sorted = False
        self.put(lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Line]:
        self._sort()
        return map(Line._make, self._lines.items())

    def get(self, key: str) -> bytes | None:
        """Return the bytes of the line of `key`, or None."""
        return self._lines.get(key)

    def put(self, lines: Iterable[Line]) -> list[str]:
        """Add lines; see `Lines.put`."""
        known = self._lines
        again = []
        for key, data in lines:
            if key in known:
                again.append(key)
                known[key] = max(known[key], data)
            else:
                known[key] = data
        self._sorted = False
        return again

    def replace(self, lines: Iterable[Line]) -> None:
        """Put `lines` in the place of those that have their keys."""
        self._lines.update(lines)
        self._sorted = False

    def keep(self, lines: Iterable[Line]) -> None:
        """Add the lines whose key is not there yet."""
        for key, data in lines:
            self._lines.setdefault(key, data)
        self._sorted = False

    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by shard; see `Lines.split`."""
        self._sort()
        if shards == 1:
            return {"": self._lines.values()}
        names = shard_names(shards)
        split: dict[str, list[bytes]] = {name: [] for name in names}
        for key, data in self._lines.items():
            split[names[shard_of(key, shards)]].append(data)
        return dict(split)

    def _sort(self) -> None:
        if not self._sorted:
            self._lines = dict(sorted(self._lines.items()))
            self._sorted = True


class LinesOnDisk(Lines):
    """Lines in the table `lines` of a database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Begin with the lines that the table holds."""
        self._database = database
        for statement in _ATTACH:
            database.execute(statement)
        database.create_function("hash", 1, _hash, deterministic=True)
        database.execute("INSERT INTO hashes.seen SELECT hash(key), rowid FROM lines")

    def __len__(self) -> int:
        return len(_Shard(self._database, _LOWEST, _LOWEST + _SPAN - 1))

    def __iter__(self) -> Iterator[Line]:
        return map(Line._make, self._database.execute("SELECT key, data FROM lines ORDER BY key"))

    def get(self, key: str) -> bytes | None:
        """Return the bytes of the line of `key`, or None."""
        line, _, data = self._found(key)
        return None if line is None else data

    def put(self, lines: Iterable[Line]) -> list[str]:
        """Add lines; see `Lines.put`."""
        again: list[str] = []
        for rows in _batches(lines):
            if not self._all_new(rows):
                again += [row[0] for row in rows if not self._put(*row)]
        return again

    def replace(self, lines: Iterable[Line]) -> None:
        """Put `lines` in the place of those that have their keys."""
        for line in lines:
            self._put(*line, greatest=False)

    def keep(self, lines: Iterable[Line]) -> None:
        """Add the lines whose key is not there yet."""
        for rows in _batches(lines):
            if not self._all_new(rows):
                for key, data in rows:
                    if self._found(key)[0] is None:
                        self._put(key, data)

    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by shard; see `Lines.split`."""
        width = _SPAN // shards
        starts = range(_LOWEST, _LOWEST + _SPAN, width)
        names = shard_names(shards)
        return {
            name: _Shard(self._database, start, start + width - 1)
            for name, start in zip(names, starts, strict=True)
        }

    def _all_new(self, rows: _Rows) -> bool:
        """Add `rows` if all their keys are new and differ; otherwise none of them."""
        database = self._database
        (following,) = database.execute(_NEXT).fetchone()
        database.execute("SAVEPOINT batch")
        before = database.total_changes
        database.executemany(
            _SEE, ((_hash(key), number) for number, (key, _) in enumerate(rows, following))
        )
        new = database.total_changes - before == len(rows)
        if new:
            database.executemany(_ADD, rows)
        else:
            database.execute("ROLLBACK TO batch")
        database.execute("RELEASE batch")
        return new

    def _put(self, key: str, data: bytes, *, greatest: bool = True) -> bool:
        """Add one line, unless that of its key is greater; return whether the key is new."""
        line, hash_, old = self._found(key)
        if line is None:
            added = self._database.execute(_ADD, (key, data)).lastrowid
            self._database.execute(_SEE, (hash_, added))
        elif data > old or (data != old and not greatest):
            change = "UPDATE lines SET data = ? WHERE rowid = ?"
            self._database.execute(change, (data, line))
        return line is None

    def _found(self, key: str) -> tuple[int | None, int, bytes]:
        """Return the row, hash and bytes of `key`; if it has no row, None and a free hash.

        Two keys with one hash are distinguished: a hostile owner may look for such.
        """
        hash_ = _hash(key)
        while (row := self._database.execute(_FIND, (hash_,)).fetchone()) is not None:
            if row[1] == key:
                return row[0], hash_, row[2]
            hash_ += 1
        return None, hash_, b""


class _Shard:
    """The bytes of the lines whose hashes lie in a range; can be read again."""

    def __init__(self, database: sqlite3.Connection, first: int, last: int) -> None:
        self._database = database
        self._range = (first, last)

    def __len__(self) -> int:
        (number,) = self._database.execute(_COUNT, self._range).fetchone()
        return int(number)

    def __iter__(self) -> Iterator[bytes]:
        return (data for (data,) in self._database.execute(_RANGE, self._range))

    def __contains__(self, line: object) -> bool:
        return any(line == each for each in self)


def _hash(key: str) -> int:
    """Return the first eight bytes of the SHA-256, so that shards are ranges of it."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) + _LOWEST


def _batches(lines: Iterable[Line]) -> Iterator[_Rows]:
    rest = iter(lines)
    while batch := [(key, data) for key, data in islice(rest, _BATCH)]:
        yield batch
