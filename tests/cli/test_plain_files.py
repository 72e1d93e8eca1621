"""Plain files are read without a git repository and without an archiver.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

ROWS: Final = "id,value\n1,one\n2,two\n3,three\n"
LINES: Final = '{{"id": 1, "v": 1}}\n{{"id": 2, "v": {}}}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(ROWS)
    (tmp_path / "old.log").write_text(LINES.format(1))
    (tmp_path / "new.log").write_text(LINES.format(2))
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        ("list", "--file", "x.csv"),
        ("list", "--at", "x.csv"),
        ("list", "--at", "./x.csv"),
        ("search", "three", "--file", "x.csv"),
        ("export", "--file", "x.csv", "-f", "csv"),
    ],
)
def test_a_file_outside_of_git_can_be_listed(archiver: Archiver, words: tuple[str, ...]) -> None:
    done = archiver(*words)
    assert done.returncode == 0, done.stderr
    assert "three" in done.stdout


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", [("log",), ("show", "1"), ("changes",)])
def test_a_file_outside_of_git_has_no_history(archiver: Archiver, words: tuple[str, ...]) -> None:
    done = archiver(*words, "--file", "x.csv")
    assert done.returncode == 5
    assert "x.csv is in no git repository: it has no history" in done.stderr
    assert "archiver list, search and export read such a file" in done.stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("options", [(), ("--input", "jsonl")])
def test_files_of_any_name_are_compared(archiver: Archiver, options: tuple[str, ...]) -> None:
    done = archiver("compare", *options, "old.log", "new.log")
    assert done.returncode == 0, done.stderr
    assert "1 updated" in done.stdout


@pytest.mark.usefixtures("folder")
def test_a_file_of_any_name_is_listed(archiver: Archiver) -> None:
    assert archiver("list", "--at", "old.log").returncode == 0


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_absent_beside_one_that_is_there_is_named(archiver: Archiver) -> None:
    done = archiver("compare", "old.log", "none.log")
    assert "there is no file none.log" in done.stderr
