"""Sizes of what is derived from a month of history, beside git's pack of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.fakehub.catalogue import Catalogue, Pace
from bench import repositories
from bench.indexing import CONFIG
from bench.measure import ARCHIVER, once
from bench.result import Result, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS = 20_000
DAYS = 31
PACE = Pace(counters=0.54)
MEGABYTES = 200


def month(folder: Path) -> Iterator[Result]:
    """Export 31 days of 20,000 records, of which 54 % have other counts each day."""
    catalogue = Catalogue(models=RECORDS, pace=PACE)
    repository = repositories.committed(
        folder / "month",
        (repositories.sorted_lines(catalogue, day) for day in range(DAYS)),
    )
    (repository / "archiver.toml").write_text(CONFIG)
    repositories.git(repository, "gc", "--quiet")
    packed = _size(repository / ".git" / "objects" / "pack", "*.pack")
    once([ARCHIVER, "index"], repository)
    index = _size(repository / ".git" / "archiver" / "index", "*.sqlite")
    what = f"{RECORDS:,} records, {DAYS} days"
    yield _times(f"{what}: index : pack", index, packed, target=5)
    lake, file = folder / "lake", folder / "month.db"
    cost = once([ARCHIVER, "export", "--parquet", str(lake)], repository)
    parquet = _size(lake, "**/*.parquet")
    yield _times(f"{what}: Parquet : pack", parquet, packed, target=1.5)
    yield memory("export --parquet: memory", cost.memory, target=MEGABYTES)
    again = once([ARCHIVER, "export", "--parquet", str(lake)], repository)
    yield Result("export --parquet again : at first", again.wall / cost.wall, "≤", 0.5)
    cost = once([ARCHIVER, "export", "--sqlite", str(file), "--fts", "description"], repository)
    yield memory("export --sqlite: memory", cost.memory, target=MEGABYTES)


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


def _times(what: str, ours: int, theirs: int, *, target: float) -> Result:
    detail = f"{ours / 1e6:.1f} MB : {theirs / 1e6:.1f} MB"
    return Result(what, ours / theirs, "≤", target, detail=detail)
