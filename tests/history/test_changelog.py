"""The sections of A..B are those of git's A..B."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from archiver.history.changelog import is_reversed, sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.histories import History

    from archiver.history.catalogue import Catalogue

LATEST = "data/hub/latest.json"


def told(catalogue: Catalogue, first: str, second: str | None) -> list[str]:
    """Return the days of the sections, newest first."""
    found = sections(catalogue, tip=second, until=first)
    return [each["to"]["timestamp"][:10] for each in found]


@pytest.fixture
def commits(past: History) -> list[str]:
    """Return the commits of six days; the third day's version cannot be read."""
    past.configure()
    ids = []
    for day in range(1, 7):
        at = f"2026-02-{day:02}T00:00:00Z"
        if day == 3:
            ids.append(past.commit(at, {LATEST: "broken"}))
        else:
            ids.append(past.capture(at, "a capture", **{f"m{number}": 1 for number in range(day)}))
    return ids


def test_a_range_holds_what_git_says(
    past: History, own: Callable[[], Catalogue], commits: list[str]
) -> None:
    for first, second in product(commits, repeat=2):
        between = past.git("log", "--format=%as", "--date=iso", f"{first}..{second}").split()
        expected = [day for day in between if day != "2026-02-03"]
        assert told(own(), first, second) == expected
        older = commits.index(second) < commits.index(first)
        assert is_reversed(own(), first, second) == older


def test_a_side_branch_is_no_reason_to_tell_everything(
    past: History, own: Callable[[], Catalogue], commits: list[str]
) -> None:
    past.git("switch", "--quiet", "--create", "side", commits[3])
    side = past.capture("2026-02-10T00:00:00Z", other=1)
    past.git("switch", "--quiet", "main")
    assert told(own(), side, None) == ["2026-02-06", "2026-02-05"]
    assert not is_reversed(own(), side, commits[-1])
