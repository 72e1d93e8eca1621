from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from archiver.errors import RepositoryBusy
from archiver.store.commit import writing
from archiver.store.journal import Journal, Move, RefMove
from archiver.store.repository import STATE_REF, Repository
from archiver.store.worktree import remove_empty

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commits import Capture

    Git = Callable[..., str]

LATEST = "data/ms/latest.json"


@pytest.fixture
def journal(repo: Path, git: Git, capture: Capture) -> Journal:
    """Return the journal of a run that died before any ref moved, saved in its place."""
    capture(repo, {LATEST: b"1"}, state={"a": b"1"})
    old = {ref: git(repo, "rev-parse", ref).strip() for ref in ("refs/heads/main", STATE_REF)}
    blob = git(repo, "rev-parse", f"main:{LATEST}").strip()
    capture(repo, {LATEST: b"2"}, state={"a": b"2"})
    moves = {ref: RefMove(old[ref], git(repo, "rev-parse", ref).strip()) for ref in old}
    after = git(repo, "rev-parse", f"main:{LATEST}").strip()
    git(repo, "reset", "--quiet", "--hard", old["refs/heads/main"])
    git(repo, "update-ref", STATE_REF, old[STATE_REF])
    written = Journal(
        git_dir=str(repo / ".git"),
        root=str(repo),
        branch="refs/heads/main",
        refs=moves,
        files={LATEST: Move(blob, blob, after)},
    )
    written.save(repo / ".git/archiver/journal")
    return written


def heal(folder: Path) -> None:
    with Repository.open(folder) as found, writing(found):
        pass


def tips(folder: Path, git: Git) -> list[str]:
    return git(folder, "rev-parse", "refs/heads/main", STATE_REF).split()


def test_where_no_ref_moved_the_old_history_stays(repo: Path, git: Git, journal: Journal) -> None:
    heal(repo)
    assert [move.old for move in journal.refs.values()] == tips(repo, git)
    assert not (repo / ".git/archiver/journal").exists()


@pytest.mark.parametrize("moved", ["refs/heads/main", STATE_REF])
def test_where_one_ref_moved_the_other_follows(
    repo: Path, git: Git, journal: Journal, moved: str
) -> None:
    git(repo, "update-ref", moved, journal.refs[moved].new)
    heal(repo)
    assert [move.new for move in journal.refs.values()] == tips(repo, git)
    assert (repo / LATEST).read_bytes() == b"2"
    assert git(repo, "status", "--porcelain") == ""


def test_locks_of_the_dead_run_are_removed(repo: Path, git: Git, journal: Journal) -> None:
    (repo / ".git/HEAD.lock").touch()
    (repo / ".git/refs/heads/main.lock").write_text(journal.refs["refs/heads/main"].new[:13])
    heal(repo)
    assert list((repo / ".git").rglob("*.lock")) == []
    assert git(repo, "status", "--porcelain") == ""


def test_a_lock_with_another_content_is_somebody_elses(
    repo: Path, journal: Journal, capture: Capture
) -> None:
    lock = repo / ".git/refs/heads/main.lock"
    lock.write_text("1" * 40)
    assert journal.refs
    with pytest.raises(RepositoryBusy):
        capture(repo, {LATEST: b"3"})
    assert lock.exists()
    lock.unlink()
    assert capture(repo, {LATEST: b"3"}).revision is not None


def test_a_lock_that_somebody_has_open_is_left_alone(repo: Path, journal: Journal) -> None:
    assert journal.refs
    lock = repo / ".git/HEAD.lock"
    with lock.open("w"), pytest.raises(RepositoryBusy, match="in use"):
        heal(repo)
    assert lock.exists()
    heal(repo)
    assert not lock.exists()


def test_a_file_that_a_person_changed_since_is_theirs(
    repo: Path, git: Git, journal: Journal
) -> None:
    git(repo, "update-ref", "refs/heads/main", journal.refs["refs/heads/main"].new)
    (repo / LATEST).write_text("by hand")
    heal(repo)
    assert (repo / LATEST).read_text() == "by hand"
    assert git(repo, "status", "--porcelain") == f" M {LATEST}\n"


@pytest.mark.parametrize("rotten", [b"\0\0", b'{"git_dir":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_journal_that_cannot_be_read_is_dropped(
    repo: Path, journal: Journal, rotten: bytes
) -> None:
    assert journal.refs
    (repo / ".git/archiver/journal").write_bytes(rotten)
    heal(repo)
    assert not (repo / ".git/archiver/journal").exists()


def test_unfinished_packs_of_the_dead_run_are_removed(repo: Path, journal: Journal) -> None:
    assert journal.refs
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in ("tmp_pack_x", f".tmp-{gone.pid}-pack-x.pack", "pack-x.keep"):
        (repo / ".git/objects/pack" / name).touch()
    heal(repo)
    left = [file.name for file in (repo / ".git/objects/pack").iterdir()]
    assert left == ["pack-x.keep"]


def test_a_folder_that_a_dead_run_had_emptied_makes_room_for_a_file(repo: Path, git: Git) -> None:
    (repo / "docs" / "sub").mkdir(parents=True)
    (repo / "docs" / "sub" / "page.md").write_bytes(b"a page\n")
    git(repo, "add", "docs")
    git(repo, "commit", "--quiet", "--message=Begin")
    old, page = git(repo, "rev-parse", "main", "main:docs/sub/page.md").split()
    git(repo, "rm", "-q", "docs/sub/page.md")
    (repo / "docs").write_bytes(b"a file\n")
    git(repo, "add", "docs")
    git(repo, "commit", "--quiet", "--message=Swap")
    new, file = git(repo, "rev-parse", "main", "main:docs").split()
    (repo / "docs").unlink()
    (repo / "docs" / "sub").mkdir(parents=True)  # what is left between unlink and rmdir
    files = {"docs/sub/page.md": Move(page, page, None), "docs": Move(None, None, file)}
    moved = {"refs/heads/main": RefMove(old, new)}
    branch = "refs/heads/main"
    home = repo / ".git" / "archiver"
    (home / "scratch").mkdir(parents=True)
    journal = Journal(
        git_dir=str(repo / ".git"), root=str(repo), branch=branch, refs=moved, files=files
    )
    journal.save(home / "journal")
    heal(repo)
    assert (repo / "docs").read_bytes() == b"a file\n"
    assert git(repo, "status", "--porcelain") == ""


def test_no_folder_behind_a_link_is_removed(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "empty").mkdir(parents=True)
    (repo / "link").symlink_to(outside)
    remove_empty(repo, repo / "link" / "empty" / "file")
    assert (outside / "empty").is_dir()
