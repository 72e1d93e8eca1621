"""Documents of every shape: run, import, the log of a file, and two plain files say the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from support.archives import Archive
from support.git import new_repository
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

    from archiver.records.model import Json


class Shape(NamedTuple):
    """Two versions of a document; in the second one `b` is updated, `c` gone and `d` new.

    Attributes:
        old: The first version.
        new: The second one.
        records: Path of the records.
        key: Fields of the key; empty: those that the path gives.
        line: The second version's line of `d`.
        group: What stands before the keys.
        excluded: Members that are no records.
    """

    old: Json
    new: Json
    records: str
    key: tuple[str, ...]
    line: dict[str, Json]
    group: str = ""
    excluded: tuple[str, ...] = ()


SHAPES: Final = {
    "a list of names": Shape(["a", "b", "c"], ["a", "d", "b"], ".[]=id", (), {"id": "d"}),
    "values by name": Shape(
        {"a": "1", "b": "1", "c": "1"},
        {"a": "1", "b": "2", "d": "1"},
        ".{}=version",
        (),
        {"@key": "d", "version": "1"},
    ),
    "rows below a header": Shape(
        [["id", "v"], ["a", 1], ["b", 1], ["c", 1]],
        [["v", "id"], [1, "d"], [1, "a"], [2, "b"]],
        ".[]=[0]",
        ("id",),
        {"id": "d", "v": 1},
    ),
    "rows beside a header": Shape(
        {"columns": ["id", "v"], "data": [["a", 1], ["b", 1], ["c", 1]]},
        {"columns": ["id", "v"], "data": [["a", 1], ["b", 2], ["d", 1]]},
        "data[]=^.columns",
        ("id",),
        {"id": "d", "v": 1},
    ),
    "rows whose fields the path names": Shape(
        {"a": ["x", 1], "b": ["x", 1], "c": ["x", 1]},
        {"a": ["x", 1], "b": ["x", 2], "d": ["x", 1]},
        ".{}=kind,v",
        (),
        {"@key": "d", "kind": "x", "v": 1},
    ),
    "lists in groups": Shape(
        {"x": [{"id": "a"}, {"id": "b", "v": 1}], "y": [{"id": "c"}]},
        {"x": [{"id": "a"}, {"id": "b", "v": 2}, {"id": "d"}], "y": []},
        ".{hub}[]",
        ("hub", "id"),
        {"@key": "x/d", "hub": "x", "id": "d"},
        "x/",
    ),
    "objects in groups": Shape(
        {"x": {"a": {}, "b": {"v": 1}, "c": {}}},
        {"x": {"a": {}, "b": {"v": 2}, "d": {}}},
        ".{hub}{}",
        (),
        {"@key": "x/d", "hub": "x"},
        "x/",
    ),
    "members that are no records": Shape(
        {"$schema": "x", "meta": {"v": 1}, "a": {}, "b": {"v": 1}, "c": {}},
        {"$schema": "y", "meta": {"v": 2}, "a": {}, "b": {"v": 2}, "d": {}},
        ".{}",
        (),
        {"@key": "d"},
        excluded=("$schema", "meta"),
    ),
    "members that are no groups": Shape(
        {"updated": 1, "x": [{"id": "a"}, {"id": "b", "v": 1}], "y": [{"id": "c"}]},
        {"updated": 2, "x": [{"id": "a"}, {"id": "b", "v": 2}, {"id": "d"}]},
        ".{hub}[]",
        ("hub", "id"),
        {"@key": "x/d", "hub": "x", "id": "d"},
        "x/",
        excluded=("updated",),
    ),
    "names that are fields": Shape(
        {"a": {}, "b": {"v": 1}, "c": {}},
        {"a": {}, "b": {"v": 2}, "d": {}},
        ".{id}",
        (),
        {"id": "d"},
    ),
}


def options(shape: Shape) -> list[str]:
    """Return the options that describe the document on the command line."""
    left_out = (f"--except={name}" for name in shape.excluded)
    return ["--records", shape.records, *(f"--key={field}" for field in shape.key), *left_out]


def written(folder: Path, shape: Shape) -> tuple[Path, Path]:
    """Write both versions, each named by its day."""
    paths = (folder / "2026-01-01.json", folder / "2026-01-02.json")
    for path, value in zip(paths, (shape.old, shape.new), strict=True):
        path.write_text(json.dumps(value, indent=1))
    return paths


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    """Return one of the shapes."""
    return SHAPES[request.param]


@pytest.fixture
def archive(shape: Shape, tmp_path: Path) -> Archive:
    """Return an archive that is configured for the shape."""
    made = Archive(new_repository(tmp_path / "archive"))
    made.configure(records=shape.records, key=shape.key, max_shrink=1, **excluded(shape))
    return made


def excluded(shape: Shape) -> dict[str, Json]:
    return {"except": list(shape.excluded)} if shape.excluded else {}


def test_two_plain_files_are_compared(shape: Shape, archiver: Archiver, tmp_path: Path) -> None:
    done = archiver(
        "compare", *written(tmp_path, shape), *options(shape), "-f", "json", "--repo", tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["new"] == [shape.line]
    numbers = {kind: found["summary"][kind] for kind in ("new", "updated", "removed", "unchanged")}
    changed = bool(found["summary"]["updated"])
    assert numbers == {"new": 1, "updated": changed, "removed": 1, "unchanged": 2 - changed}


def test_a_file_of_any_repository_has_a_log(
    shape: Shape, archiver: Archiver, tmp_path: Path
) -> None:
    past = History(new_repository(tmp_path / "past"))
    for day, value in enumerate((shape.old, shape.new), 1):
        past.commit(f"2026-01-0{day}T00:00:00Z", {"d.json": json.dumps(value)})
    question = ("--repo", past.folder, "--file", "d.json", *options(shape))
    done = archiver("log", "-f", "jsonl", *question)
    newest, first = map(json.loads, done.stdout.splitlines())
    assert (newest["summary"]["new"], newest["summary"]["removed"]) == (1, 1)
    assert (first["total"], newest["total"]) == (3, 3)
    shown = archiver("show", f"{shape.group}d", "-f", "json", *question)
    assert shown.returncode == 0, shown.stderr


def test_a_run_archives_it(shape: Shape, archive: Archive) -> None:
    for value in (shape.old, shape.new, shape.new):
        (archive.folder / "models.json").write_text(json.dumps(value))
        archive.run()
    assert archive.commits == 2
    records = archive.listed()["models"]
    assert [next(iter(each.values())) for each in records] == [f"{shape.group}{x}" for x in "abd"]
    assert records[-1] == shape.line
    problems, _ = archive.problems()
    assert problems == []


@pytest.mark.parametrize(
    "shape",
    [SHAPES[name] for name in ("a list of names", "rows below a header", "rows beside a header")],
)
def test_a_path_that_is_missing_is_suggested_to_a_source(
    archiver: Archiver, archive: Archive, shape: Shape
) -> None:
    words = f'did you mean records = "{shape.records}"? '
    (archive.folder / "models.json").write_text(json.dumps(shape.old))
    for key in ((), ("id",)):
        archive.configure(records=".", key=key)
        done = archiver("run", "--repo", archive.folder)
        assert done.returncode == (3 if key else 2)
        assert words in done.stderr
    assert archive.commits == 0


def test_old_files_are_imported_as_a_run_archives_them(
    shape: Shape, archive: Archive, archiver: Archiver, tmp_path: Path
) -> None:
    paths = written(tmp_path, shape)
    done = archiver("import", *paths, *options(shape), "--repo", archive.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert archive.commits == 2
    assert archive.listed()["models"][-1] == shape.line
    (archive.folder / "models.json").write_text(json.dumps(shape.new))
    assert archive.run().outcome == "unchanged"


def test_the_history_of_a_file_is_imported_as_archiver_toml_describes_it(
    shape: Shape, archive: Archive, archiver: Archiver, tmp_path: Path
) -> None:
    past = History(new_repository(tmp_path / "past"))
    for day, value in enumerate((shape.old, shape.new), 1):
        past.commit(f"2026-01-0{day}T00:00:00Z", {"d.json": json.dumps(value)})
    done = archiver("import", past.folder, "--file", "d.json", "--repo", archive.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert archive.listed()["models"][-1] == shape.line
