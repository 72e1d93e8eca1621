"""Run one source: list, settle, judge, commit."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from archiver.capture import conditional, connection, incremental, validation
from archiver.capture.commit import Keeping
from archiver.capture.listing import Hub
from archiver.capture.report import Report
from archiver.capture.target import open_target
from archiver.capture.validation import Case
from archiver.errors import RepositoryBusy, SnapshotRejected
from archiver.history import compare, revisions
from archiver.records.model import Summary
from archiver.sources.listing import Listing, NotModified
from archiver.sources.protocol import Given
from archiver.store.commit import writing
from archiver.store.repository import Repository
from archiver.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from archiver.capture.incremental import Sweep
    from archiver.config import Config
    from archiver.history.versions import Versions
    from archiver.records.model import ChangeSet, Line
    from archiver.sources import Ledger


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
        clock: Tells the time in UTC.
        accept: Take the listing even if it is not believable.
        dry_run: Say what would be committed; nothing is written.
        progress: Is told after each page.
        given: What somebody else has listed; None: ask the source.

    Raises:
        ConfigError: The source cannot be made of its settings.
        SourceError: There is no complete listing; nothing was written.
        SnapshotRejected: It is not believable; it is kept as evidence, nothing was committed.
        StoreError: It could not be committed; the history is as it was.
        RenderError: The template of the message is wrong; committed with the built-in one.
    """
    with (
        _opened(config, name, clock, progress=progress, given=given) as capture,
        capture.listing(saved=not dry_run) as listing,
    ):
        if isinstance(listing, NotModified):
            report = capture.nothing_new("the source says that nothing was modified")
            return report if dry_run else capture.keep(report)
        if dry_run:
            return capture.report(listing, accept=accept)
        return capture.commit(listing, accept=accept)


@contextmanager
def listed(config: Config, name: str, *, clock: Callable[[], datetime]) -> Iterator[Iterable[Line]]:
    """List the source `name` and yield its lines by key; nothing is written.

    Raises:
        ConfigError: The source cannot be made of its settings.
        SourceError: There is no complete listing.
    """
    with _opened(config, name, clock) as capture, capture.whole() as listing:
        yield listing.lines


def detected(
    config: Config, name: str, *, clock: Callable[[], datetime], given: Listing | None = None
) -> ChangeSet:
    """List the source `name` and return what a capture would change; write nothing.

    Raises:
        ConfigError: The source cannot be made of its settings.
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
        if given is not None:
            yield _Capture(Hub(target, Given(None, base=config.root), Transport()), clock, given)
            return
        with connection.opened(config, target.source) as (source, transport):
            yield _Capture(Hub(target, source, transport, progress), clock)


class _Capture:
    """One run of one source."""

    def __init__(
        self, hub: Hub, clock: Callable[[], datetime], given: Listing | None = None
    ) -> None:
        self._hub = hub
        self._target = hub.target
        self._catalogue = hub.target.catalogue
        self._clock = clock
        self._given = given
        self._taken = clock()
        self._known = revisions.newest(self._catalogue)
        self._sweep = self._last_sweep()
        self._keeping = Keeping(hub, clock, self._taken)

    @contextmanager
    def listing(self, *, saved: bool) -> Iterator[Listing | NotModified]:
        """List the source, or what changed; what it said of its last answer is sent along."""
        if self._given is not None:
            yield self._given
            return
        with self._increment() as changed:
            if changed is not None:
                yield changed
                return
        self._sweep = None
        validators = conditional.asked(self._target.source, self._target.repository, self._known)
        with self._hub.listed(validators, now=self._taken, saved=saved) as found:
            yield found

    @contextmanager
    def whole(self) -> Iterator[Listing]:
        """List the source whether or not anything was modified; nothing is saved."""
        if self._given is not None:
            yield self._given
            return
        with self._hub.listed({}, now=self._taken, saved=False) as listing:
            assert isinstance(listing, Listing)  # noqa: S101  nothing was asked conditionally
            yield listing

    def changes(self, listing: Listing) -> ChangeSet:
        """Return what changed from the newest snapshot to `listing`."""
        with compare.opened(self._catalogue) as versions:
            return self._case(listing, versions).changes()

    def report(self, listing: Listing, *, accept: bool) -> Report:
        """Return what a commit of `listing` would tell."""
        with compare.opened(self._catalogue) as versions:
            case = self._case(listing, versions, accept=accept)
            return case.judged(case.settled()).report

    def nothing_new(self, reason: str) -> Report:
        """Return the report of a run that had nothing to compare."""
        with compare.opened(self._catalogue) as versions:
            end = revisions.find(self._catalogue, versions, "", self._taken).end
        return Report(
            source=self._target.source.name,
            noun=self._target.source.called,
            outcome="unchanged",
            old=end,
            new=end,
            summary=Summary(unchanged=end.total),
            notes=(reason,),
        )

    def keep(self, report: Report) -> Report:
        """Write down that there was a run that had nothing to compare."""
        self._keeping.report(report)
        return report

    def commit(self, listing: Listing, *, accept: bool) -> Report:
        """Settle what the listing lacks, then compare with the tip and commit under the lock."""
        with compare.opened(self._catalogue) as versions:
            case = self._case(listing, versions, accept=accept)
            try:
                settled = case.settled()
                with writing(self._target.repository) as writer:
                    if self._overtaken():
                        return self.nothing_new("another run committed a newer capture meanwhile")
                    judged = case.judged(settled)
                    return self._keeping.commit(writer, judged, settled, self._sweep)
            except SnapshotRejected as error:
                raise self._keeping.evidence(error, listing) from error

    def _overtaken(self) -> bool:
        """Say whether another run committed a newer capture.

        Raises:
            RepositoryBusy: The history changed in another way since the listing was settled.
        """
        newest = revisions.newest(self._catalogue)
        if newest == self._known:
            return False
        if newest is not None and newest.authored_at >= self._taken:
            return True
        raise RepositoryBusy("the history was changed meanwhile", hint="run again")

    def _case(self, listing: Listing, versions: Versions, *, accept: bool = True) -> Case:
        return Case(
            hub=self._hub,
            listing=listing,
            versions=versions,
            newest=self._known,
            taken=self._taken,
            swept=self._sweep.swept if self._sweep else "",
            accept=accept,
        )

    @contextmanager
    def _increment(self) -> Iterator[Listing | None]:
        """List what changed since the last sweep, if there was one and the source can."""
        if self._sweep is None:
            yield None
            return
        with compare.opened(self._catalogue) as versions:
            before = partial(validation.baseline, self._target, versions, self._known)
            with self._hub.increment(self._sweep, before, now=self._taken) as listing:
                yield listing

    def _last_sweep(self) -> Sweep | None:
        if self._given is not None:
            return None
        return incremental.known(
            self._target.repository,
            self._target.source.name,
            self._known,
            identity=self._hub.identity,
            every=self._hub.source.full_every,
            now=self._taken,
        )
