"""When a source is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from archiver.errors import ConfigError
from archiver.watcher.unattended.schedule import Cron, Every, Past, due

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


@pytest.mark.parametrize("expression", ["", "x", "61 * * * *", "* * * *", "0 0 31 2 *", "@daily x"])
def test_a_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError, match="is no cron expression"):
        Cron.read(expression)


def test_a_wrong_time_zone_is_refused() -> None:
    for name in ("Mars/Base", "../etc/passwd", ""):
        with pytest.raises(ConfigError, match="there is no time zone"):
            Cron.read("17 3 * * *", name)
