"""The lines of a listing: one per key, in memory; `underway` keeps them on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from archiver.records.canonical import shard_names, shard_of
from archiver.records.model import Line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


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
        """Say whether there is a line of `key`."""
        return self.get(key) is not None

    @abstractmethod
    def put(self, lines: Iterable[Line]) -> list[str]:
        """Take lines; of several with one key the last stands.

        Returns:
            The keys that had come before, once for each time.
        """

    @abstractmethod
    def keep(self, lines: Iterable[Line]) -> None:
        """Take the lines whose key is not there yet."""

    @abstractmethod
    def split(self, shards: int) -> dict[str, Collection[bytes]]:
        """Return the lines' bytes by the name of their shard, each sorted by key.

        Args:
            shards: 1 (the one name is empty), 16 or 256.
        """


class LinesInMemory(Lines):
    """Lines in a dictionary; as fast as it gets, and as large."""

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
        """Take lines; see `Lines.put`."""
        known = self._lines
        again = []
        for key, data in lines:
            if key in known:
                again.append(key)
            known[key] = data
        self._sorted = False
        return again

    def keep(self, lines: Iterable[Line]) -> None:
        """Take the lines whose key is not there yet."""
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
            split[names[shard_of(key) * shards >> 8]].append(data)
        return dict(split)

    def _sort(self) -> None:
        if not self._sorted:
            self._lines = dict(sorted(self._lines.items()))
            self._sorted = True
