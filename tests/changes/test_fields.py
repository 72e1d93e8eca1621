"""What happened to most records is said once, and everything that is left is still told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.changes.compare import compare
from archiver.changes.fields import LEAST, MOST, FieldCounts, fewest
from archiver.changes.severity import scale
from archiver.records.canonical import encode
from archiver.records.model import FieldSummary, RecordChange
from archiver.records.policy import Policy
from archiver.render.folding import Folding

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.records.model import Json, Record

    Records: TypeAlias = list[Record]

PLAIN = Policy()
TAGS = ["a", "b", "c"]


def changed(
    old: Records, new: Records, policy: Policy = PLAIN
) -> tuple[list[RecordChange], FieldCounts]:
    """Return the weighed changes between two catalogues, and what counts them."""
    lines = [
        [each.data for each in sorted(encode(r, ("id",)) for r in some)] for some in (old, new)
    ]
    weights = scale(policy)
    found = [weights.weighed(each) for each in compare(*lines, policy=policy)]
    return found, FieldCounts(weights, len(old))


def said(old: Records, new: Records, policy: Policy = PLAIN) -> list[tuple[str, str, int, int]]:
    """Return what is said once: field, what happened, in how many records, of how many."""
    changes, fields = changed(old, new, policy)
    list(fields.counted(changes))
    return [(each.field, each.what, each.records, each.total) for each in fields.summaries]


def catalogue(number: int, **members: Callable[[int], Json]) -> Records:
    return [
        {"id": f"m{place:05}", **{name: make(place) for name, make in members.items()}}
        for place in range(number)
    ]


ONE: list[tuple[str, Callable[[int], Json] | None, Callable[[int], Json] | None, str]] = [
    ("a field is added", None, lambda n: n, "added"),
    ("a field is added as null", None, lambda _: None, "added"),
    ("a field is removed", lambda n: n, None, "removed"),
    ("a number becomes a text", lambda n: n, str, "retyped"),
    ("a text becomes a list", str, lambda n: [str(n)], "retyped"),
    ("tags are reversed", lambda _: TAGS, lambda _: TAGS[::-1], "reordered"),
    ("objects are reversed", lambda n: [{"n": n}, [1]], lambda n: [[1], {"n": n}], "reordered"),
    ("a name is upper case", lambda n: f"name {n}", lambda n: f"NAME {n}", "recased"),
    ("bytes become kilobytes", lambda n: 1000 * (n + 1), lambda n: n + 1, "scaled"),
    ("dollars become cents", lambda n: (n + 1) / 10, lambda n: (n + 1) * 10, "scaled"),
    ("a stamp moves", lambda n: f"2026-01-01 {n}", lambda n: f"2026-01-02 {n}", "changed"),
    ("a format is another number", lambda _: 1, lambda _: 2, "changed"),
    ("nothing becomes something", lambda _: None, lambda n: n, "changed"),
    ("a flag is turned", lambda _: True, lambda _: False, "changed"),
    ("zeros become numbers", lambda _: 0, lambda n: n + 1, "changed"),
    ("an object changes", lambda n: {"a": n}, lambda n: {"a": n + 1}, "changed"),
    ("numbers are huge", lambda n: 10**400 + n, lambda n: 10**401 + n, "changed"),
]


@pytest.mark.parametrize(
    ("before", "after", "what"), [row[1:] for row in ONE], ids=[r[0] for r in ONE]
)
def test_what_happened_to_every_record_is_said_once(
    before: Callable[[int], Json] | None, after: Callable[[int], Json] | None, what: str
) -> None:
    old, new = (catalogue(300, **({"f": make} if make else {})) for make in (before, after))
    assert said(old, new) == [("f", what, 300, 300)]
    changes, fields = changed(old, new)
    assert list(Folding(fields).folded(changes)) == []


def test_a_factor_is_the_same_for_all_and_types_are_named() -> None:
    old = catalogue(30, size=lambda n: 1000 * (n + 1), n=lambda n: n)
    new = catalogue(30, size=lambda n: n + 1, n=str)
    changes, fields = changed(old, new)
    list(fields.counted(changes))
    assert fields.summaries == (
        FieldSummary("/n", "retyped", 30, 30, "info", old_type="number", new_type="string"),
        FieldSummary("/size", "scaled", 30, 30, "notable", factor=0.001),
    )


@pytest.mark.parametrize(
    ("total", "changing", "is_said"),
    [
        *((19, 19, False), (20, 20, True), (22, 20, True), (23, 20, False)),
        *((300, 269, False), (300, 270, True), (300, 299, True), (0, 0, False)),
    ],
)
def test_twenty_records_and_nine_of_ten_are_most(
    total: int, changing: int, *, is_said: bool
) -> None:
    old = catalogue(total, v=lambda _: "old")
    new = catalogue(total, v=lambda n: "new" if n < changing else "old")
    assert bool(said(old, new)) == is_said
    assert (changing >= fewest(total)) == is_said


def test_records_that_only_one_end_has_are_no_part_of_the_whole() -> None:
    old = catalogue(30, v=lambda _: 1)
    new = [{"id": f"other{n}", "v": 1} for n in range(50)] + catalogue(25, v=lambda _: 2)
    assert said(old, new) == [("v", "changed", 25, 25)]


def test_a_straggler_is_listed_with_what_is_its_own() -> None:
    old = catalogue(100, tags=lambda _: TAGS, v=lambda n: n)
    new = catalogue(100, tags=lambda n: TAGS[::-1] if n else ["other"], v=lambda n: n - (n == 7))
    changes, fields = changed(old, new)
    folding = Folding(fields)
    rest = list(folding.folded(changes))
    assert [(each.key, [one.path for one in each.changes or ()]) for each in rest] == [
        ("m00000", ["/tags"]),
        ("m00007", ["/v"]),
    ]
    assert folding.told == 98


def test_values_that_changed_in_several_ways_have_changed() -> None:
    new = catalogue(100, f=lambda n: str(n).upper() if n % 2 else [n])
    assert said(catalogue(100, f=lambda n: n), new) == [("f", "retyped", 100, 100)]
    mixed = catalogue(100, f=lambda n: f"X{n}" if n % 2 else n)
    assert said(catalogue(100, f=lambda n: f"x{n}"), mixed) == [("f", "changed", 100, 100)]


def test_metrics_are_never_said() -> None:
    old, new = catalogue(100, d=lambda n: n, v=lambda _: 1), catalogue(100, d=lambda n: n + 1)
    assert said(old, new, Policy(metrics=("d",))) == [("v", "removed", 100, 100)]
    assert said(old, new, Policy(metrics=("d", "v"))) == []
    assert said(old, new, Policy(volatile=("d", "v"))) == []


def test_a_record_whose_only_other_change_is_a_metric_is_told() -> None:
    old = catalogue(40, d=lambda n: n, tags=lambda _: TAGS)
    new = catalogue(40, d=lambda n: n + 1, tags=lambda _: TAGS[::-1])
    changes, fields = changed(old, new, Policy(metrics=("d",)))
    assert list(Folding(fields).folded(changes)) == []


def test_a_summary_is_as_bad_as_its_worst_change() -> None:
    old = catalogue(40, license=lambda _: "mit", gated=lambda _: "auto")
    new = catalogue(40, license=lambda n: "MIT License" if n else "gpl-3.0", gated=lambda _: False)
    changes, fields = changed(old, new)
    list(fields.counted(changes))
    assert [(each.field, each.severity) for each in fields.summaries] == [
        ("gated", "notable"),
        ("license", "breaking"),
    ]


def test_what_is_left_of_a_record_has_the_severity_of_what_is_left() -> None:
    old = catalogue(40, license=lambda _: "mit", text=str)
    new = catalogue(40, license=lambda _: "gpl-3.0", text=lambda n: "other" if n == 3 else str(n))
    changes, fields = changed(old, new)
    (rest,) = Folding(fields).folded(changes)
    assert (rest.key, rest.severity) == ("m00003", "info")


def test_more_fields_than_anybody_has_are_counted_up_to_a_limit() -> None:
    old = catalogue(MOST + 30, v=lambda _: 1)
    new = [{**each, "v": 2, f"f{place}": 1} for place, each in enumerate(old)]
    assert said(old, new) == [("v", "changed", MOST + 30, MOST + 30)]


POLICIES = (PLAIN, Policy(metrics=("g",)), Policy(sets=("f",)), Policy(null="absent"))
values: st.SearchStrategy[Json] = st.sampled_from(
    [1, 2, 1000, 0.5, "a", "A", "b", ["x", "y"], ["y", "x"], {"n": 1}, {"n": 2}, None, True]
)
records = st.dictionaries(st.sampled_from(["f", "g", "license", "h.i", "/"]), values, max_size=4)
both: st.SearchStrategy[tuple[Any, Any]] = st.tuples(records, records)


@given(
    st.lists(both, min_size=1, max_size=4), st.lists(both, max_size=3), st.sampled_from(POLICIES)
)
def test_what_is_said_once_and_what_is_listed_is_all_that_changed(
    common: list[tuple[Any, Any]], rare: list[tuple[Any, Any]], policy: Policy
) -> None:
    """Most records change alike, a few in their own way; nothing is lost, nothing told twice."""
    pairs = [common[n % len(common)] for n in range(3 * LEAST)] + rare
    ids = [f"m{n:03}" for n in range(len(pairs))]
    old = [{"id": key, **before} for key, (before, _) in zip(ids, pairs, strict=True)]
    new = [{"id": key, **after} for key, (_, after) in zip(ids, pairs, strict=True)]
    changes, fields = changed(old, new, policy)
    folding = Folding(fields)
    rest = {each.key: each for each in folding.folded(changes)}
    told = sum(each.records for each in folding.summaries)
    news = sum(not one.metric for each in changes for one in each.changes or ())
    left = sum(
        not one.metric
        for each in rest.values()
        for one in each.changes or ()
        if each.kind == "updated"
    )
    assert told + left == news
    updated = [each for each in changes if each.kind == "updated"]
    assert folding.told + sum(each.kind == "updated" for each in rest.values()) == len(updated)
    for each in rest.values():
        whole = next(one for one in changes if one.key == each.key)
        assert all(one in (whole.changes or ()) for one in each.changes or ())
