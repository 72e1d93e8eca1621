"""Run a source the way an unattended job does: capture, report, push, tell."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from archiver.capture import capture, runlog
from archiver.capture.report import Misrendered
from archiver.errors import ArchiverError, NotifyError, ShallowHistory, StoreError
from archiver.notify import delivery, dispatch
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
        accept: Take a listing even if it is not believable.
        dry_run: Say what would be committed; nothing is written, pushed or told.
        push: Bring this copy to where the remote is before the run, and push after it.
        notify: Tell the channels of archiver.toml.
    """

    accept: bool = False
    dry_run: bool = False
    push: bool = False
    notify: bool = True

    def prepare(
        self, config: Config, names: Iterable[str], *, clock: Callable[[], datetime]
    ) -> tuple[str, ...]:
        """Fetch before the sources `names` are run; return what the person should know.

        A remote that cannot be reached or joined does not keep a hub from being captured. The
        archiver.toml may be another one afterwards.

        Raises:
            ConfigError: A channel cannot be made of its settings; the reports say so.
            PushRejected: There is no remote; the reports say so.
            StoreError: HEAD is detached; the reports say so.
        """
        if self.dry_run:
            return ()
        began = clock()
        try:
            if self.notify:
                dispatch.check(config)
            if self.push:
                push.check(config)
        except ArchiverError as error:
            for name in names:
                runlog.record_failure(config, name, error, began=began, now=clock())
            raise
        try:
            return push.fetched(config, clock=clock).notes if self.push else ()
        except StoreError as error:
            return (f"not fetched: {error}",)

    def run(
        self,
        config: Config,
        name: str,
        *,
        clock: Callable[[], datetime],
        progress: Callable[[Ledger], None] | None = None,
        given: Callable[[], Listing | None] = lambda: None,
        captured: Callable[[Report], object] = lambda _: None,
    ) -> Report:
        """Run the source `name` once: capture it, write the report, push, then tell.

        Args:
            config: The archiver.toml.
            name: The source.
            clock: Tells the time, UTC.
            progress: Is told after each page.
            given: Returns what somebody else has listed; None: ask the source.
            captured: Is told what was captured as soon as that is certain, also where pushing or
                telling fails after it.

        Raises:
            ConfigError: The source cannot be made of its settings.
            SourceError: There is no complete listing; the report says so.
            SnapshotRejected: It is not believable; the report says so.
            StoreError: It could not be committed.
            PushRejected: It is committed here, but the remote did not take it.
            RenderError: A template is wrong; committed and pushed with the built-in one.
            NotifyError: It is committed and pushed, but a channel was not told.
        """
        began = clock()
        trouble: ArchiverError | None = None
        try:
            config = pinned(config)
            report = capture.run(
                config,
                name,
                clock=clock,
                accept=self.accept,
                dry_run=self.dry_run,
                progress=progress,
                given=given(),
            )
        except Misrendered as error:
            report, trouble = error.report, error
        except Exception as error:
            if not self.dry_run:
                self._failed(config, name, error, began=began, clock=clock)
            raise
        if self.dry_run:
            captured(report)
            return report
        report = self._pushed(config, report, clock, captured, began)
        captured(report)
        try:
            self._told(config, report, clock, began)
        except ArchiverError:
            if trouble is not None:
                _log.warning("%s", trouble)  # two went wrong, and one of them can be raised
            raise
        if trouble is not None:
            runlog.record_failure(config, name, trouble, began=began, now=clock(), captured=True)
            self._push_state(config, clock)
            raise trouble
        return report

    def _pushed(
        self,
        config: Config,
        report: Report,
        clock: Callable[[], datetime],
        captured: Callable[[Report], object],
        began: datetime,
    ) -> Report:
        """Return the report of the commit as it was pushed: it may have been built anew."""
        if not self.push:
            return report
        try:
            return _as_pushed(report, push.push(config, clock=clock))
        except ArchiverError as error:
            runlog.record_failure(
                config, report.source, error, began=began, now=clock(), captured=True
            )
            captured(report)
            raise

    def _told(
        self, config: Config, report: Report, clock: Callable[[], datetime], began: datetime
    ) -> None:
        if self.notify and config.notify:
            try:
                self._tell(config, report, clock)
            except ArchiverError as error:
                runlog.record_failure(
                    config, report.source, error, began=began, now=clock(), captured=True
                )
                raise
            finally:
                self._push_state(config, clock)

    def _tell(self, config: Config, report: Report, clock: Callable[[], datetime]) -> None:
        """Tell the channels; a clone that is too shallow to know since when is deepened."""
        try:
            delivery.notify_changes(config, report, now=clock())
        except ShallowHistory as short:
            if not self.push:
                raise NotifyError(f"not notified: {short}", hint=short.hint) from short
            push.deepened(config)
            delivery.notify_changes(config, report, now=clock())

    def _failed(
        self,
        config: Config,
        name: str,
        error: Exception,
        *,
        began: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        """Write the report of a run that failed, push it, and tell of the outage once.

        Trouble with that is logged: the error itself is what the person must see.
        """
        runlog.record_failure(config, name, error, began=began, now=clock())
        try:
            if self.notify and config.notify:
                delivery.notify_outage(config, name, now=clock())
        except ArchiverError as trouble:
            _log.warning("%s", trouble)
        self._push_state(config, clock)

    def _push_state(self, config: Config, clock: Callable[[], datetime]) -> None:
        if not self.push:
            return
        try:
            push.push(config, clock=clock)
        except ArchiverError as trouble:
            _log.warning("the report was not pushed: %s", trouble)


def pinned(config: Config) -> Config:
    """Return `config` with the branch that is meant now, whatever is checked out later.

    A run takes minutes, in which a person may switch to a branch of their own.

    Raises:
        StoreError: HEAD is detached and no branch is configured.
    """
    with Repository.open(config.root) as repository:
        branch = repository.branch(config.archive.branch).removeprefix(BRANCHES)
    return replace(config, archive=msgspec.structs.replace(config.archive, branch=branch))


def _as_pushed(report: Report, synced: push.Synced) -> Report:
    """Return the report of the commit as it was pushed: it may have been built anew."""
    found = synced.rebuilt.get(report.revision or "")
    notes = (*report.notes, *synced.notes)
    if found is not None:
        told = found.report or report
        report = msgspec.structs.replace(told, revision=found.revision or None)
    return msgspec.structs.replace(report, notes=notes)
