"""Tell the channels of archiver.toml what changed: each change once, after it is safe."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import UnsetType

from archiver.errors import ConfigError, NotifyError, UnknownRevision
from archiver.publish import notifiers, wording
from archiver.publish.notifiers import Message
from archiver.publish.render import render
from archiver.publish.section import section
from archiver.records.model import Summary
from archiver.records.query import Where, every
from archiver.records.text import chat
from archiver.store.commit import writing
from archiver.store.repository import Repository
from archiver.watcher.capturing import ledger
from archiver.watcher.capturing.target import open_target
from archiver.watcher.reading import history, moments, snapshots
from archiver.watcher.reading.catalogue import configured
from archiver.watcher.reading.changelog import links
from archiver.watcher.reading.versions import stamp
from archiver.watcher.unattended import sent
from archiver.watcher.unattended.channels import opened, opened_transport, raise_any
from archiver.watcher.unattended.selecting import flattened, selected
from archiver.watcher.unattended.sent import SENT, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.config import ChannelConfig, Config
    from archiver.records.model import ChangeSet, End, RecordChange
    from archiver.records.query import Predicate
    from archiver.transport import Transport
    from archiver.watcher.capturing.ledger import Run
    from archiver.watcher.capturing.report import Report
    from archiver.watcher.unattended.selecting import Selection


def tell(config: Config, report: Report, *, clock: Callable[[], datetime]) -> None:
    """Tell every channel what changed since it was told last, and that an outage is over.

    Args:
        config: The archiver.toml.
        report: The run that has just ended well.
        clock: Tells the time, UTC.

    Raises:
        NotifyError: A channel could not be told; the next run tells it of both.
        ShallowHistory: The clone ends before what a channel was told last.
    """
    with _telling(config, report.source, clock) as round_:
        round_.each(round_.recovered)
        round_.each(partial(round_.changed, report))


def tell_outage(config: Config, name: str, *, clock: Callable[[], datetime]) -> None:
    """Tell every channel that the source could not be listed; once for each outage.

    Raises:
        NotifyError: A channel could not be told.
    """
    with _telling(config, name, clock) as round_:
        round_.each(round_.down)


def tell_set(
    config: Config, name: str, changes: ChangeSet, *, clock: Callable[[], datetime]
) -> None:
    """Tell every channel a change set, whether or not it is committed; each once.

    Conditions (``where``) look at whole records, so they leave out none that only changed.

    Raises:
        NotifyError: A channel could not be told.
    """
    with _telling(config, name, clock) as round_:
        round_.each(partial(round_.given, changes))


class _Round:
    """One round through the channels, for one source."""

    def __init__(
        self, config: Config, name: str, repository: Repository, transport: Transport, now: datetime
    ) -> None:
        self._config = config
        self._source = name
        self._repository = repository
        self._transport = transport
        self._time = now
        self._now = stamp(now)
        self._catalogue = configured(config, name, repository)
        self._runs = ledger.known(repository, name)
        self.rows = sent.read(repository.read_state(f"{name}/{SENT}"))
        self.before = list(self.rows)
        self.troubles: list[str] = []

    def each(self, work: Callable[[ChannelConfig], None]) -> None:
        """Do the `work` for every channel of this source, whatever becomes of the others."""
        for channel in self._config.notify.values():
            if channel.sources and self._source not in channel.sources:
                continue
            try:
                work(channel)
            except NotifyError as error:
                self.troubles.append(f"{channel.name}: {error}")

    def down(self, channel: ChannelConfig) -> None:
        """Tell of the outage that the newest reports show."""
        outage = ledger.outage(self._runs)
        if not channel.outages or not outage or self._runs[-1].good:
            return
        title = f"{self._source}: cannot be listed since {outage[0].timestamp} UTC"
        self._told(channel, "outage", outage[0], title, outage[-1].error)

    def recovered(self, channel: ChannelConfig) -> None:
        """Tell that the outage of which the channel was told is over."""
        outage = ledger.outage(self._runs)
        if not outage or not self._runs[-1].good:
            return
        told = sent.identity(self._source, "outage", outage[0].timestamp, channel.name)
        if any(row.id == told for row in self.rows):
            title = f"{self._source}: listed again after {len(outage):,} failed runs"
            text = f"The outage began at {outage[0].timestamp} UTC."
            self._told(channel, "recovery", outage[0], title, text)

    def _told(
        self, channel: ChannelConfig, event: notifiers.Event, first: Run, title: str, text: str
    ) -> None:
        """Send what concerns the outage that began with the run `first`, once."""
        message = Message(
            id=sent.identity(self._source, event, first.timestamp, channel.name),
            event=event,
            source=self._source,
            title=title,
            text=chat(text),
            timestamp=self._now,
        )
        if self._send(channel, message, self._rows_of(channel)):
            self.rows.append(Sent(channel=channel.name, id=message.id, timestamp=self._now))

    def changed(self, report: Report, channel: ChannelConfig) -> None:
        """Tell what changed since the channel was told last."""
        with history.opened(self._catalogue) as versions:
            newest = moments.find(self._catalogue, versions, "", self._time).end
        upto = snapshots.name_of(self._source, newest)
        before = snapshots.name_of(self._source, report.old)
        last = next((row.upto for row in reversed(self._rows_of(channel)) if row.upto), None)
        if last is None:
            last = before if report.outcome == "changed" else upto
            self._remember(channel, last, "")  # where the next run begins if this one fails
        if last == upto:
            return
        # The end of the run is known by its revision: a shallow clone has it.
        old = report.old.revision if last == before else last
        new = newest.revision or upto
        try:
            message = self._message(channel, old or last, new, (last, upto))
        except UnknownRevision:  # that snapshot is not here any more
            old = report.old.revision or upto
            message = self._message(channel, old, new, (before, upto))
        if message is not None:
            self._send(channel, message, sent.since(last, self._rows_of(channel)))
        self._remember(channel, upto, "" if message is None else message.id)

    def given(self, changes: ChangeSet, channel: ChannelConfig) -> None:
        """Tell a change set that somebody else has made."""
        wanted = every([Where.read(each) for each in channel.where])
        listed = (each for each in flattened(changes) if _fits(each, wanted))
        selection = selected(listed, channel)
        if not selection.counts:
            return
        ends = (changes.old, changes.current)
        old, new = (snapshots.name_of(self._source, end) for end in ends)
        message = self._rendered(channel, ends, (old, new), selection)
        if self._send(channel, message, self._rows_of(channel)):
            self.rows.append(Sent(channel=channel.name, id=message.id, timestamp=self._now))

    def _message(
        self, channel: ChannelConfig, old: str, new: str, names: tuple[str, str]
    ) -> Message | None:
        """Return what the channel is to be told; None: nothing that it wants to know."""
        wanted = every([Where.read(each) for each in channel.where]) if channel.where else None
        with history.compare(self._catalogue, old, new, now=self._time, chosen=wanted) as found:
            selection = selected(found.changes(), channel)
            return (
                self._rendered(channel, found.ends, names, selection) if selection.counts else None
            )

    def _rendered(
        self,
        channel: ChannelConfig,
        ends: tuple[End, End],
        names: tuple[str, str],
        selection: Selection,
    ) -> Message:
        old, new = ends
        summary = Summary(**{str(kind): number for kind, number in selection.counts.items()})
        context = section(
            source=self._source,
            old=old,
            new=new,
            summary=summary,
            changes=selection.named,
            snapshots=names,
            link=links(self._catalogue),
            cap=len(selection.named),
            counters=True,
        )
        words = ", ".join(wording.counts(summary))
        text = render("notification.txt.j2", context, folder=self._config.template_folder)
        return Message(
            id=sent.identity(self._source, names[0], selection.digest, channel.name),
            event="changes",
            source=self._source,
            title=f"{self._source}: {words} ({wording.models(new.total)})",
            text=text.strip() + "\n",
            timestamp=new.timestamp or self._now,
            changes=context,
        )

    def _send(self, channel: ChannelConfig, message: Message, before: list[Sent]) -> bool:
        """Send a message if it is not among those sent `before`; say whether it was sent now."""
        if any(row.id == message.id for row in before):
            return False
        try:
            opened(self._config, channel, self._transport).send(message)
        except ConfigError as error:
            raise NotifyError(str(error), hint=error.hint) from error
        return True

    def _remember(self, channel: ChannelConfig, upto: str, identity: str) -> None:
        if self._rows_of(channel) and not identity:
            last = next((row.upto for row in reversed(self._rows_of(channel)) if row.upto), "")
            if last == upto:
                return
        row = Sent(channel=channel.name, id=identity, upto=upto, timestamp=self._now)
        self.rows.append(row)

    def _rows_of(self, channel: ChannelConfig) -> list[Sent]:
        return [row for row in self.rows if row.channel == channel.name]


def _fits(change: RecordChange, wanted: Predicate) -> bool:
    return isinstance(change.record, UnsetType) or wanted(change.key, change.record)


@contextmanager
def _telling(config: Config, name: str, clock: Callable[[], datetime]) -> Iterator[_Round]:
    """Yield a round; afterwards write down who was told, and raise what went wrong."""
    with Repository.open(config.root) as repository, opened_transport(config) as transport:
        round_ = _Round(config, name, repository, transport, clock())
        try:
            yield round_
        finally:
            if round_.rows != round_.before:
                target = open_target(config, name, repository)
                with writing(repository) as writer:
                    now = clock()
                    state = {f"{name}/{SENT}": sent.written(round_.rows)}
                    tip = target.tip()
                    writer.commit(target.change({}, "", tip=tip, taken=now, now=now, state=state))
        raise_any(round_.troubles)
