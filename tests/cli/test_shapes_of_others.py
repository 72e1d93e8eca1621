"""Shapes of real repositories, rebuilt: a folder of releases, a tree of models, a moved table."""

from __future__ import annotations

import json
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.commandline import run_archiver
from support.git import run_git
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def releases(**dates: str) -> str:
    """Return a file of endoflife-date/release-data: one product, its releases by name."""
    found = {name: {"name": name, "date": date} for name, date in dates.items()}
    return json.dumps({"releases": found}, indent=2)


def model(cost: float, *, reasoning: bool = False) -> str:
    """Return a file of models.dev: one model of one provider."""
    flag = str(reasoning).lower()
    return f'name = "A model"\nreasoning = {flag}\n\n[cost]\ninput = {cost}\n'


def table(**sectors: str) -> str:
    """Return a table of companies by their symbols."""
    fixed = "".join(f"F{number},Company {number},Energy\n" for number in range(20))
    rows = "".join(f"{symbol},Company {symbol},{sector}\n" for symbol, sector in sectors.items())
    return f"Symbol,Name,Sector\n{fixed}{rows}"


class Shape(NamedTuple):
    """A repository of others: its commits, how it is asked, and what is answered."""

    commits: tuple[dict[str, str | None], ...]
    options: tuple[str, ...]
    settings: str
    rows: list[tuple[int, int, int, int]]
    key: str
    change: str


SHAPES = {
    "releases": Shape(
        commits=(
            {
                "releases/python.json": releases(a="2025-10"),
                "releases/node.json": releases(x="2024"),
            },
            {"releases/python.json": releases(a="2025-10", b="2026"), "README.md": "text"},
            {"releases/go.json": releases(g="2026"), "releases/node.json": None},
            {"releases/python.json": releases(a="2025-10-02", b="2026")},
        ),
        options=("--file", "releases/*.json", "--records", ".{product}.releases{version}"),
        settings='files = "releases/*.json"\nrecords = ".{product}.releases{version}"',
        rows=[(3, 1, 0, 0), (3, 1, 0, 1), (3, 0, 1, 0)],
        key="python/a",
        change="date: 2025-10 → 2025-10-02",
    ),
    "models": Shape(
        commits=(
            {
                "providers/openai/models/gpt-5.1.toml": model(1.25),
                "providers/openai/provider.toml": 'name = "OpenAI"\n',
                "providers/mistral/models/large.toml": model(2),
            },
            {"providers/openai/models/gpt-5.1.toml": model(1.5)},
            {"providers/openai/models/gpt-6.toml": model(3, reasoning=True)},
            {"providers/mistral/models/large.toml": None},
        ),
        options=("--file", "providers/*/models/*.toml"),
        settings='files = "providers/*/models/*.toml"',
        rows=[(2, 0, 1, 0), (3, 1, 0, 0), (2, 0, 0, 1)],
        key="openai/models/gpt-5.1",
        change="cost.input: 1.25 → 1.5",
    ),
    "companies": Shape(
        commits=(
            {"data/basics.csv": table(A="Health", B="Energy")},
            {"data/basics.csv": table(A="Energy", B="Energy")},
            {"data/basics.csv": None, "data/constituents.csv": table(A="Energy", C="Health")},
            {"data/constituents.csv": table(A="Industry", C="Health")},
        ),
        options=("--file", "data/constituents.csv", "--key", "Symbol"),
        settings='url = "data/constituents.csv"\nkey = "Symbol"',
        rows=[(22, 0, 1, 0), (22, 1, 0, 1), (22, 0, 1, 0)],
        key="A",
        change="Sector: Health → Energy",
    ),
}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    """Return one shape."""
    return SHAPES[request.param]


@pytest.fixture
def past(shape: Shape, tmp_path: Path) -> History:
    """Return its repository."""
    folder = tmp_path / "past"
    folder.mkdir()
    history = History(folder)
    history.git("init", "--quiet", "--initial-branch=main")
    for number, files in enumerate(shape.commits, 1):
        history.commit(day(number), files)
    return history


def rows(output: str) -> list[tuple[Any, ...]]:
    """Return the counts of a log, oldest first, without the first version."""
    found = [json.loads(line) for line in output.splitlines()][::-1]
    kinds = ("new", "updated", "removed")
    return [(each["total"], *(each["summary"][kind] for kind in kinds)) for each in found[1:]]


def test_the_log_counts_what_changed(past: History, shape: Shape) -> None:
    done = run_archiver("log", "-f", "jsonl", "--repo", past.folder, *shape.options)
    assert rows(done.stdout) == shape.rows


def test_the_life_of_a_record_is_shown(past: History, shape: Shape) -> None:
    done = run_archiver("show", shape.key, "--repo", past.folder, *shape.options)
    assert done.returncode == 0, done.stderr
    assert shape.change in done.stdout


def test_the_changes_of_a_period_are_shown(past: History, shape: Shape) -> None:
    words = ("--since", "2026-01-01", "--steps", "--repo", past.folder)
    done = run_archiver("changes", *words, *shape.options)
    assert done.returncode == 0, done.stderr
    assert shape.change in done.stdout


def test_the_history_is_imported_and_goes_on(past: History, shape: Shape, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    run_git(archive, "init", "--quiet")
    table = f'[sources.it]\ntype = "json"\n{shape.settings}\n'
    (archive / "archiver.toml").write_text(table)
    done = run_archiver("import", past.folder, *shape.options, "--repo", archive)
    assert done.returncode == 0, done.stderr
    kept = run_archiver("log", "-f", "jsonl", "--repo", archive).stdout
    assert rows(kept) == shape.rows
    copytree(past.folder, archive, dirs_exist_ok=True, ignore=ignore_patterns(".git"))
    done = run_archiver("run", "--repo", archive)
    assert done.returncode == 0, done.stderr
    assert "nothing changed" in done.stdout
