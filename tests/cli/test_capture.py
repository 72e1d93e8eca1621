"""run, prune, import, revert and verify, typed as people type them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import pytest
from support.archives import Archive

from archiver.fakehub.catalogue import Catalogue
from archiver.fakehub.server import FakeHub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"

TWO = """\
[sources.hub]
type = "json"
url = "models.json"
records = "models"
key = "id"

[sources.other]
type = "json"
url = "{url}"
records = "models"
key = "id"
"""


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive without any capture."""
    found = Archive(repo)
    found.configure()
    found.lists(a=1, b=1)
    return found


@pytest.fixture
def keep(archive: Archive, archiver: Archiver) -> Archiver:
    """Return what runs a command on the archive."""
    return lambda command, *rest: archiver(command, "--repo", archive.folder, *rest)


def two_sources(archive: Archive, url: str) -> None:
    (archive.folder / "archiver.toml").write_text(TWO.format(url=url))


def stamped(archive: Archive) -> str:
    """Return the name of the newest stamped file."""
    return max(path.name for path in (archive.folder / "data/hub/snapshots").iterdir())


def test_a_first_run_is_one_line_with_commit_and_file(archive: Archive, keep: Archiver) -> None:
    done = keep("run")
    head = archive.git("rev-parse", "HEAD")[:10]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"hub: first snapshot (2 records)  {head}  {stamped(archive)}\n"


def test_a_run_shows_the_first_changes_and_how_many_more(archive: Archive, keep: Archiver) -> None:
    keep("run")
    archive.lists(a=2, b=1, **{f"m{number}": 1 for number in range(7)})
    headline, *shown = keep("run").stdout.splitlines()
    assert headline.startswith("hub: +7 new, 1 updated (9 records)  ")
    assert shown == [
        *("+ m0", "+ m1", "+ m2", "+ m3", "+ m4"),
        "… and 3 more: archiver compare --source hub",
    ]


def test_a_run_shows_first_what_is_gone(archive: Archive, keep: Archiver) -> None:
    archive.lists(**{f"m{number}": 1 for number in range(30)}, z=1)
    keep("run")
    archive.lists(**{f"m{number}": 2 for number in range(30)})
    lines = keep("run").stdout.splitlines()
    assert lines[1] == "* n: changed in 30 of 30"
    assert next(line for line in lines[2:] if not line.startswith("  ")) == "- z"


def test_a_run_on_identical_records_says_so(keep: Archiver) -> None:
    keep("run")
    done = keep("run")
    assert (done.returncode, done.stdout) == (0, "hub: nothing changed (2 records)\n")


def test_a_dry_run_says_that_nothing_was_written(archive: Archive, keep: Archiver) -> None:
    done = keep("run", "--dry-run")
    assert done.stdout == "hub: first snapshot (2 records), dry run: nothing was written\n"
    assert archive.git("rev-list", "--all") == ""


def test_notes_go_to_standard_error(archive: Archive, keep: Archiver) -> None:
    archive.lists([{"id": f"m{number}"} for number in range(100)] + [{"name": "x\x1b[31m"}])
    done = keep("run")
    assert done.stderr.startswith("hub: note: left out, no usable record: /models/100 ")


def test_reports_are_one_json_document(archive: Archive, keep: Archiver) -> None:
    two_sources(archive, "models.json")
    reports = json.loads(keep("run", "-f", "json").stdout)
    assert [(report["source"], report["outcome"]) for report in reports] == [
        ("hub", "first"),
        ("other", "first"),
    ]
    assert reports[1]["revision"] == archive.git("rev-parse", "HEAD")
    assert [report["outcome"] for report in json.loads(keep("run", "-f", "json").stdout)] == [
        "unchanged",
        "unchanged",
    ]


@pytest.mark.parametrize("order", [("hub", "other"), ("other", "hub"), ()])
def test_the_trouble_of_one_source_never_stops_the_others(
    archive: Archive, keep: Archiver, order: tuple[str, ...]
) -> None:
    two_sources(archive, "nowhere.json")
    done = keep("run", *order)
    assert done.returncode == 3
    assert done.stdout.startswith("hub: first snapshot (2 records)")
    assert done.stderr.startswith("archiver: other: ")
    assert archive.commits == 1


def test_the_worst_exit_code_wins(archive: Archive, keep: Archiver) -> None:
    two_sources(archive, "models.json")
    keep("run")
    archive.lists()
    (archive.folder / "empty.json").write_text("nonsense")
    two_sources(archive, "empty.json")
    done = keep("run", "other", "hub")
    assert done.returncode == 4
    assert [line[:17] for line in done.stderr.splitlines() if line.startswith("archiver")] == [
        "archiver: other: ",
        "archiver: hub: th",
    ]


def test_a_refused_listing_is_taken_when_it_is_accepted(archive: Archive, keep: Archiver) -> None:
    keep("run")
    archive.lists()
    refused = keep("run")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.splitlines()[0] == (
        "archiver: hub: the listing is empty: all 2 records are gone"
    )
    assert keep("run", "--accept").stdout.startswith("hub: -2 removed (0 records)")


def test_an_unknown_source_is_refused_before_any_is_run(archive: Archive, keep: Archiver) -> None:
    done = keep("run", "hub", "hab")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no source is called "hab"; did you mean "hub"?' in done.stderr
    assert archive.git("rev-list", "--all") == ""


def test_no_source_is_a_mistake(archive: Archive, keep: Archiver) -> None:
    (archive.folder / "archiver.toml").write_text("")
    done = keep("run")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "archiver: no source is configured",
    )


def test_debug_shows_where_a_source_failed(archive: Archive, archiver: Archiver) -> None:
    (archive.folder / "models.json").unlink()
    done = archiver("--debug", "run", "--repo", archive.folder)
    assert "Traceback (most recent call last)" in done.stderr


def test_a_hub_is_captured_over_http(archive: Archive, keep: Archiver) -> None:
    with FakeHub(Catalogue(models=200)) as hub:
        archive.configure(url=hub.url)
        assert keep("run").stdout.startswith("hub: first snapshot (200 records)")
        done = keep("run")
        assert done.stdout == "hub: nothing changed (200 records)\n"
        assert done.stderr == "hub: note: the source says that nothing was modified\n"


def test_pruning_is_a_dry_run_until_it_is_confirmed(archive: Archive, keep: Archiver) -> None:
    first, second = (archive.captured(a=n).snapshot for n in (1, 2))
    plan = [f"keep    {second}  newest, last", f"remove  {first}"]
    done = keep("prune", "--keep-last", "1")
    assert done.stdout.splitlines() == [
        *plan,
        "hub: 1 kept, 1 to remove: a dry run, --yes does it; history keeps them all",
    ]
    assert archive.commits == 2
    done = keep("prune", "--keep-last", "1", "--yes")
    head = archive.git("rev-parse", "HEAD")[:10]
    assert done.stdout.splitlines() == [*plan, f"hub: 1 kept, 1 removed  {head}"]
    assert keep("prune", "--keep-last", "1", "--yes").stdout.endswith("hub: 1 kept, 0 to remove\n")


def test_pruning_takes_the_rules_of_archiver_toml(archive: Archive, keep: Archiver) -> None:
    archive.captured(a=1)
    archive.captured(a=2)
    archive.configure("[retention]\nkeep_days = 1")
    assert "hub: 1 kept, 1 to remove" in keep("prune").stdout
    assert "hub: 2 kept, 0 to remove" in keep("prune", "--older-than", "90y").stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing says what to remove"),
        (("--older-than", "soon"), "'soon' is no number of whole days"),
        (("--older-than", "36h"), "'36h' is no number of whole days"),
        (("--older-than", "2026-01-01"), "'2026-01-01' is no number of whole days"),
        (("--keep-last", "0"), "--keep-last"),
        (("--keep-last", "1", "--source", "hab"), 'no source is called "hab"'),
    ],
)
def test_rules_that_say_nothing_are_refused(
    keep: Archiver, options: tuple[str, ...], words: str
) -> None:
    done = keep("prune", *options)
    assert (done.returncode, words in done.stderr) == (2, True)


def test_a_capture_is_taken_back(archive: Archive, keep: Archiver) -> None:
    archive.captured(a=1)
    poisoned = archive.captured(a=2).revision
    done = keep("revert", "HEAD")
    head = archive.git("rev-parse", "HEAD")
    assert done.stdout == (
        f"hub: reverted the capture of 2026-01-31 15:47:33 ({str(poisoned)[:10]})  {head[:10]}\n"
    )
    assert keep("revert", str(poisoned)).returncode == 5


def test_an_archive_is_verified(archive: Archive, keep: Archiver) -> None:
    archive.captured(a=1, b=1)
    archive.captured(a=2, b=1)
    done = keep("verify")
    assert (done.returncode, done.stdout) == (0, "hub: verified 2 snapshots, 4 records\n")


def test_a_problem_is_named_and_fails(archive: Archive, keep: Archiver) -> None:
    archive.captured(a=1)
    two_sources(archive, "models.json")
    (archive.folder / "data/hub/latest.json").write_text("mine")
    archive.git("commit", "--quiet", "--all", "--message=mine")
    head = archive.git("rev-parse", "HEAD")[:10]
    done = keep("verify")
    assert done.returncode == 5
    assert done.stdout.splitlines() == [
        f"hub: {head} data/hub/latest.json: it is no canonical snapshot",
        "hub: verified 1 snapshot, 1 record",
        "other: verified 0 snapshots, 0 records",
    ]
    assert done.stderr == "archiver: hub: 1 problem found, see above\n"


def test_old_files_are_imported_once(archive: Archive, archiver: Archiver, tmp_path: Path) -> None:
    for day in (1, 2):
        text = json.dumps({"models": [{"id": "a", "n": day}]}, indent=4)
        (tmp_path / f"hub_models_2026010{day}_000000.json").write_text(text)
    (tmp_path / "hub_models_20260103_000000.json").write_text("<html>")
    command = ("import", tmp_path, "--repo", archive.folder)
    done = archiver(*command)
    assert done.stdout == "hub: imported 2 snapshots (1 record); 1 left out\n"
    (left_out,) = done.stderr.splitlines()
    assert left_out.startswith(f"hub: left out: {tmp_path}/hub_models_20260103_000000.json: ")
    assert archiver(*command).stdout == "hub: nothing to import: all 2 are there already\n"


def test_a_history_is_imported(archive: Archive, archiver: Archiver, tmp_path: Path) -> None:
    other = Archive(tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "--quiet")
    for number in (1, 1, 2):
        other.lists(x=number)
        other.git("add", ".")
        other.git("commit", "--quiet", "--allow-empty", "--message=a version")
    shape = ("--file", "models.json", "--records", "models", "--key", "id")
    done = archiver("import", other.folder, *shape, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (0, "hub: imported 2 snapshots (1 record)\n")
    url = f"file://{other.folder}"
    done = archiver("import", url, *shape, "--repo", archive.folder)
    assert done.stdout == "hub: nothing to import: all 2 are there already\n"


def test_a_url_needs_a_file_and_a_protocol_that_runs_nothing(keep: Archiver) -> None:
    done = keep("import", "https://127.0.0.1:1/x.git")
    assert (done.returncode, "name a file of it with --file" in done.stderr) == (2, True)
    done = keep("import", "ext::touch pwned", "--file", "x.json")
    said = "archiver: ext::touch pwned is not the URL of a repository that can be imported\n"
    assert (done.returncode, done.stderr.startswith(said)) == (2, True)
    done = keep("import", "nowhere", "--file", "x.json")
    assert (done.returncode, "Path 'nowhere' does not exist" in done.stderr) == (2, True)


def test_an_import_of_two_repositories_is_refused(archive: Archive, keep: Archiver) -> None:
    done = keep("import", archive.folder, archive.folder, "--file", "x.json")
    assert (done.returncode, "one repository" in done.stderr) == (2, True)
