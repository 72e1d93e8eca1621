"""Say how the archive is: when it last worked, what failed, how large it is and grows."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.capture import runlog
from archiver.capture.runlog import Run  # noqa: TC001  msgspec reads it
from archiver.errors import RepositoryBusy
from archiver.history.catalogue import configured
from archiver.history.versions import stamp
from archiver.store.disk import disk_usage, stored_bytes
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archiver.config import Config
    from archiver.history.catalogue import Catalogue

MONTH: Final = timedelta(days=30)
_SHORT: Final = timedelta(hours=1)  # no gap
_AHEAD: Final = timedelta(hours=1)
"""A run that began so far in the future says that a clock is wrong, and nothing else."""
_USUAL: Final = 100
"""So many of the newest distances say what is usual: a job that has another rhythm now is told by
that, and one that has died by the rhythm that it had."""
_RHYTHM: Final = 5
"""So many good runs tell how often a job runs."""
FILE_LIMIT: Final = 100_000_000
"""Bytes of a file that GitHub refuses (GitHub docs, "About large files on GitHub")."""
REPOSITORY_LIMIT: Final = 5_000_000_000
"""Bytes of a repository above which GitHub asks for less (same page: "strongly recommended")."""


class Gap(msgspec.Struct, frozen=True):
    """A time without a good run that was longer than usual: from one to the next, UTC."""

    after: str
    until: str


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one source is.

    Attributes:
        source: Its name.
        good: The last run that listed it; None: there was none.
        last: The last run; None: there was none.
        stale: Whether the last good run is older than was asked for, or there was none.
        late: Whether the next good run is overdue, by the distance that was usual.
        failures: Failed and refused runs since the last good one.
        month: Good runs, and all runs, of the last 30 days as far as reports are kept.
        ahead: Reports from the future; nothing else here counts them.
        gaps: Times without a good run that ended in the last 30 days, half as long again as
            usual.
        files: Bytes of its folder in the newest commit.
        largest: Bytes of its largest file there.
    """

    source: str
    good: Run | None
    last: Run | None
    stale: bool
    late: bool
    failures: int
    month: tuple[int, int]
    ahead: int
    gaps: tuple[Gap, ...]
    files: int
    largest: int

    @property
    def healthy(self) -> bool:
        """Say whether the last run was good to its end, and young enough.

        A capture that was not pushed, or that a channel was not told of, is good; its job was not.
        """
        last = self.last
        ran = last is not None and last.good and last.code == 0
        return ran and not self.stale and not self.late


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a data repository is.

    Attributes:
        schema: Name of the JSON form.
        sources: Each source.
        git: Bytes of all objects on this disk.
        committed: Whether anything is committed yet.
        growth: Bytes of the objects that the last 30 days brought; None: nothing is committed, or
            this clone is shallow.
        months_left: Months until git reaches what GitHub recommends at most; None: it does not
            grow, or nobody knows.
    """

    schema: str = "archiver/status/1"
    sources: tuple[SourceStatus, ...]
    git: int
    committed: bool
    growth: int | None
    months_left: float | None

    @property
    def healthy(self) -> bool:
        """Say whether every source is healthy."""
        return all(each.healthy for each in self.sources)


def status(
    config: Config, names: Iterable[str], *, now: datetime, max_age: timedelta | None = None
) -> Status:
    """Return how the archive is.

    Args:
        config: The archiver.toml.
        names: The sources.
        now: Time, UTC.
        max_age: A last good run that is older makes a source stale; None: none is too old.
    """
    with Repository.open(config.root) as repository:
        catalogues = [configured(config, name, repository) for name in names]
        sources = tuple(_source(catalogue, now, max_age) for catalogue in catalogues)
        stored = stored_bytes(repository)
        tip = repository.tip(catalogues[0].ref) if catalogues else None
        growth = (
            None if repository.shallow or tip is None else disk_usage(repository, tip, now - MONTH)
        )
    left = (REPOSITORY_LIMIT - stored) / growth if growth else None
    months = None if left is None else round(max(left, 0), 1)
    return Status(
        sources=sources, git=stored, committed=tip is not None, growth=growth, months_left=months
    )


def _source(catalogue: Catalogue, now: datetime, max_age: timedelta | None) -> SourceStatus:
    repository = catalogue.required()
    reported = runlog.load(repository, catalogue.source)
    told = [run for run in reported if run.began <= now + _AHEAD]
    runs = [run for run in told if run.code != RepositoryBusy.exit_code]  # another one was at work
    good = next((run for run in reversed(runs) if run.good), None)
    recent = [run for run in runs if run.began >= now - MONTH]
    stale = good is None or (max_age is not None and now - good.began > max_age)
    between = gaps(runs, now)
    rhythm = sum(run.good for run in runs) >= _RHYTHM
    tip = repository.tip(catalogue.ref)
    sizes = repository.sizes(tip, catalogue.folder) if tip else {}
    return SourceStatus(
        source=catalogue.source,
        good=good,
        last=runs[-1] if runs else None,
        stale=stale,
        late=rhythm and bool(between) and between[-1].until == stamp(now),
        failures=sum(1 for run in runs if good is None or run.timestamp > good.timestamp),
        month=(sum(run.good for run in recent), len(recent)),
        ahead=len(reported) - len(told),
        gaps=between,
        files=sum(sizes.values()),
        largest=max(sizes.values(), default=0),
    )


def gaps(runs: list[Run], now: datetime) -> tuple[Gap, ...]:
    """Return the times without a good run, half as long again as the usual distance.

    They ended in the last 30 days; the last one reaches to `now`. The usual distance is the median
    of those between good runs; reports that were thinned to one a day have one of their own.

    Args:
        runs: All that are known, oldest first.
        now: Time, UTC.
    """
    since = runs[-runlog.NEWEST].began if len(runs) > runlog.NEWEST else None
    times = [run.began for run in runs if run.good and run.began <= now]
    pairs = list(pairwise([*times, now]))
    thinned = [pair for pair in pairs if since is not None and pair[0] < since]
    return (*_longer(thinned, now), *_longer(pairs[len(thinned) :], now))


def _longer(pairs: list[tuple[datetime, datetime]], now: datetime) -> Iterator[Gap]:
    """Yield the pairs of times that are further apart than usual; `now` is no good run."""
    distances = [later - earlier for earlier, later in pairs if later != now]
    if not distances:
        return
    longest = max(1.5 * median_low(distances[-_USUAL:]), _SHORT)
    for earlier, later in pairs:
        if later >= now - MONTH and later - earlier > longest:
            yield Gap(stamp(earlier), stamp(later))
