"""Open versions of a catalogue: from git or from a file, canonical or not, whole or sharded."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from archiver.changes.lifecycle import read_tombstones
from archiver.errors import UnreadableSnapshot
from archiver.records import canonical
from archiver.records.model import End
from archiver.watcher.contents import CHUNK, Content, Interpreter, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from archiver.changes.lifecycle import Tombstone
    from archiver.store.history import Revision
    from archiver.store.objects import ObjectReader
    from archiver.store.repository import Repository
    from archiver.watcher.documents import Shape

    _Read: TypeAlias = Callable[[], Content]

_Found = TypeVar("_Found")

SMALL = 8 << 20
"""Bytes up to which a file is read whole, by one git process for all; larger ones stream."""

STAMP = "%Y-%m-%d %H:%M:%S"
"""Form of a capture time in UTC, as the original design writes it."""


class Part(NamedTuple):
    """One file of a snapshot: its object id (None outside git), and how to read its lines."""

    id: str | None
    lines: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a catalogue, ready to be read once.

    Attributes:
        end: Where it stands and what it says of itself.
        parts: Shard name to part; the one name is empty where there are no shards.
        notes: What the reader should know: skipped records, doubled keys, another key.
        digests: Shard name to the SHA-256 of its file, as the index says.
        covers: What was listed, as the header says; empty: everything.
        tombstones: Returns what was removed before and stayed away; read only when asked.
    """

    end: End
    parts: dict[str, Part]
    notes: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    covers: str = ""
    tombstones: Callable[[], Mapping[str, Tombstone]] = dict

    def lines(self) -> Iterable[bytes]:
        """Return all lines, sorted by key; shards are sorted in memory."""
        opened = [part.lines() for part in self.parts.values()]
        if len(opened) == 1:
            return opened[0]
        return sorted(chain.from_iterable(opened), key=canonical.line_key)


EMPTY = Version(End(None, None, 0), {"": Part(None, tuple)})
"""What was there before the first capture."""


class _Shard(NamedTuple):
    """One file of a split snapshot: its object id (None outside git), and how to read it."""

    id: str | None
    read: _Read

    def part(self) -> Part:
        return Part(self.id, lambda: self.read().lines)


class Versions:
    """Opens versions of one catalogue; a context manager that ends what it started."""

    def __init__(
        self,
        repository: Repository | None,
        path: str,
        *,
        shape: Shape | None,
        key: tuple[str, ...],
        removed: str = "",
    ) -> None:
        """Look at the file `path` of `repository`.

        Args:
            repository: Where revisions are looked up; None: plain files only.
            path: The file, relative to the top of the work tree, with ``/``.
            shape: How to read versions that are not canonical, see `Interpreter`.
            key: Fields of the key that is applied to all versions; empty: as stored.
            removed: The file of tombstones; empty: there is none.
        """
        self._repository = repository
        self._path = path
        self._removed = removed
        self._is_keyed = bool(key)
        self._interpreter = Interpreter(shape, key)
        self._open = ExitStack()
        self._shared: ObjectReader | None = None
        self._recent: dict[str, Content] = {}
        self._stones: dict[str, Mapping[str, Tombstone]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stored(self, revision: Revision, *, path: str = "") -> Version:
        """Open the version that `revision` holds.

        Args:
            revision: The revision; its object id at `path` is read.
            path: The file, where it is not the one the catalogue is kept in.

        Raises:
            UnreadableSnapshot: It holds no catalogue.
            DamagedObject: An object's content has not the id under which it is stored.
        """
        if revision.blob is None:
            raise UnreadableSnapshot("the file is gone")
        found = self._blob(revision.blob)
        end = End(revision.id, found.taken or stamp(revision.authored_at), found.total)
        version = _whole(end, found, revision.blob)
        if found.shards:
            folder = (path or self._path).removesuffix(".json")
            entries = self._required().entries(revision.id, folder)
            blobs = {name: entries.get(f"{name}.json") for name in found.shards}
            shards = {name: self._shard(name, blob) for name, blob in blobs.items()}
            version = self._split(version, shards)
        return replace(version, tombstones=partial(self._tombstones, revision.id))

    def file(self, path: Path) -> Version:
        """Open a plain file, gzipped or not.

        Raises:
            UnknownRevision: It cannot be read.
            UnreadableSnapshot: It holds no catalogue.
        """
        found = self._loose(path)
        version = _whole(End(None, found.taken, found.total), found, None)
        if not found.shards:
            return version
        paths = {name: path.with_suffix("") / f"{name}.json" for name in found.shards}
        shards = {name: _Shard(None, partial(self._loose, each)) for name, each in paths.items()}
        return self._split(version, shards)

    def _split(self, version: Version, shards: Mapping[str, _Shard]) -> Version:
        """Return the version whose records stand in `shards`.

        Those that were split by another key are joined: today, their records belong elsewhere.
        """
        split = replace(version, parts={name: shard.part() for name, shard in shards.items()})
        for shard in shards.values() if self._is_keyed else ():
            found = shard.read()
            if next(iter(found.lines), None) is not None:
                joined = replace(split, parts={"": Part(None, split.lines)}, notes=found.notes)
                return joined if found.notes else split
        return split

    def _shard(self, name: str, blob: str | None) -> _Shard:
        if blob is None:
            raise UnreadableSnapshot(f"shard {name} is missing")
        return _Shard(blob, partial(self._blob, blob))

    def _loose(self, path: Path) -> Content:
        return self._interpreter.read(chunks(path))

    def _blob(self, blob: str) -> Content:
        """Read a blob; the two latest that are in memory stay there, for walking a history."""
        if blob in self._recent:
            return self._recent[blob]
        reader = self._objects()
        if reader.size(blob) > SMALL:
            found = self._interpreter.read(self._streamed(blob))
        else:
            found = self._interpreter.read((reader.read(blob),))
            found = found._replace(lines=list(found.lines))
        if isinstance(found.lines, list):
            self._recent = _latest(self._recent, blob, found)
        return found

    def _tombstones(self, commit: str) -> Mapping[str, Tombstone]:
        """Read the tombstones of a commit; those of a file of any repository are nobody's."""
        blob = self._objects().find(commit, self._removed) if self._removed else None
        if blob is None:
            return {}
        if blob not in self._stones:
            self._stones = _latest(self._stones, blob, _tombstones(self._objects().read(blob)))
        return self._stones[blob]

    def _streamed(self, blob: str) -> Iterator[bytes]:
        """Read a large blob by a git process of its own, which ends with it."""
        with self._required().objects() as reader:
            yield from reader.stream(blob, CHUNK)

    def _objects(self) -> ObjectReader:
        if self._shared is None:
            self._shared = self._open.enter_context(self._required().objects())
        return self._shared

    def _required(self) -> Repository:
        assert self._repository is not None  # noqa: S101  callers have an object of it
        return self._repository


def _whole(end: End, found: Content, blob: str | None) -> Version:
    """Return the version whose records all stand in one file."""
    parts = {"": Part(blob, lambda: found.lines)}
    return Version(end, parts, found.notes, found.shards, found.covers)


def _latest(known: Mapping[str, _Found], blob: str, found: _Found) -> dict[str, _Found]:
    """Return the two latest of what was read: those that a step of a history looks at."""
    return dict([*known.items(), (blob, found)][-2:])


def _tombstones(content: bytes) -> Mapping[str, Tombstone]:
    try:
        return read_tombstones(content)
    except ValueError as error:
        raise UnreadableSnapshot(f"the tombstones cannot be read: {error}") from error


def stamp(time: datetime) -> str:
    """Return a capture time as it stands in a snapshot's header."""
    return time.astimezone(UTC).strftime(STAMP)
