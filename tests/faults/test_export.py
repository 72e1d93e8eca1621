"""An export that is killed leaves what was there, or what is new; the next one is whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commandline import run_archiver
from support.histories import History
from support.processes import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = Path(__file__).with_name("killed_export.py")


@pytest.fixture
def archive(repo: Path) -> History:
    history = History(repo)
    history.configure(metrics=("n",))
    history.capture("2026-01-30T12:00:00Z", a=1, b=1)
    history.capture("2026-02-01T12:00:00Z", a=2, c=1)
    return history


def killed(folder: Path, kind: str, path: Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(KILLED), str(folder), kind, str(path), str(at)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=unmeasured(),
    )


def exported(archive: History, kind: str, path: Path) -> Path:
    done = run_archiver("export", "--repo", archive.folder, kind, path)
    assert done.returncode == 0, done.stderr
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def swept(changes: int, killed_at: Callable[[int], None]) -> None:
    assert changes > 3
    with ThreadPoolExecutor(2) as pool:
        sampled = {*range(1, changes + 1, 4), *range(changes - 12, changes + 1)}
        list(pool.map(killed_at, sorted(number for number in sampled if number > 0)))


def test_a_killed_export_to_parquet_is_made_good(archive: History, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    lake = exported(archive, "--parquet", tmp_path / "lake")
    archive.capture("2026-02-02T12:00:00Z", a=3, c=1)
    whole = shutil.copytree(lake, tmp_path / "whole")
    changes = int(killed(archive.folder, "--parquet", whole, 0).stdout)
    truth = contents(exported(archive, "--parquet", tmp_path / "fresh"))
    assert contents(whole) == truth

    def killed_at(number: int) -> None:
        copy = shutil.copytree(lake, tmp_path / f"copy{number}")
        assert killed(archive.folder, "--parquet", copy, number).returncode != 0
        assert contents(exported(archive, "--parquet", copy)) == truth

    swept(changes, killed_at)


def test_a_killed_export_to_sqlite_leaves_the_old_file(archive: History, tmp_path: Path) -> None:
    old = exported(archive, "--sqlite", tmp_path / "old.db").read_bytes()
    archive.capture("2026-02-02T12:00:00Z", a=3, c=1)
    (tmp_path / "whole").mkdir()
    changes = int(killed(archive.folder, "--sqlite", tmp_path / "whole" / "out.db", 0).stdout)
    new = (tmp_path / "whole" / "out.db").read_bytes()

    def killed_at(number: int) -> None:
        folder = tmp_path / f"copy{number}"
        folder.mkdir()
        (folder / "out.db").write_bytes(old)
        assert killed(archive.folder, "--sqlite", folder / "out.db", number).returncode != 0
        assert (folder / "out.db").read_bytes() in (old, new)

    swept(changes, killed_at)
