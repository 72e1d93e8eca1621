"""A field whose name has dots is told from a nested path by every option and setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.archives import Archive
from support.git import new_repository

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

OLD: Final[list[dict[str, Any]]] = [
    {"meta.id": "a", "meta": {"id": "x", "v.w": 1}, "n.o": 1, "n": {"o": 1}, "name..range": 1},
    {"meta.id": "b", "meta": {"id": "y", "v.w": 1}, "n.o": 1, "n": {"o": 1}, "name..range": 1},
]
NEW: Final[list[dict[str, Any]]] = [
    {**OLD[0], "meta": {"id": "x", "v.w": 2}},
    {**OLD[1], "n.o": 2, "n": {"o": 3}, "name..range": 5},
]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return two versions of a document."""
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, value in zip(paths, (OLD, NEW), strict=True):
        path.write_text(json.dumps(value))
    return paths


@pytest.fixture
def compared(archiver: Archiver, files: list[Path], tmp_path: Path) -> Any:
    """Return what compares both versions with options, as JSON."""

    def compare(*options: str) -> dict[str, Any]:
        done = archiver("compare", *files, "--repo", tmp_path, "-f", "json", *options)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return compare


@pytest.mark.parametrize(
    ("key", "keys"),
    [("meta.id", ["a", "b"]), ('"meta.id"', ["a", "b"]), ('"meta".id', ["x", "y"])],
)
def test_a_key(compared: Any, key: str, keys: list[str]) -> None:
    assert [each["key"] for each in compared("--key", key)["updated"]] == keys


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("n.o = 2", ["b"]),
        ('"n.o" = 2', ["b"]),
        ('"n".o = 3', ["b"]),
        ("n.o = 3", []),
        ("meta.v.w = 2", ["a"]),
        ('meta."v.w" = 2', ["a"]),
        ("name..range = 5", ["b"]),
    ],
)
def test_a_condition(compared: Any, condition: str, keys: list[str]) -> None:
    found = compared("--key", "meta.id", "--where", condition)
    assert [each["key"] for each in found["updated"]] == keys


@pytest.mark.parametrize("field", ["n.o", '"n.o"'])
def test_a_field_and_its_pointer(compared: Any, field: str) -> None:
    (change,) = compared("--key", "meta.id", "--field", field)["updated"]
    assert [each["path"] for each in change["changes"]] == ["/n.o"]


@pytest.mark.parametrize(
    ("metrics", "news"),
    [
        (["n.o"], {"/meta", "/name..range"}),
        (['"n.o"'], {"/meta", "/n", "/name..range"}),
        (['"n".o'], {"/meta", "/n.o", "/name..range"}),
        (["meta.v.w"], {"/n", "/n.o", "/name..range"}),
        (['meta."v.w"', "name..range", "n.o"], set()),
    ],
)
def test_a_metric(compared: Any, metrics: list[str], news: set[str]) -> None:
    options = [word for each in metrics for word in ("--metric", each)]
    found = compared("--key", "meta.id", *options)
    changes = [
        each for kind in ("updated", "metrics") for row in found[kind] for each in row["changes"]
    ]
    assert {each["path"] for each in changes if not each["metric"]} == news


def test_an_error_names_the_field_as_it_is_written(
    archiver: Archiver, files: list[Path], tmp_path: Path
) -> None:
    options = ("--key", "meta.id", "--where", 'meta."v.x" = 1', "--repo", tmp_path)
    done = archiver("compare", *files, *options)
    assert done.returncode == 2
    assert 'did you mean "meta."v.w""' in done.stderr


def test_the_settings_of_a_source(archiver: Archiver, tmp_path: Path) -> None:
    archive = Archive(new_repository(tmp_path / "archive"))
    settings: dict[str, Any] = {"metrics": ["n.o", 'meta."v.w"'], "volatile": ["name..range"]}
    archive.configure(records=".", key="meta.id", **settings)
    for value in (OLD, NEW):
        (archive.folder / "models.json").write_text(json.dumps(value))
        done = archiver("run", "--repo", archive.folder)
        assert done.returncode == 0, done.stderr
        assert "no record has a field" not in done.stderr
    done = archiver("compare", "-f", "json", "--repo", archive.folder)
    summary = json.loads(done.stdout)["summary"]
    assert (summary["updated"], summary["metrics"]) == (0, 2)
    shown = archiver("show", "b", "--repo", archive.folder)
    assert shown.returncode == 0
    assert "n.o" in shown.stdout
