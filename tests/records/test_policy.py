from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archiver.records.policy import Meaning, Policy

if TYPE_CHECKING:
    from archiver.records.model import Json

METRIC = Policy(metrics=("downloads", "stats.likes", "files.*.count"))
VOLATILE = Policy(volatile=("fetched_at", "tags.*.fetched_at"))
SETS = Policy(sets=("tags", "files.*.hashes"))
TOLERANT = Policy(tolerance={"price": 0.1, "stats.score": 5, "sizes.*": 1})


@pytest.mark.parametrize(
    ("policy", "name", "old", "new", "meaning"),
    [
        (Policy(), "downloads", 1, 2, "news"),
        (METRIC, "downloads", 1, 2, "metric"),
        (METRIC, "downloads", 1, "two", "metric"),
        (METRIC, "name", 1, 2, "news"),
        (METRIC, "stats", {"likes": 1, "rank": 1}, {"likes": 2, "rank": 1}, "metric"),
        (METRIC, "stats", {"likes": 1, "rank": 1}, {"rank": 1}, "metric"),
        (METRIC, "stats", {"likes": 1, "rank": 1}, {"likes": 2, "rank": 2}, "news"),
        (METRIC, "stats", {"likes": 1}, None, "news"),
        (METRIC, "files", [{"count": 1}, {"count": 2}], [{"count": 3}, {"count": 4}], "metric"),
        (METRIC, "files", [{"count": 1}], [{"count": 1}, {"count": 2}], "news"),
        (METRIC, "files", {"a": {"count": 1}}, {"a": {"count": 2}}, "metric"),
        (VOLATILE, "fetched_at", 1, 2, "same"),
        (VOLATILE, "tags", {"a": {"fetched_at": 1}}, {"a": {"fetched_at": 2}}, "same"),
        (VOLATILE, "tags", {"a": {"fetched_at": 1}}, {"b": {"fetched_at": 1}}, "news"),
        (SETS, "tags", ["a", "b", 1], [1, "b", "a"], "same"),
        (SETS, "tags", ["a", "a", "b"], ["a", "b", "b"], "news"),
        (SETS, "tags", [True], [1], "news"),
        (SETS, "tags", "ab", "ba", "news"),
        (SETS, "files", [{"hashes": [2, 1]}], [{"hashes": [1, 2]}], "same"),
        (SETS, "files", [{"hashes": [1]}, {}], [{}, {"hashes": [1]}], "news"),
        (TOLERANT, "price", 1, 1.1, "same"),
        (TOLERANT, "price", 0.3, 0.4, "same"),
        (TOLERANT, "price", 1, 1.11, "news"),
        (TOLERANT, "price", 1, True, "news"),
        (TOLERANT, "price", 1, "1.05", "news"),
        (TOLERANT, "price", 10**400, 1.5, "news"),
        (TOLERANT, "stats", {"score": 1}, {"score": 6}, "same"),
        (TOLERANT, "stats", {"score": 1, "n": 1}, {"score": 2, "n": 2}, "news"),
        (TOLERANT, "stats", {"score": 1}, {"score": 1, "n": 0}, "news"),
        (TOLERANT, "sizes", [10, 20], [11, 19], "same"),
        (TOLERANT, "sizes", [10, 20], [10, 20, 30], "news"),
    ],
)
def test_a_difference_means_what_the_policy_says(
    policy: Policy, name: str, old: Json, new: Json, meaning: Meaning
) -> None:
    assert policy.meaning(name, old, new) == meaning
    assert policy.meaning(name, new, old) == meaning


@pytest.mark.parametrize(
    ("policy", "old", "new", "meaning"),
    [
        (Policy(metrics=("n",), volatile=("n",)), 1, 2, "same"),
        (Policy(metrics=("n",), volatile=("*",)), 1, 2, "same"),
        (Policy(metrics=("n",), tolerance={"n": 1}), 1, 2, "same"),
        (Policy(metrics=("n",), tolerance={"n": 1}), 1, 3, "metric"),
        (Policy(metrics=("n",), sets=("n",)), [1, 2], [2, 1], "same"),
        (Policy(metrics=("n",), volatile=("n.t",)), {"t": 1}, {"t": 2}, "same"),
        (Policy(sets=("n",), volatile=("n.*.t",)), [{"t": 1}, 2], [2, {"t": 3}], "same"),
        (Policy(metrics=("*",)), 1, 2, "metric"),
        (Policy(volatile=("*.t",)), {"t": 1}, {"t": 2}, "same"),
        (Policy(volatile=("*.t",)), 1, 2, "news"),
    ],
)
def test_what_means_nothing_comes_before_what_counts(
    policy: Policy, old: Json, new: Json, meaning: Meaning
) -> None:
    assert policy.meaning("n", old, new) == meaning


@pytest.mark.parametrize(
    ("policy", "name", "meaning"),
    [
        (METRIC, "downloads", "metric"),
        (METRIC, "stats", "news"),
        (VOLATILE, "fetched_at", "same"),
        (Policy(metrics=("n",), volatile=("n",)), "n", "same"),
        (Policy(metrics=("*",)), "n", "metric"),
        (TOLERANT, "price", "news"),
        (SETS, "tags", "news"),
    ],
)
def test_a_field_that_appears_or_vanishes_means_what_the_policy_says(
    policy: Policy, name: str, meaning: Meaning
) -> None:
    assert policy.presence(name) == meaning


def test_only_a_policy_without_exceptions_is_strict() -> None:
    assert Policy(key=("id",)).strict
    assert [policy.strict for policy in (METRIC, VOLATILE, SETS, TOLERANT)] == [False] * 4


def test_a_steady_value_has_nothing_volatile_and_its_sets_in_order() -> None:
    policy = Policy(volatile=("v.t",), sets=("v.tags",))
    value = {"t": 1, "tags": ["b", "a", 10, 9], "x": [2, 1]}
    assert policy.steady(("v",), value) == {"tags": ["a", "b", 10, 9], "x": [2, 1]}
    assert value == {"t": 1, "tags": ["b", "a", 10, 9], "x": [2, 1]}
