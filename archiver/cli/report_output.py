"""What the commands that change an archive did, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.changes.severity import importance
from archiver.history.versions import stamp
from archiver.language import listed, plain, retold, said, sentence, tr
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
    yield from console.summaries(report.fields)
    shown = sorted(report.changes, key=importance)[:_FEW]
    for change in shown:
        yield from console.change(change, style)
    if left_out := report.summary.news - report.told - len(shown):
        where = "" if dry_run else tr(": archiver compare --source {source}", source=report.source)
        yield f"{said(more(left_out))}{where}\n"


def _counts(report: Report) -> str:
    total = report.new.total
    if report.outcome == "unchanged":
        return tr("nothing changed ({records})", records=report.noun.counted(total))
    return wording.headline(
        report.summary, total, first=report.outcome == "first", noun=report.noun
    )


def _outcome(report: Report, *, dry_run: bool) -> str:
    if dry_run:
        return tr(", dry run: nothing was written")
    if report.revision is None:
        return ""
    commit, file = wording.short(report.revision), terminal(report.snapshot or "")
    if plain():
        return tr(", commit {commit}, file {file}", commit=commit, file=file)
    return f"  {commit}  {file}"


def pruned(source: str, plan: Plan, revision: str | None) -> Iterator[str]:
    """Yield the lines of a plan: what is kept and why, what goes, and whether it is gone."""
    for kept in plan.keep:
        reasons = said(listed(map(retold, kept.reasons)))
        yield wording.labelled(
            tr("keep    {name}  {reasons}\n", name=terminal(kept.name), reasons=reasons)
        )
    for removed in plan.remove:
        yield wording.labelled(tr("remove  {name}\n", name=terminal(removed.name)))
    counts = {"kept": count(len(plan.keep)), "number": count(len(plan.remove))}
    if revision is not None:
        commit = wording.short(revision)
        words = tr("{kept} kept, {number} removed  {commit}", commit=commit, **counts)
    elif plan.remove:
        words = tr(
            "{kept} kept, {number} to remove: a dry run, --yes does it; history keeps them all",
            **counts,
        )
    else:
        words = tr("{kept} kept, {number} to remove", **counts)
    yield f"{source}: {words}\n"


def imported(done: Imported) -> str:
    """Return how much was imported, and why the rest was not."""
    if done.present and not done.committed:
        return tr(
            "{source}: nothing to import: all {present} are there already",
            source=done.source,
            present=count(done.present),
        )
    rest = (
        (sentence("{number} there already", number=count(done.present)), done.present),
        (
            sentence("{number} with the records of the one before", number=count(done.identical)),
            done.identical,
        ),
        (sentence("{number} left out", number=count(len(done.skipped))), done.skipped),
    )
    counts = listed(words for words, number in rest if number)
    named = tr("; {counts}", counts=counts) if counts else ""
    snapshots = count(done.committed, "snapshot")
    return tr(
        "{source}: imported {snapshots} ({records}){named}",
        source=done.source,
        snapshots=snapshots,
        records=done.noun.counted(done.total),
        named=named,
    )


def reverted(source: str, capture: Revision, commit: str) -> str:
    """Name the capture that was reverted, and the commit that did it."""
    taken = f"{stamp(capture.authored_at)} ({wording.short(capture.id)})"
    return tr(
        "{source}: reverted the capture of {taken}  {commit}",
        source=source,
        taken=taken,
        commit=wording.short(commit),
    )


def problem(source: str, found: Problem) -> str:
    """Name one problem, with its revision and file."""
    return terminal(
        f"{source}: {wording.short(found.revision)} {found.file}: {retold(found.reason)}"
    )


def squashed(source: str, found: Squash) -> str:
    """Name a commit in which several captures stand, though nothing is wrong with them."""
    captures = count(found.captures, "capture")
    told = tr(
        "{captures} stand in this one commit (squashed or copied); that is no damage",
        captures=captures,
    )
    return terminal(f"{source}: {wording.short(found.revision)} {found.folder}: {told}")


def verified(source: str, audit: Audit) -> str:
    """Return how much is as it was written."""
    snapshots = count(audit.snapshots, "snapshot")
    return tr(
        "{source}: verified {snapshots}, {records}",
        source=source,
        snapshots=snapshots,
        records=count(audit.records, "record"),
    )
