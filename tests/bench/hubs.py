"""List made-up hubs whole: how many requests, how much memory, how fast."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.sources.huggingface import EXPAND
from bench import repositories
from bench.measure import ARCHIVER, PYTHON, once
from bench.result import Result, faster, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.fakehub.hub import Matching

MODELS = 250_000
FLOOR = MODELS / 50
"""Pages that the listing would have if one question reached everything."""
LISTED = 100_000
"""Models of Hugging Face in the comparison of speed: 100 pages."""
MANY = 1_000_000
"""Models of Hugging Face that are listed and committed."""
TABLE = '[sources.hub]\ntype = "{kind}"\nendpoint = "{url}"\nscope = "all"\n{more}'

BARE = """
import requests
url, records = "{url}/api/models?limit=1000&sort=createdAt&direction=1" + {expand!r}, 0
while url:
    answer = requests.get(url)
    records += len(answer.json())
    url = answer.links.get("next", {{}}).get("url")
print(records)
"""
OURS = """
from datetime import UTC, datetime
from pathlib import Path
from archiver.sources import create
from archiver.sources.checkpoint import opened
from archiver.sources.listing import fetch
from archiver.transport import Transport
settings = {{"type": "huggingface", "endpoint": "{url}", "scope": "all"}}
source = create("hub", settings, base=Path())
with opened(None, identity="", now=datetime.now(UTC)) as state, Transport() as transport:
    print(len(fetch(source, transport, key=("id",), checkpoint=state).lines))
"""


def modelscope(folder: Path) -> Iterator[Result]:
    """Measure a full listing, and a day later a listing of the changes."""
    hub = Hub(MODELS)
    with FakeHub(hub=hub) as server:
        place = repository(folder, "modelscope", server, "incremental = true\n")
        yield from full(place, hub, "id", 1.3)
        hub.age(day=1)
        before = server.pages
        once([ARCHIVER, "run"], place)
        asked = server.pages - before
        yield Result("incremental: requests", asked, "≤", 150, unit="")
        missing = len(hub.truth() - listed(place))
        yield Result("incremental: new models not found", missing, "≤", 0, unit="")


def modelscope_apart(folder: Path) -> Iterator[Result]:
    """Measure a full listing of a hub whose search matches owner and name apart."""
    hub = Hub(MODELS, matching="parts")
    with FakeHub(hub=hub) as server:
        yield from full(repository(folder, "modelscope", server), hub, "parts", 8)


def full(place: Path, hub: Hub, matching: Matching, target: float) -> Iterator[Result]:
    """Yield what one full listing costs, and whether it is whole."""
    cost = once([ARCHIVER, "run"], place)
    proof = subprocess.run(
        ["git", "log", "-1", "--format=%b"], cwd=place, capture_output=True, text=True, check=True
    ).stdout
    (pages,) = re.findall(r"pages=(\d+)", proof)
    what = f"ModelScope, 250,000, search by {matching}"
    detail = f"{pages} requests, {cost.wall:.0f} s"
    yield Result(f"{what}: pages", int(pages) / FLOOR, "≤", target, detail=detail)
    share = len(listed(place) & hub.truth()) / MODELS
    yield Result(f"{what}: complete", 100 * share, "≥", 99.9, unit="%")
    yield memory(f"{what}: memory", cost.memory, target=200)


def huggingface(folder: Path) -> Iterator[Result]:
    """Measure records a second against a bare loop of requests over the same pages."""
    expand = "".join(f"&expand[]={name}" for name in EXPAND)
    with FakeHub(hub=Hub(LISTED)) as server:
        bare = once([PYTHON, "-c", BARE.format(url=server.endpoint, expand=expand)], folder)
        ours = once([PYTHON, "-c", OURS.format(url=server.endpoint)], folder)
    yield faster(
        "Hugging Face : requests.get().json()", ours=ours.wall, theirs=bare.wall, target=0.7
    )
    yield memory("Hugging Face, 100,000: memory", ours.memory, target=150)


def huggingface_committed(folder: Path, models: int = MANY) -> Iterator[Result]:
    """Measure a first run, from the first page to the commit, against the same bare loop."""
    expand = "".join(f"&expand[]={name}" for name in EXPAND)
    with FakeHub(hub=Hub(models)) as server:
        bare = once([PYTHON, "-c", BARE.format(url=server.endpoint, expand=expand)], folder)
        place = repository(folder, "huggingface", server)
        ours = once([ARCHIVER, "run"], place)
        missing = len(server.hub.truth() - listed(place)) if server.hub else models
    what = f"Hugging Face, {models:,} committed"
    yield faster(f"{what} : requests.get().json()", ours=ours.wall, theirs=bare.wall, target=0.7)
    yield Result(f"{what}: models not found", missing, "≤", 0, unit="")
    yield memory(f"{what}: memory", ours.memory, target=100)


def repository(folder: Path, kind: str, server: FakeHub, more: str = "") -> Path:
    """Return a data repository with the hub as its source."""
    place = repositories.created(folder / kind)
    (place / "archiver.toml").write_text(TABLE.format(kind=kind, url=server.endpoint, more=more))
    return place


def listed(place: Path) -> set[str]:
    """Return the keys of the newest snapshot."""
    files = [place / "data/hub/latest.json", *(place / "data/hub/latest").glob("*.json")]
    rows = (line for file in files for line in file.read_text("utf-8").splitlines())
    return {row.split('"', 4)[3] for row in rows if row.startswith('{"id"')}
