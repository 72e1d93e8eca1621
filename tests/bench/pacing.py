"""What an archive grows by where metrics have their own pace, and what the pace costs a run."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from archiver import config as configuration
from archiver.capture import capture
from archiver.fakehub.catalogue import Catalogue, Pace
from archiver.records.canonical import encode
from archiver.sources.ledger import Proof
from archiver.sources.lines import LinesInMemory
from archiver.sources.listing import Listing
from bench import repositories
from bench.measure import ARCHIVER, Cost, middle, once
from bench.result import Result, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.records.model import Line

RECORDS, DAYS = 20_000, 30
START = datetime(2026, 1, 1, 3, tzinfo=UTC)
CHURN = Pace(new=0.001, removed=0.0005, content=0.01, counters=0.54)
"""Half of all counters move in a day, and 1 % of the records otherwise."""
PACES = {
    "exact": "",
    "rounded": "round = 2",
    "weekly": 'every = "7d"',
    "weekly and rounded": 'every = "7d", round = 2',
    "the default": 'every = "7d", round = 2, jump = 10',
    "never": 'every = "9999d"',
}
"""What stands beside the fields of ``metrics``; ``never`` is what the news alone costs."""
CONFIG = """\
[archive]
author = "bench <bench@example.org>"

[sources.hub]
type = "json"
url = "none.json"
key = ["id"]
metrics = {{ fields = ["downloads", "likes", "last_modified"]{pace} }}
sets = ["tags", "tasks"]
confirmations = 1
"""
MODELS, RUNS = 100_000, 3


def growth(folder: Path) -> Iterator[Result]:
    """Measure what 30 days add to the packed repository at each pace."""
    catalogue = Catalogue(models=RECORDS, pace=CHURN)
    days = [[encode(each, ("id",)) for each in catalogue.day(day)] for day in range(DAYS + 1)]
    grown = {
        name: grows(folder / name.replace(" ", "-"), days, pace) for name, pace in PACES.items()
    }
    exact = grown.pop("exact")
    for name, added in grown.items():
        target = 0.35 if "weekly" in name or "default" in name else 1
        detail = f"{added / 1e6:.2f} MB : {exact / 1e6:.2f} MB"
        yield Result(
            f"growth of {RECORDS:,} in {DAYS} days, {name} : exact",
            added / exact,
            "≤",
            target,
            detail=detail,
        )


def grows(folder: Path, days: list[list[Line]], pace: str) -> int:
    """Return the bytes that all days but the first add to the pack of an archive."""
    repository = created(folder, pace)
    sizes = []
    for number, lines in enumerate(days):
        captured(repository, lines, number)
        if number in (0, len(days) - 1):
            sizes.append(packed(repository))
    return sizes[-1] - sizes[0]


def created(folder: Path, pace: str) -> Path:
    """Create a data repository whose metrics have a pace."""
    repository = repositories.created(folder)
    text = CONFIG.format(pace=pace and f", {pace}")
    (repository / "archiver.toml").write_text(text)
    return repository


def captured(repository: Path, lines: list[Line], day: int) -> None:
    """Capture what a hub lists on a day."""
    config = configuration.discover(repository, {})
    proof = Proof("complete", 1, None, len(lines), 0, 0, "all")
    given = Listing(LinesInMemory(lines), proof)
    now = START + timedelta(days=day)
    capture.run(config, "hub", clock=lambda: now, given=given)


def packed(repository: Path) -> int:
    """Let git pack everything as it does by itself, and return the bytes of the pack."""
    repositories.git(repository, "gc", "--quiet", "--prune=now")
    return sum(each.stat().st_size for each in repository.glob(".git/objects/pack/*.pack"))


def run(folder: Path) -> Iterator[Result]:
    """Measure what the pace costs the run of a second day, and that of a due date."""
    catalogue = Catalogue(models=MODELS, pace=CHURN)
    documents = [msgspec.json.encode([*catalogue.day(day)]) for day in range(2)]
    settings = {"exact": "", "held": PACES["the default"], "due": PACES["rounded"]}
    costs: dict[str, list[Cost]] = {name: [] for name in settings}
    for name, pace in settings.items():
        repository = created(folder / name, pace)
        text = (repository / "archiver.toml").read_text().replace("none.json", "catalogue.json")
        (repository / "archiver.toml").write_text(text)
        (repository / "catalogue.json").write_bytes(documents[0])
        once([ARCHIVER, "run"], repository)
        (repository / "catalogue.json").write_bytes(documents[1])
    for number in range(RUNS):
        for name, found in costs.items():
            again = shutil.copytree(folder / name, folder / f"{name}-{number}")
            found.append(once([ARCHIVER, "run"], again))
    exact = middle(costs.pop("exact"))
    for name, found in costs.items():
        what = f"run, {MODELS:,}, metrics {name} : exact (CPU)"
        yield at_most(what, ours=middle(found).cpu, theirs=exact.cpu, target=1.3)
