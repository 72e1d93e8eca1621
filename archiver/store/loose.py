"""Write git objects as loose files, faster and more durably than git does.

hashlib and zlib at level 1 take 0.4 s for 50 MB where ``git hash-object`` takes 1.4 to 3.1 s.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from itertools import chain
from typing import TYPE_CHECKING

from archiver.errors import DamagedObject, StoreError
from archiver.store.durable import disk_errors, make_folders, sync_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LEVEL = 1


class LooseStore:
    """The loose objects of one repository, for one writer that holds the lock."""

    def __init__(self, objects: Path, scratch: Path, object_format: str) -> None:
        """Write below `objects`, through `scratch` on the same disk."""
        self._objects = objects
        self._scratch = scratch
        self._format = object_format
        self._unsettled: set[Path] = set()

    def write(self, kind: str, chunks: Iterable[bytes], size: int) -> str:
        """Store one object and return its id; `settle` makes it durable.

        Args:
            kind: ``blob``, ``tree`` or ``commit``.
            chunks: The content.
            size: Its length in bytes.

        Raises:
            StoreError: `chunks` are shorter or longer than `size`, or the disk is broken.
            StoreFull: The disk is full.
        """
        digest = hashlib.new(self._format)
        header = f"{kind} {size}\0".encode()
        temporary = self._scratch / "object"
        with disk_errors():
            temporary.unlink(missing_ok=True)
            try:
                write_new(temporary, deflated(header, measured(chunks, size), digest.update), 0o444)
            except OSError:
                temporary.unlink(missing_ok=True)  # git status needs room on a full disk
                raise
            oid = digest.hexdigest()
            self._link(temporary, oid)
        return oid

    def settle(self) -> None:
        """Make the names of everything written so far durable."""
        with disk_errors():
            for folder in self._unsettled:
                sync_folder(folder)
        self._unsettled.clear()

    def _link(self, temporary: Path, oid: str) -> None:
        final = self._objects / oid[:2] / oid[2:]
        make_folders(final.parent)
        self._unsettled.add(final.parent)
        if final.exists() and self._intact(final, oid):
            os.utime(final)  # a prune of old unreachable objects must see that it is wanted
            temporary.unlink()
        else:
            temporary.replace(final)

    def _intact(self, path: Path, oid: str) -> bool:
        digest = hashlib.new(self._format)
        try:
            for piece in inflated(path):
                digest.update(piece)
        except DamagedObject:
            return False
        return digest.hexdigest() == oid


def measured(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Pass `chunks` on, and insist that they are `size` bytes."""
    left = size
    for chunk in chunks:
        left -= len(chunk)
        yield chunk
    if left:
        raise StoreError(f"content of {size} bytes was announced, {size - left} came")


def deflated(
    header: bytes, chunks: Iterable[bytes], seen: Callable[[bytes], object]
) -> Iterator[bytes]:
    """Yield the compressed form of an object, and show its plain form to `seen`."""
    packer = zlib.compressobj(LEVEL)
    for chunk in chain((header,), chunks):
        seen(chunk)
        yield packer.compress(chunk)
    yield packer.flush()


def inflated(path: Path) -> Iterator[bytes]:
    """Yield the plain form of a loose object, header included."""
    unpacker = zlib.decompressobj()
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                yield unpacker.decompress(chunk)
        except zlib.error as broken:
            raise DamagedObject(f"{path} is damaged") from broken
