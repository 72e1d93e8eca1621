"""Make JSON of what is nearly JSON: values that are not finite, halves of surrogate pairs.

pandas and Python's own `json` write ``NaN`` and ``Infinity``, which are no JSON. Programs that
cut a text in the middle of an emoji leave half of a surrogate pair, which is no Unicode.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archiver.errors import UnreadableSnapshot
from archiver.language import sentence, stored

_STRING_OR_NOT_FINITE: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|(-?(?:NaN|Infinity)\b)', re.DOTALL
)
"""A string, which is skipped whole, or a value that is not finite.

Possessive quantifiers, which would skip many strings at once, match wrongly before Python 3.11.5.
"""

_HALF: Final = re.compile(
    rb"\\(?:u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\)u[dD][c-fC-F]"
    rb"|\\u[dD][89abAB]..\\u[dD][c-fC-F])"
)
"""What may be an escaped half of a surrogate pair: the first look, which is fast."""
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape, or the two of a pair; the group is a half."""


class Decoded(NamedTuple):
    """A document without values that are not finite, and without halves of surrogate pairs.

    Attributes:
        body: The document.
        not_finite: How many of its values were ``NaN``, ``Infinity`` or ``-Infinity``; they are
            ``null`` in `body`.
        halves: How many escapes were half of a surrogate pair; they are U+FFFD in `body`.
    """

    body: bytes
    not_finite: int = 0
    halves: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the reader of the document."""
        found = []
        if self.not_finite:
            found.append(
                stored("{number:,} value that is not finite was read as null", number=1)
                if self.not_finite == 1
                else stored(
                    "{number:,} values that are not finite were read as null",
                    number=self.not_finite,
                )
            )
        if self.halves:
            found.append(
                stored("{number:,} half of a surrogate pair was read as U+FFFD", number=1)
                if self.halves == 1
                else stored(
                    "{number:,} halves of surrogate pairs were read as U+FFFD", number=self.halves
                )
            )
        return tuple(found)


class Tally:
    """Counts what is read in another way than it stands there, text by text."""

    def __init__(self, *, finite: bool = False) -> None:
        """Count from nothing; `finite`: refuse a value that is not finite."""
        self._finite = finite
        self._not_finite = 0
        self._halves = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the reader of the document, once it is read."""
        return Decoded(b"", self._not_finite, self._halves).notes

    def decoded(self, text: bytes, line: int) -> bytes:
        """Return a `text` that begins in a `line` as JSON."""
        found = decoded(text, finite=self._finite, line=line)
        self._not_finite += found.not_finite
        self._halves += found.halves
        return found.body

    def not_finite(self, value: str, line: int | None = None) -> None:
        """Count a value that is not finite, or refuse it."""
        if self._finite:
            raise _not_finite(value, sentence("line {line:,}", line=line) if line else "")
        self._not_finite += 1


def is_plain(body: bytes) -> bool:
    """Say whether `decoded` would return `body` as it is."""
    return b"NaN" not in body and b"Infinity" not in body and b"\\u" not in body


def decoded(body: bytes, *, finite: bool = False, line: int = 1) -> Decoded:
    """Return `body`, which is UTF-8 without byte order mark, as JSON text.

    Args:
        body: The text.
        finite: Whether a value that is not finite is refused; else it becomes null.
        line: The line in which it begins.

    Raises:
        UnreadableSnapshot: A value is not finite.
    """
    halves = 0
    if b"\\u" in body and _HALF.search(body):
        body, halves = _whole(body)
    if b"NaN" not in body and b"Infinity" not in body:
        return Decoded(body, 0, halves)
    pieces: list[bytes] = []
    start = 0
    for found in _STRING_OR_NOT_FINITE.finditer(body):
        if found.lastindex:
            if finite:
                raise _not_finite(found[1].decode(), _place(body, found.start(), line))
            pieces.append(body[start : found.start()])
            start = found.end()
    return Decoded(b"null".join((*pieces, body[start:])), len(pieces), halves)


def _place(body: bytes, at: int, line: int) -> str:
    """Return line and column of a byte."""
    begin = body.rfind(b"\n", 0, at) + 1
    return sentence(
        "line {line:,}, column {column:,}",
        line=line + body.count(b"\n", 0, begin),
        column=at - begin + 1,
    )


def _not_finite(value: str, place: str) -> UnreadableSnapshot:
    words = (
        sentence("{place}: {value} is not finite", place=place, value=value)
        if place
        else sentence("a value is not finite: {value}", value=value)
    )
    return UnreadableSnapshot(
        words, hint=sentence('non_finite = "null" in archiver.toml reads such values as null')
    )


def _whole(body: bytes) -> tuple[bytes, int]:
    """Return `body` with each half of a surrogate pair as U+FFFD, and how many there were."""
    halves = 0

    def whole(found: re.Match[bytes]) -> bytes:
        nonlocal halves
        if found[1] is None:
            return found[0]
        halves += 1
        return rb"\ufffd"

    return _ESCAPE.sub(whole, body), halves
