"""Decide which snapshot files stay: a pure plan with a reason for each that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.language import stored
from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    _Period = Callable[[datetime], tuple[int, ...]]


class Stamped(NamedTuple):
    """A snapshot file: its name, and when it was captured (UTC)."""

    name: str
    taken_at: datetime


class Kept(NamedTuple):
    """A snapshot file that stays, and why: ``newest``, ``last``, ``daily`` and so on."""

    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What to keep. A rule that is None keeps nothing; no rule at all keeps everything.

    Attributes:
        older_than: Keep everything that is not older than this number of days.
        keep_last: Keep the newest this many.
        keep_daily: Keep the newest of each of the last this many days that have one (UTC).
        keep_weekly: The same for weeks (ISO 8601, from Monday).
        keep_monthly: The same for months.
    """

    older_than: int | None = None
    keep_last: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no rule."""
        return self == Retention()


class Plan(NamedTuple):
    """Every snapshot file is in exactly one of both, newest first."""

    keep: tuple[Kept, ...]
    remove: tuple[Stamped, ...]


_PERIODS: Final[Mapping[str, _Period]] = {
    stored("daily"): lambda moment: (moment.year, moment.month, moment.day),
    stored("weekly"): lambda moment: moment.isocalendar()[:2],
    stored("monthly"): lambda moment: (moment.year, moment.month),
}


def plan(
    snapshots: Sequence[Stamped], policy: Retention, now: datetime, *, latest: str | None = None
) -> Plan:
    """Return what stays and what goes; the newest always stays.

    The rules add up as in restic's ``forget``: a file goes only if no rule keeps it. Planning
    again over what was kept removes nothing.

    Args:
        snapshots: The files, in any order; names are unique.
        policy: The rules.
        now: The moment from which ages are counted (UTC).
        latest: Name of the newest file by ancestry, as a clock may have been wrong; None: the
            one that was taken last.
    """
    newest_first = sorted(snapshots, key=lambda file: (file.taken_at, file.name), reverse=True)
    reasons: dict[str, list[str]] = {file.name: [] for file in newest_first}
    for name, reason in _kept(newest_first, policy, now, latest):
        reasons[name].append(reason)
    return Plan(
        tuple(Kept(name, tuple(found)) for name, found in reasons.items() if found),
        tuple(file for file in newest_first if not reasons[file.name]),
    )


def _kept(
    files: Sequence[Stamped], policy: Retention, now: datetime, latest: str | None
) -> Iterator[tuple[str, str]]:
    newest = [file for file in files if file.name == latest] or files[:1]
    yield from ((file.name, stored("newest")) for file in newest)
    if policy.is_empty:
        yield from ((file.name, stored("no rule removes it")) for file in files)
    if policy.older_than is not None:
        oldest, reason = now - timedelta(days=policy.older_than), _age(policy.older_than)
        yield from ((file.name, reason) for file in files if file.taken_at >= oldest)
    yield from ((file.name, stored("last")) for file in files[: policy.keep_last or 0])
    for reason, period in _PERIODS.items():
        limit = getattr(policy, f"keep_{reason}") or 0
        yield from ((name, reason) for name in _newest_of_each(files, period)[:limit])


def _age(days: int) -> str:
    return stored("not older than {days}", days=count(days, "day"))


def _newest_of_each(files: Sequence[Stamped], period: _Period) -> list[str]:
    newest: dict[tuple[int, ...], str] = {}
    for file in files:
        newest.setdefault(period(file.taken_at.astimezone(UTC)), file.name)
    return list(newest.values())
