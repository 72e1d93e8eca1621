"""Real histories of real catalogues give exactly the numbers that others computed."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.processes import run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.commandline import Archiver


class Shape(NamedTuple):
    """Where a history keeps its records, and what keys them."""

    file: str
    records: str
    key: tuple[str, ...]

    @property
    def options(self) -> list[str]:
        keys = (part for field in self.key for part in ("--key", field))
        return ["--file", self.file, "--records", self.records, *keys]


SHAPES = {
    "cisa-kev": Shape("known_exploited_vulnerabilities.json", "vulnerabilities", ("cveID",)),
    "genai-prices": Shape("data.json", ".[].models", ("^.id", "id")),
    "khavel": Shape("models.json", "models", ("id",)),
    "radar-index": Shape("index.json", "entries", ("slug",)),
}
COUNTERS = ["--metric", "downloads_30d", "--metric", "likes"]
STATES = ["radar-05", "radar-06", "radar-07"]


class Row(NamedTuple):
    """The numbers of one revision."""

    commit: str
    records: str
    new: str
    updated: str
    removed: str
    status: str


def expected(real: Path, name: str, updated: str = "updated") -> list[Row]:
    with (real / f"{name}-all.expected.tsv").open() as file:
        return [
            Row(
                row["commit"],
                row["records"],
                row["new"],
                row[updated],
                row["removed"],
                row["status"].split()[0],
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def rows(entries: Iterator[dict[str, Any]]) -> Iterator[Row]:
    for entry in entries:
        total = "" if entry["total"] is None else str(entry["total"])
        summary = entry["summary"] or dict.fromkeys(("new", "updated", "removed"), "")
        new, updated, removed = (str(summary[kind]) for kind in ("new", "updated", "removed"))
        yield Row(entry["revision"], total, new, updated, removed, entry["status"])


@pytest.fixture(scope="session")
def archiver() -> Archiver:
    """Return the command line in a process that coverage.py does not follow: this is much data."""
    return partial(run_process, measured=False)


@pytest.fixture(scope="module")
def cloned(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what clones the history called so."""

    def clone(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        bundle = real / f"{name}-all.bundle"
        command = ["git", "clone", "--quiet", "--branch=main", str(bundle), str(folder)]
        subprocess.run(command, check=True)
        return folder

    return clone


@pytest.mark.parametrize("name", SHAPES)
def test_the_log_has_the_numbers_of_a_plain_comparison(
    real: Path,
    cloned: Callable[[str], Path],
    archiver: Archiver,
    name: str,
) -> None:
    done = archiver("log", "-f", "jsonl", "--repo", cloned(name), *SHAPES[name].options)
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(rows(reversed(entries))) == expected(real, name)
    unreadable = [entry for entry in entries if entry["status"] == "unreadable"]
    assert all(entry["reason"] for entry in unreadable)
    versions = "version" if len(unreadable) == 1 else "versions"
    note = f"skipped: {len(unreadable)} unreadable {versions}\n" if unreadable else ""
    assert (done.returncode, done.stderr) == (0, note)


@pytest.mark.parametrize("name", SHAPES)
def test_the_log_needs_no_options(
    real: Path,
    cloned: Callable[[str], Path],
    archiver: Archiver,
    name: str,
) -> None:
    done = archiver("log", "-f", "jsonl", "--repo", cloned(name), "--file", SHAPES[name].file)
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(rows(reversed(entries))) == expected(real, name)
    keys = ", ".join(f'"{field}"' for field in SHAPES[name].key)
    key = keys if len(SHAPES[name].key) == 1 else f"[{keys}]"
    said = f'assuming records = "{SHAPES[name].records}", key = {key} for {SHAPES[name].file}'
    assert said in done.stderr or name == "khavel"  # as the original design wrote it


@pytest.mark.parametrize("name", SHAPES)
def test_the_database_has_the_same_numbers(
    real: Path, cloned: Callable[[str], Path], archiver: Archiver, name: str
) -> None:
    folder = cloned(name)
    columns = "revision, total, new, updated, removed, status"
    question = f"SELECT {columns} FROM captures ORDER BY id"
    done = archiver("sql", question, "-f", "jsonl", "--repo", folder, *SHAPES[name].options)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    texts = [["" if value is None else str(value) for value in row.values()] for row in answers]
    assert [Row(*row) for row in texts] == expected(real, name)


def test_counters_are_told_from_news(
    real: Path, cloned: Callable[[str], Path], archiver: Archiver
) -> None:
    options = (*SHAPES["radar-index"].options, *COUNTERS)
    done = archiver("log", "-f", "jsonl", "--repo", cloned("radar-index"), *options)
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(rows(reversed(entries))) == expected(
        real, "radar-index", "updated_ignoring_volatile"
    )
    summaries = [entry["summary"] for entry in reversed(entries) if entry["summary"]]
    both = [str(summary["updated"] + summary["metrics"]) for summary in summaries]
    assert both == [row.updated for row in expected(real, "radar-index")[1:]]


def digest(keys: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


@pytest.mark.parametrize(("old", "new"), [(0, 1), (1, 2), (0, 2)])
def test_states_of_a_large_catalogue_differ_in_the_known_records(
    real: Path, archiver: Archiver, old: int, new: int
) -> None:
    answers = json.loads((real / "radar.expected.json").read_text())
    answer = next(
        each for each in answers if (each["old"], each["new_file"]) == (STATES[old], STATES[new])
    )
    files = [real / f"{STATES[state]}.json.gz" for state in (old, new)]
    shape = ("--records", "models", "--key", "id")
    done = archiver("compare", *files, *shape, "-f", "json", "--name-only")
    found = json.loads(done.stdout)
    assert [found[end]["total"] for end in ("from", "to")] == answer["records"]
    for kind in ("new", "updated", "removed"):
        assert found["summary"][kind] == answer[kind]
        assert digest(found[kind]) == answer[f"sha256_of_sorted_{kind}_keys"]


@pytest.mark.parametrize(("old", "new"), [(0, 1), (1, 2), (0, 2)])
def test_counters_of_a_large_catalogue_are_counted_apart(
    real: Path, archiver: Archiver, old: int, new: int
) -> None:
    answers = json.loads((real / "radar.expected.json").read_text())
    answer = next(
        each for each in answers if (each["old"], each["new_file"]) == (STATES[old], STATES[new])
    )
    files = [real / f"{STATES[state]}.json.gz" for state in (old, new)]
    done = archiver(
        "compare", *files, *COUNTERS, "--metric", "trending_score", "--stat", "-f", "json"
    )
    summary = json.loads(done.stdout)["summary"]
    assert summary["updated"] == answer["updated_without_downloads_likes_trending"]
    assert summary["updated"] + summary["metrics"] == answer["updated"]


def test_a_history_of_csv_has_the_numbers_of_a_plain_comparison_from_its_move_on(
    real: Path, archiver: Archiver, tmp_path: Path
) -> None:
    bundle = real / "sp500-csv.bundle"
    command = ["git", "clone", "--quiet", "--branch=main", str(bundle), str(tmp_path / "sp500")]
    subprocess.run(command, check=True)
    file = "data/constituents.csv"
    about = ("--repo", tmp_path / "sp500", "--file", file, "--key", "Symbol")
    done = archiver("log", "-f", "jsonl", *about)
    entries = list(rows(map(json.loads, reversed(done.stdout.splitlines()))))
    with (real / "sp500-csv.expected.tsv").open() as table:
        wanted = [
            Row(*(each[name] for name in Row._fields))
            for each in csv.DictReader(table, delimiter="\t")
            if each["path"] == file
        ][1:]
    assert entries[-len(wanted) :] == wanted
