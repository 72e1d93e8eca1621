"""A capture whose metrics were held loses a race: no metric is older than what was pushed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.copies import AT_ONCE, Copy, Hub

if TYPE_CHECKING:
    from pathlib import Path

RULES = f'{AT_ONCE}\nmetrics = {{ fields = ["value"], every = "5h", round = 2, jump = 10 }}'


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def later(hub: Hub, hours: int) -> None:
    hub.time += timedelta(hours=hours)


def header(hub: Hub) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hub.git("show", "main:data/a/latest.json"))
    return found


def both(hub: Hub) -> tuple[Copy, Copy, str]:
    """Return two copies of an archive with one capture, and its time."""
    first = hub.first(RULES)
    second = hub.second(first, one=1234, two=2)
    return first, second, header(hub)["timestamp"]


def test_what_both_held_stays_held(hub: Hub) -> None:
    first, second, begin = both(hub)
    report = hub.race(
        first,
        second,
        theirs={"one": 1300, "two": 3, "three": 5},
        ours={"one": 1400, "two": 20, "three": 6, "four": 4567},
    )
    assert hub.records("a") == {"one": 1200, "two": 2, "three": 5, "four": 4600}
    assert header(hub)["metrics"] == begin
    assert (report.summary.new, report.summary.metrics) == (1, 0)


def test_what_we_let_through_by_its_jump_comes_through_there_too(hub: Hub) -> None:
    first, second, begin = both(hub)
    hub.race(
        first, second, theirs={"one": 1300, "two": 3, "x": 1}, ours={"one": 1, "two": 3, "x": 1}
    )
    assert hub.records("a") == {"one": 1, "two": 2, "x": 1}
    assert header(hub)["metrics"] == begin


def test_metrics_that_others_pushed_later_are_kept(hub: Hub) -> None:
    first, second, _ = both(hub)
    config = second.folder / "archiver.toml"
    config.write_text(config.read_text().replace("5h", "9d"))
    later(hub, 5)
    hub.race(
        first,
        second,
        theirs={"one": 1555, "two": 30, "three": 3},
        ours={"one": 1666, "two": 4, "three": 3, "four": 4},
    )
    assert hub.records("a") == {"one": 1600, "two": 30, "three": 3, "four": 4}
    theirs = json.loads(hub.git("show", "main~1:data/a/latest.json"))
    assert header(hub)["metrics"] == theirs["timestamp"]
    assert "metrics" not in theirs


def test_a_capture_on_a_due_date_brings_all_its_metrics(hub: Hub) -> None:
    first, second, _ = both(hub)
    hub.lists("a", one=1300, two=3, three=3)
    first.run()
    later(hub, 4)
    hub.lists("a", one=1444, two=9, three=8)
    second.stale_run()
    assert hub.records("a") == {"one": 1400, "two": 9, "three": 8}
    assert "metrics" not in header(hub)


def test_a_run_after_a_lost_race_goes_on_at_the_same_pace(hub: Hub) -> None:
    first, second, begin = both(hub)
    hub.race(
        first,
        second,
        theirs={"one": 1300, "two": 3, "x": 5},
        ours={"one": 1300, "two": 3, "x": 6, "y": 7},
    )
    hub.lists("a", one=1400, two=9, x=7, y=8, z=9)
    report = first.run()
    assert report.notes == ()
    assert hub.records("a") == {"one": 1200, "two": 2, "x": 5, "y": 7, "z": 9}
    assert header(hub)["metrics"] == begin
