"""A version may be a Git LFS pointer: it is called so, and read where its content is here."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.git import run_git
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


@pytest.fixture
def past(tmp_path: Path) -> History:
    """Return somebody's repository, still empty."""
    folder = tmp_path / "past"
    folder.mkdir()
    history = History(folder)
    history.git("init", "--quiet", "--initial-branch=main")
    return history


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def rows(**values: int) -> str:
    return json.dumps([{"id": key, "n": n} for key, n in values.items()])


def pointer(content: str, size: int | None = None) -> str:
    """Return what Git LFS commits in the place of a file."""
    oid = hashlib.sha256(content.encode()).hexdigest()
    return POINTER.format(oid=oid, size=len(content) if size is None else size)


def keep(history: History, content: str, *, instead: str | None = None) -> None:
    """Put a file where Git LFS keeps it, or something else in its place."""
    oid = hashlib.sha256(content.encode()).hexdigest()
    place = history.folder / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    place.parent.mkdir(parents=True)
    place.write_text(content if instead is None else instead)


def logged(history: History, file: str = "a.json") -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    shape = ("--file", file, "--key", "id", "--repo", history.folder)
    done = run_archiver("log", "-f", "jsonl", *shape)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()][::-1]


def test_a_pointer_half_way_through_a_history_is_named_and_passed_over(past: History) -> None:
    past.commit(day(1), {"a.json": rows(a=1)})
    past.commit(day(2), {"a.json": pointer("x", 12_345)})
    past.commit(day(3), {"a.json": rows(a=2, b=1)})
    first, second, third = logged(past)
    assert (first["status"], second["status"]) == ("first", "unreadable")
    assert second["reason"] == "it is a Git LFS pointer (12,345 bytes)"
    assert (third["summary"]["new"], third["summary"]["updated"]) == (1, 1)


def test_the_only_version_being_a_pointer_says_how_to_fetch_it(past: History) -> None:
    past.commit(day(1), {"a.json": pointer("x", 12_345)})
    shape = ("--file", "a.json", "--key", "id", "--repo", past.folder)
    done = run_archiver("list", *shape)
    assert done.returncode == 5
    assert "it is a Git LFS pointer (12,345 bytes)" in done.stderr
    assert "git lfs fetch --all" in done.stderr


def test_what_git_lfs_keeps_is_read(past: History) -> None:
    past.commit(day(1), {"a.json": rows(a=1)})
    past.commit(day(2), {"a.json": pointer(rows(a=2))})
    keep(past, rows(a=2))
    past.commit(day(3), {"a.json": pointer(rows(a=3, b=1))})
    keep(past, rows(a=3, b=1))
    summaries = [each["summary"] for each in logged(past)[1:]]
    assert [(each["new"], each["updated"]) for each in summaries] == [(0, 1), (1, 1)]


@pytest.mark.parametrize("instead", ["", rows(a=9), rows(a=1) + " "])
def test_what_has_another_size_or_digest_is_not_read(past: History, instead: str) -> None:
    past.commit(day(1), {"a.json": rows(a=1)})
    past.commit(day(2), {"a.json": pointer(rows(a=2))})
    keep(past, rows(a=2), instead=instead)
    assert logged(past)[1]["status"] == "unreadable"


def test_a_pointer_among_the_files_of_a_folder_keeps_its_record(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"id":"a","n":1}', "r/b.json": '{"id":"b","n":1}'})
    past.commit(day(2), {"r/a.json": pointer('{"id":"a","n":2}')})
    entry = logged(past, "r/*.json")[1]
    assert (entry["total"], entry["summary"]["removed"]) == (2, 0)
    assert "r/a.json (it is a Git LFS pointer (16 bytes))" in entry["reason"]
    keep(past, '{"id":"a","n":2}')
    assert logged(past, "r/*.json")[1]["summary"]["updated"] == 1


def test_a_plain_file_that_is_a_pointer_is_called_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(rows(a=1))
    new.write_text(pointer("x", 7))
    done = run_archiver("compare", old, new, "--key", "id")
    assert "it is a Git LFS pointer (7 bytes)" in done.stderr


def test_a_run_refuses_a_pointer(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / "a.json").write_text(pointer("x", 7))
    (tmp_path / "archiver.toml").write_text('[sources.hub]\ntype="json"\nurl="a.json"\nkey="id"\n')
    done = run_archiver("run", "--repo", tmp_path)
    assert done.returncode == 3
    assert "it is a Git LFS pointer (7 bytes)" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "version 1\n",
        "version https://git-lfs.github.com/spec/v1\n",
        POINTER.format(oid="x", size=1),
    ],
)
def test_what_only_looks_like_a_pointer_is_none(past: History, text: str) -> None:
    past.commit(day(1), {"a.json": text})
    past.commit(day(2), {"a.json": rows(a=1)})
    assert "not JSON" in logged(past)[0]["reason"]
