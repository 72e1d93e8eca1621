"""Tell what a run did: a line to a person, the whole report to a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.publish import lines, wording
from archiver.records.text import count, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.records.model import Kind
    from archiver.watcher.report import Report

_FEW: Final = 5
_SHORT: Final = 10


def run(report: Report, style: Mapping[Kind, str], *, dry_run: bool) -> Iterator[str]:
    """Yield the lines that tell of one run: the counts, then the first few changes.

    Args:
        report: What the run did.
        style: ANSI sequence with which each kind of change starts; empty: no colour.
        dry_run: Whether nothing was to be written.
    """
    yield f"{report.source}: {_counts(report)}{_outcome(report, dry_run=dry_run)}\n"
    if report.outcome != "changed":
        return
    shown = report.changes[:_FEW]
    for change in shown:
        yield from lines.change(change, style)
    more = report.summary.news - len(shown)
    if more:
        yield f"… and {count(more)} more{'' if dry_run else ': archiver compare --source ' + report.source}\n"


def _counts(report: Report) -> str:
    total = report.new.total
    if report.outcome == "unchanged":
        return f"nothing changed ({wording.models(total)})"
    return wording.headline(report.summary, total, first=report.outcome == "first")


def _outcome(report: Report, *, dry_run: bool) -> str:
    if dry_run:
        return ", dry run: nothing was written"
    if report.revision is None:
        return ""
    return f"  {report.revision[:_SHORT]}  {terminal(report.snapshot or '')}"
