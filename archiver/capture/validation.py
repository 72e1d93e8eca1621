"""Judge a listing beside the newest snapshot: what changed, is it believable, what is it worth?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver.capture import confirmation, details
from archiver.capture.confirmation import Settled, Settling
from archiver.capture.report import Report
from archiver.changes.guard import Drift, refuse_unbelievable
from archiver.errors import MalformedPage, UnreadableSnapshot
from archiver.history import compare, snapshots
from archiver.history.comparison import Comparison, outlined
from archiver.history.foreign import skipped
from archiver.history.versions import EMPTY, stamp
from archiver.records.canonical import Header
from archiver.sources.listing import refuse_damage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.capture.listing import Hub
    from archiver.capture.report import Outcome
    from archiver.capture.target import Target
    from archiver.config import SourceConfig
    from archiver.history.snapshots import Layout
    from archiver.history.versions import Version, Versions
    from archiver.records.model import ChangeSet, Summary
    from archiver.sources.listing import Listing
    from archiver.store.history import Revision


@dataclass(frozen=True, slots=True)
class Judged:
    """A listing that is believed, beside the snapshot before it.

    Attributes:
        listing: The listing; what it lacks and is kept stands in its lines.
        layout: Its files, not written yet.
        before: The newest snapshot that can be read.
        report: What there is to tell.
        taken: Capture time, UTC: no other stamped file has it.
        tip: Full id of the commit that was compared with; None: nothing was ever committed.
    """

    listing: Listing
    layout: Layout
    before: Version
    report: Report
    taken: datetime
    tip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A listing, and what is needed to judge it.

    Attributes:
        hub: Where it comes from and where it would be committed.
        listing: The listing.
        versions: Opens the snapshots before it.
        newest: The newest of them.
        taken: Capture time, UTC.
        swept: Capture time of the last full listing, if this one says only what changed.
        accept: Whether it is believed whatever it is.
    """

    hub: Hub
    listing: Listing
    versions: Versions
    newest: Revision | None
    taken: datetime
    swept: str
    accept: bool

    @property
    def _target(self) -> Target:
        return self.hub.target

    def before(self) -> Version:
        """Open the newest snapshot that can be read; each opening is read once."""
        return baseline(self._target, self.versions, self.newest)

    def settled(self) -> Settled:
        """Decide what becomes of the records that the listing lacks; asks the source.

        Raises:
            SnapshotRejected: The listing is not believable.
            MalformedPage: It holds no usable record at all; to accept that would remove them all.
        """
        listing = self.listing
        if not self.accept:
            refuse_damage(listing, overlapping=self.hub.source.overlapping)
        elif listing.bad and not len(listing.lines):
            raise MalformedPage(
                f"none of {len(listing.bad):,} records can be used: there is nothing to accept",
                hint="`records` and `key` in archiver.toml say what a record is",
            )
        before = self.before()
        gone = confirmation.absent(before, listing.lines)
        if not self.accept:
            self._believe(before, gone)
        waiting = details.enrich(self.hub, listing, self.before)
        known = confirmation.remembered(self._target, self._target.tip())
        seen = before.end.timestamp or ""
        case = Settling(self.hub, listing, known, taken=self.taken, seen=seen)
        return case.settle(gone)._replace(waiting=waiting)

    def judged(self, settled: Settled) -> Judged:
        """Compare the settled listing with the tip.

        Raises:
            SnapshotRejected: What changed is not believable.
            StoreError: A file of it would be too large.
        """
        target, listing = self._target, self.listing
        tip = target.tip()
        taken = _free_time(target, tip, self.taken)
        before = self.before()
        layout = self._laid_out(before, taken)
        after = self._after(layout, settled)
        drift = Drift(target.catalogue.policy)
        summary, changes = outlined(before, after, target.catalogue.policy, drift)
        if not self.accept:
            drift.refuse(before.end.total - summary.removed - summary.left - summary.renamed)
        report = Report(
            source=target.source.name,
            noun=self._target.source.called,
            outcome=_outcome(target.source, before, summary, self.newest),
            old=before.end,
            new=after.end,
            summary=summary,
            changes=changes,
            notes=(*self.hub.notes, *self._notes(layout), *settled.notes),
        )
        return Judged(listing, layout, self.before(), report, taken, tip)

    def changes(self) -> ChangeSet:
        """Return what a capture of the listing would change."""
        settled = self.settled()
        before = self.before()
        after = self._after(self._laid_out(before, self.taken), settled)
        target = self._target
        return Comparison(target.source.name, before, after, target.catalogue.policy).collect()

    def _notes(self, layout: Layout) -> tuple[str, ...]:
        reasons = [f"{bad.place} ({bad.reason})" for bad in self.listing.bad]
        twice = () if self.hub.source.overlapping else self.listing.duplicates
        large = (
            f"{name or 'latest'}.json has {size:,} bytes; hubs of git refuse 100 MB"
            for name, size in layout.sizes.items()
            if size > snapshots.LARGE
        )
        return (*skipped(reasons, twice), *large)

    def _after(self, layout: Layout, settled: Settled) -> Version:
        return replace(layout.version(), tombstones=lambda: settled.removed)

    def _laid_out(self, before: Version, taken: datetime) -> Layout:
        source, kind = self._target.source, self.listing.proof.kind
        return snapshots.laid_out(
            Header(
                source.name,
                stamp(taken),
                len(self.listing.lines),
                covers="" if kind == "complete" else kind,
                swept=self.swept if kind == "incremental" else "",
            ),
            self.listing.lines,
            shards=source.shards,
            before=before,
            max_bytes=source.max_bytes,
        )

    def _believe(self, before: Version, gone: Mapping[str, bytes]) -> None:
        total, after = before.end.total, len(self.listing.lines)
        refuse_unbelievable(
            before=None if before is EMPTY else total,
            after=after,
            vanished=total - after if self.listing.proof.kind == "window" else len(gone),
            max_shrink=self._target.source.max_shrink,
        )


def baseline(target: Target, versions: Versions, newest: Revision | None) -> Version:
    """Open the newest snapshot that can be read, `newest` if possible; none: `EMPTY`."""
    if newest is None:
        return EMPTY
    try:
        return versions.stored(newest)
    except UnreadableSnapshot:
        readable = compare.readable(versions, target.catalogue.revisions())
        return next((version for _, version in readable), EMPTY)


def _free_time(target: Target, tip: str | None, taken: datetime) -> datetime:
    names = target.repository.entries(tip, target.catalogue.stamped) if tip else ()
    return snapshots.free_time(target.source.name, taken, names)


def _outcome(
    source: SourceConfig, before: Version, summary: Summary, newest: Revision | None
) -> Outcome:
    if before is EMPTY:
        return "first"
    if newest is not None and newest.id != before.end.revision:
        return "changed"  # the newest cannot be read: it must not stay the latest
    worth = summary.news + (summary.metrics if source.commit == "any" else 0)
    return "changed" if worth else "unchanged"
