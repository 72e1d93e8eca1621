"""Random walks of three copies: what is pushed is what some listing said, and nothing else."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.commandline import run_archiver
from support.copies import Hub

from archiver.jobs.job import Job
from archiver.sync import push

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.copies import Copy

STEPS = 30
KEYS = [f"k{number}" for number in range(6)]


class Said(NamedTuple):
    """What one capture said: what it listed, and which keys it confirmed to be gone."""

    listed: dict[str, int]
    gone: set[str]


class Walk:
    """Copies that capture, fetch and push in any order, and what their listings said."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.hub = Hub(folder)
        rules = f"confirmations = {self.chance.choice([1, 2])}\nmax_shrink = 1"
        shards = self.chance.choice([1, 1, 16])
        first = self.hub.first(f"{rules}\nshards = {shards}")
        self.copies = [first, self.hub.clone("second"), self.hub.clone("third")]
        self.world = dict.fromkeys(KEYS[:4], 1)
        self.said: dict[str, Said] = {}

    def step(self) -> None:
        copy = self.chance.choice(self.copies)
        (work,) = self.chance.choices((self.capture, self.fetch, self.push), (5, 2, 2))
        work(copy)

    def fetch(self, copy: Copy) -> None:
        """Join what is only here to what was pushed, without pushing it."""
        push.fetched(copy.config, clock=copy.clock)

    def push(self, copy: Copy) -> None:
        synced = push.push(copy.config, clock=copy.clock, sleep=lambda _: None)
        for each in synced.rebuilt.values():
            if each.report is not None and each.revision:
                assert counted(copy, each.revision) == tuple(
                    getattr(each.report.summary, kind) for kind in ("new", "updated", "removed")
                )

    def capture(self, copy: Copy) -> None:
        self.hub.time += timedelta(seconds=self.chance.choice([1, 60, 3600]))
        view = self.listing()
        self.hub.lists("a", **view)
        report = Job(accept=True).run(copy.config, "a", clock=copy.clock)
        if report.revision is not None:
            gone = stones(copy, report.revision) - stones(copy, f"{report.revision}~1")
            self.said[str(report.new.timestamp)] = Said(view, gone)

    def listing(self) -> dict[str, int]:
        """Let the catalogue change a little, and list it with gaps, as hubs do."""
        for _ in range(self.chance.randint(0, 2)):
            key = self.chance.choice(KEYS)
            if self.chance.random() < 0.35:
                self.world.pop(key, None)
            else:
                self.world[key] = self.world.get(key, 0) + 1
        seen = {key: n for key, n in self.world.items() if self.chance.random() < 0.7}
        return seen or {"k0": 1}

    def check(self) -> None:
        """Insist that every pushed capture says what its listing said, and counts it right."""
        before: dict[str, int] = {}
        for revision, time, records in self.pushed():
            said = self.said[time]
            kept = {key: n for key, n in before.items() if key not in said.gone}
            assert records == kept | said.listed, (time, said, before)
            new, updated, removed = counted(self.copies[0], revision, self.hub)
            returned = len(records.keys() - before.keys()) - new
            assert returned >= 0
            assert removed == len(before.keys() - records.keys())
            assert updated == sum(before.get(key, n) != n for key, n in records.items())
            before = records

    def pushed(self) -> Iterator[tuple[str, str, dict[str, int]]]:
        """Yield id, capture time and records of each capture that was pushed, oldest first."""
        path = "data/a/latest.json"
        for revision in self.hub.git("rev-list", "--reverse", "main", "--", path).split():
            head = json.loads(self.hub.git("show", f"{revision}:{path}"))
            models: list[Any] = head.get("models", [])
            for shard in head.get("shards", ()):
                text = self.hub.git("show", f"{revision}:data/a/latest/{shard}.json")
                models += json.loads(text)["models"]
            yield revision, head["timestamp"], {each["id"]: each["value"] for each in models}


def stones(copy: Copy, revision: str) -> set[str]:
    listed = copy.git("ls-tree", "-r", "--name-only", revision, "data/a/removed.jsonl")
    if not listed:
        return set()
    text = copy.git("show", f"{revision}:data/a/removed.jsonl")
    return {json.loads(line)["key"] for line in text.splitlines()}


def counted(copy: Copy, revision: str, hub: Hub | None = None) -> tuple[int, ...]:
    """Return how many records a commit says that it has new, updated and removed."""
    show = ("log", "-1", "--format=%(trailers:only)", revision)
    text = hub.git(*show) if hub else copy.git(*show)
    said = dict(line.split(": ", 1) for line in text.splitlines() if line)
    return tuple(int(said[f"Archiver-{kind}"]) for kind in ("New", "Updated", "Removed"))


@pytest.mark.parametrize("seed", range(8))
def test_copies_in_any_order_push_what_was_listed(tmp_path: Path, seed: int) -> None:
    walk = Walk(tmp_path, seed)
    for _ in range(STEPS):
        walk.step()
    for copy in walk.copies * 2:
        walk.push(copy)
        walk.fetch(copy)
    walk.check()
    tips = [copy.git("rev-parse", "main", "refs/archiver/state") for copy in walk.copies]
    assert len({*tips, walk.hub.git("rev-parse", "main", "refs/archiver/state")}) == 1
    for copy in walk.copies:
        assert copy.is_clean()
        assert not [*copy.folder.glob(".git/**/*.lock"), *copy.folder.glob(".git/**/journal")]
    verified = run_archiver("verify", "--repo", walk.copies[0].folder)
    assert verified.returncode == 0, verified.stderr
