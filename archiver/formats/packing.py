"""Unpack a document: gzip, xz, zstd, and one file of a zip archive, all by their first bytes.

Nothing is written to disk, and no more is unpacked than a document may hold.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from archiver.errors import ConfigError, UnreadableSnapshot, reason, suggestion
from archiver.language import sentence
from archiver.records.text import count, few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zipfile import ZipFile, ZipInfo

MOST: Final = 1 << 30
"""Bytes of the largest document that a packed one may hold: memory is finite."""

SUFFIXES: Final = (".gz", ".xz", ".zst", ".zip")
"""Suffixes of names of packed documents; the one before says the format."""

_PIECE: Final = 1 << 20
_SLICE: Final = 1 << 16
"""Bytes that are unpacked at once: what follows the end of each member is copied."""
_LITTLE: Final = 1 << 12
"""Bytes that are unpacked at once by what cannot be told when to stop: at most 128 MiB."""
_WRAPPED: Final = 31
"""What zlib calls the largest window inside of a gzip header."""
_MEMORY: Final = 1 << 28
"""Bytes that a decoder of xz or zstd may ask for."""
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_LONGEST_MAGIC: Final = 6
_DIRECTORY: Final = 1 << 20
"""Bytes of the largest directory of a zip archive: some 10,000 members."""
_END, _END_64, _LOCATOR_64 = 22, 56, 20


class _Unpacker(Protocol):
    """What unpacks one member, as `bz2`, `lzma` and `compression.zstd` have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Packing(NamedTuple):
    """One way to pack.

    Attributes:
        name: What people call it.
        unpacker: Returns what unpacks one member.
        errors: What it raises where a document is damaged.
        at_once: Bytes that it is given at once.
    """

    name: str
    unpacker: Callable[[], _Unpacker]
    errors: tuple[type[Exception], ...]
    at_once: int = _SLICE


class _Gzip:
    """One member of gzip (RFC 1952)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=_WRAPPED)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


def unpacked(
    chunks: Iterable[bytes], name: str = "", member: str = "", whole: int = 0
) -> tuple[Iterator[bytes], str]:
    """Return the bytes of a document, unpacked where it is packed, and its own name.

    Args:
        chunks: Its bytes as they are kept.
        name: Name of its file.
        member: The file of a zip archive that is meant; empty: the only one.
        whole: Bytes of the largest zip archive, which is read as a whole; 0: as of any document.

    Raises:
        UnreadableSnapshot: It is damaged or cut off, holds too much, or has no such member; may
            be raised while it is read.
        ConfigError: It is packed with zstd, which cannot be read here.
    """
    pieces = iter(chunks)
    first = next(pieces, b"")
    while 0 < len(first) < _LONGEST_MAGIC and (more := next(pieces, b"")):
        first += more
    content = chain((first,), pieces)
    if first.startswith(_ZIP):
        return _from_zip(joined(_bounded(content, "zip", whole)), member)
    if member:
        raise UnreadableSnapshot(
            sentence('it is no zip archive, so it has no member "{member}"', member=member)
        )
    own = name.removesuffix(next(filter(name.lower().endswith, SUFFIXES), ""))
    for magic, packing in _PACKINGS.items():
        if first.startswith(magic):
            return _unpacked(content, packing()), own
    return content, own  # a server may have unpacked it


def joined(pieces: Iterable[bytes]) -> bytes:
    """Return pieces as one; many of them are not in memory twice."""
    import io  # noqa: PLC0415 - for large documents only

    rest = iter(pieces)
    first, second = next(rest, b""), next(rest, b"")
    if not second:
        return b"".join((first, *rest))
    whole = io.BytesIO(first)
    whole.seek(0, io.SEEK_END)
    whole.write(second)
    whole.writelines(rest)
    return whole.getvalue()


def _unpacked(pieces: Iterator[bytes], packing: _Packing) -> Iterator[bytes]:
    return _bounded(_members(pieces, packing), packing.name)


def _members(pieces: Iterator[bytes], packing: _Packing) -> Iterator[bytes]:
    """Yield what the members hold that follow one another."""
    member = packing.unpacker()
    try:
        for piece in _slices(pieces, packing.at_once):
            left, out = piece, b""
            while left or (len(out) == _PIECE and not member.eof):
                if member.eof:
                    member = packing.unpacker()
                out = member.decompress(left, _PIECE)
                left = member.unused_data if member.eof else b""
                yield out
    except packing.errors as error:
        raise UnreadableSnapshot(
            sentence(
                "packed with {packing}, and damaged: {error}",
                packing=packing.name,
                error=reason(error),
            )
        ) from error
    if not member.eof:
        raise UnreadableSnapshot(
            sentence("packed with {packing}, and cut off", packing=packing.name)
        )


def _slices(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        yield from (piece[at : at + size] for at in range(0, len(piece), size))


def _bounded(pieces: Iterable[bytes], packing: str, most: int = 0) -> Iterator[bytes]:
    most = most or MOST
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise UnreadableSnapshot(
                sentence(
                    "packed with {packing}, and holds more than {most:,} bytes",
                    packing=packing,
                    most=most,
                )
            )
        yield piece


def _gzip() -> _Packing:
    return _Packing("gzip", _Gzip, (zlib.error,))


def _xz() -> _Packing:
    import lzma  # noqa: PLC0415 - for such documents only

    unpacker = partial(lzma.LZMADecompressor, memlimit=_MEMORY)
    return _Packing("xz", unpacker, (lzma.LZMAError,))


def _zstd() -> _Packing:
    try:
        from compression import zstd  # noqa: PLC0415 - for such documents only
    except ImportError:
        return _zstandard()
    return _Packing("zstd", zstd.ZstdDecompressor, (zstd.ZstdError,))


def _zstandard() -> _Packing:
    """Return what unpacks zstd before Python 3.14."""
    try:
        import zstandard
    except ImportError:
        raise ConfigError(
            sentence("packed with zstd, which this Python cannot read"),
            hint=sentence("install the extra zstd: pip install 'snapshot-archiver[zstd]'"),
        ) from None

    class Frame:
        """One frame; all that a few bytes hold comes at once."""

        def __init__(self) -> None:
            made = zstandard.ZstdDecompressor(max_window_size=_MEMORY)
            self._frame: Any = made.decompressobj()

        @property
        def eof(self) -> bool:
            return bool(self._frame.eof)

        @property
        def unused_data(self) -> bytes:
            return bytes(self._frame.unused_data)

        def decompress(self, data: bytes, max_length: int = -1) -> bytes:  # noqa: ARG002  not offered
            return self._frame.decompress(data) if data else b""

    return _Packing("zstd", Frame, (zstandard.ZstdError,), _LITTLE)


_PACKINGS: Final[dict[bytes, Callable[[], _Packing]]] = {
    b"\x1f\x8b": _gzip,
    b"\xfd7zXZ\0": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def _from_zip(body: bytes, member: str) -> tuple[Iterator[bytes], str]:
    """Return the one file of a zip archive that is meant, and its name."""
    import io  # noqa: PLC0415 - with zipfile
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415 - for such documents only

    if _directory(body) > _DIRECTORY:
        raise UnreadableSnapshot(
            sentence(
                "a zip archive of too many files: their list is longer than {most:,} bytes",
                most=_DIRECTORY,
            )
        )
    try:
        archive = ZipFile(io.BytesIO(body))
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableSnapshot(
            sentence(
                "packed with {packing}, and damaged: {error}", packing="zip", error=reason(error)
            )
        ) from error
    chosen = _chosen(archive, member)
    return _bounded(_extracted(archive, chosen), "zip"), chosen.filename


def _directory(body: bytes) -> int:
    """Return how many bytes the list of files says that it has, before anything believes it."""
    end = len(body) - _END
    if not (body[end:].startswith(b"PK\x05\x06") and body.endswith(b"\0\0")):
        end = body.rfind(b"PK\x05\x06", max(0, len(body) - _END - (1 << 16)))
    if end < 0:
        return 0  # it is damaged
    size = int.from_bytes(body[end + 12 : end + 16], "little")
    locator = end - _LOCATOR_64
    if locator >= _END_64 and body[locator:end].startswith(b"PK\x06\x07"):
        start = locator - _END_64 + 40
        size = max(size % 0xFFFFFFFF, int.from_bytes(body[start : start + 8], "little"))
    return size


def _chosen(archive: ZipFile, member: str) -> ZipInfo:
    files = [each for each in archive.infolist() if _is_data(each.filename)]
    names = [each.filename for each in files]
    for name in names:
        if name.startswith(("/", "\\")) or ":" in name[:2] or ".." in name.split("/"):
            raise UnreadableSnapshot(
                sentence('a zip archive whose member "{name}" leaves its folder', name=name)
            )
    found = [each for each in files if each.filename == member] if member else files
    if len(found) == 1:
        return found[0]
    there = few([f'"{name}"' for name in names]) or sentence("nothing")
    if member:
        if found:
            raise UnreadableSnapshot(
                sentence('a zip archive with more than one member "{member}"', member=member)
            )
        raise UnreadableSnapshot(
            sentence(
                'the zip archive has no member "{member}"{suggestion}',
                member=member,
                suggestion=suggestion(member, names),
            ),
            hint=sentence("there: {there}", there=there),
        )
    raise UnreadableSnapshot(
        sentence(
            "a zip archive of {files}, not of one: {there}",
            files=count(len(files), "file"),
            there=there,
        ),
        hint=sentence('name one: member = "NAME" in archiver.toml, or --member NAME'),
    )


def _is_data(name: str) -> bool:
    """Say whether a member is more than a folder, and what macOS adds to every file."""
    return not name.startswith("__MACOSX/") and not name.endswith(("/", "/.DS_Store"))


def _extracted(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    import lzma  # noqa: PLC0415 - for such documents only
    from zipfile import BadZipFile  # noqa: PLC0415 - as above

    damages = (BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)

    if member.flag_bits & 1:
        raise UnreadableSnapshot(
            sentence('the member "{name}" of the zip archive is encrypted', name=member.filename)
        )
    try:
        with archive.open(member) as content:
            while piece := content.read(_PIECE):
                yield piece
    except damages as error:
        raise UnreadableSnapshot(
            sentence(
                "packed with {packing}, and damaged: {error}", packing="zip", error=reason(error)
            )
        ) from error
