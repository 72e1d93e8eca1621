"""Ask a site as often as it likes to be asked: a token bucket, and a door that it may close."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.transport.message import Rate


class Pace:
    """The pace of one origin; may be shared by threads."""

    def __init__(
        self, rate: Rate | None, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        """Begin with a full bucket.

        Args:
            rate: How often; None: as often as asked.
            clock: Seconds of a clock that never goes back.
            sleep: Waits so many seconds.
        """
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._interval = rate.seconds / rate.requests if rate else 0.0
        self._ahead = self._interval * (rate.burst - 1) if rate else 0.0
        self._next = clock() - self._ahead
        self._closed = self._next

    def wait(self) -> None:
        """Wait until it is this request's turn."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now - self._ahead, self._closed)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)

    def close(self, seconds: float) -> None:
        """Let nobody ask for so many seconds."""
        with self._lock:
            self._closed = max(self._closed, self._clock() + seconds)
