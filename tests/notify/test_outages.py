"""Outages: their messages and their entries in the outbox, whichever reports are left."""

from __future__ import annotations

from archiver.capture.runlog import Outcome, Run
from archiver.notify import outages, outbox
from archiver.notify.outbox import Entry


def run(hour: int, code: int = 0) -> Run:
    outcome: Outcome = "refused" if code == 4 else "failed" if code else "changed"
    return Run(timestamp=f"2026-02-02 {hour:02}:00:00", outcome=outcome, code=code)


def row(event: str = "", hour: int = 1, **more: str) -> Entry:
    since = f"2026-02-02 {hour:02}:00:00" if event else ""
    return Entry(channel="team", id=f"{event}{hour}", event=event, since=since, **more)


def title(runs: list[Run]) -> str | None:
    turn = outages.begun("hub", runs, [])
    return None if turn is None else turn.title


def test_an_outage_is_called_by_what_the_last_failed_run_was() -> None:
    since = "since 2026-02-02 02:00:00 UTC"
    assert title([run(1), run(2, 3)]) == f"hub: listings have failed {since}"
    assert title([run(1), run(2, 3), run(3, 4)]) == f"hub: listings have been refused {since}"
    assert title([run(1), run(2, 4), run(3, 5)]) == f"hub: runs have failed {since}"
    assert title([run(1), run(2, 70)]) == f"hub: runs have failed {since}"


def test_another_run_at_work_is_no_outage() -> None:
    assert title([run(1), run(2, 75)]) is None
    assert title([run(1), run(2, 3), run(3, 75)]) is None
    assert title([run(0), run(1, 75), run(2, 3)]) == (
        "hub: listings have failed since 2026-02-02 02:00:00 UTC"
    )
    assert title([]) is None
    assert title([run(1, 3), run(2)]) is None


def test_an_open_outage_is_sent_once_whichever_reports_are_left() -> None:
    assert outages.begun("hub", [run(9, 3)], [row("outage", 1), row(upto="a")]) is None
    assert outages.begun("hub", [run(9, 3)], [row("outage", 1), row("recovery", 1)]) is not None


def test_a_recovery_is_sent_as_long_as_an_outage_is_open() -> None:
    rows = [row("outage", 1), row(upto="a")]
    turn = outages.ended("hub", [run(5), run(6), run(7, 75)], rows)
    assert turn == outages.Transition(
        "recovery",
        "2026-02-02 01:00:00",
        "hub: captured again",
        "Runs had failed since 2026-02-02 01:00:00 UTC.",
    )
    assert outages.ended("hub", [run(5), run(6, 3)], rows) is None
    assert outages.ended("hub", [run(5)], [*rows, row("recovery", 1)]) is None


def test_where_a_channel_stands_is_never_forgotten() -> None:
    rows = [row("outage", 1), row(upto="a", hour=2)]
    rows += [row(hour=3, timestamp=f"2026-01-0{n % 9 + 1}") for n in range(200)]
    other = Entry(channel="other", id="x")
    kept = outbox.decode(outbox.encode([other, *rows]))
    assert kept == [other, *rows[:2], *rows[-50:]]  # in their order, not in that of the times


def test_two_copies_are_joined_by_time_and_nothing_is_there_twice() -> None:
    first, ours, theirs = (row(hour=n, timestamp=f"2026-02-0{n}") for n in (1, 2, 3))
    joined = outbox.merge(outbox.encode([first, theirs]), outbox.encode([first, ours]))
    assert outbox.decode(joined) == [first, ours, theirs]
