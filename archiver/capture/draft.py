"""Draft the commit of a capture: its files, its message, its section of the changelog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archiver.capture import prune
from archiver.capture.report import commit_message
from archiver.changes.lifecycle import write_tombstones
from archiver.errors import RenderError
from archiver.history import snapshots
from archiver.history.catalogue import CHANGELOG, REMOVED
from archiver.records.digest import records_digest
from archiver.render import changelog
from archiver.render.section import section

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from archiver.capture.confirmation import Settled
    from archiver.capture.report import Report
    from archiver.capture.target import Target
    from archiver.history.snapshots import Layout
    from archiver.history.versions import Version
    from archiver.sources.lines import Lines
    from archiver.store.commit import Writer


class Drafted(NamedTuple):
    """A commit that is not made yet.

    Attributes:
        name: Name of the stamped file.
        files: Path to blob id, None to remove.
        text: The message.
        trouble: What was wrong with the user's templates; the built-in ones stood in.
    """

    name: str
    files: dict[str, str | None]
    text: str
    trouble: RenderError | None


def drafted(
    target: Target,
    writer: Writer,
    report: Report,
    *,
    layout: Layout,
    lines: Lines,
    before: Version,
    settled: Settled,
    proof: str,
    link: Callable[[str], str],
    tip: str | None,
    taken: datetime,
) -> Drafted:
    """Write the blobs of a capture and return its commit.

    Args:
        target: Where it is committed.
        writer: Stores the blobs.
        report: What changed.
        layout: The files of the snapshot.
        lines: Its lines.
        before: The snapshot before.
        settled: What became of the records that the listing lacks.
        proof: Why the listing is whole, as the trailer says.
        link: Returns the address of a record's page; empty: it has none.
        tip: The commit it stands on; None: nothing was ever committed.
        taken: Capture time, UTC.
    """
    catalogue, folder = target.catalogue, target.config.template_folder
    name = snapshots.stamped_name(target.source.name, taken)
    files = target.files(layout.write(writer, before), name, tip)
    if settled.removed != settled.before:
        stones = write_tombstones(settled.removed)
        files[f"{catalogue.folder}/{REMOVED}"] = writer.write_blob((stones,), len(stones))
    files |= prune.outdated(target, tip, taken)
    digest = records_digest((line.data for line in lines), catalogue.policy)
    text, trouble = commit_message(report, proof, digest, folder=folder)
    if report.summary.news or report.outcome == "first":
        words, wrong = _section(report, name, link, folder)
        trouble = trouble or wrong
        path = f"{catalogue.folder}/{CHANGELOG}"
        old = target.repository.read(tip, path) if tip else None
        new = changelog.prepended(old, words, source=target.source.name)
        files[path] = writer.write_blob((new,), len(new))
    return Drafted(name, files, text, trouble)


def _section(
    report: Report, name: str, link: Callable[[str], str], folder: Path | None
) -> tuple[str, RenderError | None]:
    """Return the section, and what was wrong with the user's template for it."""
    context = section_of(report, name, link)
    try:
        return changelog.rendered(context, folder=folder), None
    except RenderError as error:
        if folder is None:
            raise
        return changelog.rendered(context, folder=None), error


def section_of(report: Report, name: str, link: Callable[[str], str]) -> dict[str, Any]:
    """Return what templates receive of a run.

    Args:
        report: What it did.
        name: Name of the stamped file; empty: nothing was committed.
        link: Returns the address of a record's page; empty: it has none.
    """
    return section(
        noun=report.noun,
        source=report.source,
        old=report.old,
        new=report.new,
        summary=report.summary,
        changes=report.changes,
        snapshots=(snapshots.name_of(report.source, report.old), name),
        link=link,
        first=report.outcome == "first",
    )
