"""When a source is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from archiver.capture.runlog import Run
from archiver.errors import ConfigError
from archiver.history.versions import stamp
from archiver.jobs.schedule import Cron, Every, Past, due

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
DAY = Every(timedelta(days=1))


def test_without_an_earlier_run_it_is_due_at_once() -> None:
    assert due(DAY, Past(), NOW) == NOW


def test_what_was_slept_through_is_due_once() -> None:
    long_ago = Past(NOW - timedelta(days=9))
    assert due(DAY, long_ago, NOW) < NOW
    assert due(Cron.read("17 3 * * *"), long_ago, NOW) < NOW
    assert due(DAY, Past(NOW), NOW) == NOW + timedelta(days=1)


def test_a_failure_is_tried_again_sooner_and_sooner_less_often() -> None:
    waits = [due(DAY, Past(NOW, failures), NOW) - NOW for failures in range(1, 9)]
    assert [wait // timedelta(minutes=1) for wait in waits] == [5, 10, 20, 40, 80, 160, 320, 360]
    assert due(Every(timedelta(minutes=1)), Past(NOW, 3), NOW) == NOW + timedelta(minutes=1)


def test_cron_speaks_of_a_clock_and_knows_daylight_saving() -> None:
    berlin = Cron.read("30 2 * * *", "Europe/Berlin")
    days = [NOW]
    for _ in range(3):
        days.append(berlin.after(days[-1]))
    # 2:30 does not exist on 29 March 2026: it is due when the clocks go forward.
    assert [day.strftime("%d %H:%M") for day in days[1:]] == ["29 01:00", "30 00:30", "31 00:30"]
    assert Cron.read("0 9 * * *", "Asia/Shanghai").after(NOW) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("expression", ["*/20 * * * *", "30 2 * * *", "30 * * * *", "5 1-3 * * *"])
def test_the_hour_that_a_clock_repeats_does_not_hold_cron_back(expression: str, zone: str) -> None:
    cron, end = Cron.read(expression, zone), datetime(2026, 11, 3, tzinfo=UTC)
    for start in (datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
        last, times = start, 0
        while last < min(end, start + timedelta(days=12)):
            following = cron.after(last)
            assert last < following <= last + timedelta(days=1, hours=1)
            last, times = following, times + 1
        assert times >= 10


def test_a_report_of_a_clock_that_was_ahead_holds_nothing_back() -> None:
    assert due(DAY, Past(NOW + timedelta(days=300)), NOW) == NOW
    assert due(DAY, Past(NOW + timedelta(minutes=4)), NOW) > NOW
    runs = [
        Run(timestamp=stamp(NOW - timedelta(hours=5)), outcome="failed"),
        Run(timestamp=stamp(NOW + timedelta(days=300)), outcome="unchanged"),
    ]
    assert Past.of(runs, NOW) == Past(NOW - timedelta(hours=5), failures=1)


def test_a_crontab_is_read_as_people_write_it() -> None:
    assert Cron.read(" 17\t3 * *\n* ").expression == "17 3 * * *"
    assert Cron.read("0 0 1-31/2 jan,JUL mon-fri").expression == "0 0 1-31/2 jan,JUL mon-fri"


@pytest.mark.parametrize(
    "expression",
    [
        *("", "x", "61 * * * *", "* * * *", "0 0 31 2 *", "@daily x", "0 17 3 * * *"),
        *("0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * MON#1", "0 0 15W * *", "٣ 3 * * *"),
    ],
)
def test_a_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError, match="is not a cron expression"):
        Cron.read(expression)


def test_a_wrong_time_zone_is_refused() -> None:
    for name in ("Mars/Base", "../etc/passwd", ""):
        with pytest.raises(ConfigError, match="there is no time zone"):
            Cron.read("17 3 * * *", name)
