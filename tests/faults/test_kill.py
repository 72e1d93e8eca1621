"""A kill at any moment leaves the old history or the new one, and the next run heals the rest."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Git = Callable[..., str]

CAPTURE = Path(__file__).with_name("capture.py")
RANDOM_KILLS = 16


def run_capture(folder: Path, number: int, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CAPTURE), str(folder), str(number), *more]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=unmeasured(),
    )


@pytest.fixture
def archive(repo: Path, git: Git) -> Path:
    """Return a repository with one capture, and a person's own work beside it."""
    (repo / "README").write_text("mine\n")
    git(repo, "add", "README")
    git(repo, "commit", "--quiet", "--message=Begin")
    assert run_capture(repo, 1).returncode == 0
    (repo / "README").write_text("mine, changed\n")
    (repo / "staged").write_text("staged\n")
    git(repo, "add", "staged")
    (repo / "untracked").write_text("untracked\n")
    return repo


def leftovers(folder: Path) -> list[str]:
    """Return every file that no finished run leaves behind."""
    git_dir = folder / ".git"
    mine = [*git_dir.rglob("*.lock"), *git_dir.rglob("tmp_*"), *git_dir.rglob(".tmp-*")]
    scratch = [*(git_dir / "archiver").rglob("*")]
    kept = {git_dir / "archiver" / "lock", git_dir / "archiver" / "scratch"}
    temporary = (folder / "data").rglob(".*")
    return sorted(str(path) for path in {*mine, *scratch, *temporary} - kept)


def check_half_done(folder: Path, git: Git, old: str) -> None:
    """Insist on a whole history: the old one, or one commit more."""
    git(folder, "fsck", "--full", "--strict")
    assert git(folder, "rev-list", "--count", f"{old}..main").strip() in {"0", "1"}
    assert git(folder, "merge-base", old, "main").strip() == old


def check_healed(folder: Path, git: Git, commits: int) -> None:
    """Insist that nothing is left of a dead run, and that a person's work is untouched."""
    git(folder, "fsck", "--full", "--strict")
    assert git(folder, "status", "--porcelain").splitlines() == [
        " M README",
        "A  staged",
        "?? untracked",
    ]
    assert leftovers(folder) == []
    assert int(git(folder, "rev-list", "--count", "main")) == commits
    assert git(folder, "show", "refs/archiver/state:run.json") == '{"last":3}'
    assert (folder / "README").read_text() == "mine, changed\n"


def heal_and_check(folder: Path, git: Git, old: str) -> None:
    check_half_done(folder, git, old)
    landed = int(git(folder, "rev-list", "--count", f"{old}..main"))
    rerun = run_capture(folder, 3)
    assert rerun.returncode == 0, rerun.stderr
    check_healed(folder, git, 3 + landed)


def in_parallel(trial: Callable[[int], None], numbers: Iterable[int]) -> None:
    """Run independent trials, two at a time; the first that fails fails the test."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(trial, number) for number in numbers]:
            done.result()


def copy_of(archive: Path, trial: Path, git: Git) -> Path:
    """Return a copy, whose index knows that its files have other inodes."""
    shutil.copytree(archive, trial)
    git(trial, "update-index", "-q", "--refresh")
    return trial


def test_a_kill_at_every_change_is_healed_by_the_next_run(
    archive: Path, git: Git, tmp_path: Path
) -> None:
    old = git(archive, "rev-parse", "main").strip()
    counted = run_capture(copy_of(archive, tmp_path / "counted", git), 2, "0")
    changes = int(counted.stdout)
    assert changes > 20

    def trial(number: int) -> None:
        folder = copy_of(archive, tmp_path / str(number), git)
        assert run_capture(folder, 2, str(number)).returncode == -signal.SIGKILL, number
        heal_and_check(folder, git, old)

    in_parallel(trial, range(1, changes + 1))


def test_a_kill_at_a_random_moment_is_healed_by_the_next_run(
    archive: Path, git: Git, tmp_path: Path
) -> None:
    old = git(archive, "rev-parse", "main").strip()

    def trial(number: int) -> None:
        folder = copy_of(archive, tmp_path / str(number), git)
        command = [sys.executable, str(CAPTURE), str(folder), "2"]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, start_new_session=True, env=unmeasured()
        )
        time.sleep(0.08 + random.Random(number).random() * 0.2)
        child.kill()  # git's own processes live on, as after a plain kill
        child.communicate()
        heal_and_check(folder, git, old)

    in_parallel(trial, range(RANDOM_KILLS))
