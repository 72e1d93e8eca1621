"""Reading commands where there are several sources: they answer for all, and name each."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import History, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """\
[sources.hub]
type = "json"
url = "hub.json"
key = ["id"]
[sources.kev]
type = "json"
url = "kev.json"
key = ["id"]
noun = "vulnerability"
[sources.later]
type = "json"
url = "later.json"
key = ["id"]
"""
Ask = "Callable[..., Any]"


@pytest.fixture
def ask(repo: Path, archiver: Callable[..., Any]) -> Callable[..., Any]:
    """Return what asks an archive of two sources, and a third that was never captured."""
    past = History(repo)
    past.commit("2026-01-01T00:00:00Z", {"archiver.toml": CONFIG}, "configure")

    def capture(day: int, source: str, *records: dict[str, Any]) -> None:
        content = snapshot(f"2026-01-{day:02} 00:00:00", *records)
        past.commit(f"2026-01-{day:02}T00:00:00Z", {f"data/{source}/latest.json": content})

    capture(2, "hub", {"id": "a", "n": 1})
    capture(3, "kev", {"id": "x", "n": 1}, {"id": "y", "n": 1})
    capture(4, "hub", {"id": "a", "n": 2})
    capture(5, "kev", {"id": "x", "n": 2}, {"id": "a", "n": 1})
    return lambda *arguments: archiver(*arguments, "--repo", repo)


NOTE = "note: later: there is no snapshot of later yet\n"


def test_the_log_is_one_by_time_and_each_line_names_its_source(ask: Callable[..., Any]) -> None:
    done = ask("log")
    rows = [line.split("  ", 2) for line in done.stdout.splitlines()]
    assert [(time[:10], rest) for time, _, rest in rows] == [
        ("2026-01-05", "kev: +1 new, 1 updated, -1 removed (2 vulnerabilities)"),
        ("2026-01-04", "hub: 1 updated (1 record)"),
        ("2026-01-03", "kev: first snapshot (2 vulnerabilities)"),
        ("2026-01-02", "hub: first snapshot (1 record)"),
    ]
    assert done.stderr == NOTE


def test_rows_of_a_log_name_their_source(ask: Callable[..., Any]) -> None:
    rows = [json.loads(line) for line in ask("log", "-f", "jsonl").stdout.splitlines()]
    assert [row["source"] for row in rows] == ["kev", "hub", "kev", "hub"]
    table = [*csv.DictReader(ask("log", "-f", "csv", "--limit", "2").stdout.splitlines())]
    assert [(row["source"], row["new"]) for row in table] == [("kev", "1"), ("hub", "0")]


def test_one_source_is_shown_as_if_there_were_no_other(ask: Callable[..., Any]) -> None:
    done = ask("log", "--source", "hub", "-f", "jsonl")
    assert "source" not in json.loads(done.stdout.splitlines()[0])
    assert (done.returncode, done.stderr) == (0, "")


def test_sources_are_named_one_by_one(ask: Callable[..., Any]) -> None:
    done = ask("log", "--source", "hub", "--source", "kev", "--source", "hub")
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == ""
    unknown = ask("log", "--source", "hub", "--source", "huh")
    assert (unknown.returncode, 'no source is called "huh"' in unknown.stderr) == (2, True)


def test_the_last_change_of_each_source_is_compared(ask: Callable[..., Any]) -> None:
    done = ask("compare", "--stat")
    assert [line for line in done.stdout.splitlines() if "→" not in line] == [
        "kev: +1 new, 1 updated, -1 removed (2 vulnerabilities)",
        "hub: 1 updated (1 record)",
    ]
    assert done.stderr == NOTE


def test_changes_for_programs_name_their_source(ask: Callable[..., Any]) -> None:
    document = json.loads(ask("compare", "-f", "json").stdout)
    assert [each["source"] for each in document] == ["kev", "hub"]
    lines = [json.loads(line) for line in ask("compare", "-f", "jsonl").stdout.splitlines()]
    assert [(each["source"], each.get("kind")) for each in lines] == [
        *(("kev", kind) for kind in ("new", "updated", "removed", None)),
        *(("hub", kind) for kind in ("updated", None)),
    ]
    rows = [*csv.reader(ask("compare", "-f", "csv").stdout.splitlines())]
    assert rows[0][:3] == ["source", "kind", "key"]
    assert [row[0] for row in rows[1:]] == ["kev", "kev", "kev", "hub"]


def test_a_page_shows_one_source(ask: Callable[..., Any]) -> None:
    done = ask("compare", "-f", "html")
    assert (done.returncode, "name it with --source" in done.stderr) == (2, True)
    assert ask("compare", "-f", "html", "--source", "hub").returncode == 0


def test_a_period_is_summed_up_for_each_source(ask: Callable[..., Any]) -> None:
    done = ask("changes", "--since", "2026-01-03", "--stat")
    assert done.stdout.splitlines()[1::2] == [
        "kev: +1 new, 1 updated, -1 removed (2 vulnerabilities)",
        "hub: 1 updated (1 record)",
    ]
    steps = ask("changes", "--since", "2026-01-01", "--steps", "-f", "jsonl", "--stat")
    assert [json.loads(line)["source"] for line in steps.stdout.splitlines()] == ["kev", "hub"]


def test_the_changelog_is_one_by_time(ask: Callable[..., Any]) -> None:
    headings = [line for line in ask("changelog").stdout.splitlines() if line.startswith("## ")]
    assert headings == [
        "## 2026-01-05 00:00:00 UTC: kev: +1 new, 1 updated, -1 removed (2 vulnerabilities)",
        "## 2026-01-04 00:00:00 UTC: hub: 1 updated (1 record)",
        "## 2026-01-03 00:00:00 UTC: kev: first snapshot (2 vulnerabilities)",
        "## 2026-01-02 00:00:00 UTC: hub: first snapshot (1 record)",
    ]


def test_records_of_all_sources_are_listed_and_name_theirs(ask: Callable[..., Any]) -> None:
    done = ask("list")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["id", "source", "n"],
        ["a", "kev", "1"],
        ["x", "kev", "2"],
        ["a", "hub", "2"],
    ]
    rows = [json.loads(line) for line in ask("search", "a", "-f", "jsonl").stdout.splitlines()]
    assert [row["@source"] for row in rows] == ["kev", "hub"]
    table = [*csv.reader(ask("export", "--limit", "1").stdout.splitlines())]
    assert table == [["id", "source", "n"], ["a", "kev", "1"]]


def test_a_record_is_shown_from_the_source_that_has_it(ask: Callable[..., Any]) -> None:
    assert ask("show", "x").stdout.startswith("x (present)\n")
    both = ask("show", "a")
    assert (both.returncode, "a is also in hub" in both.stderr) == (2, True)
    none = ask("show", "nothing")
    assert (none.returncode, none.stderr.count("no version holds")) == (5, 1)


def test_if_no_source_can_answer_the_reason_is_the_first_one(ask: Callable[..., Any]) -> None:
    done = ask("list", "--at", "2025-01-01")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.count("there is no snapshot") == 4
