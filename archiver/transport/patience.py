"""Decide how long to wait before asking again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_WAIT = 0.5


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
