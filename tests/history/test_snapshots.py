"""How a snapshot is laid out in files, and what they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archiver.errors import StoreError
from archiver.history import snapshots
from archiver.history.versions import EMPTY, Version
from archiver.records import canonical
from archiver.records.canonical import Header
from archiver.sources.lines import LinesInMemory

if TYPE_CHECKING:
    from archiver.history.snapshots import Layout, Shards

TAKEN = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)
LINES = sorted(canonical.encode({"id": f"m{number}"}, ("id",)) for number in range(100))
"""About 1,300 bytes."""


def laid_out(
    split: int,
    shard: int = 100,
    *,
    shards: Shards = "auto",
    before: Version = EMPTY,
    max_bytes: int = 10_000,
) -> Layout:
    header = Header("hub", "2026-01-29 15:47:33", len(LINES))
    return snapshots.laid_out(
        header,
        LinesInMemory(LINES),
        shards=shards,
        before=before,
        max_bytes=max_bytes,
        split=split,
        shard=shard,
    )


@pytest.mark.parametrize(
    ("split", "shard", "files"),
    [(10_000, 9, 1), (1_000, 100, 16), (1_000, 80, 256), (1_000, 6, 256), (1_000, 5, 4096)],
)
def test_a_catalogue_is_split_by_the_size_of_the_whole(split: int, shard: int, files: int) -> None:
    assert len(laid_out(split, shard).sizes) == files


def test_a_catalogue_that_was_split_stays_so() -> None:
    before = laid_out(400).version()
    assert len(laid_out(10_000, before=before).sizes) == 16


def test_a_number_in_the_settings_is_kept_to() -> None:
    assert len(laid_out(10, shards=1).sizes) == 1
    assert len(laid_out(10_000, shards=256).sizes) == 256
    assert len(laid_out(10_000, shards=4096).sizes) == 4096


def test_the_largest_file_is_named_when_it_is_too_large() -> None:
    with pytest.raises(StoreError, match=r"^shard [0-9a-f]{2} would have \d+ bytes, more than"):
        laid_out(100, shards=256, max_bytes=110)


def test_every_record_is_in_one_shard() -> None:
    assert [*laid_out(400).version().lines()] == [line.data for line in LINES]


def test_a_stamped_name_says_the_capture_time() -> None:
    name = snapshots.stamped_name("hub", TAKEN)
    assert (name, snapshots.taken_at(name)) == ("hub_models_20260129_154733.json", TAKEN)


@pytest.mark.parametrize(
    "name", ["README.md", "hub_models_20261301_000000.json", "hub_models_20260129_154733"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert snapshots.taken_at(name) is None
    assert snapshots.stamped([name]) == []


def test_a_taken_second_leads_to_the_next_free_one() -> None:
    names = [snapshots.stamped_name("hub", TAKEN + timedelta(seconds=n)) for n in (0, 1)]
    half = TAKEN + timedelta(microseconds=500_000)
    assert snapshots.free_time("hub", half, names) == TAKEN + timedelta(seconds=2)
