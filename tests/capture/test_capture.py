"""One run of one source: what it commits, what it refuses, and what it leaves alone."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import DAY, START, Archive
from support.misbehaviour import plain

from archiver.capture import capture, revert
from archiver.errors import (
    MalformedPage,
    RenderError,
    RepositoryBusy,
    SnapshotRejected,
    SourceUnavailable,
    StoreError,
)
from archiver.history import queries
from archiver.records.model import Summary
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from support.misbehaviour import Server

MANY = {f"m{number}": 1 for number in range(100)}


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive whose catalogue is a file beside archiver.toml."""
    found = Archive(repo)
    found.configure()
    return found


def body(**models: int) -> bytes:
    return json.dumps({"models": [{"id": key, "n": n} for key, n in models.items()]}).encode()


def test_a_first_capture_commits_the_snapshot_under_two_names(archive: Archive) -> None:
    report = archive.captured(b=2, a=1)
    assert (report.outcome, report.summary) == ("first", Summary(new=2))
    assert report.snapshot == "hub_models_20260130_154733.json"
    assert archive.listed() == {
        "format": 1,
        "source": "hub",
        "timestamp": "2026-01-30 15:47:33",
        "total_models": 2,
        "models": [{"id": "a", "n": 1}, {"id": "b", "n": 2}],
    }
    folder = archive.folder / "data/hub"
    stamped = (folder / "snapshots" / report.snapshot).read_bytes()
    assert stamped == (folder / "latest.json").read_bytes()
    assert archive.git("log", "-1", "--format=%H %aI") == (
        f"{report.revision} 2026-01-30T15:47:33+00:00"
    )


def test_a_change_is_one_commit_that_says_what_changed(archive: Archive) -> None:
    archive.captured(a=1, b=1)
    report = archive.captured(a=2, c=1, b=1)
    assert (report.outcome, report.summary) == ("changed", Summary(new=1, updated=1, unchanged=1))
    assert [(change.kind, change.key) for change in report.changes] == [
        ("new", "c"),
        ("updated", "a"),
    ]
    assert archive.commits == 2
    assert archive.git("log", "-1", "--format=%s") == "hub: +1 new, 1 updated (3 records)"


def test_identical_records_in_another_order_commit_nothing(archive: Archive) -> None:
    archive.captured(a=1, b=2)
    head = archive.git("rev-parse", "HEAD")
    report = archive.captured(b=2, a=1)
    assert (report.outcome, report.revision, report.new.total) == ("unchanged", None, 2)
    assert archive.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ({"volatile": ["n"]}, "unchanged"),
        ({"metrics": ["n"]}, "changed"),
        ({"metrics": ["n"], "commit": "news"}, "unchanged"),
        ({"commit": "news"}, "changed"),
    ],
)
def test_the_settings_say_which_difference_is_worth_a_commit(
    archive: Archive, settings: dict[str, Any], outcome: str
) -> None:
    archive.configure(**settings)
    archive.captured(a=1)
    assert archive.captured(a=2).outcome == outcome


def test_a_dry_run_says_what_would_be_and_writes_nothing(archive: Archive) -> None:
    archive.captured(a=1)
    archive.lists(a=1, b=1)
    before = archive.footprint()
    report = archive.run(dry_run=True)
    assert (report.outcome, report.summary.new, report.revision) == ("changed", 1, None)
    assert archive.footprint() == before


def test_a_first_dry_run_writes_nothing(archive: Archive) -> None:
    archive.lists(a=1)
    before = archive.footprint()
    assert archive.run(dry_run=True).outcome == "first"
    assert archive.footprint() == before


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "the listing is empty: all 100 records are gone"),
        ([{"id": f"m{n}", "n": 1} for n in range(79)], "21 of 100 records vanished at once"),
        ([{"id": f"m{n % 100}", "n": n} for n in range(102)], "duplicate keys: 2 of 102"),
        ([{"id": f"m{n}", "n": 1} for n in range(100)] + [{"n": 1}] * 2, "bad records: 2 of 102"),
    ],
    ids=["empty", "shrunk", "duplicates", "bad"],
)
def test_an_implausible_listing_is_quarantined_and_changes_nothing(
    archive: Archive, records: list[dict[str, Any]], words: str
) -> None:
    archive.captured(**MANY)
    archive.lists(records)
    before = archive.footprint(but=".git/archiver")
    with pytest.raises(SnapshotRejected, match=words) as refused:
        archive.run()
    assert archive.footprint(but=".git/archiver") == before
    (evidence,) = (archive.folder / ".git/archiver/quarantine/hub").iterdir()
    assert str(evidence.relative_to(archive.folder)) in refused.value.hint
    kept = json.loads(evidence.read_text())["models"]
    assert [record["id"] for record in kept] == sorted({r["id"] for r in records if "id" in r})
    assert archive.run(accept=True).new.total == len(kept)


def test_a_listing_without_one_usable_record_cannot_be_accepted(archive: Archive) -> None:
    archive.captured(**MANY)
    archive.lists([{"name": "m1"}, {"name": "m2"}])
    with pytest.raises(MalformedPage, match="none of 2 records can be used"):
        archive.run(accept=True)
    assert (archive.commits, archive.listed()["total_models"]) == (1, 100)


def test_a_fifth_of_the_records_may_vanish(archive: Archive) -> None:
    archive.captured(**MANY)
    archive.lists({"id": f"m{n}", "n": 1} for n in range(80))
    assert archive.run().summary.removed == 20


def test_a_file_above_the_size_limit_is_refused_with_what_to_do(archive: Archive) -> None:
    archive.configure(max_bytes=1000)
    archive.lists(**MANY)
    with pytest.raises(StoreError, match="more than max_bytes = 1,000") as refused:
        archive.run()
    assert 'shards = "auto"' in refused.value.hint
    assert archive.git("rev-list", "--all") == ""
    archive.configure(max_bytes=1000, shards=16)
    assert archive.run().outcome == "first"


@pytest.mark.parametrize(("before", "after"), [(1, 16), (16, 256), (256, 4096), (4096, 1)])
def test_another_number_of_shards_changes_no_record(
    archive: Archive, before: int, after: int
) -> None:
    archive.configure(shards=before)
    archive.captured(**MANY)
    archive.configure(shards=after)
    report = archive.captured(**MANY | {"m5": 2, "new": 1})
    assert report.summary == Summary(new=1, updated=1, unchanged=99)
    with queries.compare(archive.target().catalogue, None, None, now=archive.time) as found:
        assert found.tally() == report.summary
    assert archive.problems()[0] == []
    shards = archive.git("ls-files", "data/hub/latest").splitlines()
    assert len(shards) == (0 if after == 1 else after)
    assert archive.git("status", "--porcelain", "data") == ""


def test_a_shard_whose_records_stayed_keeps_its_blob(archive: Archive) -> None:
    archive.configure(shards=16)
    archive.captured(**MANY)
    archive.captured(**MANY | {"m5": 2})
    changed = archive.git("diff", "--name-only", "HEAD~1", "HEAD", "--", "data/hub/latest")
    assert len(changed.splitlines()) == 1


def test_retention_removes_stamped_files_from_the_tree_and_not_from_history(
    archive: Archive,
) -> None:
    archive.configure("[retention]\nkeep_days = 2")
    for number in range(5):
        archive.captured(a=number)
    names = sorted(path.name for path in (archive.folder / "data/hub/snapshots").iterdir())
    assert names == [f"hub_models_202602{day:02}_154733.json" for day in (1, 2, 3)]
    assert archive.problems()[1].snapshots == 5


def test_an_unmodified_catalogue_is_not_sent_again(archive: Archive, server: Server) -> None:
    url = server.says("/m", plain(body(a=1), ETag='"1"'), plain(status=304))
    archive.configure(url=url)
    assert archive.run().outcome == "first"
    report = archive.run()
    assert (report.outcome, report.notes) == (
        "unchanged",
        ("the source says that nothing was modified",),
    )
    assert [headers.get("if-none-match") for _, headers in server.seen] == [None, '"1"']


def test_a_validator_is_also_remembered_by_a_run_that_commits_nothing(
    archive: Archive, server: Server
) -> None:
    url = server.says("/m", *(plain(body(a=1), ETag=f'"{n}"') for n in (1, 2, 3)))
    archive.configure(url=url)
    for _ in range(3):
        archive.run()
    assert [headers.get("if-none-match") for _, headers in server.seen] == [None, '"1"', '"2"']


def test_a_validator_is_forgotten_with_other_settings(archive: Archive, server: Server) -> None:
    archive.configure(url=server.says("/m", plain(body(a=1), ETag='"1"')))
    archive.run()
    archive.configure(url=server.says("/m", plain(body(a=1), ETag='"1"')), key=["n"])
    archive.run(accept=True)
    assert [headers.get("if-none-match") for _, headers in server.seen] == [None, None]


def test_a_validator_is_forgotten_with_a_capture_that_was_reverted(
    archive: Archive, server: Server
) -> None:
    answers = [plain(body(a=n), ETag=f'"{n}"') for n in (1, 2, 2)]
    archive.configure(url=server.says("/m", *answers))
    archive.run()
    archive.run()
    revert.revert(archive.target(), "HEAD", clock=lambda: archive.time)
    assert archive.run().outcome == "changed"
    assert server.seen[-1][1].get("if-none-match") is None


def test_a_source_that_is_down_changes_nothing(archive: Archive) -> None:
    archive.captured(a=1)
    (archive.folder / "models.json").unlink()
    before = archive.footprint()
    with pytest.raises(SourceUnavailable):
        archive.run()
    assert archive.footprint() == before


def test_another_branch_is_committed_to_without_checking_it_out(archive: Archive) -> None:
    archive.git("commit", "--allow-empty", "--message=mine")
    archive.configure('[archive]\nbranch = "data"')
    archive.captured(a=1)
    report = archive.captured(a=2)
    assert (report.outcome, archive.git("rev-parse", "data")) == ("changed", report.revision)
    assert archive.git("log", "--format=%s", "main") == "mine"
    assert sorted(path.name for path in archive.folder.iterdir() if path.name != ".git") == [
        "archiver.toml",
        "models.json",
    ]


def test_a_linked_work_tree_is_captured_in_where_it_stands(archive: Archive) -> None:
    archive.git("commit", "--allow-empty", "--message=mine")
    linked = Archive(archive.folder.parent / "linked")
    archive.git("worktree", "add", "--quiet", "-b", "data", str(linked.folder))
    linked.configure()
    report = linked.captured(a=1)
    assert archive.git("rev-parse", "data") == report.revision
    assert linked.git("status", "--porcelain", "data") == ""
    assert not (archive.folder / "data").exists()


def test_a_detached_head_is_refused_and_reading_works_on(archive: Archive) -> None:
    archive.captured(a=1)
    archive.git("switch", "--quiet", "--detach")
    with pytest.raises(StoreError, match="HEAD is detached"):
        archive.captured(a=2)
    assert archive.problems()[1].snapshots == 1


def test_archiver_toml_may_lie_below_the_top(archive: Archive) -> None:
    below = Archive(archive.folder / "tools/archive")
    below.folder.mkdir(parents=True)
    below.configure(volatile=["seen"])
    below.git("add", "archiver.toml")
    below.git("commit", "--quiet", "--message=configure")
    below.captured(a=1)
    assert below.captured(a=2).summary == Summary(updated=1)
    assert archive.git("ls-files", "*latest.json") == "tools/archive/data/hub/latest.json"
    assert archive.git("status", "--porcelain") == (
        "?? archiver.toml\n?? tools/archive/models.json"
    )
    policy = below.target().catalogue.policy_then(below.git("rev-parse", "HEAD"))
    assert (policy and policy.volatile) == ("seen",)
    assert below.problems()[1].snapshots == 2


def test_a_second_capture_in_one_second_gets_the_next_one(archive: Archive) -> None:
    archive.captured(a=1)
    archive.time -= DAY
    assert archive.captured(a=2).snapshot == "hub_models_20260130_154734.json"


def test_two_runs_at_once_both_arrive_in_history(archive: Archive) -> None:
    archive.captured(a=1)
    archive.lists(a=2)
    config, reports = archive.config, []

    def one() -> None:
        reports.append(capture.run(config, "hub", clock=lambda: START + 9 * DAY))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.outcome for report in reports) == ["changed", "unchanged"]
    assert archive.commits == 2
    assert archive.git("fsck", "--full", "--strict") == ""


def test_a_newer_capture_committed_meanwhile_is_not_overtaken(archive: Archive) -> None:
    archive.captured(a=1)
    other = Archive(archive.folder, START + 5 * DAY)
    archive.lists(a=2)

    def meanwhile(_: object) -> None:
        other.captured(a=3)

    report = archive.run(progress=meanwhile)
    assert report.notes == ("another run committed a newer capture meanwhile",)
    assert (archive.commits, archive.listed()["models"]) == (2, [{"id": "a", "n": 3}])


def test_a_busy_repository_is_said_so(archive: Archive) -> None:
    archive.captured(a=1)
    archive.lists(a=2)
    other = writing(Repository.open(archive.folder), wait=0)
    with writing(Repository.open(archive.folder)), pytest.raises(RepositoryBusy), other:
        pass
    assert archive.run().outcome == "changed"


def test_a_broken_template_never_costs_a_capture(archive: Archive) -> None:
    archive.configure('[templates]\nfolder = "mine"')
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine/commit.txt.j2").write_text("{{ nonsense }}")
    archive.lists(a=1)
    with pytest.raises(RenderError, match="nonsense") as broken:
        archive.run()
    assert archive.git("rev-parse", "HEAD") in broken.value.hint
    assert archive.git("log", "-1", "--format=%s") == "hub: first snapshot (1 record)"
    assert archive.git("status", "--porcelain", "data") == ""


def test_a_person_s_files_survive_byte_for_byte(archive: Archive) -> None:
    archive.captured(a=1)
    for name in ("staged", "changed", "untracked"):
        (archive.folder / name).write_text(f"{name}\n")
    archive.git("add", "changed", "models.json", "archiver.toml")
    archive.git("commit", "--quiet", "--message=mine")
    (archive.folder / "changed").write_text("changed again\n")
    archive.git("add", "staged")
    archive.captured(a=2)
    assert archive.git("status", "--porcelain").splitlines() == [
        " M changed",
        " M models.json",
        "A  staged",
        "?? untracked",
    ]
    assert (archive.folder / "changed").read_text() == "changed again\n"


def test_what_a_person_changed_in_a_managed_file_is_kept_and_said(archive: Archive) -> None:
    archive.captured(a=1)
    (archive.folder / "data/hub/latest.json").write_text("mine")
    report = archive.captured(a=2)
    (note,) = report.notes
    assert note.startswith("your changes to worktree/data/hub/latest.json are kept on ")
    kept = archive.git("show", "refs/archiver/kept:worktree/data/hub/latest.json")
    assert kept == "mine"


def test_what_was_left_out_is_counted_and_named(archive: Archive) -> None:
    archive.lists([*({"id": f"m{n}", "n": 1} for n in range(200)), {"n": 1}, {"id": "m7", "n": 2}])
    report = archive.run()
    assert [note.split(":")[0] for note in report.notes] == [
        "left out, no usable record",
        "doubled key, the greatest line counts",
    ]
    assert report.new.total == 200


def test_a_catalogue_that_pandas_or_excel_wrote_is_captured_and_noted_once(
    archive: Archive,
) -> None:
    archive.lists([{"id": "a", "v": float("nan")}, {"id": "b", "v": [float("-inf")]}])
    path = archive.folder / "models.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    report = archive.run()
    assert report.notes == ("2 values that are not finite were read as null",)
    assert archive.listed()["models"] == [{"id": "a", "v": None}, {"id": "b", "v": [None]}]


def test_a_poisoned_latest_file_is_compared_over(archive: Archive) -> None:
    archive.captured(a=1)
    (archive.folder / "data/hub/latest.json").write_text("<<<<<<< HEAD\n")
    archive.git("commit", "--quiet", "--all", "--message=a merge gone wrong")
    assert archive.captured(a=1).outcome == "changed"
    assert archive.listed()["models"] == [{"id": "a", "n": 1}]


def test_a_capture_says_where_its_clock_is_wrong(archive: Archive, server: Server) -> None:
    archive.lists(a=1)
    archive.run()
    archive.time -= 2 * DAY
    archive.lists(a=2)
    assert "the clock says 2026-01-2" in archive.run().notes[0]
    archive.configure(url=server.says("/models.json", plain(body(a=3))))
    archive.time = datetime(2336, 1, 1, tzinfo=UTC)
    (note,) = archive.run().notes
    assert note.startswith("the clock says 2336-01-02 00:00:00 UTC; the server's says ")
