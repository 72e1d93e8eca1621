"""What the index says of two captures, and of the time between, against what git holds."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, TypeAlias

import pytest
from support.git import new_repository
from support.histories import History, snapshot

from archiver.database import pages, standing
from archiver.history import index as indexes
from archiver.history.choice import Choice
from archiver.records.jsontext import parse

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

Version: TypeAlias = "dict[str, dict[str, object]]"

CONFIG = """[sources.hub]
type = "json"
url = "models.json"
records = "models"
key = ["id"]
"""
KEYS = "abcdefgh"


@pytest.mark.parametrize("seed", range(8))
def test_two_captures_and_the_time_between_are_as_in_git(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    past = History(new_repository(tmp_path / "repo"))
    past.commit("2026-01-01T00:00:00Z", {"archiver.toml": CONFIG})
    versions: list[Version] = []
    for day in range(1, 10):
        there = sorted(chance.sample(KEYS, chance.randint(3, 8)))
        version = {key: {"id": key, "n": chance.randint(1, 3)} for key in there}
        if versions and version == versions[-1]:
            continue
        versions.append(version)
        content = snapshot(f"2026-02-{day:02} 02:00:00", *version.values())
        past.commit(f"2026-02-{day:02}T02:00:00Z", {"data/hub/latest.json": content})
    catalogue = Choice(past.folder, {}).one()
    with indexes.ready(catalogue) as found:
        assert len(pages.captures(found.connection)) == len(versions)
        for base, last in combinations(range(1, len(versions) + 1), 2):
            asked = (found.connection, base, last)
            assert both(*asked) == (lines(versions[base - 1]), lines(versions[last - 1]))
            spells = [each for key in KEYS for each in gone(key, versions, base, last)]
            assert [tuple(each) for each in standing.absences(*asked)] == spells
            visits = [each for key in KEYS for each in passed(key, versions, base, last)]
            assert [tuple(each) for each in standing.passed(*asked)] == visits


def lines(version: Version) -> Counter[str]:
    return Counter(map(repr, version.values()))


def both(connection: sqlite3.Connection, base: int, last: int) -> tuple[Counter[str], Counter[str]]:
    found = [*standing.records(connection, base, last)]
    then = Counter(repr(parse(each.record.encode())) for each in found if each.then)
    return then, Counter(repr(parse(each.record.encode())) for each in found if each.now)


def gone(key: str, versions: list[Version], base: int, last: int) -> list[tuple[str, int, int]]:
    """Return from which capture on a record that both ends have was gone, and when it was back."""
    has = [number for number in range(base, last + 1) if key in versions[number - 1]]
    if not {base, last} <= {*has}:
        return []
    return [(key, before + 1, after) for before, after in pairwise(has) if after > before + 1]


def passed(key: str, versions: list[Version], base: int, last: int) -> list[tuple[str, int, int]]:
    """Return in which capture a record that neither end has came, and in which one it was gone."""
    has = [number for number in range(base, last + 1) if key in versions[number - 1]]
    return [] if not has or {base, last} & {*has} else [(key, has[0], has[-1] + 1)]
