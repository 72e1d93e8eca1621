"""Every reading use case says the same of records that only one of two versions has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.histories import LATEST, document, snapshot

from archiver.changes.lifecycle import Tombstone, write_tombstones
from archiver.errors import UnreadableSnapshot
from archiver.history import queries
from archiver.history.log import log
from archiver.records.model import Summary
from archiver.records.query import Where
from archiver.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.histories import History

    from archiver.history.catalogue import Catalogue
    from archiver.records.query import Predicate

NOW = datetime(2026, 1, 29, tzinfo=UTC)
REMOVED = "data/hub/removed.jsonl"


def stone(key: str, now: str = "") -> Tombstone:
    cause = "" if now else "deleted"
    return Tombstone(key, "2026-01-03 00:00:00", "2026-01-02 00:00:00", cause, now)


def capture(past: History, day: int, keys: str, *stones: Tombstone) -> None:
    """Commit a snapshot of records with these one-letter keys, and the tombstones."""
    content = snapshot(f"2026-01-{day:02} 00:00:00", *({"id": key, "n": 1} for key in keys))
    files = {
        LATEST: content,
        f"data/hub/snapshots/hub_models_202601{day:02}_000000.json": content,
        REMOVED: write_tombstones({each.key: each for each in stones}),
    }
    past.commit(f"2026-01-{day:02}T00:00:00Z", files)


@pytest.fixture
def lived(past: History, own: Callable[[], Catalogue]) -> Catalogue:
    past.configure()
    capture(past, 2, "abc")
    capture(past, 3, "bd", stone("a"), stone("c", now="d"))
    capture(past, 4, "abd", stone("c", now="d"))
    capture(past, 5, "ab", stone("c", now="d"), stone("d", now="f"))
    return own()


FIRST = Summary(removed=1, renamed=1, unchanged=1)
SECOND = Summary(returned=1, unchanged=2)
THIRD = Summary(removed=1, unchanged=2)


def collected(
    catalogue: Catalogue, old: str, new: str, chosen: Predicate | None = None
) -> dict[str, object]:
    """Return the keys of each kind; counting alone must give the same numbers."""
    with queries.compare(catalogue, old, new, now=NOW) as found:
        whole = found.narrowed(chosen).collect()
    with queries.compare(catalogue, old, new, now=NOW) as found:
        assert found.narrowed(chosen).tally() == whole.summary
    kinds = ("new", "removed", "returned", "entered", "left")
    keys = {kind: [record["id"] for record in whole[kind]] for kind in kinds if whole[kind]}
    renamed = [(each.old, each.new) for each in whole.renamed]
    return {**keys, **({"renamed": renamed} if renamed else {})}


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("HEAD~3", "HEAD~2", {"removed": ["a"], "renamed": [("c", "d")]}),
        ("HEAD~2", "HEAD~1", {"returned": ["a"]}),
        ("HEAD~1", "HEAD", {"removed": ["d"]}),
        ("HEAD~3", "HEAD~1", {"renamed": [("c", "d")]}),
        ("HEAD~3", "HEAD", {"removed": ["c"]}),
        ("hub_models_20260102_000000", "2026-01-03", {"removed": ["a"], "renamed": [("c", "d")]}),
    ],
)
def test_a_comparison_knows_the_lives_of_both_ends(
    lived: Catalogue, old: str, new: str, kinds: dict[str, object]
) -> None:
    assert collected(lived, old, new) == kinds


def test_causes_are_told(lived: Catalogue) -> None:
    with queries.compare(lived, "HEAD~3", "HEAD~2", now=NOW) as found:
        assert [record.get("@cause") for record in found.collect().removed] == ["deleted"]
    with queries.compare(lived, "HEAD~1", "HEAD", now=NOW) as found:
        assert [record.get("@cause") for record in found.collect().removed] == ["renamed to f"]


def test_a_renamed_record_is_chosen_by_what_it_is_now(lived: Catalogue) -> None:
    chosen = Where("id", "=", "d")
    assert collected(lived, "HEAD~3", "HEAD~2", chosen) == {"renamed": [("c", "d")]}
    assert collected(lived, "HEAD~3", "HEAD~2", Where("id", "=", "c")) == {}


def test_the_log_counts_the_same(lived: Catalogue) -> None:
    assert [entry.summary for entry in log(lived)] == [THIRD, SECOND, FIRST, None]


def test_the_steps_and_the_net_change_tell_the_same(lived: Catalogue) -> None:
    since = datetime(2026, 1, 2, tzinfo=UTC)
    steps = [found.tally() for found in queries.steps(lived, since)]
    assert steps == [THIRD, SECOND, FIRST]
    with queries.changes_since(lived, since) as net:
        assert net.tally() == Summary(removed=1, unchanged=2)


def test_the_methods_of_a_watcher_tell_the_same(past: History, lived: Catalogue) -> None:
    assert lived.source == "hub"
    found = Watcher(repo=past.folder).compare_snapshots("HEAD~2", "HEAD~1")
    assert [record["id"] for record in found.returned] == ["a"]


def test_a_plain_file_has_no_tombstones(past: History, lived: Catalogue, tmp_path: Path) -> None:
    older = tmp_path / "older.json"
    older.write_text(past.git("show", f"HEAD~2:{LATEST}"))
    assert collected(lived, str(older), "HEAD~1") == {"new": ["a"]}


def test_another_repository_has_no_tombstones(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.commit("2026-01-01T00:00:00Z", {"models.json": document(a=1), "removed.jsonl": "{"})
    past.commit("2026-01-02T00:00:00Z", {"models.json": document(b=1)})
    assert collected(foreign(), "HEAD~1", "HEAD") == {"removed": ["a"], "new": ["b"]}


def test_tombstones_that_cannot_be_read_are_named(past: History, lived: Catalogue) -> None:
    past.commit("2026-01-06T00:00:00Z", {LATEST: snapshot("2026-01-06 00:00:00"), REMOVED: "{"})
    with pytest.raises(UnreadableSnapshot, match="the tombstones cannot be read"):
        collected(lived, "HEAD~1", "HEAD")


def test_a_first_window_is_all_new(past: History, own: Callable[[], Catalogue]) -> None:
    past.configure()
    whole = snapshot("2026-01-02 00:00:00", {"id": "a"})
    total = b'"total_models": 1,\n'
    window = whole.replace(total, total + b'"covers": "window",\n')
    past.commit("2026-01-02T00:00:00Z", {LATEST: window})
    with queries.compare(own(), None, None, now=NOW) as found:
        assert found.tally() == Summary(new=1)
    past.commit("2026-01-03T00:00:00Z", {LATEST: window.replace(b'"a"', b'"b"')})
    assert collected(own(), "HEAD~1", "HEAD") == {"entered": ["b"], "left": ["a"]}
