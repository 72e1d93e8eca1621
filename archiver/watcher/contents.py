"""Read one file of a catalogue, canonical or any document, under the key of today."""

from __future__ import annotations

import gzip
import zlib
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import UnknownRevision
from archiver.records import canonical, rekeying
from archiver.watcher.documents import Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.watcher.documents import Shape

CHUNK = 1 << 20

_GZIP = b"\x1f\x8b"


class Content(NamedTuple):
    """A file that was read: its lines, and what its header says where it has one.

    Attributes:
        lines: Sorted by key; read once, unless they are a list.
        total: Number of records; of an index, over all shards.
        taken: Capture time, UTC; None: it does not say.
        shards: Shard name to the SHA-256 of its file; empty: the lines are all there is.
        notes: What the reader should know: skipped records, doubled keys, another key.
        covers: What was listed, as the header says; empty: everything.
    """

    lines: Iterable[bytes]
    total: int
    taken: str | None = None
    shards: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    covers: str = ""


class Interpreter:
    """Reads one file after the other; see `Documents` for those that are not canonical."""

    def __init__(self, shape: Shape | None, key: tuple[str, ...]) -> None:
        """Read files under one key.

        Args:
            shape: How to read what is not canonical; None: as the original design wrote it
                (``models``, keyed by ``id`` or ``name``).
            key: Fields of the key that is applied to canonical lines too; empty: as stored.
        """
        self._documents = Documents(shape)
        self._key = key

    def read(self, chunks: Iterable[bytes]) -> Content:
        """Return what a file holds; the lines of a canonical one are read on the way.

        Raises:
            UnreadableSnapshot: It holds no catalogue.
        """
        parts = iter(chunks)
        start = next(parts, b"")
        rest = chain((start,), parts)
        if not canonical.is_canonical(start):
            found, notes = self._documents.read(b"".join(rest))
            return Content(found, len(found), notes=notes)
        header, lines = canonical.read(rest)
        digests = {name: digest for name, (_, digest) in header.shards.items()}
        everything, notes = self._keyed(lines)
        return Content(everything, header.total, header.timestamp, digests, notes, header.covers)

    def _keyed(self, lines: Iterator[bytes]) -> tuple[Iterable[bytes], tuple[str, ...]]:
        """Apply the key of today where the lines were stored under another one."""
        first = next(lines, None)
        if first is None:
            return (), ()
        everything = chain((first,), lines)
        if not rekeying.differs(first, self._key):
            return everything, ()
        note = f"stored under another key; {' + '.join(self._key)} is applied"
        return rekeying.rekeyed(everything, self._key), (note,)


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a plain file, unzipped where it is gzipped.

    Raises:
        UnknownRevision: It cannot be read.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == _GZIP
            with gzip.open(raw) if zipped else raw as content:
                while chunk := content.read(CHUNK):
                    yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise UnknownRevision(f"{path} cannot be read: {error}") from error
