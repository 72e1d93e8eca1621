"""The lines of a listing, one per key: in a dictionary, or in an SQLite table.

While a source is listed, the table is only appended to; a line is found by a hash of its key. An
index inside the table would cost four times as much (random writes); the table of hashes is a
temporary one, some 14 MB for a million keys, and is rebuilt when an interrupted listing continues.

Whoever reads the lines reads all of them several times. The first time they are copied, in the
order of their shards, to a temporary table, so that every pass reads the disk from front to back.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.records.canonical import shard_names, shard_of
from archiver.records.model import Line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

LINES_TABLE: Final = "CREATE TABLE lines (key TEXT, data BLOB)"

_BATCH = 4096  # lines
_ATTACH = (
    "PRAGMA main.cache_size = -8192",  # KiB; as much memory is spent on sorting
    "ATTACH '' AS hashes",
    "PRAGMA hashes.cache_size = -32768",
    "PRAGMA hashes.synchronous = OFF",
    "PRAGMA hashes.journal_mode = MEMORY",
    "CREATE TABLE hashes.seen (hash INTEGER PRIMARY KEY, line INTEGER)",
    "ATTACH '' AS ordered",
    "PRAGMA ordered.page_size = 16384",
    "PRAGMA ordered.cache_size = -8192",
    "PRAGMA ordered.synchronous = OFF",
    "PRAGMA ordered.journal_mode = OFF",  # nothing is ever rolled back
    """
    CREATE TABLE ordered.lines (
        shard INTEGER, key TEXT, data BLOB, PRIMARY KEY (shard, key)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE ordered.changed (shard INTEGER, key TEXT, data BLOB)",
)
_NEXT = "SELECT coalesce(max(rowid), 0) + 1 FROM main.lines"
_SEE = "INSERT OR IGNORE INTO hashes.seen VALUES (?, ?)"
_ADD = "INSERT INTO main.lines VALUES (?, ?)"
_CHANGE = "UPDATE main.lines SET data = ? WHERE rowid = ?"
_FIND = (
    "SELECT found.rowid, key, data FROM hashes.seen "
    "JOIN main.lines AS found ON found.rowid = line WHERE hash = ?"
)
_SEEN = "SELECT count(*) FROM hashes.seen"

_ORDER = "INSERT INTO ordered.lines SELECT shard(key), key, data FROM main.lines ORDER BY 1, 2"
_ALL = "SELECT key, data FROM ordered.lines"
_RANGE = "SELECT data FROM ordered.lines WHERE shard BETWEEN ? AND ? ORDER BY key"
_SIZES = "SELECT shard, count(*), sum(length(data)) FROM ordered.lines GROUP BY shard"
_GET = "SELECT data FROM ordered.lines WHERE shard = ? AND key = ?"
_KEEP = "INSERT OR IGNORE INTO ordered.lines VALUES (?, ?, ?)"
_STAGE = "INSERT INTO ordered.changed VALUES (?, ?, ?)"
_REPLACE = "INSERT OR REPLACE INTO ordered.lines SELECT * FROM ordered.changed"
_UNSTAGE = "DELETE FROM ordered.changed"
_FINEST = 4096
"""Shards by which the lines are ordered; any other number of them is made of these."""

_Rows: TypeAlias = "list[tuple[str, bytes]]"


class Size(NamedTuple):
    """How much stands in a shard: the number of its lines, and of their bytes."""

    lines: int
    bytes: int


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
    def unsorted(self) -> Iterator[Line]:
        """Yield the lines in any order: the cheapest way to read them."""

    @abstractmethod
    def replace(self, lines: Iterable[Line]) -> None:
        """Put `lines`, each of another key, in the place of those that have their keys.

        They may follow from the lines that are here, read meanwhile. If `lines` raises, none is
        replaced.
        """

    @abstractmethod
    def keep(self, lines: Iterable[Line]) -> None:
        """Add the lines whose key is not there yet."""

    @abstractmethod
    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by the name of their shard, each sorted by key.

        Args:
            shards: 1 (the one name is empty), 16, 256 or 4,096.
        """

    def sizes(self, shards: int) -> dict[str, Size]:
        """Return the size of each shard by its name."""
        split = self.split(shards).items()
        return {name: Size(len(texts), sum(map(len, texts))) for name, texts in split}


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

    def unsorted(self) -> Iterator[Line]:
        """Yield the lines in any order."""
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
        new: dict[str, bytes] = dict(lines)
        self._lines.update(new)
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
    """Lines in the table `lines` of a database; once they are read, in a temporary one."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Begin with the lines that the table holds."""
        self._database = database
        for statement in _ATTACH:
            database.execute(statement)
        database.create_function("hash", 1, _hash, deterministic=True)
        database.create_function("shard", 1, _shard, deterministic=True)
        database.execute("INSERT INTO hashes.seen SELECT hash(key), rowid FROM main.lines")
        self._is_ordered = False
        self._sizes: dict[int, Size] = {}

    def __len__(self) -> int:
        if self._is_ordered:
            return sum(size.lines for size in self._measured().values())
        (number,) = self._database.execute(_SEEN).fetchone()
        return int(number)

    def __iter__(self) -> Iterator[Line]:
        return map(Line._make, self._ordered().execute(f"{_ALL} ORDER BY key"))

    def unsorted(self) -> Iterator[Line]:
        """Yield the lines in any order."""
        return map(Line._make, self._ordered().execute(_ALL))

    def get(self, key: str) -> bytes | None:
        """Return the bytes of the line of `key`, or None."""
        row = self._ordered().execute(_GET, (_shard(key), key)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, lines: Iterable[Line]) -> list[str]:
        """Add lines; see `Lines.put`."""
        again: list[str] = []
        for rows in _batches(lines):
            if self._is_ordered:
                again += [key for key, data in rows if not self._put_ordered(key, data)]
            elif not self._all_new(rows):
                again += [key for key, data in rows if not self._put(key, data)]
        return again

    def replace(self, lines: Iterable[Line]) -> None:
        """Put `lines` in the place of those that have their keys."""
        database = self._ordered()
        try:
            database.executemany(_STAGE, _placed(lines))
            database.execute(_REPLACE)
        finally:
            database.execute(_UNSTAGE)
            self._sizes = {}

    def keep(self, lines: Iterable[Line]) -> None:
        """Add the lines whose key is not there yet."""
        self._ordered().executemany(_KEEP, _placed(lines))
        self._sizes = {}

    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by shard; see `Lines.split`."""
        return {
            name: _Shard(self, first, first + _FINEST // shards - 1)
            for name, first in _starts(shards)
        }

    def sizes(self, shards: int) -> dict[str, Size]:
        """Return the size of each shard by its name."""
        return {
            name: self.size(first, first + _FINEST // shards - 1) for name, first in _starts(shards)
        }

    def size(self, first: int, last: int) -> Size:
        """Return the size of what stands in some of the finest shards."""
        measured = self._measured()
        found = [measured[number] for number in range(first, last + 1) if number in measured]
        return Size(sum(each.lines for each in found), sum(each.bytes for each in found))

    def texts(self, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes of the lines of some of the finest shards, by key."""
        return (data for (data,) in self._ordered().execute(_RANGE, (first, last)))

    def _ordered(self) -> sqlite3.Connection:
        """Return the database, in which the lines are ordered now."""
        if not self._is_ordered:
            self._database.execute(_ORDER)
            self._is_ordered = True
        return self._database

    def _measured(self) -> dict[int, Size]:
        """Return the sizes of those of the finest shards that hold anything."""
        if not self._sizes:
            rows = self._ordered().execute(_SIZES)
            self._sizes = {number: Size(lines, length) for number, lines, length in rows}
        return self._sizes

    def _put_ordered(self, key: str, data: bytes) -> bool:
        """Add one line, unless that of its key is greater; return whether the key is new."""
        old = self.get(key)
        if old is None or data > old:
            self.replace([Line(key, data)])
        return old is None

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

    def _put(self, key: str, data: bytes) -> bool:
        """Add one line, unless that of its key is greater; return whether the key is new."""
        line, hash_, old = self._found(key)
        if line is None:
            added = self._database.execute(_ADD, (key, data)).lastrowid
            self._database.execute(_SEE, (hash_, added))
        elif data > old:
            self._database.execute(_CHANGE, (data, line))
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
    """The bytes of the lines of a shard, by key; can be read again."""

    def __init__(self, lines: LinesOnDisk, first: int, last: int) -> None:
        self._lines = lines
        self._range = (first, last)

    def __len__(self) -> int:
        return self._lines.size(*self._range).lines

    def __iter__(self) -> Iterator[bytes]:
        return self._lines.texts(*self._range)

    def __contains__(self, line: object) -> bool:
        return any(line == each for each in self)


def _starts(shards: int) -> Iterator[tuple[str, int]]:
    """Yield the name of each shard, and the first of the finest ones that it is made of."""
    return zip(shard_names(shards), range(0, _FINEST, _FINEST // shards), strict=True)


def _placed(lines: Iterable[Line]) -> Iterator[tuple[int, str, bytes]]:
    return ((_shard(key), key, data) for key, data in lines)


def _shard(key: str) -> int:
    """Return which of the finest shards holds `key`: the first bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:2]) >> 4


def _hash(key: str) -> int:
    """Return the first eight bytes of the SHA-256 as SQLite stores an integer."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)


def _batches(lines: Iterable[Line]) -> Iterator[_Rows]:
    rest = iter(lines)
    while batch := [(key, data) for key, data in islice(rest, _BATCH)]:
        yield batch
