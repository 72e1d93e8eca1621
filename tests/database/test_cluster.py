"""A Dask cluster of real processes builds the index; what cannot help is refused by name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.databases import tables
from support.git import new_repository
from support.histories import LATEST, History, snapshot
from support.processes import run_process, started, unmeasured

from archiver import __version__
from archiver.history import index as indexes
from archiver.history.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = Path(__file__).with_name("dask_cluster.py")
PATIENCE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
VERSIONS = 40
RECORDS = 500

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="Dask is not installed: pip install 'snapshot-archiver[dask]'",
)


class Cluster:
    """A running cluster: its address, and how to kill one of its workers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self._process = process
        self.address = self._output.readline().strip()

    def wish_one_killed(self) -> None:
        self._input.write("kill\n")
        self._input.flush()

    def killed(self) -> int:
        return int(self._output.readline())

    def end(self) -> None:
        """End the scheduler, and the workers with it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(**environ: str) -> Iterator[Cluster]:
    with subprocess.Popen(
        [sys.executable, str(CLUSTER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**unmeasured(), **environ},
    ) as process:
        try:
            yield Cluster(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running() as found:
        yield found


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return captured(tmp_path / "repo", RECORDS)


def captured(folder: Path, number: int) -> Path:
    """Make an archive of so many records."""
    past = History(new_repository(folder))
    past.configure(metrics=("n",))
    for day in range(VERSIONS):
        records = ({"id": f"{each:05}", "n": day * each} for each in range(day, number))
        taken = f"2026-01-{day % 28 + 1:02} {day // 28:02}:00:00"
        past.commit(taken.replace(" ", "T") + "Z", {LATEST: snapshot(taken, *records)})
    return past.folder


def rows(folder: Path, *, rebuild: bool = False) -> dict[str, list[object]]:
    catalogue = Choice(folder, {}).one()
    if rebuild:
        indexes.update(catalogue, rebuild=True)
    return tables(catalogue)


@needs_dask
def test_a_worker_that_is_killed_costs_time_only(archive: Path, cluster: Cluster) -> None:
    cluster.wish_one_killed()
    done = run_process("index", "--repo", archive, "--dask", cluster.address)
    assert (done.returncode, done.stdout[:17]) == (0, "hub: 40 versions,"), done.stderr
    assert cluster.killed() > 1
    joined = rows(archive)
    assert joined == rows(archive, rebuild=True)
    assert not list((archive / ".git/archiver/index").glob("hub.parts-*"))


@needs_dask
def test_workers_clone_a_url(archive: Path, cluster: Cluster, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    subprocess.run(["git", "clone", "-q", str(archive), str(mine)], check=True)
    where = ("--repository-on-workers", f"file://{archive}")
    done = run_process("index", "--repo", mine, "--dask", cluster.address, *where)
    assert (done.returncode, done.stdout[:17]) == (0, "hub: 40 versions,"), done.stderr
    assert rows(mine) == rows(archive, rebuild=True)


@needs_dask
def test_a_worker_without_the_history_is_refused_by_name(
    archive: Path, cluster: Cluster, tmp_path: Path
) -> None:
    old = shutil.copytree(archive, tmp_path / "old")
    History(archive).capture("2026-03-01T00:00:00Z", a=1)
    tip = History(archive).git("rev-parse", "HEAD").strip()
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{archive}", str(shallow)], check=True
    )
    for there, reason in (
        (old, f"there is no revision '{tip}'"),
        (tmp_path / "nowhere" / "at all", f"there is no folder {tmp_path}/nowhere"),
        (shallow, "the clone is shallow"),
        (f"file://{tmp_path}/none", f"file://{tmp_path}/none cannot be cloned"),
    ):
        where = ("--repository-on-workers", there)
        done = run_process("index", "--repo", archive, "--dask", cluster.address, *where)
        assert done.returncode == 5
        first = done.stderr.splitlines()[0]
        assert first.startswith("archiver: hub: the worker tcp://127.0.0.1:"), done.stderr
        assert f" cannot read {there}: {reason}" in first
    assert not (archive / ".git/archiver/index/hub.json").exists()


@needs_dask
def test_another_version_is_refused_by_name(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "snapshot_archiver-9.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: snapshot-archiver\nVersion: 9.9\n"
    )
    with running(PYTHONPATH=str(tmp_path)) as cluster:
        done = run_process("index", "--repo", archive, "--dask", cluster.address)
    assert done.returncode == 5
    first = done.stderr.splitlines()[0]
    assert first.startswith("archiver: hub: the worker tcp://127.0.0.1:")
    assert first.endswith(f" has archiver 9.9, and this is {__version__}")


@needs_dask
def test_a_cluster_that_ends_meanwhile_is_one_sentence(tmp_path: Path) -> None:
    archive = captured(tmp_path / "repo", 20 * RECORDS)  # seconds of work are left when it ends
    with running() as cluster:
        command = ("index", "--repo", archive, "--dask", cluster.address)
        with started(*command, stderr=subprocess.PIPE, env={**os.environ, **PATIENCE}) as process:
            cluster.wish_one_killed()
            cluster.killed()  # so a range is in the middle of it
            cluster.end()
            _, told = process.communicate(timeout=60)
    line = f"archiver: hub: the Dask scheduler {cluster.address} does not answer any more"
    assert process.returncode == 5
    assert told.splitlines()[-1] == line
    assert not list((archive / ".git/archiver/index").glob("hub.parts-*"))


@needs_dask
def test_nobody_answers(archive: Path) -> None:
    command = ("index", "--repo", archive, "--dask", "tcp://127.0.0.1:9")
    done = run_process(*command, measured=True, **PATIENCE)
    assert done.returncode == 2
    line = "archiver: hub: no Dask scheduler answers at tcp://127.0.0.1:9"
    assert done.stderr.splitlines()[0].startswith(line), done.stderr
    assert "Traceback" not in done.stderr


def test_without_dask_one_sentence_says_how_to_get_it(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('as if it were not there')\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH", ""))))
    done = run_process("index", "--repo", archive, "--dask", "tcp://x:1", PYTHONPATH=path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "archiver: hub: Dask is not installed here",
        "  hint: pip install 'snapshot-archiver[dask]'",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--jobs", "2", "--dask", "tcp://x:1"), "--jobs and --dask exclude each other."),
        (("--repository-on-workers", "x"), "--repository-on-workers belongs to --dask."),
        (("--remove", "--jobs", "2"), "--remove takes no --jobs and no --dask."),
    ],
)
def test_options_that_contradict_each_other(
    repo: Path, options: tuple[str, ...], words: str
) -> None:
    History(repo).configure()
    done = run_process("index", "--repo", repo, *options)
    assert done.returncode == 2
    assert words in done.stderr
