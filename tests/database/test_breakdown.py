"""A log by a field is the same by index and by git, on random histories with every policy."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.git import new_repository
from support.random_archives import POLICIES, Past

from archiver.errors import ArchiverError
from archiver.history import index as indexes
from archiver.history.choice import Choice
from archiver.history.log import log, log_by

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.catalogue import Catalogue

PATHS = ("license", "tags", "id", "price", "stats.kind", "downloads", "fetched_at")


def told(catalogue: Catalogue, path: str, tip: str | None) -> Any:
    try:
        return [(entry, [*by]) for entry, by in log_by(catalogue, path, tip=tip)]
    except ArchiverError as error:
        return type(error), str(error)


@pytest.mark.parametrize("seed", range(6))
def test_a_log_by_a_field_is_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed + 100)
    past = Past(new_repository(tmp_path / "r"), chance, POLICIES[seed % len(POLICIES)])
    for _ in range(12):
        past.step()
    catalogue = Choice(past.folder, {}).one()
    indexes.update(catalogue)
    from_git = replace(catalogue, indexed=False)
    for path in PATHS:
        for tip in (None, *past.captures[2:4]):
            assert told(catalogue, path, tip) == told(from_git, path, tip)


def test_its_entries_are_those_of_the_log(tmp_path: Path) -> None:
    past = Past(new_repository(tmp_path / "r"), random.Random(7), POLICIES[1])
    for _ in range(10):
        past.step()
    catalogue = Choice(past.folder, {}).one()
    indexes.update(catalogue)
    entries = [*log(catalogue)]
    for each in (catalogue, replace(catalogue, indexed=False)):
        assert [entry for entry, _ in log_by(each, "license")] == entries
