"""Carry an archive over to another layout: a commit without news, and the same answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.exports import REAL, Real, cloned
from support.git import new_repository

from archiver.capture import revert
from archiver.capture.migration import Migration, migrate
from archiver.errors import ConfigError, NotADataRepository, UnreadableSnapshot
from archiver.history.catalogue import LAYOUT
from archiver.history.log import log
from archiver.sync import push

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.snapshots import Shards

QUESTIONS = (
    ("list", "-f", "jsonl"),
    ("log", "-f", "jsonl"),
    ("export", "-f", "csv-raw"),
    ("changes", "--since", "20y", "-f", "jsonl"),
    ("changes", "--since", "20y", "--steps", "-f", "jsonl"),
    ("search", "a", "-f", "jsonl"),
    ("top", "--by", "n"),
    ("churn",),
    ("changelog",),
    ("sql", "SELECT count(*) FROM records"),
)
"""Answers whose lines are the same in any layout; shards are answered one after the other."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an archive with three captures."""
    found = Archive(new_repository(tmp_path / "repo"))
    found.configure(metrics=["n"])
    for number in range(3):
        found.captured(**{f"m{each}": number + each for each in range(30 + number)})
    return found


def carried(archive: Archive, shards: Shards | None = None, *, dry_run: bool = False) -> Migration:
    return migrate(archive.target(), shards, clock=lambda: archive.time, dry_run=dry_run)


def answers(folder: Path, questions: tuple[tuple[str, ...], ...] = QUESTIONS) -> list[Any]:
    found = []
    for question in questions:
        done = run_archiver(*question, "--repo", folder)
        found.append((question[0], done.returncode, sorted(map(same, done.stdout.splitlines()))))
    return found


def same(line: str) -> str:
    """Return a line without the id of the newest commit."""
    if not line.startswith("{"):
        return line
    row = json.loads(line)
    return json.dumps(
        {
            **row,
            "subject": None,
            "committed_at": None,
            "current": None,
            "old": None,
            "revision": None,
            "to": None,
        }
    )


@pytest.mark.parametrize("shards", [16, 256, 4096])
def test_a_migration_changes_files_and_no_answer(archive: Archive, shards: Shards) -> None:
    before = answers(archive.folder)
    assert all(code == 0 for _, code, _ in before)
    plan = carried(archive, shards)
    assert (plan.before, plan.after) == (1, shards)
    said = archive.git("log", "-1", f"--format=%(trailers:key={LAYOUT},valueonly)").strip()
    assert said == f"{shards} {archive.git('rev-parse', 'HEAD~1')}"
    assert archive.git("status", "--porcelain", "data") == ""
    assert archive.problems()[0] == []
    assert answers(archive.folder) == before


def test_the_next_run_keeps_the_layout_and_tells_only_its_own_news(archive: Archive) -> None:
    carried(archive, 16)
    commits = archive.commits
    assert archive.run().outcome == "unchanged"
    assert archive.commits == commits
    report = archive.captured(m0=7, **{f"m{each}": 2 + each for each in range(1, 32)})
    assert (report.summary.metrics, report.summary.news) == (1, 0)
    assert len(archive.listed()["shards"]) == 16
    assert archive.problems()[0] == []


def test_a_migration_goes_back_to_one_file(archive: Archive) -> None:
    whole = archive.git("rev-parse", "HEAD:data/hub/latest.json")
    carried(archive, 256)
    assert carried(archive, 1)[:2] == (256, 1)
    assert archive.git("rev-parse", "HEAD:data/hub/latest.json") == whole
    assert not (archive.folder / "data/hub/latest").exists()
    assert archive.problems()[0] == []


def test_nothing_is_written_where_nothing_is_to_do_or_only_asked(archive: Archive) -> None:
    before = archive.footprint()
    assert carried(archive, 16, dry_run=True).revision is None
    assert carried(archive).revision is None
    assert archive.footprint(but=".git/archiver") == {
        path: digest for path, digest in before.items() if not path.startswith(".git/archiver")
    }


def test_what_the_header_says_stays(archive: Archive) -> None:
    archive.configure('[sources.hub.metrics]\nfields = ["n"]\nevery = "7d"')
    archive.captured(new=1, **{f"m{each}": 90 + each for each in range(32)})
    before = archive.listed()
    assert "metrics" in before
    carried(archive, 16)
    after = archive.listed()
    del before["models"], after["shards"]
    assert after == before


def test_a_number_that_the_next_run_would_take_back_is_refused(archive: Archive) -> None:
    archive.configure(metrics=["n"], shards=1)
    with pytest.raises(ConfigError, match=r"archiver\.toml says shards = 1 for hub"):
        carried(archive, 16)
    archive.configure(metrics=["n"], shards=16)
    assert carried(archive).after == 16


def test_an_empty_archive_and_a_damaged_one_are_refused(archive: Archive, tmp_path: Path) -> None:
    empty = Archive(new_repository(tmp_path / "empty"))
    empty.configure()
    with pytest.raises(NotADataRepository):
        carried(empty, 16)
    latest = archive.folder / "data/hub/latest.json"
    latest.write_bytes(latest.read_bytes().replace(b'"n":2', b'"n":5'))
    message = archive.git("log", "-1", "--format=%B")
    archive.git("commit", "--quiet", "-am", message)
    with pytest.raises(UnreadableSnapshot, match="are not those that its commit names"):
        carried(archive, 16)


def test_a_capture_that_was_carried_over_is_reverted_as_one(archive: Archive) -> None:
    before = archive.git("rev-parse", "HEAD~1:data/hub/latest.json")
    carried(archive, 16)
    newest = archive.git("rev-parse", "HEAD")
    revert.revert(archive.target(), newest, clock=lambda: archive.time)
    assert archive.git("rev-parse", "HEAD:data/hub/latest.json") == before
    entries = [*log(archive.target().catalogue)]
    assert len(entries) == 2 + 1, "two captures, and the commit that restored the second"
    assert archive.problems()[0] == []
    assert archive.captured(**{f"m{each}": 9 + each for each in range(31)}).outcome == "changed"


def test_a_capture_is_reverted_by_its_own_id_after_a_migration_too(archive: Archive) -> None:
    before = archive.git("rev-parse", "HEAD~1:data/hub/latest.json")
    capture = archive.git("rev-parse", "HEAD")
    carried(archive, 16)
    carried(archive, 256)
    revert.revert(archive.target(), capture, clock=lambda: archive.time)
    assert archive.git("rev-parse", "HEAD:data/hub/latest.json") == before
    assert archive.problems()[0] == []


def test_a_restored_snapshot_is_carried_over_and_reverted(archive: Archive) -> None:
    first, second, third = archive.git("log", "--reverse", "--format=%H").split()
    revert.revert(archive.target(), third, clock=lambda: archive.time)
    carried(archive, 16)
    assert len([*log(archive.target().catalogue)]) == 3, "two captures, and what restored one"
    revert.revert(archive.target(), second, clock=lambda: archive.time)
    assert archive.git("rev-parse", "HEAD:data/hub/latest.json") == archive.git(
        "rev-parse", f"{first}:data/hub/latest.json"
    )
    assert archive.problems()[0] == []


def test_an_index_of_before_answers_as_git_does(archive: Archive) -> None:
    assert run_archiver("index", "--repo", archive.folder).returncode == 0
    carried(archive, 16)
    archive.captured(**{f"m{each}": each for each in range(30)})
    for question in (("log",), ("show", "m31"), ("changes", "--since", "20y", "--steps")):
        with_index = run_archiver(*question, "--repo", archive.folder)
        without = run_archiver(*question, "--no-index", "--repo", archive.folder)
        assert (with_index.returncode, with_index.stdout) == (0, without.stdout)


@pytest.fixture
def other(archive: Archive, tmp_path: Path) -> Archive:
    """Return another copy of the archive; both push to one remote."""
    remote = tmp_path / "remote.git"
    archive.git("init", "--quiet", "--bare", str(remote))
    archive.git("add", "archiver.toml")
    archive.git("commit", "--quiet", "-m", "Begin")
    archive.git("remote", "add", "origin", str(remote))
    archive.git("push", "--quiet", "-u", "origin", "HEAD")
    found = Archive(tmp_path / "other", archive.time)
    archive.git("clone", "--quiet", str(remote), str(found.folder))
    for name in ("user.name", "user.email"):
        found.git("config", name, "other@example.org")
    return found


def newer(other: Archive) -> None:
    """Capture in the other copy, and push."""
    other.captured(m0=50, **{f"m{each}": 2 + each for each in range(1, 32)})
    other.git("push", "--quiet")


def test_a_migration_that_lost_a_race_is_left_out_and_said(
    archive: Archive, other: Archive
) -> None:
    newer(other)
    carried(archive, 16)
    done = push.push(archive.config, clock=lambda: archive.time)
    assert any("the other layout was not pushed" in note for note in done.notes)
    assert archive.git("rev-parse", "HEAD") == other.git("rev-parse", "HEAD")


def test_a_revert_after_a_migration_survives_a_race(archive: Archive, other: Archive) -> None:
    capture = archive.git("rev-parse", "HEAD~1")
    newer(other)
    carried(archive, 16)
    revert.revert(archive.target(), "HEAD", clock=lambda: archive.time)
    push.push(archive.config, clock=lambda: archive.time)
    assert capture not in {entry.revision for entry in log(archive.target().catalogue)}
    assert archive.problems()[0] == []


def test_what_another_copy_carried_over_is_reverted_too(archive: Archive, other: Archive) -> None:
    capture = archive.git("rev-parse", "HEAD~1")
    carried(other, 16)
    other.git("push", "--quiet")
    revert.revert(archive.target(), capture, clock=lambda: archive.time)
    done = push.push(archive.config, clock=lambda: archive.time)
    assert not [note for note in done.notes if "not reverted" in note]
    timestamps = [entry.timestamp for entry in log(archive.target().catalogue)]
    assert other.listed()["timestamp"] not in timestamps[:1]
    assert archive.problems()[0] == []


def test_the_commands_say_what_they_did(archive: Archive) -> None:
    def said(*words: str) -> str:
        done = run_archiver(*words, "--repo", archive.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert said("migrate", "--shards", "16").startswith("hub: 1 → 16 files, the largest ")
    assert said("migrate", "--shards", "16", "--yes").startswith("hub: 1 → 16 files")
    assert said("migrate", "--shards", "16", "--yes") == "hub: nothing to do: files: 16"
    assert " → " in said("pack")
    assert said("pack").startswith("nothing to pack")
    archive.git("fsck", "--full", "--strict")


@pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
def test_the_import_of_a_real_history_answers_alike_in_another_layout(
    real: Path, tmp_path: Path, case: Real
) -> None:
    options = dict(zip(case.options[::2], case.options[1::2], strict=True))
    keys = [value for name, value in _pairs(case.options) if name == "--key"]
    archive = Archive(new_repository(tmp_path / "archive"))
    metrics = [value for name, value in _pairs(case.options) if name == "--metric"]
    archive.configure(records=options["--records"], key=keys, metrics=metrics)
    source = cloned(real, case.name, tmp_path / "clone")
    done = run_archiver("import", source, "--file", options["--file"], "--repo", archive.folder)
    assert done.returncode == 0, done.stderr
    questions = QUESTIONS[:3]
    before = answers(archive.folder, questions)
    assert all(code == 0 for _, code, _ in before)
    carried(archive, 16)
    assert answers(archive.folder, questions) == before
    assert archive.problems()[0] == []


def _pairs(options: tuple[str, ...]) -> list[tuple[str, str]]:
    return [*zip(options[::2], options[1::2], strict=True)]
