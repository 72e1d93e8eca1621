"""Real histories of a folder, and of a file that was moved, give the numbers of others."""

from __future__ import annotations

import csv
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.git import run_git
from support.processes import run_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = ("--file", "bucket/*.json")
MOVED = ("--file", "data/constituents.csv", "--key", "Symbol")


@pytest.fixture(scope="module")
def cloned(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what clones the history called so."""

    def clone(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        bundle = str(real / f"{name}.bundle")
        run_git(folder, "clone", "--quiet", "--branch=main", bundle, str(folder))
        return folder

    return clone


def logged(folder: Path, *shape: str) -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    archiver = partial(run_process, measured=False)
    done = archiver("log", "-f", "jsonl", "--repo", folder, *shape)
    return [json.loads(line) for line in done.stdout.splitlines()][::-1]


def expected(real: Path, name: str) -> list[dict[str, str]]:
    with (real / f"{name}.expected.tsv").open() as file:
        return [*csv.DictReader(file, delimiter="\t")]


def numbers(expected: dict[str, str]) -> tuple[str, ...]:
    return tuple(expected[name] for name in ("commit", "records", "new", "updated", "removed"))


def row(entry: dict[str, Any]) -> tuple[str, ...]:
    summary = entry["summary"] or dict.fromkeys(("new", "updated", "removed"), "")
    counts = (str(summary[kind]) for kind in ("new", "updated", "removed"))
    return (entry["revision"], str(entry["total"]), *counts)


def test_two_thousand_commits_of_a_folder_have_the_numbers_of_a_plain_comparison(
    real: Path, cloned: Callable[[str], Path]
) -> None:
    folder = cloned("scoop-folder")
    wanted = [numbers(each) for each in expected(real, "scoop-folder")]
    assert [row(each) for each in logged(folder, *FOLDER)] == wanted
    assert run_process("index", "--repo", folder, *FOLDER, measured=False).returncode == 0
    assert [row(each) for each in logged(folder, *FOLDER)] == wanted


def test_a_moved_table_is_where_others_found_it(real: Path, cloned: Callable[[str], Path]) -> None:
    entries = logged(cloned("sp500-csv"), *MOVED)
    places = [(each["revision"], each.get("path", MOVED[1])) for each in entries]
    assert places == [(each["commit"], each["path"]) for each in expected(real, "sp500-csv")]
    assert [row(each) for each in entries] == [
        numbers(each) for each in expected(real, "sp500-csv")
    ]
    assert "moved here from data/s-and-p-500-basics.csv" in entries[1]["reason"]
