"""Notification of channels: changes, outages and recoveries, after they are safe in git."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from archiver.capture import runlog
from archiver.capture.target import state_change
from archiver.changes.renames import Hints, Renames
from archiver.changes.severity import scale
from archiver.errors import UnknownRevision
from archiver.history import queries, revisions, snapshots
from archiver.history.catalogue import configured
from archiver.history.flapping import noted
from archiver.history.versions import opened, stamp
from archiver.language import sentence, speaking
from archiver.notify import dispatch, outages, outbox
from archiver.notify.filters import flattened, pinned, summed_up
from archiver.notify.messages import News, changes_message, transition_message
from archiver.notify.outbox import OUTBOX, Entry
from archiver.records.query import Where, every
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from archiver.capture.report import Report
    from archiver.config import ChannelConfig, Config
    from archiver.notify.dispatch import Dispatcher
    from archiver.notify.filters import Selection
    from archiver.notify.outages import Transition
    from archiver.records.model import ChangeSet, RecordChange

_NEXT_RUN: Final = sentence("the next run delivers what is missing")
_COMMITTED: Final = sentence("the snapshot is committed; {next_run}", next_run=_NEXT_RUN)
_AGAIN: Final = sentence(
    "notify of the same changes again: a channel that received them is skipped"
)


def notify_changes(config: Config, report: Report, *, now: datetime) -> None:
    """Notify every channel that an outage is over, and of changes since its last notification.

    A channel that cannot be made is a failure, also where it has nothing to deliver.

    Args:
        config: The archiver.toml.
        report: The report of the run that has just ended well.
        now: Time, UTC.

    Raises:
        NotifyError: A channel failed; the next run tries again.
        RenderError: All channels were notified, but the user's template is wrong.
        ShallowHistory: The clone ends before the last notification of a channel.
    """
    with _round(config, report.source, now, _COMMITTED) as round_:
        for channel in round_.channels:  # what cannot work is known before it has news
            with round_.dispatcher.guarded(channel):
                round_.check(channel)
        for channel in round_.channels:
            with round_.dispatcher.guarded(channel):
                round_.recovery(channel)
        for channel in round_.channels:
            with round_.dispatcher.guarded(channel):
                round_.changes(channel, report)


def notify_outage(config: Config, source: str, *, now: datetime) -> None:
    """Notify every channel that runs of `source` fail; once for each outage.

    Raises:
        NotifyError: A channel failed; the next run tries again.
    """
    with _round(config, source, now, _NEXT_RUN) as round_:
        for channel in round_.channels:
            with round_.dispatcher.guarded(channel):
                round_.outage(channel)


def notify_change_set(config: Config, source: str, changes: ChangeSet, *, now: datetime) -> None:
    """Notify every channel of a change set, committed or not; once for each set.

    Conditions (``where``) need whole records, so records that only changed pass all of them.

    Raises:
        NotifyError: A channel failed.
        RenderError: All channels were notified, but the user's template is wrong.
    """
    with _round(config, source, now, _AGAIN) as round_:
        for channel in round_.channels:
            with round_.dispatcher.guarded(channel):
                round_.change_set(channel, changes)


@contextmanager
def _round(config: Config, source: str, now: datetime, hint: str) -> Iterator[_Round]:
    """Yield a round; afterwards write the outbox, and raise what went wrong."""
    with Repository.open(config.root) as repository, dispatch.opened(config) as dispatcher:
        round_ = _Round(config, source, repository, dispatcher, now)
        try:
            with speaking(config.language):
                yield round_
        finally:
            if round_.new:
                entries = outbox.encode((*round_.old, *round_.new))
                state = {**round_.catalogue.adopted(), f"{source}/{OUTBOX}": entries}
                with writing(repository) as writer:
                    writer.commit(state_change(config, state, now=now))
    dispatcher.raise_any(hint=hint)


class _Round:
    """One round through the channels of one source.

    Attributes:
        catalogue: The source's history.
        channels: The channels that receive messages of this source.
        dispatcher: Sends the messages and collects the errors.
        old: The outbox before the round.
        new: The entries of the round.
    """

    def __init__(
        self,
        config: Config,
        source: str,
        repository: Repository,
        dispatcher: Dispatcher,
        now: datetime,
    ) -> None:
        every_ = config.notify.values()
        self.channels = [each for each in every_ if not each.sources or source in each.sources]
        self.dispatcher = dispatcher
        self.catalogue = configured(config, source, repository)
        self.old = outbox.decode(self.catalogue.remembered(OUTBOX))
        self.new: list[Entry] = []
        self._source = source
        self._folder = config.root
        self._templates = config.template_folder
        self._now = now
        self._runs = runlog.load(self.catalogue)

    def check(self, channel: ChannelConfig) -> None:
        """Raise what keeps a channel from working, whether or not there is news for it."""
        self.dispatcher.open(channel)
        self._pins(channel)

    def outage(self, channel: ChannelConfig) -> None:
        """Notify a channel of the outage that the newest reports show."""
        if channel.outages:
            entries = self._entries(channel)
            self._transition(channel, outages.begun(self._source, self._runs, entries))

    def recovery(self, channel: ChannelConfig) -> None:
        """Notify a channel of the end of the outage that it was notified of."""
        entries = self._entries(channel)
        self._transition(channel, outages.ended(self._source, self._runs, entries))

    def _transition(self, channel: ChannelConfig, transition: Transition | None) -> None:
        if transition is None:
            return
        message = transition_message(
            transition, source=self._source, channel=channel.name, now=stamp(self._now)
        )
        self.dispatcher.send(channel, message)
        self._enter(channel, message.id, event=transition.event, since=transition.since)

    def changes(self, channel: ChannelConfig, report: Report) -> None:
        """Notify a channel of the changes since its last notification."""
        with opened(self.catalogue) as versions:
            newest = revisions.find(self.catalogue, versions, "", self._now).end
        upto = snapshots.name_of(self._source, newest)
        before = snapshots.name_of(self._source, report.old)
        last = next((each.upto for each in reversed(self._entries(channel)) if each.upto), "")
        if not last:
            last = before if report.outcome == "changed" else upto
            self._enter(channel, upto=last)  # where the next run begins if this one fails
        if last == upto:
            return
        # The old end of this run is known by its revision: a shallow clone has it.
        old = report.old.revision if last == before else last
        new = newest.revision or upto
        try:
            news = self._news(channel, old or last, new, (last, upto))
        except UnknownRevision:  # that snapshot is not here any more
            news = self._news(channel, report.old.revision or upto, new, (before, upto))
        message_id = self._send(channel, news, outbox.entries_at(last, self._entries(channel)))
        self._enter(channel, message_id, upto=upto)

    def change_set(self, channel: ChannelConfig, changes: ChangeSet) -> None:
        """Notify a channel of a change set."""
        wanted = every([Where.read(each) for each in channel.where])

        def passing() -> Iterator[RecordChange]:
            for each in flattened(changes):
                if each.record is UNSET or wanted(each.key, each.record):
                    yield each

        ends = (changes.old, changes.current)
        old, new = (snapshots.name_of(self._source, end) for end in ends)
        selection = self._selected(passing, channel, changes.old.total)
        news = News(selection, ends, (old, new))
        entries = self._entries(channel)
        message_id = self._send(channel, news, entries)
        if message_id and all(entry.id != message_id for entry in entries):
            self._enter(channel, message_id)

    def _news(self, channel: ChannelConfig, old: str, new: str, names: tuple[str, str]) -> News:
        wanted = every([Where.read(each) for each in channel.where]) if channel.where else None
        with queries.compare(self.catalogue, old, new, now=self._now) as found:
            again = found.again().narrowed(wanted)

            def changes() -> Iterator[RecordChange]:
                nonlocal again
                again = found.again().narrowed(wanted)
                again.renames = None if wanted else Renames(found.policy)
                return again.changes()

            selection = self._selected(changes, channel, found.old.end.total)
            hints = Hints(again.renames.found if again.renames else {})
            named = noted(self.catalogue, found, map(hints.hinted, selection.named))
            return News(selection._replace(named=named), found.ends, names)

    def _selected(
        self, changes: Callable[[], Iterable[RecordChange]], channel: ChannelConfig, total: int
    ) -> Selection:
        weights = scale(self.catalogue.policy)
        return summed_up(changes, channel, self._pins(channel), weights, total=total)

    def _pins(self, channel: ChannelConfig) -> frozenset[str] | None:
        return pinned(channel, self._folder)

    def _send(self, channel: ChannelConfig, news: News, earlier: list[Entry]) -> str:
        """Send the message unless `earlier` entries have it; return its id, empty if no news."""
        if not news.selection.counts:
            return ""
        message, template_error = changes_message(
            news,
            self.catalogue,
            channel=channel.name,
            now=stamp(self._now),
            folder=self._templates,
        )
        if all(entry.id != message.id for entry in earlier):
            self.dispatcher.send(channel, message)
            self.dispatcher.template_error = self.dispatcher.template_error or template_error
        return message.id

    def _enter(self, channel: ChannelConfig, message_id: str = "", **what: str) -> None:
        time = stamp(self._now)
        self.new.append(Entry(channel=channel.name, id=message_id, timestamp=time, **what))

    def _entries(self, channel: ChannelConfig) -> list[Entry]:
        return [each for each in (*self.old, *self.new) if each.channel == channel.name]
