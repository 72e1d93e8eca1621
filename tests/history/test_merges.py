"""Histories with merges: every capture counts, and a merge by itself is no change."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.copies import AT_ONCE, Copy, Hub

from archiver.capture.verify import Audit
from archiver.history import queries, timeline
from archiver.history.catalogue import Catalogue, anywhere, configured
from archiver.history.changelog import sections
from archiver.history.log import log
from archiver.jobs.job import Job
from archiver.pins.lists import Pin
from archiver.pins.status import check_pins
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MERGE = ("merge", "--quiet", "--no-edit", "--no-ff")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@contextmanager
def opened(copy: Copy) -> Iterator[Catalogue]:
    with Repository.open(copy.folder) as repository:
        yield configured(copy.config, "a", repository)


def totals(copy: Copy) -> list[int | None]:
    """Return the number of records of each version, newest first."""
    with opened(copy) as catalogue:
        return [each.total for each in log(catalogue)]


def problems(copy: Copy) -> list[str]:
    with opened(copy) as catalogue:
        return [each.reason for each in Audit(catalogue).problems()]


def captures(copy: Copy, *listings: dict[str, int], job: Job | None = None) -> None:
    """Capture what the hub lists, an hour apart; only `job` pushes."""
    for listed in listings:
        copy.hub.lists("a", **listed)
        assert copy.run("a", job=job or Job()).outcome in ("first", "changed")


def note(copy: Copy, name: str) -> None:
    (copy.folder / name).write_text("mine\n")
    copy.git("add", name)
    copy.git("commit", "--quiet", f"--message={name}")


def pulled(hub: Hub) -> Copy:
    """Return the owner's clone: a note on the first capture, then a pull of three more."""
    job = hub.first("max_shrink = 1\n" + AT_ONCE)
    captures(job, {"one": 1})
    job.git("push", "--quiet", "origin", "main")
    owner = hub.clone("owner")
    captures(job, {"one": 2}, {"one": 2, "day": 1}, {"one": 3})
    job.git("push", "--quiet", "origin", "main")
    note(owner, "NOTES.md")
    owner.git("pull", "--quiet", "--no-rebase", "--no-edit")
    return owner


def test_a_plain_pull_hides_no_capture(hub: Hub) -> None:
    owner = pulled(hub)
    assert len(owner.git("rev-list", "--merges", "HEAD").split()) == 1
    assert totals(owner) == [1, 2, 1, 1]
    with opened(owner) as catalogue:
        life = timeline.timeline(catalogue, "day")
        assert [event.kind for event in life.events] == ["removed", "new"]
        assert len([*sections(catalogue)]) == 4
        assert len([*queries.steps(catalogue, LONG_AGO)]) == 3
    assert problems(owner) == []
    owner.git("push", "--quiet")
    assert owner.run("a").outcome == "unchanged"
    assert problems(owner) == []


def test_each_capture_of_a_merged_branch_has_its_date_and_its_name(hub: Hub) -> None:
    owner = pulled(hub)
    with opened(owner) as catalogue:
        for entry in log(catalogue):
            name = f"a_models_{entry.timestamp.translate({45: '', 58: '', 32: '_'})}.json"
            for text in (entry.timestamp.replace(" ", "T") + "Z", name, entry.revision):
                with queries.version_at(catalogue, text, now=hub.time) as version:
                    assert version.end.revision == entry.revision
                    assert version.end.total == entry.total


def test_captures_of_two_branches_are_ordered_by_their_time(hub: Hub) -> None:
    here = hub.first()
    captures(here, {"one": 1})
    here.git("checkout", "--quiet", "-b", "side")
    captures(here, {"one": 2})
    here.git("checkout", "--quiet", "main")
    captures(here, {"one": 3})
    here.git("checkout", "--quiet", "side")
    captures(here, {"one": 4})
    here.git("checkout", "--quiet", "main")
    here.git(*MERGE, "--strategy=recursive", "--strategy-option=theirs", "side")
    with opened(here) as catalogue:
        values = []
        for entry in log(catalogue):
            with queries.version_at(catalogue, entry.revision, now=hub.time) as version:
                values += list(version.lines())
    assert [line.split(b'"value":')[1] for line in values] == [b"4}", b"3}", b"2}", b"1}"]
    assert problems(here) == []


def test_a_merge_that_takes_an_older_state_back_is_a_version(hub: Hub) -> None:
    here = hub.first()
    captures(here, {"one": 1})
    here.git("checkout", "--quiet", "-b", "side")
    captures(here, {"one": 1, "two": 2})
    here.git("checkout", "--quiet", "main")
    note(here, "NOTES.md")
    here.git(*MERGE, "--strategy=ours", "side")
    assert totals(here) == [1, 2, 1]
    captures(here, {"one": 1, "two": 3})
    assert totals(here) == [2, 1, 2, 1]
    assert problems(here) == []


def test_an_octopus_and_a_criss_cross_hide_nothing_either(hub: Hub) -> None:
    here = hub.first()
    captures(here, {"one": 1})
    for name in ("b", "c"):
        here.git("checkout", "--quiet", "-b", name, "main")
        note(here, name)
    here.git("checkout", "--quiet", "-b", "d", "main")
    captures(here, {"one": 2}, {"one": 3})
    here.git("checkout", "--quiet", "main")
    here.git(*MERGE, "b", "c", "d")
    assert totals(here) == [1, 1, 1]
    here.git("checkout", "--quiet", "b")
    here.git(*MERGE, "d")
    note(here, "more")
    here.git("checkout", "--quiet", "d")
    here.git(*MERGE, "c")
    captures(here, {"one": 4})
    here.git("checkout", "--quiet", "b")
    here.git(*MERGE, "d")
    here.git("checkout", "--quiet", "main")
    here.git(*MERGE, "b")
    assert totals(here) == [1, 1, 1, 1]
    assert problems(here) == []


def test_two_archives_become_one(hub: Hub) -> None:
    here = hub.first()
    captures(here, {"one": 1})
    other = hub.made("other")
    (other.folder / "archiver.toml").write_text((here.folder / "archiver.toml").read_text())
    captures(other, {"one": 2}, {"one": 2, "two": 2})
    here.git("fetch", "--quiet", str(other.folder), "main")
    merge = ("--allow-unrelated-histories", "--strategy-option=theirs", "FETCH_HEAD")
    here.git(*MERGE, *merge)
    assert totals(here) == [2, 1, 1]
    assert problems(here) == []
    captures(here, {"one": 5, "two": 2})
    assert totals(here) == [2, 2, 1, 1]


def test_in_other_repositories_a_branch_comes_into_effect_by_its_merge(hub: Hub) -> None:
    here = hub.first()
    versions = iter(('[{"id":"a"}]', '[{"id":"b"}]', "[]"))

    def changed() -> None:
        (here.folder / "list.json").write_text(next(versions))
        here.git("add", "--all")
        here.git("commit", "--quiet", "--message=change")

    changed()
    here.git("checkout", "--quiet", "-b", "side")
    changed()
    changed()
    here.git("checkout", "--quiet", "main")
    here.git(*MERGE, "side")
    with Repository.open(here.folder) as repository:
        catalogue = anywhere(repository, "list.json", records=None, key=("id",))
        assert [entry.total for entry in log(catalogue)] == [0, 1]


def revisions(copy: Copy) -> list[str]:
    """Return the full id of each version, newest first."""
    with opened(copy) as catalogue:
        return [each.revision for each in log(catalogue)]


def test_a_clock_that_ran_ahead_moves_no_capture(hub: Hub) -> None:
    """git prints the first two in the order of their commit dates."""
    here = hub.first()
    hub.time += timedelta(days=1000)
    captures(here, {"one": 1})
    hub.time -= timedelta(days=999)
    captures(here, {"one": 2}, {"one": 3})
    assert revisions(here) == here.git("rev-list", "--topo-order", "HEAD~3..HEAD").split()
    here.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    note(here, "NOTES.md")
    here.git(*MERGE, "main")
    captures(here, {"one": 4})
    assert revisions(here)[1:] == here.git("rev-list", "--topo-order", "main~3..main").split()
    assert problems(here) == []


@pytest.mark.parametrize("behind", [False, True])
def test_a_clock_that_was_behind_hides_no_capture(hub: Hub, *, behind: bool) -> None:
    """git prints the first merge before the capture on it, and then knows no parent of that."""
    here = hub.first()
    captures(here, {"one": 1})
    here.git("checkout", "--quiet", "-b", "side")
    note(here, "theirs")
    here.git("checkout", "--quiet", "main")
    note(here, "mine")
    here.git(*MERGE, "side")
    hub.time -= timedelta(days=1000 * behind)
    captures(here, {"one": 2})
    hub.time += timedelta(days=1000 * behind)
    here.git("checkout", "--quiet", "side")
    captures(here, {"one": 3})
    here.git("checkout", "--quiet", "main")
    here.git(*MERGE, "--strategy=ours", "side")
    expected = [
        here.git("rev-parse", each).strip() for each in ("main", "side", "main~1", "main~4")
    ]
    assert revisions(here) == expected


def test_a_merge_counts_on_whichever_side_it_is(hub: Hub) -> None:
    """A pull swaps the sides: what another copy merged is not along the first parents here."""
    here = hub.first()
    captures(here, {"one": 1})
    here.git("checkout", "--quiet", "-b", "side")
    captures(here, {"one": 1, "two": 2})
    here.git("checkout", "--quiet", "-b", "theirs", "main")
    note(here, "NOTES.md")
    here.git(*MERGE, "--strategy=ours", "side")
    captures(here, {"one": 7})
    before = revisions(here)
    here.git("checkout", "--quiet", "main")
    note(here, "mine")
    here.git(*MERGE, "theirs")
    assert len(before) == 4
    assert revisions(here) == before


def test_a_squash_counts_on_whichever_side_it_is(hub: Hub) -> None:
    here = hub.first()
    captures(here, {"one": 1})
    here.git("checkout", "--quiet", "-b", "side")
    captures(here, {"one": 2}, {"one": 3})
    here.git("reset", "--quiet", "--soft", "main")
    here.git("commit", "--quiet", "--message=squash")
    captures(here, {"one": 4})
    before = revisions(here)
    here.git("checkout", "--quiet", "main")
    note(here, "mine")
    here.git(*MERGE, "side")
    assert len(before) == 3
    assert revisions(here) == before


def test_what_returned_before_a_merge_without_tombstones_has_returned(hub: Hub) -> None:
    here = hub.first("max_shrink = 1\n" + AT_ONCE)
    captures(here, {"one": 1, "two": 2})
    here.git("checkout", "--quiet", "-b", "side")
    captures(here, {"one": 1}, {"one": 1, "two": 2})
    here.git("checkout", "--quiet", "main")
    note(here, "NOTES.md")
    here.git(*MERGE, "--strategy=ours", "side")
    assert "removed.jsonl" not in here.git("ls-files")
    here.git("mv", "data/a", "data/c")
    settings = here.folder / "archiver.toml"
    settings.write_text(settings.read_text().replace("[sources.a]", "[sources.c]"))
    here.git("commit", "--quiet", "--all", "--message=rename")
    with Repository.open(here.folder) as repository:
        summaries = [each.summary for each in log(configured(here.config, "c", repository))]
    assert [each and each.returned for each in summaries] == [0, 1, 0, None]


def test_a_pin_knows_what_a_merged_branch_held(hub: Hub) -> None:
    """The newest version is a capture of one branch; what the other held was there too."""
    here = hub.first()
    captures(here, {"one": 1})
    other = hub.made("other")
    (other.folder / "archiver.toml").write_text((here.folder / "archiver.toml").read_text())
    captures(other, {"two": 2})
    here.git("fetch", "--quiet", str(other.folder), "main")
    merge = ("--allow-unrelated-histories", "--strategy-option=theirs", "FETCH_HEAD")
    here.git(*MERGE, *merge)
    with opened(here) as catalogue:
        (told,) = check_pins(catalogue, [Pin("one", "", 0)], now=hub.time)
    assert told.verdict == "removed"
