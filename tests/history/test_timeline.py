"""The life of one record: what happened to it, when, and which revision gave each value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET
from support.histories import FILE, LATEST, document, snapshot

from archiver.changes.lifecycle import Tombstone, write_tombstones
from archiver.errors import UnknownRecord
from archiver.history.timeline import Moment, timeline
from archiver.records.model import FieldChange
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.histories import History

    from archiver.history.catalogue import Catalogue


@pytest.fixture
def life(past: History, foreign: Callable[[], Catalogue]) -> Catalogue:
    past.add("2026-01-01T00:00:00Z", other=1)
    past.add("2026-01-02T00:00:00Z", other=1, a=1)
    past.add("2026-01-03T00:00:00Z", other=2, a=1)
    past.add("2026-01-04T00:00:00Z", other=2, a=2)
    past.commit("2026-01-05T00:00:00Z", {FILE: "{"})
    past.add("2026-01-06T00:00:00Z", other=2)
    past.add("2026-01-07T00:00:00Z", other=2, a=2)
    return foreign()


def test_every_change_is_told_newest_first(life: Catalogue) -> None:
    found = timeline(life, "a")
    assert [(event.kind, event.at.timestamp[:10]) for event in found.events] == [
        ("returned", "2026-01-07"),
        ("removed", "2026-01-06"),
        ("updated", "2026-01-04"),
        ("new", "2026-01-02"),
    ]
    assert found.events[2].changes == (FieldChange("replace", "/n", metric=False, old=1, new=2),)
    assert (found.key, found.state, found.record) == ("a", "present", {"id": "a", "n": 2})


def test_it_knows_the_first_revision_and_the_one_of_the_last_change(
    past: History, life: Catalogue
) -> None:
    found = timeline(life, "other")
    revisions = past.git("log", "--reverse", "--format=%H").split()
    assert found.first_seen == Moment(revisions[0], "2026-01-01 00:00:00")
    assert found.last_changed == Moment(revisions[2], "2026-01-03 00:00:00")


def test_each_field_has_the_revision_of_its_value(life: Catalogue) -> None:
    blame = timeline(life, "other").blame
    assert {name: at.timestamp[:10] for name, at in blame.items()} == {
        "id": "2026-01-01",
        "n": "2026-01-03",
    }


def test_a_life_may_be_told_up_to_a_revision(past: History, life: Catalogue) -> None:
    found = timeline(life, "a", tip=past.git("rev-parse", "HEAD~1").strip())
    assert (found.state, found.record) == ("removed", {"id": "a", "n": 2})


def test_counters_are_told_as_counters(life: Catalogue) -> None:
    counting = replace(life, policy=Policy(key=("id",), metrics=("n",)))
    assert [event.kind for event in timeline(counting, "other").events] == ["metrics", "new"]


def test_an_unknown_key_is_refused_with_the_near_ones(life: Catalogue) -> None:
    with pytest.raises(UnknownRecord) as refused:
        timeline(life, "oth")
    assert refused.value.hint == "did you mean other?"


def test_near_keys_come_from_a_version_that_can_be_read(past: History, life: Catalogue) -> None:
    past.commit("2026-01-08T00:00:00Z", {FILE: "{"})
    with pytest.raises(UnknownRecord) as refused:
        timeline(life, "OTHER")
    assert refused.value.hint == "did you mean other?"


def test_keys_are_found_whatever_they_are_made_of(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    key = 'a "quoted"\\back\tslash/中'
    past.commit("2026-01-01T00:00:00Z", {FILE: document(**{key: 1})})
    assert timeline(foreign(), key).state == "present"


def stone(key: str, day: int, *, cause: str = "", now: str = "") -> Tombstone:
    return Tombstone(key, f"2026-01-{day:02} 00:00:00", "2026-01-01 00:00:00", cause, now)


def capture(past: History, day: int, keys: str, *stones: Tombstone) -> None:
    """Commit a snapshot of records with these one-letter keys, and the tombstones."""
    files: Mapping[str, bytes] = {
        LATEST: snapshot(f"2026-01-{day:02} 00:00:00", *({"id": key} for key in keys)),
        "data/hub/removed.jsonl": write_tombstones({each.key: each for each in stones}),
    }
    past.commit(f"2026-01-{day:02}T00:00:00Z", files)


def test_a_removal_has_its_cause_and_may_be_taken_back(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    capture(past, 2, "ab")
    capture(past, 3, "b", stone("a", 3, cause="deleted or private"))
    gone = timeline(own(), "a")
    assert (gone.state, gone.events[0].kind, gone.events[0].cause) == (
        "removed",
        "removed",
        "deleted or private",
    )
    capture(past, 4, "ab")
    back = timeline(own(), "a")
    assert (back.state, [event.kind for event in back.events]) == (
        "present",
        ["returned", "removed", "new"],
    )


def test_the_timelines_of_both_keys_of_a_renamed_record_lead_to_each_other(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    capture(past, 2, "a")
    capture(past, 3, "c", stone("a", 3, now="c"))
    capture(past, 4, "ce", stone("a", 3, now="c"), stone("d", 4, now="e"))
    old, new = timeline(own(), "a"), timeline(own(), "c")
    assert [(event.kind, event.new_key) for event in old.events] == [
        ("renamed", "c"),
        ("new", UNSET),
    ]
    assert [(event.kind, event.old_key) for event in new.events] == [("renamed", "a")]
    assert (old.state, new.state) == ("renamed", "present")


def test_a_record_leaves_a_window_and_comes_back(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    for day, keys in ((2, "ab"), (3, "b"), (4, "abc")):
        text = snapshot(f"2026-01-{day:02} 00:00:00", *({"id": key} for key in keys))
        number = b'"total_models": %d,\n' % len(keys)
        window = text.replace(number, number + b'"covers": "window",\n')
        past.commit(f"2026-01-{day:02}T00:00:00Z", {LATEST: window})
    assert [event.kind for event in timeline(own(), "a").events] == ["entered", "left", "new"]
    assert timeline(own(), "a", tip=past.git("rev-parse", "HEAD~1").strip()).state == "left"
    assert [event.kind for event in timeline(own(), "c").events] == ["entered"]
