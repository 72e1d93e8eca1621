"""Predict from measured growth when an archive reaches a limit, and what would change that."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from archiver.capture.report import SOURCE
from archiver.history.catalogue import DIGEST
from archiver.history.snapshots import taken_at
from archiver.records.representation import short
from archiver.store import growth as store
from archiver.store.history import is_partial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from archiver.history.catalogue import Catalogue
    from archiver.store.history import Revision
    from archiver.store.repository import Repository

MONTH: Final = timedelta(days=30)
YEARS: Final = 60.0
"""Months ahead that are looked at: five years."""
NEAR: Final = 12.0
"""Months from which on a limit is warned of."""
FEW: Final = 5
"""Captures that are needed to tell."""
SHORTEST: Final = timedelta(hours=6)
"""What captures of a shorter time say of the years to come is worth nothing."""
MOSTLY: Final = 0.5
"""Share of changes from which on metrics are what makes an archive grow."""
FILE_LIMIT: Final = 100_000_000
"""Bytes from which GitHub refuses a file (GitHub docs, "About large files on GitHub": blocked
from 100 MiB, warned of from 50 MiB; "Repository limits": 100 MB)."""
REPOSITORY_LIMIT: Final = 5_000_000_000
"""Largest size of a repository that GitHub strongly recommends ("About large files on GitHub":
ideally less than 1 GB, less than 5 GB is strongly recommended)."""
GITHUB_MOST: Final = 10_000_000_000
"""Largest size on disk that GitHub recommends at all (GitHub docs, "Repository limits")."""
GITLAB_MOST: Final = 10 << 30
"""Bytes of a project that GitLab.com stores for nothing (GitLab docs, "Storage": 10 GiB a
project, read-only beyond)."""
FOLDER_WIDTH: Final = 3000
"""Entries of one folder that GitHub recommends at most (GitHub docs, "Repository limits")."""

Name: TypeAlias = Literal["github", "github-most", "gitlab", "disk", "file", "folder"]
Advice: TypeAlias = Literal["metrics", "retention", "shards", "rollover", "disk"]


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How fast an archive grows, measured from the captures of the last 30 days or the newest few.

    Times are those of the captures: what was imported today counts for when it was captured. The
    first snapshot of a source is no growth.

    Attributes:
        pace: Bytes of git a day, packed.
        at_most: Whether it may be much less: the captures are too large to be packed on trial.
        captures: Number of captures a day.
        metrics: Share of the changes that are only of metrics; None: nothing changed.
    """

    pace: float
    at_most: bool
    captures: float
    metrics: float | None

    __repr__ = short


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that is reached within five years.

    Attributes:
        name: ``github`` (strongly recommended), ``github-most``, ``gitlab``, ``disk``, ``file``
            (largest), ``folder`` (stamped files in one).
        source: The source whose files reach it; empty: all of the repository does.
        most: The limit, in bytes or files.
        used: How much of it is used.
        months: Months until it is reached.
        date: The day on which it is.
        advice: What to change, what has the largest effect first.
    """

    name: Name
    source: str = ""
    most: int
    used: int
    months: float
    date: str
    advice: tuple[Advice, ...]

    __repr__ = short

    @property
    def near(self) -> bool:
        """Whether it is near enough for a warning."""
        return self.months <= NEAR


class Stamps(NamedTuple):
    """The stamped files of one source in the newest commit.

    Attributes:
        sizes: Capture time to the bytes of all its files and of the largest one, oldest first.
        pruned: Whether a rule removes old ones.
        split: Whether the catalogue is split by its size.
        paced: Whether its metrics are archived at a pace of their own.
    """

    sizes: Mapping[datetime, tuple[int, int]]
    pruned: bool = False
    split: bool = True
    paced: bool = False


def measured(repository: Repository, tip: str, now: datetime) -> Growth | None:
    """Return how fast git grows; None: it is too early to tell, or the clone is not whole.

    Args:
        repository: The data repository.
        tip: Full id of the branch.
        now: Time, UTC; captures from the future do not count.
    """
    if repository.shallow or is_partial(repository.plain):
        return None
    history = [*repository.commits(tip)]
    recent = _recent(history, now)
    if len(recent) < FEW:
        return None
    span = recent[0].authored_at - recent[-1].authored_at
    if span < SHORTEST:
        return None
    often = (len(recent) - 1) / (span / timedelta(days=1))
    objects = repository.common_dir / "objects"
    packed = [each for each in recent if not store.is_loose(objects, each.id)]
    at_most = False
    if len(packed) >= FEW:
        size = store.packed_bytes(repository, history, {each.id for each in packed})
        number = len(packed)
    else:
        loose = [each for each in recent if each not in packed]
        size, number, at_most = store.tried_bytes(repository, history, loose)
    return Growth(
        pace=round(size / number * often, 1),
        at_most=at_most,
        captures=round(often, 3),
        metrics=_share(recent),
    )


def _recent(history: Sequence[Revision], now: datetime) -> list[Revision]:
    """Return the captures of the 30 days before the newest one, or the newest few; newest first."""
    seen: set[str] = set()
    found = []
    for each in reversed(history):
        source = each.trailers.get(SOURCE, "")
        if DIGEST in each.trailers and source in seen and each.authored_at <= now:
            found.append(each)
        if DIGEST in each.trailers:
            seen.add(source)
    found.sort(key=lambda each: each.authored_at, reverse=True)
    since = found[0].authored_at - MONTH if found else now
    number = sum(each.authored_at >= since for each in found)
    return found[: max(number, FEW)]


def _share(captures: Iterable[Revision]) -> float | None:
    """Return the share of changes that are only of metrics, as the trailers count them."""
    counted = {
        name: sum(_count(each.trailers.get(f"Archiver-{name}", "")) for each in captures)
        for name in ("New", "Updated", "Removed", "Metrics")
    }
    total = sum(counted.values())
    return round(counted["Metrics"] / total, 3) if total else None


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < len(str(1 << 63)) else 0


def stamped_sizes(
    catalogue: Catalogue, sizes: Mapping[str, int]
) -> dict[datetime, tuple[int, int]]:
    """Return the sizes of the stamped files of a source, as `Stamps` has them.

    Args:
        catalogue: The source.
        sizes: Path to bytes of every file below its folder.
    """
    found: dict[datetime, tuple[int, int]] = {}
    start = f"{catalogue.stamped}/"
    for path, size in sizes.items():
        if path.startswith(start):
            name = path.removeprefix(start).partition("/")[0].removesuffix(".json")
            if taken := taken_at(f"{name}.json"):
                total, largest = found.get(taken, (0, 0))
                found[taken] = total + size, max(largest, size)
    return dict(sorted(found.items()))


def limits(
    repository: Repository,
    stored: int,
    growth: Growth,
    sources: Mapping[str, Stamps],
    now: datetime,
) -> tuple[Limit, ...]:
    """Return the limits that are reached within five years, the nearest first.

    Args:
        repository: The data repository.
        stored: Bytes of git.
        growth: How fast it grows.
        sources: Name of each source to its stamped files.
        now: Time, UTC.
    """
    git: list[Advice] = ["rollover"]
    paced = all(each.paced for each in sources.values())
    if growth.metrics is not None and growth.metrics >= MOSTLY and not paced:
        git.insert(0, "metrics")
    free = shutil.disk_usage(repository.common_dir).free
    tree = sum(_tree_pace(each) for each in sources.values())
    disk: list[Advice] = [*git[:-1], "disk"]
    if tree:
        disk.insert(0 if tree > growth.pace else len(disk) - 1, "retention")
    courses = [
        _Course("github", REPOSITORY_LIMIT, stored, growth.pace, git),
        _Course("github-most", GITHUB_MOST, stored, growth.pace, git),
        _Course("gitlab", GITLAB_MOST, stored, growth.pace, git),
        _Course("disk", stored + free, stored, growth.pace + tree, disk),
    ]
    for name, files in sources.items():
        if not files.pruned:
            often, width = _captures(files), len(files.sizes)
            courses.append(_Course("folder", FOLDER_WIDTH, width, often, ["retention"], name))
        if not files.split and files.sizes:
            largest, pace = [*files.sizes.values()][-1][1], _file_pace(files)
            courses.append(_Course("file", FILE_LIMIT, largest, pace, ["shards"], name))
    found = (each.reached(now) for each in courses)
    return tuple(sorted((each for each in found if each), key=lambda each: each.months))


class _Course(NamedTuple):
    """What grows towards a limit, by `pace` a day; the others are those of `Limit`."""

    name: Name
    most: int
    used: int
    pace: float
    advice: Sequence[Advice]
    source: str = ""

    def reached(self, now: datetime) -> Limit | None:
        """Return the limit; None: it is not reached within five years."""
        left = max(self.most - self.used, 0)
        days = left / self.pace if self.pace > 0 else float("inf") if left else 0.0
        months = days / (MONTH / timedelta(days=1))
        if months > YEARS:
            return None
        return Limit(
            name=self.name,
            source=self.source,
            most=self.most,
            used=self.used,
            months=round(months, 1),
            date=f"{now + timedelta(days=days):%Y-%m-%d}",
            advice=tuple(self.advice),
        )


def _tree_pace(files: Stamps) -> float:
    """Return the bytes a day by which the stamped files grow in the work tree."""
    if files.pruned:
        return 0
    recent = _last_month(files)
    days = _days(recent)
    return sum(files.sizes[each][0] for each in recent[1:]) / days if days else 0


def _captures(files: Stamps) -> float:
    """Return the number of stamped files that are added each day."""
    recent = _last_month(files)
    days = _days(recent)
    return (len(recent) - 1) / days if days else 0


def _file_pace(files: Stamps) -> float:
    """Return the bytes a day by which the largest file grows."""
    recent = _last_month(files)
    days = _days(recent)
    grown = sum(files.sizes[new][1] - files.sizes[old][1] for old, new in pairwise(recent))
    return grown / days if days else 0


def _last_month(files: Stamps) -> list[datetime]:
    times = [*files.sizes]
    return [each for each in times if each >= times[-1] - MONTH]


def _days(times: Sequence[datetime]) -> float:
    return (times[-1] - times[0]) / timedelta(days=1) if len(times) >= FEW else 0
