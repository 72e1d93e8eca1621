"""References in text: keys as words, or inside of an address, a path, a revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_TOKEN: Final = re.compile(r"[\w][\w./:@+-]*")
_QUOTES: Final = "\"'`"
_AFTER: Final = ".:/-"
"""Characters that may follow a key and belong to the sentence."""
_BREAKS: Final = tuple(map(re.compile, ("://", "://|@", "://|@|:")))
"""Where a key starts or ends in a longer name (``hf://org/model@main``, ``org/model:free``),
in the order in which they are tried."""
_DEEPEST: Final = 20
"""Largest number of parts of a path that is searched for keys."""


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
