"""What a person writes becomes the version that they mean, or a plain refusal."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import FILE, document

from archiver.errors import ArchiverError, ConfigError, ShallowHistory, UnknownRevision
from archiver.history import queries, revisions
from archiver.history.catalogue import Catalogue, anywhere
from archiver.history.versions import opened
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.histories import History

NOW = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)
END = timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)


def found(catalogue: Catalogue, text: str) -> int:
    """Return how many records the version that `text` means has."""
    with opened(catalogue) as versions:
        return revisions.find(catalogue, versions, text, NOW).end.total


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC) + END),
        ("2026-01-02T03:04", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            "2026-01-02T03:04:05+02:00",
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("36h", NOW - timedelta(hours=36)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("1m", NOW - timedelta(days=30)),
        ("1y", NOW - timedelta(days=365)),
        ("HEAD~3", None),
        ("v1.2", None),
        ("deadbeef", None),
        ("", None),
    ],
)
def test_a_time_is_told_from_a_name(text: str, meant: datetime | None) -> None:
    assert revisions.moment(text, NOW) == meant


def test_a_period_begins_with_its_first_day() -> None:
    assert revisions.moment("2026-01-02", NOW, start=True) == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("text", ["01/02/2026", "1.2.26", "2026/01/02", "01-02-2026"])
def test_a_date_that_could_mean_two_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ambiguous"):
        revisions.moment(text, NOW)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "2026-1-2", "2026-01", "9999y"])
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        revisions.moment(text, NOW)


def test_hostile_times_are_times_or_names_or_refused(hostile: Path) -> None:
    cases = json.loads((hostile / "corpus.json").read_text("ascii"))["cases"]
    for text in (case["value"] for case in cases if case["class"] == "time"):
        try:
            meant = revisions.moment(text, NOW)
        except ConfigError:
            continue
        assert meant is None or meant.tzinfo is not None


@pytest.fixture
def three(past: History, foreign: Callable[[], Catalogue]) -> Catalogue:
    past.add("2026-01-01T12:00:00Z", a=1)
    past.add("2026-01-11T12:00:00Z", a=1, b=1)
    past.add("2026-01-28T12:00:00Z", a=1, b=1, c=1)
    past.git("tag", "v2", "HEAD~1")
    return foreign()


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("", 3),
        ("HEAD", 3),
        ("main~2", 1),
        ("v2", 2),
        ("2026-01-01", 1),
        ("2026-01-27", 2),
        ("2026-01-11T12:00", 2),
        ("2026-01-11T11:59:59", 1),
        ("2026-01-11T13:30+02:00", 1),
        ("7d", 2),
        ("4w", 1),
        ("2099-01-01", 3),
    ],
)
def test_revisions_dates_and_periods_name_versions(
    three: Catalogue, text: str, records: int
) -> None:
    assert found(three, text) == records


def test_a_commit_that_did_not_touch_the_file_stands_on_the_last_one_that_did(
    past: History, three: Catalogue
) -> None:
    other = past.commit("2026-01-29T00:00:00Z", {"other.txt": "x"})
    assert found(three, other) == 3


def test_a_plain_file_is_a_version_zipped_or_not(three: Catalogue, tmp_path: Path) -> None:
    plain, zipped = tmp_path / "plain.json", tmp_path / "zipped.json.gz"
    plain.write_text(document(a=1, b=2))
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert [found(three, str(path)) for path in (plain, zipped)] == [2, 2]


def test_the_name_of_a_snapshot_file_is_a_version_pruned_or_not(
    past: History, own: Callable[[], Catalogue]
) -> None:
    past.configure()
    past.capture("2026-01-02T03:04:05Z", a=1)
    past.capture("2026-01-03T03:04:05Z", a=1, b=1)
    past.commit(
        "2026-01-04T00:00:00Z", {"data/hub/snapshots/hub_models_20260102_030405.json": None}
    )
    assert found(own(), "hub_models_20260102_030405.json") == 1
    assert found(own(), "data/hub/snapshots/hub_models_20260103_030405") == 2
    with pytest.raises(UnknownRevision, match="hub_models_20250102_030405"):
        found(own(), "hub_models_20250102_030405")


def test_a_snapshot_file_that_lies_elsewhere_is_a_plain_file(
    past: History, own: Callable[[], Catalogue], tmp_path: Path
) -> None:
    past.configure()
    past.capture("2026-01-02T03:04:05Z", a=1)
    elsewhere = tmp_path / "hub_models_20260102_030405.json"
    elsewhere.write_text(document(a=1, b=2, c=3))
    inside = past.folder / "data/hub/snapshots" / elsewhere.name
    assert [found(own(), str(path)) for path in (elsewhere, inside)] == [3, 1]


@pytest.mark.parametrize("text", ["nothing", "HEAD~9", "-1", "HEAD:models.json", "no/file.json"])
def test_what_names_nothing_is_refused(three: Catalogue, text: str) -> None:
    with pytest.raises(UnknownRevision):
        found(three, text)


def test_before_the_first_snapshot_there_is_nothing_and_the_first_is_named(
    three: Catalogue,
) -> None:
    with pytest.raises(UnknownRevision, match="the first one is of 2026-01-01 12:00:00"):
        found(three, "2025-12-31")


def test_a_revision_without_the_file_is_refused(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    early = past.commit("2026-01-01T00:00:00Z", {"other.txt": "x"})
    past.add("2026-01-02T00:00:00Z", a=1)
    with pytest.raises(UnknownRevision, match="holds no models"):
        found(foreign(), early)


def test_a_time_that_a_later_version_contradicts_is_not_used(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.add("2026-01-01T00:00:00Z", a=1)
    past.add("2026-01-05T00:00:00Z", a=1, b=1)
    past.add("2026-01-02T00:00:00Z", a=1, b=1, c=1)  # one of the two clocks is wrong
    past.add("2026-01-06T00:00:00Z", a=1, b=1, c=1, d=1)
    catalogue = foreign()
    assert [found(catalogue, f"2026-01-0{day}") for day in (1, 3, 5, 6)] == [1, 3, 3, 4]


def shallow(past: History, folder: Path, depth: int) -> Catalogue:
    past.git("clone", "--quiet", f"--depth={depth}", past.folder.as_uri(), str(folder))
    return anywhere(Repository.open(folder), FILE, records="models", key=("id",))


def test_a_shallow_clone_answers_as_far_as_it_reaches(
    past: History, three: Catalogue, tmp_path: Path
) -> None:
    assert found(three, "") == 3
    catalogue = shallow(past, tmp_path / "clone", 2)
    named = ("", "HEAD", "HEAD~1", "2026-01-28", "2026-01-27", "2026-01-11")
    assert [found(catalogue, text) for text in named] == [3, 3, 2, 3, 2, 2]
    for beyond in ("2026-01-10", "2025-01-01", "4w"):
        with pytest.raises(ShallowHistory):
            found(catalogue, beyond)


def test_the_tip_of_the_shallowest_clone_is_a_version(
    past: History, three: Catalogue, tmp_path: Path
) -> None:
    assert found(three, "") == 3
    assert found(shallow(past, tmp_path / "clone", 1), "") == 3


def test_hostile_names_are_refused_and_nothing_is_run_or_written(
    hostile: Path, past: History, three: Catalogue
) -> None:
    before = past.git("status", "--short", "--branch")
    cases = json.loads((hostile / "corpus.json").read_text("ascii"))["cases"]
    for text in (case["value"] for case in cases if case["class"] == "git-arg"):
        with pytest.raises(ArchiverError) as refused:
            found(three, text)
        assert refused.value.exit_code in (2, 5)
    assert past.git("status", "--short", "--branch") == before


AHEAD = "2036-01-01T00:00:00Z"


def listing(keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys, 1)


@pytest.mark.parametrize(
    ("dates", "asked", "totals"),
    [
        (["2026-11-01", AHEAD, "2026-11-03", "2026-11-05"], (2, 3, 4, 5), [1, 3, 3, 4]),
        ([AHEAD, "2026-11-03", "2026-11-05"], (3, 4, 5), [2, 2, 3]),
        ([AHEAD, "2026-11-03"], (3, 4), [2, 2]),
        (["2026-11-01", "2026-11-02", "1970-01-02", "2026-11-04"], (1, 2, 3, 4), [1, 2, 2, 4]),
        (["2026-11-01", "1970-01-02", "1970-01-03", "2026-11-02", "2026-11-03"], (1, 2), [3, 4]),
    ],
)
def test_a_wrong_clock_makes_no_date_answer_wrong(
    past: History,
    foreign: Callable[[], Catalogue],
    dates: list[str],
    asked: tuple[int, ...],
    totals: list[int],
) -> None:
    for number, date in enumerate(dates, start=1):
        time = date if date == AHEAD else f"{date}T00:00:00Z"
        past.add(time, **listing("abcdef"[:number]))
    catalogue = foreign()
    assert [found(catalogue, f"2026-11-{day:02}") for day in asked] == totals
    with queries.version_at(catalogue, "2026-11-05", now=NOW) as version:
        (note,) = version.notes
    assert note.startswith("times that contradict the order of the commits are not used: ")


def test_a_period_begins_with_the_version_in_effect_not_with_a_wrong_time(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    for date, keys in (("01", "a"), ("", "ab"), ("03", "abc"), ("05", "abcd")):
        past.add(f"2026-11-{date}T00:00:00Z" if date else AHEAD, **listing(keys))
    catalogue = foreign()
    since = datetime(2026, 11, 4, tzinfo=UTC)
    with queries.changes_since(catalogue, since) as changes:
        assert changes.tally().new == 1
        assert "contradict" in changes.notes[0]
    assert [step.tally().new for step in queries.steps(catalogue, since)] == [1]
    with queries.compare(catalogue, "2026-11-03", "2026-11-05", now=NOW) as compared:
        assert compared.tally().new == 1
