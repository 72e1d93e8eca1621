"""The format ``jsonl``: JSON values one after the other, in most files one a line (NDJSON)."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import UnreadableSnapshot
from archiver.formats import Format, Text, bounded
from archiver.formats.encoding import utf8
from archiver.language import sentence
from archiver.records.decoding import Tally, is_plain
from archiver.records.jsontext import UNREADABLE, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.formats import Reading
    from archiver.records.document import Row

_skip = msgspec.json.Decoder(msgspec.Raw).decode
_FURTHER: Final = re.compile(r"trailing characters \(byte (\d+)\)")
_JOINTS: Final = {b"{": re.compile(rb"\}\s*\{"), b"[": re.compile(rb"\]\s*\[")}
"""What stands between two values and nowhere within one, but in strings."""
_BLANK: Final = b" \t\r\n"
_LONGEST: Final = 1 << 28
"""Bytes of the longest line."""


class JsonLines(Format):
    """JSON lines, NDJSON, and JSON values that follow one another in any other way."""

    in_pieces = True

    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return the values one after the other; see `Format.text`."""
        tally = Tally(finite=how.finite)
        notes: list[str] = []

        def rows() -> Iterator[Row]:
            yield from _rows(_blocks(utf8(content, how.encoding)), tally, how.whole)
            notes.extend(tally.notes)

        return Text("jsonl", rows(), notes)


def holds_several(body: bytes) -> bool:
    """Say whether several JSON values follow one another in `body`."""
    joint = _JOINTS.get(body[:64].lstrip()[:1])
    return bool(joint and joint.search(body)) and _further(body) > 0


def _further(text: bytes | memoryview) -> int:
    """Return where the second value of a text begins; 0: there is no second, or it is no JSON."""
    try:
        _skip(text)
    except UNREADABLE as error:
        found = _FURTHER.search(str(error))
        return int(found[1]) - 1 if found else 0
    return 0


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces again, each but the last one with whole lines."""
    begun: list[bytes] = []
    size = 0
    for piece in pieces:
        whole, end, rest = piece.rpartition(b"\n")
        if end:
            yield b"".join((*begun, whole, end))
            begun, size = [], 0
        begun.append(rest)
        size += len(rest)
        if size > _LONGEST:
            raise UnreadableSnapshot(
                sentence("a line is longer than {most:,} bytes", most=_LONGEST)
            )
    yield b"".join(begun)


def _rows(blocks: Iterator[bytes], tally: Tally, whole: int) -> Iterator[Row]:
    line, last, at, known = 0, b"", 0, False
    for block in blocks:
        texts = block.split(b"\n")
        clean = is_plain(block)
        for number, row in enumerate(texts, line + 1):
            text = row.strip(_BLANK)
            if not text:
                continue
            if not known:
                if not _is_value(text):
                    begun = b"\n".join((text, *texts[number - line :]))
                    rest = b"".join(bounded(chain((begun,), blocks), whole))
                    yield from _values(rest, number, tally)
                    return
                known = True
            last, at = text, number
            yield number, text if clean else tally.decoded(text, number)
        line += len(texts) - 1
    if not last:
        raise UnreadableSnapshot(sentence("the file is empty"))
    _refuse_cut(last, at)


def _is_value(text: bytes) -> bool:
    """Say whether the first line is one value, so that all lines are."""
    try:
        _skip(Tally().decoded(text, 1))
    except UNREADABLE:
        return False
    return True


def _refuse_cut(text: bytes, line: int) -> None:
    """Refuse a document whose last line ends too early: who knows what else is missing."""
    try:
        _skip(Tally().decoded(text, line))
    except UNREADABLE as error:
        if "truncated" in str(error) or "unexpected end" in str(error):
            raise UnreadableSnapshot(
                sentence("line {line:,}, the last one: {plain}", line=line, plain=plain(error))
            ) from error


def _values(text: bytes, line: int, tally: Tally) -> Iterator[Row]:
    """Yield values that are not one a line, and the lines in which they begin."""
    text = tally.decoded(text, line)
    rest = memoryview(text)
    while rest:
        further = _further(rest)
        value = bytes(rest[:further] if further else rest)
        if not further:
            _refuse_invalid(value, line)
        yield line, value.strip(_BLANK)
        line += value.count(b"\n")
        rest = rest[further:] if further else rest[:0]


def _refuse_invalid(text: bytes, line: int) -> None:
    """Refuse a value that is no JSON: nobody knows where the next one would begin."""
    try:
        _skip(text)
    except UNREADABLE as error:
        raise UnreadableSnapshot(
            sentence(
                "not JSON: line {line:,}, where a value begins: {plain}",
                line=line,
                plain=plain(error),
            )
        ) from error
