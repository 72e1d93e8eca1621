"""An index that is killed, damaged or raced is the old one, the new one, or none; never wrong."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.git import new_repository
from support.processes import unmeasured

from archiver.errors import StoreFull
from archiver.history import index as indexes
from archiver.history.choice import Choice
from archiver.history.log import log
from archiver.history.timeline import timelines

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.history.catalogue import Catalogue

KILLED = Path(__file__).with_name("killed_index.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return an archive with an index that is two captures behind."""
    found = Archive(new_repository(tmp_path_factory.mktemp("built") / "repo"))
    found.configure(metrics=["n"])
    for day in range(3):
        found.lists({"id": f"m{each}", "n": each * day, "of": day} for each in range(30))
        found.run()
    indexes.update(catalogue(found.folder))
    for day in range(3, 5):
        found.lists({"id": f"m{each}", "n": each * day, "of": 7} for each in range(day, 30))
        found.run(accept=True)
    return found


@pytest.fixture
def archive(built: Archive, tmp_path: Path) -> Archive:
    return built.copied(tmp_path / "repo")


def catalogue(folder: Path) -> Catalogue:
    return Choice(folder, {}).one()


def told(asked: Catalogue) -> tuple[Any, ...]:
    """Return what is told of the whole history."""
    return list(log(asked)), timelines(asked, ("m2", "m3", "m29"))


def from_git(folder: Path) -> tuple[Any, ...]:
    return told(replace(catalogue(folder), indexed=False))


def files(folder: Path) -> dict[str, Path]:
    """Return the files of the index by suffix."""
    return {path.suffix: path for path in (folder / ".git/archiver/index").iterdir()}


def killed(folder: Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(KILLED), str(folder), str(at)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=unmeasured(),
    )


def test_a_kill_at_any_change_leaves_an_index_that_is_right(archive: Archive) -> None:
    truth = from_git(archive.folder)
    whole = shutil.copytree(archive.folder, archive.folder.with_name("whole"))
    changes = int(killed(whole, 0).stdout)
    assert changes > 5

    def killed_at(number: int) -> None:
        copy = shutil.copytree(archive.folder, archive.folder.with_name(f"copy{number}"))
        assert killed(copy, number).returncode != 0
        assert told(catalogue(copy)) == truth
        indexes.update(catalogue(copy))
        assert {*files(copy)} == {".json", ".sqlite", ".writer"}
        with indexes.index(catalogue(copy)) as found:
            assert found is not None
        assert told(catalogue(copy)) == truth

    with ThreadPoolExecutor(2) as pool:
        sampled = {*range(1, changes + 1, 5), *range(changes - 12, changes + 1)}
        list(pool.map(killed_at, sorted(sampled)))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in random.Random(7).sample(range(100, len(content)), 40):
        content[place] ^= 1
    path.write_bytes(content)


def _swap(path: Path) -> None:
    """Put another catalogue's database in its place, which SQLite reads without complaint."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"m2", b"m4"))


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[dict[str, Path]], object]] = {
    "bits flipped": lambda found: _flip(found[".sqlite"]),
    "records exchanged": lambda found: _swap(found[".sqlite"]),
    "cut short": lambda found: os.truncate(found[".sqlite"], 9000),
    "emptied": lambda found: os.truncate(found[".sqlite"], 0),
    "no database": lambda found: found[".sqlite"].write_text("hello\n" * 9000),
    "deleted": lambda found: found[".sqlite"].unlink(),
    "a folder": lambda found: _make_folder(found[".sqlite"]),
    "no seal": lambda found: found[".json"].unlink(),
    "a seal with another number": lambda found: found[".json"].write_text(
        found[".json"].read_text().replace('"captures":', '"captures":1')
    ),
    "a seal that is a folder": lambda found: _make_folder(found[".json"]),
    "a seal that is no JSON": lambda found: found[".json"].write_text("{"),
    "an empty seal": lambda found: found[".json"].write_text("{}"),
    "a lock held by nobody": lambda found: found[".writer"].write_text("12345"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("current", [True, False])
def test_damage_is_noticed_and_mended(archive: Archive, damage: str, *, current: bool) -> None:
    if current:
        indexes.update(catalogue(archive.folder))
    truth = from_git(archive.folder)
    DAMAGES[damage](files(archive.folder))
    assert told(catalogue(archive.folder)) == truth
    indexes.update(catalogue(archive.folder))
    assert told(catalogue(archive.folder)) == truth
    with indexes.index(catalogue(archive.folder)) as found:
        assert found is not None


SEALS: dict[str, dict[str, Any]] = {
    "another program": {"program": "0.0.1"},
    "another schema": {"schema": 999},
    "another description": {"description": "0" * 64},
    "a file elsewhere": {"file": "../../../models.json"},
    "another tip": {"tip": "0" * 40},
    "another digest, another inode": {"digest": "0" * 64, "inode": [1, 2, 3]},
}


@pytest.mark.parametrize("name", SEALS)
def test_a_seal_of_something_else_is_not_believed(archive: Archive, name: str) -> None:
    indexes.update(catalogue(archive.folder))
    truth = from_git(archive.folder)
    seal = files(archive.folder)[".json"]
    text = json.dumps(json.loads(seal.read_text().partition("\n")[0]) | SEALS[name])
    seal.write_text(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")
    assert told(catalogue(archive.folder)) == truth
    indexes.update(catalogue(archive.folder))
    assert told(catalogue(archive.folder)) == truth


def test_a_copy_of_the_repository_keeps_its_index(archive: Archive) -> None:
    indexes.update(catalogue(archive.folder))
    copy = shutil.copytree(archive.folder, archive.folder.with_name("copy"))
    assert files(copy)[".sqlite"].stat().st_ino != files(archive.folder)[".sqlite"].stat().st_ino
    with indexes.index(catalogue(copy)) as found:
        assert found is not None
    assert told(catalogue(copy)) == from_git(copy)


def test_a_rewritten_history_is_noticed(archive: Archive) -> None:
    indexes.update(catalogue(archive.folder))
    archive.git("reset", "--quiet", "--hard", "HEAD~2")
    assert told(catalogue(archive.folder)) == from_git(archive.folder)
    archive.lists(m1=1, m2=5)
    archive.run(accept=True)
    assert told(catalogue(archive.folder)) == from_git(archive.folder)


def test_a_full_disk_keeps_the_old_index(archive: Archive) -> None:
    before = files(archive.folder)[".sqlite"].read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        with pytest.raises(StoreFull):
            indexes.update(catalogue(archive.folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert files(archive.folder)[".sqlite"].read_bytes() == before
    assert told(catalogue(archive.folder)) == from_git(archive.folder)


def test_readers_never_see_half_an_update(archive: Archive) -> None:
    """Four processes build the index again and again while this one reads."""
    truth = told(catalogue(archive.folder))
    script = (
        "import sys; from pathlib import Path\n"
        "from archiver.history import index; from archiver.history.choice import Choice\n"
        "for _ in range(8): index.update(Choice(Path(sys.argv[1]), {}).one(), rebuild=True)\n"
    )
    command = [sys.executable, "-c", script, str(archive.folder)]
    writers = [subprocess.Popen(command, env=unmeasured()) for _ in range(4)]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert told(catalogue(archive.folder)) == truth
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert reads > 3
