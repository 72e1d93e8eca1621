"""Run one source: list, judge, commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from archiver import sources
from archiver.changes.guard import ACCEPT
from archiver.errors import RenderError, SnapshotRejected
from archiver.records.canonical import Header, snapshot
from archiver.records.digest import records_digest
from archiver.records.jsontext import dump
from archiver.records.model import ChangeSet, Summary
from archiver.sources.listing import Listing, NotModified, fetch
from archiver.store.commit import KEPT_REF, writing
from archiver.store.quarantine import keep_evidence
from archiver.store.repository import Repository
from archiver.transport import Transport
from archiver.watcher import conditions, history, judging, moments, snapshots, upkeep
from archiver.watcher.report import Report, commit_message
from archiver.watcher.target import Target, open_target
from archiver.watcher.versions import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.config import Config
    from archiver.sources import Ledger
    from archiver.store.change import Change
    from archiver.store.commit import Writer
    from archiver.watcher.judging import Judged
    from archiver.watcher.versions import Versions


def run(
    config: Config,
    name: str,
    *,
    clock: Callable[[], datetime],
    accept: bool = False,
    dry_run: bool = False,
    progress: Callable[[Ledger], None] | None = None,
) -> Report:
    """Capture the source `name` once.

    Args:
        config: The archiver.toml.
        name: The source.
        clock: Tells the time in UTC.
        accept: Take the listing even if it is not believable.
        dry_run: Say what would be committed; nothing is written.
        progress: Is told after each page.

    Raises:
        ConfigError: The source cannot be made of its settings.
        SourceError: There is no complete listing; nothing was written.
        SnapshotRejected: It is not believable; it is kept as evidence, nothing was committed.
        StoreError: It could not be committed; the history is as it was.
        RenderError: The template of the message is wrong; committed with the built-in one.
    """
    with Repository.open(config.root) as repository:
        capture = _Capture(open_target(config, name, repository), clock)
        listing = capture.fetch(progress)
        if isinstance(listing, NotModified):
            return capture.nothing_new("the source says that nothing was modified")
        if dry_run:
            return capture.report(listing, accept=accept)
        with writing(repository) as writer:
            return capture.commit(writer, listing, accept=accept)


def fetched(config: Config, name: str, *, clock: Callable[[], datetime]) -> Listing:
    """List the source `name` and write nothing.

    Raises:
        ConfigError: The source cannot be made of its settings.
        SourceError: There is no complete listing.
    """
    with Repository.open(config.root) as repository:
        return _Capture(open_target(config, name, repository), clock).fetch_whole()


def detected(config: Config, name: str, *, clock: Callable[[], datetime]) -> ChangeSet:
    """List the source `name` and return what changed since its newest snapshot; write nothing.

    Raises:
        ConfigError: The source cannot be made of its settings.
        SourceError: There is no complete listing.
    """
    with Repository.open(config.root) as repository:
        capture = _Capture(open_target(config, name, repository), clock)
        return capture.changes(capture.fetch_whole())


class _Capture:
    """One run of one source."""

    def __init__(self, target: Target, clock: Callable[[], datetime]) -> None:
        self._target = target
        self._source = target.source
        self._repository = target.repository
        self._catalogue = target.catalogue
        self._clock = clock
        self._taken = clock()
        self._known = moments.newest(self._catalogue)

    def fetch(self, progress: Callable[[Ledger], None] | None) -> Listing | NotModified:
        """List the source; what it said of its last answer is sent along."""
        asked = conditions.asked(self._source, self._repository, self._known)
        return self._fetch(asked, progress)

    def fetch_whole(self) -> Listing:
        """List the source, whether or not anything was modified."""
        listing = self._fetch({}, None)
        assert isinstance(listing, Listing)  # noqa: S101  nothing was asked conditionally
        return listing

    def changes(self, listing: Listing) -> ChangeSet:
        """Return what changed from the newest snapshot to `listing`."""
        with history.opened(self._catalogue) as versions:
            return judging.changes(self._target, listing, versions, taken=self._taken)

    def report(self, listing: Listing, *, accept: bool) -> Report:
        """Return what a commit of `listing` would tell."""
        with history.opened(self._catalogue) as versions:
            return self._judged(listing, versions, accept=accept).report

    def nothing_new(self, reason: str) -> Report:
        """Return the report of a run that had nothing to compare."""
        with history.opened(self._catalogue) as versions:
            end = moments.find(self._catalogue, versions, "", self._taken).end
        return Report(
            source=self._source.name,
            outcome="unchanged",
            old=end,
            new=end,
            summary=Summary(unchanged=end.total),
            notes=(reason,),
        )

    def commit(self, writer: Writer, listing: Listing, *, accept: bool) -> Report:
        """Compare with the tip and commit what is worth it; the lock is held."""
        newest = moments.newest(self._catalogue)
        if newest != self._known and newest is not None and newest.authored_at >= self._taken:
            return self.nothing_new("another run committed a newer capture meanwhile")
        with history.opened(self._catalogue) as versions:
            try:
                judged = self._judged(listing, versions, accept=accept)
            except SnapshotRejected as error:
                raise self._with_evidence(error, listing) from error
            if judged.report.outcome == "unchanged":
                writer.commit(self._change(judged, {}, ""))
                return judged.report
            return self._committed(writer, judged)

    def _fetch(
        self, validators: Mapping[str, str], progress: Callable[[Ledger], None] | None
    ) -> Listing | NotModified:
        config = self._target.config
        environment = config.environment
        source = sources.create(self._source.name, self._source.settings, base=config.root)
        with Transport(proxies=environment.proxies, ca_bundle=environment.ca_bundle) as transport:
            return fetch(
                source,
                transport,
                key=self._source.key,
                validators=validators,
                progress=progress,
            )

    def _judged(self, listing: Listing, versions: Versions, *, accept: bool) -> Judged:
        return judging.judged(self._target, listing, versions, taken=self._taken, accept=accept)

    def _committed(self, writer: Writer, judged: Judged) -> Report:
        name = snapshots.stamped_name(self._source.name, judged.taken)
        blobs = judged.layout.write(writer, judged.before)
        files = self._target.files(blobs, name, judged.tip)
        files |= upkeep.outdated(self._target, judged.tip, judged.taken)
        lines = (line.data for line in judged.listing.lines)
        text, trouble = commit_message(
            judged.report,
            judged.listing.proof,
            records_digest(lines, self._catalogue.policy),
            folder=self._target.config.template_folder,
        )
        done = writer.commit(self._change(judged, files, text))
        writer.pack()
        if trouble is not None:
            safe = f"the capture is safe: {done.revision} has the built-in message"
            raise RenderError(str(trouble), hint=safe) from trouble
        kept = tuple(f"your changes to {path} are kept on {KEPT_REF}" for path in done.kept)
        notes = judged.report.notes + kept
        return replace(judged.report, revision=done.revision, snapshot=name, notes=notes)

    def _change(self, judged: Judged, files: Mapping[str, str | None], text: str) -> Change:
        return self._target.change(
            files,
            text,
            tip=judged.tip,
            taken=judged.taken,
            now=self._clock(),
            state=self._state(judged, files),
        )

    def _state(self, judged: Judged, files: Mapping[str, str | None]) -> dict[str, bytes | None]:
        """Return what the state ref remembers: this run, and how to ask "modified?" next time."""
        path = self._catalogue.path
        held = self._repository.object_at(judged.tip, path) if judged.tip else None
        last = {
            "timestamp": stamp(self._taken),
            "outcome": judged.report.outcome,
            "total": judged.report.new.total,
        }
        asking = conditions.remembered(
            self._source, judged.listing.validators, files.get(path) or held
        )
        name = self._source.name
        return {f"{name}/last-run.json": dump(last) + b"\n", f"{name}/validators.json": asking}

    def _with_evidence(self, error: SnapshotRejected, listing: Listing) -> SnapshotRejected:
        """Keep a refused listing, and say where."""
        header = Header(self._source.name, stamp(self._taken), len(listing.lines))
        name = snapshots.stamped_name(self._source.name, self._taken)
        content = snapshot(header, (line.data for line in listing.lines))
        path = keep_evidence(self._repository, self._source.name, name, content)
        root = self._repository.root
        place = path.relative_to(root) if root and path.is_relative_to(root) else path
        hint = f"look at {place}; {ACCEPT}"
        return SnapshotRejected(str(error), hint=hint)
