"""Show two hubs as one picture: ``archiver across`` against reading both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.records.canonical import Header, encode
from bench.measure import ARCHIVER, once, repeated
from bench.repositories import commit_all, created, write_shards
from bench.result import at_most, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.records.model import Record
    from bench.result import Result

MEGABYTES = 150
RECORDS = 300_000
SHARDS = 16
HUBS = ("modelscope", "huggingface")
CONFIG = """\
[sources.{name}]
type = "json"
url = "{name}.json"
key = ["id"]

"""
ALIAS = """\
[alias]
rules = ["modelscope:mirror/* = huggingface:owner7/*"]
"""


def overview(folder: Path) -> Iterator[Result]:
    """Two hubs of 300,000 models, most of them on both, one in three by another spelling."""
    repository = _two_hubs(folder / "across-300k", RECORDS)
    reading = [
        repeated([ARCHIVER, "list", "--source", hub, "-f", "jsonl"], repository) for hub in HUBS
    ]
    theirs = sum(each.cpu for each in reading)
    forms = {"overview": ([], 3), "--gone": (["--gone"], 3), "-f csv": (["-f", "csv"], 6)}
    for name, (options, target) in forms.items():
        ours = repeated([ARCHIVER, "across", *options], repository)
        what = f"across {name}, 2 x {RECORDS:,}"
        yield at_most(f"{what} : list -f jsonl", ours=ours.cpu, theirs=theirs, target=target)
        yield memory(f"{what}: memory", ours.memory, target=MEGABYTES)
    ours = once([ARCHIVER, "across", "owner3/Model-3"], repository)
    yield at_most("across KEY : list -f jsonl", ours=ours.cpu, theirs=theirs, target=1)
    yield memory("across KEY: memory", ours.memory, target=MEGABYTES)


def _two_hubs(folder: Path, records: int) -> Path:
    created(folder)
    tables = "".join(CONFIG.format(name=name) for name in HUBS)
    (folder / "archiver.toml").write_text(tables + ALIAS)
    for number, hub in enumerate(HUBS):
        made = (encode(_model(each, number), ("id",)) for each in range(records))
        lines = {line.key: line.data for line in sorted(made)}
        latest = folder / "data" / hub / "latest.json"
        latest.parent.mkdir(parents=True)
        header = Header(hub, "2026-01-01 12:00:00", len(lines))
        write_shards(latest, header, lines, SHARDS)
    commit_all(folder)
    return folder


def _model(number: int, hub: int) -> Record:
    """Return a model as a hub has it: nine in ten are on both."""
    owner = f"owner{number % 5000}"
    if hub == 0 and number % 5000 == 7:
        owner = "mirror"
    name = f"Model-{number}" if hub and number % 3 == 0 else f"model-{number}"
    alone = f"-only-{hub}" if number % 10 == 0 else ""
    return {
        "id": f"{owner}/{name}{alone}",
        "category": "text-generation",
        "tasks": ["text-generation"],
        "downloads": number * 7 % 100_003,
        "license": ("Apache License 2.0", "apache-2.0")[hub],
        "size": 1_000_000 + number,
        "gated": number % 50 == hub,
        "tags": ["library:transformers", "region:us", f"base_model:{owner}/base"],
        "last_modified": f"2026-01-{number % 28 + 1:02}T10:00:00Z",
        "release_date": "2025-06-01T10:00:00Z",
    }
