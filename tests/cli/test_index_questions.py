"""top, churn, and --by: what the index answers of metrics, noise and groups."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.git import new_repository

from archiver.capture import capture

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

FORMS = ("text", "json", "jsonl", "csv", "markdown", "html")


def model(key: str, downloads: object, **more: object) -> dict[str, Any]:
    return {"id": key, "name": f"Model {key}", "downloads": downloads, **more}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    archive.configure(metrics=["downloads", "stats.likes"], label="name")
    big = 2**70
    captures = [
        [model("a", 100, kind="x"), model("b", 10, kind="y"), model("c", 5), model("t", "many")],
        [model("a", 150, kind="x"), model("b", 10, kind="y"), model("c", 7), model("g", big)],
        [model("a", 90, kind="z"), model("b", 60, kind="y"), model("n", 30, kind=["x", "y"])],
        [model("a", 90, kind="z"), model("b", 60, kind="y", stats={"likes": 1, "x": 2})],
        [model("a", 95, kind="z"), model("b", 60, kind="y", stats={"likes": 4, "x": 2})],
        [model("a", 95, kind="z"), model("n", 31, kind=["x"]), model("b", 61, kind="y")],
    ]
    for records in captures:
        archive.lists(records)
        archive.run(accept=True)
    return archive


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    return template.copied(tmp_path / "archive")


@pytest.fixture
def ask(archive: Archive, archiver: Archiver) -> Archiver:
    archiver("index", "--repo", archive.folder)
    return lambda command, *typed: archiver(command, "--repo", archive.folder, *typed)


def test_the_top_of_a_metric_is_its_present_value(ask: Archiver) -> None:
    rows = json.loads(ask("top", "--by", "downloads", "-f", "json").stdout)
    assert [(row["key"], row["label"], row["value"]) for row in rows] == [
        ("a", "Model a", 95),
        ("b", "Model b", 61),
        ("n", "Model n", 31),
    ]


def test_movers_are_ordered_by_their_change(ask: Archiver) -> None:
    done = ask("top", "--by", "downloads", "--since", "2026-01-30", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["key"], row["then"], row["now"], row["change"], row["new"]) for row in rows] == [
        ("b", "10", "61", "51", "false"),
        ("n", "", "31", "31", "true"),
        ("a", "100", "95", "-5", "false"),
    ]


def test_growth_is_relative_and_has_no_risers(ask: Archiver) -> None:
    done = ask("top", "--by", "downloads", "--since", "2026-01-30", "--growth", "-f", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["key"], row["growth"]) for row in rows] == [("b", 5.1), ("a", -0.05)]


def test_people_see_signs_and_who_is_new(ask: Archiver) -> None:
    done = ask("top", "--by", "downloads", "--since", "2026-01-30", "--limit", "2")
    assert done.stdout.splitlines() == [
        "key  label    then  now  change  growth   new",
        "b    Model b    10   61  +51     +510.0%",
        "n    Model n         31  +31              new",
        "… and 1 more",
    ]


def test_an_archive_that_begins_later_says_so(ask: Archiver) -> None:
    done = ask("top", "--by", "downloads", "--since", "2020-01-01")
    assert done.stderr == "note: the archive begins later, at 2026-01-30 15:47:33 UTC\n"


def test_what_is_no_metric_is_refused_with_the_nearest_one(ask: Archiver) -> None:
    done = ask("top", "--by", "download")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'hub has no metric "download"; did you mean "downloads"?' in done.stderr
    assert ask("top", "--by", "downloads", "--growth").returncode == 2


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_the_record(ask: Archiver, form: str) -> None:
    for command in (("top", "--by", "downloads", "--since", "2026-01-30"), ("churn",)):
        done = ask(*command, "-f", form)
        assert (done.returncode, "b" in done.stdout) == (0, True)


def test_log_and_changes_by_a_field(ask: Archiver) -> None:
    shown = ask("changes", "--since", "2026-02-02", "--by", "kind").stdout
    assert shown.splitlines() == [
        "value  updated  metrics",
        "x            1        0",
        "y            0        1",
        "z            0        1",
        "hub: 1 updated, 2 metrics changed (3 records)",
    ]
    done = ask("log", "--by", "kind", "--limit", "1")
    assert done.stdout.splitlines()[1:-1] == ["    x: 1 returned", "    y: 1 updated"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by", ["kind", "id", "stats.x", "downloads", "stats.likes"])
def test_a_log_by_a_field_is_the_same_without_an_index(ask: Archiver, form: str, by: str) -> None:
    for span in ((), ("--at", "HEAD~2"), ("--since", "2026-02-01")):
        typed = ("log", "--by", by, "-f", form, *span)
        with_index, without = ask(*typed), ask(*typed, "--no-index")
        assert (with_index.returncode, with_index.stdout) == (0, without.stdout)


@pytest.mark.parametrize("command", [("log",), ("changes", "--since", "20y")])
def test_a_misspelt_field_is_refused(ask: Archiver, command: tuple[str, ...]) -> None:
    done = ask(*command, "--by", "kindd")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no record has a field "kindd"; did you mean "kind"?' in done.stderr


@pytest.mark.parametrize("other", ["--steps", "--stat", "--name-only"])
def test_counts_are_no_list(ask: Archiver, other: str) -> None:
    assert ask("changes", "--by", "kind", other).returncode == 2


def test_a_record_shows_how_its_metrics_moved(ask: Archiver) -> None:
    shown = ask("show", "a").stdout
    assert "    downloads  ▂█▁▂  100 → 95 (least 90, most 150)\n" in shown
    assert ask("show", "a", "--no-index").stdout == shown


def test_a_terminal_without_blocks_gets_the_numbers(archive: Archive) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IN_ASCII, "show", "a", "--repo", str(archive.folder)],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert b"    downloads  100 \\u2192 95 (least 90, most 150)\n" in done.stdout


_IN_ASCII = """
import sys
from archiver.cli import archiver
sys.stdout.reconfigure(encoding="ascii", errors="backslashreplace")
archiver.main(sys.argv[1:])
"""


@pytest.fixture
def two(repo: Path) -> Archive:
    """Return an archive with two sources."""
    archive = Archive(repo)
    archive.configure(
        '[sources.other]\ntype = "json"\nurl = "models.json"\nrecords = "models"\nkey = ["id"]\n'
    )
    for records in ([model("a", 1, kind="x")], [model("a", 2, kind="x"), model("b", 1, kind="y")]):
        archive.lists(records)
        archive.run()
        capture.run(archive.config, "other", clock=lambda: archive.time)
    return archive


def test_counts_of_several_sources_name_theirs(two: Archive, archiver: Archiver) -> None:
    done = archiver("changes", "--repo", two.folder, "--since", "20y", "--by", "kind")
    assert done.stdout.splitlines() == [
        "source  value  new  updated",
        "hub     x        0        1",
        "hub     y        1        0",
        "other   x        0        1",
        "other   y        1        0",
        "hub: +1 new, 1 updated (2 records)",
        "other: +1 new, 1 updated (2 records)",
    ]
    rows = archiver("log", "--repo", two.folder, "--by", "kind", "-f", "csv").stdout.splitlines()
    assert [row.split(",")[2:4] for row in rows[1:]] == [
        [source, value] for source in ("hub", "other") for value in ("x", "y")
    ]
    for command in (("top", "--by", "downloads"), ("churn",)):
        done = archiver(*command, "--repo", two.folder)
        assert (done.returncode, done.stdout) == (2, "")


def noisy(archive: Archive, captures: int) -> None:
    """Capture a catalogue in which much changes that is no news."""
    for day in range(captures):
        archive.lists(
            {
                "id": key,
                "size": day * 7,
                "seen": f"2026-01-{day + 1:02}T00:00:00Z",
                "tags": ["a", "b"][:: 1 if day % 2 else -1],
                "usage": {"month": day, "unit": "calls"},
                "licence": "mit" if day % 2 else "apache-2.0",
            }
            for key in "abc"
        )
        archive.run()


def test_churn_tells_what_is_noise(repo: Path, archiver: Archiver) -> None:
    archive = Archive(repo)
    archive.configure(volatile=["etag"])
    noisy(archive, 5)
    done = archiver("churn", "--repo", repo, "--limit", "1")
    assert done.stdout.splitlines() == [
        "hub: 4 captures compared, 3 records in each",
        "",
        "field    kind     changes  captures  of_captures  per_capture  of_records",
        *(
            f"{name:<7}  updated       12         4  100.0%               3.0  100.0%"
            for name in ("licence", "seen", "size", "tags", "usage")
        ),
        "",
        "key  captures  of_captures  fields",
        "a           4  100.0%       licence, seen, size, tags, usage",
        "… and 2 more",
        "",
        "suggestion: archiver.toml, [sources.hub]:",
        '    volatile = ["etag", "seen"]',
        '    metrics = ["size", "usage.month"]',
        '    sets = ["tags"]',
    ]


def test_what_archiver_toml_says_already_is_not_suggested(repo: Path, archiver: Archiver) -> None:
    archive = Archive(repo)
    archive.configure(metrics=["size", "usage.month"], volatile=["seen"], sets=["tags"])
    noisy(archive, 5)
    done = archiver("churn", "--repo", repo)
    assert done.stdout.splitlines()[-1] == "suggestion: none; no field is noise"
    rows = archiver("churn", "--repo", repo, "-f", "csv", "--since", "2026-02-02").stdout
    fields = {row["name"]: row for row in csv.DictReader(io.StringIO(rows))}
    assert fields["usage.month"]["kind"] == "metrics"
    assert fields["size"]["captures"] == "2"


def test_a_real_catalogue_has_noise(real: Path, tmp_path: Path, archiver: Archiver) -> None:
    folder, bundle = tmp_path / "radar", real / "radar-index-all.bundle"
    subprocess.run(["git", "clone", "-q", "--branch=main", str(bundle), str(folder)], check=True)
    about = ("--repo", folder, "--file", folder / "index.json", "--records", "entries")
    done = archiver("churn", *about, "--key", "slug", "--limit", "1")
    assert done.stdout.splitlines()[-4:] == [
        "suggestion: archiver.toml, [sources.NAME]:",
        '    metrics = ["downloads_30d", "likes"]',
        '    volatile = ["updated_at"]',
        "    without one: --metric downloads_30d --metric likes",
    ]
