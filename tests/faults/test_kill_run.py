"""`archiver run` killed at any moment: one more run ends with one new commit and no traces."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.processes import COMMAND, unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Git = Callable[..., str]

KILLS = 50
LATEST = 1.1
"""Kills are spread over this share of the time that a run takes when nobody kills it."""
RUN = (*COMMAND, "run", "--repo")


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive with one capture, and another catalogue to capture."""
    found = Archive(repo)
    found.configure()
    found.captured(**{f"m{number}": number for number in range(2000)})
    found.git("add", "archiver.toml")
    found.git("commit", "--quiet", "--message=configure")
    found.lists({"id": f"m{number}", "n": number + number % 2} for number in range(2000))
    found.git("add", "models.json")
    found.git("commit", "--quiet", "--message=another day")
    return found


def copy_of(archive: Archive, folder: Path) -> Archive:
    shutil.copytree(archive.folder, folder)
    copy = Archive(folder)
    copy.git("update-index", "-q", "--refresh")
    return copy


def run(folder: Path) -> None:
    done = subprocess.run(
        [*RUN, folder], capture_output=True, text=True, check=False, env=unmeasured()
    )
    assert done.returncode == 0, done.stderr


def killed_after(folder: Path, seconds: float) -> None:
    """Start a run and kill it; git's own processes live on, as after a plain kill."""
    child = subprocess.Popen(
        [*RUN, folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=unmeasured(),
    )
    time.sleep(seconds)
    child.kill()
    child.wait()


def leftovers(folder: Path) -> list[str]:
    """Return every file that no finished run leaves behind."""
    git_dir = folder / ".git"
    traces = [path for name in ("*.lock", "tmp_*", ".tmp-*") for path in git_dir.rglob(name)]
    home = {*(git_dir / "archiver").iterdir()} - {git_dir / "archiver" / "lock"}
    mine = [path for path in home if path.is_file() or any(path.iterdir())]
    hidden = (folder / "data").rglob(".*")
    return sorted(str(path) for path in (*traces, *mine, *hidden))


def test_a_kill_at_a_random_moment_is_healed_by_one_more_run(
    archive: Archive, tmp_path: Path
) -> None:
    trials = [copy_of(archive, tmp_path / f"trial-{number}") for number in range(KILLS + 2)]
    lengths = []
    for unkilled in (trials.pop(), trials.pop()):
        began = time.monotonic()
        run(unkilled.folder)
        lengths.append(time.monotonic() - began)
    dice = random.Random(1)
    moments = [dice.random() * LATEST * max(lengths) for _ in trials]
    commits = archive.commits + 1

    def trial(copy: Archive, moment: float) -> None:
        killed_after(copy.folder, moment)
        assert copy.git("fsck", "--full", "--strict", "--no-dangling") == ""
        assert copy.commits in (commits - 1, commits)
        run(copy.folder)
        assert copy.git("fsck", "--full", "--strict", "--no-dangling") == ""
        assert (copy.commits, copy.git("status", "--porcelain")) == (commits, "")
        assert leftovers(copy.folder) == []
        problems, audit = copy.problems()
        assert (problems, audit.snapshots) == ([], 2)

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(trial, trials, moments):
            pass
