"""Find what Git LFS keeps beside git. None of its programs is started, and nothing is fetched."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.records.lfs import Pointer

_CHUNK: Final = 1 << 20


def found(folder: Path, pointer: Pointer) -> Path | None:
    """Return the file that a pointer stands for; None: it is not here, or it is another one.

    Args:
        folder: git's common folder.
        pointer: What stands in its place.
    """
    place = folder / "lfs" / "objects" / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid
    digest = hashlib.sha256()
    try:
        if not place.is_file() or place.stat().st_size != pointer.size:
            return None
        with place.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return place if digest.hexdigest() == pointer.oid else None
