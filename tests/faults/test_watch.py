"""Five days of an unattended watch: an outage, a killed process, a suspend; status tells it all."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive as Listed
from support.git import run_git
from support.hubs import Archive
from support.misbehaviour import Handler, Server, plain

from archiver.capture import runlog
from archiver.errors import SourceError
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history.catalogue import configured
from archiver.jobs.job import Job
from archiver.jobs.schedule import Cron
from archiver.jobs.status import status
from archiver.jobs.watch import Watch
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = datetime(2026, 2, 1, 0, 0, tzinfo=UTC)
KILLED = Path(__file__).with_name("killed_run.py")


class Days:
    """A simulated clock: waiting moves it, and things happen on the way."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.now = BEGIN
        self.until = BEGIN
        self.failed: list[tuple[str, Exception]] = []

    def clock(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += timedelta(seconds=max(seconds, 1))
        return self.now >= self.until

    def watch(self, until: datetime) -> None:
        """Let a new process watch up to a time; its memory begins with the reports."""
        self.until = until
        config = self.archive.config
        Watch(
            ["hub"],
            Cron.read("17 3 * * *"),
            lambda name: Job().run(config, name, clock=self.clock),
            folder=self.archive.folder,
            clock=self.clock,
            wait=self.wait,
            failed=lambda name, error: self.failed.append((name, error)),
        ).forever()


@pytest.fixture
def days(repo: Path) -> Iterator[Days]:
    hub = Hub(80)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all", retries=0)
        yield Days(archive)


def killed(folder: Path, time: datetime, at: int) -> int:
    """Run once in a process that is killed at its change `at` (0: never); return the count."""
    command = [sys.executable, str(KILLED), str(folder), time.isoformat(), str(at)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert done.returncode == (-signal.SIGKILL if at else 0), done.stderr
    return 0 if at else int(done.stdout.splitlines()[-1])


def subjects(folder: Path) -> list[str]:
    return run_git(folder, "log", "--reverse", "--format=%ad %s", "--date=format:%d").splitlines()


def test_five_days_make_exactly_the_commits_that_they_should(days: Days, tmp_path: Path) -> None:
    archive, hub = days.archive, days.archive.hub
    days.watch(BEGIN + timedelta(days=2))  # the 1st and, after a night without news, the 2nd
    hub.age(day=3)
    archive.server.misbehave("html")
    days.watch(datetime(2026, 2, 3, 6, 0, tzinfo=UTC))  # the hub is down from 3:17 on
    archive.server.behave()
    days.watch(datetime(2026, 2, 4, 3, 0, tzinfo=UTC))  # back at one of the retries
    hub.age(day=4)
    dying = datetime(2026, 2, 4, 3, 17, tzinfo=UTC)
    copy = tmp_path / "copy"
    shutil.copytree(archive.folder, copy)
    killed(archive.folder, dying, killed(copy, dying, 0) * 2 // 3)
    days.now = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)  # nobody was there for more than a day
    days.watch(datetime(2026, 2, 6, 0, 0, tzinfo=UTC))

    assert subjects(archive.folder) == [
        "01 hub: first snapshot (80 models)",
        "03 hub: 1 updated (80 models)",
        "05 hub: 1 updated (80 models)",
    ]
    assert not run_git(archive.folder, "status", "--porcelain", "--", "data")
    assert "error" not in run_git(archive.folder, "fsck", "--full", "--strict")

    with Repository.open(archive.folder) as repository:
        runs = runlog.load(configured(archive.config, "hub", repository))
    assert [(run.timestamp[8:16], run.outcome) for run in runs] == [
        ("01 03:17", "first"),
        ("02 03:17", "unchanged"),
        ("03 03:17", "failed"),
        ("03 03:22", "failed"),
        ("03 03:32", "failed"),
        ("03 03:52", "failed"),
        ("03 04:32", "failed"),
        ("03 05:52", "failed"),
        ("03 08:32", "changed"),
        ("05 09:00", "changed"),
    ]
    assert all(isinstance(error, SourceError) for _, error in days.failed)


def test_a_hub_that_names_a_time_is_not_asked_before(days: Days) -> None:
    asked: list[datetime] = []
    busy = plain(b"", 429, Retry_After="10800")

    def answer(handler: Handler) -> None:
        asked.append(days.now)
        busy(handler)

    with Server() as server:
        Listed(days.archive.folder).configure(url=server.says("/models.json", answer))
        days.watch(datetime(2026, 2, 1, 12, 0, tzinfo=UTC))
    assert [f"{time:%H:%M}" for time in asked] == ["03:17", "06:17", "09:17"]
    assert all("asks to wait until" in str(error) for _, error in days.failed)


def test_status_tells_the_story(days: Days) -> None:
    archive = days.archive
    days.watch(BEGIN + timedelta(days=3))
    archive.server.misbehave("html")
    days.watch(BEGIN + timedelta(days=5))
    found = status(archive.config, ["hub"], now=days.now, max_age=timedelta(hours=36))
    (hub,) = found.sources
    assert not found.healthy
    assert hub.stale
    assert hub.good is not None
    assert hub.good.timestamp == "2026-02-03 03:17:00"
    assert hub.failures == len(days.failed) > 5
    assert hub.month == (3, 3 + len(days.failed))
    assert [(gap.after, gap.until) for gap in hub.gaps] == [
        ("2026-02-03 03:17:00", "2026-02-06 00:00:00")
    ]
    archive.server.behave()
    days.watch(BEGIN + timedelta(days=7))
    assert status(archive.config, ["hub"], now=days.now, max_age=timedelta(hours=36)).healthy
