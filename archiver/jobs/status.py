"""Health of the archive: last good runs, failures, gaps, size and growth."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.capture import runlog
from archiver.capture.prune import configured_retention
from archiver.capture.report import is_imported
from archiver.capture.runlog import Run  # noqa: TC001  msgspec reads it
from archiver.errors import RepositoryBusy
from archiver.history import revisions
from archiver.history.catalogue import configured
from archiver.history.versions import stamp
from archiver.jobs.growth import (
    MONTH,
    REPOSITORY_LIMIT,
    Growth,
    Limit,
    Stamps,
    limits,
    measured,
    stamped_sizes,
)
from archiver.records.representation import short
from archiver.store.packing import disk_usage, stored_bytes
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from archiver.config import Config
    from archiver.history.catalogue import Catalogue

_SHORT: Final = timedelta(hours=1)
"""A shorter time without a good run is no gap."""
_AHEAD: Final = timedelta(hours=1)
"""A report from later than this in the future says that a clock is wrong, and nothing else."""
_USUAL: Final = 100
"""Number of newest distances between runs that determine the usual one: a job may change its
rhythm."""
_RHYTHM: Final = 5
"""Number of good runs from which a job has a rhythm."""


class Gap(msgspec.Struct, frozen=True):
    """A time without a good run that was longer than usual, UTC."""

    after: str
    until: str

    __repr__ = short


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The health of one source.

    Attributes:
        source: Its name.
        good: The last good run; None: there was none.
        last: The last run; None: there was none.
        imported: Capture time of the newest snapshot where it was imported and nothing has run
            since, UTC; None: it was not.
        stale: Whether the last good run is older than the given age, or there was none though
            the source was not imported just now.
        late: Whether the next good run is overdue by the usual distance.
        failures: Failed and refused runs since the last good one.
        month: Number of good and of all reported runs of the last 30 days.
        ahead: Number of reports from the future, which count nowhere else.
        gaps: Times without a good run that ended in the last 30 days, 1.5 times as long as usual.
        files: Bytes of its folder in the newest commit.
        largest: Bytes of its largest file there.
    """

    source: str
    good: Run | None
    last: Run | None
    imported: str | None
    stale: bool
    late: bool
    failures: int
    month: tuple[int, int]
    ahead: int
    gaps: tuple[Gap, ...]
    files: int
    largest: int

    __repr__ = short

    @property
    def healthy(self) -> bool:
        """Whether the last run was good to its end, and recent enough.

        The run of a capture that was not pushed or notified is good; its job was not.
        """
        last = self.last
        ran = last is not None and last.good and last.code == 0
        return ran and not self.stale and not self.late


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The health of a data repository.

    Attributes:
        schema: Name of the JSON form.
        sources: Each source.
        git: Bytes of all objects on this disk.
        committed: Whether anything is committed yet.
        growth: Bytes of the objects of the last 30 days; None: nothing is committed, or this
            clone is shallow or partial.
        months_left: Months until git reaches `REPOSITORY_LIMIT`; None: it does not grow, or its
            growth is unknown.
        measured: How fast git grows; None: it is too early to tell, or this clone is not whole.
        limits: The limits that are reached within five years, the nearest first.
    """

    schema: str = "archiver/status/1"
    sources: tuple[SourceStatus, ...]
    git: int
    committed: bool
    growth: int | None
    months_left: float | None
    measured: Growth | None
    limits: tuple[Limit, ...]

    __repr__ = short

    @property
    def healthy(self) -> bool:
        """Whether every source is healthy."""
        return all(each.healthy for each in self.sources)


def status(
    config: Config, names: Iterable[str], *, now: datetime, max_age: timedelta | None = None
) -> Status:
    """Return the health of the archive.

    Args:
        config: The archiver.toml.
        names: The sources.
        now: Time, UTC.
        max_age: Age of the last good run from which a source is stale; None: any age will do.
    """
    with Repository.open(config.root) as opened:
        repository = opened.offline()
        catalogues = [configured(config, name, repository) for name in names]
        tip = repository.tip(catalogues[0].ref) if catalogues else None
        sizes = {each.source: repository.sizes(tip, each.folder) for each in catalogues if tip}
        sources = tuple(
            _source(each, sizes.get(each.source, {}), now, max_age) for each in catalogues
        )
        stored = stored_bytes(repository)
        growth = (
            None
            if repository.shallow or repository.promised or tip is None
            else disk_usage(repository, tip, now - MONTH)
        )
        pace = measured(repository, tip, now) if tip else None
        files = {each.source: _files(each, sizes.get(each.source, {})) for each in catalogues}
        reached = limits(repository, stored, pace, files, now) if pace else ()
    left = (REPOSITORY_LIMIT - stored) / (pace.pace * 30) if pace and pace.pace else None
    months = None if left is None else round(max(left, 0), 1)
    return Status(
        sources=sources,
        git=stored,
        committed=tip is not None,
        growth=growth,
        months_left=months,
        measured=pace,
        limits=reached,
    )


def _files(catalogue: Catalogue, sizes: Mapping[str, int]) -> Stamps:
    """Return the stamped files of a source, and what limits them."""
    config = catalogue.config
    assert config is not None  # noqa: S101  it is a configured one
    source = config.source(catalogue.source)
    return Stamps(
        stamped_sizes(catalogue, sizes),
        pruned=not configured_retention(config).is_empty,
        split=source.shards == "auto",
        paced=bool(source.pace.every),
    )


def _source(
    catalogue: Catalogue, sizes: Mapping[str, int], now: datetime, max_age: timedelta | None
) -> SourceStatus:
    reported = runlog.load(catalogue)
    dated = [run for run in reported if run.began <= now + _AHEAD]
    runs = [run for run in dated if run.code != RepositoryBusy.exit_code]  # another one ran
    good = next((run for run in reversed(runs) if run.good), None)
    recent = [run for run in runs if run.began >= now - MONTH]
    imported = None if reported else _imported(catalogue)
    old = good is not None and max_age is not None and now - good.began > max_age
    stale = old or (good is None and imported is None)
    between = gaps(runs, now)
    rhythm = sum(run.good for run in runs) >= _RHYTHM
    return SourceStatus(
        source=catalogue.source,
        good=good,
        last=runs[-1] if runs else None,
        imported=imported,
        stale=stale,
        late=rhythm and bool(between) and between[-1].until == stamp(now),
        failures=sum(1 for run in runs if good is None or run.timestamp > good.timestamp),
        month=(sum(run.good for run in recent), len(recent)),
        ahead=len(reported) - len(dated),
        gaps=between,
        files=sum(sizes.values()),
        largest=max(sizes.values(), default=0),
    )


def _imported(catalogue: Catalogue) -> str | None:
    """Return the capture time of the newest snapshot if it was imported."""
    newest = revisions.newest(catalogue)
    return stamp(newest.authored_at) if newest is not None and is_imported(newest) else None


def gaps(runs: list[Run], now: datetime) -> tuple[Gap, ...]:
    """Return the times without a good run of the last 30 days, 1.5 times as long as usual.

    The last one may reach to `now`. The usual distance is the median of those between good runs,
    computed separately for reports that were thinned to one a day.

    Args:
        runs: All known reports, oldest first.
        now: Time, UTC.
    """
    since = runs[-runlog.NEWEST].began if len(runs) > runlog.NEWEST else None
    times = [run.began for run in runs if run.good and run.began <= now]
    pairs = list(pairwise([*times, now]))
    thinned = [pair for pair in pairs if since is not None and pair[0] < since]
    return (*_longer(thinned, now), *_longer(pairs[len(thinned) :], now))


def _longer(pairs: list[tuple[datetime, datetime]], now: datetime) -> Iterator[Gap]:
    """Yield the gaps among pairs of times of good runs; `now` is no good run."""
    distances = [later - earlier for earlier, later in pairs if later != now]
    if not distances:
        return
    longest = max(1.5 * median_low(distances[-_USUAL:]), _SHORT)
    for earlier, later in pairs:
        if later >= now - MONTH and later - earlier > longest:
            yield Gap(stamp(earlier), stamp(later))
