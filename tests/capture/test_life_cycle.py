"""A record that vanishes is missing, then confirmed, then removed; and may come back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.git import run_git
from support.hubs import Archive

from archiver.capture import revert
from archiver.capture.target import open_target
from archiver.errors import SnapshotRejected
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history import queries
from archiver.history.choice import Choice
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.records.model import ChangeSet, Summary


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(300)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all")
        yield archive


def told(archive: Archive, old: str, new: str) -> ChangeSet:
    catalogue = Choice(archive.folder, {}).one()
    with queries.compare(catalogue, old, new, now=archive.time) as found:
        return found.collect()


def counts(summary: Summary) -> dict[str, int]:
    kinds = ("new", "updated", "removed", "returned", "renamed", "entered", "left")
    return {kind: number for kind in kinds if (number := getattr(summary, kind))}


def victim(archive: Archive) -> str:
    return sorted(archive.hub.truth())[7]


def test_a_time_of_change_alone_is_archived_and_no_news(archive: Archive) -> None:
    archive.run()
    touched, edited = sorted(archive.hub.truth())[:2]
    archive.hub.edit(touched)
    archive.hub.edit(edited, license="other")
    report = archive.run()
    assert (counts(report.summary), report.summary.metrics) == ({"updated": 1}, 1)
    found = told(archive, "HEAD~1", "HEAD")
    (only,) = found["metrics"]
    (update,) = found["updated"]
    assert (only.key, [each.field for each in only.changes]) == (touched, ["last_modified"])
    assert (update.key, "license" in [each.field for each in update.changes]) == (edited, True)
    archive.hub.edit(touched)
    again = archive.run()
    assert (again.outcome, counts(again.summary), again.summary.metrics) == ("changed", {}, 1)


def test_a_removal_is_confirmed_by_a_second_listing_and_by_the_hub(archive: Archive) -> None:
    archive.run()
    key = victim(archive)
    archive.hub.remove(key)
    first = archive.run()
    assert (first.outcome, counts(first.summary), key in archive.listed()) == (
        "unchanged",
        {},
        True,
    )
    assert first.notes == (
        f"missing: 1 model (removed after 2 complete listings in a row without it): {key}",
    )
    second = archive.run()
    assert (counts(second.summary), key in archive.listed()) == ({"removed": 1}, False)
    assert second.changes[0].cause == "deleted or private"
    stones = (archive.folder / "data/hub/removed.jsonl").read_text()
    assert json.loads(stones) == {
        "key": key,
        "removed_at": "2026-02-04 03:00:00",
        "last_seen": "2026-02-02 03:00:00",
        "cause": "deleted or private",
    }


def test_a_record_that_was_only_missing_was_never_gone(archive: Archive) -> None:
    archive.run()
    gone = archive.hub.remove(victim(archive))
    archive.run()
    archive.hub.restore(gone)
    report = archive.run()
    assert (report.outcome, counts(report.summary)) == ("unchanged", {})
    archive.hub.remove(gone.id)
    assert archive.run().outcome == "unchanged"  # the count starts again


def test_a_record_that_comes_back_has_returned(archive: Archive) -> None:
    archive.run()
    gone = archive.hub.remove(victim(archive))
    archive.run()
    archive.run()
    archive.hub.restore(gone)
    report = archive.run()
    assert counts(report.summary) == {"returned": 1}
    assert report.changes[0].key == gone.id
    assert (archive.folder / "data/hub/removed.jsonl").read_text() == ""
    assert counts(told(archive, "HEAD~1", "HEAD").summary) == {"returned": 1}
    assert counts(told(archive, "HEAD~2", "HEAD").summary) == {}


def test_a_rename_that_the_hub_redirects_is_one_change(archive: Archive) -> None:
    archive.configure("huggingface", scope="all")
    archive.run()
    key = victim(archive)
    archive.hub.rename(key, "new-owner/New-Name")
    report = archive.run()
    assert counts(report.summary) == {"renamed": 1}
    assert (report.changes[0].key, report.changes[0].old_key) == ("new-owner/New-Name", key)
    (rename,) = told(archive, "HEAD~1", "HEAD").renamed
    assert (rename.old, rename.new) == (key, "new-owner/New-Name")


def test_a_listing_that_hides_a_model_removes_nothing(archive: Archive) -> None:
    """The detail call still finds it: the listing lies."""
    archive.run()
    key = victim(archive)
    find = archive.hub.find(key)
    assert find is not None
    find.state = "private"
    archive.hub.edit(min(archive.hub.truth()), size=1)
    archive.run()
    find.state = "gated"  # not listed until the hub looks again, but found
    assert counts(archive.run().summary) == {}
    assert key in archive.listed()


def test_records_that_leave_a_window_have_left_and_others_enter(archive: Archive) -> None:
    archive.configure("huggingface", scope="top", top=100)
    archive.run()
    key = min(archive.listed())
    low = next(iter(archive.hub.truth() - archive.listed()))
    archive.hub.edit(key, downloads=0)
    archive.hub.edit(low, downloads=10**9)
    created = archive.hub.add()
    report = archive.run()
    assert counts(report.summary) == {"entered": 1, "left": 1}
    archive.hub.now = archive.time
    fresh = archive.hub.add()
    archive.hub.edit(fresh, downloads=10**9)
    assert counts(archive.run().summary) == {"new": 1, "left": 1}
    assert created not in archive.listed()
    assert run_git(archive.folder, "show", "HEAD:data/hub/latest.json").count('"covers": "window"')


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_a_window_that_shows_the_whole_hub_is_a_complete_listing(
    archive: Archive, kind: str
) -> None:
    archive.configure(kind)
    archive.run()
    assert '"covers"' not in run_git(archive.folder, "show", "HEAD:data/hub/latest.json")[:300]
    assert "Archiver-Proof: complete; " in run_git(archive.folder, "log", "-1", "--format=%b")
    gone = archive.hub.remove(victim(archive))
    archive.hub.add()
    assert counts(archive.run().summary) == {"new": 1}
    report = archive.run()
    assert counts(report.summary) == {"removed": 1}
    assert (report.changes[0].key, report.changes[0].cause) == (gone.id, "deleted or private")


def test_a_hub_outgrows_the_window_and_shrinks_into_it_again(archive: Archive) -> None:
    archive.configure("huggingface", top=301)
    archive.run()
    missing, kept, last = sorted(archive.hub.truth())[:3]
    for key, downloads in ((kept, 10**9), (missing, 10**9), (last, -1)):
        archive.hub.edit(key, downloads=downloads)
    lost = archive.hub.remove(missing)
    archive.run()
    assert {missing, last} <= archive.listed()
    archive.hub.restore(lost)
    archive.hub.now = archive.time
    for _ in range(2):
        archive.hub.edit(archive.hub.add(), downloads=10**9)
    grown = archive.run()  # 302 models, of which 301 are listed
    assert (grown.summary.new, grown.summary.left, grown.summary.removed) == (2, 1, 0)
    assert (missing in archive.listed(), last in archive.listed()) == (True, False)
    archive.hub.remove(missing)
    shrunk = archive.run()  # missing for the first time since it was listed
    assert counts(shrunk.summary) == {"entered": 1}
    assert {missing, last} <= archive.listed()
    assert counts(archive.run().summary) == {"removed": 1}
    assert missing not in archive.listed()


def test_what_was_missing_when_the_hub_outgrew_the_window_has_left(archive: Archive) -> None:
    archive.configure("huggingface", top=300)
    archive.run()
    gone = archive.hub.remove(victim(archive))
    archive.run()
    archive.hub.now = archive.time
    for _ in range(2):
        archive.hub.edit(archive.hub.add(), downloads=10**9)
    report = archive.run()
    assert counts(report.summary) == {"new": 2, "left": 2}
    assert gone.id in {change.key for change in report.changes if change.kind == "left"}
    assert not (archive.folder / "data/hub/removed.jsonl").exists()


def test_between_two_sweeps_only_changes_are_listed(archive: Archive) -> None:
    archive.configure("modelscope", scope="all", incremental=True, drift=0.01)
    archive.hub.now = archive.time
    archive.run()
    pages = archive.server.pages
    new = archive.hub.add()
    edited = victim(archive)
    archive.hub.edit(edited, size=7)
    gone = archive.hub.remove(min(archive.hub.truth() - {edited, new}))
    report = archive.run(later=timedelta(hours=12))
    assert archive.server.pages - pages <= 4
    assert counts(report.summary) == {"new": 1, "updated": 1}
    assert gone.id in archive.listed()
    header = run_git(archive.folder, "show", "HEAD:data/hub/latest.json")[:300]
    assert '"covers": "incremental",\n"swept": "2026-02-02 03:00:00",\n' in header
    assert "Archiver-Proof: incremental" in run_git(archive.folder, "log", "-1", "--format=%b")
    archive.run(later=timedelta(days=8))
    assert gone.id in archive.listed()
    assert counts(archive.run(later=timedelta(days=8)).summary) == {"removed": 1}


def test_too_many_changes_are_a_full_sweep(archive: Archive) -> None:
    archive.configure("modelscope", scope="all", incremental=True)
    archive.hub.now = archive.time
    archive.run()
    for key in sorted(archive.hub.truth())[:9]:
        archive.hub.remove(key)
    report = archive.run(later=timedelta(hours=12))
    assert report.notes[0].startswith("listed in full: with the changes there are 300 records")
    assert "missing: 9 models (" in report.notes[-1]


def test_what_is_missing_is_not_detected_as_removed(archive: Archive) -> None:
    archive.run()
    archive.hub.remove(victim(archive))
    assert counts(archive.detected().summary) == {}


def test_a_capture_that_is_reverted_is_no_evidence_of_a_removal(archive: Archive) -> None:
    archive.run()
    archive.hub.remove(victim(archive))
    archive.run()
    removal = archive.run()
    assert counts(removal.summary) == {"removed": 1}
    with Repository.open(archive.folder) as repository:
        target = open_target(archive.config, "hub", repository)
        revert.revert(target, removal.revision or "", clock=lambda: archive.time)
    assert not (archive.folder / "data/hub/removed.jsonl").exists()
    report = archive.run()
    assert (report.outcome, counts(report.summary)) == ("unchanged", {})


def test_details_are_asked_for_new_and_changed_records_within_a_budget(archive: Archive) -> None:
    archive.configure(
        "modelscope", scope="all", enrich=["version", "description"], enrich_budget=250
    )
    notes = archive.run().notes
    assert notes[0] == "50 models wait for their details until the next run"
    assert counts(archive.run().summary) == {"updated": 50}
    before = archive.server.requests
    archive.hub.edit(victim(archive), size=1)
    assert counts(archive.run().summary) == {"updated": 1}
    assert archive.server.requests - before == 7 + 2
    lines = (archive.folder / "data/hub/latest.json").read_text().splitlines()
    assert sum('"version":"v1.1"' in line and '"description":"' in line for line in lines) == 300


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_exact_ids_are_listed_and_their_removals_confirmed(archive: Archive, kind: str) -> None:
    first, second, third, fourth = sorted(archive.hub.truth())[:4]
    (archive.folder / "models.txt").write_text(
        f"{first}  # ours\n{second} license=mit\norg/never\n"
    )
    archive.configure(kind, ids="models.txt")
    begun = archive.run()
    assert archive.listed() == {first, second}
    assert begun.notes == ("the hub does not have org/never: deleted or private",)
    log = run_git(archive.folder, "log", "-1", "--format=%b")
    assert "Archiver-Proof: complete; pages=3; received=2; " in log
    assert "end=an answer for each of 3 ids, 1 of them absent\n" in log
    gone = archive.hub.remove(first)
    assert counts(archive.run().summary) == {}
    assert first in archive.listed()
    report = archive.run()
    assert (counts(report.summary), report.changes[0].key) == ({"removed": 1}, first)
    archive.hub.restore(gone)
    assert counts(archive.run().summary) == {"returned": 1}
    archive.configure(kind, ids=[first, third, fourth])
    changed = archive.run().summary
    assert (changed.entered + changed.new, changed.left, changed.removed) == (2, 1, 0)
    assert archive.listed() == {first, third, fourth}


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_the_only_id_may_be_removed(archive: Archive, kind: str) -> None:
    key = victim(archive)
    archive.configure(kind, ids=[key])
    archive.run()
    archive.hub.remove(key)
    archive.run()
    assert counts(archive.run().summary) == {"removed": 1}
    assert archive.run().outcome == "unchanged"


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_two_ids_that_became_one_are_one_record(archive: Archive, kind: str) -> None:
    one, other = sorted(archive.hub.truth())[:2]
    archive.configure(kind, ids=[one, other, "new-owner/New-Name"])
    archive.run()
    archive.hub.rename(one, "new-owner/New-Name")
    report = archive.run()
    assert counts(report.summary) == {"renamed": 1}
    assert archive.listed() == {other, "new-owner/New-Name"}
    assert report.notes == (f"{one} is called new-owner/New-Name now",)
    assert archive.run().outcome == "unchanged"


def test_a_hub_that_loses_many_ids_is_not_plausible(archive: Archive) -> None:
    keys = sorted(archive.hub.truth())[:10]
    archive.configure("modelscope", ids=keys)
    archive.run()
    for key in keys[:5]:
        archive.hub.remove(key)
    with pytest.raises(SnapshotRejected, match="5 of 10 records vanished at once"):
        archive.run()
