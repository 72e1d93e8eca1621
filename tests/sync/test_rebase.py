"""Captures that are rebased onto what others pushed: never a false removal, return or value."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.copies import PATIENT, Copy, Hub
from support.git import run_git

from archiver.capture import prune, runlog
from archiver.capture import revert as reverting
from archiver.capture.target import open_target
from archiver.changes.retention import Retention
from archiver.errors import PushRejected, SourceError, StoreError
from archiver.history.catalogue import configured
from archiver.jobs.job import Job
from archiver.store.repository import Repository
from archiver.sync import push

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@pytest.fixture
def first(hub: Hub) -> Copy:
    """Return a copy that removes a record only when two listings lacked it."""
    return hub.first(PATIENT)


def revert(copy: Copy, name: str = "HEAD") -> str:
    with Repository.open(copy.folder) as repository:
        target = open_target(copy.config, "a", repository)
        return reverting.revert(target, name, clock=copy.clock)[1]


def known(copy: Copy, source: str = "a") -> list[runlog.Run]:
    with Repository.open(copy.folder) as repository:
        return runlog.load(configured(copy.config, source, repository))


def test_an_old_tombstone_removes_nothing_that_others_saw_return(hub: Hub, first: Copy) -> None:
    hub.lists("a", one=1, two=2, x=3)
    first.run("a")
    hub.lists("a", one=1, two=2)
    first.run("a")
    first.run("a")
    assert "x" not in hub.records("a")
    second = hub.clone("second")
    hub.race(first, second, theirs={"one": 1, "two": 2, "x": 3}, ours={"one": 9, "two": 2})
    assert hub.subjects()[:2] == ["a: 1 updated (3 records)", "a: 1 returned (3 records)"]
    assert hub.records("a") == {"one": 9, "two": 2, "x": 3}


def test_a_removal_of_a_dropped_capture_is_dropped_with_it(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, x=3)
    hub.lists("a", one=1)
    second.run("a", job=Job())
    assert second.run("a", job=Job()).summary.removed == 1
    hub.race(first, second, theirs={"one": 1, "x": 3, "y": 4}, ours={"one": 9, "y": 4})
    assert hub.subjects()[0] == "a: 1 updated (3 records)"
    assert hub.records("a") == {"one": 9, "x": 3, "y": 4}


def test_a_record_that_was_only_kept_does_not_return(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, y=9)
    hub.lists("a", one=1)
    first.run("a")
    first.run("a")
    hub.lists("a", one=9)
    second.stale_run("a")
    assert hub.subjects()[:2] == ["a: 1 updated (1 record)", "a: -1 removed (1 record)"]
    assert hub.records("a") == {"one": 9}


def test_a_value_that_was_only_kept_replaces_none_that_others_saw(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, y=9)
    report = hub.race(first, second, theirs={"one": 1, "y": 10}, ours={"one": 9})
    assert hub.subjects()[0] == "a: 1 updated (2 records)"
    assert [change.key for change in report.changes] == ["one"]
    assert hub.records("a") == {"one": 9, "y": 10}


def test_a_run_in_the_future_does_not_decide_whose_memory_counts(hub: Hub, first: Copy) -> None:
    """Both copies know that run; the second one ran later, and saw x."""
    hub.time += timedelta(days=1000)
    hub.lists("a", one=1, two=2, x=3)
    first.run("a")
    hub.time -= timedelta(days=1000)
    second = hub.clone("second")
    second.run("a")
    hub.lists("a", one=1, two=2)
    first.stale_run_without_push("a")
    hub.lists("a", one=1, two=2, x=3)
    second.run("a")
    assert "missing.jsonl" in first.git("ls-tree", "-r", "refs/archiver/state")
    push.fetched(first.config, clock=first.clock)
    assert "missing.jsonl" not in first.git("ls-tree", "-r", "refs/archiver/state")


def test_what_others_reverted_stays_away(hub: Hub, first: Copy) -> None:
    hub.lists("a", one=1)
    first.run("a")
    second = hub.second(first, one=1, junk=0)
    revert(first)
    first.run("b")
    hub.lists("a", one=1, good=2)
    second.stale_run("a")
    assert hub.subjects()[0] == "a: +1 new (2 records)"
    assert hub.records("a") == {"one": 1, "good": 2}


def test_without_the_state_a_line_that_did_not_change_says_nothing(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, y=9)
    hub.lists("a", one=1, y=10)
    first.run("a")
    hub.lists("a", one=9)
    second.run("a", job=Job())
    second.git("update-ref", "-d", "refs/archiver/state")
    second.stale_run("b")
    assert hub.records("a") == {"one": 9, "y": 10}


def test_a_run_tells_what_was_pushed_and_not_what_it_had_thought(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1)
    report = hub.race(
        first, second, theirs={"one": 1, "two": 2}, ours={"one": 1, "two": 2, "three": 3}
    )
    assert (report.summary.new, report.new.total) == (1, 3)
    assert report.revision == hub.git("rev-parse", "main").strip()
    run = known(second)[-1]
    assert (run.new, run.total, run.snapshot) == (1, 3, report.snapshot)
    assert str(report.snapshot) in hub.git("ls-tree", "-r", "--name-only", "main")


def test_a_run_whose_capture_was_dropped_says_that_nothing_changed(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1)
    hub.lists("a", one=1, two=2)
    first.run("a")
    report = second.stale_run("a")
    assert (report.outcome, report.revision, report.snapshot) == ("unchanged", None, None)
    assert (report.summary.news, report.new.total) == (0, 2)
    assert report.notes[-1] == "a: dropped: what it found was pushed already"
    run = known(second)[-1]
    assert (run.outcome, run.new, run.total, run.snapshot) == ("unchanged", 0, 2, "")
    assert second.git("rev-parse", "HEAD") == first.git("rev-parse", "HEAD")


def test_a_capture_that_is_rebased_twice_still_says_only_what_it_listed(
    hub: Hub, first: Copy
) -> None:
    second = hub.second(first, one=1, two=2)
    hub.lists("a", one=1, two=2, q=3)
    first.run("a")
    hub.lists("a", one=1, two=2)
    first.run("a", job=Job())
    first.run("a", job=Job())  # the removal of q, not pushed yet
    hook = hub.refuses("exit 1")
    hub.lists("a", one=9, two=2)
    second.stale_run_without_push("a")
    with pytest.raises(PushRejected):
        second.run("b")  # joined, with q carried along, and not pushed
    hook.unlink()
    first.run("b")
    second.run("b")
    assert hub.records("a") == {"one": 9, "two": 2}
    assert not any("returned" in subject for subject in hub.subjects())
    assert '"q"' in hub.git("show", "main:data/a/removed.jsonl")


def test_trouble_is_written_into_the_report_of_the_run_that_met_it(first: Copy) -> None:
    began = first.clock()
    first.run("a", job=Job())
    later = first.clock() + timedelta(seconds=5)  # of another copy, joined meanwhile
    failure = SourceError("away")
    runlog.record_failure(first.config, "a", failure, began=later, now=later)
    runlog.record_failure(
        first.config, "a", PushRejected("no"), began=began, now=later, captured=True
    )
    assert [(run.outcome, run.code) for run in known(first)] == [("first", 5), ("failed", 3)]


def test_counters_alone_are_dropped_where_only_news_is_committed(hub: Hub, first: Copy) -> None:
    toml = first.folder / "archiver.toml"
    rules = 'metrics = ["value"]\ncommit = "news"\nmax_shrink'
    toml.write_text(toml.read_text().replace("max_shrink", rules))
    first.git("commit", "--quiet", "-am", "News only")
    second = hub.second(first, one=1)
    hub.race(first, second, theirs={"one": 1, "two": 2}, ours={"one": 5, "two": 2})
    assert hub.subjects()[0] == "a: +1 new (2 records)"
    assert second.git("rev-parse", "HEAD") == first.git("rev-parse", "HEAD")


def test_a_capture_that_was_reverted_here_is_reverted_there(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1)
    hub.lists("a", one=1, junk=0)
    second.run("a", job=Job())
    revert(second)
    first.run("b")
    second.run("a", job=Job(push=True))
    assert hub.subjects()[1].startswith("a: reverted the capture of ")
    rows = hub.git("show", "main~1:data/a/reverted.jsonl")
    capture = rows.split('"')[3]
    assert hub.git("log", "-1", "--format=%s", capture).strip() == "a: +1 new (2 records)"
    hub.git("merge-base", "--is-ancestor", capture, "main")
    assert second.is_clean()


def test_a_revert_survives_a_capture_that_was_pushed_meanwhile(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1)
    hub.lists("a", one=1, junk=0)
    second.run("a", job=Job())
    revert(second)
    hub.lists("a", one=1, two=2)
    first.run("a")
    second.stale_run("b")
    assert hub.records("a") == {"one": 1, "two": 2}
    assert not any("reverted the" in subject for subject in hub.subjects())


def test_pruned_files_are_pruned_there_too(hub: Hub, first: Copy) -> None:
    for value in (1, 2):
        hub.lists("a", one=value)
        first.run("a")
    second = hub.clone("second")
    with Repository.open(second.folder) as repository:
        target = open_target(second.config, "a", repository)
        rules = Retention(keep_daily=1)
        plan, _ = prune.prune(target, rules, clock=second.clock, dry_run=False)
    (gone,) = (file.name for file in plan.remove)
    hub.lists("a", one=3)
    first.run("a")
    second.stale_run("b")
    assert "a: 1 stamped file pruned; history keeps them" in hub.subjects()
    assert gone not in hub.git("ls-tree", "-r", "--name-only", "main")
    assert hub.records("a") == {"one": 3}


def test_a_branch_that_is_switched_to_while_listing_is_not_touched(hub: Hub, first: Copy) -> None:
    def switch() -> None:
        first.git("switch", "--quiet", "--create", "feature")
        (first.folder / "notes.txt").write_text("private\n")
        first.git("add", "notes.txt")
        first.git("commit", "--quiet", "-m", "Private")

    report = Job(push=True).run(first.config, "a", clock=first.clock, lister=switch)
    assert hub.git("for-each-ref", "--format=%(refname)", "refs/heads").split() == [
        "refs/heads/main"
    ]
    assert hub.git("rev-parse", "main").strip() == report.revision
    assert first.git("log", "--format=%s", "-1").strip() == "Private"
    assert first.is_clean()


def test_an_archiver_toml_that_others_pushed_counts_at_once(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, two=2)
    toml = first.folder / "archiver.toml"
    toml.write_text(toml.read_text().replace("[sources.a]", "[sources.c]"))
    first.git("mv", "data/a", "data/c")
    first.publish("Call it c")
    command = [sys.executable, "-m", "archiver", "run", "--push", "--repo", str(second.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "data/a/" not in hub.git("ls-tree", "-r", "--name-only", "main")


def test_a_file_in_the_way_keeps_no_hub_from_being_captured(hub: Hub, first: Copy) -> None:
    second = hub.clone("second")
    first.publish("Notes", {"notes.txt": "theirs\n"})
    (second.folder / "notes.txt").write_text("mine\n")
    with pytest.raises(StoreError, match=r"notes\.txt is changed here"):
        second.run("a")
    assert "not fetched: notes.txt is changed here and elsewhere" in second.notes[0]
    assert second.git("log", "--format=%s", "-1").strip() == "a: first snapshot (2 records)"
    (run,) = known(second)
    assert (run.outcome, run.code) == ("first", 5)
    assert "notes.txt" in run.error
    (second.folder / "notes.txt").unlink()
    second.run("a")
    assert hub.subjects()[:2] == ["a: first snapshot (2 records)", "Notes"]
    assert [run.code for run in known(second)] == [5, 0]


@pytest.mark.parametrize("garbled", [None, "{<<<<<<< HEAD\n"])
def test_a_snapshot_that_others_spoilt_is_compared_over(
    hub: Hub, first: Copy, garbled: str | None
) -> None:
    second = hub.second(first, one=1)
    latest = first.folder / "data/a/latest.json"
    if garbled is None:
        latest.unlink()
    else:
        latest.write_text(garbled)
    first.publish("Spoil it")
    hub.lists("a", one=2)
    second.stale_run("a")
    assert hub.subjects()[0] == "a: 1 updated (1 record)"
    assert hub.records("a") == {"one": 2}


def test_a_persons_words_in_a_managed_file_are_kept_aside_and_said(hub: Hub, first: Copy) -> None:
    second = hub.second(first, one=1, two=2)
    hub.lists("a", one=1, two=2, three=3)
    first.run("a")
    log = second.folder / "data/a/CHANGELOG.md"
    log.write_text("mine\n")
    second.run("b")
    assert "your changes to worktree/data/a/CHANGELOG.md are kept" in second.notes[0]
    assert run_git(second.folder, "show", "refs/archiver/kept:worktree/data/a/CHANGELOG.md") == (
        "mine\n"
    )


def test_a_job_that_cannot_begin_leaves_a_report(first: Copy) -> None:
    first.run("a")
    first.git("checkout", "--quiet", "--detach")
    with pytest.raises(StoreError, match="HEAD is detached"):
        first.run("a")
    assert [(run.outcome, run.code) for run in known(first)] == [("first", 0), ("failed", 5)]


def test_a_push_that_is_refused_is_in_the_report(hub: Hub, first: Copy) -> None:
    hook = hub.refuses("exit 1")
    with pytest.raises(PushRejected):
        first.run("a")
    assert [(run.outcome, run.code) for run in known(first)] == [("first", 5)]
    hook.unlink()
    first.run("a")
    assert hub.runs("a") == ["first", "unchanged"]
