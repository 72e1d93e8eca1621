"""Schedules: when a source is due, by an interval or a cron expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import ConfigError
from archiver.language import sentence

if TYPE_CHECKING:
    from archiver.capture.runlog import Run

_RETRY: Final = timedelta(minutes=5)
"""Delay after a first failure; it doubles with each further one."""
_LONGEST_RETRY: Final = timedelta(hours=6)
_SHORTEST: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(days=366)
_FIELDS: Final = 5
_AHEAD: Final = timedelta(minutes=5)
"""Reports from later than this in the future are ignored: a clock was wrong."""
_VALUE: Final = "([0-9]+|[A-Z]{3})"
_TERM: Final = rf"(\*|{_VALUE}(-{_VALUE})?)(/[0-9]+)?"
_FIELD: Final = re.compile(f"{_TERM}(,{_TERM})*")
"""A field of a crontab: POSIX, names and steps; not ``L``, ``W``, ``#`` of other programs."""


@dataclass(frozen=True, slots=True)
class Every:
    """Due when the interval has passed since the last run."""

    interval: timedelta

    @classmethod
    def of(cls, seconds: float) -> Every:
        """Return the schedule.

        Raises:
            ConfigError: It is shorter than a second or longer than a year.
        """
        if not _SHORTEST.total_seconds() <= seconds <= _LONGEST.total_seconds():  # nan is neither
            raise ConfigError(sentence("the interval must be between one second and 366 days"))
        return cls(timedelta(seconds=seconds))

    def after(self, last: datetime) -> datetime:
        """Return the first due time after `last`, UTC."""
        return last + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the times of a cron expression (POSIX crontab, five fields).

    Attributes:
        expression: ``17 3 * * *``.
        zone: Its time zone.
    """

    expression: str
    zone: tzinfo = UTC

    @classmethod
    def read(cls, expression: str, zone: str = "UTC") -> Cron:
        """Return the schedule, with its fields separated by one space.

        Raises:
            ConfigError: It is not a cron expression, or there is no such time zone.
        """
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - for schedules only

        fields = expression.split()
        try:
            found = cls(" ".join(fields), ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = sentence("a name of the IANA database, such as Asia/Shanghai")
            raise ConfigError(
                sentence("there is no time zone {zone!r}", zone=zone), hint=hint
            ) from error
        hint = sentence('minute, hour, day, month, weekday: "17 3 * * *"')
        wrong = ConfigError(
            sentence("{expression!r} is not a cron expression", expression=expression), hint=hint
        )
        if len(fields) != _FIELDS or not all(_FIELD.fullmatch(each.upper()) for each in fields):
            raise wrong
        try:
            next(CronSim(found.expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise wrong from error
        return found

    def after(self, last: datetime) -> datetime:
        """Return the first due time after `last`, UTC."""
        from cronsim import CronSim  # noqa: PLC0415 - for schedules only

        # CronSim drops `fold`: in the hour that a clock repeats it may name times that are past.
        times = CronSim(self.expression, last.astimezone(self.zone))
        found = (datetime.fromtimestamp(each.timestamp(), UTC) for each in times)
        return next(time for time in found if time > last)


Schedule: TypeAlias = Every | Cron


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier runs of a source.

    Attributes:
        last: Start of the last one, UTC; None: there was none.
        failures: Number of failures since the last good one.
        wait: Length of the pause that the source asked for in the last one.
    """

    last: datetime | None = None
    failures: int = 0
    wait: timedelta = timedelta()

    @classmethod
    def of(cls, runs: list[Run], now: datetime) -> Past:
        """Return the state of the reports, oldest first; those from the future are ignored."""
        known = [run for run in runs if run.began <= now + _AHEAD]
        failures = sum(1 for _ in takewhile(lambda run: not run.good, reversed(known)))
        return cls(known[-1].began if known else None, failures)


def due(schedule: Schedule, past: Past, now: datetime) -> datetime:
    """Return when the source is due, UTC; a time in the past means now.

    One run makes up for all missed times. After a failure the next run is due 5 minutes later,
    then 10, 20, … up to 6 hours, or when the pause is over that the source asked for, but never
    later than by the schedule.

    Args:
        schedule: The schedule.
        past: The earlier runs; without one, or with one from the future, the source is due now.
        now: Time, UTC.
    """
    if past.last is None or past.last > now + _AHEAD:
        return now
    regular = schedule.after(past.last)
    if not past.failures:
        return regular
    doublings = min(past.failures - 1, 10)
    retry = min(_RETRY * (1 << doublings), _LONGEST_RETRY)
    return min(regular, past.last + max(retry, past.wait))
