"""Make the site of 100 captures of 20,000 records, and bring it up to date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from archiver.fakehub.catalogue import Catalogue
from archiver.records.canonical import Header
from bench import repositories
from bench.exporting import PACE
from bench.indexing import CONFIG
from bench.measure import ARCHIVER, once
from bench.result import Result, at_most, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS = 20_000
CAPTURES = 100
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECONDS = 60
NEXT = 5
MEGABYTES = 300
_FILES = 15_000


def site(folder: Path) -> Iterator[Result]:
    """Build a site, then that of one more capture."""
    archive = repositories.created(folder / "site-20k")
    (archive / "archiver.toml").write_text(CONFIG)
    catalogue = Catalogue(models=RECORDS, pace=PACE)
    for day in range(CAPTURES):
        capture(archive, catalogue, day)
    once([ARCHIVER, "index"], archive)
    command = [ARCHIVER, "site", "-o", str(folder / "site")]
    built = once(command, archive)
    what = f"site, {CAPTURES} captures of {RECORDS:,}"
    yield Result(f"{what}: seconds", built.wall, "≤", SECONDS, unit="")
    yield memory(f"{what}: memory", built.memory, target=MEGABYTES)
    files = {each: each.stat() for each in (folder / "site").rglob("*") if each.is_file()}
    yield Result(f"{what}: files", len(files), "≤", _FILES, unit="")
    size = sum(each.st_size for each in files.values())
    yield memory(f"{what}: size", size, target=MEGABYTES)
    capture(archive, catalogue, CAPTURES)
    once([ARCHIVER, "index"], archive)
    again = once(command, archive)
    yield Result("site, the next capture: seconds", again.wall, "≤", NEXT, unit="")
    same = sum(1 for each, was in files.items() if _inode(each) == was.st_ino)
    yield Result("site, the next capture: files as before", same / len(files) * 100, "≥", 60, "%")
    nothing = once(command, archive)
    yield at_most("site, nothing new : first build", ours=nothing.wall, theirs=built.wall, target=1)


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def capture(archive: Path, catalogue: Catalogue, day: int) -> None:
    """Commit the records of a day, at its noon."""
    lines = repositories.sorted_lines(catalogue, day)
    time = START + timedelta(days=day)
    latest = archive / repositories.LATEST
    latest.parent.mkdir(parents=True, exist_ok=True)
    repositories.write(
        latest, Header("hub", time.strftime("%Y-%m-%d %H:%M:%S"), len(lines)), lines.values()
    )
    repositories.commit_all(archive, time.isoformat())
