"""A listing that takes longer than a job may: it stops in time, and the next run goes on."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.hubs import Archive

from archiver.capture import runlog
from archiver.errors import Unfinished
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history.catalogue import configured
from archiver.jobs.job import Job
from archiver.jobs.status import status
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(6000)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all", retries=0)
        yield archive


def run_until(archive: Archive, pages: int) -> None:
    """Run with a clock that reaches the time limit after this many pages."""
    until = archive.time + timedelta(hours=5)
    times = iter([archive.time, archive.time, *([archive.time] * (pages - 1)), until, until])
    Job(until=until).run(archive.config, "hub", clock=lambda: next(times, until))


def test_a_run_beyond_its_time_limit_ends_with_75_and_the_next_one_goes_on(
    archive: Archive,
) -> None:
    archive.run(dry_run=True)
    whole, archive.server.pages = archive.server.pages, 0
    with pytest.raises(Unfinished, match=r"the time limit is reached after 4\d pages") as stopped:
        run_until(archive, 40)
    assert stopped.value.exit_code == 75
    archive.time += timedelta(hours=6)
    report = Job().run(archive.config, "hub", clock=lambda: archive.time)
    assert "were there from an interrupted listing" in report.notes[0]
    assert archive.listed() == archive.hub.truth()
    assert archive.server.pages <= whole + 8


def test_an_unfinished_listing_is_no_failure_of_the_source(archive: Archive) -> None:
    with pytest.raises(Unfinished):
        run_until(archive, 10)
    with Repository.open(archive.config.root) as repository:
        (run,) = runlog.load(configured(archive.config, "hub", repository))
    assert (run.code, run.error.startswith("the time limit is reached")) == (75, True)
    (found,) = status(archive.config, ["hub"], now=archive.time).sources
    assert (found.failures, found.healthy) == (0, False)


def test_pages_older_than_the_last_capture_are_listed_again(archive: Archive, repo: Path) -> None:
    """A cache brings back the pages of a listing that another run has ended since."""
    with pytest.raises(Unfinished):
        run_until(archive, 40)
    folder = repo / ".git" / "archiver" / "listing"
    copy = shutil.copytree(folder, repo.with_name("cached"))
    archive.time += timedelta(hours=6)
    archive.run()
    archive.hub.remove(next(iter(archive.hub.truth())))
    archive.hub.add()
    shutil.copytree(copy, folder, dirs_exist_ok=True)
    archive.time += timedelta(hours=6)
    report = archive.run()
    assert not [note for note in report.notes if "interrupted" in note]
    assert (report.summary.new, len(archive.listed() - archive.hub.truth())) == (1, 1)
