"""Keep what a run found: its commit, what the state ref remembers of it, or the evidence."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from msgspec.structs import replace

from archiver.capture import conditional, incremental, runlog
from archiver.capture.confirmation import LAST_RUN, MISSING
from archiver.capture.details import WAITING
from archiver.capture.draft import drafted
from archiver.capture.report import Misrendered, Report, proven
from archiver.capture.target import state_change
from archiver.changes.guard import ACCEPT
from archiver.changes.lifecycle import write_missing
from archiver.errors import SnapshotRejected
from archiver.history import snapshots
from archiver.history.versions import stamp
from archiver.records.canonical import Header, snapshot
from archiver.records.jsontext import dump
from archiver.store.commit import KEPT_REF, writing
from archiver.store.quarantine import keep_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.capture.confirmation import Settled
    from archiver.capture.incremental import Sweep
    from archiver.capture.listing import Hub
    from archiver.capture.validation import Judged
    from archiver.sources.listing import Listing
    from archiver.store.change import Change
    from archiver.store.commit import Writer


class Keeping:
    """Keeps what one run found."""

    def __init__(self, hub: Hub, clock: Callable[[], datetime], taken: datetime) -> None:
        """Keep it for the source of `hub`; `taken` is the capture time, UTC."""
        self._hub = hub
        self._target = hub.target
        self._catalogue = hub.target.catalogue
        self._clock = clock
        self._taken = taken

    def report(self, report: Report) -> None:
        """Write down that there was a run that had nothing to compare; only the state moves."""
        with writing(self._target.repository) as writer:
            state = {f"{report.source}/{runlog.RUNS}": self._reported(report)}
            writer.commit(state_change(self._target.config, state, now=self._clock()))

    def commit(
        self, writer: Writer, judged: Judged, settled: Settled, sweep: Sweep | None
    ) -> Report:
        """Commit what was found, if it is worth that; the state moves in any case.

        Args:
            writer: Holds the lock.
            judged: The listing, found believable.
            settled: What became of the records that it lacks.
            sweep: The full listing that it only adds to; None: it is one itself.

        Raises:
            StoreError: It could not be committed; the history is as it was.
            Misrendered: A template is wrong; committed with the built-in one.
        """
        if judged.report.outcome == "unchanged":
            writer.commit(self._change(judged, settled, sweep, {}, ""))
            return judged.report
        draft = drafted(
            self._target,
            writer,
            judged.report,
            layout=judged.layout,
            lines=judged.listing.lines,
            before=judged.before,
            settled=settled,
            proof=proven(judged.listing.proof),
            link=self._hub.source.link,
            tip=judged.tip,
            taken=judged.taken,
        )
        report = replace(judged.report, snapshot=draft.name)
        judged = dataclasses.replace(judged, report=report)
        done = writer.commit(self._change(judged, settled, sweep, draft.files, draft.text))
        writer.pack()
        kept = tuple(f"your changes to {path} are kept on {KEPT_REF}" for path in done.kept)
        report = replace(report, revision=done.revision, notes=report.notes + kept)
        if draft.trouble is not None:
            raise Misrendered(draft.trouble, report) from draft.trouble
        return report

    def _change(
        self,
        judged: Judged,
        settled: Settled,
        sweep: Sweep | None,
        files: Mapping[str, str | None],
        text: str,
    ) -> Change:
        return self._target.change(
            files,
            text,
            tip=judged.tip,
            taken=judged.taken,
            now=self._clock(),
            state=self._state(judged, settled, sweep, files),
        )

    def _state(
        self,
        judged: Judged,
        settled: Settled,
        sweep: Sweep | None,
        files: Mapping[str, str | None],
    ) -> dict[str, bytes | None]:
        """Return what the state ref remembers: this run, who is missing, how to ask next time."""
        path, source, listing = self._catalogue.path, self._target.source, judged.listing
        held = self._target.repository.object_at(judged.tip, path) if judged.tip else None
        blob = files.get(path) or held
        last = {
            "timestamp": stamp(self._taken),
            "outcome": judged.report.outcome,
            "total": judged.report.new.total,
            "unnamed": sum(not bad.key for bad in listing.bad),
        }
        return {
            f"{source.name}/{LAST_RUN}": dump(last) + b"\n",
            f"{source.name}/{runlog.RUNS}": self._reported(judged.report),
            f"{source.name}/validators.json": conditional.remembered(
                source, listing.validators, blob
            ),
            f"{source.name}/{WAITING}": settled.waiting,
            f"{source.name}/{MISSING}": write_missing(settled.missing) or None,
            f"{source.name}/sweep.json": self._swept(listing, sweep, blob),
        }

    def _reported(self, report: Report) -> bytes:
        """Return the reports of all runs with this one."""
        now = self._clock()
        run = runlog.Run.of(report, began=self._taken, now=now)
        known = runlog.load(self._target.repository, self._target.source.name)
        return runlog.encode([*known, run], now)

    def _swept(self, listing: Listing, sweep: Sweep | None, blob: str | None) -> bytes | None:
        if self._hub.source.changed_since("") is None:
            return None
        return incremental.remembered(
            listing, sweep, identity=self._hub.identity, blob=blob, taken=self._taken
        )

    def evidence(self, error: SnapshotRejected, listing: Listing) -> SnapshotRejected:
        """Keep a refused listing, and return the error that says where."""
        source, repository = self._target.source.name, self._target.repository
        header = Header(source, stamp(self._taken), len(listing.lines))
        name = snapshots.stamped_name(source, self._taken)
        content = snapshot(header, (line.data for line in listing.lines))
        path = keep_evidence(repository, source, name, content)
        root = repository.root
        place = path.relative_to(root) if root and path.is_relative_to(root) else path
        hint = f"look at {place}; {ACCEPT}"
        return SnapshotRejected(str(error), hint=hint)
