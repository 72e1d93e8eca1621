"""The index answers as git does: the same entries, lives and rows, on every history."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET
from support.databases import tables
from support.git import new_repository
from support.random_archives import POLICIES, START, Past

from archiver.errors import ArchiverError
from archiver.history import index as indexes
from archiver.history import queries
from archiver.history.choice import Choice
from archiver.history.comparison import Comparison
from archiver.history.log import log, log_damped
from archiver.history.timeline import timelines
from archiver.history.versions import opened
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.history.log import Entry
    from archiver.records.model import Kind


def both(catalogue: Catalogue, ask: Callable[[Catalogue], Any]) -> tuple[Any, Any]:
    """Return what the index and what git answer; an error is an answer."""
    answers = []
    for each in (catalogue, replace(catalogue, indexed=False)):
        try:
            answers.append(ask(each))
        except ArchiverError as error:
            answers.append((type(error), str(error)))
    return answers[0], answers[1]


def logged(catalogue: Catalogue, *, tip: str | None = None) -> list[Entry]:
    return list(log(catalogue, tip=tip))


def stepped(catalogue: Catalogue) -> list[Any]:
    """Return ends, notes and counts of every step, and the changes of every second one."""
    found = []
    for number, step in enumerate(queries.steps(catalogue, START)):
        whole = [*step.changes()] if number % 2 else None
        found.append((step.ends, step.notes, step.tally() if whole is None else whole))
    return found


def damped(catalogue: Catalogue, *, damping: int) -> list[Any]:
    """Return what flaps, as the log tells it and as steps fold it."""
    catalogue = replace(catalogue, damping=damping)
    found: list[Any] = [*log_damped(catalogue)]
    for step in queries.steps(catalogue, START):
        counts: Counter[Kind] = Counter()
        found.append(([*step.folded(step.changes(), counts=counts)], counts, step.summary))
    return found


def check_equal(catalogue: Catalogue, keys: Iterable[str]) -> None:
    from_index, from_git = both(catalogue, stepped)
    assert from_index == from_git
    from_index, from_git = both(catalogue, logged)
    assert from_index == from_git
    for damping in (1, 3):
        from_index, from_git = both(catalogue, partial(damped, damping=damping))
        assert from_index == from_git
    from_index, from_git = both(catalogue, lambda each: timelines(each, keys))
    assert from_index == from_git


@pytest.mark.parametrize("seed", range(12))
def test_a_random_history_is_the_same_by_index_and_by_git(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    past = Past(new_repository(tmp_path / "r"), chance, POLICIES[seed % len(POLICIES)])
    for _ in range(chance.randrange(4, 8)):
        for _ in range(chance.randrange(1, 5)):
            past.step()
        catalogue = Choice(past.folder, {}).one()
        try:
            indexes.update(catalogue)
        except ArchiverError:
            continue
        with indexes.index(catalogue) as found:
            assert found is not None
        check_equal(catalogue, past.keys)
        for tip in past.captures[1:4]:
            from_index, from_git = both(catalogue, partial(logged, tip=tip))
            assert from_index == from_git
        grown = tables(catalogue)
        indexes.update(catalogue, rebuild=True)
        assert tables(catalogue) == grown
        if chance.random() < 0.2:
            past.forget(chance.randrange(1, 3))


@pytest.mark.parametrize("seed", range(4))
def test_the_views_hold_what_comparisons_tell(tmp_path: Path, seed: int) -> None:
    past = Past(new_repository(tmp_path / "r"), random.Random(seed + 50), POLICIES[seed])
    for _ in range(14):
        past.step()
    catalogue = Choice(past.folder, {}).one()
    indexes.update(catalogue)
    expected: list[tuple[Any, ...]] = []
    before = None
    with opened(catalogue) as versions:
        for number, revision in enumerate(reversed([*catalogue.revisions()]), 1):
            try:
                version = versions.stored(revision)
            except ArchiverError:
                continue
            if before is not None:
                found = Comparison("", versions.stored(before), version, catalogue.policy)
                expected += (row for change in found.changes() for row in rows(number, change))
            before = revision
    place = indexes.storage(catalogue)
    assert place is not None
    seal = place.seal()
    assert seal is not None
    columns = "capture, key, kind, field, old, new"
    with place.opened(seal) as database:
        told = database.execute(f"SELECT {columns} FROM all_changes").fetchall()
    assert sorted(map(repr, told)) == sorted(map(repr, expected))


def rows(capture: int, change: Any) -> Iterable[tuple[Any, ...]]:
    """Return the rows of `all_changes` that a change should have."""
    if change.kind not in ("updated", "metrics"):
        yield (capture, change.key, change.kind, None, None, None)
        return
    for each in change.changes:
        kind = "metrics" if each.metric else "updated"
        old, new = (
            None if side is UNSET else as_stored(side, metric=each.metric)
            for side in (each.old, each.new)
        )
        yield (capture, change.key, kind, each.field, old, new)


def as_stored(side: Any, *, metric: bool) -> Any:
    number = type(side) is float or (type(side) is int and abs(side) < 2**63)
    return side if metric and number else dump(side).decode()
