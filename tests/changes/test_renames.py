"""A record that is gone and a new one: when one may be the other, and when that is not said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import texts

from archiver.changes.compare import differing, explain, tally
from archiver.changes.renames import MOST, Hints, Renames, paired
from archiver.records.canonical import encode
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from archiver.changes.lifecycle import Pair
    from archiver.records.model import Record

PLAIN = Policy(key=("id",))
EXACT = Policy(key=("id",), renames="exact")


def pairs(old: list[Record], new: list[Record], policy: Policy = PLAIN) -> list[Pair]:
    sides = (sorted(encode(each, policy.key) for each in side) for side in (old, new))
    return [*differing(*([line.data for line in side] for side in sides))]


def found(old: list[Record], new: list[Record], policy: Policy = PLAIN) -> dict[str, str]:
    renames = Renames(policy)
    for before, after in pairs(old, new, policy):
        renames.add(before, after)
    return renames.found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Org/Model-A", "org/model-a"),
        ("caf\u00e9", "cafe\u0301"),
        ("\uff21bc", "abc"),
        ("a b", " a  b "),
        ("a\u00a0b", "a b"),
        ("STRASSE", "stra\u00dfe"),
    ],
)
def test_keys_that_look_alike_may_be_one(old: str, new: str) -> None:
    assert found([{"id": old, "v": 1}], [{"id": new, "v": 2}]) == {old: new}


def test_records_that_hold_the_same_may_be_one() -> None:
    old, new = {"id": "a", "v": [1], "w": 2}, {"id": "z", "v": [1], "w": 2}
    assert found([old], [new]) == {"a": "z"}
    assert found([old], [{**new, "v": [True]}]) == {}
    assert found([{"id": "a", "v": 1}], [{"id": "z", "v": 1}]) == {}, "one value says too little"
    assert found([{"id": "a"}], [{"id": "z"}]) == {}


def test_metrics_and_what_is_volatile_make_no_difference() -> None:
    policy = Policy(key=("id",), metrics=("n",), volatile=("seen",))
    old, new = {"id": "a", "v": 1, "w": 1, "n": 5, "seen": 1}, {"id": "b", "v": 1, "w": 1, "n": 6}
    assert found([old], [new], policy) == {"a": "b"}


def test_the_fields_of_a_key_of_several_are_no_content() -> None:
    policy = Policy(key=("org", "name"))
    old, new = {"org": "x", "name": "m", "v": 1, "w": 2}, {"org": "y", "name": "m", "v": 1, "w": 2}
    assert found([old], [new], policy) == {"x/m": "y/m"}
    assert found([old], [{**new, "v": 2}], policy) == {}


def test_of_several_candidates_none_is_named() -> None:
    gone: list[Record] = [{"id": "a", "v": 1, "w": 2}, {"id": "b", "v": 1, "w": 2}]
    came: list[Record] = [{"id": "z", "v": 1, "w": 2}]
    assert found(gone, came) == {}
    assert found(came, gone) == {}
    assert found(gone[:1], came) == {"a": "z"}
    assert found([{"id": "AB", "v": 1}, {"id": "Ab", "v": 2}], [{"id": "ab", "v": 3}]) == {}


def test_the_key_says_more_than_the_content() -> None:
    old = [{"id": "A", "v": 1, "w": 2}]
    new = [{"id": "a", "v": 2, "w": 2}, {"id": "z", "v": 1, "w": 2}]
    assert found(old, new) == {"A": "a"}


@pytest.mark.parametrize("other", ["x/", "", "模型/"])
def test_a_prefix_of_all_keys_is_found_whatever_the_records_hold(other: str) -> None:
    old = [{"id": f"m{n}", "v": n} for n in range(30)]
    new = [{"id": f"{other}m{n}", "v": -n - 1} for n in range(30)]
    renames = Renames(PLAIN)
    for before, after in pairs(old, new):
        renames.add(before, after)
    if not other:
        assert renames.summaries == ()
        return
    (said,) = renames.summaries
    assert (said.what, said.prefix, said.records) == ("prefixed", other, 30)
    assert renames.found == {f"m{n}": f"{other}m{n}" for n in range(30)}
    back = Renames(PLAIN)
    for before, after in pairs(new, old):
        back.add(before, after)
    assert [each.what for each in back.summaries] == ["unprefixed"]


def test_a_hint_changes_no_kind_and_stands_where_nothing_better_is_known() -> None:
    old, new = [{"id": "A", "v": 1}], [{"id": "a", "v": 1}]
    hints = Hints(found(old, new))
    changes = [explain(*pair, PLAIN) for pair in pairs(old, new)]
    shown = [hints.hinted(each) for each in changes if each is not None]
    assert [(each.kind, each.key, each.cause) for each in shown] == [
        ("removed", "A", "possible rename: a"),
        ("new", "a", "possible rename: A"),
    ]


def test_exactly_the_same_counts_as_renamed_where_that_is_asked_for() -> None:
    old = [{"id": "a", "v": 1}, {"id": "b", "v": 2}, {"id": "c", "v": 3}, {"id": "d", "v": 3}]
    new = [{"id": "w", "v": 1}, {"id": "x", "v": 9}, {"id": "y", "v": 3}]
    counts = tally(paired(pairs(old, new), EXACT), EXACT)
    assert counts == {"renamed": 1, "removed": 3, "new": 2}
    one = paired(pairs(old[:1], new[:1]), EXACT)
    (change,) = [explain(*pair, EXACT) for pair in one]
    assert change is not None
    assert (change.kind, change.old_key, change.key) == ("renamed", "a", "w")


records = st.dictionaries(texts.filter(bool), st.integers(0, 3), max_size=8)


@given(records, records)
def test_renames_pair_each_record_once_and_only_what_one_end_has(
    old: dict[str, int], new: dict[str, int]
) -> None:
    olds, news = ([{"id": key, "v": v, "w": 1} for key, v in side.items()] for side in (old, new))
    hints = found(olds, news)
    assert len(set(hints.values())) == len(hints)
    assert hints.keys() <= old.keys() - new.keys()
    assert set(hints.values()) <= new.keys() - old.keys()
    before = tally(pairs(olds, news), PLAIN)
    after = tally(paired(pairs(olds, news), EXACT), EXACT)
    for kind in ("removed", "new"):
        assert after[kind] + after["renamed"] == before[kind]
    assert after["updated"] == before["updated"]


def test_a_hundred_thousand_equal_records_take_linear_time() -> None:
    def taken(number: int) -> float:
        some = pairs(
            [{"id": f"a{n}", "v": 1, "w": 2} for n in range(number)],
            [{"id": f"b{n}", "v": 1, "w": 2} for n in range(number)],
        )
        start = time.process_time()
        renames = Renames(PLAIN)
        for before, after in some:
            renames.add(before, after)
        assert renames.found == {}
        assert tally(paired(iter(some), EXACT), EXACT)["renamed"] == 0
        return time.process_time() - start

    assert taken(MOST) < 20 * max(taken(MOST // 10), 0.05)


def test_where_more_records_are_gone_than_anybody_reads_nothing_is_guessed() -> None:
    renames = Renames(PLAIN)
    line = encode({"id": "a", "v": 1}, ("id",)).data
    renames.add(None, encode({"id": "z", "v": 1}, ("id",)).data)
    for _ in range(MOST + 1):
        renames.add(line, None)
    assert renames.found == {}
