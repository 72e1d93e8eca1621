"""The watch: runs sources by a schedule in one process, which holds no repository in between."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from archiver.capture import runlog
from archiver.errors import ArchiverError, SourceUnavailable, reason
from archiver.history.catalogue import RUNS
from archiver.jobs.schedule import Every, Past, due
from archiver.language import joined
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from archiver.jobs.schedule import Schedule

_log = logging.getLogger(__name__)
_YEAR: Final = 366 * 86_400
_NAP: Final = 60.0
"""Longest sleep in seconds: the wall clock is read again after a suspend of the machine."""


class Watch:
    """Runs sources when they are due, until `wait` returns True.

    Attributes:
        last_error: Error of the last run; None: it was good, or there was none yet.
    """

    def __init__(
        self,
        names: Iterable[str],
        schedule: Schedule,
        run: Callable[[str], object],
        *,
        folder: Path,
        clock: Callable[[], datetime],
        wait: Callable[[float], bool],
        failed: Callable[[str, Exception], None],
    ) -> None:
        """Watch the sources `names`.

        Args:
            names: The sources.
            schedule: When they are due.
            run: Runs one source.
            folder: The data repository, which has the reports of earlier runs.
            clock: Returns the time, UTC.
            wait: Waits for a number of seconds; True ends the watch.
            failed: Receives the source and what `run` raised.
        """
        self.last_error: Exception | None = None
        self._schedule = schedule
        self._run = run
        self._clock = clock
        self._wait = wait
        self._failed = failed
        self._past = _past(folder, names, clock())
        for name, past in self._past.items():
            if past.last is None and not isinstance(schedule, Every):
                self._past[name] = Past(clock())  # the first time of cron is in the future

    def forever(self) -> None:
        """Run what is due, then sleep, until the watch ends."""
        while not self._wait(self.step()):
            pass

    def step(self) -> float:
        """Run what is due; return the seconds to sleep, at most a minute."""
        for name in self._past:
            if due(self._schedule, self._past[name], self._clock()) <= self._clock():
                self._once(name)
        next_ = min(due(self._schedule, past, self._clock()) for past in self._past.values())
        return min(max((next_ - self._clock()).total_seconds(), 0), _NAP)

    def _once(self, name: str) -> None:
        began = self._clock()
        try:
            self._run(name)
        except Exception as error:  # noqa: BLE001  other sources and later runs go on
            wait = self._clock() - began + _asked(error)
            self._past[name] = Past(began, self._past[name].failures + 1, wait)
            self.last_error = error
            self._failed(name, error)
        else:
            self._past[name] = Past(began)
            self.last_error = None


def _asked(error: Exception) -> timedelta:
    """Return the pause that the source asked for, which may have no end: a year at most."""
    seconds = error.wait if isinstance(error, SourceUnavailable) else 0
    return timedelta(seconds=min(seconds, _YEAR))


def _past(folder: Path, names: Iterable[str], now: datetime) -> dict[str, Past]:
    """Return the earlier runs of each source; none if the reports cannot be read."""
    try:
        with Repository.open(folder) as repository:
            reports = {name: repository.read_state(f"{name}/{RUNS}") for name in names}
        return {name: Past.of(runlog.decode(each), now) for name, each in reports.items()}
    except ArchiverError:
        return {name: Past() for name in names}


class AutoSnapshot(threading.Thread):
    """Takes snapshots in a daemon thread."""

    def __init__(
        self,
        source: str,
        seconds: float,
        run: Callable[[str], object],
        *,
        folder: Path,
        clock: Callable[[], datetime],
        stop: threading.Event | None = None,
    ) -> None:
        """Prepare to take a snapshot of `source` by `run` every `seconds`.

        `folder` and `clock` are those of `Watch`; `stop` ends the thread when it is set.

        Raises:
            ConfigError: The interval is shorter than a second or longer than a year.
        """
        super().__init__(name=f"archiver-{source}", daemon=True)
        self._ending = stop or threading.Event()
        self._fatal: Exception | None = None
        self._watch = Watch(
            (source,),
            Every.of(seconds),
            run,
            folder=folder,
            clock=clock,
            wait=self._ending.wait,
            failed=lambda source, error: _log.error(joined(": ", (source, reason(error)))),
        )

    @property
    def last_error(self) -> Exception | None:
        """Error that ended the thread, else of the last run; None: that was good, or none was."""
        return self._fatal or self._watch.last_error

    def run(self) -> None:
        """Take snapshots until `stop`; a failed one is retried early."""
        try:
            self._watch.forever()
        except Exception as error:  # noqa: BLE001  a thread must not end silently
            self._fatal = error
            _log.exception("no more snapshots are taken")

    def stop(self) -> None:
        """End the thread: at once if it sleeps, else after the current snapshot."""
        self._ending.set()
