"""Capture a made-up listing that lies on disk, as after the last page of a hub, and say its cost.

The lines have 223 bytes and come in no order. On a later day 1 % of them are news: of a thousand, 8
have another text, 1 is gone and 1 is new.
"""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import config
from archiver.capture import capture
from archiver.records.model import Line
from archiver.sources.checkpoint import opened
from archiver.sources.ledger import Proof
from archiver.sources.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH = 223  # bytes
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
_OWNERS = 99_991
_SPREAD = 7_368_787  # a prime, so that neighbours have owners far apart


def lines(records: int, day: int) -> Iterator[Line]:
    """Yield the lines of a day (from 0)."""
    for number in range(records + day * records // 1000):
        kind = number % 1000
        if day and kind == 0 and number < records:
            continue
        key = f"owner-{number * _SPREAD % _OWNERS:05d}/model-{number:07d}"
        text = day if 1 <= kind <= 8 else 0
        line = f'{{"id":"{key}","downloads":{number % 9973},"license":"mit","text":"{text} '
        yield Line(key, f'{line:x<{LENGTH - 2}}"}}'.encode())


def main(records: int, day: int) -> None:
    """Put the lines of `day` on disk, capture them, and print the processor time of both."""
    now = START + timedelta(days=day)
    settings = config.load(Path("archiver.toml").absolute(), os.environ)
    with opened(Path("listing.sqlite"), identity="", now=now) as state:
        state.lines.put(lines(records, day))
        number = len(state.lines)
        proof = Proof("complete", 1, number, number, 0, 0, "the last page")
        state.finish()
        before = seconds()
        report = capture.run(settings, "hub", clock=lambda: now, given=Listing(state.lines, proof))
    assert report.summary is not None
    print(before, seconds() - before, report.summary.new, report.summary.updated)


def seconds() -> float:
    """Return the processor time of this process and of those that it waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
