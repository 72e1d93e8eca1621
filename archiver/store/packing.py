"""Pack loose objects when there are many, so that git never decides to do it by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.store.plumbing import Plumbing

MANY = 1000
LARGE = 64 << 20
"""Packing is worthwhile from this number of loose objects, or this number of their bytes."""
TIME_LIMIT = 3600.0


def worthwhile(objects: Path) -> bool:
    """Tell whether there are many loose objects, or large ones."""
    sizes = list(loose_sizes(objects))
    return len(sizes) >= MANY or sum(sizes) >= LARGE


def loose_sizes(objects: Path) -> Iterator[int]:
    """Yield the size of each loose object in bytes, compressed."""
    for number in range(256):
        folder = objects / f"{number:02x}"
        if folder.is_dir():
            with os.scandir(folder) as files:
                yield from (file.stat().st_size for file in files)


def pack(git: Plumbing) -> None:
    """Move loose objects into a pack, durably; small packs are joined, large ones stay.

    Raises:
        StoreFull: The disk is full; every object is still where it was.
    """
    git.run("repack", "--geometric=2", "-d", "-l", "-n", "--quiet", limit=TIME_LIMIT)
