"""Gaps between good runs, also where old reports are thinned to one a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from archiver.watcher.capturing import ledger
from archiver.watcher.capturing.ledger import Run
from archiver.watcher.reading.versions import stamp
from archiver.watcher.unattended.status import MONTH, gaps

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


def kept(every: timedelta, *, without: tuple[datetime, datetime]) -> list[Run]:
    """Return what is kept of good runs of 60 days; there was none in a time in between."""
    times = [NOW - every * number for number in range(timedelta(days=60) // every)]
    runs = [
        Run(timestamp=stamp(time), outcome="unchanged")
        for time in reversed(times)
        if not without[0] < time < without[1]
    ]
    found = ledger.read(ledger.written(runs, NOW))
    return [run for run in found if run.began >= NOW - MONTH]


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
