"""Decide how long to wait before asking again."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_WAIT = 0.5
_LIMIT = re.compile(r";\s*r=(?P<r>\d{1,9})\s*;\s*t=(?P<t>\d{1,9})\b", re.ASCII)


class Later(Exception):
    """An exchange failed in a way that may pass; never leaves the transport.

    Attributes:
        wait: Seconds that the source asked for, or None.
    """

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        """Keep the one-line `reason` and the `wait`."""
        super().__init__(reason)
        self.wait = wait


def delay(attempt: int, *, asked: float | None, chance: float, longest: float) -> float:
    """Return the seconds to wait after a failed attempt.

    Args:
        attempt: How many attempts failed before this one.
        asked: Seconds that the source asked for, or None.
        chance: Between 0 and 1; spreads the clients that failed together.
        longest: Upper bound in seconds.
    """
    if asked is not None:
        return min(asked, longest)
    return min(_FIRST_WAIT * 2.0**attempt, longest) * (1 + chance) / 2


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110, section 10.2.3).

    A date is read against the answer's own ``Date``, so no clock has to be right.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        wanted = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # no date, or one of the two without a time zone
        return None
    return max(0.0, wanted.total_seconds())


def used_up(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a used-up quota is filled again; None: none is used up.

    Read from ``RateLimit: "api";r=0;t=55`` (draft-ietf-httpapi-ratelimit-headers-09): `r` requests
    are left for the next `t` seconds. One second more, as the hub's own client waits.
    """
    waits = [
        float(found["t"]) + 1
        for policy in headers.get("ratelimit", "").split(",")
        if (found := _LIMIT.search(policy)) and int(found["r"]) == 0
    ]
    return max(waits, default=None)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return how long an answer asks to wait, by ``Retry-After`` or ``RateLimit``, if it does."""
    waits = [wait for wait in (retry_after(headers), used_up(headers)) if wait is not None]
    return max(waits, default=None)
