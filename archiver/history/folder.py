"""Open versions of a folder: a pattern names its files, and each of them holds records.

A version is put together from what its files hold. A file whose object id is known is not read
again, so the version before a commit that touched three files costs three reads. Of what cannot
be read, the lines stay that the same file held when it could be read last.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import partial
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import DamagedObject, ShallowHistory, UnreadableSnapshot, reason
from archiver.formats import SUFFIXES
from archiver.history.foreign import skipped
from archiver.history.unusable import LastUsable, Usable
from archiver.language import joined, sentence, stored
from archiver.records.canonical import line_key
from archiver.records.folder import name_of
from archiver.records.model import End
from archiver.records.representation import short
from archiver.records.text import few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archiver.history.foreign import Document
    from archiver.history.versions import Version
    from archiver.store.folder import FolderReader
    from archiver.store.history import Revision
    from archiver.store.repository import Repository

_RECENT: Final = 2
"""Versions that stay in memory: a walk compares each one with the next."""
_ROOM: Final = 3
"""How many times the files of a version may be remembered before what is not in use goes."""
_NOT_TEXT: Final = stored("its name is not UTF-8")
_KINDS: Final = {"120000": stored("it is a symbolic link"), "160000": stored("it is a submodule")}


class _Piece(NamedTuple):
    """What one file holds.

    Attributes:
        lines: Its lines by key.
        notes: What is to be known of it.
        unusable: The keys of records that cannot be used.
        unnamed: Number of further ones, whose keys cannot be read either.
        trouble: Why nothing in it can be read; empty: it can.
    """

    lines: Mapping[str, bytes]
    notes: tuple[str, ...] = ()
    unusable: frozenset[str] = frozenset()
    unnamed: int = 0
    trouble: str = ""

    def __repr__(self) -> str:
        return short(self)


class Folder:
    """Opens the versions of one folder."""

    def __init__(
        self,
        repository: Repository,
        pattern: str,
        files: FolderReader,
        read: Callable[[str, str, str], Document],
    ) -> None:
        """Look at the files that a pattern names.

        Args:
            repository: Where they are.
            pattern: The pattern.
            files: Says which they are in a commit.
            read: Returns what a file holds, given its name in the folder, path and object id.
        """
        self._repository = repository
        self._pattern = pattern
        self._files = files
        self._read = read
        self._known: dict[tuple[str, str], _Piece] = {}
        self._recent: deque[Version] = deque(maxlen=_RECENT)
        self._before = _Before(repository)
        self._last_usable: dict[str, LastUsable] = {}

    def version(self, revision: Revision) -> Version:
        """Open the version that a commit holds.

        Raises:
            UnreadableSnapshot: No file is there, or none can be read.
        """
        for known in self._recent:
            if known.end.revision == revision.id:
                return known
        found = self._version(revision)
        self._recent.append(found)
        return found

    def _version(self, revision: Revision) -> Version:
        from archiver.history.versions import Part, Version, arrival, stamp  # noqa: PLC0415  it opens these

        files = self._files.files(revision.id)
        if not files:
            raise UnreadableSnapshot(sentence("no file matches {path}", path=self._pattern))
        self._make_room(files)
        lines: dict[str, bytes] = {}
        flawed: dict[str, _Piece] = {}
        twice: list[str] = []
        for path, blob in files.items():
            piece = self._known.get((path, blob)) or self._piece(path, blob)
            if piece.notes or piece.trouble or piece.unnamed or piece.unusable:
                flawed[path] = piece
            for key, line in piece.lines.items():
                if key in lines:
                    twice.append(key)
                    line = max(line, lines[key])  # noqa: PLW2901
                lines[key] = line
        if all(path in flawed and flawed[path].trouble for path in files):
            path, piece = next(iter(flawed.items()))
            raise UnreadableSnapshot(
                sentence(
                    "no file can be read: {reasons}",
                    reasons=joined(": ", (shown(path), piece.trouble)),
                )
            )
        kept = {} if not flawed else self._kept(revision.id, flawed, lines)
        held = {**lines, **kept}
        notes = (*_notes(flawed, twice, kept), *arrival(revision))
        part = Part(None, lambda: [held[key] for key in sorted(held)], held)
        end = End(revision.id, stamp(revision.authored_at), len(held))
        return Version(end, {"": part}, notes, path=self._pattern)

    def _make_room(self, files: Mapping[str, str]) -> None:
        """Forget what the files of this version and the one before do not hold."""
        if len(self._known) > _ROOM * len(files):
            self._known = {each: self._known[each] for each in files.items() if each in self._known}

    def _piece(self, path: str, blob: str) -> _Piece:
        """Read a file; what is wrong with it is no error here.

        Raises:
            DamagedObject: Its object is missing, or its content has another id.
        """
        name = name_of(path, self._pattern, SUFFIXES)
        trouble = _KINDS.get(blob) or ("" if shown(name) == name else _NOT_TEXT)
        piece = _Piece({}, unnamed=1, trouble=trouble)
        if not trouble:
            try:
                found = self._read(name, path, blob)
            except DamagedObject:
                raise
            except UnreadableSnapshot as error:
                piece = piece._replace(trouble=reason(error))
            else:
                keyed = {line_key(line).decode(): line for line in found.lines}
                piece = _Piece(keyed, found.notes, found.unusable, found.unnamed)
        self._known[path, blob] = piece
        return piece

    def _kept(
        self, commit: str, flawed: Mapping[str, _Piece], lines: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """Return the last usable lines of what is in an unusable form, by key."""
        kept: dict[str, bytes] = {}
        for path, piece in flawed.items():
            since = next(self._before.changes(path, commit), None)
            if since is None or not (piece.unnamed or piece.unusable):
                continue
            usable = Usable(since.id, piece.lines, piece.unusable, piece.unnamed)
            if path not in self._last_usable:
                self._last_usable[path] = LastUsable(partial(self._usable_before, path))
            found = self._last_usable[path].of(usable)
            kept |= {key: line for key, line in found.items() if key not in lines}
        return kept

    def _usable_before(self, path: str, commit: str) -> Iterator[Usable]:
        """Yield what a file held before a commit that changed it, newest first."""
        for each in islice(self._before.changes(path, commit), 1, None):
            if each.blob is None:
                yield Usable(each.id, {}, frozenset(), 0)
                continue
            piece = self._known.get((path, each.blob)) or self._piece(path, each.blob)
            yield Usable(each.id, piece.lines, piece.unusable, piece.unnamed)


class _Before:
    """Which commits changed a file, back from any commit: one look into the history for each."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._order: dict[str, int] = {}
        self._newest = ""
        self._changes: dict[str, list[Revision]] = {}

    def changes(self, path: str, commit: str) -> Iterator[Revision]:
        """Yield the commits up to `commit` that changed a file, newest first."""
        if commit not in self._order:
            self._look_from(commit)
        if path not in self._changes:
            found: list[Revision] = []
            with suppress(ShallowHistory):
                found += self._repository.history(path, tip=self._newest)
            self._changes[path] = found
        at = self._order[commit]
        return dropwhile(lambda each: self._order[each.id] < at, self._changes[path])

    def _look_from(self, commit: str) -> None:
        """Number the commits from the newest one on; from `commit`, where that lacks it."""
        for newest in (self._repository.tip("HEAD") or commit, commit):
            order = self._repository.first_parents(newest)
            self._order = {each: number for number, each in enumerate(order)}
            self._newest, self._changes = newest, {}
            if commit in self._order:
                return


def _notes(
    flawed: Mapping[str, _Piece], twice: list[str], kept: Mapping[str, bytes]
) -> tuple[str, ...]:
    """Return what is to be known of a version."""
    left_out = [
        sentence("{place} ({reason})", place=shown(path), reason=piece.trouble)
        for path, piece in flawed.items()
        if piece.trouble
    ]
    others = [
        joined(": ", (shown(path), note)) for path, piece in flawed.items() for note in piece.notes
    ]
    notes = [*skipped(left_out, twice)]
    if others:
        notes.append(few(others, "; "))
    if kept:
        notes.append(stored("kept as last seen, unusable now: {few}", few=few(sorted(kept))))
    return tuple(notes)


def shown(path: str) -> str:
    """Return a path as text, also where its bytes are none."""
    return os.fsencode(path).decode(errors="backslashreplace")
