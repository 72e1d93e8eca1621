"""Say when a source is due: every so often, or at the times of a cron expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import ConfigError

if TYPE_CHECKING:
    from archiver.capture.runlog import Run

_RETRY: Final = timedelta(minutes=5)
"""After a first failure; twice as long after each further one."""
_LONGEST_RETRY: Final = timedelta(hours=6)
_SHORTEST: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(days=366)
_FIELDS: Final = 5
_AHEAD: Final = timedelta(minutes=5)
"""So far ahead a clock may be; a report from later than that says nothing."""
_VALUE: Final = "([0-9]+|[A-Z]{3})"
_TERM: Final = rf"(\*|{_VALUE}(-{_VALUE})?)(/[0-9]+)?"
_FIELD: Final = re.compile(f"{_TERM}(,{_TERM})*")
"""A field of a crontab: POSIX, names and steps; not ``L``, ``W`` and ``#`` of other programs."""


@dataclass(frozen=True, slots=True)
class Every:
    """Due when so much time has passed since the last run."""

    interval: timedelta

    @classmethod
    def of(cls, seconds: float) -> Every:
        """Return the schedule.

        Raises:
            ConfigError: It is shorter than a second or longer than a year.
        """
        if not _SHORTEST.total_seconds() <= seconds <= _LONGEST.total_seconds():  # nan is neither
            raise ConfigError("a period between runs is one second at least, 366 days at most")
        return cls(timedelta(seconds=seconds))

    def after(self, last: datetime) -> datetime:
        """Return the first due time after `last`, UTC."""
        return last + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the times of a cron expression (POSIX crontab, five fields).

    Attributes:
        expression: ``17 3 * * *``.
        zone: The clock that it speaks of.
    """

    expression: str
    zone: tzinfo = UTC

    @classmethod
    def read(cls, expression: str, zone: str = "UTC") -> Cron:
        """Return the schedule, its fields one space apart.

        Raises:
            ConfigError: It is no cron expression, or there is no such time zone.
        """
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - for schedules only

        fields = expression.split()
        try:
            found = cls(" ".join(fields), ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = "a name of the IANA list, as Asia/Shanghai"
            raise ConfigError(f"there is no time zone {zone!r}", hint=hint) from error
        hint = 'minute, hour, day, month, weekday: "17 3 * * *"'
        wrong = ConfigError(f"{expression!r} is no cron expression", hint=hint)
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
    """What is known of earlier runs of a source.

    Attributes:
        last: When the last one began, UTC; None: there was none.
        failures: How many failed since the last good one.
    """

    last: datetime | None = None
    failures: int = 0

    @classmethod
    def of(cls, runs: list[Run], now: datetime) -> Past:
        """Return what the reports say, oldest first; one of a clock that was ahead says nothing."""
        known = [run for run in runs if run.began <= now + _AHEAD]
        failures = 0
        for run in reversed(known):
            if run.good:
                break
            failures += 1
        return cls(known[-1].began if known else None, failures)


def due(schedule: Schedule, past: Past, now: datetime) -> datetime:
    """Return when the source is due, UTC; a time that has passed means at once.

    Times that were slept through are made up for by one run. After a failure it is due earlier:
    5 minutes later, then 10, 20, … up to 6 hours, but never later than by the schedule.

    Args:
        schedule: The schedule.
        past: What is known of earlier runs.
        now: Time, UTC; without an earlier run, or with one of a clock that was ahead, a source is
            due at once.
    """
    if past.last is None or past.last > now + _AHEAD:
        return now
    regular = schedule.after(past.last)
    if not past.failures:
        return regular
    doublings = min(past.failures - 1, 10)
    return min(regular, past.last + min(_RETRY * (1 << doublings), _LONGEST_RETRY))
