"""Judge a listing beside the newest snapshot: what changed, is it believable, what is it worth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.changes.guard import refuse_unbelievable
from archiver.errors import MalformedPage, UnreadableSnapshot
from archiver.records.canonical import Header
from archiver.records.model import End
from archiver.sources.listing import refuse_damage
from archiver.watcher import history, moments, snapshots
from archiver.watcher.comparison import Comparison, outlined
from archiver.watcher.documents import skipped
from archiver.watcher.report import Report
from archiver.watcher.versions import EMPTY, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.config import SourceConfig
    from archiver.records.model import ChangeSet, Summary
    from archiver.sources.listing import Listing
    from archiver.store.history import Revision
    from archiver.watcher.report import Outcome
    from archiver.watcher.snapshots import Layout
    from archiver.watcher.target import Target
    from archiver.watcher.versions import Version, Versions


@dataclass(frozen=True, slots=True)
class Judged:
    """A listing that is believed, beside the snapshot before it.

    Attributes:
        listing: The listing.
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


def judged(
    target: Target, listing: Listing, versions: Versions, *, taken: datetime, accept: bool
) -> Judged:
    """Compare a listing with the tip; refuse it if it is not believable.

    Args:
        target: Where it would be committed.
        listing: The listing.
        versions: Opens the snapshots before it.
        taken: Capture time, UTC.
        accept: Believe it whatever it is.

    Raises:
        SnapshotRejected: It is not believable.
        MalformedPage: It holds no usable record at all; to accept that would remove them all.
        StoreError: A file of it would be too large.
    """
    if not accept:
        refuse_damage(listing)
    elif listing.bad and not listing.lines:
        raise MalformedPage(
            f"none of {len(listing.bad):,} records can be used: there is nothing to accept",
            hint="`records` and `key` in archiver.toml say what a record is",
        )
    tip, newest = target.tip(), moments.newest(target.catalogue)
    taken = _free_time(target, tip, taken)
    before = _before(target, versions, newest)
    layout = _laid_out(target.source, listing, before, taken)
    summary, changes = outlined(before, layout.version(), target.catalogue.policy)
    if not accept:
        _believe(target.source, before, len(listing.lines), summary)
    report = Report(
        source=target.source.name,
        outcome=_outcome(target.source, before, summary, newest),
        old=before.end,
        new=End(None, stamp(taken), len(listing.lines)),
        summary=summary,
        changes=changes,
        notes=_notes(listing, layout),
    )
    return Judged(listing, layout, before, report, taken, tip)


def changes(target: Target, listing: Listing, versions: Versions, *, taken: datetime) -> ChangeSet:
    """Return what changed from the newest snapshot to a listing, believable or not."""
    before = _before(target, versions, moments.newest(target.catalogue))
    after = _laid_out(target.source, listing, before, taken).version()
    return Comparison(target.source.name, before, after, target.catalogue.policy).collect()


def _before(target: Target, versions: Versions, newest: Revision | None) -> Version:
    """Open the newest snapshot that can be read."""
    if newest is None:
        return EMPTY
    try:
        return versions.stored(newest)
    except UnreadableSnapshot:
        readable = history.readable(versions, target.catalogue.revisions())
        return next((version for _, version in readable), EMPTY)


def _free_time(target: Target, tip: str | None, taken: datetime) -> datetime:
    names = target.repository.entries(tip, target.catalogue.stamped) if tip else ()
    return snapshots.free_time(target.source.name, taken, names)


def _laid_out(source: SourceConfig, listing: Listing, before: Version, taken: datetime) -> Layout:
    return snapshots.laid_out(
        Header(source.name, stamp(taken), len(listing.lines)),
        listing.lines,
        shards=source.shards,
        before=before,
        max_bytes=source.max_bytes,
    )


def _believe(source: SourceConfig, before: Version, after: int, summary: Summary) -> None:
    refuse_unbelievable(
        before=None if before is EMPTY else before.end.total,
        after=after,
        vanished=summary.removed,
        max_shrink=source.max_shrink,
    )


def _outcome(
    source: SourceConfig, before: Version, summary: Summary, newest: Revision | None
) -> Outcome:
    if before is EMPTY:
        return "first"
    if newest is not None and newest.id != before.end.revision:
        return "changed"  # the newest cannot be read: it must not stay the latest
    worth = summary.news + (summary.metrics if source.commit == "any" else 0)
    return "changed" if worth else "unchanged"


def _notes(listing: Listing, layout: Layout) -> tuple[str, ...]:
    reasons = [f"{bad.place} ({bad.reason})" for bad in listing.bad]
    large = (
        f"{name or 'latest'}.json has {size:,} bytes; hubs of git refuse 100 MB"
        for name, size in layout.sizes.items()
        if size > snapshots.LARGE
    )
    return (*skipped(reasons, listing.duplicates), *large)
