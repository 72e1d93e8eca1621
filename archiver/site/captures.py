"""The pages of captures and months, and what each capture changed as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from archiver.changes.severity import FIRST, of_kind
from archiver.database.news import told
from archiver.language import listed, retold, tr, trn
from archiver.records.model import KINDS
from archiver.records.text import count
from archiver.render import wording
from archiver.site import data
from archiver.site.addresses import month_of
from archiver.site.story import headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archiver.database.news import Event
    from archiver.database.pages import Capture
    from archiver.records.model import Kind
    from archiver.site.facts import Facts
    from archiver.site.shelf import Shelf

_LISTED: Final = 200
"""Changes of each kind that stand in the page of a capture or a month."""
PROOF: Final = "Archiver-Proof"
_END: Final = "; end="
DIGEST: Final = "Archiver-Records-Digest"
"""The trailers of a capture's commit, see `capture.report`."""
_OTHERS: Final = ("returned", "renamed", "entered", "left")


@dataclass
class Captures:
    """Writes a page for each capture and each month.

    Attributes:
        facts: What is known of the source.
        shelf: Where it is written to.
    """

    facts: Facts
    shelf: Shelf

    def write(self) -> None:
        """Write all of it."""
        self._write_captures()
        self._write_months()

    def _write_captures(self) -> None:
        for capture in self.facts.captures:
            page = f"captures/{self.facts.pages[capture.id - 1]}.html"
            lasting = capture.id < self.shelf.known
            has_page = lasting and self.shelf.keep(page)
            has_data = lasting and self.shelf.keep_data(f"changes/{capture.id}")
            if has_page and has_data:
                continue
            events = list(told(self.facts.connection, capture.id))
            self.shelf.data(f"changes/{capture.id}", [self._change(each) for each in events])
            noted = [*self.facts.story.folded(events, self.facts.damping(capture.id))]
            self.shelf.page("site-capture.html.j2", page, self._capture(capture, noted))

    def _change(self, event: Event) -> list[Any]:
        """Return a change as data; of an update, whether it is breaking."""
        breaking = event.kind == "updated" and self.facts.lasting.severity(event) == "breaking"
        return [*data.change(event), *(["breaking"] if breaking else [])]

    def _capture(self, capture: Capture, events: Sequence[Event]) -> dict[str, Any]:
        trailers = self.facts.trailers.get(capture.revision, {})
        return {
            "kind": "capture",
            "heading": f"{capture.timestamp[:16]} UTC",
            "timestamp": capture.timestamp,
            "headline": headline(capture, self.facts.catalogue.noun),
            "notes": [capture.reason] if capture.reason and capture.total is not None else [],
            "number": capture.id,
            "before": self._neighbour(capture.id - 1),
            "after": self._neighbour(capture.id + 1),
            "captures": [],
            "sections": list(self._sections(events, _counted(events))),
            "quiet": _quiet(capture),
            "revision": capture.revision,
            "object": capture.object,
            "subject": capture.subject,
            "proof": _proof(trailers.get(PROOF, "")),
            "digest": trailers.get(DIGEST, ""),
        }

    def _neighbour(self, capture: int) -> dict[str, str] | None:
        if not 1 <= capture <= len(self.facts.captures):
            return None
        name = self.facts.captures[capture - 1].timestamp[:16]
        return {"page": f"captures/{self.facts.pages[capture - 1]}.html", "name": name}

    def _sections(
        self, events: Iterable[Event], counts: Mapping[Kind, int]
    ) -> Iterator[dict[str, Any]]:
        """Yield the changes by kind: the kind with the worst one first, the worst of each first.

        Args:
            events: The changes that may be named.
            counts: How many of each kind there are.
        """
        story = self.facts.lasting
        groups: dict[Kind, list[tuple[int, Event]]] = {}
        for each in events:
            groups.setdefault(each.kind, []).append((story.importance(each), each))
        for group in groups.values():
            group.sort(key=lambda each: (each[0], -each[1].capture))
        for kind, group in sorted(groups.items(), key=lambda each: each[1][0][0]):
            found = [event for _, event in group[:_LISTED]]
            yield {
                "kind": kind,
                "title": wording.TITLES[kind],
                "severity": "" if kind == "updated" else of_kind(kind),
                "count": counts[kind],
                "events": [story.told(each) for each in found],
                "left": counts[kind] - len(found),
            }

    def _write_months(self) -> None:
        names = sorted(set(self.facts.months))
        newest = self.facts.months[self.shelf.known - 1] if self.shelf.known else ""
        for place, name in enumerate(names):
            page = f"months/{name}.html"
            if name < newest and self.shelf.keep(page):
                continue
            here = [each for each in self.facts.captures if month_of(each.timestamp) == name]
            self.shelf.page("site-capture.html.j2", page, self._month(names, place, here))

    def _month(self, names: Sequence[str], place: int, here: Sequence[Capture]) -> dict[str, Any]:
        every = [event for each in reversed(here) for event in told(self.facts.connection, each.id)]
        events = [*self.facts.story.folded(every, self.facts.damping(here[-1].id))]
        sums = {kind: sum(each.counts.get(kind, 0) for each in here) for kind in KINDS}
        words = listed(
            wording.number(kind, sums[kind]) for kind in FIRST if sums[kind] and kind != "metrics"
        )
        last = next((each.total for each in reversed(here) if each.total is not None), None)
        headline = {"captures": count(len(here), "capture"), "words": words or tr("no news")}

        def neighbour(other: int) -> dict[str, str] | None:
            there = 0 <= other < len(names)
            return {"page": f"months/{names[other]}.html", "name": names[other]} if there else None

        return {
            "kind": "month",
            "heading": names[place],
            "timestamp": "",
            "headline": tr("{captures}: {words}.", **headline)
            if last is None
            else tr(
                "{captures}: {words}; {records} at its end.",
                records=self.facts.catalogue.noun.counted(last),
                **headline,
            ),
            "notes": [*_folded(len(every) - len(events))],
            "before": neighbour(place - 1),
            "after": neighbour(place + 1),
            "captures": [row(self.facts, each) for each in reversed(here)],
            "sections": list(self._sections(events, _counted(every))),
            "revision": "",
        }


def row(facts: Facts, capture: Capture) -> dict[str, Any]:
    """Return a capture as a row of a table."""
    counts = capture.counts
    others = sum(counts.get(kind, 0) for kind in _OTHERS)
    numbers = (counts.get("new"), counts.get("updated"), counts.get("removed"), others)
    note = {"first": tr("first"), "unreadable": tr("cannot be read")}.get(capture.status, "")
    breaking = counts.get("removed", 0) + facts.breaking.get(capture.id, 0)
    return {
        "page": facts.pages[capture.id - 1],
        "timestamp": capture.timestamp,
        "total": "" if capture.total is None else count(capture.total),
        "numbers": [count(number) if number else "" for number in numbers],
        "note": note,
        "breaking": tr("{number} breaking", number=count(breaking)) if breaking else "",
    }


def _counted(events: Iterable[Event]) -> Counter[Kind]:
    return Counter(each.kind for each in events)


def _folded(number: int) -> Iterator[str]:
    """Yield how many changes flap and are not listed, if there are any."""
    if number:
        yield trn(
            "{number:,} change of a record that flaps is told once, in a newer capture.",
            "{number:,} changes of records that flap are told once, in a newer capture.",
            number,
        )


def _quiet(capture: Capture) -> str:
    if capture.status == "first":
        return tr("there was nothing to compare with.")
    if capture.total is None:
        return tr("it cannot be read.")
    moved = capture.counts.get("metrics", 0)
    return (
        tr("the metrics of {records} moved.", records=count(moved, "record"))
        if moved
        else tr("no record differs.")
    )


def _proof(trailer: str) -> str:
    """Return the trailer that says why a listing was complete, its last words translated."""
    counts, found, end = trailer.partition(_END)
    return f"{counts}{found}{retold(end)}"
