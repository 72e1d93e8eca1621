"""Retention: what is kept, why, and the laws of every plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.changes.retention import Kept, Plan, Retention, Stamped, plan

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)

moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 4, 30), timezones=st.just(UTC))  # noqa: DTZ001  Hypothesis wants naive bounds
catalogues = st.lists(moments, max_size=60).map(
    lambda times: [Stamped(f"{index}.json", time) for index, time in enumerate(times)]
)
rule = st.none() | st.integers(min_value=0, max_value=20)
policies = st.builds(
    Retention,
    older_than=rule,
    keep_last=rule,
    keep_daily=rule,
    keep_weekly=rule,
    keep_monthly=rule,
)


def at(days: float) -> Stamped:
    """Return a snapshot that is so many days old."""
    return Stamped(f"{days:g}-days", NOW - timedelta(days=days))


def test_files_older_than_the_limit_go() -> None:
    planned = plan([at(1), at(30), at(30.5)], Retention(older_than=30), NOW)
    assert planned == Plan(
        (
            Kept("1-days", ("newest", "not older than 30 days")),
            Kept("30-days", ("not older than 30 days",)),
        ),
        (at(30.5),),
    )


def test_the_newest_stays_however_old_it_is() -> None:
    planned = plan([at(400), at(500)], Retention(older_than=30), NOW)
    assert planned == Plan((Kept("400-days", ("newest",)),), (at(500),))


def test_the_latest_stays_where_a_clock_was_wrong() -> None:
    planned = plan([at(-900), at(400)], Retention(keep_last=1), NOW, latest="400-days")
    assert planned == Plan((Kept("-900-days", ("last",)), Kept("400-days", ("newest",))), ())


def test_the_newest_of_each_day_week_and_month_stays() -> None:
    policy = Retention(keep_daily=2, keep_weekly=2, keep_monthly=2)
    planned = plan([at(0.1), at(0.2), at(1), at(2), at(9), at(40), at(90)], policy, NOW)
    assert planned.keep == (
        Kept("0.1-days", ("newest", "daily", "weekly", "monthly")),
        Kept("1-days", ("daily",)),
        Kept("2-days", ("weekly",)),
        Kept("40-days", ("monthly",)),
    )


def test_without_any_rule_everything_stays() -> None:
    assert plan([at(1), at(999)], Retention(), NOW).remove == ()


def test_no_snapshots_need_no_plan() -> None:
    assert plan([], Retention(older_than=1), NOW) == Plan((), ())


@given(catalogues, policies)
def test_every_file_is_either_kept_or_removed(files: list[Stamped], policy: Retention) -> None:
    planned = plan(files, policy, NOW)
    names = [kept.name for kept in planned.keep] + [file.name for file in planned.remove]
    assert sorted(names) == sorted(file.name for file in files)


@given(catalogues.filter(bool), policies)
def test_the_newest_is_kept(files: list[Stamped], policy: Retention) -> None:
    newest = max(files, key=lambda file: (file.taken_at, file.name))
    assert plan(files, policy, NOW).keep[0].name == newest.name


@given(catalogues, policies)
def test_planning_again_removes_nothing(files: list[Stamped], policy: Retention) -> None:
    planned = plan(files, policy, NOW)
    kept = [file for file in files if file not in planned.remove]
    assert plan(kept, policy, NOW) == Plan(planned.keep, ())


@given(catalogues, policies, st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(
    files: list[Stamped], policy: Retention, chance: object
) -> None:
    shuffled = files.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(shuffled, policy, NOW) == plan(files, policy, NOW)
