"""What captures changed: read once from the index, and explained only where it is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.compare import field_changes
from archiver.changes.lifecycle import Tombstone
from archiver.changes.severity import scale
from archiver.database import pages
from archiver.database.news import first, of_fields, told
from archiver.database.reading import logged, whole
from archiver.history.versions import taken_at
from archiver.records.canonical import KEY
from archiver.records.key import label_of
from archiver.records.model import End, RecordChange, Summary
from archiver.records.representation import short
from archiver.render.section import CAP
from archiver.site.addresses import capture_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.database.news import Event
    from archiver.database.reading import Logged
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.records.model import Kind, Record, Severity
    from archiver.records.policy import Policy

_GONE = ("removed", "left")


@dataclass(frozen=True)
class Captured:
    """A capture that can be read.

    Attributes:
        index: The index that has it.
        policy: What the fields mean.
        number: Its number in the index.
        page: Name of its page, see `addresses.capture_pages`.
        logged: What the log says of it.
        before: The capture that it was compared with; None: this is the first one.
    """

    index: Index
    policy: Policy
    number: int
    page: str
    logged: Logged
    before: Logged | None

    __repr__ = short

    @property
    def summary(self) -> Summary:
        """How many records there are of each kind of change; the first capture has none."""
        return self.logged.summary or Summary()

    @property
    def ends(self) -> tuple[End, End]:
        """The two ends of the comparison."""
        return _end(self.before), _end(self.logged)

    @property
    def taken(self) -> datetime:
        """The time of the capture."""
        return time_of(self.logged)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All news, by key."""
        return tuple(Item(self, each) for each in told(self.index.connection, self.number))

    def first(self, kind: Kind) -> tuple[Item, ...]:
        """The first news of a kind, as many as are named; what is breaking before the others."""
        if kind not in self._first:
            found = [*self._breaking] if kind == "updated" else []
            bad = {each.number for each in found}
            others = first(self.index.connection, self.number, kind, CAP)
            found += [each for each in others if each.number not in bad]
            self._first[kind] = tuple(Item(self, each) for each in found[:CAP])
        return self._first[kind]

    @cached_property
    def updates(self) -> dict[Severity, int]:
        """How many updates there are of each severity."""
        counts = Counter(self._weights.values())
        rest = self.summary.updated - counts.total()
        counts.update({"info": rest} if rest else {})
        return dict(counts)

    @cached_property
    def _weights(self) -> dict[int, Severity]:
        """Number of a record to the severity of its update, where that may be more than info."""
        weights = scale(self.policy)
        names = None if self.policy.severity else weights.names("notable")
        events = of_fields(self.index.connection, names, self.number - 1, self.number)
        return {each.number: weights.of(Item(self, each).change) for each in events}

    @cached_property
    def _breaking(self) -> tuple[Event, ...]:
        """The updates that are breaking, by key; most captures have none."""
        found = {number for number, each in self._weights.items() if each == "breaking"}
        everything = told(self.index.connection, self.number) if found else ()
        return tuple(each for each in everything if each.number in found)

    @cached_property
    def _first(self) -> dict[Kind, tuple[Item, ...]]:
        return {}


@dataclass(frozen=True)
class Item:
    """What a capture changed of one record.

    Attributes:
        captured: The capture.
        told: What the index says.
    """

    captured: Captured
    told: Event

    __repr__ = short

    @cached_property
    def change(self) -> RecordChange:
        """The change, without the record; see `whole`."""
        told = self.told
        changes = field_changes(
            {each.field: _raw(each.old) for each in told.shifts if each.old is not None},
            {each.field: _raw(each.new) for each in told.shifts if each.new is not None},
            self.captured.policy,
        )
        return RecordChange(
            told.kind,
            told.key,
            changes=changes or UNSET,
            old_key=told.old_key or UNSET,
            cause=self._reason or UNSET,
        )

    @property
    def _reason(self) -> str:
        """Why the record is gone, as its tombstone says; empty: unknown."""
        return Tombstone(self.told.key, "", "", self.told.cause, self.told.new_key).reason

    @cached_property
    def record(self) -> Record:
        """The record as it is in the capture, or was before it went, with its key and metrics."""
        last = self.captured.number - (self.told.kind in _GONE)
        return whole(self.captured.index.connection, self.told.number, last)

    @property
    def plain(self) -> Record:
        """The record as conditions read it: without the member ``@key``."""
        record = self.record
        if KEY not in record:
            return record
        return {name: value for name, value in record.items() if name != KEY}

    def whole(self, part: RecordChange) -> RecordChange:
        """Return the change, or a part of it, with what people read of the record."""
        label = self.captured.policy.label
        if part.changes is not UNSET and not label:
            return part
        return replace(
            part,
            record=self.record if part.changes is UNSET else UNSET,
            label=(label_of(self.record, label) if label else "") or UNSET,
        )


def captures(catalogue: Catalogue, index: Index) -> Iterator[Captured]:
    """Yield the captures that can be read, newest first; hold none longer than it is needed."""
    rows = [*logged(index.connection, index.last)][::-1]
    names = capture_pages(each.timestamp for each in pages.captures(index.connection))
    numbered = enumerate(zip(names, rows, strict=True), 1)
    readable = [(number, *each) for number, each in numbered if each[1].status != "unreadable"]
    befores = [None, *(logged for _, _, logged in readable)]
    for (number, page, each), before in zip(readable[::-1], befores[-2::-1], strict=True):
        yield Captured(index, catalogue.policy, number, page, each, before)


def ends(index: Index) -> tuple[Logged, Logged]:
    """Return the newest capture that can be read, and the first one, which need not be."""
    rows = [*logged(index.connection, index.last)]
    return next(each for each in rows if each.status != "unreadable"), rows[-1]


def time_of(logged: Logged) -> datetime:
    """Return the time of a capture; of a file that states none, that of its commit."""
    return taken_at(_end(logged)) or datetime.fromisoformat(logged.committed_at)


def _end(logged: Logged | None) -> End:
    if logged is None:
        return End(None, None, 0)
    return End(logged.revision, logged.timestamp, logged.total or 0)


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
