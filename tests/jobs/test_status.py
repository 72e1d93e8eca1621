"""Gaps between good runs, also where old reports are thinned to one a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive

from archiver.capture import runlog
from archiver.capture.runlog import Run
from archiver.errors import RepositoryBusy
from archiver.history.versions import stamp
from archiver.jobs.job import Job
from archiver.jobs.status import gaps, status

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


@pytest.fixture
def archive(repo: Path) -> Archive:
    found = Archive(repo)
    found.configure()
    found.lists(one=1)
    return found


def kept(every: timedelta, *, without: tuple[datetime, datetime]) -> list[Run]:
    """Return what is kept of good runs of 60 days; there was none in a time in between."""
    times = [NOW - every * number for number in range(timedelta(days=60) // every)]
    runs = [
        Run(timestamp=stamp(time), outcome="unchanged")
        for time in reversed(times)
        if not without[0] < time < without[1]
    ]
    return runlog.decode(runlog.encode(runs, NOW))


def test_thinned_reports_are_no_gaps_and_gaps_stay_known() -> None:
    out = (NOW - timedelta(days=20), NOW - timedelta(days=17))
    for every in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)):
        (gap,) = gaps(kept(every, without=out), NOW)
        began, ended = (datetime.fromisoformat(f"{each}+00:00") for each in (gap.after, gap.until))
        assert abs(began - out[0]) <= timedelta(days=1)
        assert abs(ended - out[1]) <= timedelta(days=1)


def test_an_hour_that_is_short_of_a_run_is_a_gap_of_an_hourly_job() -> None:
    out = (NOW - timedelta(hours=9), NOW - timedelta(hours=5))
    (gap,) = gaps(kept(timedelta(hours=1), without=out), NOW)
    assert (gap.after, gap.until) == (stamp(out[0]), stamp(out[1]))


def daily(*days: float) -> list[Run]:
    """Return good runs of a daily job, so many days ago, oldest first."""
    times = sorted(NOW - timedelta(days=day) for day in days)
    return [Run(timestamp=stamp(time), outcome="unchanged") for time in times]


def test_one_missed_night_is_a_gap() -> None:
    (gap,) = gaps(daily(*range(10), *range(11, 60)), NOW)
    assert (gap.after, gap.until) == ("2026-06-19 12:00:00", "2026-06-21 12:00:00")


def test_a_job_that_died_shows_its_gap_however_long_ago() -> None:
    for age in (1.6, 29.5, 31, 200):
        (gap,) = gaps(daily(*(age + day for day in range(20))), NOW)
        assert gap.until == stamp(NOW)


def test_gaps_of_long_ago_are_left_out() -> None:
    assert gaps(daily(*range(40), *range(50, 60)), NOW) == ()


def test_a_job_that_runs_less_often_now_is_judged_by_what_is_usual_now() -> None:
    hourly = (120 + hour / 24 for hour in range(300))
    assert gaps(daily(*range(120), *hourly), NOW) == ()


def test_a_job_that_stopped_is_late_and_one_of_no_rhythm_is_not(
    archive: Archive,
) -> None:
    def late(runs: int, after: timedelta) -> tuple[bool, bool]:
        for _ in range(runs):
            Job().run(archive.config, "hub", clock=lambda: archive.time)
            archive.time += timedelta(days=1)
        (found,) = status(archive.config, ["hub"], now=archive.time + after).sources
        return found.late, found.healthy

    assert late(4, timedelta(days=60)) == (False, True)
    assert late(1, timedelta(0)) == (False, True)
    assert late(0, timedelta(days=2)) == (True, False)


def test_a_run_that_found_another_one_at_work_is_no_failure(archive: Archive) -> None:
    Job().run(archive.config, "hub", clock=lambda: archive.time)
    busy = RepositoryBusy("the history was changed meanwhile")
    later = archive.time + timedelta(minutes=1)
    runlog.record_failure(archive.config, "hub", busy, began=later, now=later)
    (found,) = status(archive.config, ["hub"], now=later).sources
    assert (found.healthy, found.failures) == (True, 0)
