"""Run sources again and again by a schedule, in one process that holds nothing in between."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from archiver.capture import runlog
from archiver.errors import ArchiverError
from archiver.jobs.schedule import Every, Past, due
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from archiver.jobs.schedule import Schedule

_log = logging.getLogger(__name__)
_NAP: Final = 60.0
"""Longest sleep in seconds: the clock of the wall is looked at again, also after a suspend."""


class Watch:
    """Runs sources when they are due, until `wait` says that it is over."""

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
            run: Runs one; whatever it raises is told to `failed`.
            folder: The data repository, whose reports say what was run before.
            clock: Tells the time, UTC.
            wait: Waits so many seconds; True: it is over.
            failed: Is told what a run raised.
        """
        self._schedule = schedule
        self._run = run
        self._clock = clock
        self._wait = wait
        self._failed = failed
        self._past = _past(folder, names, clock())
        for name, past in self._past.items():
            if past.last is None and not isinstance(schedule, Every):
                self._past[name] = Past(clock())  # a first time of cron is one that is to come

    def forever(self) -> None:
        """Run what is due, then sleep, again and again."""
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
        except Exception as error:  # noqa: BLE001  the others, and the next time, have their turn
            self._past[name] = Past(began, self._past[name].failures + 1)
            self._failed(name, error)
        else:
            self._past[name] = Past(began)


def _past(folder: Path, names: Iterable[str], now: datetime) -> dict[str, Past]:
    """Return what the reports say of each source; nothing where they cannot be read."""
    try:
        with Repository.open(folder) as repository:
            return {name: Past.of(runlog.load(repository, name), now) for name in names}
    except ArchiverError:
        return {name: Past() for name in names}


class AutoSnapshot(threading.Thread):
    """Takes snapshots in a thread beside the program, and ends with it.

    Attributes:
        last_error: What the last run raised, or what ended the thread; None: the last run was
            good, or there was none yet.
    """

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
        """Prepare to take a snapshot of `source` by `run` once in so many `seconds`.

        `folder` and `clock` are those of `Watch`; `stop` ends the thread when it is set.

        Raises:
            ConfigError: The interval is shorter than a second or longer than a year.
        """
        super().__init__(name=f"archiver-{source}", daemon=True)
        self.last_error: Exception | None = None
        self._ending = stop or threading.Event()
        self._take = run
        self._watch = Watch(
            (source,),
            Every.of(seconds),
            self._taken,
            folder=folder,
            clock=clock,
            wait=self._ending.wait,
            failed=self._failed,
        )

    def run(self) -> None:
        """Take snapshots until `stop`; one that failed is tried again early."""
        try:
            self._watch.forever()
        except Exception as error:  # noqa: BLE001  a thread that ends in silence is missed too late
            self.last_error = error
            _log.exception("no more snapshots are taken")

    def stop(self) -> None:
        """End the thread: at once while it sleeps, else after the snapshot under way."""
        self._ending.set()

    def _taken(self, source: str) -> None:
        self._take(source)
        self.last_error = None

    def _failed(self, source: str, error: Exception) -> None:
        self.last_error = error
        _log.error("%s: %s", source, error)
