"""References in text to keys of a catalogue: as words, or in an address, a path, a revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.database.reading import captured_keys
from archiver.errors import ShallowHistory, UnreadableSnapshot
from archiver.history import revisions
from archiver.history.index import index
from archiver.history.versions import opened
from archiver.records import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Versions
    from archiver.store.history import Revision

_TOKEN: Final = re.compile(r"[\w][\w./:@+-]*")
_QUOTES: Final = "\"'`"
_AFTER: Final = ".:/-"
"""Characters that may follow a key and belong to the sentence."""
_BREAKS: Final = tuple(map(re.compile, ("://", "://|@", "://|@|:")))
"""Where a key starts or ends in a longer name (``hf://org/model@main``, ``org/model:free``),
in the order in which they are tried."""
_DEEPEST: Final = 20
"""Largest number of parts of a path that is searched for keys."""


class Known(NamedTuple):
    """Every key that exists or existed.

    Attributes:
        keys: The keys.
        complete: Whether the whole history was read; a shallow clone lacks a part of it.
    """

    keys: frozenset[str]
    complete: bool


def known_keys(catalogue: Catalogue, *, at: str, now: datetime) -> Known:
    """Return every key of the version `at` (empty: the newest) and of those before it.

    A key may be gone without a tombstone: it left a window, or its removal was never confirmed.
    So every version is read, unless an index knows them; parts that several versions share are
    read once.
    """
    complete = True
    with opened(catalogue) as versions:
        newest = revisions.find(catalogue, versions, at, now)
        removed = newest.tombstones().keys()
        with index(catalogue, newest.end.revision) as known:
            if known is not None and newest.end.revision:
                return Known(captured_keys(known.connection, known.last) | removed, complete)
        keys = set(map(canonical.line_key, newest.lines()))
        read = {part.id for part in newest.parts.values()}
        try:
            for revision in versions.ahead.read(catalogue.revisions(newest.end.revision)):
                keys.update(_others(versions, revision, read))
        except ShallowHistory:
            complete = False
    return Known(frozenset(key.decode() for key in keys) | removed, complete)


def _others(versions: Versions, revision: Revision, read: set[str | None]) -> list[bytes]:
    """Return the keys in those files of a revision that are not `read` yet, and mark these."""
    if revision.blob in read:
        return []
    try:
        parts = versions.stored(revision).parts.values()
        new = [part for part in parts if part.id is None or part.id not in read]
        found = [canonical.line_key(line) for part in new for line in part.lines()]
    except UnreadableSnapshot:
        return []
    read.update(part.id for part in new)
    return found


class Names:
    """Keys for which texts are searched."""

    def __init__(self, keys: AbstractSet[str]) -> None:
        """Search for `keys`."""
        self._keys = keys
        # A key of one part must stand alone: no word of a path is found by accident.
        self._lengths = sorted({key.count("/") + 1 for key in keys} - {1}, reverse=True)

    def of(self, line: str) -> list[str]:
        """Return the keys in a line, each once."""
        found = [text for text in _quoted(line) if text in self._keys]
        for text in found:  # a shorter key inside of it is not meant
            line = re.sub(f"([{_QUOTES}]){re.escape(text)}\\1", r"\1\1", line)
        texts = dict.fromkeys((*_quoted(line), *_TOKEN.findall(line)))
        return [*dict.fromkeys((*found, *(key for text in texts for key in self._in(text))))]

    def _in(self, text: str) -> list[str]:
        """Return the name if it is a key, else the keys inside of it."""
        whole = text if text in self._keys else text.rstrip(_AFTER)
        if whole in self._keys:
            return [whole]
        for breaks in _BREAKS if "/" in whole else ():
            pieces = breaks.split(whole)
            if found := [key for piece in pieces for key in self._windows(piece.split("/"))]:
                return found
        return []

    def _windows(self, parts: list[str]) -> list[str]:
        """Return the longest keys among neighbouring parts of a path."""
        for length in self._lengths:
            if found := [key for key in _joined(parts, length) if key in self._keys]:
                return found
        return []


def inside(text: str) -> list[str]:
    """Return the keys that a name may contain, the longest first."""
    found: dict[str, None] = {}
    for breaks in _BREAKS:
        for piece in breaks.split(text):
            parts = piece.split("/")
            lengths = range(min(len(parts), _DEEPEST), 1, -1)
            found |= dict.fromkeys([piece, *(key for n in lengths for key in _joined(parts, n))])
    return [each for each in found if each not in ("", text)]


def _joined(parts: list[str], length: int) -> Iterator[str]:
    """Yield each path of `length` neighbouring parts."""
    for start in range(len(parts) - length + 1):
        yield "/".join(parts[start : start + length])


def _quoted(line: str) -> Iterator[str]:
    """Yield the text between each two equal quotes: which one opens is not known."""
    for quote in _QUOTES:
        yield from filter(None, line.split(quote)[1:-1])
