"""What is known of a source, once for all of its pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from archiver.changes.flapping import Damping
from archiver.changes.severity import scale
from archiver.database import figures, pages
from archiver.database.news import of_fields
from archiver.database.reading import newest
from archiver.history.changelog import links
from archiver.history.flapping import indexed
from archiver.history.index import Index
from archiver.records.jsontext import parse
from archiver.records.key import label_of
from archiver.records.representation import short
from archiver.site import data
from archiver.site.addresses import capture_pages, month_of
from archiver.site.story import Story

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping

    from archiver.database.pages import Capture, Life
    from archiver.history.catalogue import Catalogue


class Kept(NamedTuple):
    """A record as far as it decides which pages there are.

    Attributes:
        key: Its key.
        gone: How it went, as in `Life`; empty: it is there.
        until: Number of the first capture that lacks it; 0: the newest has it.
        changed: Number of the capture of its last news; 0: there is none.
        cause: Why it is gone, if known.
        other: The key that it became, if any.
        since: Number of the first capture that has it.
    """

    key: str
    gone: str
    until: int
    changed: int
    cause: str
    other: str
    since: int

    def __repr__(self) -> str:
        return short(self)

    @classmethod
    def of(cls, life: Life) -> Kept:
        """Return what is kept of a life."""
        ending = next((each for each in life.events if each.capture == life.until), None)
        changed = life.events[-1].capture if life.events else 0
        cause, other = (ending.reason, ending.new_key) if ending else ("", "")
        return cls(life.key, life.gone, life.until or 0, changed, cause, other, life.since)


@dataclass
class Facts:
    """What is known of a source; read from its index when it is asked for.

    Attributes:
        catalogue: The catalogue.
        index: Its index.
        static_records: Largest number of records that get a page of their own.
    """

    catalogue: Catalogue
    index: Index
    static_records: int

    @property
    def connection(self) -> sqlite3.Connection:
        """The database of the index."""
        return self.index.connection

    @cached_property
    def captures(self) -> list[Capture]:
        """Every capture, oldest first."""
        return pages.captures(self.connection)

    @cached_property
    def readable(self) -> Capture:
        """The newest capture that can be read."""
        return next(each for each in reversed(self.captures) if each.total is not None)

    @cached_property
    def trailers(self) -> dict[str, Mapping[str, str]]:
        """The trailers of the commits of captures, by full id: digest and proof stand there."""
        return {each.id: each.trailers for each in self.catalogue.revisions()}

    @cached_property
    def pages(self) -> list[str]:
        """The name of the page of each capture."""
        return capture_pages([each.timestamp for each in self.captures])

    @cached_property
    def months(self) -> list[str]:
        """The month of each capture."""
        return [month_of(each.timestamp) for each in self.captures]

    @cached_property
    def metrics(self) -> dict[str, int]:
        """The metrics, with their numbers in the index."""
        return figures.metrics(self.connection)

    @cached_property
    def breaking(self) -> Counter[int]:
        """How many records a capture changed in a breaking way, by its number; without removals."""
        names = scale(self.catalogue.policy).names("breaking")
        events = of_fields(self.connection, names, 0, len(self.captures))
        severity = self.story.severity
        return Counter(each.capture for each in events if severity(each) == "breaking")

    @cached_property
    def kept(self) -> list[Kept]:
        """Every record there ever was: removed ones first, then those that changed last."""
        found = map(Kept.of, pages.lives(self.connection))
        return sorted(found, key=lambda each: (not each.gone, -each.until, -each.changed, each.key))

    @cached_property
    def all_static(self) -> bool:
        """Whether every record has a page of its own."""
        return len(self.kept) <= self.static_records

    @cached_property
    def own(self) -> frozenset[str]:
        """The keys of the records that have a static page."""
        changed = [each for each in self.kept if each.gone or each.changed or self.all_static]
        return frozenset(each.key for each in changed[: self.static_records])

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels of all records there ever were, by key; empty: they have none."""
        path = self.catalogue.policy.label
        if not path:
            return {}
        lives = pages.lives(self.connection)
        return {each.key: label_of(parse(each.record.encode()), path) for each in lives}

    @cached_property
    def columns(self) -> data.Columns:
        """The records of the newest capture."""
        lines = ((key, line) for key, _, line in newest(self.connection))
        return data.Columns(lines, self.metrics, self.catalogue.policy.label)

    @cached_property
    def hub(self) -> data.Hub:
        """Where the pages of the records are on the hub."""
        return data.Hub.of(links(self.catalogue), self.columns.keys)

    def damping(self, last: int | None = None) -> Damping:
        """Return what folds the changes of captures, newest first.

        Args:
            last: Number of the newest capture that may be known; None: the newest of all.
        """
        until = Index(self.connection, self.index.last if last is None else last)
        return Damping(indexed(until, self.catalogue.damping))

    @cached_property
    def story(self) -> Story:
        """How changes are shown on pages that are written each time."""
        return self._told_with(self.own)

    @cached_property
    def lasting(self) -> Story:
        """How changes are shown on pages that stay: a static page may go, a drawn one never."""
        return self._told_with(self.own if self.all_static else ())

    def _told_with(self, own: Collection[str]) -> Story:
        return Story(self.captures, self.pages, self.catalogue.policy, self.labels, own)
