"""Compare, changes, steps and log over histories as they are: torn, merged, renamed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from support.histories import FILE, LATEST, document, snapshot

from archiver.errors import NotADataRepository, ShallowHistory, UnreadableSnapshot
from archiver.history import queries
from archiver.history.catalogue import REVERTED, Catalogue, anywhere
from archiver.history.log import Entry, log
from archiver.records.model import Summary
from archiver.records.query import Where
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.histories import History

NOW = datetime(2026, 1, 29, tzinfo=UTC)
OTHER_THEN = (
    "in archiver.toml changed since 2026-01-02 00:00:00 UTC; today's is applied to both sides"
)


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def compared(catalogue: Catalogue, old: str | None = None, new: str | None = None) -> Summary:
    with queries.compare(catalogue, old, new, now=NOW) as found:
        return found.tally()


def net(catalogue: Catalogue, since: datetime, tip: str | None = None) -> Summary:
    with queries.changes_since(catalogue, since, tip=tip) as found:
        return found.tally()


def told(entries: list[Entry]) -> list[tuple[str, int | None]]:
    return [(entry.status, entry.total) for entry in entries]


@pytest.fixture
def week(past: History, foreign: Callable[[], Catalogue]) -> Catalogue:
    past.add("2026-01-01T00:00:00Z", a=1)
    past.add("2026-01-03T00:00:00Z", a=2, b=1)
    past.add("2026-01-05T00:00:00Z", a=2, c=1)
    return foreign()


def test_nothing_named_is_the_last_change(week: Catalogue) -> None:
    assert compared(week) == Summary(new=1, removed=1, unchanged=1)


def test_one_name_is_compared_with_the_newest(week: Catalogue) -> None:
    assert compared(week, "HEAD~2") == Summary(new=1, updated=1)


def test_two_names_are_compared_in_their_order(week: Catalogue) -> None:
    assert compared(week, "HEAD~1", "HEAD~2") == Summary(removed=1, updated=1)


def test_a_first_version_is_compared_with_nothing(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.add("2026-01-01T00:00:00Z", a=1, b=1)
    assert compared(foreign()) == Summary(new=2)


def test_nothing_committed_is_said_so(past: History, foreign: Callable[[], Catalogue]) -> None:
    with pytest.raises(NotADataRepository):
        compared(foreign())
    past.commit("2026-01-01T00:00:00Z", {"other.txt": "x"})
    with pytest.raises(NotADataRepository, match="no commit holds models"):
        compared(foreign())
    with pytest.raises(NotADataRepository, match="no commit holds models"):
        net(foreign(), day(1))


def test_a_log_of_nothing_says_so(past: History, foreign: Callable[[], Catalogue]) -> None:
    past.add("2026-01-01T00:00:00Z", a=1)
    catalogue = anywhere(foreign().required(), "other.json", records=None, key=("id",))
    with pytest.raises(NotADataRepository, match=r"no commit holds other\.json"):
        list(log(catalogue))


def test_chosen_records_are_looked_at_as_they_are_or_were(week: Catalogue) -> None:
    chosen = Where("n", "=", "1")
    with queries.compare(week, "HEAD~2", None, now=NOW) as found:
        changes = found.narrowed(chosen).changes()
        assert [(change.kind, change.key) for change in changes] == [("new", "c")]


def test_only_the_fields_asked_for_are_looked_at(week: Catalogue) -> None:
    for fields, expected in ((frozenset("n"), ["a"]), (frozenset("m"), [])):
        with queries.compare(week, "HEAD~2", None, now=NOW) as whole:
            found = whole.narrowed(None, fields)
            assert [change.key for change in found.changes()] == expected


def test_a_period_is_the_net_change_since_its_beginning(week: Catalogue) -> None:
    assert net(week, day(2)) == Summary(new=1, updated=1)
    assert net(week, day(4)) == Summary(new=1, removed=1, unchanged=1)
    assert net(week, day(9)) == Summary(unchanged=2)


def test_a_period_may_end_early(past: History, week: Catalogue) -> None:
    tip = past.git("rev-parse", "HEAD~1").strip()
    assert net(week, day(2), tip) == Summary(new=1, updated=1)
    assert net(week, day(9), tip) == Summary(unchanged=2)


def test_an_archive_that_begins_later_says_so(week: Catalogue) -> None:
    with queries.changes_since(week, datetime(2025, 1, 1, tzinfo=UTC)) as found:
        assert found.notes == ("the archive begins later, at 2026-01-01 00:00:00 UTC",)
        assert found.tally() == Summary(new=1, updated=1)


def test_a_period_begins_with_the_last_version_that_can_be_read(
    past: History, week: Catalogue
) -> None:
    past.commit("2026-01-07T00:00:00Z", {FILE: "{"})
    past.add("2026-01-09T00:00:00Z", a=2, c=1, d=1)
    assert net(week, day(8)) == Summary(new=1, unchanged=2)
    assert [found.tally() for found in queries.steps(week, day(8))] == [Summary(new=1, unchanged=2)]


def test_steps_are_one_comparison_a_revision(week: Catalogue) -> None:
    assert [found.tally() for found in queries.steps(week, day(2))] == [
        Summary(new=1, removed=1, unchanged=1),
        Summary(new=1, updated=1),
    ]
    assert [found.tally() for found in queries.steps(week, day(9))] == []


def test_a_shallow_clone_answers_for_the_period_it_holds(
    past: History, week: Catalogue, tmp_path: Path
) -> None:
    assert net(week, day(4)) == Summary(new=1, removed=1, unchanged=1)
    past.git("clone", "--quiet", "--depth=2", past.folder.as_uri(), str(tmp_path / "clone"))
    clone = anywhere(Repository.open(tmp_path / "clone"), FILE, records="models", key=("id",))
    past.add("2026-01-06T00:00:00Z", a=3)
    assert net(clone, day(5)) == Summary(unchanged=2)
    with queries.changes_since(clone, day(2)) as found:
        assert found.tally() == Summary(new=1, removed=1, unchanged=1)
        assert [note for note in found.notes if "git fetch --deepen" in note]
    steps = [(found.tally(), found.notes) for found in queries.steps(clone, day(2))]
    assert [counts for counts, _ in steps] == [Summary(new=1, removed=1, unchanged=1)]
    assert "this clone is shallow" in steps[-1][1][0]
    newest, end = log(clone)
    assert (newest.status, newest.summary) == ("ok", Summary(new=1, removed=1, unchanged=1))
    assert (end.status, end.summary, end.total) == ("edge", None, 2)


def test_the_shallowest_clone_knows_no_change(
    past: History, week: Catalogue, tmp_path: Path
) -> None:
    assert net(week, day(4)) == Summary(new=1, removed=1, unchanged=1)
    past.git("clone", "--quiet", "--depth=1", past.folder.as_uri(), str(tmp_path / "clone"))
    clone = anywhere(Repository.open(tmp_path / "clone"), FILE, records="models", key=("id",))
    assert [(entry.status, entry.total) for entry in log(clone)] == [("edge", 2)]
    assert net(clone, day(5)) == Summary(unchanged=2)
    for asked in (
        lambda: net(clone, day(2)),
        lambda: list(queries.steps(clone, day(2))),
        lambda: queries.compare(clone, None, None, now=day(9)).__enter__(),
    ):
        with pytest.raises(ShallowHistory) as refused:
            asked()
        assert "git fetch --deepen" in refused.value.hint


def test_a_clone_whose_edge_is_unreadable_never_begins_there(
    past: History, week: Catalogue, tmp_path: Path
) -> None:
    assert net(week, day(4)) == Summary(new=1, removed=1, unchanged=1)
    past.commit("2026-01-06T00:00:00Z", {FILE: '{"error": 429}'})
    past.add("2026-01-07T00:00:00Z", a=3)
    past.add("2026-01-08T00:00:00Z", a=4)
    past.git("clone", "--quiet", "--depth=3", past.folder.as_uri(), str(tmp_path / "clone"))
    clone = anywhere(Repository.open(tmp_path / "clone"), FILE, records="models", key=("id",))
    steps = [(found.tally(), found.notes) for found in queries.steps(clone, day(2))]
    assert [counts for counts, _ in steps] == [Summary(updated=1)]
    assert "this clone is shallow" in steps[0][1][0]
    with queries.changes_since(clone, day(2)) as found:
        assert [note for note in found.notes if "this clone is shallow" in note]
    assert [entry.status for entry in log(clone)] == ["ok", "edge"]
    past.commit("2026-01-09T00:00:00Z", {FILE: '{"error": 429}'})
    past.add("2026-01-10T00:00:00Z", a=5)
    past.git("clone", "--quiet", "--depth=2", past.folder.as_uri(), str(tmp_path / "last"))
    last = anywhere(Repository.open(tmp_path / "last"), FILE, records="models", key=("id",))
    for asked in (lambda: net(last, day(2)), lambda: list(queries.steps(last, day(2)))):
        with pytest.raises(ShallowHistory):
            asked()


def test_a_clone_that_ends_before_the_file_began_has_no_first_snapshot(
    past: History, tmp_path: Path
) -> None:
    past.commit("2026-01-01T00:00:00Z", {"other.json": "[]"})
    past.commit("2026-01-02T00:00:00Z", {"other.json": "[1]"})
    past.add("2026-01-03T00:00:00Z", a=1)
    past.git("clone", "--quiet", "--depth=2", past.folder.as_uri(), str(tmp_path / "clone"))
    clone = anywhere(Repository.open(tmp_path / "clone"), FILE, records="models", key=("id",))
    assert [(entry.status, entry.total) for entry in log(clone)] == [("edge", 1)]
    with pytest.raises(ShallowHistory):
        queries.compare(clone, None, None, now=day(9)).__enter__()


def test_the_log_tells_every_revision(past: History, week: Catalogue) -> None:
    newest, second, first = log(week)
    assert newest == Entry(
        revision=past.git("rev-parse", "HEAD").strip(),
        timestamp="2026-01-05 00:00:00",
        committed_at=newest.committed_at,
        subject="a version",
        total=2,
        summary=Summary(new=1, removed=1, unchanged=1),
        status="ok",
    )
    assert (second.summary, first.summary, first.status) == (
        Summary(new=1, updated=1),
        None,
        "first",
    )


UNREADABLE = {
    "truncated": (document(a=1)[:-3], "truncated"),
    "empty": ("", "empty"),
    "error body": ('{"error": "rate limited"}', 'no "models"'),
    "conflict": ("<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> x\n", "conflict markers"),
    "not JSON": ("<html>503</html>", "not JSON"),
    "another shape": ('{"models": 7}', "not an array"),
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_named_and_compared_over(
    past: History, foreign: Callable[[], Catalogue], content: str, reason: str
) -> None:
    past.add("2026-01-01T00:00:00Z", a=1)
    past.commit("2026-01-02T00:00:00Z", {FILE: content})
    past.add("2026-01-03T00:00:00Z", a=1, b=1)
    newest, torn, first = log(foreign())
    assert newest.summary == Summary(new=1, unchanged=1)
    assert (torn.status, torn.total, torn.summary) == ("unreadable", None, None)
    assert reason in str(torn.reason)
    assert first.status == "first"
    assert compared(foreign()) == Summary(new=1, unchanged=1)


def test_a_version_that_is_asked_for_by_name_must_be_readable(
    past: History, week: Catalogue
) -> None:
    past.commit("2026-01-07T00:00:00Z", {FILE: "{"})
    with pytest.raises(UnreadableSnapshot):
        compared(week, "HEAD~1", "HEAD")


def test_a_file_that_was_gone_for_a_while_is_compared_over(past: History, week: Catalogue) -> None:
    past.commit("2026-01-06T00:00:00Z", {FILE: None})
    past.add("2026-01-07T00:00:00Z", a=2, c=1)
    newest, gone, *_ = log(week)
    assert newest.summary == Summary(unchanged=2)
    assert (gone.status, gone.reason) == ("unreadable", "the file is gone")


def test_an_empty_list_is_a_version(past: History, foreign: Callable[[], Catalogue]) -> None:
    past.add("2026-01-01T00:00:00Z", a=1)
    past.add("2026-01-02T00:00:00Z")
    past.add("2026-01-03T00:00:00Z", a=1)
    assert told(list(log(foreign()))) == [("ok", 1), ("ok", 0), ("first", 1)]
    assert compared(foreign()) == Summary(new=1)


def test_of_a_doubled_key_the_greatest_line_counts_in_whatever_order(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.add("2026-01-01T00:00:00Z", a=1)
    doubled = '{"models": [{"id": "a", "n": 2}, {"id": "a", "n": 1}, {"id": 7, "n": 1}]}'
    past.commit("2026-01-02T00:00:00Z", {FILE: doubled})
    with queries.compare(foreign(), None, None, now=NOW) as found:
        assert found.tally() == Summary(new=1, updated=1)
    again = '{"models": [{"id": 7, "n": 1}, {"id": "a", "n": 1}, {"id": "a", "n": 2}]}'
    past.commit("2026-01-03T00:00:00Z", {FILE: again})
    with queries.compare(foreign(), None, None, now=NOW) as found:
        assert found.tally() == Summary(unchanged=2)
        assert found.notes == ("doubled key, the greatest line counts: a",)
    newest, *_ = log(foreign())
    assert newest.reason == "doubled key, the greatest line counts: a"


def test_a_key_that_becomes_a_string_stays_the_same_record(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.commit("2026-01-01T00:00:00Z", {FILE: '{"models": [{"id": 7}, {"id": 8}]}'})
    past.commit("2026-01-02T00:00:00Z", {FILE: '{"models": [{"id": "7"}, {"id": 8.0}]}'})
    assert compared(foreign()) == Summary(updated=1, unchanged=1)


def test_a_merge_is_one_step_of_the_branch(past: History, week: Catalogue) -> None:
    past.git("switch", "--quiet", "--create", "side", "HEAD~1")
    past.add("2026-01-06T00:00:00Z", a=2, b=1, x=1)
    past.git("switch", "--quiet", "main")
    past.git("merge", "--quiet", "--strategy=ours", "--no-edit", "side")
    past.git("checkout", "--quiet", "side", "--", FILE)
    past.git("commit", "--quiet", "--amend", "--no-edit")
    summaries = [entry.summary for entry in log(week)]
    assert summaries[0] == Summary(new=2, removed=1, unchanged=1)
    assert len(summaries) == 4


def test_the_log_reads_no_further_than_it_is_asked(past: History, week: Catalogue) -> None:
    blob = past.git("rev-parse", f"HEAD~2:{FILE}").strip()
    (past.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert told(list(islice(log(week), 1))) == [("ok", 2)]


def test_a_capture_that_was_taken_back_is_left_out(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    past.capture("2026-01-02T00:00:00Z", a=1)
    poisoned = past.capture("2026-01-03T00:00:00Z", x=9)
    line = {"revision": poisoned, "timestamp": "", "reverted_at": ""}
    before = snapshot("2026-01-02 00:00:00", {"id": "a", "n": 1})
    taken_back = json.dumps(line).encode()
    past.commit("2026-01-04T00:00:00Z", {LATEST: before, f"data/hub/{REVERTED}": taken_back})
    past.capture("2026-01-05T00:00:00Z", a=1, b=1)
    catalogue = own()
    assert [entry.summary for entry in log(catalogue)] == [
        Summary(new=1, unchanged=1),
        Summary(unchanged=1),
        None,
    ]
    assert catalogue.count() == 3
    assert compared(catalogue, "2026-01-03") == Summary(new=1, unchanged=1)


def test_another_meaning_of_fields_is_applied_to_both_sides_and_said(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    past.capture("2026-01-02T00:00:00Z", a=1)
    past.configure(metrics=("n",))
    past.capture("2026-01-03T00:00:00Z", a=2)
    with queries.compare(own(), None, None, now=NOW) as found:
        assert found.tally() == Summary(metrics=1)
        assert found.notes == (f"metrics {OTHER_THEN}",)


def test_another_key_is_applied_to_both_sides_and_said(
    past: History, own: Callable[[], Catalogue]
) -> None:
    records = {"id": "a", "slug": "x"}, {"id": "b", "slug": "w"}
    past.configure()
    past.commit(
        "2026-01-02T00:00:00Z", {"data/hub/latest.json": snapshot("2026-01-02 00:00:00", *records)}
    )
    past.configure(key="slug")
    newer = snapshot("2026-01-03 00:00:00", *records, key=("slug",))
    past.commit("2026-01-03T00:00:00Z", {"data/hub/latest.json": newer})
    with queries.compare(own(), None, None, now=NOW) as found:
        assert found.tally() == Summary(unchanged=2)
        assert found.notes == (
            "stored under another key; slug is applied",
            f"key {OTHER_THEN}",
        )
