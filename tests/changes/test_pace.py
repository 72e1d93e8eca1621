"""The rule of the pace: what is held, what is rounded, what comes through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.changes.compare import explain
from archiver.changes.pace import Pace, Pacing, rounded_to
from archiver.records.canonical import decode_with_key, encode, line_key
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from archiver.records.model import Record

POLICY = Policy(key=("id",), metrics=("n", "stats.likes", "files.*.stars", "text", "all"))
NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)


def line(**fields: Any) -> bytes:
    return encode({"id": "x", **fields}, ("id",)).data


def archived(
    old: dict[str, Any] | None, new: dict[str, Any], *, due: bool = False, **pace: Any
) -> dict[str, Any]:
    """Return the fields that are archived, given those before and those that were listed."""
    pacing = Pacing(Pace("7d", **pace), POLICY)
    before = None if old is None else line(**old)
    found = decode_with_key(pacing.line(before, line(**new), due=due))
    return {name: value for name, value in found.items() if name != "id"}


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ({"n": 1}, {"n": 2}, {"n": 1}),
        ({"n": 1, "v": 1}, {"n": 2, "v": 2}, {"n": 1, "v": 2}),
        ({"n": 1.5}, {"n": 2}, {"n": 1.5}),
        ({}, {"n": 2}, {"n": 2}),
        ({"n": None}, {"n": 2}, {"n": 2}),
        ({"n": 1}, {"n": None}, {"n": None}),
        ({"n": 1}, {}, {}),
        ({"n": "1"}, {"n": 2}, {"n": 2}),
        ({"n": True}, {"n": 2}, {"n": 2}),
        ({"text": "2026-01-01"}, {"text": "2026-01-02"}, {"text": "2026-01-02"}),
        ({"all": {"a": 1, "b": "x"}}, {"all": {"a": 2, "b": "y"}}, {"all": {"a": 1, "b": "y"}}),
        ({"all": [1, 2]}, {"all": [3, 4]}, {"all": [1, 2]}),
        ({"all": [1, 2]}, {"all": [3, 4, 5]}, {"all": [3, 4, 5]}),
        ({"all": [1, "a"]}, {"all": [3, "b"]}, {"all": [3, "b"]}),
        ({"stats": {"likes": 1, "v": 1}}, {"stats": {"likes": 2, "v": 2}}, {"stats": 0}),
        ({"stats": 1}, {"stats": 2}, {"stats": 2}),
        ({"files": [{"stars": 1}]}, {"files": [{"stars": 2}]}, {"files": [{"stars": 1}]}),
        (
            {"files": [{"name": "a", "stars": 1}, {"name": "b", "stars": 5}]},
            {"files": [{"name": "b", "stars": 6}, {"name": "a", "stars": 2}]},
            {"files": [{"name": "b", "stars": 6}, {"name": "a", "stars": 2}]},
        ),
        ({"other": 1}, {"other": 2}, {"other": 2}),
    ],
)
def test_numbers_that_are_metrics_are_held_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], kept: dict[str, Any]
) -> None:
    if kept == {"stats": 0}:
        kept = {"stats": {"likes": 1, "v": 2}}
    assert archived(old, new) == kept
    assert archived(old, new, due=True) == new
    assert archived(None, new) == new


@pytest.mark.parametrize(
    ("number", "digits", "rounded"),
    [
        (0, 1, 0),
        (7, 1, 7),
        (99, 1, 100),
        (95, 1, 100),
        (94, 1, 90),
        (12345, 2, 12000),
        (12345, 5, 12345),
        (12345, 9, 12345),
        (-12345, 2, -12000),
        (0.012345, 2, 0.012),
        (9.96, 2, 10),
        (1234.5, 2, 1200),
        (1e300, 3, 1e300),
        (1.7976931348623157e308, 2, 1.7976931348623157e308),
        (10**21 + 5, 2, 10**21),
        (10**60 + 1, 2, 10**60 + 1),
        (5e-324, 2, 5e-324),
    ],
)
def test_a_number_has_so_many_significant_digits(
    number: float, digits: int, rounded: float
) -> None:
    assert rounded_to(number, digits) == rounded
    assert archived(None, {"n": number}, round=digits)["n"] == rounded


def test_rounding_reaches_nested_metrics_and_nothing_else() -> None:
    record = {"n": 1234, "v": 1234, "stats": {"likes": 1234, "v": 1234}, "text": "1234"}
    assert archived(None, record, round=2) == {
        "n": 1200,
        "v": 1234,
        "stats": {"likes": 1200, "v": 1234},
        "text": "1234",
    }


def test_what_is_held_is_rounded_too() -> None:
    assert archived({"n": 1234}, {"n": 1235}, round=2) == {"n": 1200}


@pytest.mark.parametrize(
    ("old", "new", "comes"),
    [
        (10, 101, True),
        (10, 100, False),
        (101, 10, True),
        (100, 10, False),
        (0, 10, True),
        (0, 9, False),
        (10, 0, True),
        (9, 0, False),
        (0.5, 5.5, True),
        (0.5, 5, False),
        (-5, 6, True),
        (10**18, 10**20, True),
    ],
)
def test_a_jump_brings_all_metrics_of_the_record(old: float, new: float, *, comes: bool) -> None:
    before, listed = {"n": old, "stats": {"likes": 3}}, {"n": new, "stats": {"likes": 4}}
    assert archived(before, listed, jump=10) == (listed if comes else before)
    assert archived(before, listed) == before


def test_a_line_that_is_no_record_is_left_to_the_comparison() -> None:
    pacing = Pacing(Pace("7d", 2), POLICY)
    assert pacing.line(b'{"id":"x","n":1}', b'{"id":', due=False) == b'{"id":'
    assert pacing.rounded(b'{"id":') == b'{"id":'


@pytest.mark.parametrize(
    ("every", "age", "due"),
    [
        ("", timedelta(), True),
        ("7d", timedelta(days=7), True),
        ("7d", timedelta(days=6, hours=18), True),
        ("7d", timedelta(days=6, hours=17), False),
        ("7d", timedelta(days=-1), True),
        ("1h", timedelta(minutes=54), True),
        ("1h", timedelta(minutes=53), False),
        ("2w", timedelta(days=13), False),
        ("7d", timedelta(), False),
        ("7d", None, True),
    ],
)
def test_metrics_are_due_by_their_age(every: str, age: timedelta | None, *, due: bool) -> None:
    assert Pace(every).is_due(None if age is None else NOW - age, NOW) == due


NUMBERS = st.integers(-(10**45), 10**45) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    NUMBERS | st.none() | st.booleans() | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcn"), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(
    st.sampled_from(["n", "m", "stats", "files", "all", "likes", "text"]), VALUES, max_size=5
)
POLICIES = st.lists(
    st.sampled_from(["n", "stats.a", "files.*.n", "all", "*.b", "text"]), max_size=4
).map(lambda paths: Policy(key=("id",), metrics=tuple(paths)))
PACES = st.builds(
    Pace,
    st.just("7d"),
    st.none() | st.integers(1, 20),
    st.none() | st.floats(1, 1e12, exclude_min=True),
)


@given(RECORDS, RECORDS, POLICIES, PACES)
def test_laws_of_the_pace(old: Record, new: Record, policy: Policy, pace: Pace) -> None:
    pacing = Pacing(pace, policy)
    before, listed = pacing.rounded(line(**old)), line(**new)
    due = pacing.line(before, listed, due=True)
    held = pacing.line(before, listed, due=False)
    for found in (due, held):
        assert line_key(found) == line_key(listed)
        assert encode(decode_with_key(found), ("id",)).data == found
        change = explain(listed, found, policy)  # only metrics differ from what was listed
        assert change is None or change.kind == "metrics"
        assert pacing.line(found, listed, due=True) == due
        assert pacing.rounded(found) == found
    assert due == pacing.rounded(listed)
    assert pacing.line(held, listed, due=False) == held
    assert pacing.line(held, held, due=False) == held
