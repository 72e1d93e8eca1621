"""Changes in words, as the templates of a site show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from archiver.changes.detail import leaves
from archiver.changes.severity import FIRST, METRIC, of_kind, order, scale, worst
from archiver.history.versions import STAMP
from archiver.language import listed, retold, tr
from archiver.records.jsontext import parse
from archiver.records.model import FieldChange, pointer
from archiver.records.text import named
from archiver.render import wording
from archiver.site.addresses import drawn_page, record_page

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from archiver.changes.flapping import Damping
    from archiver.database.news import Event, Shift
    from archiver.database.pages import Capture
    from archiver.records.model import Severity
    from archiver.records.policy import Policy
    from archiver.records.text import Noun


def time_of(timestamp: str) -> datetime:
    """Return a capture time, UTC."""
    return datetime.strptime(timestamp, STAMP).replace(tzinfo=UTC)


class Story:
    """How the changes of one catalogue are shown.

    Attributes:
        timestamps: Time of each capture.
        times: The same in seconds since 1970.
        pages: Name of the page of each capture.
    """

    def __init__(
        self,
        captures: Sequence[Capture],
        pages: Sequence[str],
        policy: Policy,
        labels: Mapping[str, str],
        own: Collection[str],
    ) -> None:
        """Show changes of these captures; records of `own` have a static page."""
        self.timestamps = [each.timestamp for each in captures]
        self.times = [time_of(each.timestamp).timestamp() for each in captures]
        self.pages = pages
        self._revisions = [each.revision for each in captures]
        self._policy = policy
        self._scale = scale(policy)
        self._labels = labels
        self._own = own

    def page(self, key: str) -> str:
        """Return the page of a record, relative to the folder of its source."""
        return record_page(key) if key in self._own else drawn_page(key)

    def shown(self, key: str) -> str:
        """Return what people read of a record: label and key, else the key."""
        label = self._labels.get(key, "")
        return named(key, label) if label else key

    def record(self, key: str) -> dict[str, Any]:
        """Return how a record is named and linked."""
        return {"key": key, "shown": self.shown(key), "page": self.page(key)}

    def at(self, capture: int) -> dict[str, str]:
        """Return the page and the time of a capture."""
        return {"capture": self.pages[capture - 1], "timestamp": self.timestamps[capture - 1]}

    def folded(self, events: Iterable[Event], damping: Damping) -> Iterator[Event]:
        """Yield the changes that are shown, newest first; one stands for all of its episode."""
        for event in events:
            revision = self._revisions[event.capture - 1]
            episode = damping.episode(revision, event.kind, event.key)
            if episode is None:
                yield event
            elif damping.tells(episode):
                yield event._replace(cause=episode.words, new_key="", flapping=True)

    def told(self, event: Event) -> dict[str, Any]:
        """Return a change for a template."""
        return {
            **self.record(event.key),
            **self.at(event.capture),
            "kind": event.kind,
            "severity": self.severity(event),
            "cause": event.reason,
            "old_key": event.old_key,
            "other": self._other(event),
            "shifts": shifts(event, self._policy),
        }

    def severity(self, event: Event) -> Severity:
        """Return how bad a change is."""
        if not event.shifts:
            return of_kind("returned" if event.flapping else event.kind)
        known = [self._scale.knows(each.field) for each in event.shifts]
        if None in known:
            known = [self._scale.of_field(each) for each in _changes(event.shifts, self._policy)]
        return worst(filter(None, known)) or METRIC

    def importance(self, event: Event) -> int:
        """Return what puts changes in the order of what matters, the worst first."""
        return order(event.kind, self.severity(event))

    def _other(self, event: Event) -> str:
        if event.kind == "renamed" and event.new_key:
            return tr("to {new_key}", new_key=event.new_key)
        return tr("from {old_key}", old_key=event.old_key) if event.old_key else ""


def shifts(event: Event, policy: Policy) -> list[dict[str, str]]:
    """Return the values that a change shifted: ``field``, ``old``, ``new``, in words."""
    return [each._asdict() for each in _shifts(event.shifts, policy)]


def _shifts(changed: Sequence[Shift], policy: Policy) -> Iterator[wording.Shift]:
    for change in _changes(changed, policy):
        yield from wording.shifts(change)


def _changes(changed: Sequence[Shift], policy: Policy) -> Iterator[FieldChange]:
    for each in changed:
        old = UNSET if each.old is None else parse(each.old.encode())
        new = UNSET if each.new is None else parse(each.new.encode())
        detail = leaves(each.field, old, new, policy)
        yield FieldChange(
            "replace", pointer(each.field), metric=False, old=old, new=new, detail=detail
        )


def headline(capture: Capture, noun: Noun) -> str:
    """Sum a capture up in one line."""
    if capture.total is None:
        return tr("This capture cannot be read: {reason}", reason=retold(capture.reason or ""))
    if not capture.counts:
        return tr("The first snapshot: {records}.", records=noun.counted(capture.total))
    kinds = [kind for kind in FIRST if kind != "metrics" and capture.counts.get(kind)]
    words = listed(wording.number(kind, capture.counts[kind]) for kind in kinds)
    return tr(
        "{words}; {records}.", words=words or tr("No news"), records=noun.counted(capture.total)
    )
