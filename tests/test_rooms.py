"""``make check`` runs the tests of the rooms that a change touches, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rooms import TESTED_BY, changed, chosen
from support.checkout import CHECKOUT
from support.git import run_git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("archiver/store/commit.py", ["tests/store"]),
        ("archiver/records/text.py", ["tests/records", "tests/test_laws.py"]),
        ("archiver/sources/modelscope/source.py", ["tests/sources"]),
        ("archiver/watcher.py", ["tests/test_watcher.py"]),
        ("tests/store/test_commit.py", ["tests/store/test_commit.py"]),
        ("tests/store/conftest.py", ["tests/store"]),
        ("tests/golden/first/new.json", ["tests/render"]),
        ("tests/support/receivers.py", None),
        ("templates/changelog.md.j2", ["tests/render", "tests/site", "tests/workflows"]),
        ("README.md", ["tests/test_readme.py"]),
        (".github/workflows/ci.yml", ["tests/workflows"]),
        ("docs/store.md", []),
        ("CHANGELOG.md", []),
        ("archiver/store/a file that was removed", ["tests/store"]),
        ("tests/store/test_that_was_removed.py", []),
    ],
)
def test_a_path_has_its_tests(path: str, expected: list[str] | None) -> None:
    found = chosen([path], CHECKOUT)
    if expected is None:
        assert found
        assert all("receivers" in (CHECKOUT / each).read_text() for each in found)
    else:
        assert found == expected


def test_every_room_has_tests() -> None:
    """A room without tests would pass ``make check`` unseen."""
    rooms = [path for path in (CHECKOUT / "archiver").iterdir() if (path / "__init__.py").exists()]
    assert [room.name for room in rooms if not chosen([f"archiver/{room.name}/x"], CHECKOUT)] == []


def test_every_path_of_the_table_is_there() -> None:
    assert [path for path in TESTED_BY if not (CHECKOUT / path).exists()] == []


def test_a_file_is_not_named_beside_its_folder() -> None:
    paths = ["archiver/store/commit.py", "tests/store/test_commit.py"]
    assert chosen(paths, CHECKOUT) == ["tests/store"]


def commit(repo: Path, name: str) -> None:
    (repo / name).write_text(name)
    run_git(repo, "add", name)
    run_git(repo, "commit", "--quiet", "-m", name)


def test_a_change_is_what_main_does_not_have_committed_or_not(repo: Path) -> None:
    commit(repo, "old")
    run_git(repo, "switch", "--quiet", "--create", "mine")
    commit(repo, "committed")
    run_git(repo, "switch", "--quiet", "main")
    commit(repo, "theirs")
    run_git(repo, "switch", "--quiet", "mine")
    (repo / "old").write_text("changed")
    (repo / "new").write_text("untracked")
    (repo / "staged").write_text("staged")
    run_git(repo, "add", "staged")
    assert changed(repo) == {"committed", "old", "new", "staged"}


def test_what_was_pushed_to_main_is_no_change(repo: Path) -> None:
    commit(repo, "pushed")
    run_git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(repo, "not pushed")
    assert changed(repo) == {"not pushed"}


def test_without_a_main_only_uncommitted_files_count(repo: Path) -> None:
    commit(repo, "old")
    run_git(repo, "branch", "--move", "trunk")
    (repo / "new").write_text("new")
    assert changed(repo) == {"new"}
