"""Keep refused listings as evidence, below the git folder, outside of history."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from archiver.store.durable import disk_errors, make_folders, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.store.repository import Repository

KEPT = 5
"""Newest listings that are kept of each source."""


def keep_evidence(repository: Repository, source: str, name: str, content: Iterable[bytes]) -> Path:
    """Write a refused listing and return where it is; all but the newest few are forgotten.

    Args:
        repository: The data repository.
        source: Name of the source.
        name: File name; sorts by time.
        content: The listing in canonical form.

    Raises:
        StoreFull: The disk is full.
    """
    folder = repository.common_dir / "archiver" / "quarantine" / source
    with disk_errors():
        make_folders(folder)
        path = next(each for each in _names(folder / name) if not each.exists())
        write_whole(path, content)
        for old in sorted(folder.glob("*.json"))[:-KEPT]:
            old.unlink()
    return path


def _names(path: Path) -> Iterator[Path]:
    """Yield `path`, then numbered names beside it: no evidence replaces another."""
    yield path
    yield from (path.with_stem(f"{path.stem}-{number}") for number in count(2))
