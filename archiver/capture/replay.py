"""Read back what the listing of a capture said, so that it can be captured on another tip."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.capture.candidate import Candidate
from archiver.capture.confirmation import confirm, possible_renames
from archiver.capture.pacing import hold
from archiver.capture.report import PROOF, UNLISTED, read_proof
from archiver.capture.state import Memory, tombstones
from archiver.capture.validation import absent
from archiver.history.changelog import links
from archiver.history.versions import EMPTY
from archiver.records.canonical import line_key
from archiver.records.model import Bad, Line
from archiver.sources import Fate
from archiver.sources.lines import LinesInMemory
from archiver.sources.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.capture.validation import Baseline
    from archiver.changes.lifecycle import Tombstone
    from archiver.history.versions import Versions
    from archiver.store.history import Revision


class Recorded(NamedTuple):
    """What the listing of a capture said.

    Attributes:
        listing: Its lines and proof. In a window, where an absent record has left, the unlisted
            keys count as unusable, so that their lines are kept once more.
        gone: The tombstones that it set, by key.
        part: See `Candidate`.
        swept: Capture time of the last full listing, where only changes were listed.
        exact: Whether the unlisted keys were recorded.
        metrics: Capture time that its metrics are as of; empty: its own.
    """

    listing: Listing
    gone: Mapping[str, Tombstone]
    part: bool
    swept: str
    exact: bool
    metrics: str

    def candidate(self, target: Target, baseline: Baseline, taken: datetime) -> Candidate:
        """Return it as a candidate for another tip; removals are confirmed as they were.

        Its tombstones stay, also where the tip has removed the record before or never had it:
        the commit may be rebased again, onto a tip that lists the record.

        Args:
            target: The source, on that tip.
            baseline: The newest snapshot there.
            taken: Capture time, UTC.
        """
        listing, before = self.listing, baseline.open()
        if listing.proof.kind == "incremental":
            listing.lines.keep(baseline.lines())
        theirs = tombstones(target, target.tip())
        lost = absent(before, listing.lines)
        confirmation = confirm(
            listing,
            lost,
            Memory({}, {**theirs, **self.gone}, 0),
            self._fates,
            renames=possible_renames(lost, listing.lines, target.source.key),
            confirmations=1,
            taken=taken,
            last_seen=before.end.timestamp or "",
        )
        confirmation = confirmation._replace(
            changed=confirmation.tombstones != theirs,
            unlisted=confirmation.unlisted if self.exact else None,
        )
        return Candidate(
            target=target,
            baseline=baseline,
            listing=listing,
            confirmation=confirmation,
            taken=taken,
            link=links(target.catalogue),
            accept=True,
            part=self.part,
            swept=self.swept,
            metrics=hold(target, listing, baseline, self.metrics),
        )

    def _fates(self, keys: Iterable[str]) -> dict[str, Fate]:
        stones = {key: self.gone.get(key) for key in keys}
        return {
            key: Fate("gone", stone.cause, stone.now) if stone else Fate("listed")
            for key, stone in stones.items()
        }


def read_recorded(
    target: Target, versions: Versions, revision: Revision, parent: str | None
) -> Recorded:
    """Read what the listing of a capture said.

    Args:
        target: The source.
        versions: Opens its snapshots.
        revision: The capture.
        parent: Full id of the commit it stands on; None: none.

    Raises:
        UnreadableSnapshot: The snapshot cannot be read.
        StoreError: What was recorded beside it cannot be read.
    """
    unlisted = target.catalogue.unlisted(revision.id)
    exact = revision.trailers.get(UNLISTED) == str(len(unlisted))
    if not exact:
        unlisted = _unchanged(target, versions, revision, parent)
    version = versions.stored(revision)
    pairs = ((line_key(data).decode(), data) for data in version.lines())
    earlier = tombstones(target, parent)
    proof = read_proof(revision.trailers[PROOF])
    listing = Listing(
        LinesInMemory(Line(key, data) for key, data in pairs if key not in unlisted),
        proof,
        bad=tuple(Bad("", "unlisted", key) for key in unlisted) if proof.kind == "window" else (),
    )
    gone = {
        key: each
        for key, each in tombstones(target, revision.id).items()
        if earlier.get(key) != each
    }
    part = proof.kind == "complete" and version.covers == "window"
    return Recorded(listing, gone, part, version.swept, exact, version.metrics)


def _unchanged(
    target: Target, versions: Versions, revision: Revision, parent: str | None
) -> frozenset[str]:
    """Return the keys whose lines are as in the snapshot before: they may have been unlisted.

    Only changes were listed, or the capture is older than the record of its unlisted keys.
    """
    base = target.repository.revision(parent, target.catalogue.path) if parent else None
    before = EMPTY if base is None or base.blob is None else versions.stored(base)
    old = frozenset(before.lines())
    return frozenset(
        line_key(line).decode() for line in versions.stored(revision).lines() if line in old
    )
