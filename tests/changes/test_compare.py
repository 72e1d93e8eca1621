from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.algebra import field_changes

from archiver.changes.compare import compare, differing, summarize, tally
from archiver.errors import UnreadableSnapshot
from archiver.records.canonical import encode, encode_as
from archiver.records.model import FieldChange, Leaf, RecordChange, Summary
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from archiver.records.model import Json, Kind, Record

STRICT = Policy()
COUNTED = Policy(metrics=("downloads",), volatile=("seen",))


def lines(*records: Record) -> list[bytes]:
    return [line.data for line in sorted(encode(record, ("id",)) for record in records)]


def found(old: list[bytes], new: list[bytes], policy: Policy = STRICT) -> list[RecordChange]:
    changes = list(compare(old, new, policy=policy))
    assert tally(differing(old, new), policy) == Counter(change.kind for change in changes)
    return changes


def test_new_updated_and_removed_records_come_by_key() -> None:
    old = lines({"id": "b", "v": 1}, {"id": "c"}, {"id": "d"})
    new = lines({"id": "a"}, {"id": "b", "v": 2}, {"id": "d"})
    assert found(old, new) == [
        RecordChange("new", "a", record={"id": "a"}),
        RecordChange(
            "updated", "b", changes=(FieldChange("replace", "/v", metric=False, old=1, new=2),)
        ),
        RecordChange("removed", "c", record={"id": "c"}),
    ]


def test_everything_is_new_against_nothing_and_removed_the_other_way_round() -> None:
    some = lines({"id": "a"}, {"id": "b"})
    assert [change.kind for change in found([], some)] == ["new", "new"]
    assert [change.kind for change in found(some, [])] == ["removed", "removed"]
    assert found([], []) == []


def test_keys_are_compared_decoded_by_code_point() -> None:
    keys = sorted(["a", "a!", 'a"b', "a\\", "a\nb", "\u00e9", "\uffff", "\U0001f600"])
    full = lines(*({"id": key} for key in keys))
    for number, key in enumerate(keys):
        without = full[:number] + full[number + 1 :]
        assert found(full, without) == [RecordChange("removed", key, record={"id": key})]
        assert found(without, full) == [RecordChange("new", key, record={"id": key})]


def test_a_record_whose_key_stands_outside_shows_it_first() -> None:
    line = encode_as("x/1", {"a": 1}).data
    assert found([], [line]) == [RecordChange("new", "x/1", record={"@key": "x/1", "a": 1})]
    assert list(found([], [line])[0].record or ()) == ["@key", "a"]


def test_a_number_that_became_its_own_text_is_an_update_of_one_record() -> None:
    assert found(lines({"id": 5}), lines({"id": "5"})) == [
        RecordChange(
            "updated", "5", changes=(FieldChange("replace", "/id", metric=False, old=5, new="5"),)
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "op", "path"),
    [
        ({}, {"v": None}, "add", "/v"),
        ({"v": None}, {}, "remove", "/v"),
        ({"v": None}, {"v": 0}, "replace", "/v"),
        ({"a/b~": 1}, {"a/b~": 2}, "replace", "/a~1b~0"),
        ({"": 1}, {"": 2}, "replace", "/"),
        ({"v": True}, {"v": 1}, "replace", "/v"),
        ({"v": [True]}, {"v": [1]}, "replace", "/v"),
        ({"v": 2**53}, {"v": 2**53 + 1}, "replace", "/v"),
        ({"v": {"__x": 1}}, {"v": {"__x": 2}}, "replace", "/v"),
        ({"v": "e\u0301"}, {"v": "\u00e9"}, "replace", "/v"),
    ],
)
def test_a_field_change_has_an_operation_and_a_pointer(
    old: Record, new: Record, op: str, path: str
) -> None:
    (change,) = field_changes(old, new, STRICT)
    assert (change.op, change.path, change.field) == (op, path, next(iter({**old, **new})))


@pytest.mark.parametrize(
    ("old", "new"),
    [(220.0, 220), (1e2, 100), (-0.0, 0), ([{"b": 1, "a": 2}], [{"a": 2, "b": 1.0}])],
)
def test_equal_values_spelled_in_two_ways_are_no_change(old: Json, new: Json) -> None:
    assert found(lines({"id": "a", "v": old}), lines({"id": "a", "v": new})) == []


def test_fields_come_by_name_with_their_whole_values_and_leaves() -> None:
    old = lines({"id": "a", "z": {"x": 1, "y": [1]}, "b": 1})
    new = lines({"id": "a", "z": {"x": 2, "y": [1]}, "c": 1})
    (change,) = found(old, new)
    assert change.changes == (
        FieldChange("remove", "/b", metric=False, old=1),
        FieldChange("add", "/c", metric=False, new=1),
        FieldChange(
            "replace",
            "/z",
            metric=False,
            old={"x": 1, "y": [1]},
            new={"x": 2, "y": [1]},
            detail=(Leaf("/z/x", 1, 2),),
        ),
    )


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"downloads": 2}, ["metrics"]),
        ({"seen": 2}, []),
        ({"seen": 2, "downloads": 2}, ["metrics"]),
        ({"seen": 2, "downloads": 2, "name": "x"}, ["updated"]),
        ({"added": 1}, ["updated"]),
    ],
)
def test_the_worst_field_decides_what_happened(fields: Record, kinds: list[Kind]) -> None:
    before = {"id": "a", "downloads": 1, "seen": 1}
    changes = found(lines(before), lines(before | fields), COUNTED)
    assert [change.kind for change in changes] == kinds


def test_metrics_are_marked_and_volatile_fields_left_out() -> None:
    before = {"id": "a", "downloads": 1, "seen": 1, "name": "n"}
    (change,) = found(lines(before), lines({"id": "a", "downloads": 2, "name": "m"}), COUNTED)
    assert change.changes == (
        FieldChange("replace", "/downloads", metric=True, old=1, new=2),
        FieldChange("replace", "/name", metric=False, old="n", new="m"),
    )


A, B, C = (lines({"id": key})[0] for key in "abc")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([B, A], []),
        ([], [B, A]),
        ([A, C, B], [A, B, C]),
        ([A, B, C], [C, A, B]),
        ([C, A], [A, C]),
    ],
)
def test_lines_out_of_order_are_refused_before_a_record_is_lost(
    old: list[bytes], new: list[bytes]
) -> None:
    with pytest.raises(UnreadableSnapshot, match="the records are not sorted by key") as refused:
        list(differing(old, new))
    assert refused.value.hint == "`archiver verify` names the snapshot"


@pytest.mark.parametrize(
    "line",
    [b"", b"x", b'{"id":"a"', b'{"id":"\xff"}', b'{"id":"a","v":NaN}', b'{"id":"a","v":1e999}'],
)
def test_a_line_that_is_no_record_is_our_own_error(line: bytes) -> None:
    with pytest.raises(UnreadableSnapshot, match="a line"):
        list(compare([line], [], policy=STRICT))
    with pytest.raises(UnreadableSnapshot, match="a line"):
        list(compare([line], lines({"id": "a"}), policy=COUNTED))


def test_unsorted_keys_that_are_not_utf8_are_our_own_error() -> None:
    with pytest.raises(UnreadableSnapshot, match="not sorted"):
        list(differing([b'{"id":"\xff"}', b'{"id":"\xfe"}'], []))


def test_a_summary_counts_what_did_not_change() -> None:
    counts: Counter[Kind] = Counter({"new": 2, "updated": 3, "removed": 1, "metrics": 4})
    assert summarize(counts, old=19, new=20) == Summary(
        new=2, updated=3, removed=1, metrics=4, unchanged=11
    )


@pytest.mark.parametrize(("old", "new"), [(5, 6), (1, 1), (0, 1)])
def test_totals_that_do_not_add_up_are_refused(old: int, new: int) -> None:
    counts: Counter[Kind] = Counter({"updated": 2})
    with pytest.raises(UnreadableSnapshot, match="another number of records than it says"):
        summarize(counts, old=old, new=new)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1, True),
        (True, 1, False),
        (0, False, False),
        ([True], [1], False),
        ({"a": [0]}, {"a": [False]}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        (None, 0, False),
        ("1", 1, False),
    ],
)
def test_equality_is_that_of_json(one: Json, other: Json, *, same: bool) -> None:
    assert (field_changes({"v": one}, {"v": other}, STRICT) == ()) == same
    assert (field_changes({"v": other}, {"v": one}, STRICT) == ()) == same


def test_deepdiff_is_not_imported_where_no_nested_value_differs() -> None:
    program = """if True:
        import sys
        from archiver.changes.compare import compare
        from archiver.records.policy import Policy
        list(compare([b'{"id":"a","v":1}'], [b'{"id":"a","v":2}'], policy=Policy()))
        print("deepdiff" in sys.modules)
    """
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"
