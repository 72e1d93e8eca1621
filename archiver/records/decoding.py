"""Decode the bytes of a JSON document: gzip, byte order marks, what is no JSON or no Unicode.

Spreadsheets and PowerShell write a byte order mark (RFC 8259, section 8.1: a reader may ignore
it); pandas and Python's own `json` write ``NaN`` and ``Infinity``, which are no JSON. Programs
that cut a text in the middle of an emoji leave half of a surrogate pair, which is no Unicode.
"""

from __future__ import annotations

import codecs
import re
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import UnreadableSnapshot, reason
from archiver.language import sentence, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
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

_GZIP: Final = b"\x1f\x8b"
_MOST: Final = 1 << 30
"""Bytes of the largest document that a gzipped one may hold: memory is finite."""
_PIECE: Final = 1 << 20
_WRAPPED: Final = 31
"""What zlib calls the largest window inside of a gzip header."""


class Decoded(NamedTuple):
    """A document as UTF-8 without a byte order mark.

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


def decoded(body: bytes) -> Decoded:
    """Return `body` as UTF-8 JSON text.

    Raises:
        UnreadableSnapshot: Its byte order mark names an encoding in which it is not valid.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            body = body[len(mark) :] if encoding == "utf-8" else _recoded(body, mark, encoding)
            break
    halves = 0
    if b"\\u" in body and _HALF.search(body):
        body, halves = _whole(body)
    if b"NaN" not in body and b"Infinity" not in body:
        return Decoded(body, 0, halves)
    pieces: list[bytes] = []
    start = 0
    for found in _STRING_OR_NOT_FINITE.finditer(body):
        if found.lastindex:
            pieces.append(body[start : found.start()])
            start = found.end()
    return Decoded(b"null".join((*pieces, body[start:])), len(pieces), halves)


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


def unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a document, unzipped where it is gzipped (RFC 1952), by its first bytes.

    Raises:
        UnreadableSnapshot: It is damaged or cut off, or holds more than 1 GiB.
    """
    pieces = iter(chunks)
    first = next(pieces, b"")
    rest = chain((first,), pieces)
    yield from _inflated(rest) if first.startswith(_GZIP) else rest


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    member, total = zlib.decompressobj(wbits=_WRAPPED), 0
    try:
        for piece in chain(pieces, (b"",)):
            left, out = piece, b"?"
            while left or (len(out) == _PIECE and not member.eof):
                if member.eof:
                    member = zlib.decompressobj(wbits=_WRAPPED)
                out = member.decompress(left, _PIECE)
                left = member.unconsumed_tail or member.unused_data
                total += len(out)
                if total > _MOST:
                    raise UnreadableSnapshot(
                        sentence("gzipped, and holds more than {most:,} bytes", most=_MOST)
                    )
                yield out
    except zlib.error as error:
        raise UnreadableSnapshot(
            sentence("gzipped, and damaged: {error}", error=reason(error))
        ) from error
    if not member.eof:
        raise UnreadableSnapshot(sentence("gzipped, and cut off"))


def _recoded(body: bytes, mark: bytes, encoding: str) -> bytes:
    try:
        return body[len(mark) :].decode(encoding).encode()
    except UnicodeError as error:
        raise UnreadableSnapshot(
            sentence(
                "not {upper}, as its byte order mark says: {error}",
                upper=encoding[:6].upper(),
                error=reason(error),
            )
        ) from error
