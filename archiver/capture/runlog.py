"""Reports of runs on the state ref, failed ones too: "no change" is not "did not run"."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from archiver.capture.target import state_change
from archiver.errors import ArchiverError, SnapshotRejected, StoreError, reason
from archiver.history.catalogue import RUNS, configured
from archiver.history.versions import STAMP, stamp
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE
from archiver.records.text import visible
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.capture.report import Report
    from archiver.capture.target import Target
    from archiver.config import Config
    from archiver.history.catalogue import Catalogue

NEWEST: Final = 1_000
"""Number of newest reports that are always kept: 41 days of hourly runs."""

_DAYS: Final = 400
"""Older reports are thinned to the last good and the last bad one of each of this many days."""
_ERROR_LENGTH: Final = 300

Outcome: TypeAlias = Literal["first", "changed", "unchanged", "refused", "failed"]

_log = logging.getLogger(__name__)


class Run(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The report of one run.

    Attributes:
        timestamp: Start of the run, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        outcome: ``refused``: the listing was not plausible; ``failed``: there was no complete
            listing, or it could not be committed.
        code: Exit code.
        seconds: Duration.
        total: Number of records in the newest snapshot.
        new: Number of new records.
        updated: Number of changed records.
        removed: Number of removed records.
        snapshot: Name of the stamped file; empty: nothing was committed.
        error: First line of the error message; empty: none.
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

    @property
    def identity(self) -> tuple[str, str, float]:
        """The part that later corrections leave alone."""
        return self.timestamp, self.outcome, self.seconds

    @property
    def good(self) -> bool:
        """Whether the source was listed and the listing is committed."""
        return self.outcome in ("first", "changed", "unchanged")

    @property
    def began(self) -> datetime:
        """Start of the run, UTC."""
        return datetime.strptime(self.timestamp, STAMP).replace(tzinfo=UTC)


def decode(content: bytes | None) -> list[Run]:
    """Return the reports in a file, oldest first; unreadable lines are left out."""
    runs = []
    for line in (content or b"").splitlines():
        try:
            run = msgspec.json.decode(line, type=Run)
            datetime.strptime(run.timestamp, STAMP)  # noqa: DTZ007  is it a time at all?
        except (*UNREADABLE, ValueError):
            continue
        runs.append(run)
    return runs


def load(catalogue: Catalogue) -> list[Run]:
    """Return the reports of a source, oldest first."""
    return decode(catalogue.remembered(RUNS))


def encode(runs: Iterable[Run], now: datetime) -> bytes:
    """Return the file of `runs`, sorted by time; days before the newest reports are thinned."""
    ordered = sorted(runs, key=lambda run: run.timestamp)
    old, new = ordered[:-NEWEST], ordered[-NEWEST:]
    oldest = stamp(now - timedelta(days=_DAYS))
    days = {(run.timestamp[:10], run.good): run for run in old if run.timestamp >= oldest}
    kept = (*sorted(days.values(), key=lambda run: run.timestamp), *new)
    return b"".join(msgspec.json.encode(run) + b"\n" for run in kept)


def merge(ours: bytes | None, theirs: bytes | None, now: datetime) -> bytes:
    """Return the file of the runs of two copies; of one run, the report with an error is kept."""
    both = sorted((*decode(theirs), *decode(ours)), key=lambda run: run.code != 0)
    return encode({run.identity: run for run in both}.values(), now)


def corrected(content: bytes | None, snapshot: str, report: Report, now: datetime) -> bytes:
    """Return a file of runs in which the one that made `snapshot` has the counts of `report`."""
    runs = (
        msgspec.structs.replace(run, **_counts(report)) if run.snapshot == snapshot else run
        for run in decode(content)
    )
    return encode(runs, now)


def reported(
    target: Target, report: Report, *, began: datetime, now: datetime
) -> dict[str, bytes | None]:
    """Return the file of the state ref with the reports of all runs, this one included.

    Of a source that was renamed, what is remembered under its former name moves along.
    """
    catalogue = target.catalogue
    run = Run(timestamp=stamp(began), seconds=_seconds(began, now), **_counts(report))
    runs = encode([*load(catalogue), run], now)
    return {**catalogue.adopted(), f"{report.source}/{RUNS}": runs}


def record_failure(
    config: Config,
    source: str,
    error: Exception,
    *,
    began: datetime,
    now: datetime,
    captured: bool = False,
) -> None:
    """Write down that a run failed; only the state ref moves, whatever branch is checked out.

    A report that cannot be written is logged, never raised: `error` is what matters.

    Args:
        config: The archiver.toml.
        source: Name of the source.
        error: What went wrong.
        began: Start of the run, UTC.
        now: Time, UTC.
        captured: Whether its capture is committed. Then the run stays a good one and its report
            gets the error; it is the first since `began`: those of other copies may have been
            merged meanwhile.
    """
    try:
        with Repository.open(config.root) as repository, writing(repository) as writer:
            catalogue = configured(config, source, repository)
            runs = load(catalogue)
            if captured:
                _amend(runs, error, began)
            else:
                runs.append(_failed(error, began, now))
            state = {**catalogue.adopted(), f"{source}/{RUNS}": encode(runs, now)}
            writer.commit(state_change(config, state, now=now))
    except ArchiverError as unwritten:
        level = logging.DEBUG if isinstance(error, StoreError) else logging.WARNING
        words = sentence(
            "the report of this run could not be written: {error}", error=reason(unwritten)
        )
        _log.log(level, words)


def _amend(runs: list[Run], error: Exception, began: datetime) -> None:
    since = stamp(began)
    place = next((n for n, run in enumerate(runs) if run.timestamp >= since), None)
    if place is not None:
        runs[place] = msgspec.structs.replace(runs[place], **_reason(error))


def _failed(error: Exception, began: datetime, now: datetime) -> Run:
    outcome: Outcome = "refused" if isinstance(error, SnapshotRejected) else "failed"
    seconds = _seconds(began, now)
    return Run(timestamp=stamp(began), outcome=outcome, seconds=seconds, **_reason(error))


def _counts(report: Report) -> dict[str, Any]:
    return {
        "outcome": report.outcome,
        "total": report.new.total,
        "new": report.summary.new,
        "updated": report.summary.updated,
        "removed": report.summary.removed,
        "snapshot": report.snapshot or "",
    }


def _reason(error: Exception) -> dict[str, Any]:
    code = error.exit_code if isinstance(error, ArchiverError) else ArchiverError.exit_code
    return {"code": code, "error": visible(str(error).partition("\n")[0])[:_ERROR_LENGTH]}


def _seconds(began: datetime, now: datetime) -> float:
    return round(max((now - began).total_seconds(), 0), 1)
