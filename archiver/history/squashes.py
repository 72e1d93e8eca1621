"""Captures that stand in one commit: somebody squashed them, or copied a source's folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import ShallowHistory
from archiver.history import snapshots
from archiver.history.catalogue import LATEST, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.history.catalogue import Catalogue


class Squash(NamedTuple):
    """One commit with the stamped files of several captures.

    Only the last of them is a version of the history; the others are read by their stamped file.

    Attributes:
        revision: Full commit id.
        folder: Folder of the stamped files in it.
        files: Name of each stamped file that it brought to its blob id.
        latest: Blob id of its latest snapshot, which is one of these.
    """

    revision: str
    folder: str
    files: Mapping[str, str]
    latest: str

    @property
    def captures(self) -> int:
        """Number of captures that stand in it."""
        return len(set(self.files.values()))


def squashes(catalogue: Catalogue) -> Iterator[Squash]:
    """Yield the commits that brought stamped files of captures that are no commits of their own.

    What was pruned since leaves no trace. In a shallow clone, a commit that it does not reach is
    left out, and a file of any repository has no stamped ones.
    """
    tip = catalogue.required().tip(catalogue.ref)
    if tip is None or not catalogue.folder:
        return
    known = catalogue.blobs(tip)
    files = catalogue.required().entries(tip, catalogue.stamped)
    others = (name for name, blob in files.items() if blob not in known)
    left = {file.name for file in snapshots.stamped(others)}
    while left:
        name = min(left)
        found = None
        with suppress(ShallowHistory):
            found = _brought(catalogue, f"{catalogue.stamped}/{name}", tip)
        left -= {name, *(found.files if found else ())}
        if found is not None and found.captures > 1 and found.latest in found.files.values():
            yield found


def _brought(catalogue: Catalogue, path: str, tip: str) -> Squash:
    """Return what the commit that brought the stamped file at `path` brought with it."""
    repository = catalogue.required()
    *_, origin = catalogue.beside(path, tip)
    if folder_of(origin.path) not in map(folder_of, catalogue.places(tip)):
        *_, origin = repository.history(path, tip=tip)  # it came from elsewhere
    folder = PurePosixPath(origin.path).parent
    now = repository.entries(origin.id, str(folder))
    parent = repository.parent(origin.id)
    before = repository.entries(parent, str(folder)) if parent else {}
    new = {each.name: now[each.name] for each in snapshots.stamped(now.keys() - before.keys())}
    latest = repository.object_at(origin.id, str(folder.parent / LATEST))
    return Squash(origin.id, str(folder), new, latest or "")
