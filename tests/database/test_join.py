"""A history that is cut into ranges, derived in any process, and joined, is the same database."""

from __future__ import annotations

import random
import subprocess
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from support.databases import tables
from support.git import new_repository
from support.histories import History
from support.random_archives import POLICIES, Past

from archiver.errors import ArchiverError, DatabaseDamaged
from archiver.history import index as indexes
from archiver.history import ranges, workers
from archiver.history.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.database.storage import Storage
    from archiver.history.catalogue import Catalogue
    from archiver.history.workers import Derived, Workers

REAL = {
    "cisa-kev": ("known_exploited_vulnerabilities.json", "vulnerabilities", ("cveID",)),
    "genai-prices": ("data.json", ".[].models", ("^.id", "id")),
    "khavel": ("models.json", "models", ("id",)),
    "radar-index": ("index.json", "entries", ("slug",)),
}


def anyhow(chance: random.Random) -> Workers:
    """Return workers that cut anywhere; some of their ranges fail. All is done in this process."""

    @contextmanager
    def derived(catalogue: Catalogue, captures: range, place: Storage) -> Iterator[Derived]:
        inside = chance.sample(captures, chance.randrange(len(captures) + 1))
        ends = sorted({captures.start, *inside, captures.stop})
        with place.scratch() as folder:
            found: list[tuple[range, Path | None]] = []
            for first, last in pairwise(ends):
                path = None if chance.random() < 0.2 else folder / str(first)
                if path is not None:
                    ranges.write_part(catalogue, range(first, last), path)
                found.append((range(first, last), path))
            yield iter(found)

    return derived


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_of_a_random_history_gives_the_same_rows(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed + 900)
    past = Past(new_repository(tmp_path / "r"), chance, POLICIES[seed % len(POLICIES)])
    for _ in range(3):
        for _ in range(chance.randrange(3, 12)):
            past.step()
        catalogue = Choice(past.folder, {}).one()
        try:
            indexes.update(catalogue, workers=anyhow(chance))
        except ArchiverError:
            continue
        joined = [tables(catalogue)]
        indexes.update(catalogue, rebuild=True, workers=anyhow(chance))
        joined.append(tables(catalogue))
        indexes.update(catalogue, rebuild=True)
        alone = tables(catalogue)
        assert joined == [alone, alone]


@pytest.mark.parametrize("name", REAL)
def test_processes_give_the_same_rows_of_real_histories(
    real: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    bundle = real / f"{name}-all.bundle"
    subprocess.run(["git", "clone", "-q", "--branch=main", str(bundle), str(folder)], check=True)
    file, records, key = REAL[name]
    catalogue = Choice(folder, {}, (), str(folder / file), records, key).one()
    indexes.update(catalogue)
    alone = tables(catalogue)
    indexes.update(catalogue, rebuild=True, workers=workers.processes(2))
    assert tables(catalogue) == alone


def test_processes_add_what_is_new_to_an_index(tmp_path: Path) -> None:
    past = Past(new_repository(tmp_path / "r"), random.Random(77), POLICIES[2])
    catalogue = Choice(past.folder, {}).one()
    for steps in (9, 40):
        for _ in range(steps):
            past.step()
        indexes.update(catalogue, workers=workers.processes(3))
    joined = tables(catalogue)
    indexes.update(catalogue, rebuild=True)
    assert tables(catalogue) == joined


@pytest.mark.parametrize("number", [1, 2, 7, 15, 16, 33, 500])
@pytest.mark.parametrize("processes", [1, 2, 8])
def test_the_ranges_are_the_history_in_order(number: int, processes: int) -> None:
    found = ranges.cut(range(5, 5 + number), processes)
    assert [each for one in found for each in one] == [*range(5, 5 + number)]
    assert all(found)
    assert len(found) >= min(processes, number)
    assert max(map(len, found)) <= 32
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_nothing_is_cut_into_nothing() -> None:
    assert ranges.cut(range(4, 4), 3) == []


def test_a_part_of_another_history_is_refused(repo: Path) -> None:
    past = History(repo)
    past.configure()
    for day in range(1, 4):
        past.capture(f"2026-01-0{day}T00:00:00Z", a=day)

    @contextmanager
    def astray(catalogue: Catalogue, captures: range, place: Storage) -> Iterator[Derived]:
        with place.scratch() as folder:
            ranges.write_part(catalogue, captures[:-1], folder / "part")
            yield iter([(captures, folder / "part")])

    catalogue = Choice(repo, {}).one()
    with pytest.raises(DatabaseDamaged, match="does not hold the captures that were asked for"):
        indexes.update(catalogue, workers=astray)
    assert not list((repo / ".git/archiver/index").glob("hub.parts-*"))
    with indexes.index(catalogue) as found:
        assert found is None


def test_nothing_of_the_environment_leaves_the_process(repo: Path) -> None:
    past = History(repo)
    past.configure()
    catalogue = Choice(repo, {"HF_TOKEN": "secret"}).one()
    sent = ranges.pinned(catalogue, "0" * 40)
    assert catalogue.config is not None
    assert catalogue.config.environment.variables == {"HF_TOKEN": "secret"}
    assert sent.config is not None
    assert (sent.config.environment.variables, sent.config.sources) == ({}, {})
    assert (sent.folder, sent.ref) == (catalogue.folder, "0" * 40)
