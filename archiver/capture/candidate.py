"""Compare a listing with the baseline and draft its commit: files, message, changelog section."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from archiver.capture import prune
from archiver.capture.changelog_file import changelog_file
from archiver.capture.report import Report, commit_message
from archiver.changes.guard import Drift
from archiver.changes.lifecycle import write_tombstones, write_unlisted
from archiver.history import snapshots
from archiver.history.catalogue import LATEST, REMOVED, UNLISTED
from archiver.history.comparison import Comparison, outlined
from archiver.history.flapping import captured
from archiver.history.versions import EMPTY, stamp
from archiver.language import sentence, speaking
from archiver.records.canonical import Header
from archiver.records.digest import records_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from archiver.capture.confirmation import Confirmation
    from archiver.capture.report import Outcome
    from archiver.capture.target import Target
    from archiver.capture.validation import Baseline
    from archiver.errors import RenderError
    from archiver.history.snapshots import Layout
    from archiver.history.versions import Version
    from archiver.records.model import ChangeSet, Summary
    from archiver.sources.listing import Listing
    from archiver.store.commit import Writer


class Draft(NamedTuple):
    """The commit of a capture, not made yet.

    Attributes:
        report: What changed.
        tip: Full id of the commit it stands on; None: nothing was ever committed.
        taken: Capture time, UTC: no other stamped file has it.
        files: Path to blob id, None to remove; empty: there is nothing to commit.
        blob: Object id of the newest snapshot, this one or the one before.
        message: The commit message.
        error: What is wrong with the user's templates; the built-in ones replaced them.
    """

    report: Report
    tip: str | None
    taken: datetime
    files: dict[str, str | None]
    blob: str | None
    message: str = ""
    error: RenderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A validated listing whose removals are confirmed: the next snapshot, if it is worth one.

    Attributes:
        target: Where it would be committed.
        baseline: The snapshot that it is compared with.
        listing: The listing, with the lines that are kept although it lacks them.
        confirmation: The outcome for the records that it lacks.
        taken: Capture time, UTC.
        link: Returns the address of a record's page; empty: it has none.
        accept: Whether it is taken even where what changed is not plausible, or was judged before.
        part: Whether the source has more records than it was asked to list: others have left.
        swept: Capture time of the last full listing, where only changes were listed.
        metrics: Capture time that its metrics are as of; empty: `taken`.
        notes: What the person should know about the listing.
        waiting: The file `state.WAITING`: records that wait for their details.
    """

    target: Target
    baseline: Baseline
    listing: Listing
    confirmation: Confirmation
    taken: datetime
    link: Callable[[str], str]
    accept: bool
    part: bool = False
    swept: str = ""
    metrics: str = ""
    notes: tuple[str, ...] = ()
    waiting: bytes | None = None

    def changes(self) -> ChangeSet:
        """Return what a capture would change."""
        before, target = self.baseline.open(), self.target
        after = self._version(self._layout(before, self.taken))
        return Comparison(target.source.name, before, after, target.catalogue.policy).collect()

    def report(self) -> Report:
        """Return the report of a capture that is not committed.

        Raises:
            SnapshotRejected: What changed is not plausible.
            StoreError: A file would be too large.
        """
        return self._compared(self._free_time(self.target.tip()))[0]

    def draft(self, writer: Writer) -> Draft:
        """Write the blobs of the capture and return its commit.

        Raises:
            SnapshotRejected: What changed is not plausible.
            StoreError: A file would be too large, or cannot be written.
        """
        target, source = self.target, self.target.source.name
        tip = target.tip()
        taken = self._free_time(tip)
        report, layout = self._compared(taken)
        folder = target.catalogue.folder
        inside = target.repository.entries(tip, folder) if tip else {}
        if report.outcome == "unchanged":
            return Draft(report, tip, taken, {}, inside.get(LATEST))
        name = snapshots.stamped_name(source, taken)
        report = replace(report, snapshot=name)
        files = target.files(layout.write(writer, self.baseline.open()), name, tip)
        files |= self._files_beside(writer, inside)
        files |= prune.outdated(target, tip, taken)
        with speaking(target.config.language):
            message, error = self._message(report)
            section, wrong = changelog_file(target, writer, report, tip=tip, link=self.link)
        files |= section
        latest = files[target.catalogue.path]
        return Draft(report, tip, taken, files, latest, message, error or wrong)

    def _compared(self, taken: datetime) -> tuple[Report, Layout]:
        source, policy = self.target.source.name, self.target.catalogue.policy
        before = self.baseline.open()
        layout = self._layout(before, taken)
        after = self._version(layout)
        drift = None if self.accept else Drift(policy)
        found = outlined(before, after, policy, drift)
        summary = found.summary
        if drift is not None:
            drift.refuse(before.end.total - summary.removed - summary.left - summary.renamed)
        large = (
            sentence(
                "{name}.json has {size:,} bytes; git hosts refuse more than 100 MB",
                name=name or "latest",
                size=size,
            )
            for name, size in layout.sizes.items()
            if size > snapshots.LARGE
        )
        report = Report(
            source=source,
            noun=self.target.source.called,
            outcome=self._outcome(before, summary),
            old=before.end,
            new=after.end,
            summary=summary,
            changes=captured(
                self.target.catalogue, found.changes, tip=self.target.tip(), timestamp=stamp(taken)
            ),
            severities=found.severities,
            fields=found.fields,
            told=found.told,
            notes=(*self.notes, *large, *self.confirmation.notes),
        )
        return report, layout

    def _outcome(self, before: Version, summary: Summary) -> Outcome:
        newest = self.baseline.newest
        if before is EMPTY:
            return "first"
        if newest is not None and newest.id != before.end.revision:
            return "changed"  # the newest cannot be read: it must not stay the latest
        metrics = summary.metrics if self.target.source.commit == "any" else 0
        return "changed" if summary.news + metrics else "unchanged"

    def _free_time(self, tip: str | None) -> datetime:
        target = self.target
        names = target.repository.entries(tip, target.catalogue.stamped) if tip else ()
        return snapshots.free_time(target.source.name, self.taken, names)

    def _layout(self, before: Version, taken: datetime) -> Layout:
        source, kind = self.target.source, self.listing.proof.kind
        header = Header(
            source.name,
            stamp(taken),
            len(self.listing.lines),
            covers="window" if self.part else "" if kind == "complete" else kind,
            swept=self.swept if kind == "incremental" else "",
            metrics=self.metrics,
        )
        return snapshots.laid_out(
            header,
            self.listing.lines,
            shards=source.shards,
            before=before,
            max_bytes=source.max_bytes,
        )

    def _version(self, layout: Layout) -> Version:
        stones = self.confirmation.tombstones
        return dataclasses.replace(layout.version(), tombstones=lambda: stones)

    def _files_beside(self, writer: Writer, inside: Collection[str]) -> dict[str, str | None]:
        """Return the files beside the snapshot: its tombstones and its unlisted keys.

        Args:
            writer: Stores the blobs.
            inside: Names of the files that the folder holds.
        """
        folder = self.target.catalogue.folder
        files: dict[str, str | None] = {}
        if self.confirmation.changed:
            stones = write_tombstones(self.confirmation.tombstones)
            files[f"{folder}/{REMOVED}"] = writer.write_blob((stones,), len(stones))
        if self.confirmation.unlisted:
            keys = write_unlisted(self.confirmation.unlisted)
            files[f"{folder}/{UNLISTED}"] = writer.write_blob((keys,), len(keys))
        elif UNLISTED in inside:
            files[f"{folder}/{UNLISTED}"] = None
        return files

    def _message(self, report: Report) -> tuple[str, RenderError | None]:
        target, unlisted = self.target, self.confirmation.unlisted
        return commit_message(
            report,
            self.listing.proof,
            records_digest((line.data for line in self.listing.lines), target.catalogue.policy),
            folder=target.config.template_folder,
            unlisted=None if unlisted is None else len(unlisted),
        )
