"""compare, changes and log, typed as people type them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import jsonschema
import pytest
from support.histories import FILE, LATEST, History, document, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"

SHAPE = ("--records", "models", "--key", "id")


@pytest.fixture
def past(repo: Path) -> History:
    """Return a history of three versions and one that cannot be read."""
    history = History(repo)
    history.add("2026-01-01T00:00:00Z", a=1)
    history.add("2026-01-03T00:00:00Z", a=2, b=1)
    history.commit("2026-01-04T00:00:00Z", {FILE: '{"error": 429}'})
    history.add("2026-01-05T00:00:00Z", "add c", a=2, c=1)
    return history


@pytest.fixture
def ask(past: History, archiver: Archiver) -> Archiver:
    """Return what asks about ``models.json`` of the history."""
    return lambda command, *rest: archiver(
        command, "--repo", past.folder, "--file", FILE, *SHAPE, *rest
    )


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Return two plain files outside of any repository."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(document(a=1, b=1))
    new.write_text(document(a=1, b=2, c=1))
    return old, new


def test_the_last_change_is_told_line_by_line(past: History, ask: Archiver) -> None:
    done = ask("compare")
    old, new = (
        past.git("log", "--format=%H", "--abbrev=10").split()[2],
        past.git("rev-parse", "HEAD"),
    )
    assert done.stdout.splitlines() == [
        f"models.json: 2026-01-03 00:00:00 ({old[:10]}) → 2026-01-05 00:00:00 ({new[:10]})",
        "- b",
        "+ c",
        "models.json: +1 new, -1 removed (2 records)",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_range_and_two_names_are_the_same(ask: Archiver) -> None:
    both = [
        ask("compare", *typed, "-f", "jsonl").stdout
        for typed in (
            ("HEAD~3..HEAD",),
            ("HEAD~3", "HEAD"),
            ("HEAD~3",),
            ("2026-01-01", "2026-01-06"),
        )
    ]
    assert both == [both[0]] * 4
    assert json.loads(both[0].splitlines()[-1])["summary"]["new"] == 1


@pytest.mark.parametrize("typed", ["HEAD..", "..HEAD", "HEAD...HEAD", "..", "HEAD~3..nothing"])
def test_half_a_range_is_refused(ask: Archiver, typed: str) -> None:
    done = ask("compare", typed)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("archiver: ")


def test_the_public_form_fulfils_its_schema(ask: Archiver, archiver: Archiver) -> None:
    schema = json.loads(archiver("schema", "changes").stdout)
    for command in (("compare", "HEAD~3"), ("changes", "--since", "2026-01-02"), ("compare",)):
        jsonschema.validate(json.loads(ask(*command, "-f", "json").stdout), schema)


def test_the_lines_fulfil_their_schema_and_end_with_the_summary(
    ask: Archiver, archiver: Archiver
) -> None:
    schema = json.loads(archiver("schema", "changes").stdout)
    *changes, end = map(json.loads, ask("compare", "HEAD~3", "-f", "jsonl").stdout.splitlines())
    for line in changes:
        jsonschema.validate(line, {**schema, "$ref": "#/$defs/RecordChange", "required": []})
    assert [line["key"] for line in changes] == ["a", "c"]
    assert end["summary"]["updated"] == 1


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown", "html", "csv"])
def test_every_form_can_be_written_to_a_file(ask: Archiver, tmp_path: Path, form: str) -> None:
    path = tmp_path / "out"
    shown = ask("compare", "HEAD~3", "-f", form).stdout
    done = ask("compare", "HEAD~3", "-f", form, "-o", path)
    assert (done.stdout, path.read_text(encoding="utf-8")) == ("", shown)
    assert "c" in shown


def test_a_limit_says_how_much_it_left_out(ask: Archiver) -> None:
    assert "… and 1 more" in ask("compare", "HEAD~3", "--limit", "1").stdout
    assert json.loads(ask("compare", "HEAD~3", "--limit", "1", "-f", "json").stdout)["more"] == 1
    assert ask("compare", "HEAD~3", "--limit", "1", "-f", "csv").stderr == "… and 1 more\n"


def test_stat_is_only_the_counts(ask: Archiver) -> None:
    done = ask("compare", "HEAD~3", "--stat", "-f", "json")
    assert json.loads(done.stdout)["summary"]["new"] == 1
    assert "a" not in ask("compare", "HEAD~3", "--stat", "-f", "csv").stdout.split(",")


def test_names_are_only_the_keys(ask: Archiver) -> None:
    done = ask("compare", "HEAD~3", "--name-only", "-f", "csv")
    assert done.stdout == "kind,key\nupdated,a\nnew,c\n"


def test_stat_and_names_exclude_each_other(ask: Archiver) -> None:
    assert ask("compare", "--stat", "--name-only").returncode == 2


def test_fields_and_conditions_narrow_it_down(ask: Archiver) -> None:
    only = ask("compare", "HEAD~3", "--field", "n", "--name-only", "-f", "csv").stdout
    assert only == "kind,key\nupdated,a\n"
    where = ask("compare", "HEAD~3", "--where", "n", "<", "2", "--name-only", "-f", "csv").stdout
    assert where == "kind,key\nnew,c\n"


def test_counters_are_counted_and_listed_only_where_asked_for(ask: Archiver) -> None:
    counting = ("compare", "HEAD~3", "HEAD~2", "--metric", "n")
    assert "~ a" not in ask(*counting).stdout
    assert "1 metric changed" in ask(*counting).stdout
    assert "~ a" in ask(*counting, "--metrics").stdout
    assert "~ a" in ask(*counting, "--field", "n").stdout
    assert len(json.loads(ask(*counting, "-f", "json").stdout)["metrics"]) == 1


def test_the_exit_code_tells_news_from_none(past: History, ask: Archiver) -> None:
    past.add("2026-01-06T00:00:00Z", a=3, c=1)
    counting = ("compare", "--exit-code", "--metric", "n")
    assert [ask("compare").returncode, ask("compare", "--exit-code").returncode] == [0, 1]
    assert [ask(*counting).returncode, ask(*counting, "--metrics").returncode] == [0, 1]
    assert ask("compare", "HEAD", "HEAD", "--exit-code", "--stat").returncode == 0


def test_plain_files_need_neither_git_nor_a_configuration(
    archiver: Archiver, two: tuple[Path, Path]
) -> None:
    old, new = two
    for typed in ((old, new), (f"{old}..{new}",)):
        done = archiver("compare", "--repo", old.parent, *typed, *SHAPE, "--stat")
        assert done.stdout.splitlines()[-1] == ("new.json: +1 new, 1 updated (3 records)")


def test_plain_files_of_known_forms_need_no_description(
    archiver: Archiver, two: tuple[Path, Path]
) -> None:
    old, new = two
    new.write_bytes(snapshot("2026-01-02 00:00:00", {"id": "a", "n": 1}))
    done = archiver("compare", old, new, "--stat", "-f", "json", "--repo", old.parent)
    assert json.loads(done.stdout)["summary"]["removed"] == 1


def test_plain_files_may_begin_with_a_byte_order_mark_and_hold_nan(
    archiver: Archiver, two: tuple[Path, Path]
) -> None:
    old, new = two
    old.write_text('[{"id":1,"v":NaN},{"id":2,"v":1}]', encoding="utf-8-sig")
    new.write_text('[{"id":1,"v":null},{"id":2,"v":2}]', encoding="utf-16")
    done = archiver(
        "compare", *two, "--records", ".", "--key", "id", "--repo", old.parent, "--stat"
    )
    assert done.stdout.splitlines()[-1] == "new.json: 1 updated (2 records)"
    assert done.stderr.count("1 value that is not finite was read as null") == 1


def test_plain_files_mean_what_the_configuration_says(
    archiver: Archiver, repo: Path, two: tuple[Path, Path]
) -> None:
    History(repo).configure(metrics=("n",))
    done = archiver("compare", *two, "--stat", "-f", "json", "--repo", repo)
    summary = json.loads(done.stdout)["summary"]
    assert (summary["updated"], summary["metrics"]) == (0, 1)


def test_one_plain_file_is_compared_with_the_newest(ask: Archiver, two: tuple[Path, Path]) -> None:
    assert (
        "+1 new, 1 updated, -1 removed" in ask("compare", two[0], "--stat").stdout.splitlines()[-1]
    )


def test_a_period_is_one_net_change(ask: Archiver) -> None:
    done = ask("changes", "--since", "2026-01-02", "--stat")
    assert done.stdout.splitlines()[-1] == "models.json: +1 new, 1 updated (2 records)"
    early = ask("changes", "--since", "2026-01-02", "--at", "2026-01-03", "--stat")
    assert early.stdout.splitlines()[-1] == "models.json: +1 new, 1 updated (2 records)"


def test_the_steps_of_a_period_are_one_change_set_each(ask: Archiver) -> None:
    done = ask("changes", "--since", "2026-01-02", "--steps", "-f", "jsonl", "--stat")
    ends = [json.loads(line)["to"]["timestamp"] for line in done.stdout.splitlines()]
    assert ends == ["2026-01-05 00:00:00", "2026-01-03 00:00:00"]
    assert ask("changes", "--steps", "-f", "html").returncode == 2


def test_the_steps_are_one_table_with_their_times(ask: Archiver) -> None:
    done = ask("changes", "--since", "2026-01-02", "--steps", "-f", "csv", "--name-only")
    assert done.stdout.splitlines() == [
        "timestamp,kind,key",
        "2026-01-05 00:00:00,removed,b",
        "2026-01-05 00:00:00,new,c",
        "2026-01-03 00:00:00,updated,a",
        "2026-01-03 00:00:00,new,b",
    ]
    net = ask("changes", "--since", "2026-01-02", "-f", "csv", "--name-only")
    assert net.stdout.startswith("kind,key\n")


@pytest.mark.parametrize("since", ["HEAD~1", "01/02/2026", "2026-02-30", "soon"])
def test_a_period_begins_with_a_date(ask: Archiver, since: str) -> None:
    done = ask("changes", "--since", since)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint: write" in done.stderr


def test_what_an_archive_cannot_answer_is_noted(ask: Archiver) -> None:
    done = ask("changes", "--since", "9999d", "--stat")
    assert done.stderr == "note: the archive begins later, at 2026-01-01 00:00:00 UTC\n"


def test_the_log_is_a_changelog(past: History, ask: Archiver) -> None:
    ids = [each[:10] for each in past.git("log", "--format=%H").split()]
    done = ask("log")
    assert done.stdout.splitlines() == [
        f"2026-01-05 00:00:00  {ids[0]}  +1 new, -1 removed (2 records)",
        "    add c",
        f"2026-01-04 00:00:00  {ids[1]}  unreadable",
        "    a version",
        '    no "models" at the top level (found: error)',
        f"2026-01-03 00:00:00  {ids[2]}  +1 new, 1 updated (2 records)",
        "    a version",
        f"2026-01-01 00:00:00  {ids[3]}  first snapshot (1 record)",
        "    a version",
    ]
    assert done.stderr == "skipped: 1 unreadable version\n"


def test_our_own_subjects_say_nothing_that_the_counts_do_not(
    archiver: Archiver, repo: Path
) -> None:
    own = History(repo)
    own.configure()
    own.capture("2026-01-02T00:00:00Z", a=1)
    assert len(archiver("log", "--repo", repo).stdout.splitlines()) == 1


def test_the_log_stops_where_its_limit_is(past: History, ask: Archiver) -> None:
    blob = past.git("rev-parse", f"HEAD~3:{FILE}").strip()
    (past.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert ask("log", "--limit", "1").stdout.splitlines()[-1] == "… and 3 more"
    assert ask("log", "--limit", "1", "-f", "jsonl").stderr == "… and 3 more\n"
    whole = ask("log")
    assert (whole.returncode, whole.stderr) == (0, "skipped: 2 unreadable versions\n")
    assert f"object {blob} is missing" in whole.stdout


def test_the_log_of_a_program_has_every_member(ask: Archiver) -> None:
    entries = [json.loads(line) for line in ask("log", "-f", "jsonl").stdout.splitlines()]
    assert list(entries[0]) == [
        *("revision", "timestamp", "committed_at", "subject"),
        *("total", "summary", "status", "reason"),
    ]
    assert [entry["status"] for entry in entries] == ["ok", "unreadable", "ok", "first"]
    assert json.loads(ask("log", "-f", "json").stdout) == entries


def test_the_log_is_a_table_too(ask: Archiver) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("log", "-f", "csv").stdout)))
    assert [row["new"] for row in rows] == ["1", "", "1", ""]
    assert "| \\+1 new, -1 removed (2 records) |" in ask("log", "-f", "markdown").stdout
    assert "models.json: log" in ask("log", "-f", "html").stdout


def test_the_log_may_begin_early(ask: Archiver) -> None:
    assert len(ask("log", "--at", "2026-01-03", "-f", "jsonl").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("since", "days"),
    [
        ("2026-01-04", [5]),
        ("2026-01-03T00:00:01", [5, 4]),
        ("2026-01-02", [5, 4, 3]),
        ("2025-12-31", [5, 4, 3, 1]),
        ("9999d", [5, 4, 3, 1]),
    ],
)
def test_the_log_may_end_late(ask: Archiver, since: str, days: list[int]) -> None:
    whole = [json.loads(line) for line in ask("log", "-f", "jsonl").stdout.splitlines()]
    done = ask("log", "--since", since, "-f", "jsonl")
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert entries == whole[: len(days)]
    assert [int(entry["timestamp"][8:10]) for entry in entries] == days
    limited = ask("log", "--since", since, "--limit", "1", "-f", "csv")
    more = len(days) - 1
    assert limited.stderr == (f"… and {more} more\n" if more else "")


def test_a_log_of_a_period_without_revisions_says_so(ask: Archiver) -> None:
    done = ask("log", "--since", "2026-01-06")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no revision since 2026-01-06 00:00:00 UTC\n"
    assert len(ask("log", "--since", "2026-01-02", "--at", "2026-01-03").stdout.splitlines()) == 2
    assert ask("log", "--since", "yesterday").returncode == 2


HOSTILE = "\x1b]0;owned\x07\u202e"


def test_nothing_hostile_reaches_the_terminal(past: History, ask: Archiver) -> None:
    past.add("2026-01-06T00:00:00Z", f"subject {HOSTILE}", **{f"key{HOSTILE}": 1})
    past.commit("2026-01-07T00:00:00Z", {FILE: json.dumps({HOSTILE: 1})})
    for command in (("log",), ("compare",), ("log", "-f", "markdown"), ("compare", HOSTILE)):
        done = ask(*command)
        assert not set(HOSTILE[:1] + HOSTILE[-2:]) & set(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("compare", "nothing"), 5),
        (("compare", "01/02/2026"), 2),
        (("compare", "2026-02-30"), 2),
        (("compare", "2020-01-01"), 5),
        (("compare", "HEAD", "HEAD~1"), 5),
        (("log", "--at", "nothing"), 5),
    ],
)
def test_a_name_that_means_no_version_is_refused(
    ask: Archiver, command: tuple[str, ...], code: int
) -> None:
    done = ask(*command)
    assert (done.returncode, done.stdout) == (code, "")
    assert len([line for line in done.stderr.splitlines() if line.startswith("archiver: ")]) == 1


def test_outside_of_a_repository_there_is_nothing_to_ask(
    archiver: Archiver, tmp_path: Path
) -> None:
    for command in ("compare", "changes", "log"):
        done = archiver(command, "--repo", tmp_path, "--file", FILE, *SHAPE)
        assert (done.returncode, done.stdout) == (5, "")
        assert "not in a git repository" in done.stderr


def test_a_damaged_object_is_named_and_nothing_is_written(
    past: History, ask: Archiver, tmp_path: Path
) -> None:
    blob = past.git("rev-parse", f"HEAD:{FILE}").strip()
    path = past.folder / ".git" / "objects" / blob[:2] / blob[2:]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)
    out = tmp_path / "out.json"
    done = ask("compare", "-f", "json", "-o", out)
    assert (done.returncode, done.stdout, out.exists()) == (5, "", False)
    assert blob in done.stderr


def test_a_shallow_clone_says_how_to_deepen_it(
    past: History, archiver: Archiver, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    past.add("2026-01-06T00:00:00Z", a=3)
    past.git("clone", "--quiet", "--depth=3", past.folder.as_uri(), str(clone))
    asked = ("--repo", clone, "--file", FILE, *SHAPE)
    done = archiver("changes", *asked, "--since", "2026-01-02", "--stat")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "models.json: 1 updated, -1 removed (1 record)",
    )
    assert done.stderr.startswith("note: this clone is shallow: its history ends at ")
    assert done.stderr.endswith(
        "git fetch --unshallow, or git fetch --deepen=100 for a part of it\n"
    )
    lines = archiver("log", *asked).stdout
    assert "first snapshot" not in lines
    assert "where this clone ends" in lines or "unreadable" in lines
    past.git("clone", "--quiet", "--depth=1", past.folder.as_uri(), str(tmp_path / "one"))
    one = archiver("compare", "--repo", tmp_path / "one", "--file", FILE, *SHAPE)
    assert (one.returncode, one.stdout) == (5, "")
    assert "hint: git fetch --unshallow, or git fetch --deepen=100" in one.stderr
    page = archiver("changelog", "--repo", tmp_path / "one", "--file", FILE, *SHAPE)
    assert (page.returncode, page.stdout) == (0, "# Changelog of models.json\n")
    assert "git fetch --deepen" in page.stderr


def test_a_history_that_begins_with_a_move_says_so(archiver: Archiver, repo: Path) -> None:
    past = History(repo)
    big = {f"r{number}": number for number in range(30)}
    past.commit("2026-01-01T00:00:00Z", {"old.json": document(**big)})
    past.commit("2026-01-02T00:00:00Z", {"old.json": document(**big, a=1)})
    moved = past.commit(
        "2026-01-03T00:00:00Z", {"old.json": None, "d/new.json": document(**big, a=2)}
    )
    past.commit("2026-01-04T00:00:00Z", {"d/new.json": document(**big, a=3)})
    asked = ("--repo", repo, *SHAPE)
    done = archiver("log", "--no-follow", "--file", "d/new.json", *asked)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4)
    assert done.stderr == (
        f"note: d/new.json was moved here from old.json in {moved[:10]}; what was before: "
        f"archiver log --file old.json --at {moved[:10]}^\n"
    )
    before = archiver("log", "--file", "old.json", "--at", f"{moved[:10]}^", *asked)
    assert (before.stderr, len(before.stdout.splitlines())) == ("", 4)
    assert archiver("log", "--file", "d/new.json", "--limit", "1", *asked).stderr == ""
    alone = archiver("changelog", "--no-follow", "--file", "d/new.json", *asked)
    assert "moved here from" in alone.stderr


def test_hostile_arguments_are_refused_and_nothing_is_run_or_written(
    hostile: Path, past: History, ask: Archiver
) -> None:
    before = past.git("status", "--short", "--branch", "--ignored")
    cases = json.loads((hostile / "corpus.json").read_text("ascii"))["cases"]
    for text in (case["value"] for case in cases if case["class"] == "git-arg"):
        done = ask("compare", "--", text)
        assert (done.returncode in (2, 5), done.stdout) == (True, "")
    assert past.git("status", "--short", "--branch", "--ignored") == before


def test_a_source_of_our_own_needs_no_description(archiver: Archiver, repo: Path) -> None:
    own = History(repo)
    own.configure()
    own.capture("2026-01-02T00:00:00Z", a=1)
    own.capture("2026-01-03T00:00:00Z", a=1, b=1)
    assert (repo / LATEST).exists()
    done = archiver("compare", "hub_models_20260102_000000.json", "--stat", "--repo", repo)
    assert done.stdout.splitlines()[-1] == "hub: +1 new (2 records)"


def test_a_side_of_a_comparison_may_be_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": "a"}]')
    (tmp_path / "b.json").write_text('[{"id": "b"}]')
    program = Path(sys.executable).with_name("archiver")
    for script in (
        f"{program} compare - b.json --key id < a.json",
        f"cat a.json | {program} compare /dev/stdin b.json --key id",
        f"{program} compare <(cat a.json) b.json --key id",
    ):
        command = ["bash", "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line[:3] for line in done.stdout.splitlines()[1:3]] == ["- a", "+ b"]
