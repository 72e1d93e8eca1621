"""What a question will read of several versions: in a partial clone, one fetch brings it.

Commits and folders are there, so which files a version consists of, and which of them two versions
share, is known before any file is. In a whole clone nothing of this is looked at.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from archiver.errors import StoreError
from archiver.language import sentence
from archiver.records import canonical
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from archiver.store.folder import FolderReader
    from archiver.store.history import Revision
    from archiver.store.objects import ObjectReader
    from archiver.store.repository import Repository

R = TypeVar("R", bound="Revision")

WINDOW: Final = 128
"""Versions of a long walk that are fetched together."""
_FEW: Final = 16
"""Versions that are fetched first where a walk may end soon; then twice as many each time."""
_BLOB: Final = frozenset({40, 64})
"""Length of an object id; a folder has something else for a link."""


class Files(NamedTuple):
    """The files of a version: object ids.

    Attributes:
        whole: The snapshot, or the index of its shards; empty: there is none.
        parts: The shards, or the files of a folder, by name.
        beside: What is read along with it: tombstones, archiver.toml.
        names: What people call each of them.
    """

    whole: str
    parts: Mapping[str, str]
    beside: tuple[str, ...]
    names: Mapping[str, str]

    def __repr__(self) -> str:
        return short(self)


NOTHING: Final = Files("", {}, (), {})
"""What was there before the first version."""


class Ahead:
    """Looks ahead at the versions of one catalogue; a context manager that ends its readers."""

    def __init__(
        self, repository: Repository | None, removed: Callable[[Revision], str], pattern: str
    ) -> None:
        """Look at versions in `repository`.

        Args:
            repository: Where they are; None: versions are plain files.
            removed: Returns the path of the tombstones in a revision; empty: there are none.
            pattern: Names the files of a folder, each version of which is one; empty: none does.
        """
        self._repository = repository if repository and repository.promised else None
        self._removed = removed
        self._pattern = pattern
        self._open = ExitStack()
        self._reader: ObjectReader | None = None
        self._folder: FolderReader | None = None
        self._planned: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def plans(self, oid: str | None) -> bool:
        """Return whether an object is read of these versions, or of those just before."""
        return any(oid in plan for plan in self._planned)

    def read(self, revisions: Iterable[R], *, settings: str = "") -> Iterator[R]:
        """Yield revisions whose versions are read to their end, each by itself.

        Args:
            revisions: The revisions.
            settings: Path of archiver.toml where it is read too.
        """

        def wanted(files: Sequence[Files]) -> Iterator[Mapping[str, str]]:
            yield from (_all(each) for each in files)

        return self._windows(revisions, wanted, WINDOW, WINDOW, settings=settings)

    def searched(self, revisions: Iterable[R], keys: Collection[str]) -> Iterator[R]:
        """Yield revisions of whose versions only the parts are read that hold some `keys`."""

        def wanted(files: Sequence[Files]) -> Iterator[Mapping[str, str]]:
            for each in files:
                yield _named(each, (each.whole, *self._holding(each, keys)))

        return self._windows(revisions, wanted, WINDOW, WINDOW)

    def compared(
        self,
        revisions: Iterable[R],
        *,
        first: int = _FEW,
        last: Callable[[R], bool] = lambda _: False,
        settings: str = "",
        begins: bool = False,
        ends: bool = False,
    ) -> Iterator[R]:
        """Yield revisions whose versions are compared, each with the next one.

        Args:
            revisions: The revisions, in either order.
            first: How many are surely asked for.
            last: Says of which revision on nothing is asked for any more.
            settings: Path of archiver.toml where it is read too.
            begins: Whether the first one is compared with nothing.
            ends: Whether the last one is.
        """
        before = [NOTHING] if begins else []

        def wanted(files: Sequence[Files]) -> Iterator[Mapping[str, str]]:
            if self._pattern and not before:
                yield _all(files[0])  # it is put together of all, the others of what is new
            for each in files:
                yield _named(each, (each.whole, *each.beside))
            for each, other in pairwise((*before, *files)):
                yield from _differing(each, other)
            for each in files:
                yield _named(each, [*each.parts.values()][:1])  # it says how all are keyed
            before[:] = files[-1:]

        def rest() -> Iterator[Mapping[str, str]]:
            yield from (_all(each) for each in before if ends)

        return self._windows(
            revisions, wanted, first, max(first, WINDOW), last=last, settings=settings, rest=rest
        )

    def together(self, revisions: Sequence[Revision], *, settings: str = "") -> None:
        """Take note of the versions that a comparison reads; a single one is read to its end."""
        both = self.compared(revisions, first=2, settings=settings, ends=len(revisions) == 1)
        for _ in both if self._repository is not None else ():
            pass

    def stones(self, revisions: Iterable[Revision]) -> None:
        """Take note that the tombstones of these versions are read."""
        if self._repository is not None:
            wanted: dict[str, str] = {}
            for each in revisions:
                if oid := self._beside(each, self._removed(each)):
                    wanted[oid] = _called(each, self._removed(each))
            self._repository.expect(wanted)

    def _windows(
        self,
        revisions: Iterable[R],
        wanted: Callable[[Sequence[Files]], Iterable[Mapping[str, str]]],
        first: int,
        most: int,
        *,
        last: Callable[[R], bool] = lambda _: False,
        settings: str = "",
        rest: Callable[[], Iterable[Mapping[str, str]]] = lambda: (),
    ) -> Iterator[R]:
        """Yield revisions, after what is wanted of the next few is noted."""
        repository = self._repository
        if repository is None:
            yield from revisions
            return
        source, size = iter(revisions), max(1, first)
        over = False
        while not over:
            found, end, over = _some(source, size, last)
            plan: dict[str, str] = {}
            for each in wanted([self._files(each, settings) for each in found]) if found else ():
                plan |= each
            for each in rest() if over and not (found and last(found[-1])) else ():
                plan |= each
            repository.expect(plan)
            self._planned = (self._planned[1], plan)
            yield from found
            if end is not None:
                raise end
            size = min(2 * size, most)
        yield from source

    def _files(self, revision: Revision, settings: str) -> Files:
        if revision.blob is None:
            return NOTHING
        beside = {
            oid: _called(revision, path)
            for path in (self._removed(revision), settings)
            if (oid := self._beside(revision, path))
        }
        if self._pattern:
            whole, parts = "", self._matching(revision)
            names = {oid: path for path, oid in parts.items()}
        else:
            whole, folder = revision.blob, revision.path.removesuffix(".json")
            shards = self._objects().entries(revision.id, folder)
            parts = {name.removesuffix(".json"): oid for name, oid in shards.items()}
            if len(parts) < len(_DIGITS) or not _are_shards(parts):
                parts = {}
            names = {oid: f"{folder}/{name}.json" for name, oid in parts.items()}
            names[whole] = _called(revision, revision.path)
        return Files(whole, parts, tuple(beside), names | beside)

    def _matching(self, revision: Revision) -> dict[str, str]:
        assert self._repository is not None  # noqa: S101  else nothing is looked at
        if self._folder is None:
            self._folder = self._open.enter_context(self._repository.folders(self._pattern))
        files = self._folder.files(revision.id)
        return {path: oid for path, oid in files.items() if len(oid) in _BLOB}

    def _beside(self, revision: Revision, path: str) -> str:
        return (self._objects().located(revision.id, path) or "") if path else ""

    def _holding(self, files: Files, keys: Collection[str]) -> Iterator[str]:
        """Yield the ids of the parts that may hold some keys."""
        if self._pattern:
            yield from files.parts.values()
        elif files.parts:
            names = {canonical.shard_name(key, len(files.parts)) for key in keys}
            yield from (files.parts[name] for name in names)

    def _objects(self) -> ObjectReader:
        assert self._repository is not None  # noqa: S101  else nothing is looked at
        if self._reader is None:
            self._reader = self._open.enter_context(self._repository.objects())
        return self._reader


_DIGITS: Final = "0123456789abcdef"


def _are_shards(names: Collection[str]) -> bool:
    """Say whether a folder beside a snapshot is that of its shards: any other program's is not."""
    width = len(next(iter(names)))
    return len(names) == len(_DIGITS) ** width and all(
        len(name) == width and not name.strip(_DIGITS) for name in names
    )


def _some(
    source: Iterator[R], number: int, last: Callable[[R], bool]
) -> tuple[list[R], StoreError | None, bool]:
    """Take some revisions; return them, what ended the history, and whether these were all."""
    found: list[R] = []
    try:
        for each in source:
            found.append(each)
            if last(each):
                return found, None, True
            if len(found) == number:
                return found, None, False
    except StoreError as end:
        return found, end, True
    return found, None, True


def _called(revision: Revision, path: str) -> str:
    return sentence("{path} of {commit}", path=path, commit=revision.id[:10])


def _named(files: Files, ids: Iterable[str]) -> dict[str, str]:
    return {oid: files.names[oid] for oid in ids if oid}


def _all(files: Files) -> dict[str, str]:
    return _named(files, (files.whole, *files.beside, *files.parts.values()))


def _differing(one: Files, other: Files) -> Iterator[dict[str, str]]:
    """Yield those parts of two versions that are not equal: the others are never read."""
    same = one.parts.keys() == other.parts.keys()
    for each, beside in ((one, other), (other, one)):
        ids = (oid for name, oid in each.parts.items() if not same or oid != beside.parts.get(name))
        yield _named(each, ids)
