"""Validate a listing: is it plausible beside the baseline?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, starmap
from typing import TYPE_CHECKING

from archiver.capture.report import is_imported
from archiver.changes.compare import differing
from archiver.changes.guard import ACCEPT, ACCEPT_CLASS, FEWEST, refuse_implausible, refuse_turnover
from archiver.errors import (
    DamagedObject,
    MalformedPage,
    SnapshotRejected,
    UnreadableSnapshot,
    reason,
)
from archiver.history import queries, revisions
from archiver.history.comparison import pairs
from archiver.history.snapshots import stamped_name
from archiver.history.versions import EMPTY, Part, Version, stamp
from archiver.language import sentence
from archiver.records.canonical import Header, line_key, snapshot
from archiver.records.model import End, Line
from archiver.sources.listing import refuse_damage
from archiver.store.quarantine import keep_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Self

    from archiver.capture.connection import Connection
    from archiver.capture.target import Target
    from archiver.changes.lifecycle import Pair
    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Versions
    from archiver.sources.lines import Lines
    from archiver.sources.listing import Listing
    from archiver.store.history import Revision


@dataclass(frozen=True, slots=True)
class Baseline:
    """The newest readable snapshot of a source, which a listing is compared with.

    Attributes:
        catalogue: The source's history.
        versions: Opens its snapshots.
        newest: The newest revision, readable or not; None: nothing was ever committed.
    """

    catalogue: Catalogue
    versions: Versions
    newest: Revision | None

    @classmethod
    def of(cls, catalogue: Catalogue, versions: Versions) -> Self:
        """Find the baseline on the catalogue's branch."""
        return cls(catalogue, versions, revisions.newest(catalogue))

    def open(self) -> Version:
        """Open it; each opening can be read once. No snapshot is readable: `EMPTY`."""
        if self.newest is None:
            return EMPTY
        try:
            return self.versions.stored(self.newest)
        except DamagedObject:
            raise
        except UnreadableSnapshot:
            readable = queries.readable(self.versions, self.catalogue.revisions(), damaged=False)
            return next((version for _, version in readable), EMPTY)

    @property
    def imported(self) -> bool:
        """Whether the newest snapshot was imported: no listing is behind it."""
        return self.newest is not None and is_imported(self.newest)

    def lines(self) -> Iterator[Line]:
        """Yield its lines; shards one after the other."""
        for part in self.open().parts.values():
            yield from (Line(line_key(data).decode(), data) for data in part.lines())


def absent(before: Version, lines: Lines) -> dict[str, bytes]:
    """Return the lines of `before` whose keys `lines` lacks, by key."""
    if before is EMPTY:
        return {}
    return {
        line_key(old).decode(): old
        for old, new in differences(before, lines)
        if old is not None and new is None
    }


def differences(before: Version, lines: Lines) -> Iterator[Pair]:
    """Yield the lines of `before` and of a listing that are not equal; a shard is in order."""
    if before is EMPTY:
        return ((None, data) for _, data in lines.unsorted())
    shards = lines.split(len(before.parts)).items()
    parts = {name: Part(None, texts.__iter__) for name, texts in shards}
    after = Version(End(None, None, len(lines)), parts)
    return chain.from_iterable(starmap(differing, pairs(before, after)))


def validate(
    connection: Connection,
    listing: Listing,
    before: Version,
    *,
    lost: int,
    imported: bool,
    accept: bool,
) -> None:
    """Refuse a listing that is damaged, or that looks like a fault of the source.

    Args:
        connection: The source.
        listing: The listing.
        before: The baseline.
        lost: Number of its keys that the listing lacks.
        imported: Whether the newest snapshot was imported.
        accept: Take it even if it is not plausible.

    Raises:
        SnapshotRejected: It is not plausible.
        MalformedPage: It holds no usable record at all; to accept that would remove all of them.
    """
    if accept:
        if listing.bad and not len(listing.lines):
            raise MalformedPage(
                sentence(
                    "none of {number:,} records can be used: there is nothing to accept",
                    number=len(listing.bad),
                ),
                hint=sentence("`records` and `key` in archiver.toml say what a record is"),
            )
        return
    refuse_damage(listing, overlapping=connection.source.overlapping)
    if connection.source.watched and before is not EMPTY and lost < FEWEST:
        return  # the hub answered for each of these few by itself
    total, after = before.end.total, len(listing.lines)
    window = listing.proof.kind == "window"
    refuse_implausible(
        before=None if before is EMPTY else total,
        after=after,
        vanished=total - after if window else lost,
        max_shrink=connection.target.source.max_shrink,
    )
    if window:
        refuse_turnover(before=total, lost=lost, imported=imported)


def quarantined(
    target: Target, listing: Listing, taken: datetime, error: SnapshotRejected
) -> SnapshotRejected:
    """Keep a refused listing as evidence, and return the error that names the file."""
    source, repository = target.source.name, target.repository
    header = Header(source, stamp(taken), len(listing.lines))
    content = snapshot(header, (line.data for line in listing.lines))
    path = keep_evidence(repository, source, stamped_name(source, taken), content)
    root = repository.root
    place = path.relative_to(root) if root and path.is_relative_to(root) else path
    accept = ACCEPT_CLASS if target.source.by_class else ACCEPT
    return SnapshotRejected(
        reason(error), hint=sentence("look at {place}; {accept}", place=place, accept=accept)
    )
