"""A folder is a catalogue: a pattern names its files, and each of them holds records."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.git import run_git
from support.histories import History

from archiver.history.catalogue import anywhere
from archiver.history.log import log
from archiver.store.objects import ObjectReader
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from support.commandline import Ran


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


def ask(history: History, command: str, *words: str, file: str = "r/*.json") -> Ran:
    return run_archiver(command, *words, "--file", file, "--repo", history.folder)


def logged(history: History, *words: str, file: str = "r/*.json") -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    done = ask(history, "log", "-f", "jsonl", *words, file=file)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()][::-1]


def counts(entries: list[dict[str, Any]]) -> list[tuple[int, ...]]:
    """Return the total of each entry, and what is new, updated and removed."""
    kinds = ("new", "updated", "removed")
    return [
        (each["total"], *(each["summary"][kind] for kind in kinds))
        for each in entries
        if each["summary"]
    ]


def listed(history: History, *words: str, file: str = "r/*.json") -> dict[str, Any]:
    """Return the records by key."""
    done = ask(history, "export", "-f", "jsonl", *words, file=file)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {each.pop("@key", None) or each["id"]: each for each in found}


def test_each_file_is_a_record_known_by_its_name(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}', "x.json": "{}"})
    past.commit(day(2), {"r/a.json": '{"v":2}', "r/c.json": '{"v":1}', "r/b.json": None})
    past.commit(day(3), {"x.json": '{"v":2}'})
    assert counts(logged(past)) == [(2, 1, 1, 1)]
    assert listed(past) == {"a": {"v": 2}, "c": {"v": 1}}


def test_a_file_that_is_called_like_the_end_of_an_answer_ends_none(past: History) -> None:
    around = len(f":100644 100644 {'0' * 40} {'0' * 40} M\0" + "\0")
    number = 40
    rest = 8192 - (around - 1) - len("end\n") - number * around  # git writes 4,096 bytes at once
    long, more = divmod(rest, number)
    names = [f"a{each:02}".ljust(long + (each < more), "a") for each in range(number)]
    for number in range(1, 9):
        content = f'{{"v":{number}}}'
        past.commit(day(number), dict.fromkeys((*names, "end\nb", "z"), content))
    expected = [(len(names) + 2, 0, len(names) + 2, 0)] * 7
    for _ in range(4):
        assert counts(logged(past, "--input", "json", file="*")) == expected


def test_a_renamed_file_is_removed_and_new(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": None, "r/c.json": '{"v":1}'})
    assert counts(logged(past)) == [(2, 1, 0, 1)]


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("p/*/m/*.json", {"x/m/a", "y/m/b"}),
        ("p/**/*.json", {"x/m/a", "y/m/b", "x/m/deep/c", "top"}),
        ("p/?/m/[ab].json", {"x/m/a", "y/m/b"}),
        ("p/x/**", {"m/a", "m/deep/c"}),
        ("p/*", {"top"}),
        ("**", {"p/x/m/a", "p/y/m/b", "p/x/m/deep/c", "p/top"}),
        ("**/[!a].json", {"p/y/m/b", "p/x/m/deep/c"}),
    ],
)
def test_patterns_mean_what_they_mean_to_git(past: History, pattern: str, keys: set[str]) -> None:
    names = ("p/x/m/a.json", "p/y/m/b.json", "p/x/m/deep/c.json", "p/top.json")
    past.commit(day(1), dict.fromkeys(names, '{"v":1}'))
    assert listed(past, file=pattern).keys() == keys


def test_a_pattern_is_relative_to_where_one_is(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    shape = ("--file", "*.json", "--repo", past.folder / "r")
    assert "first snapshot (1 record)" in run_archiver("log", *shape).stdout


def test_a_field_can_be_the_key(past: History) -> None:
    past.commit(day(1), {"r/1.json": '{"id":"a","v":1}', "r/2.json": '{"id":"b","v":1}'})
    assert listed(past, "--key", "id").keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("--records", "models", "--key", "id"), {"m1", "m2", "m3"}),
        (("--records", ".{}.models", "--key", "id"), {"m1", "m2", "m3"}),
        (
            ("--records", ".{provider}.models", "--key", "provider", "--key", "id"),
            {"openai/m1", "openai/m2", "mistral/m3"},
        ),
        (
            ("--records", "models", "--key", "^.name", "--key", "id"),
            {"OpenAI/m1", "OpenAI/m2", "Mistral/m3"},
        ),
    ],
)
def test_a_file_can_hold_several_records(
    past: History, words: tuple[str, ...], keys: set[str]
) -> None:
    one = {"name": "OpenAI", "models": [{"id": "m1"}, {"id": "m2"}]}
    two = {"name": "Mistral", "models": [{"id": "m3"}]}
    past.commit(day(1), {"r/openai.json": json.dumps(one), "r/mistral.json": json.dumps(two)})
    assert listed(past, *words).keys() == keys


@pytest.mark.parametrize(
    ("records", "document", "keys"),
    [
        (".[]", '[{"id":"a"},{"id":"b"}]', {"a", "b"}),
        (".{}{}", '{"a":{"v":1},"b":{"v":1}}', {"a", "b"}),
        (".[].models", '[{"models":[{"id":"a"}]}]', {"a"}),
    ],
)
def test_files_may_be_arrays_and_objects_of_records(
    past: History, records: str, document: str, keys: set[str]
) -> None:
    past.commit(day(1), {"r/a.json": document})
    key = () if records.endswith("{}") else ("--key", "id")
    assert listed(past, "--records", records, *key).keys() == keys


def test_files_may_be_of_several_formats(past: History) -> None:
    files: dict[str, str | bytes | None] = {
        "r/a.json": '{"v":1}',
        "r/b.toml": "v = 1\n",
        "r/c.yaml": "v: 1\n",
        "r/d.json.gz": b"",
    }
    files["r/d.json.gz"] = gzip.compress(b'{"v":1}')
    past.commit(day(1), files)
    assert listed(past, file="r/*") == {key: {"v": 1} for key in "abcd"}


def test_rows_of_tables_in_many_files_are_records(past: History) -> None:
    past.commit(day(1), {"r/a.csv": "id,v\n1,2\n", "r/b.csv": "id,v\n2,3\n"})
    found = listed(past, "--records", ".[]", "--key", "id", file="r/*.csv")
    assert found == {"1": {"id": "1", "v": "2"}, "2": {"id": "2", "v": "3"}}


def test_files_with_one_name_are_told(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/a.yaml": "v: 2\n"})
    (entry,) = logged(past, file="r/*")
    assert "doubled key, the greatest line counts: a" in entry["reason"]


def test_a_file_that_cannot_be_read_keeps_its_record(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": '{"v":', "r/b.json": '{"v":2}'})
    past.commit(day(3), {"r/a.json": "[]"})
    past.commit(day(4), {"r/a.json": '{"v":3}'})
    entries = logged(past)
    assert counts(entries) == [(2, 0, 1, 0), (2, 0, 0, 0), (2, 0, 1, 0)]
    assert "r/a.json (not JSON" in entries[1]["reason"]
    assert "kept as last seen, unusable now: a" in entries[1]["reason"]
    assert entries[3]["reason"] is None
    assert ask(past, "index").returncode == 0
    assert logged(past) == entries


def test_what_a_file_held_before_it_was_deleted_does_not_come_back(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": None})
    past.commit(day(3), {"r/a.json": "{"})
    assert counts(logged(past)) == [(1, 0, 0, 1), (1, 0, 0, 0)]


def test_one_damaged_file_keeps_all_its_records(past: History) -> None:
    many = '{"models":[{"id":"a","v":1},{"id":"b","v":1}]}'
    past.commit(day(1), {"r/x.json": many, "r/y.json": '{"models":[{"id":"c","v":1}]}'})
    past.commit(day(2), {"r/x.json": '{"error": 429}', "r/y.json": '{"models":[]}'})
    past.commit(day(3), {"r/x.json": '{"models":[{"id":"a","v":2}]}'})
    entries = logged(past, "--records", "models", "--key", "id")
    assert counts(entries) == [(2, 0, 0, 1), (1, 0, 1, 1)]


def test_a_record_that_cannot_be_used_keeps_its_last_line(past: History) -> None:
    past.commit(day(1), {"r/x.json": '{"models":[{"id":"a","v":1},{"id":"b","v":1}]}'})
    twice = '{"models":[{"id":"a","v":1,"v":2},{"id":"b","v":2}]}'
    past.commit(day(2), {"r/x.json": twice})
    entries = logged(past, "--records", "models", "--key", "id")
    assert counts(entries) == [(2, 0, 1, 0)]
    assert "kept as last seen, unusable now: a" in entries[1]["reason"]


def test_a_version_in_which_no_file_can_be_read_is_passed_over(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": "<<<<<<< HEAD\n"})
    past.commit(day(3), {"r/a.json": None})
    past.commit(day(4), {"r/a.json": '{"v":2}'})
    entries = logged(past)
    assert [each["status"] for each in entries] == ["first", "unreadable", "unreadable", "ok"]
    assert "no file can be read: r/a.json: the file holds conflict markers" in entries[1]["reason"]
    assert entries[2]["reason"] == "no file matches r/*.json"
    assert counts(entries) == [(1, 0, 1, 0)]


def test_a_file_cannot_bring_other_records_in(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": '{"v":1},"b":{"v":9}'})
    entries = logged(past)
    assert counts(entries) == [(2, 0, 0, 0)]
    assert listed(past)["b"] == {"v": 1}


def test_links_and_submodules_are_named_and_not_followed(past: History, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"v":"secret"}')
    (past.folder / "r").mkdir()
    (past.folder / "r/link.json").symlink_to(secret)
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    past.git("add", "r/link.json")
    commit = past.git("rev-parse", "HEAD").strip()
    past.git("update-index", "--add", "--cacheinfo", f"160000,{commit},r/module.json")
    past.git("commit", "--quiet", "-m", "more")
    *_, entry = logged(past)
    assert "r/link.json (it is a symbolic link)" in entry["reason"]
    assert "r/module.json (it is a submodule)" in entry["reason"]
    assert listed(past).keys() == {"a"}


HOSTILE = ['"', "a b", "__proto__", "..", "x\ny", "\u202eevil", "<b>", "é", "-f", "[x]", "a'b"]


def test_file_names_are_keys_whatever_they_are(past: History) -> None:
    past.commit(day(1), {f"r/{name}.json": '{"v":1}' for name in HOSTILE})
    assert listed(past).keys() == {*HOSTILE}
    shown = ask(past, "list").stdout
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == len(HOSTILE) + 1


def test_a_name_that_is_not_utf_8_is_left_out_and_named(past: History) -> None:
    (past.folder / "r").mkdir()
    Path(os.fsdecode(os.fsencode(past.folder) + b"/r/caf\xe9.json")).write_text('{"v":1}')
    (past.folder / "r/a.json").write_text('{"v":1}')
    past.git("add", "--all")
    past.git("commit", "--quiet", "-m", "names")
    (entry,) = logged(past)
    assert r"r/caf\xe9.json (its name is not UTF-8)" in entry["reason"]
    assert listed(past).keys() == {"a"}


def test_a_merged_branch_comes_into_effect_by_its_merge(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    past.git("switch", "--quiet", "-c", "side")
    past.commit(day(2), {"r/b.json": '{"v":1}'})
    past.commit(day(3), {"r/c.json": '{"v":1}'})
    past.git("switch", "--quiet", "main")
    past.commit(day(4), {"r/a.json": '{"v":2}'})
    past.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    assert counts(logged(past)) == [(1, 0, 1, 0), (3, 2, 0, 0)]


def test_a_shallow_clone_says_where_it_ends(past: History, tmp_path: Path) -> None:
    for number in range(1, 4):
        past.commit(day(number), {"r/a.json": json.dumps({"v": number}), "r/b.json": "{}"})
    clone = History(tmp_path / "clone")
    address = past.folder.as_uri()
    run_git(tmp_path, "clone", "--quiet", "--depth=2", address, str(clone.folder))
    edge, newest = logged(clone)
    assert (edge["status"], edge["total"], newest["summary"]["updated"]) == ("edge", 2, 1)


def test_every_question_is_answered(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}'})
    past.commit(day(5), {"r/a.json": '{"v":2}'})
    past.commit(day(9), {"r/b.json": None})
    assert "- b" in ask(past, "compare").stdout
    assert "v: 1 → 2" in ask(past, "compare", "HEAD~2", "HEAD~1").stdout
    assert "v: 1 → 2" in ask(past, "show", "a").stdout
    assert "1 removed" in ask(past, "changes", "--since", "2026-01-07", "--stat").stdout
    assert "v: 1 → 2" in ask(past, "changes", "--since", "2026-01-02", "--steps").stdout
    assert ask(past, "list", "--at", "2026-01-06").stdout.startswith("key")
    assert "updated" in ask(past, "churn").stdout
    assert "v: 1 → 2" in ask(past, "changelog").stdout
    assert "v: 1 → 2" in ask(past, "show", "a").stdout  # from the index that churn made


def test_a_folder_is_imported(past: History, tmp_path: Path) -> None:
    past.git("config", "uploadpack.allowFilter", "true")
    past.git("config", "uploadpack.allowAnySHA1InWant", "true")
    past.commit(day(1), {"r/a.json": '{"v":1}', "r/b.json": '{"v":1}', "x.bin": "0" * 99})
    past.commit(day(2), {"r/a.json": '{"v":2}'})
    for number, place in enumerate((str(past.folder), past.folder.as_uri())):
        archive = tmp_path / f"archive-{number}"
        archive.mkdir()
        run_git(archive, "init", "--quiet")
        settings = '[sources.hub]\ntype = "json"\nfiles = "r/*.json"\n'
        (archive / "archiver.toml").write_text(settings)
        done = run_archiver("import", place, "--file", "r/*.json", "--repo", archive)
        assert done.returncode == 0, done.stderr
        kept = run_archiver("log", "-f", "jsonl", "--repo", archive).stdout.splitlines()
        assert [json.loads(each)["total"] for each in kept] == [2, 2]


def reads(history: History, monkeypatch: pytest.MonkeyPatch, pattern: str) -> int:
    """Return how many objects the log of a folder reads."""
    number = 0
    read = ObjectReader.read

    def counted(self: ObjectReader, oid: str) -> bytes:
        nonlocal number
        number += 1
        return read(self, oid)

    monkeypatch.setattr(ObjectReader, "read", counted)
    catalogue = anywhere(Repository.open(history.folder), pattern, records=None, key=())
    list(log(catalogue))
    return number


def test_a_commit_that_touches_three_of_many_files_costs_three_reads(
    past: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"r/{number}.json" for number in range(500)]
    past.commit(day(1), {name: json.dumps({"v": name}) for name in names})
    for number in range(2, 12):
        changed = names[number * 3 : number * 3 + 3]
        past.commit(day(number), {name: json.dumps({"v": name, "n": number}) for name in changed})
    assert reads(past, monkeypatch, "r/*.json") == 500 + 10 * 3


def test_the_numbers_are_those_of_reading_every_version_whole(past: History) -> None:
    random = Random(7)
    known: dict[str, int] = {}
    states: list[dict[str, int]] = []
    for number in range(1, 25):
        files: dict[str, str | None] = {}
        for name in random.sample("abcdefghij", 3):
            if name in known and random.random() < 0.3:
                del known[name]
                files[f"r/{name}.json"] = None
            else:
                known[name] = random.randrange(3)
                files[f"r/{name}.json"] = json.dumps({"v": known[name]})
        past.commit(day(number), files)
        states.append(dict(known))
    expected = [
        (
            len(new),
            len(new.keys() - old.keys()),
            sum(old[key] != new[key] for key in old.keys() & new.keys()),
            len(old.keys() - new.keys()),
        )
        for old, new in pairwise(states)
    ]
    found = {each["revision"]: each for each in logged(past)}
    commits = past.git("rev-list", "--reverse", "HEAD").split()[1:]
    told = [counts([found[each]])[0] if each in found else None for each in commits]
    assert [each for each in told if each] == [
        row for row, each in zip(expected, told, strict=True) if each
    ]
    assert all(row[1:] == (0, 0, 0) for row, each in zip(expected, told, strict=True) if not each)


def test_a_damaged_object_is_named(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    blob = past.git("rev-parse", "HEAD:r/a.json").strip()
    place = past.folder / ".git/objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(b"")
    done = ask(past, "log")
    assert done.returncode == 5
    assert blob in done.stderr


def test_no_process_is_left_behind(past: History) -> None:
    past.commit(day(1), {"r/a.json": '{"v":1}'})
    past.commit(day(2), {"r/a.json": '{"v":2}'})
    logged(past)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(past.folder) not in running.stdout


def test_a_folder_that_was_moved_or_made_of_one_file_says_what_was_there_before(
    past: History,
) -> None:
    past.commit(day(1), {"all.json": "{}", "old/a.json": '{"v":1}', "old/b.json": '{"v":1}'})
    moved = {"old/a.json": None, "old/b.json": None, "r/a.json": '{"v":1}', "r/b.json": '{"v":1}'}
    past.commit(day(2), moved)
    past.commit(day(3), {"all.json": None, "s/a.json": "{}", "s/b.json": "{}"})
    (entry,) = logged(past)
    words = "begins here; the same commit removed"
    assert entry["reason"] == f"{words} old/a.json, old/b.json"
    (entry,) = logged(past, file="s/*.json")
    assert entry["reason"] == f"{words} all.json"
