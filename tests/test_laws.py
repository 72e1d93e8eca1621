"""The laws that hold for every catalogue, as properties.

Those of applying, turning round and merging changes stand in changes/test_algebra.py.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import rfc8785
from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from support.algebra import field_changes
from support.strategies import (
    Catalogue,
    catalogues,
    finite_floats,
    json_values,
    keys,
    policies,
    two_catalogues,
)

from archiver.changes.compare import compare, differing, summarize, tally
from archiver.records import canonical, document
from archiver.records.canonical import Header, decode, encode, line_key
from archiver.records.jsontext import dump, parse
from archiver.records.model import FieldChange, Json, Line, Record, RecordChange
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from random import Random

STRICT = Policy(key=("id",))


def lines(catalogue: Catalogue) -> list[bytes]:
    return [line.data for line in sorted(encode(record, ("id",)) for record in catalogue.values())]


def differences(old: Catalogue, new: Catalogue, policy: Policy = STRICT) -> list[RecordChange]:
    return list(compare(lines(old), lines(new), policy=policy))


def settled(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue as it is read back: numbers canonical, keys in order."""
    return {line_key(line).decode(): decode(line) for line in lines(catalogue)}


def fields_of(change: RecordChange) -> tuple[FieldChange, ...]:
    return change.changes if isinstance(change.changes, tuple) else ()


def shuffle(record: Record, random: Random) -> Record:
    return dict(random.sample(list(record.items()), len(record)))


@given(json_values)
def test_what_is_written_reads_back_as_the_same_text(value: Json) -> None:
    assert dump(parse(dump(value))) == dump(value)


@given(finite_floats)
def test_floats_are_spelled_as_rfc_8785_asks(number: float) -> None:
    assert dump(number) == rfc8785.dumps(number)


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_integers_are_spelled_as_rfc_8785_asks(number: int) -> None:
    assert dump(number) == rfc8785.dumps(number)


@given(st.integers())
def test_integers_of_any_size_stay_exact(number: int) -> None:
    assert int(parse(dump(number))) == number


@given(json_values, json_values)
def test_values_are_equal_when_their_texts_are(one: Json, other: Json) -> None:
    one, other = parse(dump(one)), parse(dump(other))
    found = field_changes({"v": one}, {"v": other}, Policy())
    assert (found == ()) == (dump(one) == dump(other))


@given(catalogues(), st.randoms(use_true_random=False))
def test_lines_do_not_depend_on_the_order_of_members(catalogue: Catalogue, random: Random) -> None:
    shuffled = {key: shuffle(record, random) for key, record in catalogue.items()}
    assert lines(shuffled) == lines(catalogue)


@given(catalogues())
def test_lines_stand_in_the_order_of_their_decoded_keys(catalogue: Catalogue) -> None:
    assert [line_key(line).decode() for line in lines(catalogue)] == sorted(catalogue)


@given(keys, json_values)
def test_a_record_with_another_key_keeps_its_own_members(key: str, value: Json) -> None:
    line = canonical.encode_as(key, {"value": value})
    assert (line_key(line.data).decode(), dump(decode(line.data))) == (key, dump({"value": value}))


@given(catalogues(), st.integers(1, 40))
def test_a_snapshot_reads_back_whatever_the_chunks_are(catalogue: Catalogue, size: int) -> None:
    header = Header("hub", "2026-01-29 15:47:33", len(catalogue))
    written = b"".join(canonical.snapshot(header, lines(catalogue)))
    chunks = (written[start : start + size] for start in range(0, len(written), size))
    found, read = canonical.read(chunks)
    read_lines = list(read)
    assert (found, read_lines) == (header, lines(catalogue))
    assert b"".join(canonical.snapshot(found, read_lines)) == written


@given(catalogues())
def test_a_snapshot_is_a_json_document(catalogue: Catalogue) -> None:
    header = Header("hub", "2026-01-29 15:47:33", len(catalogue))
    read = json.loads(b"".join(canonical.snapshot(header, lines(catalogue))))
    assert [record["id"] for record in read["models"]] == sorted(catalogue)


@given(catalogues())
def test_any_layout_of_a_document_gives_the_same_lines(catalogue: Catalogue) -> None:
    body = json.dumps({"models": list(catalogue.values())}, indent=4).encode()
    read = list(document.read(body, "models", ("id",)))
    assert [line.data for line in sorted(read) if isinstance(line, Line)] == lines(catalogue)


@given(catalogues(), policies)
def test_a_catalogue_does_not_differ_from_itself(catalogue: Catalogue, policy: Policy) -> None:
    assert differences(catalogue, catalogue, policy) == []


@given(two_catalogues())
def test_there_are_no_changes_exactly_when_the_lines_are_equal(
    two: tuple[Catalogue, Catalogue],
) -> None:
    old, new = two
    assert (differences(old, new) == []) == (lines(old) == lines(new))


@given(two_catalogues())
def test_a_key_is_in_one_change_at_most(two: tuple[Catalogue, Catalogue]) -> None:
    changes = [change.key for change in differences(*two)]
    assert len(changes) == len(set(changes))


@given(two_catalogues())
def test_all_that_deepdiff_finds_changed_is_found(two: tuple[Catalogue, Catalogue]) -> None:
    old, new = map(settled, two)
    witnessed = {key for key in old.keys() & new.keys() if DeepDiff(old[key], new[key])}
    found = {change.key for change in differences(old, new) if change.kind == "updated"}
    assert witnessed <= found


@given(two_catalogues(), policies)
def test_a_policy_hides_changes_and_invents_none(
    two: tuple[Catalogue, Catalogue], policy: Policy
) -> None:
    strict = {(change.key, f.path) for change in differences(*two) for f in fields_of(change)}
    lenient = differences(*two, policy)
    assert {(change.key, f.path) for change in lenient for f in fields_of(change)} <= strict


@given(two_catalogues(), policies)
def test_counting_agrees_with_explaining(two: tuple[Catalogue, Catalogue], policy: Policy) -> None:
    old, new = two
    counts = tally(differing(lines(old), lines(new)), policy)
    assert counts == Counter(change.kind for change in differences(old, new, policy))


@given(two_catalogues(), policies)
def test_the_summary_counts_every_record(two: tuple[Catalogue, Catalogue], policy: Policy) -> None:
    old, new = two
    counts = tally(differing(lines(old), lines(new)), policy)
    found = summarize(counts, old=len(old), new=len(new))
    assert found.new + found.updated + found.metrics + found.unchanged == len(new)


@given(two_catalogues())
def test_what_only_metrics_do_is_no_news(two: tuple[Catalogue, Catalogue]) -> None:
    counted = Policy(key=("id",), metrics=("*",))
    assert "updated" not in {change.kind for change in differences(*two, counted)}


@given(two_catalogues())
def test_what_is_volatile_is_no_change(two: tuple[Catalogue, Catalogue]) -> None:
    ignored = Policy(key=("id",), volatile=("*",))
    kinds = {change.kind for change in differences(*two, ignored)}
    assert kinds <= {"new", "removed"}


@given(st.lists(json_values, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_a_set_is_no_change(tags: list[Json], random: Random) -> None:
    shuffled = random.sample(tags, len(tags))
    old, new = {"a": {"id": "a", "tags": tags}}, {"a": {"id": "a", "tags": shuffled}}
    assert differences(old, new, Policy(key=("id",), sets=("tags",))) == []


@given(two_catalogues())
def test_nested_differences_are_where_they_are_said_to_be(
    two: tuple[Catalogue, Catalogue],
) -> None:
    for change in differences(*two):
        for field in fields_of(change):
            for leaf in field.detail if isinstance(field.detail, tuple) else ():
                assert leaf.path == field.path or leaf.path.startswith(f"{field.path}/")
                assert leaf.old is UNSET or leaf.new is UNSET or dump(leaf.old) != dump(leaf.new)


@pytest.mark.parametrize(("old", "new"), [(True, 1), ([True], [1]), ({"__a": 1}, {"__a": 2})])
def test_what_deepdiff_misses_is_found(old: Json, new: Json) -> None:
    two = {"a": {"id": "a", "v": old}}, {"a": {"id": "a", "v": new}}
    assert [change.kind for change in differences(*two)] == ["updated"]
