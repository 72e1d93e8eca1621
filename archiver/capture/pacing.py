"""Apply the pace of a source's metrics to its listing, and remember what was applied."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.capture.validation import differences
from archiver.changes.guard import Drift
from archiver.changes.pace import Pace, Pacing
from archiver.history.versions import EMPTY, STAMP
from archiver.language import stored
from archiver.records.canonical import line_key
from archiver.records.jsontext import UNREADABLE
from archiver.records.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.capture.target import Target
    from archiver.capture.validation import Baseline
    from archiver.history.versions import Version
    from archiver.sources.lines import Lines
    from archiver.sources.listing import Listing

PACE: Final = "pace.json"
"""The pace at which the newest snapshot was captured, where the source has one."""


class Paced(NamedTuple):
    """What the pace made of a listing.

    Attributes:
        metrics: Capture time in UTC that its metrics are as of; empty: the capture's own.
        judged: Whether it was judged as it was listed: held metrics hide a fault of the source.
        notes: What the person should know.
    """

    metrics: str = ""
    judged: bool = False
    notes: tuple[str, ...] = ()


class _Memory(msgspec.Struct):
    """A pace, and the object id of the snapshot that was captured at it."""

    blob: str
    pace: Pace


def apply_pace(
    target: Target, listing: Listing, baseline: Baseline, *, taken: datetime, accept: bool
) -> Paced:
    """Hold and round the metrics of a listing, as the settings of its source say.

    Args:
        target: The source.
        listing: The listing, with the lines that are kept; its lines are changed.
        baseline: The snapshot before it.
        taken: Capture time, UTC.
        accept: Whether it is taken even where what changed is not plausible.

    Raises:
        SnapshotRejected: What changed is not plausible.
    """
    before, pace, policy = baseline.open(), target.source.pace, target.catalogue.policy
    known = _known(target, baseline)
    notes = () if before is EMPTY or known in (pace, None) else (_changed_pace(known, pace),)
    part = listing.proof.kind == "incremental"
    due = before is EMPTY or (not part and pace.is_due(_moment(as_of(before)), taken))
    if pace.every:
        metrics = "" if due else as_of(before)
    else:
        due, metrics = True, before.metrics if part else ""
    if due and pace.round is None:
        return Paced(metrics, notes=notes)
    pacing, drift = Pacing(pace, policy), None if accept else Drift(policy)
    old = frozenset[str]() if due else _unlisted(target, baseline)
    listing.lines.replace(_changed(before, listing.lines, pacing, drift, due=due, old=old))
    rounded = before is EMPTY or (known is not None and known.round == pace.round)
    if pace.round is not None and not rounded:
        listing.lines.replace(_rounded(listing.lines, pacing))
    return Paced(metrics, True, notes)


def hold(target: Target, listing: Listing, baseline: Baseline, metrics: str) -> str:
    """Hold metrics that were held before, where another tip has newer ones.

    Args:
        target: The source.
        listing: What a capture said; its lines are changed.
        baseline: The newest snapshot of the tip.
        metrics: Capture time that its metrics are as of; empty: its own.

    Returns:
        The capture time that its metrics are as of now; empty: its own.
    """
    there = baseline.open()
    newer = as_of(there)
    if not metrics or metrics > newer:
        return metrics
    jump = target.source.pace.jump if metrics == newer else None
    pacing = Pacing(Pace(jump=jump), target.catalogue.policy)
    old = _unlisted(target, baseline)
    listing.lines.replace(_changed(there, listing.lines, pacing, None, due=False, old=old))
    return newer


def as_of(version: Version) -> str:
    """Return the capture time, UTC, that the metrics of a version are as of; empty: unknown."""
    return version.metrics or version.swept or version.end.timestamp or ""


def remembered(target: Target, blob: str | None, *, committed: bool) -> bytes | None:
    """Return the file `PACE` of the state ref after a run; None: there is none.

    Args:
        target: The source.
        blob: Object id of the newest snapshot.
        committed: Whether the run committed it: what was there before is not at today's pace.
    """
    if not committed:
        return target.catalogue.remembered(PACE)
    pace = target.source.pace
    if blob is None or pace == Pace():
        return None
    return msgspec.json.encode(_Memory(blob, pace)) + b"\n"


def _known(target: Target, baseline: Baseline) -> Pace | None:
    """Return the pace of the newest snapshot; None: unknown, as after a revert."""
    content = target.catalogue.remembered(PACE)
    if content is None:
        return Pace()
    try:
        found = msgspec.json.decode(content, type=_Memory)
    except UNREADABLE:
        return None
    newest = baseline.newest
    return found.pace if newest is not None and found.blob == newest.blob else None


def _unlisted(target: Target, baseline: Baseline) -> frozenset[str]:
    """Return the keys that the newest snapshot holds unlisted: with metrics of before it."""
    newest = baseline.newest
    return frozenset() if newest is None else target.catalogue.unlisted(newest.id)


def _changed(
    before: Version,
    lines: Lines,
    pacing: Pacing,
    drift: Drift | None,
    *,
    due: bool,
    old: frozenset[str],
) -> Iterator[Line]:
    """Yield the lines that are archived in place of the listed ones.

    Args:
        before: The baseline.
        lines: The lines that were listed.
        pacing: The rule.
        drift: Judges what was listed; None: it is accepted.
        due: Whether all records get their metrics.
        old: Keys whose archived metrics are older than those of the baseline.

    Raises:
        SnapshotRejected: At the end, what was listed is not plausible beside what was before.
    """
    common = before.end.total
    for archived, listed in differences(before, lines):
        if listed is None:
            common -= 1
            continue
        if drift is not None and archived is not None:
            drift.see(archived, listed)
        key = line_key(listed).decode()
        line = pacing.line(archived, listed, due=due or key in old)
        if line != listed:
            yield Line(key, line)
    if drift is not None:
        drift.refuse(common)


def _rounded(lines: Lines, pacing: Pacing) -> Iterator[Line]:
    """Yield all lines that rounding changes."""
    for data in (data for part in lines.split(1).values() for data in part):
        if (line := pacing.rounded(data)) != data:
            yield Line(line_key(data).decode(), line)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _changed_pace(before: Pace | None, now: Pace) -> str:
    if now == Pace():
        return stored(
            "metrics are exact in each capture again; their pace was {pace}", pace=str(before)
        )
    if before == Pace():
        return stored(
            "from now on metrics have the pace {pace}: no news follows from it", pace=str(now)
        )
    return stored(
        "from now on metrics have the pace {pace}, no longer {before}: no news follows from it",
        pace=str(now),
        before=str(before),
    )
