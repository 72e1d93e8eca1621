"""Capture 20,000 records on 30 days, against the same files committed one by one.

Half of the records have other counters each day, as at a hub: what a repository grows by is nearly
all counters.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from archiver.capture import capture
from archiver.config import discover
from archiver.store.commit import writing
from archiver.store.repository import Repository
from bench.measure import ENVIRONMENT
from bench.repositories import git
from bench.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS = 20_000
DAYS = 30
CHURN = 0.54
NEWS, ENTERED, GONE = 0.01, 0.002, 0.001
CONFIG = """\
[sources.hub]
type = "json"
url = "catalogue.json"
records = "models"
key = ["id"]
metrics = ["downloads", "likes"]
commit = "any"
confirmations = 1
"""
LATEST = "data/hub/latest.json"
_WORDS = ("chat", "vision", "base", "instruct", "tiny", "large", "coder", "audio", "v2", "math")


class Hub:
    """A made-up hub: lines of some 220 bytes, whose counters grow by their own popularity."""

    def __init__(self, records: int, *, churn: float = CHURN, seed: int = 1) -> None:
        """Begin with this many `records`, of which `churn` have other counters each day."""
        self._random = random.Random(seed)
        self._churn = churn
        self._number = 0
        self.models: dict[str, dict[str, Any]] = {}
        for _ in range(records):
            self._enter()

    def pass_day(self) -> None:
        """Let a day go by."""
        chance, count = self._random, len(self.models)
        for model in chance.sample([*self.models.values()], int(count * self._churn)):
            model["downloads"] += 1 + int(model["downloads"] * chance.random() / 50)
            model["likes"] += chance.random() < 0.1
        for key in chance.sample([*self.models], int(count * GONE)):
            del self.models[key]
        for model in chance.sample([*self.models.values()], int(count * NEWS)):
            model["sha"] = f"{chance.getrandbits(160):040x}"
        for _ in range(int(count * ENTERED)):
            self._enter()

    def _enter(self) -> None:
        chance = self._random
        self._number += 1
        words = chance.sample(_WORDS, 3)
        owner = f"owner{int(chance.paretovariate(0.7)) % 5000}"
        key = f"{owner}/{'-'.join(words)}-{self._number}"
        self.models[key] = {
            "id": key,
            "downloads": int(chance.paretovariate(0.6)) % 10_000_000,
            "likes": int(chance.paretovariate(0.9)) % 10_000,
            "license": chance.choice(("apache-2.0", "mit", "other", "cc-by-4.0")),
            "sha": f"{chance.getrandbits(160):040x}",
            "tags": words,
            "task": chance.choice(("text-generation", "image-to-text", "feature-extraction")),
        }


def growth(folder: Path) -> Iterator[Result]:
    """Compare what both repositories hold when they are packed, both by one thread."""
    ours = folder / "archive"
    ours.mkdir()
    archived(ours, Hub(RECORDS), DAYS)
    theirs = bare(folder / "bare", ours)
    with Repository.open(ours) as repository, writing(repository) as writer:
        writer.pack_all()
    git(theirs, "-c", "pack.threads=1", "gc", "--quiet")
    archive, files = packed(ours), packed(theirs)
    yield Result(
        f"growth, {RECORDS:,} records, {DAYS} days : bare files",
        archive / files,
        "≤",
        1.1,
        detail=f"{archive / 1e6:.2f} MB : {files / 1e6:.2f} MB",
    )


def archived(folder: Path, hub: Hub, days: int) -> None:
    """Capture a hub on this many `days`, at another minute each day."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "archiver.toml").write_text(CONFIG)
    config = discover(folder, ENVIRONMENT)
    minutes = random.Random(2)
    for day in range(days):
        document = {"models": [*hub.models.values()]}
        (folder / "catalogue.json").write_bytes(msgspec.json.encode(document))
        moment = datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(
            days=day, seconds=minutes.randrange(3600)
        )
        capture.run(config, "hub", clock=partial(_the, moment))
        hub.pass_day()


def _the(moment: datetime) -> datetime:
    return moment


def bare(folder: Path, archive: Path) -> Path:
    """Commit every version of the latest file of an `archive` again, alone."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commits = git(archive, "rev-list", "--reverse", "HEAD", "--", LATEST).split()
    for commit in commits:
        (folder / "latest.json").write_bytes(git(archive, "show", f"{commit.decode()}:{LATEST}"))
        git(folder, "add", "latest.json")
        git(folder, "commit", "--quiet", "--message=one day")
    return folder


def packed(folder: Path) -> int:
    """Return the bytes of a repository's objects, packed or not."""
    return sum(
        each.stat().st_size for each in (folder / ".git" / "objects").rglob("*") if each.is_file()
    )
