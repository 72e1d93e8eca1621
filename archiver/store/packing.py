"""Measure what git keeps on the disk, and pack it before git would decide to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from archiver.store.joined import BASE, FETCHED
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from archiver.store.plumbing import Plumbing
    from archiver.store.repository import Repository

_KIB = 1024

MANY = 1000
LARGE = 64 << 20
PACKS = 50
"""Packing is worthwhile from this number of loose objects, of their bytes, or of packs."""
TIME_LIMIT = 3600.0


def worthwhile(objects: Path) -> bool:
    """Return whether there are many loose objects, large ones, or many packs (one a fetch)."""
    sizes = list(loose_sizes(objects))
    packs = sum(1 for _ in (objects / "pack").glob("*.pack"))
    return len(sizes) >= MANY or sum(sizes) >= LARGE or packs >= PACKS


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


def stored_bytes(repository: Repository) -> int:
    """Return the bytes of all objects, packed and loose, as they lie on the disk.

    What was fetched of previous repositories is none of this one.
    """
    if repository.joined:
        others = (f"--exclude={each}*" for each in (FETCHED, BASE))
        command = ("rev-list", "--disk-usage", "--objects", *others, "--all")
        return int(repository.plain.line(*command))
    rows = (line.split(": ") for line in repository.git.line("count-objects", "-v").splitlines())
    facts = {name: int(value) for name, value in rows if value.isdigit()}
    return (facts.get("size", 0) + facts.get("size-pack", 0)) * _KIB


def disk_usage(repository: Repository, tip: str, since: datetime) -> int:
    """Return the bytes on the disk that the commits since a time added.

    Args:
        repository: A whole clone.
        tip: Full id of the commit to begin with.
        since: Commits that were made before (committer date, UTC) do not count; order is
            ancestry, the date only decides where to begin.
    """
    state = repository.tip(STATE_REF)
    tips = [tip, state] if state else [tip]
    olds = [old for each in tips if (old := _before(repository, each, since))]
    known = [f"^{old}" for old in olds]
    return int(repository.plain.line("rev-list", "--disk-usage", "--objects", *tips, *known))


def _before(repository: Repository, tip: str, since: datetime) -> str:
    """Return the newest commit before a time; empty: there is none."""
    limit = f"--before={int(since.timestamp())}"
    return repository.git.line("rev-list", "--first-parent", "--max-count=1", limit, tip)
