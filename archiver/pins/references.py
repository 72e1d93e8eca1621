"""Find the keys that a text names: as a whole, or inside of an address, a path, a revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_TOKEN: Final = re.compile(r"[\w][\w./:@+-]*")
_QUOTES: Final = "\"'`"
_AFTER: Final = ".:/-"
"""What may stand behind a key and belong to the sentence."""
_BREAKS: Final = tuple(map(re.compile, ("://", "://|@", "://|@|:")))
"""Where a key begins or ends in a longer name: the fewer pieces, the more of it is kept
(``hf://org/model@main``, ``org/model:free``)."""
_DEEPEST: Final = 20
"""Parts of a path above which nobody meant a key by it."""


class Names:
    """Keys that texts are searched for."""

    def __init__(self, keys: AbstractSet[str]) -> None:
        """Search for `keys`."""
        self._keys = keys
        # A key of one part must stand alone: no word of a path is found by accident.
        self._lengths = sorted({key.count("/") + 1 for key in keys} - {1}, reverse=True)

    def of(self, line: str) -> list[str]:
        """Return the keys that a line names, each once."""
        found = [text for text in _quoted(line) if text in self._keys]
        for text in found:  # a shorter key inside of it is not meant
            line = re.sub(f"([{_QUOTES}]){re.escape(text)}\\1", r"\1\1", line)
        texts = dict.fromkeys((*_quoted(line), *_TOKEN.findall(line)))
        return [*dict.fromkeys((*found, *(key for text in texts for key in self._in(text))))]

    def _in(self, text: str) -> list[str]:
        """Return the keys inside of a name, if it is none itself."""
        whole = text if text in self._keys else text.rstrip(_AFTER)
        if whole in self._keys:
            return [whole]
        for breaks in _BREAKS if "/" in whole else ():
            pieces = breaks.split(whole)
            if found := [key for piece in pieces for key in self._windows(piece.split("/"))]:
                return found
        return []

    def _windows(self, parts: list[str]) -> list[str]:
        """Return the keys that parts of a path are, the longest ones."""
        for length in self._lengths:
            if found := [key for key in _joined(parts, length) if key in self._keys]:
                return found
        return []


def inside(text: str) -> list[str]:
    """Return what may be meant by a name that is no key, the longest first."""
    found: dict[str, None] = {}
    for breaks in _BREAKS:
        for piece in breaks.split(text):
            parts = piece.split("/")
            lengths = range(min(len(parts), _DEEPEST), 1, -1)
            found |= dict.fromkeys([piece, *(key for n in lengths for key in _joined(parts, n))])
    return [each for each in found if each not in ("", text)]


def _joined(parts: list[str], length: int) -> Iterator[str]:
    """Yield each path of so many neighbouring parts."""
    for start in range(len(parts) - length + 1):
        yield "/".join(parts[start : start + length])


def _quoted(line: str) -> Iterator[str]:
    """Yield what stands between two equal quotes; what begins there is not known for sure."""
    for quote in _QUOTES:
        yield from filter(None, line.split(quote)[1:-1])
