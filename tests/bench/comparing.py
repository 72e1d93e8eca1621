"""Compare two commits between which one third of the records changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import repositories
from bench.measure import ARCHIVER, PYTHON, once, repeated
from bench.result import Result, at_most, faster, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEGABYTES = 64
SIZES = (50_000, 100_000, 200_000, 400_000, 800_000)
"""Records of about 300 bytes: one file of 15 to 240 MB, or parts of 1 to 15 MB."""
FORMS = {"--stat": ["--stat"], "-f jsonl": ["--format", "jsonl"]}


def against_deepdiff(folder: Path) -> Iterator[Result]:
    """100,000 records: both sides are whole processes that read both commits."""
    repository = repositories.two_days(folder / "compare-100k", 100_000)
    rival = [PYTHON, "-m", "bench.with_deepdiff", repositories.LATEST]
    theirs = once(rival, repository)
    for name, options in FORMS.items():
        ours = repeated([ARCHIVER, "compare", "HEAD~1", "HEAD", *options], repository)
        what = f"compare {name}, 100,000"
        yield faster(f"{what}: DeepDiff", ours=ours.wall, theirs=theirs.wall, target=60)
        yield memory(f"{what}: memory", ours.memory, target=MEGABYTES)


def large(folder: Path) -> Iterator[Result]:
    """800,000 records in one file."""
    yield from _against_git(folder / "compare-800k", shards=1)


def large_sharded(folder: Path) -> Iterator[Result]:
    """800,000 records in 16 files."""
    yield from _against_git(folder / "compare-800k-shards", shards=16)


def memory_sweep(folder: Path) -> Iterator[Result]:
    """Measure memory at every size: what is small may be read whole, what is large may not."""
    for records in SIZES:
        for shards in (1, 16):
            repository = repositories.two_plain_days(
                folder / f"memory-{records}-{shards}", records, shards=shards
            )
            peak = once([ARCHIVER, "compare", "HEAD~1", "HEAD", "--stat"], repository).memory
            yield memory(f"compare --stat, {records:,} in {shards}: memory", peak, target=MEGABYTES)


def _against_git(folder: Path, *, shards: int) -> Iterator[Result]:
    repository = repositories.two_days(folder, 800_000, shards=shards)
    blobs = repositories.catalogue_blobs(repository)
    theirs = repeated(["git", "cat-file", "--batch"], repository, stdin=blobs)
    for name, options in FORMS.items():
        ours = repeated([ARCHIVER, "compare", "HEAD~1", "HEAD", *options], repository)
        what = f"compare {name}, 800,000 in {shards}"
        yield at_most(f"{what} : cat-file", ours=ours.wall, theirs=theirs.wall, target=4)
        yield memory(f"{what}: memory", ours.memory, target=MEGABYTES)
