"""Keep a small report of every run on the state ref: "no change" is not "did not run"."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from archiver.capture.target import state_change
from archiver.errors import ArchiverError, SnapshotRejected, StoreError
from archiver.history.versions import STAMP, stamp
from archiver.records.jsontext import UNREADABLE
from archiver.records.text import visible
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archiver.capture.report import Report
    from archiver.config import Config

RUNS: Final = "runs.jsonl"
"""File of a source on the state ref: one `Run` a line, oldest first."""

Outcome: TypeAlias = Literal["first", "changed", "unchanged", "refused", "failed"]

NEWEST: Final = 1_000
"""So many of the newest reports are kept whatever they say: those of 41 days of hourly runs."""
_DAYS: Final = 400
"""Of the others, the last good and the last bad one of each of so many days."""
_LONGEST: Final = 300

_log = logging.getLogger(__name__)


class Run(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one run came to.

    Attributes:
        timestamp: When it began, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        outcome: ``refused``: the listing was not believable; ``failed``: there was none, or it
            could not be kept.
        code: Exit code.
        seconds: How long it took.
        total: Number of records in the newest snapshot.
        new: Records that are new.
        updated: Records that changed.
        removed: Records that are gone.
        snapshot: Name of the stamped file; empty: nothing was committed.
        error: What went wrong, one line.
        joined: Whether its capture was built anew on what others had pushed: what the state says
            of that moment comes from several listings.
    """

    timestamp: str
    outcome: Outcome
    code: int = 0
    seconds: float = 0
    total: int | None = None
    new: int = 0
    updated: int = 0
    removed: int = 0
    snapshot: str = ""
    error: str = ""
    joined: bool = False

    @property
    def identity(self) -> tuple[str, str, float]:
        """What stays the same of a report, whatever is written into it later."""
        return self.timestamp, self.outcome, self.seconds

    @property
    def good(self) -> bool:
        """Say whether the source was listed and what it said is kept."""
        return self.outcome in ("first", "changed", "unchanged")

    @property
    def began(self) -> datetime:
        """When it began, UTC."""
        return datetime.strptime(self.timestamp, STAMP).replace(tzinfo=UTC)


def read(content: bytes | None) -> list[Run]:
    """Return the reports in a file of them, oldest first; lines that cannot be read are none."""
    runs = []
    for line in (content or b"").splitlines():
        try:
            run = msgspec.json.decode(line, type=Run)
            datetime.strptime(run.timestamp, STAMP)  # noqa: DTZ007  is it a time at all?
        except (*UNREADABLE, ValueError):
            continue
        runs.append(run)
    return runs


def known(repository: Repository, source: str) -> list[Run]:
    """Return the reports of `source`, oldest first."""
    return read(repository.read_state(f"{source}/{RUNS}"))


def written(runs: Iterable[Run], now: datetime) -> bytes:
    """Return the file of `runs`, sorted by time and thinned."""
    kept = thinned(sorted(runs, key=lambda run: run.timestamp), now)
    return b"".join(msgspec.json.encode(run) + b"\n" for run in kept)


def joined(ours: bytes | None, theirs: bytes | None, now: datetime) -> bytes:
    """Return the file of the runs that two copies know; what went wrong after one is kept."""
    known = {run.identity for run in read(theirs)}
    mine = (
        run if run.identity in known else msgspec.structs.replace(run, joined=True)
        for run in read(ours)
    )
    both = sorted((*read(theirs), *mine), key=lambda run: run.code != 0)
    return written({run.identity: run for run in both}.values(), now)


def corrected(run: Run, snapshot: str, report: Report) -> Run:
    """Return a report of a run; of the one that made `snapshot`, with what `report` says of it."""
    if not snapshot or run.snapshot != snapshot:
        return run
    return msgspec.structs.replace(run, **_counted(report))


def thinned(runs: list[Run], now: datetime) -> list[Run]:
    """Return all of the newest, and of older days the last good and the last bad one."""
    old, new = runs[:-NEWEST], runs[-NEWEST:]
    oldest = stamp(now - timedelta(days=_DAYS))
    days = {(run.timestamp[:10], run.good): run for run in old if run.timestamp >= oldest}
    return [*sorted(days.values(), key=lambda run: run.timestamp), *new]


def outage(runs: list[Run]) -> list[Run]:
    """Return the last failed runs in a row: those before the newest run, if that is good."""
    before = runs[:-1] if runs and runs[-1].good else runs
    bad: list[Run] = []
    for run in reversed(before):
        if run.good:
            break
        bad.insert(0, run)
    return bad


def told(report: Report, *, began: datetime, now: datetime) -> Run:
    """Return the report of a run that listed its source."""
    return Run(
        timestamp=stamp(began),
        seconds=_seconds(began, now),
        **_counted(report),
    )


def _counted(report: Report) -> dict[str, Any]:
    return {
        "outcome": report.outcome,
        "total": report.new.total,
        "new": report.summary.new,
        "updated": report.summary.updated,
        "removed": report.summary.removed,
        "snapshot": report.snapshot or "",
    }


def remember_failure(
    config: Config, name: str, error: Exception, *, began: datetime, clock: Callable[[], datetime]
) -> Run:
    """Write down that a run of the source `name` failed; only the state ref moves.

    Trouble with that is logged, unless the error is trouble of the same kind already.
    """
    now = clock()
    run = Run(
        timestamp=stamp(began),
        outcome="refused" if isinstance(error, SnapshotRejected) else "failed",
        code=_code(error),
        seconds=_seconds(began, now),
        error=_line(error),
    )
    _keep(config, name, lambda runs: [*runs, run], error, now)
    return run


def remember_trouble(
    config: Config, name: str, error: Exception, *, began: datetime, now: datetime
) -> None:
    """Write into a run's report what went wrong after the capture; only the state ref moves.

    The capture is kept, so the run stays a good one; but the job was not. The report is the first
    since the run `began`: those of others may have been joined meanwhile.
    """

    def amended(runs: list[Run]) -> list[Run]:
        ours = next((at for at, run in enumerate(runs) if run.timestamp >= stamp(began)), None)
        wrong = {"code": _code(error), "error": _line(error)}
        return [
            msgspec.structs.replace(run, **wrong) if at == ours else run
            for at, run in enumerate(runs)
        ]

    _keep(config, name, amended, error, now)


def _keep(
    config: Config,
    name: str,
    told: Callable[[list[Run]], list[Run]],
    error: Exception,
    now: datetime,
) -> None:
    """Write the reports anew, whatever branch is checked out; trouble with that is logged."""
    try:
        with Repository.open(config.root) as repository, writing(repository) as writer:
            content = written(told(known(repository, name)), now)
            writer.commit(state_change(config, {f"{name}/{RUNS}": content}, now=now))
    except ArchiverError as trouble:
        level = logging.DEBUG if isinstance(error, StoreError) else logging.WARNING
        _log.log(level, "the report of this run could not be kept: %s", trouble)


def _code(error: Exception) -> int:
    return error.exit_code if isinstance(error, ArchiverError) else 70


def _line(error: Exception) -> str:
    return visible(str(error).partition("\n")[0])[:_LONGEST]


def _seconds(began: datetime, now: datetime) -> float:
    return round(max((now - began).total_seconds(), 0), 1)
