"""An index that several processes build is right, or the old one, whoever of them is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.databases import tables
from support.git import new_repository
from support.histories import LATEST, History, snapshot
from support.processes import run_process, started

from archiver.history import index as indexes
from archiver.history.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.history.catalogue import Catalogue

VERSIONS = 40
RECORDS = 600


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive whose index takes seconds to build."""
    past = History(new_repository(tmp_path_factory.mktemp("built") / "repo"))
    past.configure(metrics=("n",))
    for day in range(VERSIONS):
        records = [
            {"id": f"{each:05}", "n": day * each, "text": f"{day + each % 9 // 8}" * 40}
            for each in range(day, RECORDS)
        ]
        taken = f"2026-01-{day % 28 + 1:02} {day // 28:02}:00:00"
        past.commit(taken.replace(" ", "T") + "Z", {LATEST: snapshot(taken, *records)})
    return past.folder


@pytest.fixture
def archive(built: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    subprocess.run(["cp", "-r", str(built), str(folder)], check=True)
    return folder


def catalogue(folder: Path) -> Catalogue:
    return Choice(folder, {}).one()


def index_folder(folder: Path) -> Path:
    return folder / ".git/archiver/index"


def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def parts(folder: Path) -> list[Path]:
    return [*index_folder(folder).glob("hub.parts-*/*")]


def children(pid: int) -> set[int]:
    """Return the processes that derive ranges."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = status.read_text().rpartition(")")[2].split()
            command = status.with_name("cmdline").read_bytes()
            if int(words[1]) == pid and b"spawn_main" in command:
                found.add(int(status.parent.name))
    return found


def alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def rows_of_one_process(folder: Path) -> dict[str, list[object]]:
    indexes.update(catalogue(folder), rebuild=True)
    return tables(catalogue(folder))


def test_a_process_that_is_killed_costs_time_only(archive: Path) -> None:
    with started("index", "--repo", archive, "--jobs", "2", stdout=subprocess.PIPE) as process:
        until(lambda: len(parts(archive)) >= 2)
        os.kill(min(children(process.pid)), signal.SIGKILL)
        assert process.wait(120) == 0
    assert {path.suffix for path in index_folder(archive).iterdir()} == {
        ".json",
        ".sqlite",
        ".writer",
    }
    joined = tables(catalogue(archive))
    assert joined == rows_of_one_process(archive)


def test_a_range_that_fails_twice_is_reported(archive: Path) -> None:
    past = History(archive)
    past.commit("2026-03-01T00:00:00Z", {LATEST: snapshot("2026-03-01 00:00:00", {"id": "a"})})
    blob = past.git("rev-parse", f"HEAD:{LATEST}").strip()
    path = archive / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    done = [run_process("index", "--repo", archive, "--jobs", jobs) for jobs in ("1", "2")]
    assert done[0].returncode == done[1].returncode == 5
    told = [each.stderr.splitlines()[-2:] for each in done]  # a slow machine shows progress before
    assert told[0] == told[1]
    assert told[1][0] == f"archiver: hub: object {blob} is missing"
    assert {path.suffix for path in index_folder(archive).iterdir()} == {".writer", ".building"}


def test_ctrl_c_ends_every_process(archive: Path) -> None:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started("index", "--repo", archive, "--jobs", "2", **streams) as process:
        until(lambda: len(parts(archive)) >= 2)
        helpers = children(process.pid)
        assert len(helpers) == 2
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
        assert (process.returncode, told) == (130, "archiver: interrupted\n")
    assert not any(map(alive, helpers))
    assert not parts(archive)
    assert not [*index_folder(archive).glob("*.json")]


def test_a_parent_that_is_killed_leaves_nothing_that_stays(archive: Path) -> None:
    with started("index", "--repo", archive, "--jobs", "2") as process:
        until(lambda: len(parts(archive)) >= 2)
        helpers = children(process.pid)
        process.kill()
        process.wait(20)
    until(lambda: not any(map(alive, helpers)))
    assert parts(archive)
    assert run_process("index", "--repo", archive).returncode == 0
    assert not [*index_folder(archive).glob("hub.parts-*")]
    seal = json.loads((index_folder(archive) / "hub.json").read_text().partition("\n")[0])
    assert seal["captures"] == VERSIONS


def test_parts_of_a_killed_update_go_with_the_index(archive: Path) -> None:
    (index_folder(archive) / "hub.parts-x").mkdir(parents=True)
    (index_folder(archive) / "hub.parts-x" / "1").write_text("left")
    indexes.update(catalogue(archive))
    assert not parts(archive)
    (index_folder(archive) / "hub.parts-y").mkdir()
    assert (
        run_process("index", "--repo", archive, "--remove").stdout == "hub: the index is removed\n"
    )
    assert not [*index_folder(archive).glob("hub.parts-*")]
