"""Open versions of a catalogue: from git or from a file, canonical or not, whole or sharded."""

from __future__ import annotations

import codecs
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver.changes.lifecycle import read_tombstones
from archiver.errors import UnknownRevision, UnreadableSnapshot, reason
from archiver.formats.packing import unpacked
from archiver.history.ahead import Ahead
from archiver.history.catalogue import REMOVED, folder_of
from archiver.history.folder import Folder, shown
from archiver.history.foreign import Documents, rekeyed
from archiver.history.unusable import LastUsable, Usable
from archiver.language import sentence, stored
from archiver.records import canonical
from archiver.records.lfs import pointer
from archiver.records.model import End
from archiver.records.representation import short
from archiver.records.text import few
from archiver.store.history import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from archiver.changes.lifecycle import Tombstone
    from archiver.history.catalogue import Catalogue
    from archiver.history.foreign import Document, Shape
    from archiver.store.history import Came, Revision
    from archiver.store.objects import ObjectReader
    from archiver.store.repository import Repository

CHUNK = 1 << 18
SMALL = 8 << 20
"""Bytes up to which a file stays in memory, for the next comparison in a walk through history."""

STAMP = "%Y-%m-%d %H:%M:%S"
"""Form of a capture time in UTC, as the original design writes it."""


class Part(NamedTuple):
    """One file of a snapshot: its object id (None outside git), and how to read its lines.

    What is put together in memory has `records`, too: the same lines by key.
    """

    id: str | None
    lines: Callable[[], Iterable[bytes]]
    records: Mapping[str, bytes] | None = None

    def __repr__(self) -> str:
        return short(self)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a catalogue, ready to be read once.

    Attributes:
        end: Where it stands and what it says of itself.
        parts: Shard name to part; the one name is empty where there are no shards.
        notes: What the reader should know: skipped records, doubled keys, another key.
        digests: Shard name to the SHA-256 of its file, as the index says.
        covers: What was listed, as the header says; empty: everything.
        swept: Capture time of the last full listing, where only changes were listed.
        metrics: Capture time that its metrics are as of; empty: its own.
        tombstones: Returns what was removed before and stayed away; read only when asked.
        again: Opens it once more; None: its lines can be read any number of times.
        outlined: Whether only its end and notes are known so far; `again` opens it.
        unusable: Of a plain file, the keys of records that cannot be used.
        unnamed: Of a plain file, the number of further ones, whose keys cannot be read either.
        path: Where it is in its commit, of a file of any repository.
    """

    end: End
    parts: dict[str, Part]
    notes: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    covers: str = ""
    swept: str = ""
    metrics: str = ""
    tombstones: Callable[[], Mapping[str, Tombstone]] = dict
    again: Callable[[], Version] | None = None
    outlined: bool = False
    unusable: frozenset[str] = frozenset()
    unnamed: int = 0
    path: str = ""

    __repr__ = short

    def opened(self) -> Version:
        """Return it ready to be read, also where it is outlined."""
        return self.again() if self.outlined and self.again else self

    def with_lines(self, lines: Mapping[str, bytes], *notes: str) -> Version:
        """Return it with other `lines`, by key, and more notes."""
        kept = [lines[key] for key in sorted(lines)]
        end = msgspec.structs.replace(self.end, total=len(kept))
        parts = {"": Part(None, lambda: kept)}
        return replace(self, end=end, parts=parts, notes=(*self.notes, *notes), again=None)

    def lines(self) -> Iterable[bytes]:
        """Return all lines, sorted by key; shards are sorted in memory."""
        opened = [part.lines() for part in self.parts.values()]
        if len(opened) == 1:
            return opened[0]
        return sorted(chain.from_iterable(opened), key=canonical.line_key)


def flaw(version: Version) -> UnreadableSnapshot | None:
    """Read a version to its end, and return what is wrong with it; None: nothing.

    A version is opened by its first lines: a large file may be damaged behind them, and what was
    removed is only looked at where records are.
    """
    opened = version.again() if version.again else version
    try:
        for part in opened.parts.values():
            for _ in part.lines():
                pass
        opened.tombstones()
    except UnreadableSnapshot as error:
        return error
    return None


def is_index(path: Path) -> bool:
    """Say whether a plain file holds no records but the names of the parts that do."""
    content, _ = unpacked(chunks(path))
    start = next(content, b"")
    return canonical.is_canonical(start) and bool(
        canonical.read(chain((start,), content))[0].shards
    )


EMPTY = Version(End(None, None, 0), {"": Part(None, tuple)})
"""What was there before the first capture."""


class _Read(NamedTuple):
    """A file that was read: its lines, and what its header says where it has one."""

    lines: Iterable[bytes]
    total: int
    taken: str | None = None
    shards: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    covers: str = ""
    swept: str = ""
    metrics: str = ""
    unusable: frozenset[str] = frozenset()
    unnamed: int = 0

    def usable(self, revision: str) -> Usable:
        """Return what it holds as the version of a commit."""
        lines = {canonical.line_key(line).decode(): line for line in self.lines}
        return Usable(revision, lines, self.unusable, self.unnamed)


class _Shard:
    """One file of a snapshot that is split; its lines can be read once for each opening."""

    def __init__(self, read: Callable[[], _Read]) -> None:
        self._read = read
        self._opened: _Read | None = None

    def opened(self) -> _Read:
        """Open the file, unless that was done and its lines wait to be read."""
        self._opened = self._opened or self._read()
        return self._opened

    def lines(self) -> Iterable[bytes]:
        found, self._opened = self.opened(), None
        return found.lines


class Versions:
    """Opens versions of one catalogue; a context manager that ends what it started."""

    def __init__(
        self,
        repository: Repository | None,
        *,
        shape: Shape | None,
        key: tuple[str, ...],
        removed: Callable[[Revision], str] = lambda _: "",
        earlier: Callable[[str], Iterable[Revision]] = lambda _: (),
        pattern: str = "",
        follow: bool = False,
    ) -> None:
        """Look at a file of `repository`, or at plain files.

        Args:
            repository: Where revisions are looked up; None: plain files only.
            shape: How to read versions that are not canonical; None: as the original
                design wrote them (``models``, keyed by ``id`` or ``name``).
            key: Fields of the key that is applied to all versions; empty: as stored.
            removed: Returns the path of the tombstones in a revision; empty: there are none.
            earlier: Returns the revisions before a commit, newest first: what a version holds in
                an unusable form is looked for there.
            pattern: Names the files of a folder, each version of which is one; empty: none does.
            follow: Whether what is gone is looked for elsewhere.
        """
        self._repository = repository
        self._removed = removed
        self._stones: dict[str, Mapping[str, Tombstone]] = {}
        self._key = key
        self._documents = Documents(shape)
        self._member = shape.how.member if shape else ""
        self._earlier = earlier
        self._last_usable = LastUsable(self._usable_before)
        self._open = ExitStack()
        self._idle: list[ObjectReader] = []
        self._recent: dict[str, _Read | tuple[bytes, ...]] = {}
        self._follow = follow
        self.ahead = self._open.enter_context(Ahead(repository, removed, pattern))
        self._folder: Folder | None = None
        if pattern:
            files = self._open.enter_context(self._required().folders(pattern))
            self._folder = Folder(self._required(), pattern, files, self._of_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stored(self, revision: Revision) -> Version:
        """Open the version that `revision` holds.

        Raises:
            UnreadableSnapshot: It holds no catalogue.
            DamagedObject: An object is missing, or its content has another id.
        """
        if self._folder is not None:
            return self._folder.version(revision)
        version = self._stored(revision)
        notes = (*version.notes, *arrival(revision))
        return replace(version, notes=notes, path=revision.path)

    def _stored(self, revision: Revision) -> Version:
        if revision.blob is None:
            reason = self._required().obstacle(revision.id, revision.path) or GONE
            if reason == GONE and self._follow:
                reason = gone(self._required().departure(revision.id, revision.path))
            raise UnreadableSnapshot(reason)
        found = self._blob(revision.blob, revision.path)
        if found.unusable or found.unnamed:
            return self._kept(revision, found)
        end = End(revision.id, found.taken or stamp(revision.authored_at), found.total)
        tombstones = partial(self._tombstones, revision)
        again = partial(self.stored, revision)
        if not found.shards:
            parts = {"": Part(revision.blob, lambda: found.lines)}
            return Version(
                end,
                parts,
                found.notes,
                covers=found.covers,
                swept=found.swept,
                metrics=found.metrics,
                tombstones=tombstones,
                again=again,
            )
        folder = revision.path.removesuffix(".json")
        entries = self._required().entries(revision.id, folder)
        blobs = {name: entries.get(f"{name}.json") for name in found.shards}
        reads = {name: self._shard(blob, name) for name, blob in blobs.items()}
        parts = {name: Part(blobs[name], read.lines) for name, read in reads.items()}
        version = Version(
            end,
            parts,
            digests=found.shards,
            covers=found.covers,
            swept=found.swept,
            metrics=found.metrics,
            tombstones=tombstones,
            again=again,
        )
        return self._joined(version, reads.values())

    def _kept(self, revision: Revision, found: _Read) -> Version:
        """Return a version with the last usable lines of what it holds in an unusable form."""
        usable = found.usable(revision.id)
        kept = self._last_usable.of(usable)
        note = (
            (sentence("kept as last seen, unusable now: {few}", few=few(sorted(kept))),)
            if kept
            else ()
        )
        end = End(revision.id, stamp(revision.authored_at), found.total)
        return Version(end, {}, found.notes).with_lines({**usable.lines, **kept}, *note)

    def _usable_before(self, commit: str) -> Iterator[Usable]:
        for revision in self._earlier(commit):
            with suppress(UnreadableSnapshot):
                if revision.blob is not None:
                    yield self._blob(revision.blob, revision.path).usable(revision.id)

    def _tombstones(self, revision: Revision) -> Mapping[str, Tombstone]:
        """Read the tombstones of a commit; a file of any repository has none."""
        if not (path := self._removed(revision)):
            return {}
        blob = self._required().object_at(revision.id, path)
        if blob is None:
            return {}
        if blob not in self._stones:
            self._stones = {blob: _tombstones(b"".join(self._streamed(blob)))}
        return self._stones[blob]

    def file(self, path: Path) -> Version:
        """Open a plain file, gzipped or not.

        Raises:
            UnknownRevision: It cannot be read.
            UnreadableSnapshot: It holds no catalogue.
        """
        found = self._interpreted(chunks(path), path.name)
        end = End(None, found.taken, found.total, str(path))
        again = partial(self.file, path) if path.is_file() else None  # a pipe is read once
        if not found.shards:
            parts = {"": Part(None, lambda: found.lines)}
            return Version(
                end,
                parts,
                found.notes,
                covers=found.covers,
                metrics=found.metrics,
                again=again,
                unusable=found.unusable,
                unnamed=found.unnamed,
            )
        folder = path.with_suffix("")
        reads = {name: self._loose(folder / f"{name}.json") for name in found.shards}
        parts = {name: Part(None, read.lines) for name, read in reads.items()}
        version = Version(end, parts, covers=found.covers, metrics=found.metrics, again=again)
        return self._joined(version, reads.values())

    def _joined(self, version: Version, shards: Iterable[_Shard]) -> Version:
        """Join shards that were split by another key: today, their records belong elsewhere.

        Any of them says it; one that is read anyway costs a partial clone nothing.
        """
        ids = [part.id for part in version.parts.values()]
        ordered = sorted(
            zip(ids, shards, strict=True), key=lambda each: not self.ahead.plans(each[0])
        )
        for _, shard in ordered if self._key else ():
            found = shard.opened()
            if found.total:
                joined = {"": Part(None, version.lines)}
                return replace(version, parts=joined, notes=found.notes) if found.notes else version
        return version

    def _shard(self, blob: str | None, name: str) -> _Shard:
        if blob is None:
            raise UnreadableSnapshot(sentence("shard {name} is missing", name=name))
        return _Shard(lambda: self._interpreted(self._streamed(blob)))

    def _loose(self, path: Path) -> _Shard:
        return _Shard(lambda: self._interpreted(chunks(path)))

    def _blob(self, blob: str, name: str) -> _Read:
        """Read a blob; of the two latest stays in memory what is small, or was parsed."""
        known = self._recent.get(blob)
        if isinstance(known, _Read):
            return known
        content = known or self._content(blob)
        found = self._interpreted(content, name)
        kept = found if isinstance(found.lines, list) else content
        if isinstance(kept, (_Read, tuple)):
            self._recent = dict([*self._recent.items(), (blob, kept)][-2:])
        return found

    def _content(self, blob: str) -> Iterable[bytes]:
        with self._reader() as reader:
            small = reader.size(blob) <= SMALL
        return tuple(self._streamed(blob)) if small else self._streamed(blob)

    def _of_file(self, name: str, path: str, blob: str) -> Document:
        """Read one file of a folder, whose name in it is `name`."""
        with self._reader() as reader:
            content = (reader.read(blob),)
        parts, file = unpacked(self._resolved(content), path, self._member)
        return self._documents.read(parts, file, member=name)

    def _resolved(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a file, or what Git LFS keeps where it is only a pointer.

        Raises:
            UnreadableSnapshot: It is a pointer to what is not here.
        """
        pieces = iter(content)
        start = next(pieces, b"")
        found = pointer(start)
        if found is None:
            return chain((start,), pieces)
        place = None if self._repository is None else self._repository.large_file(found)
        if place is None:
            raise found.unreadable()
        return chunks(place)

    def _streamed(self, blob: str) -> Iterator[bytes]:
        with self._reader() as reader:
            yield from reader.stream(blob, CHUNK)

    @contextmanager
    def _reader(self) -> Iterator[ObjectReader]:
        """Lend a reader that gives no stream: a comparison needs two, however many its parts."""
        if not self._idle:
            self._idle.append(self._open.enter_context(self._required().objects()))
        reader = self._idle.pop()
        try:
            yield reader
        finally:
            self._idle.append(reader)

    def _required(self) -> Repository:
        assert self._repository is not None  # noqa: S101  callers have an object of it
        return self._repository

    def _interpreted(self, content: Iterable[bytes], name: str = "") -> _Read:
        parts, name = unpacked(self._resolved(content), name, self._member)
        start = next(parts, b"").removeprefix(codecs.BOM_UTF8)
        rest = chain((start,), parts)
        if not canonical.is_canonical(start):
            read = self._documents.read(rest, name)
            return _Read(
                read.lines,
                len(read.lines),
                notes=read.notes,
                unusable=read.unusable,
                unnamed=read.unnamed,
            )
        header, stored = canonical.read(rest)
        digests = {name: digest for name, (_, digest) in header.shards.items()}
        lines, notes = rekeyed(stored, self._key)
        return _Read(
            lines,
            header.total,
            header.timestamp,
            digests,
            notes,
            covers=header.covers,
            swept=header.swept,
            metrics=header.metrics,
        )


def opened(catalogue: Catalogue) -> Versions:
    """Return what opens the versions of `catalogue`, for a ``with`` block."""
    some = catalogue.has_tombstones
    return Versions(
        catalogue.repository,
        shape=catalogue.shape,
        key=catalogue.policy.key,
        removed=lambda revision: f"{folder_of(revision.path)}/{REMOVED}" if some else "",
        earlier=lambda commit: islice(catalogue.reachable(commit), 1, None),
        pattern=catalogue.path if catalogue.is_folder else "",
        follow=catalogue.follow,
    )


def arrival(revision: Revision) -> tuple[str, ...]:
    """Say how a file came to its path, where its commit brought it there from elsewhere."""
    came = revision.came
    if came is None:
        return ()
    if came.unknown:
        return (stored("this clone is partial: whether the file was moved here is not known"),)
    if came.old:
        return (stored("moved here from {old}", old=shown(came.old)),)
    return (stored("begins here; the same commit removed {left}", left=shown(came.left)),)


def gone(there: Came) -> str:
    """Say why there is no file, and where its content may be."""
    if there.old:
        return stored("the file is gone: this commit moved it to {new}", new=shown(there.old))
    if there.left:
        return stored("the file is gone; the same commit added {left}", left=shown(there.left))
    return GONE


def _tombstones(content: bytes) -> Mapping[str, Tombstone]:
    try:
        return read_tombstones(content)
    except ValueError as error:
        raise UnreadableSnapshot(
            sentence("the tombstones cannot be read: {error}", error=reason(error))
        ) from error


def stamp(time: datetime) -> str:
    """Return a capture time as it stands in a snapshot's header."""
    return time.astimezone(UTC).strftime(STAMP)


def taken_at(end: End) -> datetime | None:
    """Return the capture time, UTC, that one end of a comparison says; None: it says none."""
    try:
        return datetime.strptime(end.timestamp or "", STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a plain file.

    Raises:
        UnknownRevision: It cannot be read.
    """
    try:
        with path.open("rb") as content:
            while chunk := content.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UnknownRevision(
            sentence("{path} cannot be read: {error}", path=path, error=reason(error))
        ) from error
