"""Tell the channels of archiver.toml what changed: each change once, after it is safe."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import UnsetType

from archiver.capture import runlog
from archiver.capture.target import state_change
from archiver.channels import Delivered, Message
from archiver.errors import ConfigError, NotifyError, RenderError, StoreError, UnknownRevision
from archiver.history import compare, revisions, snapshots
from archiver.history.catalogue import configured
from archiver.history.changelog import links
from archiver.history.versions import stamp
from archiver.notify import outages, outbox
from archiver.notify.channels import deliver, opened_transport, raise_any
from archiver.notify.filters import flattened, selected
from archiver.notify.messages import Told, composed
from archiver.notify.outbox import OUTBOX, Entry
from archiver.records.query import Where, every
from archiver.records.text import chat
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.capture.report import Report
    from archiver.config import ChannelConfig, Config
    from archiver.notify.outages import Transition
    from archiver.records.model import ChangeSet, RecordChange
    from archiver.records.query import Predicate
    from archiver.transport import Transport

_NEXT_RUN: Final = "what was not told is told by the next run"
_COMMITTED: Final = f"the snapshot is committed; {_NEXT_RUN}"
_AGAIN: Final = "tell the same changes again: who was told of them is not told twice"


def notify_changes(config: Config, report: Report, *, clock: Callable[[], datetime]) -> None:
    """Tell every channel what changed since it was told last, and that an outage is over.

    Args:
        config: The archiver.toml.
        report: The run that has just ended well.
        clock: Tells the time, UTC.

    Raises:
        NotifyError: A channel could not be told; the next run tells it of both.
        RenderError: All were told, but with the built-in template: the user's is wrong.
        ShallowHistory: The clone ends before what a channel was told last.
    """
    with _telling(config, report.source, clock, _COMMITTED) as round_:
        round_.each(round_.recovered)
        round_.each(partial(round_.changed, report))


def notify_outage(config: Config, name: str, *, clock: Callable[[], datetime]) -> None:
    """Tell every channel that runs of the source fail; once for each outage.

    Raises:
        NotifyError: A channel could not be told.
    """
    with _telling(config, name, clock, _NEXT_RUN) as round_:
        round_.each(round_.down)


def notify_change_set(
    config: Config, name: str, changes: ChangeSet, *, clock: Callable[[], datetime]
) -> None:
    """Tell every channel a change set, whether or not it is committed; each once.

    Conditions (``where``) look at whole records, so they leave out none that only changed.

    Raises:
        NotifyError: A channel could not be told.
        RenderError: All were told, but with the built-in template: the user's is wrong.
    """
    with _telling(config, name, clock, _AGAIN) as round_:
        round_.each(partial(round_.given, changes))


class _Round:
    """One round through the channels, for one source.

    Attributes:
        rows: What was told to whom, in that order.
        before: The same as it was before the round.
        troubles: What a channel was not told and why, or what else went wrong with one.
        misrendered: What is wrong with the user's template; the built-in one stood in.
        unanswered: What the repository did not answer; the other channels had their turn.
    """

    def __init__(
        self, config: Config, name: str, repository: Repository, transport: Transport, now: datetime
    ) -> None:
        self._config = config
        self._source = name
        self._transport = transport
        self._time = now
        self._now = stamp(now)
        self._catalogue = configured(config, name, repository)
        self._runs = runlog.load(repository, name)
        self.rows = outbox.decode(repository.read_state(f"{name}/{OUTBOX}"))
        self.before = list(self.rows)
        self.troubles: list[str] = []
        self.misrendered: RenderError | None = None
        self.unanswered: StoreError | None = None

    def each(self, work: Callable[[ChannelConfig], None]) -> None:
        """Do the `work` for every channel of this source, whatever becomes of the others."""
        for channel in self._config.notify.values():
            if channel.sources and self._source not in channel.sources:
                continue
            try:
                work(channel)
            except (NotifyError, ConfigError, RenderError) as error:
                self.troubles.append(f"not told: {channel.name}: {error}")
            except StoreError as error:
                self.unanswered = self.unanswered or error

    def down(self, channel: ChannelConfig) -> None:
        """Tell of the outage that the newest reports show."""
        if channel.outages:
            self._turned(channel, outages.begun(self._source, self._runs, self._rows_of(channel)))

    def recovered(self, channel: ChannelConfig) -> None:
        """Tell that the outage of which the channel was told is over."""
        self._turned(channel, outages.ended(self._source, self._runs, self._rows_of(channel)))

    def _turned(self, channel: ChannelConfig, turn: Transition | None) -> None:
        if turn is None:
            return
        message = Message(
            id=outbox.message_id(self._source, turn.event, turn.since, channel.name),
            event=turn.event,
            source=self._source,
            title=turn.title,
            text=chat(turn.text),
            timestamp=self._now,
        )
        self._deliver(channel, message)
        self._append(channel, message.id, event=turn.event, since=turn.since)

    def changed(self, report: Report, channel: ChannelConfig) -> None:
        """Tell what changed since the channel was told last."""
        with compare.opened(self._catalogue) as versions:
            newest = revisions.find(self._catalogue, versions, "", self._time).end
        upto = snapshots.name_of(self._source, newest)
        before = snapshots.name_of(self._source, report.old)
        last = self._last(channel)
        if not last:
            last = before if report.outcome == "changed" else upto
            self._append(channel, upto=last)  # where the next run begins if this one fails
        if last == upto:
            return
        # The end of the run is known by its revision: a shallow clone has it.
        old = report.old.revision if last == before else last
        new = newest.revision or upto
        try:
            told = self._told(channel, old or last, new, (last, upto))
        except UnknownRevision:  # that snapshot is not here any more
            old = report.old.revision or upto
            told = self._told(channel, old, new, (before, upto))
        identity = ""
        if told.selection.counts:
            before_it = outbox.entries_at(last, self._rows_of(channel))
            identity = self._send(channel, told, before_it)
        self._append(channel, identity, upto=upto)

    def given(self, changes: ChangeSet, channel: ChannelConfig) -> None:
        """Tell a change set that somebody else has made."""
        wanted = every([Where.read(each) for each in channel.where])
        listed = (each for each in flattened(changes) if _fits(each, wanted))
        ends = (changes.old, changes.current)
        old, new = (snapshots.name_of(self._source, end) for end in ends)
        told = Told(selected(listed, channel), ends, (old, new))
        rows = self._rows_of(channel)
        if told.selection.counts:
            identity = self._send(channel, told, rows)
            if all(row.id != identity for row in rows):
                self._append(channel, identity)

    def _told(self, channel: ChannelConfig, old: str, new: str, names: tuple[str, str]) -> Told:
        wanted = every([Where.read(each) for each in channel.where]) if channel.where else None
        with compare.compare(self._catalogue, old, new, now=self._time, chosen=wanted) as found:
            return Told(selected(found.changes(), channel), found.ends, names)

    def _send(self, channel: ChannelConfig, told: Told, before: list[Entry]) -> str:
        """Send what is told, unless that was done `before`; return the id of the message."""
        message, trouble = composed(
            told,
            source=self._source,
            channel=channel.name,
            now=self._now,
            noun=self._catalogue.noun,
            link=links(self._catalogue),
            folder=self._config.template_folder,
        )
        if all(row.id != message.id for row in before):
            self._deliver(channel, message)
            self.misrendered = self.misrendered or trouble
        return message.id

    def _deliver(self, channel: ChannelConfig, message: Message) -> None:
        try:
            deliver(self._config, channel, self._transport, message)
        except Delivered as flaw:
            self.troubles.append(f"{channel.name}: {flaw}")

    def _append(self, channel: ChannelConfig, identity: str = "", **what: str) -> None:
        row = Entry(channel=channel.name, id=identity, timestamp=self._now, **what)
        self.rows.append(row)

    def _rows_of(self, channel: ChannelConfig) -> list[Entry]:
        return [row for row in self.rows if row.channel == channel.name]

    def _last(self, channel: ChannelConfig) -> str:
        """Return the name of the stamped file up to which the channel was told; empty: none."""
        return next((row.upto for row in reversed(self._rows_of(channel)) if row.upto), "")


def _fits(change: RecordChange, wanted: Predicate) -> bool:
    return isinstance(change.record, UnsetType) or wanted(change.key, change.record)


@contextmanager
def _telling(
    config: Config, name: str, clock: Callable[[], datetime], hint: str
) -> Iterator[_Round]:
    """Yield a round; afterwards write down who was told, and raise what went wrong."""
    with Repository.open(config.root) as repository, opened_transport(config) as transport:
        round_ = _Round(config, name, repository, transport, clock())
        try:
            yield round_
        finally:
            if round_.rows != round_.before:
                state = {f"{name}/{OUTBOX}": outbox.encode(round_.rows)}
                with writing(repository) as writer:
                    writer.commit(state_change(config, state, now=clock()))
    if round_.unanswered is not None:
        raise round_.unanswered
    raise_any(round_.troubles, round_.misrendered, hint=hint)
