"""What is measured of an archive's growth, which limits follow, and what is said of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.git import new_repository

from archiver.jobs.growth import Growth, Stamps, limits, measured
from archiver.jobs.status import status
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.jobs.growth import Limit

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
NONE = Stamps({}, pruned=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Make an archive of 300 models, of which half change a metric each day, 24 times."""
    archive = Archive(new_repository(tmp_path_factory.mktemp("growth") / "archive"))
    archive.configure(metrics=["n"])
    for counts in counters(24):
        archive.captured(**counts)
    return archive


@pytest.fixture
def archive(built: Archive, tmp_path: Path) -> Archive:
    return built.copied(tmp_path / "archive")


def counters(days: int) -> Iterator[dict[str, int]]:
    chance = random.Random(1)
    counts = {f"model-{number}": chance.randrange(10**6) for number in range(300)}
    for _ in range(days):
        for name in chance.sample(sorted(counts), 150):
            counts[name] += chance.randrange(1, 1000)
        yield counts


def growth(archive: Archive, now: datetime | None = None) -> Growth | None:
    with Repository.open(archive.folder) as repository:
        tip = repository.tip("HEAD")
        assert tip is not None
        return measured(repository, tip, now or archive.time)


def required(archive: Archive) -> Growth:
    found = growth(archive)
    assert found is not None
    return found


def test_a_few_captures_are_too_early_to_tell(tmp_path: Path) -> None:
    archive = Archive(new_repository(tmp_path / "archive"))
    archive.configure()
    for number in range(5):
        archive.captured(one=number)
    assert growth(archive) is None, "the first snapshot is no growth"
    ran = run_archiver("status", "--repo", archive.folder)
    assert "too early to tell when it reaches a limit" in ran.stdout
    archive.captured(one=9)
    assert growth(archive) is not None


def test_loose_and_packed_objects_say_nearly_the_same(archive: Archive) -> None:
    loose = required(archive)
    archive.git("gc", "--quiet")
    packed = required(archive)
    assert not loose.at_most
    assert packed.pace / 2 < loose.pace < packed.pace * 2
    assert (packed.captures, packed.metrics) == (1.0, 1.0)


def test_the_first_snapshot_of_a_source_is_no_growth(archive: Archive) -> None:
    archive.git("gc", "--quiet")
    before = required(archive).pace
    text = (archive.folder / "archiver.toml").read_text()
    large = ",".join(f'{{"id":"{number}","hash":{hash(str(number))}}}' for number in range(9999))
    (archive.folder / "large.json").write_text(f'{{"models":[{large}]}}')
    more = text.replace("hub", "other").replace("models.json", "large.json")
    (archive.folder / "archiver.toml").write_text(text + more)
    assert run_archiver("run", "other", "--repo", archive.folder).returncode == 0
    archive.git("gc", "--quiet")
    assert required(archive).pace == pytest.approx(before, rel=0.2)


def test_what_was_imported_today_counts_for_when_it_was_captured(
    archive: Archive, tmp_path: Path
) -> None:
    archive.git("gc", "--quiet")
    new = Archive(new_repository(tmp_path / "new"), archive.time)
    new.configure(metrics=["n"])
    stamped = sorted((archive.folder / "data/hub/snapshots").iterdir())
    ran = run_archiver("import", *stamped, "--repo", new.folder)
    assert ran.returncode == 0, ran.stderr
    new.git("gc", "--quiet")
    assert required(new).pace == pytest.approx(required(archive).pace, rel=0.3)
    assert required(new).captures == 1.0


def test_old_captures_that_were_imported_last_do_not_hide_the_new_ones(archive: Archive) -> None:
    """The newest commits of a branch may be of years ago: dates decide, not their place."""
    archive.git("gc", "--quiet")
    before = required(archive)
    blob = archive.git("rev-parse", "HEAD:data/hub/latest.json")
    message = archive.git("log", "-1", "--format=%B").replace(": hub", ": old")
    for year in (2021, 2022, 2023):
        archive.git("update-index", "--add", "--cacheinfo", f"100644,{blob},data/old/{year}.json")
        archive.git("commit", "--quiet", "--date", f"{year}-01-01T00:00:00Z", "--message", message)
    assert required(archive).captures == before.captures
    assert required(archive).pace == pytest.approx(before.pace, rel=0.2)


def test_a_shallow_or_partial_clone_does_not_tell(archive: Archive, tmp_path: Path) -> None:
    for option in ("--depth=10", "--filter=blob:none"):
        archive.git("config", "uploadpack.allowFilter", "true")
        clone = tmp_path / option.strip("-")[:5]
        archive.git("clone", "--quiet", option, f"file://{archive.folder}", str(clone))
        assert growth(Archive(clone, archive.time)) is None


def reached(archive: Archive, stored: float, pace: float, **sources: Stamps) -> dict[str, Limit]:
    known = Growth(pace=pace, at_most=False, captures=1, metrics=0.9)
    with Repository.open(archive.folder) as repository:
        found = limits(repository, int(stored), known, sources or {"hub": NONE}, NOW)
    assert [each.months for each in found] == sorted(each.months for each in found)
    return {each.name: each for each in found}


def test_limits_of_the_next_five_years_are_told_and_no_others(archive: Archive) -> None:
    assert reached(archive, 1e6, 10) == {}
    found = reached(archive, 4e9, 22e6)
    assert found["github"].months == pytest.approx(1.5, abs=0.1)
    assert found["github"].date == "2026-08-14"
    assert found["github"].advice == ("metrics", "rollover")
    assert found["gitlab"].months == pytest.approx((10 * 2**30 - 4e9) / 22e6 / 30, abs=0.1)
    paced = NONE._replace(paced=True)
    assert reached(archive, 4e9, 22e6, hub=paced)["github"].advice == ("rollover",)
    assert reached(archive, 6e9, 1000)["github"].months == 0, "it is reached already"


def daily(sizes: list[int]) -> Stamps:
    """Return stamped files of the last days, each of one file, oldest first."""
    times = [NOW - timedelta(days=age) for age in range(len(sizes))][::-1]
    return Stamps({time: (size, size) for time, size in zip(times, sizes, strict=True)})


def test_a_file_that_is_not_split_reaches_what_github_takes(archive: Archive) -> None:
    grows = daily([80_000_000 + 100_000 * day for day in range(20)])
    found = reached(archive, 1e6, 10, hub=grows._replace(split=False))["file"]
    assert (found.source, found.advice) == ("hub", ("shards",))
    assert found.months == pytest.approx((20e6 - 1.9e6) / 1e5 / 30, abs=0.1)
    assert "file" not in reached(archive, 1e6, 10, hub=grows)


def test_stamped_files_that_fill_the_disk_are_named_first(archive: Archive) -> None:
    huge = daily([10**12] * 20)
    disk = reached(archive, 1e6, 10, hub=huge)["disk"]
    assert disk.advice[0] == "retention"
    pruned = huge._replace(pruned=True)
    assert "disk" not in reached(archive, 1e6, 10, hub=pruned)


def test_a_healthy_archive_says_nothing(archive: Archive) -> None:
    found = status(archive.config, ["hub"], now=archive.time)
    assert found.limits == ()
    assert found.months_left is not None
    lines = run_archiver("status", "--repo", archive.folder).stdout.splitlines()
    assert [line for line in lines if "git:" in line] == lines[-1:]


def test_hourly_captures_are_warned_of_a_full_folder(tmp_path: Path) -> None:
    archive = Archive(new_repository(tmp_path / "archive"))
    archive.configure()
    for number in range(8):
        archive.captured(one=number)
        archive.time -= timedelta(hours=23)
    *_, warning, change = run_archiver("status", "--repo", archive.folder).stdout.splitlines()
    assert warning.startswith("  warning  ")
    assert warning.endswith("hub: 3,000 stamped files, the most that GitHub recommends")
    assert "[retention]" in change
    archive.configure("[retention]\nkeep_days = 30")
    assert "warning" not in run_archiver("status", "--repo", archive.folder).stdout
