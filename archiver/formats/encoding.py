"""Decode the bytes of a document: byte order marks, and encodings that a person names.

Spreadsheets and PowerShell write a byte order mark (RFC 8259, section 8.1: a reader may ignore
it). What cannot be decoded costs one record where a format has records that follow one another.
"""

from __future__ import annotations

import codecs
import io
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from archiver.errors import ConfigError, UnreadableSnapshot, reason, suggestion
from archiver.formats.packing import joined
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

UTF_8: Final = "utf-8"
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST: Final = 4
_BUFFER: Final = 1 << 18
_COMMON: Final = (
    "utf-8", "utf-16", "utf-32", "latin-1", "iso-8859-1", "iso-8859-15", "windows-1252", "cp1252",
    "cp1251", "cp437", "mac-roman", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
    "koi8-r",
)  # fmt: skip


def checked(encoding: str) -> str:
    """Return the name of an encoding of text, as Python spells it.

    Raises:
        ConfigError: There is none of this name.
    """
    try:
        found = codecs.lookup(encoding)
        if found._is_text_encoding:  # noqa: SLF001  as `bytes.decode` looks
            return found.name
    except (LookupError, ValueError):  # a NUL in the name
        pass
    raise ConfigError(
        sentence(
            'no encoding of text is called "{encoding}"{suggestion}',
            encoding=encoding,
            suggestion=suggestion(encoding.lower(), _COMMON),
        ),
        hint=sentence('such as "utf-8", "utf-16", "windows-1252", "latin-1", "gb18030"'),
    )


def marked(chunks: Iterable[bytes], encoding: str = "") -> tuple[str, Iterator[bytes]]:
    """Return the encoding of a document, and its bytes without byte order mark.

    Args:
        chunks: Its bytes.
        encoding: What a person said; a byte order mark knows better.

    Raises:
        ConfigError: There is no such encoding.
    """
    named = checked(encoding) if encoding else UTF_8
    pieces = iter(chunks)
    start = next(pieces, b"")
    while 0 < len(start) < _LONGEST and (more := next(pieces, b"")):
        start += more
    for mark, marked in _MARKS:
        if start.startswith(mark):
            return marked, chain((start[len(mark) :],), pieces)
    return named, chain((start,), pieces)


def utf8(chunks: Iterable[bytes], encoding: str = "") -> Iterator[bytes]:
    """Yield a document as UTF-8 without byte order mark; what is UTF-8 is not looked into.

    Bytes that one byte of another encoding cannot stand for stay as they are, so that they cost
    only their record.

    Raises:
        UnreadableSnapshot: It is not in its encoding.
        ConfigError: There is no such encoding.
    """
    found, pieces = marked(chunks, encoding)
    return pieces if found == UTF_8 else _recoded(pieces, found)


def _recoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    place = _Place()
    try:
        for piece in pieces:
            text = decoder.decode(piece)
            yield text.encode(UTF_8, "surrogateescape")
            place.pass_by(piece, text)
        yield decoder.decode(b"", final=True).encode(UTF_8, "surrogateescape")
    except UnicodeError as error:
        raise place.error(error, encoding) from error


class _Place:
    """Counts lines and bytes up to the piece that is decoded."""

    def __init__(self) -> None:
        self._bytes = 0
        self._lines = 1

    def pass_by(self, piece: bytes, text: str) -> None:
        self._bytes += len(piece)
        self._lines += text.count("\n")

    def error(self, error: UnicodeError, encoding: str) -> UnreadableSnapshot:
        byte, line = self._bytes + 1, self._lines
        words = reason(error)
        if isinstance(error, UnicodeDecodeError):
            before = error.object[: error.start]
            byte += error.start
            line += before.decode(encoding, "replace").count("\n")
            words = error.reason
        return UnreadableSnapshot(
            sentence(
                "line {line:,}, byte {byte:,}: not {encoding} ({error})",
                line=line,
                byte=byte,
                encoding=encoding.upper(),
                error=words,
            ),
            hint=ANOTHER,
        )


ANOTHER: Final = sentence('encoding = "…" in archiver.toml, or --encoding, names another one')


def whole(chunks: Iterable[bytes], encoding: str = "") -> str:
    """Return a document as one text.

    Raises:
        UnreadableSnapshot: A byte is not in its encoding; line and byte are named.
        ConfigError: There is no such encoding.
    """
    found, pieces = marked(chunks, encoding)
    body = joined(pieces)
    try:
        return body.decode(found)
    except UnicodeError as error:
        raise _Place().error(error, found) from error


def lines(chunks: Iterable[bytes], encoding: str = "") -> TextIO:
    """Return a document as lines that keep their ends; a byte that is no text is a surrogate.

    Raises:
        ConfigError: There is no such encoding.
    """
    return io.TextIOWrapper(
        io.BufferedReader(Pieces(utf8(chunks, encoding)), _BUFFER),
        UTF_8,
        "surrogateescape",
        newline="",
    )


class Pieces(io.RawIOBase):
    """Pieces of bytes as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Read `pieces`, which may have any length."""
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        taken = min(len(buffer), len(self._left))
        buffer[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken
