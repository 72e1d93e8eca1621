"""The job: one run of a source from fetch to notification."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from archiver.capture import capture, runlog
from archiver.capture.report import Misrendered
from archiver.errors import (
    ArchiverError,
    NotifyError,
    ShallowHistory,
    StoreError,
    Unfinished,
    reason,
)
from archiver.history import index as indexes
from archiver.history.catalogue import configured
from archiver.language import sentence
from archiver.notify import delivery
from archiver.store.repository import BRANCHES, Repository
from archiver.sync import push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from archiver.capture.report import Report
    from archiver.config import Config
    from archiver.sources import Ledger
    from archiver.sources.listing import Listing

_log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """How sources are run.

    Attributes:
        accept: Commit a listing even if it is not plausible.
        dry_run: Compute what would be committed; write, push and notify nothing.
        push: Fetch before the run and push after it.
        notify: Notify the channels of archiver.toml.
        until: When a listing that is not at its end stops, UTC; None: it goes on to its end.
    """

    accept: bool = False
    dry_run: bool = False
    push: bool = False
    notify: bool = True
    until: datetime | None = None

    def prepare(
        self, config: Config, names: Iterable[str], *, clock: Callable[[], datetime]
    ) -> tuple[str, ...]:
        """Fetch before the sources `names` are run; return notes for the user.

        A failed fetch or rebase does not keep a source from being captured. The fetch may change
        archiver.toml.

        Raises:
            PushRejected: There is no remote; recorded in the run reports.
            StoreError: HEAD is detached; recorded in the run reports.
        """
        if self.dry_run:
            return ()
        began = clock()
        try:
            if self.push:
                push.check(config)
        except ArchiverError as error:
            for name in names:
                runlog.record_failure(config, name, error, began=began, now=clock())
            raise
        try:
            return push.fetched(config, clock=clock).notes if self.push else ()
        except StoreError as error:
            return (sentence("not fetched: {error}", error=reason(error)),)

    def run(
        self,
        config: Config,
        name: str,
        *,
        clock: Callable[[], datetime],
        progress: Callable[[Ledger], None] | None = None,
        lister: Callable[[], Listing | None] = lambda: None,
        on_capture: Callable[[Report], object] = lambda _: None,
    ) -> Report:
        """Run the source `name` once: capture, write the run report, push, notify.

        Args:
            config: The archiver.toml.
            name: The source.
            clock: Returns the time, UTC.
            progress: Receives the ledger after each page.
            lister: Lists the source in place of its configured type; None: its type does.
            on_capture: Receives the report once it is final, also if pushing or notifying fails.

        Raises:
            ConfigError: The source cannot be made from its settings.
            SourceError: There is no complete listing; recorded in the run report.
            Unfinished: There is none yet, and the next run goes on with it; recorded likewise.
            SnapshotRejected: The listing is not plausible; recorded in the run report.
            StoreError: It could not be committed.
            PushRejected: It is committed here, but the remote rejected it.
            RenderError: A template is wrong; committed and pushed with the built-in one.
            NotifyError: It is committed and pushed, but a channel was not notified.
        """
        run = _Run(self, config, name, clock)
        template_error = None
        try:
            report = run.capture(progress, lister)
        except Misrendered as error:
            report, template_error = error.report, error
        except Exception as error:
            run.fail(error)
            raise
        report = run.push(report, on_capture)
        on_capture(report)
        run.index()
        run.finish(report, template_error)
        return report


class _Run:
    """One run of one source."""

    def __init__(
        self, job: Job, config: Config, source: str, clock: Callable[[], datetime]
    ) -> None:
        self._job = job
        self._config = config
        self._source = source
        self._clock = clock
        self._began = clock()
        self._pushes = job.push and not job.dry_run
        self._notifies = job.notify and not job.dry_run and bool(config.notify)

    def capture(
        self,
        progress: Callable[[Ledger], None] | None,
        lister: Callable[[], Listing | None],
    ) -> Report:
        """Capture the source on the branch that is checked out now, whatever is later."""
        self._config = on_current_branch(self._config)
        return capture.run(
            self._config,
            self._source,
            clock=self._clock,
            accept=self._job.accept,
            dry_run=self._job.dry_run,
            progress=self._limited(progress),
            given=lister(),
        )

    def _limited(
        self, progress: Callable[[Ledger], None] | None
    ) -> Callable[[Ledger], None] | None:
        """Return `progress`, which also ends a listing that goes on beyond the time limit."""
        until = self._job.until
        if until is None:
            return progress

        def watched(ledger: Ledger) -> None:
            if progress is not None:
                progress(ledger)
            if self._clock() >= until:
                raise Unfinished(
                    sentence(
                        "the time limit is reached after {pages:,} pages with {distinct:,} records",
                        pages=len(ledger.entries),
                        distinct=ledger.distinct,
                    ),
                    hint=sentence("run again: the listing of a hub goes on where it stopped"),
                )

        return watched

    def fail(self, error: Exception) -> None:
        """Record that the run failed, notify of the outage, push both.

        Errors of this are logged: the user must see `error` itself.
        """
        if self._job.dry_run:
            return
        self._record(error, captured=False)
        try:
            if self._notifies:
                delivery.notify_outage(self._config, self._source, now=self._clock())
        except ArchiverError as failure:
            _log.warning(reason(failure))
        self._push_state()

    def push(self, report: Report, on_capture: Callable[[Report], object]) -> Report:
        """Push the capture; return its report as pushed, which may be that of a rebased commit."""
        if not self._pushes:
            return report
        try:
            return _as_pushed(report, push.push(self._config, clock=self._clock))
        except ArchiverError as error:
            self._record(error)
            on_capture(report)
            raise

    def index(self) -> None:
        """Bring the index up to date where one is kept; a capture never fails for it."""
        if self._job.dry_run:
            return
        try:
            with Repository.open(self._config.root) as repository:
                indexes.keep(configured(self._config, self._source, repository))
        except ArchiverError as error:
            _log.warning(sentence("the index was not updated: {error}", error=reason(error)))

    def finish(self, report: Report, template_error: Misrendered | None) -> None:
        """Notify the channels, push the state; raise what went wrong with them or a template."""
        if template_error is not None:
            self._record(template_error)
        try:
            if self._notifies:
                self._notify(report)
        except ArchiverError as error:
            self._record(error)
            if template_error is not None:
                _log.warning(reason(template_error))  # only one of the two can be raised
            raise
        finally:
            if self._notifies or template_error is not None:
                self._push_state()
        if template_error is not None:
            raise template_error

    def _notify(self, report: Report) -> None:
        """Notify the channels; a clone without their last notification is deepened."""
        try:
            delivery.notify_changes(self._config, report, now=self._clock())
        except ShallowHistory as short:
            if not self._pushes:
                raise NotifyError(
                    sentence("not notified: {short}", short=reason(short)), hint=short.hint
                ) from short
            push.deepened(self._config)
            delivery.notify_changes(self._config, report, now=self._clock())

    def _record(self, error: Exception, *, captured: bool = True) -> None:
        runlog.record_failure(
            self._config,
            self._source,
            error,
            began=self._began,
            now=self._clock(),
            captured=captured,
        )

    def _push_state(self) -> None:
        if self._pushes:
            try:
                push.push(self._config, clock=self._clock)
            except ArchiverError as error:
                _log.warning(
                    sentence("the run report was not pushed: {error}", error=reason(error))
                )


def on_current_branch(config: Config) -> Config:
    """Return `config` with the current branch as its branch, if it names none.

    A run takes minutes, in which a person may check out another branch.

    Raises:
        StoreError: HEAD is detached and no branch is configured.
    """
    with Repository.open(config.root) as repository:
        branch = repository.branch(config.archive.branch).removeprefix(BRANCHES)
    return replace(config, archive=msgspec.structs.replace(config.archive, branch=branch))


def _as_pushed(report: Report, synced: push.Synced) -> Report:
    found = synced.rebuilt.get(report.revision or "")
    notes = (*report.notes, *synced.notes)
    if found is not None:
        report = msgspec.structs.replace(found.report or report, revision=found.revision or None)
    return msgspec.structs.replace(report, notes=notes)
