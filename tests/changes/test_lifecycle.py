"""What a comparison says of records that only one end has, and how that is remembered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.algebra import apply, inverse, merge
from support.strategies import catalogues, keys, policies, texts, two_catalogues

from archiver.changes.compare import differing, explain, summarize, tally
from archiver.changes.lifecycle import (
    UNKNOWN,
    Lives,
    Missing,
    Tombstone,
    read_missing,
    read_tombstones,
    sort_out,
    write_missing,
    write_tombstones,
)
from archiver.records.canonical import encode
from archiver.records.model import RecordChange
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from support.strategies import Catalogue

    from archiver.records.model import Record

STRICT = Policy(key=("id",))
THEN, NOW = "2026-01-02 00:00:00", "2026-01-03 00:00:00"


def lines(records: Iterable[Record]) -> list[bytes]:
    return [line.data for line in sorted(encode(record, ("id",)) for record in records)]


def stones(*gone: str, now: str = "", cause: str = "") -> dict[str, Tombstone]:
    return {key: Tombstone(key, NOW, THEN, cause, now) for key in gone}


def told(
    old: list[bytes], new: list[bytes], lives: Lives, policy: Policy = STRICT
) -> list[RecordChange]:
    """Return the changes; counting them must give the same numbers."""
    changes = [
        change
        for before, after in lives.paired(differing(old, new))
        if (change := explain(before, after, policy, lives)) is not None
    ]
    counted = tally(lives.paired(differing(old, new)), policy, lives)
    assert counted == Counter(change.kind for change in changes)
    return changes


def kinds(old: Iterable[Record], new: Iterable[Record], lives: Lives) -> dict[str, str]:
    return {change.key: change.kind for change in told(lines(old), lines(new), lives)}


A, B, C = {"id": "a"}, {"id": "b"}, {"id": "c"}


def test_without_tombstones_and_windows_records_are_new_or_removed() -> None:
    assert kinds([A], [B], UNKNOWN) == {"a": "removed", "b": "new"}
    assert UNKNOWN.silent


def test_what_has_a_tombstone_at_the_old_end_has_returned() -> None:
    assert kinds([], [A, B], Lives(before=stones("a"))) == {"a": "returned", "b": "new"}


def test_what_has_a_tombstone_at_the_new_end_is_removed_with_its_cause() -> None:
    assert told(lines([A, B]), [], Lives(after=stones("a", cause="gone"))) == [
        RecordChange("removed", "a", record=A, cause="gone"),
        RecordChange("removed", "b", record=B),
    ]


def test_a_record_that_appears_under_another_key_is_renamed() -> None:
    lives = Lives(after=stones("a", now="c"))
    assert told(lines([A, B]), lines([B, C]), lives) == [
        RecordChange("renamed", "c", record=C, old_key="a")
    ]


def test_the_new_key_of_a_renamed_record_may_come_first() -> None:
    lives = Lives(after=stones("c", now="a"))
    assert [change.old_key for change in told(lines([C]), lines([A]), lives)] == ["c"]


def test_a_rename_to_a_key_that_was_there_already_is_a_removal() -> None:
    lives = Lives(after=stones("a", now="b"))
    assert told(lines([A, B]), lines([B]), lives) == [
        RecordChange("removed", "a", record=A, cause="renamed to b")
    ]


def test_of_two_records_that_became_one_the_first_was_renamed() -> None:
    lives = Lives(after=stones("a", "b", now="c"))
    assert kinds([A, B], [C], lives) == {"c": "renamed", "b": "removed"}


def test_records_of_a_circle_of_renames_are_each_told_once() -> None:
    lives = Lives(after=stones("a", now="b") | stones("b", now="a") | stones("c", now="c"))
    assert kinds([A, C], [B], lives) == {"b": "renamed", "c": "removed"}


def test_records_leave_a_window_and_enter_it() -> None:
    assert kinds([A], [B], Lives(window=True)) == {"a": "left", "b": "entered"}


def test_what_left_a_window_and_has_a_tombstone_is_removed() -> None:
    assert kinds([A], [], Lives(after=stones("a"), window=True)) == {"a": "removed"}


@pytest.mark.parametrize(
    ("created", "kind"),
    [
        ("2026-01-02T00:00:01Z", "new"),
        ("2026-01-02T00:00:00Z", "entered"),
        ("2026-01-02T08:59:59+09:00", "entered"),
        ("2026-01-02T00:00:00-01:00", "new"),
        ("2026-01-02 00:00:01", "new"),
        ("2026-01-03", "new"),
        ("2026-01-02", "entered"),
        ("0001-01-01T00:00:00+23:00", "entered"),
        ("9999-12-31T23:59:59-23:00", "entered"),
        ("tomorrow", "entered"),
        ("", "entered"),
        (1_900_000_000, "entered"),
        (None, "entered"),
    ],
)
def test_what_comes_into_a_window_is_new_if_it_was_created_since(
    created: object, kind: str
) -> None:
    record = {"id": "a", "release_date": created}
    assert kinds([], [record], Lives(since=THEN, window=True)) == {"a": kind}


def test_nothing_is_called_new_in_a_window_of_unknown_age() -> None:
    record = {"id": "a", "release_date": "2026-01-02T00:00:01Z"}
    assert kinds([], [record], Lives(window=True)) == {"a": "entered"}
    assert kinds([], [record], Lives(since="long ago", window=True)) == {"a": "entered"}


@st.composite
def tombstones(draw: st.DrawFn) -> Mapping[str, Tombstone]:
    drawn = draw(st.dictionaries(keys, keys | st.just(""), max_size=5))
    return {key: Tombstone(key, NOW, THEN, draw(texts), now) for key, now in drawn.items()}


lives_of: st.SearchStrategy[Lives] = st.builds(
    Lives, before=tombstones(), after=tombstones(), since=st.just(THEN), window=st.booleans()
)


@given(two_catalogues(), policies, lives_of)
def test_whatever_is_known_counting_agrees_with_explaining_and_with_the_totals(
    two: tuple[Catalogue, Catalogue], policy: Policy, lives: Lives
) -> None:
    old, new = (lines(catalogue.values()) for catalogue in two)
    counts = Counter(change.kind for change in told(old, new, lives, policy))
    found = summarize(counts, old=len(old), new=len(new))
    appeared = found.new + found.returned + found.entered + found.renamed
    assert appeared + found.updated + found.metrics + found.unchanged == len(new)


@given(two_catalogues(), lives_of)
def test_whatever_is_known_a_key_is_in_one_change_at_most(
    two: tuple[Catalogue, Catalogue], lives: Lives
) -> None:
    old, new = (lines(catalogue.values()) for catalogue in two)
    changes = told(old, new, lives)
    gone = [str(change.old_key) for change in changes if change.kind == "renamed"]
    found = [change.key for change in changes] + gone
    assert len(found) == len(set(found))


@given(catalogues(), lives_of)
def test_whatever_is_known_a_catalogue_does_not_differ_from_itself(
    catalogue: Catalogue, lives: Lives
) -> None:
    same = lines(catalogue.values())
    assert told(same, same, lives) == []


@pytest.mark.parametrize(
    "change",
    [
        RecordChange("returned", "a", record=A),
        RecordChange("entered", "a", record=A),
        RecordChange("left", "a", record=A),
        RecordChange("renamed", "a", record=A, old_key="b"),
    ],
)
def test_the_algebra_refuses_the_kinds_of_the_life_cycle(change: RecordChange) -> None:
    for calculated in (
        apply(lines([A]), [change]),
        inverse([change]),
        merge([change], [RecordChange("new", "a", record=A)]),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            list(calculated)


def test_tombstones_are_one_object_a_line_by_key() -> None:
    both = stones("b", now="c") | stones("a", cause="deleted")
    assert write_tombstones(both).decode().splitlines() == [
        f'{{"key":"a","removed_at":"{NOW}","last_seen":"{THEN}","cause":"deleted"}}',
        f'{{"key":"b","removed_at":"{NOW}","last_seen":"{THEN}","now":"c"}}',
    ]


@given(tombstones())
def test_tombstones_of_any_key_are_read_back(written: Mapping[str, Tombstone]) -> None:
    assert read_tombstones(write_tombstones(written)) == written


@given(st.dictionaries(keys, st.integers(0, 9), max_size=4))
def test_missing_records_of_any_key_are_read_back(drawn: dict[str, int]) -> None:
    written = {key: Missing(key, THEN, listings) for key, listings in drawn.items()}
    assert read_missing(write_missing(written)) == written


@pytest.mark.parametrize(
    "content", [b"[]\n", b"{\n", b'{"key":1}\n', b'{"key":"a"}\n', b"\xff\n", b"[" * 100_000]
)
def test_what_is_no_list_of_tombstones_is_refused(content: bytes) -> None:
    for read in (read_tombstones, read_missing):
        with pytest.raises(ValueError) as refused:  # noqa: PT011  what it says is msgspec's
            read(content)
        assert str(refused.value)


def test_a_later_program_may_say_more_of_a_tombstone() -> None:
    row = f'{{"key":"a","removed_at":"{NOW}","last_seen":"{THEN}","by":"x"}}\n'
    assert read_tombstones(row.encode()) == stones("a")


def test_a_key_is_ripe_when_enough_listings_in_a_row_lacked_it() -> None:
    first, ripe = sort_out(["a", "b"], {}, confirmations=2, taken=THEN)
    assert (first, ripe) == ({key: Missing(key, THEN, 1) for key in "ab"}, frozenset())
    second, ripe = sort_out(["a", "c"], first, confirmations=2, taken=NOW)
    assert second == {"a": Missing("a", THEN, 2), "c": Missing("c", NOW, 1)}
    assert ripe == {"a"}


def test_one_listing_is_enough_where_one_confirmation_is_asked_for() -> None:
    assert sort_out(["a"], {}, confirmations=1, taken=NOW)[1] == {"a"}


def test_a_ripe_key_stays_until_somebody_removes_it() -> None:
    late = {"a": Missing("a", THEN, 7)}
    waiting, ripe = sort_out(["a"], late, confirmations=2, taken=NOW)
    assert (waiting, ripe) == ({"a": Missing("a", THEN, 8)}, frozenset("a"))
