"""A file of another people's repository is followed to where it was before, and it is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.git import run_git
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Ran


@pytest.fixture
def past(tmp_path: Path) -> History:
    """Return somebody's repository, still empty."""
    folder = tmp_path / "past"
    folder.mkdir()
    history = History(folder)
    history.git("init", "--quiet", "--initial-branch=main")
    return history


def rows(**values: int) -> str:
    """Return a document with many records, of which a few change."""
    fixed = [{"id": f"fixed-{number}", "n": number} for number in range(20)]
    return json.dumps([*fixed, *({"id": key, "n": n} for key, n in values.items())], indent=1)


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def ask(history: History, *words: str, file: str = "d/new.json") -> Ran:
    command, *others = words
    shape = ("--file", file, "--key", "id", "--repo", str(history.folder))
    return run_archiver(command, *others, *shape)


def logged(history: History, *words: str, file: str = "d/new.json") -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    done = ask(history, "log", "-f", "jsonl", *words, file=file)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()][::-1]


def moved(history: History) -> list[str]:
    """Commit a file that changes twice, is moved to another folder, and changes again."""
    return [
        history.commit(day(1), {"old.json": rows(a=1)}, "one"),
        history.commit(day(2), {"old.json": rows(a=2)}, "two"),
        history.commit(day(3), {"old.json": None, "d/new.json": rows(a=2)}, "move"),
        history.commit(day(4), {"d/new.json": rows(a=3)}, "four"),
    ]


def updated(entries: list[dict[str, Any]]) -> list[int | None]:
    return [each["summary"] and each["summary"]["updated"] for each in entries]


def test_a_moved_file_has_the_history_of_both_paths(past: History) -> None:
    commits = moved(past)
    entries = logged(past)
    assert [each["revision"] for each in entries] == commits
    assert updated(entries) == [None, 1, 0, 1]
    assert [each.get("path") for each in entries] == ["old.json", "old.json", None, None]
    assert entries[2]["reason"] == "moved here from old.json"


def test_the_log_shows_the_move_and_where_the_file_was(past: History) -> None:
    moved(past)
    shown = ask(past, "log").stdout
    assert shown.count("    at old.json\n") == 2
    assert "    move\n    moved here from old.json\n" in shown


def test_without_following_a_history_begins_at_the_move_and_says_what_was_before(
    past: History,
) -> None:
    commits = moved(past)
    done = ask(past, "log", "-f", "jsonl", "--no-follow")
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["revision"] for each in entries] == commits[:1:-1]
    assert "moved here from old.json" in done.stderr


def test_a_file_that_changed_in_the_commit_that_moved_it_is_followed(past: History) -> None:
    past.commit(day(1), {"old.json": rows(a=1, b=1)})
    past.commit(day(2), {"old.json": None, "d/new.json": rows(a=2, c=1)})
    first, second = logged(past)
    assert first["status"] == "first"
    summary = second["summary"]
    assert (summary["updated"], summary["new"], summary["removed"]) == (1, 1, 1)


def test_a_file_that_is_moved_twice_is_followed_twice(past: History) -> None:
    past.commit(day(1), {"a.json": rows(a=1)})
    past.commit(day(2), {"a.json": None, "b/c.json": rows(a=1)})
    past.commit(day(3), {"b/c.json": rows(a=2)})
    past.commit(day(4), {"b/c.json": None, "d/new.json": rows(a=3)})
    entries = logged(past)
    assert [each.get("path") for each in entries] == ["a.json", "b/c.json", "b/c.json", None]
    assert updated(entries) == [None, 0, 1, 1]


def test_a_file_that_is_moved_there_and_back_is_followed(past: History) -> None:
    past.commit(day(1), {"d/new.json": rows(a=1)})
    past.commit(day(2), {"d/new.json": None, "x.json": rows(a=2)})
    past.commit(day(3), {"x.json": None, "d/new.json": rows(a=3)})
    assert updated(logged(past)) == [None, 1, 1]


def test_a_copy_is_not_followed(past: History) -> None:
    past.commit(day(1), {"old.json": rows(a=1)})
    past.commit(day(2), {"d/new.json": rows(a=1)})
    (entry,) = logged(past)
    assert (entry["status"], entry["reason"]) == ("first", None)


def test_what_another_file_became_is_not_followed_where_it_has_nothing_in_common(
    past: History,
) -> None:
    past.commit(day(1), {"old.json": rows(a=1), "other.json": rows(x=1)})
    other = json.dumps([{"id": "z", "text": "nothing of this was there before"}])
    past.commit(day(2), {"old.json": None, "other.json": None, "d/new.json": other})
    (entry,) = logged(past)
    assert entry["reason"] is None


def test_the_parts_of_a_file_name_it(past: History) -> None:
    past.commit(day(1), {"all.json": rows(a=1)})
    parts = {f"d/{name}.json": json.dumps([{"id": name, "n": 1}]) for name in ("x", "new", "y")}
    past.commit(day(2), {"all.json": None, **parts}, "split")
    (entry,) = logged(past)
    assert entry["reason"] == "begins here; the same commit removed all.json"
    gone = logged(past, file="all.json")[-1]
    words = "the file is gone; the same commit added d/new.json, d/x.json, d/y.json"
    assert (gone["status"], gone["reason"]) == ("unreadable", words)


def test_a_path_that_was_left_says_where_the_file_is(past: History) -> None:
    moved(past)
    gone = logged(past, file="old.json")[-1]
    assert gone["reason"] == "the file is gone: this commit moved it to d/new.json"


def test_a_move_on_a_merged_branch_is_followed(past: History) -> None:
    past.commit(day(1), {"old.json": rows(a=1)})
    past.git("switch", "--quiet", "-c", "side")
    past.commit(day(2), {"old.json": None, "d/new.json": rows(a=2)})
    past.git("switch", "--quiet", "main")
    past.commit(day(3), {"README": "text"})
    past.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    entries = logged(past)
    assert updated(entries) == [None, 1]
    assert entries[0]["path"] == "old.json"


def test_compare_finds_both_ends_of_a_move(past: History) -> None:
    first, *_, last = moved(past)
    done = ask(past, "compare", first, last)
    assert "n: 1 → 3" in done.stdout
    assert "the file was moved: from old.json to d/new.json" in done.stderr


def test_a_date_before_the_move_has_the_file_at_its_former_path(past: History) -> None:
    moved(past)
    listed = ask(past, "list", "--at", "2026-01-02", "-f", "json").stdout
    assert next(each for each in json.loads(listed) if each["id"] == "a")["n"] == 2


def test_a_life_begins_before_the_move(past: History) -> None:
    first, _, move, _ = moved(past)
    done = ask(past, "show", "a", "-f", "json")
    life = json.loads(done.stdout)
    assert life["first_seen"]["revision"] == first
    assert f"({move[:10]}): moved here from old.json" in done.stderr


def test_an_index_holds_the_whole_history_and_none_of_a_history_that_was_not_followed(
    past: History,
) -> None:
    moved(past)
    expected = logged(past), logged(past, "--no-follow")
    assert ask(past, "index").returncode == 0
    assert (logged(past), logged(past, "--no-follow")) == expected
    assert ask(past, "index", "--no-follow").returncode == 0
    assert (logged(past), logged(past, "--no-follow")) == expected
    assert len(expected[0]) == 2 * len(expected[1])


@pytest.mark.parametrize("command", ["changelog", "changes", "export"])
def test_every_command_reads_the_whole_history(past: History, command: str) -> None:
    moved(past)
    period = ("--since", "2026-01-01", "--steps") if command == "changes" else ()
    done = ask(past, command, *period)
    assert done.returncode == 0, done.stderr
    assert command == "export" or "n: 1 → 2" in done.stdout


def test_a_shallow_clone_says_where_it_ends(past: History, tmp_path: Path) -> None:
    *_, move, _ = moved(past)
    clone = History(tmp_path / "clone")
    address = past.folder.as_uri()
    run_git(tmp_path, "clone", "--quiet", "--depth=2", address, str(clone.folder))
    edge, _ = logged(clone)
    assert (edge["revision"], edge["status"]) == (move, "edge")
    assert "shallow" in edge["reason"]


def partial(history: History, tmp_path: Path) -> History:
    """Return a clone without the content of former versions."""
    history.git("config", "uploadpack.allowFilter", "true")
    clone = History(tmp_path / "clone")
    address = history.folder.as_uri()
    run_git(tmp_path, "clone", "--quiet", "--filter=blob:none", address, str(clone.folder))
    return clone


def test_a_partial_clone_does_not_guess_and_fetches_nothing(past: History, tmp_path: Path) -> None:
    past.commit(day(1), {"old.json": rows(a=1)})
    past.commit(day(2), {"old.json": None, "d/new.json": rows(a=2)})
    clone = partial(past, tmp_path)
    past.folder.rename(tmp_path / "away")
    (entry,) = logged(clone)
    words = "this clone is partial: whether the file was moved here is not known"
    assert entry["reason"] == words


def test_a_partial_clone_knows_of_a_move_without_a_change(past: History, tmp_path: Path) -> None:
    commits = moved(past)
    entries = logged(partial(past, tmp_path))
    assert [each["revision"] for each in entries] == commits


def test_a_moved_file_is_imported_whole_also_from_a_url(past: History, tmp_path: Path) -> None:
    past.commit(day(1), {"old.json": rows(a=1)})
    past.commit(day(2), {"old.json": None, "d/new.json": rows(a=2)})
    past.git("config", "uploadpack.allowFilter", "true")
    past.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for number, place in enumerate((str(past.folder), past.folder.as_uri())):
        archive = tmp_path / f"archive-{number}"
        archive.mkdir()
        run_git(archive, "init", "--quiet")
        settings = '[sources.hub]\ntype = "json"\nurl = "x.json"\nkey = "id"\n'
        (archive / "archiver.toml").write_text(settings)
        done = run_archiver("import", place, "--file", "d/new.json", "--repo", archive)
        assert done.returncode == 0, done.stderr
        assert "moved here from old.json" in done.stderr
        kept = run_archiver("log", "-f", "jsonl", "--repo", archive).stdout
        assert len(kept.splitlines()) == 2


def test_a_name_with_wildcards_is_that_file_where_there_is_one(past: History) -> None:
    past.commit(day(1), {"a[1].json": rows(a=1), "a1.json": rows(a=5)})
    past.commit(day(2), {"a[1].json": rows(a=2)})
    assert updated(logged(past, file="a[1].json")) == [None, 1]


def test_a_folder_is_named_before_any_revision(past: History) -> None:
    past.commit(day(1), {"d/a.json": rows(a=1), "e/f/a.yaml": "a: 1"})
    past.commit(day(2), {"d/a.json": rows(a=2)})
    done = ask(past, "log", file="d")
    assert (done.returncode, done.stdout) == (5, "")
    assert "d is a folder" in done.stderr
    assert "--file 'd/*.json'" in done.stderr
    assert "--file 'e/**/*.yaml'" in ask(past, "log", file="e").stderr


def test_a_folder_that_was_a_file_keeps_its_versions(past: History) -> None:
    past.commit(day(1), {"d": rows(a=1)})
    past.commit(day(2), {"d": None})
    past.commit(day(3), {"d/a.json": rows(a=1)})
    assert next(each["status"] for each in logged(past, file="d")) == "first"


@pytest.mark.parametrize(
    ("file", "near"),
    [("d/nwe.json", "d/new.json"), ("new.json", "d/new.json"), ("x/*.json", "d/new.json")],
)
def test_a_path_that_is_nowhere_names_the_nearest_one(past: History, file: str, near: str) -> None:
    moved(past)
    done = ask(past, "log", file=file)
    assert (done.returncode, done.stdout) == (5, "")
    assert f"did you mean {near}?" in done.stderr
