"""Measure what captures add to git, as it will be once it is packed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from archiver.store.history import Revision
    from archiver.store.repository import Repository

TRIED: Final = 4 << 20
"""Compressed bytes of loose objects that are packed to see how small they get; takes a second."""


def is_loose(objects: Path, oid: str) -> bool:
    """Return whether an object is not packed; those of one capture are packed together."""
    return (objects / oid[:2] / oid[2:]).exists()


def packed_bytes(
    repository: Repository, history: Sequence[Revision], chosen: Collection[str]
) -> int:
    """Return what commits added, as it lies in the packs.

    Args:
        repository: A whole clone.
        history: All commits along first parents, newest first.
        chosen: Full ids of those that are measured.
    """
    measured = ("rev-list", "--disk-usage", "--objects")
    return sum(
        int(repository.plain.line(*measured, newest, *([f"^{before}"] if before else [])))
        for newest, before in _stretches(history, chosen)
    )


def tried_bytes(
    repository: Repository, history: Sequence[Revision], newest: Iterable[Revision]
) -> tuple[int, int, bool]:
    """Pack loose commits to nowhere, and return what they add.

    Args:
        repository: A whole clone.
        history: All commits along first parents, newest first.
        newest: The commits, newest first; as many are taken as `TRIED` allows, one at least.

    Returns:
        The bytes, of how many commits, and whether it may be much less: they were not packed.
    """
    objects = repository.common_dir / "objects"
    before = {each.id: up.id for each, up in pairwise(history)}
    chosen: list[tuple[str, str]] = []
    loose = 0
    for each in newest:
        found = (each.id, before.get(each.id, ""))
        size = sum(_loose_sizes(repository, objects, *found))
        if chosen and loose + size > TRIED:
            break
        chosen.append(found)
        loose += size
    if loose > TRIED:
        return loose, len(chosen), True
    packing = ("pack-objects", "--stdout", "--quiet", "--revs", "--thin", "--delta-base-offset")
    total = 0
    for commit, parent in chosen:
        revisions = f"{commit}\n" + (f"^{parent}\n" if parent else "")
        total += len(repository.plain.run(*packing, stdin=revisions.encode()))
    return total, len(chosen), False


def _loose_sizes(repository: Repository, objects: Path, newest: str, before: str) -> Iterator[int]:
    known = [f"^{before}"] if before else []
    listed = ("rev-list", "--objects", "--no-object-names", newest, *known)
    for oid in repository.plain.run(*listed).decode().split():
        file = objects / oid[:2] / oid[2:]
        if file.exists():
            yield file.stat().st_size


def _stretches(history: Sequence[Revision], chosen: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the newest commit of each unbroken stretch of `chosen`, and the commit before it."""
    newest = ""
    for each in history:
        if each.id in chosen:
            newest = newest or each.id
        elif newest:
            yield newest, each.id
            newest = ""
    if newest:
        yield newest, ""
