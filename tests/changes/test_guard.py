"""A listing that looks like a fault of its source is refused, and an odd one is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from archiver.changes.guard import ACCEPT, Drift, refuse_implausible, refuse_turnover
from archiver.errors import SnapshotRejected
from archiver.records.canonical import encode
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from archiver.records.model import Json, Record

COUNTED = Policy(metrics=("downloads",), volatile=("seen",))


def drifted(
    number: int, old: Record, new: Record, *, common: int = 100, policy: Policy = COUNTED
) -> Drift:
    """Return what is seen where `number` of `common` records went from `old` to `new`."""
    drift = Drift(policy)
    for place in range(number):
        lines = (encode({"id": f"{place}", **record}, ("id",)).data for record in (old, new))
        drift.see(*lines)
    drift.refuse(common)
    return drift


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"tags": [1]}, {}, 'the field "tags" is gone in 6 of 100 records'),
        ({"tags": [1]}, {"tags": None}, 'the field "tags" is gone in 6 of 100 records'),
        ({"size": 1}, {"size": "1 B"}, 'the field "size" was a number and is a text in 6 of'),
        ({"v": {}}, {"v": []}, 'the field "v" was an object and is a list'),
        ({"v": True}, {"v": 1}, 'the field "v" was a boolean and is a number'),
        ({"downloads": 7}, {"downloads": 0}, '"downloads" fell to 0 in 6 of 100 records'),
        ({"downloads": 0.5}, {"downloads": 0.0}, '"downloads" fell to 0'),
    ],
)
def test_what_happens_to_many_records_at_once_is_refused(
    old: Record, new: Record, words: str
) -> None:
    with pytest.raises(SnapshotRejected, match=re.escape(words)) as refused:
        drifted(6, old, new)
    assert refused.value.hint == ACCEPT
    drifted(5, old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"tags": [1]}),
        ({"tags": None}, {}),
        ({"tags": None}, {"tags": 1}),
        ({"v": 1}, {"v": 1.5}),
        ({"v": True}, {"v": False}),
        ({"v": [1]}, {"v": []}),
        ({"v": 1}, {"v": 0}),
        ({"downloads": None}, {"downloads": 0}),
        ({"downloads": -1}, {"downloads": 1}),
        ({"seen": 1}, {}),
        ({"seen": 1}, {"seen": "1"}),
    ],
)
def test_what_may_happen_to_all_records_is_believed(old: Record, new: Record) -> None:
    drifted(100, old, new)


def test_what_happens_to_a_few_records_is_believed() -> None:
    drifted(4, {"v": 1}, {}, common=20)
    drifted(4, {"v": 1}, {}, common=4)


def test_of_few_records_all_must_change() -> None:
    drifted(18, {"v": 1}, {}, common=19)
    with pytest.raises(SnapshotRejected, match="19 of 19"):
        drifted(19, {"v": 1}, {}, common=19)


def test_a_metric_is_alive_while_one_record_that_differs_counts() -> None:
    drift = Drift(COUNTED)
    for place, count in enumerate([7, *[0] * 50]):
        old = {"id": f"{place}", "downloads": 7, "v": 1}
        new = {"id": f"{place}", "downloads": count, "v": 2}
        drift.see(encode(old, ("id",)).data, encode(new, ("id",)).data)
    drift.refuse(51)


def test_metrics_may_be_named_by_a_pattern() -> None:
    with pytest.raises(SnapshotRejected, match="fell to 0"):
        drifted(10, {"likes": 3}, {"likes": 0}, policy=Policy(metrics=("*",)))


def test_a_key_outside_the_record_is_no_field() -> None:
    drift = Drift(COUNTED)
    for place in range(50):
        drift.see(b'{"@key":"%d","id":%d}' % (place, place), b'{"id":"%d"}' % place)
    with pytest.raises(SnapshotRejected, match='"id" was a number and is a text'):
        drift.refuse(50)


def test_a_line_that_is_no_record_is_left_to_the_comparison() -> None:
    drift = Drift(COUNTED)
    for line in (b"{", b"[]", b"\xff", b'{"id":"a\xff"}'):
        drift.see(line, b'{"id":"a"}')
        drift.see(b'{"id":"a"}', line)
    drift.refuse(0)


def test_a_long_name_of_a_field_is_cut() -> None:
    with pytest.raises(SnapshotRejected) as refused:
        drifted(100, {"x" * 10_000: 1}, {})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("before", "after", "vanished"),
    [(0, 0, 0), (None, 5, 0), (100, 80, 20), (100, 500, 0), (4, 3, 1), (4, 2, 2), (10, 6, 4)],
)
def test_a_listing_of_a_likely_size_is_believed(
    before: int | None, after: int, vanished: int
) -> None:
    refuse_implausible(before=before, after=after, vanished=vanished, max_shrink=0.2)


@pytest.mark.parametrize(
    ("before", "after", "vanished", "words"),
    [
        (None, 0, 0, "the listing is empty"),
        (7, 0, 7, "the listing is empty: all 7 records are gone"),
        (100, 100, 21, "21 of 100 records vanished at once, more than the 20% that `max_shrink`"),
        (4, 1, 3, "3 of 4 records vanished"),
        (10, 5, 5, "5 of 10 records vanished"),
    ],
)
def test_an_empty_or_shrunken_listing_is_refused(
    before: int | None, after: int, vanished: int, words: str
) -> None:
    with pytest.raises(SnapshotRejected, match=words):
        refuse_implausible(before=before, after=after, vanished=vanished, max_shrink=0.2)


def test_a_window_that_exchanges_records_keeps_its_size() -> None:
    before = after = 3000
    refuse_implausible(before=before, after=after, vanished=before - after, max_shrink=0.2)


@pytest.mark.parametrize(("before", "lost"), [(100, 95), (4, 4), (0, 0)])
def test_a_window_may_exchange_most_records(before: int, lost: int) -> None:
    refuse_turnover(before=before, lost=lost, imported=False)


@pytest.mark.parametrize(("before", "lost"), [(100, 96), (5, 5)])
def test_a_window_of_other_records_is_refused(before: int, lost: int) -> None:
    words = f"{lost} of the {before} records are not in the window any more"
    with pytest.raises(SnapshotRejected, match=words):
        refuse_turnover(before=before, lost=lost, imported=False)


def test_a_window_of_other_records_than_the_few_imported_is_refused() -> None:
    refuse_turnover(before=4, lost=3, imported=True)
    with pytest.raises(SnapshotRejected, match="1 of the 1 imported records"):
        refuse_turnover(before=1, lost=1, imported=True)


def test_every_value_has_a_type_or_is_nothing() -> None:
    values: tuple[Json, ...] = (1, -1, "", [], {}, True, False)
    for value in values:
        with pytest.raises(SnapshotRejected, match="is gone"):
            drifted(50, {"v": value}, {"v": None})
