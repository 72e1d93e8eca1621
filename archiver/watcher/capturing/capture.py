"""Run one source: list, settle, judge, commit."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from archiver.changes.guard import ACCEPT
from archiver.changes.lifecycle import write_missing
from archiver.errors import RepositoryBusy, SnapshotRejected
from archiver.records.canonical import Header, snapshot
from archiver.records.jsontext import dump
from archiver.records.model import Summary
from archiver.sources.given import Given
from archiver.sources.listing import Listing, NotModified
from archiver.store.commit import KEPT_REF, writing
from archiver.store.quarantine import keep_evidence
from archiver.store.repository import Repository
from archiver.transport import Transport
from archiver.watcher.capturing import conditions, judging, ledger, network, sweeps
from archiver.watcher.capturing.drafting import drafted
from archiver.watcher.capturing.enriching import WAITING
from archiver.watcher.capturing.judging import Case
from archiver.watcher.capturing.listings import Hub
from archiver.watcher.capturing.report import Misrendered, Report, proven
from archiver.watcher.capturing.settling import LAST_RUN, MISSING
from archiver.watcher.capturing.target import open_target
from archiver.watcher.reading import history, moments, snapshots
from archiver.watcher.reading.versions import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from archiver.config import Config
    from archiver.records.model import ChangeSet, Line
    from archiver.sources import Ledger
    from archiver.store.change import Change
    from archiver.store.commit import Writer
    from archiver.watcher.capturing.judging import Judged
    from archiver.watcher.capturing.settling import Settled
    from archiver.watcher.capturing.sweeps import Sweep
    from archiver.watcher.reading.versions import Versions


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
            return report if dry_run else capture.remember(report)
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
        with network.opened(config, target.source) as (source, transport):
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
        self._known = moments.newest(self._catalogue)
        self._sweep = self._last_sweep()

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
        validators = conditions.asked(self._target.source, self._target.repository, self._known)
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
        with history.opened(self._catalogue) as versions:
            return self._case(listing, versions).changes()

    def report(self, listing: Listing, *, accept: bool) -> Report:
        """Return what a commit of `listing` would tell."""
        with history.opened(self._catalogue) as versions:
            case = self._case(listing, versions, accept=accept)
            return case.judged(case.settled()).report

    def nothing_new(self, reason: str) -> Report:
        """Return the report of a run that had nothing to compare."""
        with history.opened(self._catalogue) as versions:
            end = moments.find(self._catalogue, versions, "", self._taken).end
        return Report(
            source=self._target.source.name,
            outcome="unchanged",
            old=end,
            new=end,
            summary=Summary(unchanged=end.total),
            notes=(reason,),
        )

    def remember(self, report: Report) -> Report:
        """Write down that there was a run that had nothing to compare; only the state moves."""
        with writing(self._target.repository) as writer:
            state = {f"{report.source}/{ledger.RUNS}": self._reported(report)}
            tip, now = self._target.tip(), self._clock()
            writer.commit(
                self._target.change({}, "", tip=tip, taken=self._taken, now=now, state=state)
            )
        return report

    def commit(self, listing: Listing, *, accept: bool) -> Report:
        """Settle what the listing lacks, then compare with the tip and commit under the lock."""
        with history.opened(self._catalogue) as versions:
            case = self._case(listing, versions, accept=accept)
            try:
                settled = case.settled()
                with writing(self._target.repository) as writer:
                    if self._overtaken():
                        return self.nothing_new("another run committed a newer capture meanwhile")
                    return self._commit(writer, case.judged(settled), settled)
            except SnapshotRejected as error:
                raise self._with_evidence(error, listing) from error

    def _overtaken(self) -> bool:
        """Say whether another run committed a newer capture.

        Raises:
            RepositoryBusy: The history changed in another way since the listing was settled.
        """
        newest = moments.newest(self._catalogue)
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

    def _commit(self, writer: Writer, judged: Judged, settled: Settled) -> Report:
        if judged.report.outcome == "unchanged":
            writer.commit(self._change(judged, settled, {}, ""))
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
        done = writer.commit(self._change(judged, settled, draft.files, draft.text))
        writer.pack()
        kept = tuple(f"your changes to {path} are kept on {KEPT_REF}" for path in done.kept)
        report = replace(report, revision=done.revision, notes=report.notes + kept)
        if draft.trouble is not None:
            raise Misrendered(draft.trouble, report) from draft.trouble
        return report

    def _change(
        self, judged: Judged, settled: Settled, files: Mapping[str, str | None], text: str
    ) -> Change:
        return self._target.change(
            files,
            text,
            tip=judged.tip,
            taken=judged.taken,
            now=self._clock(),
            state=self._state(judged, settled, files),
        )

    def _state(
        self, judged: Judged, settled: Settled, files: Mapping[str, str | None]
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
            f"{source.name}/{ledger.RUNS}": self._reported(judged.report),
            f"{source.name}/validators.json": conditions.remembered(
                source, listing.validators, blob
            ),
            f"{source.name}/{WAITING}": settled.waiting,
            f"{source.name}/{MISSING}": write_missing(settled.missing) or None,
            f"{source.name}/sweep.json": self._remembered_sweep(listing, blob),
        }

    def _reported(self, report: Report) -> bytes:
        """Return the reports of all runs with this one."""
        now = self._clock()
        run = ledger.told(report, began=self._taken, now=now)
        known = ledger.known(self._target.repository, self._target.source.name)
        return ledger.written([*known, run], now)

    @contextmanager
    def _increment(self) -> Iterator[Listing | None]:
        """List what changed since the last sweep, if there was one and the source can."""
        if self._sweep is None:
            yield None
            return
        with history.opened(self._catalogue) as versions:
            before = partial(judging.baseline, self._target, versions, self._known)
            with self._hub.increment(self._sweep, before, now=self._taken) as listing:
                yield listing

    def _last_sweep(self) -> Sweep | None:
        if self._given is not None:
            return None
        return sweeps.known(
            self._target.repository,
            self._target.source.name,
            self._known,
            identity=self._hub.identity,
            every=self._hub.source.full_every,
            now=self._taken,
        )

    def _remembered_sweep(self, listing: Listing, blob: str | None) -> bytes | None:
        if self._hub.source.changed_since("") is None:
            return None
        return sweeps.remembered(
            listing, self._sweep, identity=self._hub.identity, blob=blob, taken=self._taken
        )

    def _with_evidence(self, error: SnapshotRejected, listing: Listing) -> SnapshotRejected:
        """Keep a refused listing, and say where."""
        source, repository = self._target.source.name, self._target.repository
        header = Header(source, stamp(self._taken), len(listing.lines))
        name = snapshots.stamped_name(source, self._taken)
        content = snapshot(header, (line.data for line in listing.lines))
        path = keep_evidence(repository, source, name, content)
        root = repository.root
        place = path.relative_to(root) if root and path.is_relative_to(root) else path
        hint = f"look at {place}; {ACCEPT}"
        return SnapshotRejected(str(error), hint=hint)
