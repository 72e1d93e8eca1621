from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.store import packing
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commits import Capture

    Git = Callable[..., str]


def test_few_loose_objects_are_left_loose(repo: Path, capture: Capture) -> None:
    capture(repo, {"data/ms/latest.json": b"1"})
    with Repository.open(repo) as found, writing(found) as writer:
        assert not writer.pack()


def test_many_loose_objects_are_packed(repo: Path, git: Git, capture: Capture) -> None:
    files: dict[str, bytes | None] = {
        f"data/ms/snapshots/{number}.json": b"%d" % number for number in range(packing.MANY)
    }
    capture(repo, files)
    with Repository.open(repo) as found, writing(found) as writer:
        assert writer.pack()
        assert not writer.pack()
    counts = git(repo, "count-objects", "--verbose").split()
    assert counts[:2] == ["count:", "0"]
    assert git(repo, "fsck", "--full", "--strict") == ""
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "show", "main:data/ms/snapshots/7.json") == "7"


def test_many_packs_are_joined(repo: Path, git: Git, capture: Capture) -> None:
    for number in range(packing.PACKS):
        capture(repo, {"data/ms/latest.json": b"%d" % number})
        git(repo, "repack", "--quiet")
    with Repository.open(repo) as found, writing(found) as writer:
        assert writer.pack()
        assert not writer.pack()
    assert git(repo, "fsck", "--full", "--strict") == ""
