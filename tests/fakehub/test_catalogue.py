"""The made-up catalogue is the same everywhere and changes at the stated pace."""

from __future__ import annotations

from itertools import islice, pairwise

import msgspec
import pytest

from archiver.fakehub.catalogue import ONE_THIRD, Catalogue

COUNTERS = {"downloads", "likes"}


def by_id(catalogue: Catalogue, day: int) -> dict[str, dict[str, object]]:
    return {record["id"]: record for record in catalogue.day(day)}


def without_counters(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in COUNTERS}


@pytest.fixture(scope="module")
def days() -> list[dict[str, dict[str, object]]]:
    return [by_id(Catalogue(models=20_000), day) for day in range(4)]


def test_a_day_is_the_same_every_time_it_is_asked_for() -> None:
    assert list(Catalogue(models=300).day(3)) == list(Catalogue(models=300).day(3))


def test_another_seed_gives_other_records() -> None:
    ours, theirs = Catalogue(models=300, seed=1), Catalogue(models=300, seed=2)
    assert list(ours.day(0)) != list(theirs.day(0))


def test_the_first_day_has_the_stated_number_of_records_with_different_ids() -> None:
    assert len(by_id(Catalogue(models=20_000), 0)) == 20_000


def test_a_quarter_of_a_percent_is_new_each_day(days: list[dict[str, object]]) -> None:
    assert [len(new.keys() - old.keys()) for old, new in pairwise(days)] == [50, 50, 50]


def test_about_a_tenth_of_a_percent_is_removed_each_day(days: list[dict[str, object]]) -> None:
    for old, new in pairwise(days):
        assert 5 <= len(old.keys() - new.keys()) <= 40


def test_content_changes_in_half_to_one_percent(
    days: list[dict[str, dict[str, object]]],
) -> None:
    for old, new in pairwise(days):
        both = old.keys() & new.keys()
        changed = sum(without_counters(old[key]) != without_counters(new[key]) for key in both)
        assert 0.005 <= changed / len(both) <= 0.01


def test_counters_change_in_a_third_to_a_half(days: list[dict[str, dict[str, object]]]) -> None:
    for old, new in pairwise(days):
        both = old.keys() & new.keys()
        changed = sum(old[key]["downloads"] != new[key]["downloads"] for key in both)
        assert 0.30 <= changed / len(both) <= 0.55


def test_counters_never_fall(days: list[dict[str, dict[str, int]]]) -> None:
    for old, new in pairwise(days):
        assert all(
            old[key]["downloads"] <= new[key]["downloads"] for key in old.keys() & new.keys()
        )


def test_one_third_changes_in_the_catalogue_of_the_benchmark() -> None:
    catalogue = Catalogue(models=20_000, pace=ONE_THIRD)
    old, new = by_id(catalogue, 0), by_id(catalogue, 1)
    both = old.keys() & new.keys()
    assert 0.32 <= sum(old[key] != new[key] for key in both) / len(both) <= 0.35


def test_a_large_catalogue_is_made_one_record_at_a_time() -> None:
    assert len(list(islice(Catalogue(models=10**6).day(0), 3))) == 3


def test_a_record_has_the_size_of_a_real_one() -> None:
    records = list(Catalogue(models=1000).day(0))
    assert 300 <= sum(len(msgspec.json.encode(record)) for record in records) / 1000 <= 450
