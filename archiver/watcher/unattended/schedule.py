"""Say when a source is due: every so often, or at the times of a cron expression."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import ConfigError

if TYPE_CHECKING:
    from archiver.watcher.capturing.ledger import Run

_RETRY: Final = timedelta(minutes=5)
"""After a first failure; twice as long after each further one."""
_LONGEST_RETRY: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Every:
    """Due when so much time has passed since the last run."""

    interval: timedelta

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
        """Return the schedule.

        Raises:
            ConfigError: It is no cron expression, or there is no such time zone.
        """
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - for schedules only

        try:
            found = cls(expression, ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = "a name of the IANA list, as Asia/Shanghai"
            raise ConfigError(f"there is no time zone {zone!r}", hint=hint) from error
        try:
            next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            hint = 'minute, hour, day, month, weekday: "17 3 * * *"'
            raise ConfigError(f"{expression!r} is no cron expression", hint=hint) from error
        return found

    def after(self, last: datetime) -> datetime:
        """Return the first due time after `last`, UTC."""
        from cronsim import CronSim  # noqa: PLC0415 - for schedules only

        found = next(CronSim(self.expression, last.astimezone(self.zone)))
        return datetime.fromtimestamp(found.timestamp(), UTC)


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
    def of(cls, runs: list[Run]) -> Past:
        """Return what the reports say, oldest first."""
        failures = 0
        for run in reversed(runs):
            if run.good:
                break
            failures += 1
        return cls(runs[-1].began if runs else None, failures)


def due(schedule: Schedule, past: Past, now: datetime) -> datetime:
    """Return when the source is due, UTC; a time that has passed means at once.

    Times that were slept through are made up for by one run. After a failure it is due earlier:
    5 minutes later, then 10, 20, … up to 6 hours, but never later than by the schedule.

    Args:
        schedule: The schedule.
        past: What is known of earlier runs.
        now: Time, UTC; without an earlier run a source is due at once.
    """
    if past.last is None:
        return now
    regular = schedule.after(past.last)
    if not past.failures:
        return regular
    doublings = min(past.failures - 1, 10)
    return min(regular, past.last + min(_RETRY * (1 << doublings), _LONGEST_RETRY))
