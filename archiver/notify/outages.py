"""Outages: when a source begins to fail, and when it is captured again."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from archiver.errors import RepositoryBusy, SourceError
from archiver.language import retold, tr

if TYPE_CHECKING:
    from archiver.capture.runlog import Run
    from archiver.notify.outbox import Entry

_BUSY: Final = RepositoryBusy.exit_code
"""Another run held the lock: that says nothing about the source."""


class Transition(NamedTuple):
    """The start or the end of an outage.

    Attributes:
        event: Which of both.
        since: Start of the first failed run, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        title: One line.
        text: The details; not yet safe to display.
    """

    event: Literal["outage", "recovery"]
    since: str
    title: str
    text: str


def begun(source: str, runs: list[Run], entries: list[Entry]) -> Transition | None:
    """Return the outage that the reports show, unless a channel was notified of it.

    Args:
        source: Name of the source.
        runs: The reports, oldest first.
        entries: The channel's entries in the outbox, oldest first.
    """
    if not runs or runs[-1].good or runs[-1].code == _BUSY or _open(entries):
        return None
    failed = list(takewhile(lambda run: not run.good, reversed(_conclusive(runs))))
    since = failed[-1].timestamp
    title = tr(
        "{source}: {symptom} since {since} UTC",
        source=source,
        symptom=_symptom(failed[0]),
        since=since,
    )
    return Transition("outage", since, title, retold(failed[0].error))


def ended(source: str, runs: list[Run], entries: list[Entry]) -> Transition | None:
    """Return the end of the outage that a channel was notified of; otherwise as `begun`.

    It does not count the failed runs: their reports are thinned.
    """
    outage, known = _open(entries), _conclusive(runs)
    if outage is None or not known or not known[-1].good:
        return None
    text = tr("Runs had failed since {since} UTC.", since=outage.since)
    return Transition("recovery", outage.since, tr("{source}: captured again", source=source), text)


def _conclusive(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.code != _BUSY]


def _open(entries: list[Entry]) -> Entry | None:
    """Return the entry of the outage whose end the channel was not notified of yet."""
    last = next((entry for entry in reversed(entries) if entry.event), None)
    return last if last is not None and last.event == "outage" else None


def _symptom(run: Run) -> str:
    if run.outcome == "refused":
        return tr("listings have been refused")
    unlisted = run.code == SourceError.exit_code
    return tr("listings have failed") if unlisted else tr("runs have failed")
