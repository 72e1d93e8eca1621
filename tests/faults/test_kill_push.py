"""A push that joins two copies, killed at any moment: one more run pushes everything once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.copies import Copy, Hub
from support.processes import unmeasured

from archiver.jobs.job import Job

RUN = Path(__file__).with_name("killed_run.py")
KILLS = 24


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two copies: the second has two captures, the first pushed another.

    A file of the first becomes a folder, and a folder a file.
    """
    hub = Hub(tmp_path_factory.mktemp("stage"))
    first = hub.first()
    grow(first.folder / "docs", first.folder / "lib")
    first.publish("Files")
    second = hub.clone("second")
    second.run("a", job=Job())
    hub.lists("a", one=1, two=2, three=3)
    second.run("a", job=Job())
    first.run("b")
    shutil.rmtree(first.folder / "docs")
    (first.folder / "lib").unlink()
    grow(first.folder / "lib", first.folder / "docs")
    first.publish("Swap them")
    return hub.folder


def grow(folder: Path, file: Path) -> None:
    folder.mkdir()
    (folder / "page.md").write_text("a page\n")
    file.write_text("a file\n")


def copied(stage: Path, folder: Path) -> Copy:
    """Return the second copy of a stage of its own; its origin and its source lie beside it."""
    shutil.copytree(stage, folder, symlinks=True)
    hub = Hub.__new__(Hub)
    hub.folder, hub.origin = folder, folder / "origin.git"
    hub.time = hub.time.replace(day=9)
    copy = Copy(hub, folder / "second")
    copy.git("remote", "set-url", "origin", hub.origin.as_uri())
    copy.git("update-index", "-q", "--refresh")
    return copy


def pushed(copy: Copy, kill_at: int = 0) -> int:
    """Run source ``b`` and push, in a process that dies at a change (0: never); count them."""
    command = [sys.executable, str(RUN), str(copy.folder), "2026-02-08T03:00:00+00:00"]
    done = subprocess.run(
        [*command, str(kill_at), "b", "push"],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=unmeasured(),
    )
    assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr
    return 0 if kill_at else int(done.stdout.splitlines()[-1])


def test_the_next_run_pushes_everything_once(stage: Path, tmp_path: Path) -> None:
    changes = pushed(copied(stage, tmp_path / "counted"))
    assert changes > KILLS
    for number in range(KILLS):
        copy = copied(stage, tmp_path / str(number))
        before = copy.git("rev-parse", "HEAD")
        pushed(copy, 1 + number * (changes - 2) // (KILLS - 1))
        assert "error" not in copy.git("fsck", "--full", "--strict")
        here = copy.git("log", "--format=%s", "HEAD").splitlines()
        assert copy.git("rev-parse", "HEAD") == before or here[:2] == [
            "a: +1 new (3 records)",
            "a: first snapshot (2 records)",
        ]
        pushed(copy)
        assert copy.hub.subjects() == [
            "a: +1 new (3 records)",
            "a: first snapshot (2 records)",
            "Swap them",
            "b: first snapshot (1 record)",
            "Files",
            "Begin",
        ]
        assert copy.is_clean()
        assert (copy.folder / "lib" / "page.md").is_file()
        assert not [*copy.folder.glob(".git/**/*.lock")]
