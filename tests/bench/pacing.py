"""What a history grows by where metrics have their own pace, and what the pace costs a run."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from archiver.changes.pace import Pace, Pacing
from archiver.fakehub import catalogue as fakehub
from archiver.records.canonical import Header, encode
from archiver.records.policy import Policy
from bench import repositories
from bench.growing import CHURN, DAYS, RECORDS, Hub
from bench.measure import ARCHIVER, Cost, middle, once
from bench.result import Result, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
POLICY = Policy(key=("id",), metrics=("downloads", "likes"))
PACES = {
    "exact": Pace(),
    "two digits": Pace(round=2),
    "weekly": Pace("7d"),
    "weekly, two digits": Pace("7d", 2),
    "weekly, two digits, jumps": Pace("7d", 2, 10),
    "four weeks, two digits, jumps": Pace("4w", 2, 10),
    "four weeks, one digit, jumps": Pace("4w", 1, 10),
    "never": Pace("9999d"),
}
"""``never`` is what the news alone costs."""


def growth(folder: Path) -> Iterator[Result]:
    """Measure what 30 days add to the pack of the files that an archive holds, at each pace."""
    hub = Hub(RECORDS)
    days = [lines_of(hub)]
    for _ in range(DAYS):
        hub.pass_day()
        days.append(lines_of(hub))
    exact = 0
    for name, pace in PACES.items():
        added = grows(folder / name.replace(" ", "-"), days, pace)
        exact = exact or added
        yield Result(
            f"growth, {name} : exact",
            added / exact,
            "≤",
            0.35 if pace.every and pace.round else 1,
            detail=f"{added / 1e6:.2f} MB : {exact / 1e6:.2f} MB",
        )


def lines_of(hub: Hub) -> dict[str, bytes]:
    """Return the lines of the day by key, in its order."""
    return dict(sorted(encode(each, ("id",)) for each in hub.models.values()))


def grows(folder: Path, days: list[dict[str, bytes]], pace: Pace) -> int:
    """Return the bytes that all days but the first add to a pack of the archived files."""
    repositories.created(folder)
    path = folder / repositories.LATEST
    path.parent.mkdir(parents=True)
    pacing = Pacing(pace, POLICY)
    kept: dict[str, bytes] = {}
    as_of = START
    sizes = []
    for number, lines in enumerate(days):
        now = START + timedelta(days=number)
        due = pace.is_due(as_of, now) or not number
        as_of = now if due else as_of
        old, kept = kept, {}
        for key, line in lines.items():
            before = old.get(key)
            kept[key] = line if before == line else pacing.line(before, line, due=due)
        if kept != old:
            header = Header("hub", f"{now:%Y-%m-%d %H:%M:%S}", len(kept))
            repositories.write(path, header, kept.values())
            repositories.commit_all(folder, now.isoformat())
        if number in (0, len(days) - 1):
            sizes.append(packed(folder))
    return sizes[-1] - sizes[0]


def packed(repository: Path) -> int:
    """Let git pack everything, and return the bytes of the pack.

    With one thread: each of several begins with a version that is no delta.
    """
    repositories.git(repository, "-c", "pack.threads=1", "gc", "--quiet", "--prune=now")
    return sum(each.stat().st_size for each in repository.glob(".git/objects/pack/*.pack"))


CONFIG = """\
[sources.hub]
type = "json"
url = "catalogue.json"
key = ["id"]
metrics = {{ fields = ["downloads", "likes", "last_modified"]{pace} }}
sets = ["tags", "tasks"]
"""
MODELS, RUNS = 100_000, 3


def run(folder: Path) -> Iterator[Result]:
    """Measure what the pace costs the run of a second day, and that of a due date."""
    catalogue = fakehub.Catalogue(models=MODELS, pace=fakehub.Pace(counters=CHURN))
    documents = [msgspec.json.encode([*catalogue.day(day)]) for day in range(2)]
    settings = {"exact": "", "held": ', every = "7d", round = 2, jump = 10', "due": ", round = 2"}
    costs: dict[str, list[Cost]] = {name: [] for name in settings}
    for name, pace in settings.items():
        repository = repositories.created(folder / name)
        (repository / "archiver.toml").write_text(CONFIG.format(pace=pace))
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
