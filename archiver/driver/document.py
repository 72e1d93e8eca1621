"""The lines of what is not canonical: a document of a source, or a text that is no catalogue."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from archiver.driver.textconv import lines
from archiver.errors import UnreadableSnapshot
from archiver.formats.packing import unpacked
from archiver.history.foreign import Documents, Shape
from archiver.language import sentence
from archiver.records import canonical
from archiver.records.text import count, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGINNING = 8000
"""Bytes in which git, too, looks for what makes a file binary."""
_PIECE = 1 << 16


def shape(options: Sequence[str]) -> Shape | None:
    """Return the shape that ``--records PATH``, ``--key FIELD``, ``--except NAME`` describe.

    Args:
        options: The options, each with its value; none: as the original design wrote it.
    """
    given: dict[str, list[str]] = {}
    for name, value in zip(options[::2], options[1::2], strict=False):
        given.setdefault(name, []).append(value)
    if not given:
        return None
    records = given.get("--records", ["."])[-1]
    return Shape(records, tuple(given.get("--key", ())), excluded=tuple(given.get("--except", ())))


def text(body: bytes, options: Sequence[str]) -> Iterator[bytes]:
    """Yield the lines of a document, or of what is none with a first line that says why.

    Args:
        body: The document.
        options: What describes it, see `shape`.
    """
    try:
        yield from _document(body, shape(options))
    except UnreadableSnapshot as error:
        yield f"archiver: no snapshot, shown as text: {terminal(str(error))}\n".encode()
        yield from plain(body)


def _document(packed: bytes, shape: Shape | None) -> Iterator[bytes]:
    body = b"".join(unpacked((packed,))[0])
    if canonical.is_canonical(body):
        header, _ = canonical.read((body,))
        if not header.shards:
            raise UnreadableSnapshot(sentence("its header is longer than any"))
        yield visible(body)  # an index of shards
        return
    found = Documents(shape).read(iter((body,)))
    for note in found.notes:
        yield f"archiver: {terminal(note)}\n".encode()
    for line in found.lines:
        yield b"record " + lines(line) + b",\n"


def plain(body: bytes) -> Iterator[bytes]:
    """Yield a text as it is, made safe; of what is binary only its size and its SHA-256."""
    if b"\0" in body[:_BEGINNING]:
        digest = hashlib.sha256(body).hexdigest()
        yield f"binary, {count(len(body), 'byte')}, SHA-256 {digest}\n".encode()
        return
    for line in body.splitlines(keepends=True) if b"\r" not in body else body.split(b"\n"):
        yield visible(line.removesuffix(b"\n")) + b"\n"


def visible(text: bytes) -> bytes:
    """Return `text`, line by line, as it may be shown on a terminal."""
    return b"\n".join(map(_visible_line, text.split(b"\n")))


def _visible_line(line: bytes) -> bytes:
    if line.isascii() and b"##[" not in line and line.decode().isprintable():
        return line
    return terminal(line.decode(errors="backslashreplace")).encode()
