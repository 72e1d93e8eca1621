"""A record that nobody can read keeps its last usable line; it is not removed and new again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.histories import FILE

from archiver.history import queries, timeline
from archiver.history.catalogue import Catalogue, anywhere
from archiver.history.log import log
from archiver.records.model import Summary
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.histories import History

NOW = datetime(2026, 2, 1, tzinfo=UTC)
GOOD = b'{"id":"a","n":%d}'
OTHER = b'{"id":"b","n":1}'
UNUSABLE = {
    "a doubled member": b'{"id":"a","n":2,"n":3}',
    "a byte that is not UTF-8": b'{"id":"a","n":"\xff"}',
    "nested too deeply": b'{"id":"a","n":' + b"[" * 65 + b"]" * 65 + b"}",
    "a key that is not UTF-8": b'{"id":"\xff","n":2}',
    "no object": b'"a"',
    "no key": b'{"n":2}',
}


@pytest.fixture
def catalogue(past: History) -> Iterator[Catalogue]:
    with Repository.open(past.folder) as repository:
        yield anywhere(repository, FILE, records="models", key=("id",))


def versions(past: History, *listed: bytes) -> None:
    for day, records in enumerate(listed, start=1):
        past.commit(f"2026-01-{day:02}T00:00:00Z", {FILE: b'{"models":[%b]}' % records})


def told(catalogue: Catalogue) -> list[Summary | None]:
    return [entry.summary for entry in log(catalogue)]


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_record_is_neither_removed_nor_new(
    past: History, catalogue: Catalogue, bad: bytes
) -> None:
    both = GOOD % 1 + b"," + OTHER
    versions(past, both, OTHER + b"," + bad, bad + b"," + OTHER, GOOD % 2 + b"," + OTHER)
    same = Summary(unchanged=2)
    assert told(catalogue) == [Summary(updated=1, unchanged=1), same, same, None]
    life = timeline.timeline(catalogue, "a")
    assert [event.kind for event in life.events] == ["updated", "new"]
    with queries.compare(catalogue, "HEAD~3", "HEAD~1", now=NOW) as found:
        assert found.tally() == same
        assert any("kept as last seen, unusable now: a" in note for note in found.notes)


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_it_is_removed_where_a_readable_version_lacks_it(
    past: History, catalogue: Catalogue, bad: bytes
) -> None:
    versions(past, GOOD % 1 + b"," + OTHER, bad + b"," + OTHER, OTHER)
    removed = Summary(removed=1, unchanged=1)
    assert told(catalogue) == [removed, Summary(unchanged=2), None]


def test_one_that_was_never_usable_is_in_no_version(past: History, catalogue: Catalogue) -> None:
    bad = UNUSABLE["a doubled member"]
    versions(past, bad + b"," + OTHER, OTHER + b"," + bad, GOOD % 1 + b"," + OTHER)
    assert [entry.total for entry in log(catalogue)] == [2, 1, 1]


def test_a_lasting_unnamed_record_hides_no_removal(past: History, catalogue: Catalogue) -> None:
    always = b"null," + OTHER
    versions(past, GOOD % 1 + b"," + always, GOOD % 2 + b"," + always, always)
    found = [Summary(removed=1, unchanged=1), Summary(updated=1, unchanged=1), None]
    assert told(catalogue) == found


def test_an_unreadable_version_between_changes_nothing(past: History, catalogue: Catalogue) -> None:
    bad = UNUSABLE["a doubled member"]
    versions(past, GOOD % 1 + b"," + OTHER, b"oops", bad + b"," + OTHER)
    assert told(catalogue) == [Summary(unchanged=2), None, None]


def test_hundreds_of_versions_with_one_unusable_record_are_read_once(
    past: History, catalogue: Catalogue
) -> None:
    bad = UNUSABLE["a doubled member"]
    rest = (bad + b',{"id":"b","n":%d}' % day for day in range(2, 20))
    versions(past, GOOD % 1 + b"," + OTHER, *rest)
    assert told(catalogue) == [*[Summary(updated=1, unchanged=1)] * 18, None]


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_record_of_a_plain_file_is_neither_removed_nor_new(
    tmp_path: Path, bad: bytes
) -> None:
    both, lacking = GOOD % 1 + b"," + OTHER, bad + b"," + OTHER
    for name, records in (("a", both), ("b", lacking)):
        (tmp_path / f"{name}.json").write_bytes(b'{"models":[%b]}' % records)
    catalogue = anywhere(None, "a.json", records="models", key=("id",))
    old, new = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    with queries.compare(catalogue, old, new, now=NOW) as found:
        assert found.tally() == Summary(unchanged=2)
        assert any("kept as in the older file, unusable now: a" in each for each in found.notes)
    if bad in (UNUSABLE["a doubled member"], UNUSABLE["nested too deeply"]):
        with queries.compare(catalogue, new, old, now=NOW) as found:
            assert found.tally() == Summary(unchanged=2)
