"""When to send: the rate limit of a site, the quota that it reports, the wait after a failure."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archiver.transport.message import Rate

_FIRST_WAIT = 0.5
FORBIDDEN = 403
_USED_UP = re.compile(r";\s*r=0+\s*;\s*t=(\d+)\b", re.ASCII)


class Throttle:
    """The rate limit of one origin: a token bucket; threads may share it."""

    def __init__(
        self, rate: Rate | None, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        """Begin with a full bucket.

        Args:
            rate: The rate; None: no limit.
            clock: Seconds of a clock that never goes back.
            sleep: Waits for a number of seconds.
        """
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._interval = rate.seconds / rate.requests if rate else 0.0
        self._ahead = self._interval * (rate.burst - 1) if rate else 0.0
        self._next = clock() - self._ahead
        self._closed = self._next

    def wait(self) -> None:
        """Wait until the rate allows one more request."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now - self._ahead)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)

    def close(self, seconds: float) -> None:
        """Note that the site takes no request for this many seconds."""
        with self._lock:
            self._closed = max(self._closed, self._clock() + seconds)

    @property
    def closed_for(self) -> float:
        """Seconds until the site takes requests again; 0: it does now."""
        return max(0.0, self._closed - self._clock())


class Retryable(Exception):
    """An exchange failed in a way that may pass; never leaves the transport.

    Attributes:
        wait: Seconds that the site asked for, or None.
    """

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        """Keep the one-line `reason` and the `wait`."""
        super().__init__(reason)
        self.wait = wait


def backoff(attempt: int, *, chance: float, longest: float) -> float:
    """Return the seconds to wait after a failed attempt, where the site asks for no wait.

    Args:
        attempt: How many attempts failed before this one.
        chance: Between 0 and 1; spreads the clients that failed together.
        longest: Upper bound in seconds.
    """
    return min(_FIRST_WAIT * 2.0**attempt, longest) * (1 + chance) / 2


def is_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Return whether an answer with 403 reports a rate limit, as GitHub's do, and no refusal.

    Source: "Rate limits for the REST API", docs.github.com.
    """
    return status == FORBIDDEN and ("retry-after" in headers or _is_used_up(headers))


def requested_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a failed answer asks to wait.

    By ``Retry-After``, ``RateLimit``, or ``X-RateLimit-Reset`` where nothing remains.

    Args:
        headers: By lower-case name.
        now: Time, UTC: counts where an answer does not say when it was sent.
    """
    waits = (_retry_after(headers, now), exhausted_quota(headers), _until_reset(headers, now))
    return max((wait for wait in waits if wait is not None), default=None)


def exhausted_quota(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a used-up quota is filled again; None: none is used up.

    Read from ``RateLimit: "api";r=0;t=55`` (draft-ietf-httpapi-ratelimit-headers-09): `r` requests
    are left for the next `t` seconds. One second more, as Hugging Face's own client waits.
    """
    policies = headers.get("ratelimit", "").split(",")
    waits = [float(found[1]) + 1 for each in policies if (found := _USED_UP.search(each))]
    return max(waits, default=None)


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110, section 10.2.3).

    A date is read against the answer's own ``Date``, so no clock has to be right.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    return max(0.0, (until - (sent_at(headers) or now)).total_seconds())


def _is_used_up(headers: Mapping[str, str]) -> bool:
    return headers.get("x-ratelimit-remaining", "").strip() == "0"


def _until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until ``X-RateLimit-Reset``, in seconds of the epoch; one more is safe."""
    value = headers.get("x-ratelimit-reset", "").strip()
    if not (_is_used_up(headers) and value.isascii() and value.isdigit()):
        return None
    return max(0.0, float(value) - (sent_at(headers) or now).timestamp()) + 1


def sent_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when an answer was sent by the clock of its server, UTC; None: it does not say."""
    return _http_date(headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    """Return a date of HTTP, which is always UTC (RFC 9110, section 5.6.7); None: it is none."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 5 ms, only where hubs answer

    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
