"""Metrics at their own pace: what real runs archive, and what they say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import START, Archive
from support.commandline import run_archiver

from archiver.capture import revert
from archiver.errors import SnapshotRejected
from archiver.history.versions import stamp

if TYPE_CHECKING:
    from pathlib import Path

MANY = {f"m{number}": 5 for number in range(100)}


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive whose metric ``n`` is archived once a week."""
    found = Archive(repo)
    paced(found, every="7d")
    return found


def paced(archive: Archive, *, settings: str = "", **pace: Any) -> None:
    """Write an archiver.toml whose metric is ``n``, with a pace; no pace: the list."""
    rows = ", ".join(f"{name} = {json.dumps(value)}" for name, value in pace.items())
    value = f'{{ fields = ["n"], {rows} }}' if pace else '["n"]'
    table = '[sources.hub]\ntype = "json"\nurl = "models.json"\nrecords = "models"\nkey = ["id"]\n'
    text = f"{table}metrics = {value}\n{settings}\n"
    (archive.folder / "archiver.toml").write_text(text)


def kept(archive: Archive) -> dict[str, int]:
    return {each["id"]: each["n"] for each in archive.listed()["models"]}


def as_of(archive: Archive) -> str | None:
    found: str | None = archive.listed().get("metrics")
    return found


def day(number: int) -> str:
    return stamp(START + timedelta(days=number))


def test_between_two_due_dates_a_record_keeps_its_metric(archive: Archive) -> None:
    archive.captured(a=1, b=1)
    report = archive.captured(a=2, b=3)
    assert (report.outcome, archive.commits) == ("unchanged", 1)
    report = archive.captured(a=2, b=3, c=7)
    assert (report.outcome, report.summary.new, report.summary.metrics) == ("changed", 1, 0)
    assert (kept(archive), as_of(archive)) == ({"a": 1, "b": 1, "c": 7}, day(1))


def test_on_a_due_date_all_records_get_their_metrics(archive: Archive) -> None:
    archive.captured(a=1, b=1)
    for number in range(2, 8):
        archive.captured(a=number, b=number)
    assert archive.commits == 1
    report = archive.captured(a=8, b=8)
    assert (report.outcome, report.summary.metrics) == ("changed", 2)
    assert (kept(archive), as_of(archive)) == ({"a": 8, "b": 8}, None)
    archive.captured(a=9, b=9, c=1)
    assert (kept(archive), as_of(archive)) == ({"a": 8, "b": 8, "c": 1}, day(8))


@pytest.mark.parametrize(
    ("every", "early", "due"),
    [
        ("7d", timedelta(minutes=20), True),
        ("7d", timedelta(hours=5, minutes=59), True),
        ("7d", timedelta(hours=6), True),
        ("7d", timedelta(hours=6, seconds=1), False),
        ("24h", timedelta(hours=2, minutes=24), True),
        ("24h", timedelta(hours=2, minutes=25), False),
        ("1w", timedelta(), True),
    ],
)
def test_a_run_that_is_a_little_early_is_due(
    archive: Archive, every: str, early: timedelta, *, due: bool
) -> None:
    paced(archive, every=every)
    archive.captured(a=1)
    archive.time += timedelta(hours=24 if every == "24h" else 168) - early - timedelta(days=1)
    archive.captured(a=2)
    assert kept(archive) == {"a": 2 if due else 1}


def test_a_snapshot_of_the_future_holds_no_metrics(archive: Archive) -> None:
    archive.captured(a=1)
    archive.time -= timedelta(days=30)
    archive.captured(a=2)
    assert kept(archive) == {"a": 2}


def test_news_comes_through_with_the_metrics_as_they_were(archive: Archive) -> None:
    archive.lists([{"id": "a", "n": 1, "licence": "mit"}])
    archive.run()
    archive.lists([{"id": "a", "n": 9, "licence": "other"}])
    report = archive.run()
    assert report.summary.updated == 1
    assert archive.listed()["models"] == [{"id": "a", "licence": "other", "n": 1}]


def test_a_metric_that_was_absent_comes_at_once(archive: Archive) -> None:
    archive.lists([{"id": "a"}, {"id": "b", "n": None}])
    archive.run()
    archive.captured(a=3, b=4)
    assert kept(archive) == {"a": 3, "b": 4}


def test_a_record_that_returned_gets_its_metric_at_once(archive: Archive) -> None:
    paced(archive, every="7d", settings="confirmations = 1\nmax_shrink = 1")
    archive.captured(a=1, b=1)
    archive.captured(b=2)
    report = archive.captured(a=3, b=3)
    assert (report.summary.returned, kept(archive)) == (1, {"a": 3, "b": 1})


def test_a_record_that_a_due_date_missed_gets_its_metric_at_once(archive: Archive) -> None:
    paced(archive, every="2d", settings="confirmations = 5\nmax_shrink = 1")
    archive.captured(a=1, b=1)
    archive.captured(a=2, b=2)
    archive.captured(a=3)
    assert kept(archive) == {"a": 3, "b": 1}
    archive.captured(a=4, b=4)
    assert (kept(archive), as_of(archive)) == ({"a": 3, "b": 4}, day(3))


@pytest.mark.parametrize(
    ("old", "new", "comes"),
    [(5, 51, True), (5, 50, False), (51, 5, True), (50, 5, False), (0, 10, True), (0, 9, False)],
)
def test_a_metric_that_jumps_comes_at_once(
    archive: Archive, old: int, new: int, *, comes: bool
) -> None:
    paced(archive, every="7d", jump=10)
    archive.captured(a=old, b=1)
    archive.captured(a=new, b=2)
    assert kept(archive) == {"a": new if comes else old, "b": 1}


def test_what_is_archived_is_rounded(archive: Archive) -> None:
    paced(archive, round=2)
    report = archive.captured(a=12345, b=99, c=996)
    assert (kept(archive), report.notes) == ({"a": 12000, "b": 99, "c": 1000}, ())
    assert archive.captured(a=12432, b=99, c=1001).outcome == "unchanged"
    assert archive.captured(a=12512, b=99, c=1001).summary.metrics == 1
    assert as_of(archive) is None


def test_rounding_half_way_changes_metrics_alone_and_is_said_once(archive: Archive) -> None:
    paced(archive)
    archive.captured(a=12345, b=777)
    paced(archive, every="7d", round=2)
    report = archive.captured(a=12345, b=888)
    assert (report.outcome, report.summary.metrics, report.summary.news) == ("changed", 2, 0)
    assert kept(archive) == {"a": 12000, "b": 780}
    pace = '{ every = "7d", round = 2 }'
    assert report.notes == (f"from now on metrics have the pace {pace}: no news follows from it",)
    report = archive.captured(a=12345, b=888, c=1)
    assert (report.summary.metrics, report.notes) == (0, ())
    paced(archive, every="7d", round=1)
    report = archive.captured(a=12345, b=888, c=1)
    assert (report.summary.metrics, kept(archive)["a"]) == (2, 10000)
    assert [str(note).count("no longer") for note in report.notes] == [1]
    paced(archive)
    report = archive.captured(a=12345, b=888, c=1)
    assert (report.summary.news, kept(archive)) == (0, {"a": 12345, "b": 888, "c": 1})
    assert as_of(archive) is None
    assert [str(note).startswith("metrics are exact in each") for note in report.notes] == [True]
    assert archive.captured(a=12345, b=888, c=2).notes == ()


def test_rounding_is_applied_once_news_is_committed(archive: Archive) -> None:
    paced(archive, settings='commit = "news"')
    archive.captured(a=12345, b=777)
    paced(archive, round=2, settings='commit = "news"')
    for _ in range(2):
        report = archive.captured(a=12345, b=777)
        assert (report.outcome, len(report.notes)) == ("unchanged", 1)
    archive.captured(a=12345, b=777, c=1)
    assert kept(archive) == {"a": 12000, "b": 780, "c": 1}


def test_another_period_half_way_needs_no_change(archive: Archive) -> None:
    archive.captured(a=1)
    archive.captured(a=2, b=1)
    paced(archive, every="2d")
    report = archive.captured(a=3, b=1)
    assert (report.summary.metrics, report.summary.news, kept(archive)) == (1, 0, {"a": 3, "b": 1})


def test_the_date_of_metrics_is_no_change(archive: Archive) -> None:
    archive.captured(a=1)
    for number in range(2, 20):
        archive.captured(a=1 + number // 100)
    assert archive.commits == 1


def test_a_shard_whose_records_stay_keeps_its_bytes(archive: Archive) -> None:
    paced(archive, every="7d", settings="shards = 16")
    models = {f"m{number}": 1 for number in range(64)}
    archive.captured(**models)
    archive.captured(**dict.fromkeys(models, 2), new=1)
    changed = archive.git("diff", "--name-only", "HEAD~1", "HEAD", "--", "data/hub/latest")
    assert len(changed.splitlines()) == 1
    assert as_of(archive) == day(1)
    assert archive.problems()[0] == []


@pytest.mark.parametrize("due", [True, False])
def test_a_hub_whose_counters_all_fell_to_zero_is_refused(archive: Archive, *, due: bool) -> None:
    paced(archive, every="7d", round=2)
    archive.captured(**{name: n + 100 for n, name in enumerate(MANY)})
    archive.time += timedelta(days=6 if due else 0)
    with pytest.raises(SnapshotRejected, match='"n" fell to 0') as refused:
        archive.captured(**dict.fromkeys(MANY, 0))
    (evidence,) = (archive.folder / ".git" / "archiver" / "quarantine").rglob("*.json")
    assert {each["n"] for each in json.loads(evidence.read_bytes())["models"]} == {0}
    assert "--accept" in str(refused.value.hint)
    archive.lists(**dict.fromkeys(MANY, 0))
    assert archive.run(accept=True).outcome == ("changed" if due else "unchanged")


def test_a_metric_that_is_gone_is_refused_between_due_dates(archive: Archive) -> None:
    archive.captured(**MANY)
    archive.lists({"id": name} for name in MANY)
    with pytest.raises(SnapshotRejected, match='"n" is gone'):
        archive.run()


def test_a_dry_run_says_what_a_run_would_do(archive: Archive) -> None:
    archive.captured(a=1, b=1)
    archive.lists(a=5, b=1, c=1)
    told = archive.run(dry_run=True)
    archive.time -= timedelta(days=1)
    assert told.summary == archive.run().summary


def test_a_revert_goes_back_to_the_metrics_and_their_date(archive: Archive) -> None:
    paced(archive, round=2)
    archive.captured(a=100, b=1234)
    paced(archive, every="2d", round=3)
    archive.captured(a=200, b=1234)
    archive.captured(a=300, b=1234)
    revert.revert(archive.target(), "HEAD", clock=lambda: archive.time)
    archive.captured(a=300, b=1234)
    assert kept(archive) == {"a": 300, "b": 1230}


def test_a_nested_metric_is_held_and_rounded(archive: Archive) -> None:
    def lists(*stars: int, **stats: Any) -> dict[str, Any]:
        files = [{"name": f"f{number}", "stars": each} for number, each in enumerate(stars)]
        archive.lists([{"id": "a", "files": files, "stats": stats}])
        archive.run()
        found: dict[str, Any] = archive.listed()["models"][0]
        return found

    table = '{ fields = ["files.*.stars", "stats.likes"], every = "7d", round = 1 }'
    paced(archive)
    text = (archive.folder / "archiver.toml").read_text().replace('["n"]', table)
    (archive.folder / "archiver.toml").write_text(text)
    lists(11, 22, likes=33, size=44)
    assert lists(55, 66, likes=77, size=48) == {
        "id": "a",
        "files": [{"name": "f0", "stars": 10}, {"name": "f1", "stars": 20}],
        "stats": {"likes": 30, "size": 48},
    }
    moved = lists(88, 55, 66, likes=77)
    assert [each["stars"] for each in moved["files"]] == [90, 60, 70]


@pytest.mark.parametrize(
    "command",
    [("list",), ("search", "a"), ("show", "a"), ("top", "--by", "n")],
)
def test_readers_say_as_of_when_metrics_are(archive: Archive, command: tuple[str, ...]) -> None:
    archive.captured(a=1)
    told = run_archiver(*command, "--repo", archive.folder)
    assert (told.returncode, "metrics as of" in told.stderr) == (0, False)
    archive.captured(a=2, b=1)
    told = run_archiver(*command, "--repo", archive.folder)
    assert f"hub: metrics as of {day(1)} UTC" in told.stderr
