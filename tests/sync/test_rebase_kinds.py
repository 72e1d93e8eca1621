"""Rebased captures of windows and of changes, and those whose unlisted keys nobody recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.copies import PUSH, Copy, Hub
from support.git import run_git
from support.hubs import Archive

from archiver.capture import capture
from archiver.fakehub.hub import Hub as Catalogue
from archiver.fakehub.server import FakeHub
from archiver.jobs.job import Job
from archiver.sync import push

if TYPE_CHECKING:
    from pathlib import Path

OWN = """\
from archiver.sources.json_document import JsonSource


class Top(JsonSource):
    kind = "window"


class Pins(JsonSource):
    watched = ("one", "three")
"""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def began(hub: Hub, *changes: tuple[str, str]) -> Copy:
    """Return the first copy, with other rules, which are pushed."""
    copy = hub.first()
    toml = copy.folder / "archiver.toml"
    text = toml.read_text().replace("confirmations = 1", "confirmations = 2\nmax_shrink = 1")
    for old, new in changes:
        text = text.replace(old, new)
    toml.write_text(text)
    (copy.folder / "own.py").write_text(OWN)
    copy.git("add", "own.py")
    copy.git("commit", "--quiet", "-am", "Rules")
    copy.git("push", "--quiet", "origin", "main")
    return copy


def test_a_window_that_lost_the_race_is_the_window_that_it_listed(hub: Hub) -> None:
    first = began(hub, ('type = "json"', 'type = "own:Top"'))
    hub.lists("a", one=1, two=2, three=3)
    first.run("a")
    second = hub.clone("second")
    hub.lists("a", one=1, two=2, four=4)
    first.run("a")
    hub.lists("a", one=1, three=3, five=5)
    report = second.stale_run("a")
    assert hub.records("a") == {"one": 1, "three": 3, "five": 5}
    assert (report.summary.entered, report.summary.left, report.summary.removed) == (2, 2, 0)
    assert '"covers": "window"' in hub.git("show", "main:data/a/latest.json")
    assert "Archiver-Proof: window; " in hub.git("log", "-1", "--format=%b", "main")


def test_exact_ids_that_lost_the_race_stay_a_part_of_the_hub(hub: Hub) -> None:
    first = began(hub, ('type = "json"', 'type = "own:Pins"'))
    hub.lists("a", one=1, two=2, three=3)
    first.run("a")
    second = hub.clone("second")
    hub.lists("a", one=1, three=3, four=4)
    first.run("a")
    hub.lists("a", one=2)
    report = second.stale_run("a")
    assert hub.records("a") == {"one": 2, "three": 3, "four": 4}
    assert (report.summary.updated, report.summary.left, report.summary.removed) == (1, 0, 0)
    assert '"covers": "window"' in hub.git("show", "main:data/a/latest.json")
    assert "Archiver-Proof: complete; " in hub.git("log", "-1", "--format=%b", "main")


def test_the_unlisted_keys_of_a_rebased_capture_are_recorded_too(hub: Hub) -> None:
    first = began(hub)
    hub.lists("a", one=1, y=9, z=1)
    first.run("a")
    second = hub.clone("second")
    hub.lists("a", one=1, y=9, z=1, new=1)
    first.run("a")
    hub.lists("a", one=9, z=1)
    second.stale_run("a")
    assert hub.records("a") == {"one": 9, "y": 9, "z": 1, "new": 1}
    assert hub.git("show", "main:data/a/unlisted.jsonl") == '{"key":"new"}\n{"key":"y"}\n'
    assert "Archiver-Unlisted: 2\n" in hub.git("log", "-1", "--format=%b", "main")


def test_what_was_listed_counts_without_the_state(hub: Hub) -> None:
    first = began(hub)
    hub.lists("a", one=1, y=9, z=1)
    first.run("a")
    second = hub.clone("second")
    hub.lists("a", one=1, y=10, z=2)
    first.run("a")
    hub.lists("a", one=9, z=1)
    second.run("a", job=Job())
    second.git("update-ref", "-d", "refs/archiver/state")
    second.stale_run("b")
    assert hub.records("a") == {"one": 9, "y": 10, "z": 1}


def test_without_a_record_of_unlisted_keys_an_equal_line_says_nothing(hub: Hub) -> None:
    first = began(hub)
    hub.lists("a", one=1, y=9, z=1)
    first.run("a")
    second = hub.clone("second")
    hub.lists("a", one=1, y=10, z=2)
    first.run("a")
    hub.lists("a", one=9, z=1)
    second.run("a", job=Job())
    older(second)
    second.stale_run("b")
    assert hub.records("a") == {"one": 9, "y": 10, "z": 2}
    assert "Archiver-Unlisted" not in hub.git("log", "-1", "--format=%b", "main~1")
    assert "unlisted.jsonl" not in hub.git("ls-tree", "-r", "--name-only", "main")


def older(copy: Copy) -> None:
    """Make the newest capture one of an older program, which recorded no unlisted keys."""
    message = copy.git("log", "-1", "--format=%B")
    kept = [line for line in message.splitlines() if not line.startswith("Archiver-Unlisted")]
    copy.git("rm", "--quiet", "data/a/unlisted.jsonl")
    copy.git("commit", "--quiet", "--amend", "--message", "\n".join(kept))


def test_a_removal_counts_after_two_rebases_though_others_had_it_too(hub: Hub) -> None:
    first = began(hub, ("confirmations = 2", "confirmations = 1"))
    hub.lists("a", one=1, k=1)
    first.run("a")
    second, third = hub.clone("second"), hub.clone("third")
    push.fetched(second.config, clock=first.clock)
    hub.lists("a", one=1)
    first.run("a")
    push.fetched(third.config, clock=first.clock)
    hub.lists("a", one=1, k=2)
    assert third.run("a", job=Job()).summary.returned == 1
    hub.lists("a", one=9)
    assert second.run("a", job=Job()).summary.removed == 1
    push.fetched(second.config, clock=first.clock)  # where k is removed already
    push.push(third.config, clock=first.clock)
    push.push(second.config, clock=first.clock, sleep=lambda _: None)
    assert hub.subjects()[:2] == [
        "a: 1 updated, -1 removed (1 record)",
        "a: 1 returned (2 records)",
    ]
    assert hub.records("a") == {"one": 9}


def test_a_removal_of_a_record_that_only_a_dropped_capture_had_counts(hub: Hub) -> None:
    first = began(hub, ("confirmations = 2", "confirmations = 1"))
    hub.lists("a", one=1)
    first.run("a")
    second, third = hub.clone("second"), hub.clone("third")
    hub.lists("a", one=1, k=1)
    second.run("a", job=Job())
    hub.lists("a", one=1, two=2)
    first.run("a")
    push.fetched(third.config, clock=first.clock)
    hub.lists("a", one=1, two=2, k=1)
    third.run("a", job=Job())
    hub.lists("a", one=9, two=2)
    assert second.run("a", job=Job()).summary.removed == 1
    push.fetched(second.config, clock=first.clock)  # where nobody has seen k
    push.push(third.config, clock=first.clock)
    push.push(second.config, clock=first.clock, sleep=lambda _: None)
    assert hub.records("a") == {"one": 9, "two": 2}


def test_changes_that_lost_the_race_are_laid_over_what_was_pushed(repo: Path) -> None:
    catalogue = Catalogue(300)
    with FakeHub(hub=catalogue) as server:
        first = Archive(repo, server, catalogue)
        first.configure("modelscope", scope="all", incremental=True, drift=0.01)
        catalogue.now = first.time
        first.run()
        run_git(repo, "add", "archiver.toml")
        run_git(repo, "commit", "--quiet", "-m", "Begin")
        origin = repo.parent / "origin.git"
        run_git(repo.parent, "clone", "--quiet", "--bare", str(repo), str(origin))
        run_git(repo, "remote", "add", "origin", str(origin))
        run_git(repo, "push", "--quiet", "origin", "refs/archiver/state")
        run_git(repo.parent, "clone", "--quiet", str(origin), "second")
        second = Archive(repo.parent / "second", server, catalogue, first.time)
        push.fetched(second.config, clock=lambda: first.time)
        edited, later = sorted(catalogue.truth())[3:5]
        catalogue.edit(edited, size=7)
        hours(second, 12)
        assert capture.run(second.config, "hub", clock=lambda: second.time).summary.updated == 1
        catalogue.edit(later, size=8)
        hours(first, 6)
        assert PUSH.run(first.config, "hub", clock=lambda: first.time).summary.updated == 2
        new = catalogue.add()
        hours(second, 6)
        report = PUSH.run(second.config, "hub", clock=lambda: second.time)
    assert {new, edited, later} < second.listed()
    assert (report.summary.new, report.summary.updated) == (1, 0)
    head = run_git(origin, "show", "HEAD:data/hub/latest.json")[:300]
    assert '"covers": "incremental",\n"swept": "2026-02-02 03:00:00",\n' in head


def hours(archive: Archive, number: int) -> None:
    archive.time += timedelta(hours=number)
