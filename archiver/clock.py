"""The one place that reads the clock, and the periods that people write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PERIOD = re.compile(r"(\d{1,4})([hdwmy])")
_UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251  the one place that reads the clock


def period(text: str) -> timedelta | None:
    """Return the time that ``36h``, ``7d``, ``2w``, ``3m``, ``1y`` mean; None: it is no period."""
    found = _PERIOD.fullmatch(text)
    return timedelta(days=int(found[1]) * _UNITS[found[2]]) if found else None
