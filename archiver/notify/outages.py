"""Say when a source begins to fail and when it works again, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from archiver.capture import runlog
from archiver.errors import RepositoryBusy, SourceError

if TYPE_CHECKING:
    from archiver.capture.runlog import Run
    from archiver.notify.outbox import Sent

_BUSY: Final = RepositoryBusy.exit_code
"""Another run is at work: that says nothing of the source."""


class Turn(NamedTuple):
    """A source begins to fail, or works again.

    Attributes:
        event: Which of both.
        since: When the first of the failed runs began, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        title: One line.
        text: The rest; not yet safe for a sink.
    """

    event: Literal["outage", "recovery"]
    since: str
    title: str
    text: str


def begun(source: str, runs: list[Run], rows: list[Sent]) -> Turn | None:
    """Return the outage that the reports show and that a channel does not know.

    Args:
        source: Name of the source.
        runs: The reports, oldest first.
        rows: What the channel was told, in that order.
    """
    failed = [] if not runs or runs[-1].code == _BUSY else runlog.outage(_telling(runs))
    if not failed or runs[-1].good or _open(rows) is not None:
        return None
    since = failed[0].timestamp
    title = f"{source}: {_trouble(failed[-1])} since {since} UTC"
    return Turn("outage", since, title, failed[-1].error)


def ended(source: str, runs: list[Run], rows: list[Sent]) -> Turn | None:
    """Return the end of the outage of which a channel was told; otherwise as `begun`.

    Failed runs are not counted: their reports are thinned.
    """
    told, known = _open(rows), _telling(runs)
    if told is None or not known or not known[-1].good:
        return None
    text = f"Runs failed from {told.since} UTC on."
    return Turn("recovery", told.since, f"{source}: captured again", text)


def _telling(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.code != _BUSY]


def _open(rows: list[Sent]) -> Sent | None:
    """Return the row of the outage whose end the channel does not know yet."""
    last = next((row for row in reversed(rows) if row.event), None)
    return last if last is not None and last.event == "outage" else None


def _trouble(run: Run) -> str:
    if run.outcome == "refused":
        return "the listing is refused"
    return "cannot be listed" if run.code == SourceError.exit_code else "runs fail"
