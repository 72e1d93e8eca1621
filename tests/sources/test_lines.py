"""The lines of a listing are the same in memory and on disk, and outlive a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import StoreError
from archiver.records import canonical
from archiver.records.model import Bad, Line
from archiver.sources import Parsed, Request
from archiver.sources.checkpoint import LONGEST, Checkpoint, forget, opened
from archiver.sources.lines import Lines, LinesInMemory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 2, 1, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
lines = st.lists(st.tuples(texts, st.binary(max_size=2)).map(Line._make), max_size=30)


def line(key: str, **fields: Any) -> Line:
    return canonical.encode({"id": key, **fields}, ("id",))


def shown(found: Lines) -> list[Line]:
    assert len(found) == len(list(found))
    assert sorted(found.unsorted()) == list(found)
    for shards in (1, 16, 256):
        split = {name: list(texts) for name, texts in found.split(shards).items()}
        whole = [data for texts in split.values() for data in texts]
        assert sorted(whole) == sorted(each.data for each in found)
        assert found.sizes(shards) == {
            name: (len(texts), sum(map(len, texts))) for name, texts in split.items()
        }
        assert shards > 1 or whole == [each.data for each in found]
        assert {len(name) for name in split} == {{1: 0, 16: 1, 256: 2}[shards]}
    return list(found)


@given(lines, lines, lines)
def test_lines_on_disk_are_the_lines_in_memory(
    first: list[Line], second: list[Line], kept: list[Line]
) -> None:
    memory = LinesInMemory()
    with opened(None, identity="", now=NOW) as state:
        disk = state.lines
        for found in (first, second):
            assert disk.put(found) == memory.put(found)
        assert shown(disk) == shown(memory)
        in_other_order = LinesInMemory([*reversed(second), *first])
        assert list(in_other_order) == list(memory)
        memory.replace(kept[::2])
        disk.replace(kept[::2])
        memory.keep(kept)
        disk.keep(kept)
        assert shown(disk) == shown(memory)
        assert disk.put(first) == memory.put(first)
        assert shown(disk) == shown(memory)
        for key, _ in (*first, *kept, Line("never", b"")):
            assert (disk.get(key), disk.holds(key)) == (memory.get(key), memory.holds(key))


def take(state: Checkpoint, name: str, *found: Line) -> None:
    following = (Request(f"after {name}", "http://h/", body=b"x", method="PUT"),)
    parsed = Parsed((), total=9, next=following, facts=("a",), mark="m")
    state.take(name, parsed, list(found), [Bad("p", "r", "k")])


def test_an_interrupted_listing_goes_on_with_everything_it_had(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "hub.sqlite"
    with opened(path, identity="i", now=NOW) as state:
        state.plan([Request("one", "http://h/1"), Request("two", "http://h/2")])
        take(state, "one", line("a"), line("b"))
        take(state, "two", line("b", a=1))
        before = (state.ledger, list(state.pending), state.bad, state.repeated)
    with opened(path, identity="i", now=NOW + LONGEST) as state:
        after = (state.ledger, list(state.pending), state.bad, state.repeated)
        assert after == before
        assert list(state.lines) == [line("a"), max(line("b"), line("b", a=1))]
        assert [request.id for request in state.pending] == ["after one", "after two"]
        assert (state.ledger.distinct, state.ledger.duplicates) == (2, 1)


def test_what_is_done_after_the_end_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with opened(path, identity="i", now=NOW) as state:
        state.plan([Request("one", "http://h/1")])
        take(state, "one", line("a"))
        state.finish()
        state.lines.keep([line("missing")])
        assert state.lines.holds("missing")
    with opened(path, identity="i", now=NOW) as state:
        assert list(state.lines) == [line("a")]


@pytest.mark.parametrize(
    ("identity", "later"),
    [("other", timedelta()), ("i", LONGEST + timedelta(seconds=1)), ("i", -timedelta(seconds=1))],
)
def test_another_question_or_an_old_listing_begins_anew(
    tmp_path: Path, identity: str, later: timedelta
) -> None:
    path = tmp_path / "hub.sqlite"
    with opened(path, identity="i", now=NOW) as state:
        state.plan([Request("one", "http://h/1")])
    with opened(path, identity=identity, now=NOW + later) as state:
        assert not state.pending


def test_a_damaged_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with opened(path, identity="i", now=NOW) as state:
        assert not state.pending
    forget(path)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_do_not_share_a_listing(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with opened(path, identity="i", now=NOW) as one:
        one.plan([Request("one", "http://h/1")])
        with opened(path, identity="i", now=NOW) as other:
            assert not other.pending


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="the listing cannot be kept in"),
        opened(tmp_path / "file" / "hub.sqlite", identity="i", now=NOW),
    ):
        pass


@pytest.mark.parametrize("shards", [1, 16, 256])
@pytest.mark.parametrize("on_disk", [False, True])
def test_lines_are_replaced_by_what_follows_from_them_or_not_at_all(
    *, on_disk: bool, shards: int
) -> None:
    def next_day(fails: int) -> Iterator[Line]:
        texts = (data for part in found.split(shards).values() for data in part)
        for number, data in enumerate(texts):
            if number == fails:
                raise StoreError("refused")
            yield Line(canonical.line_key(data).decode(), data + b"!")

    many = [line(f"k{number}") for number in range(10_000)]
    with opened(None, identity="", now=NOW) as state:
        found = state.lines if on_disk else LinesInMemory()
        found.put(many)
        state.finish()
        with pytest.raises(StoreError):
            found.replace(next_day(9_999))
        assert list(found) == sorted(many)
        found.replace(next_day(10_000))
        assert list(found) == [Line(key, data + b"!") for key, data in sorted(many)]
