"""What the commands that change an archive did, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.changes.severity import importance
from archiver.history.versions import stamp
from archiver.records.text import count, more, terminal
from archiver.render import console, wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.capture.imports import Imported
    from archiver.capture.report import Report
    from archiver.capture.verify import Audit, Problem
    from archiver.changes.retention import Plan
    from archiver.history.squashes import Squash
    from archiver.records.model import Kind
    from archiver.store.history import Revision

_FEW: Final = 5


def run(report: Report, style: Mapping[Kind, str], *, dry_run: bool) -> Iterator[str]:
    """Yield the lines about one run: the counts, then a few changes, the worst first.

    Args:
        report: What the run did.
        style: ANSI sequence with which each kind of change starts; empty: no colour.
        dry_run: Whether nothing was to be written.
    """
    yield f"{report.source}: {_counts(report)}{_outcome(report, dry_run=dry_run)}\n"
    if report.outcome != "changed":
        return
    shown = sorted(report.changes, key=importance)[:_FEW]
    for change in shown:
        yield from console.change(change, style)
    if left_out := report.summary.news - len(shown):
        where = "" if dry_run else f": archiver compare --source {report.source}"
        yield f"{more(left_out)}{where}\n"


def _counts(report: Report) -> str:
    total = report.new.total
    if report.outcome == "unchanged":
        return f"nothing changed ({report.noun.counted(total)})"
    return wording.headline(
        report.summary, total, first=report.outcome == "first", noun=report.noun
    )


def _outcome(report: Report, *, dry_run: bool) -> str:
    if dry_run:
        return ", dry run: nothing was written"
    if report.revision is None:
        return ""
    return f"  {wording.short(report.revision)}  {terminal(report.snapshot or '')}"


def pruned(source: str, plan: Plan, revision: str | None) -> Iterator[str]:
    """Yield the lines of a plan: what is kept and why, what goes, and whether it is gone."""
    for kept in plan.keep:
        yield f"keep    {terminal(kept.name)}  {', '.join(kept.reasons)}\n"
    for removed in plan.remove:
        yield f"remove  {terminal(removed.name)}\n"
    counts = f"{count(len(plan.keep))} kept, {count(len(plan.remove))} "
    if revision is not None:
        yield f"{source}: {counts}removed  {wording.short(revision)}\n"
    elif plan.remove:
        yield f"{source}: {counts}to remove: a dry run, --yes does it; history keeps them all\n"
    else:
        yield f"{source}: {counts}to remove\n"


def imported(done: Imported) -> str:
    """Return how much was imported, and why the rest was not."""
    if done.present and not done.committed:
        return f"{done.source}: nothing to import: all {count(done.present)} are there already"
    rest = {
        "there already": done.present,
        "with the records of the one before": done.identical,
        "left out": len(done.skipped),
    }
    counts = [f"{count(number)} {what}" for what, number in rest.items() if number]
    named = f"; {', '.join(counts)}" if counts else ""
    snapshots = count(done.committed, "snapshot")
    return f"{done.source}: imported {snapshots} ({done.noun.counted(done.total)}){named}"


def reverted(source: str, capture: Revision, commit: str) -> str:
    """Name the capture that was reverted, and the commit that did it."""
    taken = f"{stamp(capture.authored_at)} ({wording.short(capture.id)})"
    return f"{source}: reverted the capture of {taken}  {wording.short(commit)}"


def problem(source: str, found: Problem) -> str:
    """Name one problem, with its revision and file."""
    return terminal(f"{source}: {wording.short(found.revision)} {found.file}: {found.reason}")


def squashed(source: str, found: Squash) -> str:
    """Name a commit in which several captures stand, though nothing is wrong with them."""
    captures = count(found.captures, "capture")
    told = f"{captures} stand in this one commit (squashed or copied); that is no damage"
    return terminal(f"{source}: {wording.short(found.revision)} {found.folder}: {told}")


def verified(source: str, audit: Audit) -> str:
    """Return how much is as it was written."""
    snapshots = count(audit.snapshots, "snapshot")
    return f"{source}: verified {snapshots}, {count(audit.records, 'record')}"
