"""Compare a capture of this copy anew, with a snapshot that somebody else pushed meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.capture import confirmation
from archiver.capture.confirmation import Settled
from archiver.capture.draft import drafted
from archiver.capture.report import PROOF, Report
from archiver.history import snapshots
from archiver.history.changelog import links
from archiver.history.comparison import outlined
from archiver.history.versions import EMPTY, stamp
from archiver.records import canonical
from archiver.records.model import Line, Summary
from archiver.sources.lines import LinesInMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from archiver.capture.draft import Drafted
    from archiver.capture.target import Target
    from archiver.changes.lifecycle import Tombstone
    from archiver.history.versions import Version
    from archiver.records.model import End
    from archiver.store.commit import Writer
    from archiver.store.history import Revision

_BAD: Final = re.compile(r"; bad=[1-9]")


class Carried(NamedTuple):
    """What a capture holds that its own listing did not say.

    Attributes:
        source: Name of the source.
        snapshot: Name of the stamped file.
        keys: The keys of these records.
    """

    source: str
    snapshot: str
    keys: frozenset[str]


class Rebuilt(NamedTuple):
    """What stands for a capture of this copy.

    Attributes:
        revision: Full commit id; empty: it was dropped.
        report: What it says now; None: the same as before.
        snapshot: Name of the stamped file that it had; empty: the same as before.
        carried: What it holds that its listing did not say; None: nobody knows.
    """

    revision: str
    report: Report | None = None
    snapshot: str = ""
    carried: Carried | None = None


class Drawn(NamedTuple):
    """The commit of a capture that is not made yet, its report, its time, what it carries along."""

    draft: Drafted
    report: Report
    taken: datetime
    carried: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """One capture, and what it is compared with.

    Attributes:
        target: The source, on the tip of the other copy.
        revision: The capture's commit.
        captured: Opens its snapshot.
        base: Opens the snapshot that it was compared with.
        before: Opens the newest snapshot of the other copy.
        missing: Keys that its listing lacked and that it kept all the same; None: nobody knows.
        taken: Its capture time, UTC.
        snapshot: Name of its stamped file.
    """

    target: Target
    revision: Revision
    captured: Callable[[], Version]
    base: Callable[[], Version]
    before: Callable[[], Version]
    missing: Collection[str] | None
    taken: datetime
    snapshot: str

    def is_older(self) -> bool:
        """Say whether the other copy has a capture that is as new, or newer."""
        return (self.before().end.timestamp or "") >= stamp(self.taken)

    def dropped(self) -> Rebuilt:
        """Return what a run says whose capture has no place."""
        source, end = self.target.source.name, self.before().end
        report = Report(
            source=source,
            noun=self.target.source.called,
            outcome="unchanged",
            old=end,
            new=end,
            summary=Summary(unchanged=end.total),
        )
        return Rebuilt("", report, self.snapshot)

    def drawn(self, writer: Writer) -> Drawn | None:
        """Write the blobs of the capture; None: it says nothing that is worth a commit."""
        target, source, tip = self.target, self.target.source, self.target.catalogue.ref
        lines = self._listed()
        listed = frozenset(line.key for line in lines)
        settled = self._settled(lines)
        names = target.repository.entries(tip, target.catalogue.stamped)
        taken = snapshots.free_time(source.name, self.taken, names)
        old = self.captured()
        header = canonical.Header(
            source.name, stamp(taken), len(lines), covers=old.covers, swept=old.swept
        )
        layout = snapshots.laid_out(
            header, lines, shards=source.shards, before=self.before(), max_bytes=source.max_bytes
        )
        after = replace(layout.version(), tombstones=lambda: settled.removed)
        report = self._report(after)
        if not report.summary.news and (source.commit == "news" or not report.summary.metrics):
            return None
        draft = drafted(
            target,
            writer,
            report,
            layout=layout,
            lines=lines,
            before=self.before(),
            settled=settled,
            proof=self.revision.trailers[PROOF],
            link=links(target.catalogue),
            tip=tip,
            taken=taken,
        )
        return Drawn(draft, report, taken, frozenset(line.key for line in lines) - listed)

    def _report(self, after: Version) -> Report:
        before = self.before()
        old: End = before.end
        summary, changes = outlined(before, after, self.target.catalogue.policy)
        return Report(
            source=self.target.source.name,
            noun=self.target.source.called,
            outcome="first" if old == EMPTY.end else "changed",
            old=old,
            new=after.end,
            summary=summary,
            changes=changes,
        )

    def _listed(self) -> LinesInMemory:
        """Return the lines that the capture's own listing said."""
        unlisted = self._unlisted()
        pairs = ((canonical.line_key(data).decode(), data) for data in self.captured().lines())
        return LinesInMemory(Line(key, data) for key, data in pairs if key not in unlisted)

    def _unlisted(self) -> frozenset[str]:
        """Return the keys whose lines were only carried along from the snapshot before.

        Where nobody knows which they are (only changes were listed, records were unusable, the
        state is gone), a line that is as it was before says nothing.
        """
        proof = self.revision.trailers[PROOF]
        kind = proof.partition(";")[0]
        if not _BAD.search(proof):
            if kind == "window":
                return frozenset()
            if kind == "complete" and self.missing is not None:
                return frozenset(self.missing)
        old = frozenset(self.base().lines())
        lines = (line for line in self.captured().lines() if line in old)
        return frozenset(canonical.line_key(line).decode() for line in lines)

    def _settled(self, lines: LinesInMemory) -> Settled:
        """Keep what the other copy listed: one listing that lacks a record removes nothing.

        Only tombstones that this very capture set say that a record is gone.
        """
        known, earlier = self.before().tombstones(), self.base().tombstones()
        captured = self.captured()
        own = {key: each for key, each in captured.tombstones().items() if key not in earlier}
        unlisted = self._unlisted() if captured.covers == "window" else None
        gone = confirmation.absent(self.before(), lines)
        lines.keep(
            Line(key, data)
            for key, data in gone.items()
            if key not in own and (unlisted is None or key in unlisted)
        )
        stones: Mapping[str, Tombstone] = {**known, **own}
        removed = {key: stone for key, stone in stones.items() if not lines.holds(key)}
        return Settled({}, removed, known)
