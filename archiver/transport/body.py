"""Put a body together from its pieces: bounded, decompressed once, complete."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = 1 << 16
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ONE_LAYER = ("gzip", "x-gzip", "deflate")


def assemble(pieces: Iterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return the whole body.

    Args:
        pieces: The body as it came over the wire.
        encoding: The ``Content-Encoding`` (RFC 9110, section 8.4).
        limit: Largest size in bytes, before and after decompression.

    Raises:
        ValueError: It is larger, is cut short, or is encoded in another way or twice.
    """
    wire = _bounded(pieces, limit)
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return b"".join(wire)
    if coding not in _ONE_LAYER:
        raise ValueError(f"encoded as {encoding!r}; one layer of gzip or deflate is understood")
    return b"".join(_bounded(_inflate(wire), limit))


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ValueError(f"larger than the limit of {limit:,} bytes")
        yield piece


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if stream.eof:  # RFC 1952, section 2.2: one member may follow another
                    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail or stream.unused_data
        yield stream.flush()
    except zlib.error as error:
        raise ValueError(f"damaged compression: {error}") from error
    if not stream.eof:  # a right Content-Length does not say so: requests returns such a body
        raise ValueError("cut short inside its compression")
