"""Capture one source: list, validate, confirm removals, commit."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from archiver.capture import details, runlog, state
from archiver.capture.candidate import Candidate
from archiver.capture.confirmation import confirm, possible_renames
from archiver.capture.connection import connected
from archiver.capture.pacing import apply_pace
from archiver.capture.report import Misrendered, Report, unchanged
from archiver.capture.rollover import refuse_finished
from archiver.capture.strategy import obtained
from archiver.capture.target import open_target, state_change
from archiver.capture.unknown_fields import unknown_fields
from archiver.capture.validation import Baseline, absent, quarantined, validate
from archiver.errors import RepositoryBusy, SnapshotRejected
from archiver.history import revisions
from archiver.history.foreign import skipped
from archiver.history.versions import opened, stamp, taken_at
from archiver.language import sentence, stored
from archiver.sources.listing import Listing, NotModified
from archiver.store.commit import KEPT_REF, writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from archiver.capture.connection import Connection
    from archiver.capture.state import Sweep
    from archiver.config import Config
    from archiver.history.versions import Version, Versions
    from archiver.records.model import ChangeSet, Line
    from archiver.sources import Ledger
    from archiver.store.commit import Writer

_BEHIND: Final = timedelta(minutes=5)
"""How far the clock may be behind the capture before until the run says so."""
_AHEAD: Final = timedelta(hours=1)
"""How far the clock may be ahead of the server's before the run says so."""


def run(
    config: Config,
    name: str,
    *,
    clock: Callable[[], datetime],
    accept: bool = False,
    dry_run: bool = False,
    progress: Callable[[Ledger], None] | None = None,
    given: Listing | None = None,
) -> Report:
    """Capture the source `name` once.

    Args:
        config: The archiver.toml.
        name: The source.
        clock: Returns the time, UTC.
        accept: Take the listing even if it is not plausible.
        dry_run: Report what would be committed; nothing is written.
        progress: Called with the ledger after each page.
        given: A listing that somebody else made; None: ask the source.

    Raises:
        ConfigError: The settings do not fit the source.
        SourceError: There is no complete listing; nothing was written.
        SnapshotRejected: It is not plausible; it is quarantined, nothing was committed.
        StoreError: It could not be committed; the history is as it was.
        RenderError: The template of the message is wrong; committed with the built-in one.
    """
    with (
        _opened(config, name, clock, progress=progress, given=given) as capture,
        capture.listing(saved=not dry_run) as listing,
    ):
        if isinstance(listing, NotModified):
            return capture.not_modified(dry_run=dry_run)
        if dry_run:
            return capture.report(listing, accept=accept)
        return capture.commit(listing, accept=accept)


@contextmanager
def listed(config: Config, name: str, *, clock: Callable[[], datetime]) -> Iterator[Iterable[Line]]:
    """List the source `name` and yield its lines by key; nothing is written.

    Raises:
        ConfigError: The settings do not fit the source.
        SourceError: There is no complete listing.
    """
    with _opened(config, name, clock) as capture, capture.whole() as listing:
        yield listing.lines


def detected(
    config: Config, name: str, *, clock: Callable[[], datetime], given: Listing | None = None
) -> ChangeSet:
    """List the source `name` and return what a capture would change; write nothing.

    Raises:
        ConfigError: The settings do not fit the source.
        SourceError: There is no complete listing.
    """
    with _opened(config, name, clock, given=given) as capture, capture.whole() as listing:
        return capture.changes(listing)


@contextmanager
def _opened(
    config: Config,
    name: str,
    clock: Callable[[], datetime],
    *,
    progress: Callable[[Ledger], None] | None = None,
    given: Listing | None = None,
) -> Iterator[_Capture]:
    with Repository.open(config.root) as repository:
        target = open_target(config, name, repository)
        refuse_finished(target)
        with connected(target, progress=progress, given=given) as asked:
            yield _Capture(asked, clock)


class _Capture:
    """One run of one source."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._target = connection.target
        self._catalogue = connection.target.catalogue
        self._clock = clock
        self._taken = clock()
        self._newest = revisions.newest(self._catalogue)
        self._sweep: Sweep | None = None

    @contextmanager
    def listing(self, *, saved: bool, full: bool = False) -> Iterator[Listing | NotModified]:
        """List the source (see `obtained`)."""
        with obtained(self._connection, self._newest, now=self._taken, saved=saved, full=full) as (
            found,
            self._sweep,
        ):
            yield found

    @contextmanager
    def whole(self) -> Iterator[Listing]:
        """List the source in full, whether or not it was modified; nothing is saved."""
        with self.listing(saved=False, full=True) as listing:
            assert isinstance(listing, Listing)  # noqa: S101  nothing was asked conditionally
            yield listing

    def changes(self, listing: Listing) -> ChangeSet:
        """Return what a commit of `listing` would change; whatever changed is plausible."""
        with opened(self._catalogue) as versions:
            return self._candidate(listing, versions, accept=True).changes()

    def report(self, listing: Listing, *, accept: bool) -> Report:
        """Return what a commit of `listing` would report."""
        with opened(self._catalogue) as versions:
            return self._candidate(listing, versions, accept=accept).report()

    def commit(self, listing: Listing, *, accept: bool) -> Report:
        """Confirm removals, then compare with the tip and commit under the lock."""
        with opened(self._catalogue) as versions:
            try:
                candidate = self._candidate(listing, versions, accept=accept)
                with writing(self._target.repository) as writer:
                    if self._overtaken():
                        return self._unchanged(
                            stored("another run committed a newer capture meanwhile")
                        )
                    return self._committed(writer, candidate)
            except SnapshotRejected as error:
                raise quarantined(self._target, listing, self._taken, error) from error

    def not_modified(self, *, dry_run: bool) -> Report:
        """Report that the source was not modified; only the state moves."""
        report = self._unchanged(stored("the source says that nothing was modified"))
        if not dry_run:
            with writing(self._target.repository) as writer:
                now = self._clock()
                runs = runlog.reported(self._target, report, began=self._taken, now=now)
                writer.commit(state_change(self._target.config, runs, now=now))
        return report

    def _unchanged(self, reason: str) -> Report:
        with opened(self._catalogue) as versions:
            end = revisions.find(self._catalogue, versions, "", self._taken).end
        return unchanged(self._target.source, end, reason)

    def _candidate(self, listing: Listing, versions: Versions, *, accept: bool) -> Candidate:
        """Validate the listing, enrich it, and confirm removals; asks the source.

        Raises:
            SnapshotRejected: The listing is not plausible.
            MalformedPage: It holds no usable record at all.
        """
        target, source = self._target, self._connection.source
        baseline = Baseline(self._catalogue, versions, self._newest)
        before = baseline.open()
        lost = absent(before, listing.lines)
        if source.watched:  # what nobody watches any more has left
            lost = {key: lost[key] for key in source.watched if key in lost}
        renames = possible_renames(lost, listing.lines, target.source.key)
        gone = len(lost) - len(renames)
        validate(
            self._connection,
            listing,
            before,
            lost=gone,
            imported=baseline.imported,
            accept=accept,
        )
        waiting = details.enrich(self._connection, listing, baseline)
        confirmation = confirm(
            listing,
            lost,
            state.memory(target, target.tip()),
            self._connection.fates,
            renames=renames,
            confirmations=target.source.confirmations or source.confirmations,
            taken=self._taken,
            last_seen=before.end.timestamp or "",
            noun=target.source.called,
            label=target.source.label,
        )
        paced = apply_pace(target, listing, baseline, taken=self._taken, accept=accept)
        reasons = [f"{bad.place} ({bad.reason})" for bad in listing.bad]
        bad = skipped(reasons, () if source.overlapping else listing.duplicates)
        unknown = unknown_fields(target.config, target.source, source.defaults, listing.lines)
        return Candidate(
            target=target,
            baseline=baseline,
            listing=listing,
            confirmation=confirmation,
            taken=self._taken,
            link=source.link,
            accept=accept or paced.judged,
            part=bool(source.watched),
            metrics=paced.metrics,
            swept=self._sweep.swept if self._sweep else "",
            notes=(
                *self._connection.notes,
                *self._clocks(before),
                *paced.notes,
                *listing.notes,
                *bad,
                *unknown,
            ),
            waiting=waiting,
        )

    def _clocks(self, before: Version) -> Iterator[str]:
        """Yield what is wrong with the clock: dates are looked up by it."""
        taken, site = stamp(self._taken), self._connection.transport.site_time
        last = taken_at(before.end)
        if last is not None and last - self._taken > _BEHIND:
            yield sentence(
                "the clock says {taken} UTC; the capture before is of {last} UTC",
                taken=taken,
                last=stamp(last),
            )
        if site is not None and self._taken - site > _AHEAD:
            yield sentence(
                "the clock says {taken} UTC; the server's says {site} UTC",
                taken=taken,
                site=stamp(site),
            )

    def _overtaken(self) -> bool:
        """Say whether another run committed a newer capture.

        Raises:
            RepositoryBusy: The history changed in another way since the listing was validated.
        """
        newest = revisions.newest(self._catalogue)
        if newest == self._newest:
            return False
        if newest is not None and newest.authored_at >= self._taken:
            return True
        raise RepositoryBusy(
            sentence("the history was changed meanwhile"), hint=sentence("run again")
        )

    def _committed(self, writer: Writer, candidate: Candidate) -> Report:
        """Commit the candidate, if it is worth a commit; the state moves in any case.

        Raises:
            StoreError: It could not be committed; the history is as it was.
            Misrendered: A template is wrong; committed with the built-in one.
        """
        draft, now = candidate.draft(writer), self._clock()
        done = writer.commit(
            self._target.change(
                draft.files,
                draft.message,
                tip=draft.tip,
                taken=draft.taken,
                now=now,
                state=state.remembered(self._connection, candidate, draft, self._sweep, now),
            )
        )
        if not draft.files:
            return draft.report
        writer.pack((self._clock() - self._taken).total_seconds())
        kept = tuple(
            sentence("your changes to {path} are kept on {kept_ref}", path=path, kept_ref=KEPT_REF)
            for path in done.kept
        )
        notes = (*draft.report.notes, *kept)
        report = replace(draft.report, revision=done.revision, notes=notes)
        if draft.error is not None:
            raise Misrendered(draft.error, report) from draft.error
        return report
