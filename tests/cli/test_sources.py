"""Questions to an archive with several sources: one answer, in which each line names its source."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from support.histories import History, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"

CONFIG = """\
[sources.{name}]
type = "json"
url = "x.json"
records = "models"
key = ["id"]
noun = "{noun}"
"""


def capture(past: History, source: str, day: int, **records: int) -> None:
    """Commit a snapshot of `source`, taken on a day of January 2026."""
    at = f"2026-01-{day:02} 00:00:00"
    content = snapshot(at, *({"id": key, "n": n} for key, n in records.items()))
    stamped = f"data/{source}/snapshots/{source}_models_202601{day:02}_000000.json"
    files = {f"data/{source}/latest.json": content, stamped: content}
    past.commit(f"{at.replace(' ', 'T')}Z", files, f"{source}: a capture")


@pytest.fixture
def past(repo: Path) -> History:
    """Return an archive of two sources that took turns, and one without a snapshot."""
    history = History(repo)
    nouns = {"hub": "model", "kev": "vulnerability", "new": "record"}
    config = "\n".join(CONFIG.format(name=name, noun=noun) for name, noun in nouns.items())
    history.commit("2026-01-01T00:00:00Z", {"archiver.toml": config})
    capture(history, "hub", 2, a=1)
    capture(history, "kev", 3, c=1)
    capture(history, "hub", 4, a=2, b=1)
    capture(history, "kev", 5, c=1, d=1)
    return history


@pytest.fixture
def ask(past: History, archiver: Archiver) -> Archiver:
    return lambda command, *rest: archiver(command, "--repo", past.folder, *rest)


def rows(written: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(written)))


LEFT_OUT = "note: left out: there is no snapshot of new yet\n"


def test_a_log_is_merged_by_time_and_each_line_names_its_source(ask: Archiver) -> None:
    done = ask("log")
    assert (done.returncode, done.stderr) == (0, LEFT_OUT)
    assert [line.split("  ")[::2] for line in done.stdout.splitlines()] == [
        ["2026-01-05 00:00:00", "kev: +1 new (2 vulnerabilities)"],
        ["2026-01-04 00:00:00", "hub: +1 new, 1 updated (2 models)"],
        ["2026-01-03 00:00:00", "kev: first snapshot (1 vulnerability)"],
        ["2026-01-02 00:00:00", "hub: first snapshot (1 model)"],
    ]
    assert [row["source"] for row in json.loads(ask("log", "-f", "json").stdout)] == [
        *("kev", "hub", "kev", "hub")
    ]
    assert [row["source"] for row in rows(ask("log", "-f", "csv").stdout)] == [
        *("kev", "hub", "kev", "hub")
    ]
    assert ask("log", "--limit", "1").stdout.splitlines()[1:] == ["… and 3 more"]


def test_the_last_change_of_each_source(ask: Archiver) -> None:
    blocks = [line for line in ask("compare").stdout.splitlines() if ": " in line and "→" in line]
    assert [line.partition(":")[0] for line in blocks if not line.startswith(" ")] == ["kev", "hub"]
    changes = [json.loads(line) for line in ask("compare", "-f", "jsonl").stdout.splitlines()]
    assert [(each["source"], each.get("key")) for each in changes] == [
        *(("kev", "d"), ("kev", None), ("hub", "a"), ("hub", "b"), ("hub", None))
    ]
    sets = json.loads(ask("compare", "-f", "json").stdout)
    assert [(each["source"], each["summary"]["new"]) for each in sets] == [("kev", 1), ("hub", 1)]
    table = rows(ask("compare", "-f", "csv").stdout)
    assert [(row["source"], row["key"]) for row in table] == [
        ("kev", "d"),
        ("hub", "a"),
        ("hub", "b"),
    ]
    stat = rows(ask("compare", "--stat", "-f", "csv").stdout)
    assert [row["source"] for row in stat if row["kind"] == "new"] == ["kev", "hub"]
    assert ask("compare", "-f", "markdown").stdout.count("\n## ") == 1
    assert ask("compare", "--exit-code").returncode == 1


def test_a_page_holds_every_source_unless_its_template_is_the_users(
    ask: Archiver, tmp_path: Path
) -> None:
    page = ask("compare", "-f", "html").stdout
    assert (page.count("<html"), page.count("<h1>")) == (1, 2)
    assert (
        "<title>kev: +1 new (2 vulnerabilities); hub: +1 new, 1 updated (2 models)</title>" in page
    )
    template = tmp_path / "mine.html.j2"
    template.write_text("{{ headline }}")
    refused = ask("compare", "-f", "html", "--template", template)
    assert (refused.returncode, "name it with --source" in refused.stderr) == (2, True)
    one = ask("compare", "-f", "html", "--template", template, "--source", "kev")
    assert one.stdout == "+1 new (2 vulnerabilities)"


def test_a_period_of_every_source(ask: Archiver) -> None:
    net = json.loads(ask("changes", "--since", "2026-01-01", "-f", "json").stdout)
    assert [(each["source"], each["to"]["timestamp"][:10]) for each in net] == [
        ("kev", "2026-01-05"),
        ("hub", "2026-01-04"),
    ]
    steps = ask("changes", "--since", "2026-01-01", "--steps", "--stat").stdout.splitlines()
    assert [line for line in steps if "→" not in line] == [
        "kev: +1 new (2 vulnerabilities)",
        "hub: +1 new, 1 updated (2 models)",
    ]


def test_a_changelog_of_every_source(ask: Archiver) -> None:
    done = ask("changelog")
    headings = [line for line in done.stdout.splitlines() if line.startswith(("# ", "## "))]
    assert headings == [
        "# Changelog of hub, kev, new",
        "## 2026-01-05 00:00:00 UTC: kev: +1 new (2 vulnerabilities)",
        "## 2026-01-04 00:00:00 UTC: hub: +1 new, 1 updated (2 models)",
        "## 2026-01-03 00:00:00 UTC: kev: first snapshot (1 vulnerability)",
        "## 2026-01-02 00:00:00 UTC: hub: first snapshot (1 model)",
    ]


def test_records_name_their_source(ask: Archiver) -> None:
    lines = ask("list").stdout.splitlines()
    assert [line.split() for line in lines] == [
        *(["id", "source", "n"], ["a", "hub", "2"], ["b", "hub", "1"], []),
        *(["id", "source", "n"], ["c", "kev", "1"], ["d", "kev", "1"]),
    ]
    assert ask("list", "--limit", "3").stdout.endswith("\n… and 1 more\n")
    assert [line.split()[0] for line in ask("search", "d").stdout.splitlines()] == ["id", "d"]
    exported = [json.loads(line) for line in ask("export", "-f", "jsonl").stdout.splitlines()]
    assert exported[2] == {"id": "c", "n": 1, "@source": "kev"}
    assert [row["source"] for row in rows(ask("export", "-f", "csv").stdout)] == [
        *("hub", "hub", "kev", "kev")
    ]


def test_the_life_of_a_record_is_looked_for_in_every_source(ask: Archiver) -> None:
    done = ask("show", "d")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "kev: d (present)")
    assert json.loads(ask("show", "d", "-f", "json").stdout)[0]["source"] == "kev"
    assert {row["source"] for row in rows(ask("show", "a", "-f", "csv").stdout)} == {"hub"}
    assert ask("show", "a", "--blame").stdout.startswith("hub: a (present)\n")
    assert ask("show", "nobody").returncode == 5


def test_some_sources_are_named(ask: Archiver) -> None:
    both = ask("log", "--source", "hub", "--source", "kev")
    assert (both.stderr, len(both.stdout.splitlines())) == ("", 4)
    one = ask("log", "--source", "kev")
    assert one.stdout.splitlines()[0].endswith("  +1 new (2 vulnerabilities)")
    assert "source" not in json.loads(ask("log", "--source", "kev", "-f", "json").stdout)[0]
    wrong = ask("log", "--source", "kevv")
    assert (wrong.returncode, 'did you mean "kev"?' in wrong.stderr) == (2, True)
    none = ask("log", "--source", "new")
    assert (none.returncode, "there is no snapshot of new yet" in none.stderr) == (5, True)


def test_a_time_before_a_source_began_leaves_it_out(ask: Archiver) -> None:
    done = ask("list", "--at", "2026-01-02", "-f", "jsonl")
    assert [json.loads(line)["@source"] for line in done.stdout.splitlines()] == ["hub"]
    assert "note: left out: there is no snapshot at or before 2026-01-02" in done.stderr
    assert ask("list", "--at", "2025-12-31").returncode == 5


def test_a_plain_file_is_compared_with_one_source(ask: Archiver, tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_bytes(snapshot("2026-01-01 00:00:00", {"id": "a", "n": 1}))
    new.write_bytes(snapshot("2026-01-02 00:00:00", {"id": "a", "n": 2}))
    assert ask("compare", old, new, "--stat").stdout.endswith("1 updated (1 record)\n")
    refused = ask("compare", old)
    assert (refused.returncode, "name one with --source: hub, kev, new" in refused.stderr) == (
        2,
        True,
    )
    assert ask("compare", old, "--source", "hub", "--stat").returncode == 0
