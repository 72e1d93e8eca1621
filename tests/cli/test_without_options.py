"""Files of which nothing is said: where one way to read them is clear, no option is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from support.archives import Archive
from support.git import new_repository
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver, Ran

    from archiver.records.model import Json

CLEAR: Final[dict[str, tuple[Json, Json, str]]] = {
    "arrays": ([{"id": 1, "v": 1}, {"id": 2}], [{"id": 1, "v": 2}, {"id": 2}], 'records = "."'),
    "one array in the document": (
        {"data": [{"id": 1, "v": 1}, {"id": 2}], "n": 1},
        {"data": [{"id": 1, "v": 2}, {"id": 2}], "n": 2},
        'records = "data"',
    ),
    "an object of objects": (
        {"a": {"v": 1}, "b": {"v": 1}},
        {"a": {"v": 2}, "b": {"v": 1}},
        'records = ".{}"',
    ),
    "an array that was empty": ([{"id": 1, "v": 1}], [], 'records = "."'),
    "an array that fills": ([], [{"id": 1, "v": 1}], 'records = "."'),
}
SEVERAL: Final = {"x": [{"id": 1}], "y": [{"id": 1}]}


def compared(archiver: Archiver, folder: Path, old: Json, new: Json, *options: str) -> Ran:
    paths = (folder / "a.json", folder / "b.json")
    for path, value in zip(paths, (old, new), strict=True):
        path.write_text(json.dumps(value))
    return archiver("compare", *paths, "--repo", folder, *options)


@pytest.mark.parametrize("name", CLEAR)
def test_two_files_are_compared(archiver: Archiver, tmp_path: Path, name: str) -> None:
    old, new, setting = CLEAR[name]
    done = compared(archiver, tmp_path, old, new, "-f", "json")
    assert done.returncode == 0
    assert sum(json.loads(done.stdout)["summary"][kind] for kind in ("new", "updated", "removed"))
    (note,) = done.stderr.splitlines()
    assert note.startswith(f"note: assuming {setting}")
    assert note.endswith("for b.json; --records and --key override this")


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "yaml"])
def test_files_of_other_formats_are_compared(
    archiver: Archiver, tmp_path: Path, suffix: str
) -> None:
    texts = {
        "csv": "id,v\n1,2\n2,{}\n",
        "ndjson": '{{"id": 1, "v": 2}}\n{{"id": 2, "v": {}}}\n',
        "yaml": "- id: 1\n  v: 2\n- id: 2\n  v: {}\n",
    }
    paths = [tmp_path / f"{name}.{suffix}" for name in ("a", "b")]
    for value, path in enumerate(paths, 3):
        path.write_text(texts[suffix].format(value))
    done = archiver("compare", *paths, "--repo", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 updated (2 records)" in done.stdout


def test_several_ways_are_named(archiver: Archiver, tmp_path: Path) -> None:
    done = compared(archiver, tmp_path, SEVERAL, SEVERAL)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'records = "x", key = "id"  (1 record: an array of objects)' in done.stderr
    assert 'records = "y", key = "id"  (1 record: an array of objects)' in done.stderr


def test_a_part_of_what_is_needed_may_be_said(archiver: Archiver, tmp_path: Path) -> None:
    done = compared(archiver, tmp_path, SEVERAL, SEVERAL, "--records", "x")
    assert (done.returncode, "no changes (1 record)" in done.stdout) == (0, True)
    one = {"data": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]}
    done = compared(archiver, tmp_path, one, one, "--key", "b")
    assert (done.returncode, "no changes (2 records)" in done.stdout) == (0, True)


def test_a_key_that_is_doubled_behind_the_sample_is_refused(
    archiver: Archiver, tmp_path: Path
) -> None:
    old = [{"id": f"{n}", "name": "x"} for n in range(3_000)]
    new = [{"id": f"{n - n % 2 if n % 3 == 1 else n}", "name": "x"} for n in range(3_000)]
    done = compared(archiver, tmp_path, old, new)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--key FIELD" in done.stderr


def test_what_the_original_design_wrote_needs_no_note(archiver: Archiver, tmp_path: Path) -> None:
    old, new = ({"models": [{"name": "a", "v": v}], "other": [{"id": 1}]} for v in (1, 2))
    done = compared(archiver, tmp_path, old, new)
    assert (done.returncode, done.stderr) == (0, "")
    assert "v: 1 → 2" in done.stdout


@pytest.mark.parametrize("name", ["arrays", "one array in the document", "an object of objects"])
def test_the_history_of_a_file_answers(archiver: Archiver, tmp_path: Path, name: str) -> None:
    old, new, setting = CLEAR[name]
    past = History(new_repository(tmp_path / "past"))
    for day, value in enumerate((old, "no JSON", new), 1):
        content = value if isinstance(value, str) else json.dumps(value)
        past.commit(f"2026-01-0{day}T00:00:00Z", {"d.json": content})
    key = "a" if isinstance(old, dict) and "a" in old else "1"
    where = ("--repo", past.folder, "--file", "d.json")
    for question in (
        ("log",),
        ("show", key),
        ("list",),
        ("changes", "--since", "2026-01-01"),
        ("compare", "HEAD~2", "HEAD"),
        ("export",),
        ("changelog",),
        ("top", "--by", "v", "--metric", "v"),
        ("churn",),
        ("sql", "SELECT * FROM captures"),
    ):
        done = archiver(*question, *where)
        assert done.returncode == 0, (question, done.stderr)
        assert setting in done.stderr, question
        assert done.stdout, question


def test_a_configured_source_never_guesses(archiver: Archiver, tmp_path: Path) -> None:
    archive = Archive(new_repository(tmp_path / "archive"))
    archive.configure(records=".", key="id")
    (archive.folder / "models.json").write_text('{"data": [{"id": "a"}, {"id": "b"}]}')
    done = archiver("run", "--repo", archive.folder)
    assert done.returncode == 3
    assert 'did you mean records = "data"?' in done.stderr
    assert archive.commits == 0


def test_eight_sources_answer_together_by_time(archiver: Archiver, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    names = [f"s{number}" for number in range(8)]
    (tmp_path / "d.json").write_text('[{"id": "a", "v": 1}]')
    for name in names:
        archiver("init", folder, "--source", name, "--url", tmp_path / "d.json", "--key", "id")
    for value in (1, 2):
        (tmp_path / "d.json").write_text(json.dumps([{"id": "a", "v": value}]))
        assert archiver("run", "--repo", folder).returncode == 0
    for chosen in (names, names[2:4]):
        picked = [word for name in chosen for word in ("--source", name)] if len(chosen) < 8 else []
        for question in (("log",), ("compare",), ("changes", "--since", "7d"), ("changelog",)):
            done = archiver(*question, *picked, "--repo", folder)
            assert done.returncode == 0, done.stderr
            told = [
                name
                for line in done.stdout.splitlines()
                for name in names
                if f"{name}: 1 updated" in line
            ]
            assert sorted(told) == chosen, question  # several may be of the same second
            times = [line[:19] for line in done.stdout.splitlines() if question == ("log",)]
            assert times == sorted(times, reverse=True)
