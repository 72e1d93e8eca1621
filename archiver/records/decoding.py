"""Decode the bytes of a JSON document: byte order marks, numbers that are not finite.

Spreadsheets and PowerShell write a byte order mark (RFC 8259, section 8.1: a reader may ignore
it); pandas and Python's own `json` write ``NaN`` and ``Infinity``, which are no JSON.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from archiver.errors import UnreadableSnapshot

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_FINITE: Final = rb"-?(?:NaN|Infinity)\b"
_UP_TO_NEXT: Final = re.compile(
    rb'((?:[^"NI-]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?!%b)[NI-])*+)%b' % (_NOT_FINITE, _NOT_FINITE),
    re.DOTALL,
)
"""What stands before a value that is not finite, strings skipped whole, and that value."""


class Decoded(NamedTuple):
    """A document as UTF-8 without a byte order mark.

    Attributes:
        body: The document.
        not_finite: How many of its values were ``NaN``, ``Infinity`` or ``-Infinity``; they are
            ``null`` in `body`.
    """

    body: bytes
    not_finite: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the reader of the document."""
        if not self.not_finite:
            return ()
        what = "value that is" if self.not_finite == 1 else "values that are"
        were = "was" if self.not_finite == 1 else "were"
        return (f"{self.not_finite:,} {what} not finite {were} read as null",)


def decoded(body: bytes) -> Decoded:
    """Return `body` as UTF-8 JSON text.

    Raises:
        UnreadableSnapshot: Its byte order mark names an encoding in which it is not valid.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            body = body[len(mark) :] if encoding == "utf-8" else _recoded(body, mark, encoding)
            break
    if b"NaN" not in body and b"Infinity" not in body:
        return Decoded(body)
    pieces: list[bytes] = []
    start = 0
    while found := _UP_TO_NEXT.match(body, start):
        pieces.append(found[1])
        start = found.end()
    return Decoded(b"null".join((*pieces, body[start:])), len(pieces))


def _recoded(body: bytes, mark: bytes, encoding: str) -> bytes:
    try:
        return body[len(mark) :].decode(encoding).encode()
    except UnicodeError as error:
        raise UnreadableSnapshot(
            f"not {encoding[:6].upper()}, as its byte order mark says: {error}"
        ) from error
