"""A run and a comparison of a large listing, against ten of a tenth of it, and against git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import repositories
from bench.measure import ARCHIVER, PYTHON, once, repeated
from bench.result import Result, at_most, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.measure import Cost

TIMES = 10
LATEST = ("data/hub/latest", repositories.LATEST)
CONFIG = f'[archive]\nindex = "never"\n{repositories.CONFIG}metrics = ["downloads"]\n'


def run(records: int, folder: Path) -> Iterator[Result]:
    """Measure the second day of a listing that is on disk already: 1 % of it is news."""
    small, _, theirs = second_day(folder / "small", records // TIMES)
    large, whole, ours = second_day(folder / "large", records)
    what = f"run, {records:,}"
    yield at_most(f"{what} : {TIMES} of a tenth, CPU", ours=ours, theirs=TIMES * theirs, target=1.5)
    yield memory(f"{what}: memory", whole.memory, target=300)
    yield from compared(small, large, records)


def second_day(place: Path, records: int) -> tuple[Path, Cost, float]:
    """Return the repository, the cost of its second process, and the seconds of its run."""
    repositories.created(place)
    (place / "archiver.toml").write_text(CONFIG)
    for day in ("0", "1"):
        command = [PYTHON, "-m", "bench.given_run", str(records), day]
        cost = once(command, place, keep_output=True)
    return place, cost, float(cost.output.split()[1])


def compared(small: Path, large: Path, records: int) -> Iterator[Result]:
    """Compare the two days of `large`; what `small` costs too is the start of the programs.

    Every object that is read is verified: the floor is git's reading and the SHA-1 of it.
    """
    ours = [
        repeated([ARCHIVER, "compare", "HEAD~1", "HEAD", "--stat"], each) for each in (small, large)
    ]
    what = f"compare --stat, {records:,}"
    for name, command, target in (
        ("cat-file", "git cat-file --batch", 5),
        ("cat-file, sha1sum", "git cat-file --batch | sha1sum", 2.5),
    ):
        theirs = [
            repeated(["sh", "-c", command], each, stdin=repositories.catalogue_blobs(each, *LATEST))
            for each in (small, large)
        ]
        yield at_most(
            f"{what} : {name}, CPU",
            ours=ours[1].cpu - ours[0].cpu,
            theirs=theirs[1].cpu - theirs[0].cpu,
            target=target,
        )
    yield memory(f"{what}: memory", ours[1].memory, target=64)
