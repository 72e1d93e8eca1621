"""Prune stamped files, and revert captures."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.git import new_repository

from archiver.capture import prune, revert
from archiver.changes.retention import Retention
from archiver.errors import NotADataRepository, UnknownRevision
from archiver.history import queries
from archiver.history.log import log
from archiver.records.model import Summary

if TYPE_CHECKING:
    from pathlib import Path

LAST = Retention(keep_last=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    found = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.configure()
    for number in range(3):
        found.captured(**{f"m{each}": number for each in range(20)})
    return found


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    """Return an archive with three captures."""
    return template.copied(tmp_path / "repo")


def pruned(archive: Archive, rules: Retention, *, dry_run: bool = False) -> str | None:
    _, commit = prune.prune(archive.target(), rules, clock=lambda: archive.time, dry_run=dry_run)
    return commit


def reverted(archive: Archive, name: str) -> str:
    capture, _ = revert.revert(archive.target(), name, clock=lambda: archive.time)
    return capture.id


def stamped(archive: Archive) -> list[str]:
    return sorted(path.name for path in (archive.folder / "data/hub/snapshots").iterdir())


def values(archive: Archive) -> list[int]:
    """Return the value of the first model in every capture of the log, newest first."""
    found = []
    catalogue = archive.target().catalogue
    for entry in log(catalogue):
        with queries.version_at(catalogue, entry.revision, now=archive.time) as version:
            found.append(int(next(iter(version.lines())).decode().rpartition(":")[2][:-1]))
    return found


def test_pruning_removes_files_by_one_commit_and_history_keeps_them(archive: Archive) -> None:
    commit = pruned(archive, LAST)
    assert (commit, archive.commits) == (archive.git("rev-parse", "HEAD"), 4)
    assert archive.git("log", "-1", "--format=%s") == (
        "hub: 2 stamped files pruned; history keeps them"
    )
    assert stamped(archive) == ["hub_models_20260201_154733.json"]
    assert archive.git("status", "--porcelain", "data") == ""
    name = "hub_models_20260130_154733.json"
    with queries.version_at(archive.target().catalogue, name, now=archive.time) as version:
        assert version.end.timestamp == "2026-01-30 15:47:33"
    assert archive.problems()[0] == []


def test_pruning_keeps_the_latest_though_a_clock_was_fast(archive: Archive) -> None:
    archive.time += timedelta(days=900)
    archive.captured(a=1, **{f"m{each}": 2 for each in range(20)})
    archive.time -= timedelta(days=900)
    archive.captured(**{f"m{each}": 2 for each in range(20)})
    pruned(archive, LAST)
    assert stamped(archive)[0] == "hub_models_20260203_154733.json"
    assert archive.problems()[0] == []


def test_pruning_again_commits_nothing(archive: Archive) -> None:
    pruned(archive, LAST)
    assert (pruned(archive, LAST), archive.commits) == (None, 4)


def test_a_plan_alone_writes_nothing(archive: Archive) -> None:
    before = archive.footprint()
    assert pruned(archive, LAST, dry_run=True) is None
    assert archive.footprint() == before


def test_the_shards_of_a_stamped_file_go_with_it(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure(shards=16)
    archive.captured(a=1)
    archive.captured(a=2)
    pruned(archive, LAST)
    name = "hub_models_20260131_154733"
    assert stamped(archive) == [name, f"{name}.json"]
    assert archive.problems()[0] == []


def test_nothing_to_prune_before_the_first_capture(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    with pytest.raises(NotADataRepository, match="no snapshot of hub yet"):
        pruned(archive, LAST)


def test_a_newest_capture_reverted_leaves_the_one_before_it_as_the_latest(
    archive: Archive,
) -> None:
    before = archive.listed("HEAD~1")
    poisoned = archive.git("rev-parse", "HEAD")
    assert reverted(archive, "HEAD") == poisoned
    assert archive.listed() == before
    assert archive.commits == 4
    assert "hub_models_20260201_154733.json" not in stamped(archive)
    assert archive.git("status", "--porcelain", "data") == ""
    assert poisoned not in {entry.revision for entry in log(archive.target().catalogue)}
    problems, audit = archive.problems()
    assert (problems, audit.snapshots) == ([], 3)


def test_an_older_capture_reverted_leaves_the_latest_alone(archive: Archive) -> None:
    latest = archive.listed()
    reverted(archive, "HEAD~1")
    assert archive.listed() == latest
    assert values(archive) == [2, 0]


def test_shards_are_restored_too(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure(shards=16)
    archive.captured(a=1, b=1)
    archive.configure(shards=1)
    archive.captured(a=2, b=2)
    reverted(archive, "HEAD")
    assert archive.problems()[0] == []
    assert archive.captured(a=1, b=1).outcome == "unchanged"
    assert archive.captured(a=1, b=3).outcome == "changed"
    assert archive.git("ls-files", "data/hub/latest") == ""


def test_the_next_capture_is_compared_with_what_was_restored(archive: Archive) -> None:
    reverted(archive, "HEAD")
    report = archive.captured(**{f"m{each}": int(each > 0) + 1 for each in range(20)})
    assert report.summary == Summary(updated=19, unchanged=1)


def test_two_captures_can_be_reverted_one_after_the_other(archive: Archive) -> None:
    reverted(archive, "HEAD")
    reverted(archive, "HEAD~2")
    assert archive.listed()["timestamp"] == "2026-01-30 15:47:33"
    assert archive.problems()[0] == []


def test_a_capture_that_was_restored_for_a_while_leaves_no_trace(archive: Archive) -> None:
    reverted(archive, "HEAD")
    reverted(archive, "HEAD~2")
    assert values(archive) == [0, 0]
    assert [entry.summary for entry in log(archive.target().catalogue)] == [
        Summary(unchanged=20),
        None,
    ]


def test_a_revert_is_not_reverted(archive: Archive) -> None:
    before = archive.git("rev-parse", "HEAD~1")
    reverted(archive, "HEAD")
    with pytest.raises(UnknownRevision, match="restored the snapshot of") as refused:
        reverted(archive, "HEAD")
    assert refused.value.hint == f"to revert that one too: archiver revert {before[:10]}"
    assert archive.commits == 4


def test_a_capture_is_reverted_once(archive: Archive) -> None:
    poisoned = archive.git("rev-parse", "HEAD")
    reverted(archive, poisoned)
    with pytest.raises(UnknownRevision, match="reverted already"):
        reverted(archive, poisoned)


def test_what_is_no_capture_is_not_reverted(archive: Archive) -> None:
    assert pruned(archive, LAST) == archive.git("rev-parse", "HEAD")
    with pytest.raises(UnknownRevision, match="is no capture of hub"):
        reverted(archive, "HEAD")
    with pytest.raises(UnknownRevision, match="there is no revision"):
        reverted(archive, "nonsense")
    assert archive.commits == 4


def test_an_only_capture_is_not_reverted(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    archive.captured(a=1)
    with pytest.raises(UnknownRevision, match="none before it"):
        reverted(archive, "HEAD")
    assert archive.commits == 1
