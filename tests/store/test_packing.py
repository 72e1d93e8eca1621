from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from archiver.store import packing
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
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


def captured_daily(repo: Path, capture: Capture, days: int) -> None:
    """Commit a large file under its two names each day; a part of it changes, and it grows."""
    for day in range(days):
        lines = (b"%d of line %d\n" % (day if n % 7 == 0 else 0, n) for n in range(4000 + 10 * day))
        content = b"".join(lines)
        names = (
            "latest.json",
            f"snapshots/ms_models_202601{day + 1:02}_{day * 7919 % 240000}.json",
        )
        capture(repo, {f"data/ms/{name}": content for name in names})


def whole_blobs(repo: Path, git: Git) -> int:
    """Return the number of blobs that the packs hold whole, of those that are large."""
    packs = sorted((repo / ".git/objects/pack").glob("*.idx"))
    rows = git(repo, "verify-pack", "--verbose", *map(str, packs)).splitlines()
    facts = [row.split() for row in rows if " blob " in row]
    return sum(len(fact) == 5 and int(fact[2]) > 10_000 for fact in facts)


def test_versions_of_one_file_are_one_chain_although_each_has_a_stamped_name(
    repo: Path, git: Git, capture: Capture
) -> None:
    captured_daily(repo, capture, 12)
    with Repository.open(repo) as found, writing(found) as writer:
        assert writer.pack_all()
        assert not writer.pack_all()
        assert writer.pack_all(again=True)
    assert whole_blobs(repo, git) == 1
    assert git(repo, "fsck", "--full", "--strict") == ""
    git(repo, "gc", "--quiet")
    assert whole_blobs(repo, git) == 1


def test_a_later_pack_goes_on_from_the_versions_in_the_pack_before(
    repo: Path, git: Git, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MANY", 1)
    with Repository.open(repo) as found:
        for _ in range(3):
            captured_daily(repo, capture, 4)
            with writing(found) as writer:
                assert writer.pack()
    assert len([*(repo / ".git/objects/pack").glob("*.pack")]) == 1
    assert whole_blobs(repo, git) <= 2
    assert git(repo, "fsck", "--full", "--strict") == ""


def test_packing_takes_no_more_than_a_tenth_of_the_runs_since_the_last_one(
    repo: Path, git: Git, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MANY", 1)
    captured_daily(repo, capture, 2)
    with Repository.open(repo) as found, writing(found) as writer:
        assert packing.allowed(found, 60) == 6
        assert not writer.pack(0.1)
        monkeypatch.setattr(packing, "_START", 0)
        monkeypatch.setattr(packing, "_LOOSE_RATE", 1e12)
        assert not writer.pack(0.00001), "git is ended when the time is over"
        assert git(repo, "count-objects", "--verbose").splitlines()[3] == "packs: 0"
        assert writer.pack(600)


def test_what_is_overdue_is_packed_after_the_shortest_run_too(
    repo: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MANY", 1)
    captured_daily(repo, capture, 2)
    with Repository.open(repo) as found, writing(found) as writer:
        assert not writer.pack(0.1)
        monkeypatch.setattr(packing, "OVERDUE", 1)
        assert writer.pack(0.1)


def test_a_large_pack_is_not_written_again_by_a_run(
    repo: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MANY", 1)
    packs = repo / ".git/objects/pack"
    captured_daily(repo, capture, 2)
    with Repository.open(repo) as found, writing(found) as writer:
        writer.pack()
    [large] = packs.glob("*.pack")
    monkeypatch.setattr(packing, "LARGEST", large.stat().st_size)
    captured_daily(repo, capture, 1)
    with Repository.open(repo) as found, writing(found) as writer:
        assert writer.pack()
        assert large.exists()
        assert len([*packs.glob("*.pack")]) == 2
        assert writer.pack_all()
        assert len([*packs.glob("*.pack")]) == 1


def test_what_is_staged_or_kept_or_reached_by_nothing_survives_packing(
    repo: Path, git: Git, capture: Capture
) -> None:
    captured_daily(repo, capture, 2)
    (repo / "notes").write_text("staged")
    git(repo, "add", "notes")
    (repo / "other").write_text("reached by nothing")
    lost = git(repo, "hash-object", "-w", "other").strip()
    git(repo, "repack", "-a", "-d", "--quiet")
    [kept] = (repo / ".git/objects/pack").glob("*.pack")
    kept.with_suffix(".keep").touch()
    captured_daily(repo, capture, 2)
    with Repository.open(repo) as found, writing(found) as writer:
        assert writer.pack_all()
    assert kept.exists()
    assert git(repo, "show", ":notes") == "staged"
    assert git(repo, "cat-file", "blob", lost) == "reached by nothing"
    assert git(repo, "fsck", "--full", "--strict", "--no-dangling") == ""


def test_what_a_killed_packing_left_is_removed_and_nothing_is_lost(
    repo: Path, git: Git, capture: Capture
) -> None:
    captured_daily(repo, capture, 2)
    program = (
        "import os, sys; from pathlib import Path;"
        "from archiver.store import packing; from archiver.store.commit import writing;"
        "from archiver.store.repository import Repository;"
        "packing.sync_folder = lambda _: os._exit(9);"
        "found = Repository.open(Path('.')).__enter__();"
        "writing(found).__enter__().pack_all()"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=repo, check=False)
    assert killed.returncode == 9
    left = repo / ".git/objects/pack/tmp_pack_left"
    left.write_bytes(b"half of a pack")
    assert git(repo, "fsck", "--full", "--strict") == ""
    with Repository.open(repo) as found, writing(found) as writer:
        assert not left.exists()
        assert writer.pack_all()
    assert git(repo, "count-objects", "--verbose").splitlines()[0] == "count: 0"
    assert git(repo, "fsck", "--full", "--strict") == ""
