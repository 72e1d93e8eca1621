from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from support.algebra import apply, inverse, merge
from support.strategies import catalogues, two_catalogues

from archiver.changes.compare import compare
from archiver.records.canonical import encode, encode_as
from archiver.records.jsontext import dump
from archiver.records.model import RecordChange
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from support.strategies import Catalogue

    from archiver.records.model import Json, Record

ID = ("id",)


def lines(*records: Record) -> list[bytes]:
    return [line.data for line in sorted(encode(record, ID) for record in records)]


def changes(old: list[bytes], new: list[bytes]) -> list[RecordChange]:
    return list(compare(old, new, policy=Policy()))


OLD = lines({"id": "a", "v": 1}, {"id": "b", "v": [1, 2]}, {"id": "c"})
NEW = lines({"id": "a!", "v": 1}, {"id": "b", "v": [1, 3], "w": None}, {"id": "c"})
LAST = lines({"id": "a", "v": True}, {"id": "b", "v": [1, 2]})


def test_changes_applied_to_the_old_lines_give_the_new_lines() -> None:
    assert list(apply(OLD, changes(OLD, NEW))) == NEW


def test_no_changes_leave_the_lines_as_they_are() -> None:
    assert list(apply(OLD, [])) == OLD


def test_the_inverse_is_the_comparison_the_other_way_round() -> None:
    assert list(inverse(changes(OLD, NEW))) == changes(NEW, OLD)


def test_two_comparisons_merge_into_one() -> None:
    assert list(merge(changes(OLD, NEW), changes(NEW, LAST))) == changes(OLD, LAST)


def test_there_and_back_is_no_change() -> None:
    assert list(merge(changes(OLD, NEW), changes(NEW, OLD))) == []


STATES: list[list[bytes]] = [
    [],
    lines({"id": "k", "v": 1, "w": "x"}),
    lines({"id": "k", "v": 2}),
    lines({"id": "k", "v": {"a": [1]}, "w": "x"}),
]


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("second", range(4))
@pytest.mark.parametrize("third", range(4))
def test_every_sequence_of_states_merges(first: int, second: int, third: int) -> None:
    a, b, c = (STATES[number] for number in (first, second, third))
    assert list(merge(changes(a, b), changes(b, c))) == changes(a, c)


def test_a_key_outside_the_record_stays_the_first_member() -> None:
    old = [encode_as("x/1", {"v": 1}).data]
    new = [encode_as("x/1", {"v": 2}).data]
    assert list(apply(old, changes(old, new))) == new


def test_a_key_that_turned_from_number_to_string_needs_the_name_of_its_field() -> None:
    old, new = lines({"id": 5, "v": 1}), lines({"id": "5", "v": 1})
    assert list(apply(new, changes(new, old))) == old
    assert list(apply(old, changes(old, new), key=ID)) == new
    assert list(merge(changes([], old), changes(old, new), key=ID)) == changes([], new)


NEW_A = RecordChange("new", "a", record={"id": "a"})
REMOVED_A = RecordChange("removed", "a", record={"id": "a"})


@pytest.mark.parametrize(
    ("old", "change"),
    [
        ([], REMOVED_A),
        (lines({"id": "a"}), NEW_A),
        (lines({"id": "a", "v": 1}), REMOVED_A),
        (lines({"id": "a", "v": 3}), changes(*(lines({"id": "a", "v": v}) for v in (1, 2)))[0]),
        (lines({"id": "a", "v": 3}), changes(lines({"id": "a"}), lines({"id": "a", "v": 2}))[0]),
        (lines({"id": "a"}), RecordChange("entered", "a", record={"id": "a"})),
        ([], RecordChange("new", "a")),
    ],
)
def test_a_change_that_does_not_fit_is_refused(old: list[bytes], change: RecordChange) -> None:
    with pytest.raises(ValueError, match="does not fit the record 'a'"):
        list(apply(old, [change]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (NEW_A, NEW_A),
        (REMOVED_A, REMOVED_A),
        (NEW_A, RecordChange("removed", "a", record={"id": "a", "v": 1})),
        (
            changes(*(lines({"id": "a", "v": v}) for v in (1, 2)))[0],
            changes(*(lines({"id": "a", "v": v}) for v in (3, 4)))[0],
        ),
    ],
)
def test_comparisons_that_do_not_follow_each_other_are_refused(
    first: RecordChange, second: RecordChange
) -> None:
    with pytest.raises(ValueError, match="does not fit the record 'a'"):
        list(merge([first], [second]))


def test_only_changes_before_the_life_cycle_are_turned_round() -> None:
    with pytest.raises(ValueError, match=r"\(left\) does not fit"):
        list(inverse([RecordChange("left", "a", record={"id": "a"})]))


def spelled(found: list[RecordChange]) -> list[tuple[str, str, bytes]]:
    """Spell changes with their JSON values, for which True is not 1."""
    return [(change.kind, change.key, dump(contents(change))) for change in found]


def contents(change: RecordChange) -> Json:
    if isinstance(change.record, dict):
        return change.record
    fields = change.changes if isinstance(change.changes, tuple) else ()
    return [
        [field.op, field.path, present(field.old), present(field.new), details(field.detail)]
        for field in fields
    ]


def details(leaves: Json) -> Json:
    if not isinstance(leaves, tuple):
        return None
    return [[leaf.path, present(leaf.old), present(leaf.new)] for leaf in leaves]


def present(value: Json) -> list[Json]:
    return [] if type(value).__name__ == "UnsetType" else [value]


def catalogue_lines(catalogue: Catalogue) -> list[bytes]:
    return lines(*catalogue.values())


@given(two_catalogues())
def test_applying_holds_for_any_two_catalogues(two: tuple[Catalogue, Catalogue]) -> None:
    old, new = map(catalogue_lines, two)
    assert list(apply(old, changes(old, new))) == new


@given(two_catalogues())
def test_the_inverse_holds_for_any_two_catalogues(two: tuple[Catalogue, Catalogue]) -> None:
    old, new = map(catalogue_lines, two)
    assert spelled(list(inverse(changes(old, new)))) == spelled(changes(new, old))


@given(two_catalogues(), catalogues(), two_catalogues())
def test_merging_holds_for_any_three_catalogues(
    two: tuple[Catalogue, Catalogue], last: Catalogue, more: tuple[Catalogue, Catalogue]
) -> None:
    for third in (last, two[0] | last, two[1] | more[0]):
        a, b, c = map(catalogue_lines, (*two, third))
        assert spelled(list(merge(changes(a, b), changes(b, c)))) == spelled(changes(a, c))
