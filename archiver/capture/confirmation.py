"""Settle what became of the records that a listing lacks: kept, waiting, or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.changes.compare import differing
from archiver.changes.lifecycle import (
    Missing,
    Tombstone,
    read_missing,
    read_tombstones,
    sort_out,
)
from archiver.errors import SourceError, SourceUnavailable, StoreError
from archiver.history.catalogue import REMOVED
from archiver.history.comparison import pairs
from archiver.history.versions import Part, Version, stamp
from archiver.records.canonical import line_key
from archiver.records.jsontext import UNREADABLE
from archiver.records.model import End, Line
from archiver.records.text import count, few
from archiver.sources import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archiver.capture.listing import Hub
    from archiver.capture.target import Target
    from archiver.sources.lines import Lines
    from archiver.sources.listing import Listing

ASKED: Final = 1000
"""So many keys are asked about in one run; the others wait for the next."""


MISSING: Final = "missing.jsonl"
"""File of a source on the state ref: the records that are missing and not removed yet."""
LAST_RUN: Final = "last-run.json"
"""File of a source on the state ref: what the last run found."""


class _LastRun(msgspec.Struct):
    unnamed: int = 0


class Settled(NamedTuple):
    """What became of the records that a listing lacks.

    Attributes:
        missing: Records that are kept until another complete listing lacks them too.
        removed: All tombstones, those of this run included.
        before: All tombstones before this run.
        notes: What the person should know.
        waiting: What to remember of records that wait for their details (see `details`).
    """

    missing: Mapping[str, Missing]
    removed: Mapping[str, Tombstone]
    before: Mapping[str, Tombstone]
    notes: tuple[str, ...] = ()
    waiting: bytes | None = None


def absent(before: Version, lines: Lines) -> dict[str, bytes]:
    """Return the lines of `before` whose keys `lines` lacks, by key."""
    shards = lines.split(len(before.parts)).items()
    parts = {name: Part(None, texts.__iter__) for name, texts in shards}
    after = Version(End(None, None, len(lines)), parts)
    return {
        line_key(old).decode(): old
        for olds, news in pairs(before, after)
        for old, new in differing(olds, news)
        if old is not None and new is None
    }


class Remembered(NamedTuple):
    """What earlier runs say of the records that were not listed.

    Attributes:
        missing: From the state ref: records that wait for another complete listing.
        removed: From the branch: the tombstones.
        unnamed: Number of unusable records without a key in the last listing.
    """

    missing: Mapping[str, Missing]
    removed: Mapping[str, Tombstone]
    unnamed: int


def remembered(target: Target, tip: str | None) -> Remembered:
    """Read what earlier runs remember, as of the commit `tip`.

    Raises:
        StoreError: A file that says it cannot be read.
    """
    name, repository = target.source.name, target.repository
    missing = repository.read_state(f"{name}/{MISSING}") or b""
    removed = (repository.read(tip, f"{target.catalogue.folder}/{REMOVED}") if tip else None) or b""
    last = repository.read_state(f"{name}/{LAST_RUN}") or b"{}"
    try:
        unnamed = msgspec.json.decode(last, type=_LastRun).unnamed
        return Remembered(read_missing(missing), read_tombstones(removed), unnamed)
    except (ValueError, *UNREADABLE) as error:
        raise StoreError(f"what is remembered of {name} cannot be read: {error}") from error


class Settling:
    """Settles one listing; what is kept is added to its lines."""

    def __init__(
        self, hub: Hub, listing: Listing, known: Remembered, *, taken: datetime, seen: str
    ) -> None:
        """Settle `listing` beside what is `known`.

        Args:
            hub: Can be asked what became of a record.
            listing: The listing.
            known: What earlier runs remember.
            taken: Its capture time, UTC.
            seen: Capture time of the snapshot before it.
        """
        self._hub = hub
        self._listing = listing
        self._known = known
        self._taken = stamp(taken)
        self._seen = seen
        self._confirmations = hub.target.source.confirmations or hub.source.confirmations

    def settle(self, gone: Mapping[str, bytes]) -> Settled:
        """Decide about the lines that the listing lacks (see `absent`).

        A record whose new form is unusable keeps its line. Records that leave a window just
        leave it.
        """
        lines, removed = self._listing.lines, self._known.removed
        still = {key: stone for key, stone in removed.items() if not lines.holds(key)}
        spoilt = {bad.key for bad in self._listing.bad} & gone.keys()
        self._keep(gone, spoilt)
        if self._listing.proof.kind != "complete":
            return Settled(self._known.missing, still, removed)
        lost = {key: line for key, line in gone.items() if key not in spoilt}
        missing, stones = self._judged(lost)
        self._keep(lost, lost.keys() - stones.keys())
        return Settled(missing, still | stones, removed, self._notes(missing))

    def _judged(self, lost: Mapping[str, bytes]) -> tuple[dict[str, Missing], dict[str, Tombstone]]:
        """Return which of the lost records wait and which are removed."""
        if self._is_doubtful():
            return {
                key: self._known.missing.get(key) or Missing(key, self._taken, 0) for key in lost
            }, {}
        waiting, ripe = sort_out(
            lost, self._known.missing, confirmations=self._confirmations, taken=self._taken
        )
        fates = self._fates((*ripe, *(key for key in lost if key not in ripe)))
        stones = {
            key: Tombstone(key, self._taken, self._seen, fate.cause, fate.now)
            for key, fate in fates.items()
            if fate.state == "gone" and (key in ripe or self._is_listed(fate.now))
        }
        listed = {key for key, fate in fates.items() if fate.state == "listed"}
        return {k: each for k, each in waiting.items() if k not in {*stones, *listed}}, stones

    def _is_listed(self, key: str) -> bool:
        """Say whether a renamed record came under its new key: that needs no second listing."""
        return bool(key) and self._listing.lines.holds(key)

    def _is_doubtful(self) -> bool:
        """Say whether a lost record may be one of the unusable ones, whose key nobody knows.

        One that was unusable in the last listing too says nothing about today's losses.
        """
        return sum(not bad.key for bad in self._listing.bad) > self._known.unnamed

    def _fates(self, keys: Iterable[str]) -> dict[str, Fate]:
        """Ask what became of `keys`, in this order, as far as the source tells."""
        fates: dict[str, Fate] = {}
        asked = 0
        for key in keys:
            request = self._hub.source.confirm(key)
            if request is None:
                fates[key] = Fate("gone")
            elif asked < ASKED:
                asked += 1
                try:
                    fates[key] = self._hub.source.confirmed(self._hub.transport.get(request))
                except SourceUnavailable:
                    break  # it does not answer any more: the others wait too
                except SourceError:
                    fates[key] = Fate("unknown")
        return fates

    def _keep(self, gone: Mapping[str, bytes], keys: Iterable[str]) -> None:
        self._listing.lines.keep(Line(key, gone[key]) for key in keys)

    def _notes(self, missing: Mapping[str, Missing]) -> tuple[str, ...]:
        if not missing:
            return ()
        records = self._hub.target.source.called.counted(len(missing))
        named = few(sorted(missing))
        rule = f"removed after {count(self._confirmations, 'complete listing')} in a row"
        return (
            f"missing: {records} ({rule} without {'it' if len(missing) == 1 else 'them'}): {named}",
        )
