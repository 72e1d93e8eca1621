"""The part of a site that is about one source."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from archiver.database import figures, pages
from archiver.database.reading import newest
from archiver.history import queries
from archiver.history.changelog import links
from archiver.history.index import description
from archiver.records.jsontext import parse
from archiver.records.key import label_of
from archiver.records.model import KINDS
from archiver.records.representation import short
from archiver.records.text import count
from archiver.render import changes as change_forms
from archiver.render import wording
from archiver.render.view import ChangeStream, View
from archiver.site import data, machine, overview, record
from archiver.site.addresses import (
    bucket_of,
    capture_pages,
    folder_of,
    month_of,
    record_page,
)
from archiver.site.folder import Section
from archiver.site.story import Story, headline, importance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from archiver.database.pages import Capture, Event, Life
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.records.model import Json
    from archiver.site.folder import Draft

_ROWS: Final = 50
"""Rows of the catalogue that stand in its page."""
_LISTED: Final = 200
"""Changes of each kind that stand in the page of a capture or a month."""
_GRAVES: Final = 2_000
_AT_ONCE: Final = 100_000
"""Number of records whose lives are held in memory."""
_OTHERS: Final = ("returned", "renamed", "entered", "left")


class Told(NamedTuple):
    """What the rest of the site says of a source."""

    name: str
    folder: str
    noun: tuple[str, str]
    records: int
    total: str
    captures: int
    first: str
    last: str
    revision: str
    headline: str
    feeds: list[tuple[str, str]]
    pages: tuple[str, ...]

    def __repr__(self) -> str:
        return short(self)


class _Kept(NamedTuple):
    """A record as far as it decides which pages there are."""

    key: str
    gone: str
    until: int
    changed: int
    cause: str
    other: str
    since: int


@dataclass
class SourceSite:
    """Writes all about one source into a draft.

    Attributes:
        draft: The site in the making.
        catalogue: The catalogue.
        index: Its index.
        render: Fills in a template: name, path of the page, and what it shows.
        made: Digest of what all pages depend on besides the history.
        static_records: Number of records that get a page of their own.
        base_url: Where the site is published; empty: unknown.
    """

    draft: Draft
    catalogue: Catalogue
    index: Index
    render: Callable[[str, str, dict[str, Any]], str]
    made: str
    static_records: int
    base_url: str

    def write(self) -> tuple[Told, Section]:
        """Write it; return what the rest of the site says of it, and what it holds."""
        self._write_records()
        self._write_values()
        self._write_captures()
        self._write_months()
        self._write_removed()
        self._write_catalogue()
        self._write_index()
        self._write_plain_pages()
        self._write_overview()
        self._write_delta()
        self._write_badge()
        return self.told, self._section

    @cached_property
    def folder(self) -> str:
        """Folder of the source in the site."""
        return folder_of(self.catalogue.source)

    @cached_property
    def told(self) -> Told:
        """What the rest of the site says of the source."""
        noun = self.catalogue.noun
        records = self._readable.total or 0
        return Told(
            name=self.catalogue.source,
            folder=self.folder,
            noun=(noun.one, noun.many),
            records=records,
            total=noun.counted(records),
            captures=len(self._captures),
            first=self._captures[0].timestamp,
            last=self._captures[-1].timestamp,
            revision=self._captures[-1].revision,
            headline=headline(self._captures[-1], noun),
            feeds=[],
            pages=("index", "catalogue", "changes", "compare", "removed", "proof"),
        )

    @property
    def drawn(self) -> int:
        """Number of records that have no page of their own."""
        return len(self._kept) - len(self._own)

    # What is known ---------------------------------------------------------------------------

    @cached_property
    def _captures(self) -> list[Capture]:
        return pages.captures(self.index.connection)[: self.index.last]

    @cached_property
    def _readable(self) -> Capture:
        """The newest capture that can be read."""
        return next(each for each in reversed(self._captures) if each.total is not None)

    @cached_property
    def _pages(self) -> list[str]:
        return capture_pages([each.timestamp for each in self._captures])

    @cached_property
    def _months(self) -> list[str]:
        return [month_of(each.timestamp) for each in self._captures]

    @cached_property
    def _metrics(self) -> dict[str, int]:
        return figures.metrics(self.index.connection)

    @cached_property
    def _kept(self) -> list[_Kept]:
        """Every record there ever was: removed ones first, then those that changed last."""
        found = map(_summed, pages.lives(self.index.connection))
        return sorted(found, key=lambda each: (not each.gone, -each.until, -each.changed, each.key))

    @cached_property
    def _all_static(self) -> bool:
        return len(self._kept) <= self.static_records

    @cached_property
    def _own(self) -> frozenset[str]:
        """The keys of the records that have a static page."""
        changed = [each for each in self._kept if each.gone or each.changed or self._all_static]
        return frozenset(each.key for each in changed[: self.static_records])

    @cached_property
    def _labels(self) -> dict[str, str]:
        path = self.catalogue.policy.label
        if not path:
            return {}
        lives = pages.lives(self.index.connection)
        return {each.key: label_of(parse(each.record.encode()), path) for each in lives}

    @cached_property
    def _columns(self) -> data.Columns:
        lines = ((key, line) for key, _, line in newest(self.index.connection))
        return data.Columns(lines, self._metrics, self.catalogue.policy.label)

    @cached_property
    def _hub(self) -> data.Hub:
        return data.Hub.of(links(self.catalogue), self._columns.keys)

    @cached_property
    def _story(self) -> Story:
        """How changes are shown on pages that are written each time."""
        return self._told_with(self._own)

    @cached_property
    def _lasting(self) -> Story:
        """How changes are shown on pages that stay: a static page may go, a drawn one never."""
        return self._told_with(self._own if self._all_static else ())

    def _told_with(self, own: Collection[str]) -> Story:
        return Story(self._captures, self._pages, self.catalogue.policy, self._labels, own)

    # What is kept ----------------------------------------------------------------------------

    @cached_property
    def _section(self) -> Section:
        return Section(
            made=self._digest,
            captures=len(self._captures),
            history=self._history(len(self._captures)),
        )

    @cached_property
    def _digest(self) -> str:
        """Digest of all that the pages depend on, but the history."""
        about = (
            self.made,
            description(self.catalogue),
            self.catalogue.policy.label,
            self.catalogue.noun,
            self._all_static,
            self._buckets,
            [each.buckets for each in self._eras[:1]],
            list(self._metrics),
            self._hub[1:],
        )
        return hashlib.sha256(msgspec.json.encode(about)).hexdigest()

    def _history(self, captures: int) -> str:
        """Return the digest of the first captures, as the page on proof explains it."""
        digest = hashlib.sha256()
        for each in self._captures[:captures]:
            digest.update(f"{each.revision} {each.object}\n".encode())
        return digest.hexdigest()

    @cached_property
    def _known(self) -> int:
        """Number of captures of the published site whose files can be kept; 0: there are none."""
        old = self.draft.old.sources.get(self.folder) if self.draft.old else None
        if old is None or old.made != self._digest or old.captures > len(self._captures):
            return 0
        return old.captures if old.history == self._history(old.captures) else 0

    def _page(self, template: str, path: str, context: dict[str, Any]) -> None:
        path = f"{self.folder}/{path}"
        self.draft.write(path, self.render(template, path, {"source": self._source, **context}))

    @cached_property
    def _source(self) -> dict[str, Any]:
        noun = self.catalogue.noun
        return {
            "name": self.catalogue.source,
            "folder": self.folder,
            "noun": (noun.one, noun.many),
        }

    def _data(self, name: str, value: Json) -> None:
        self.draft.write(f"{self.folder}/data/{name}.js", data.script(name, value))

    def _keep_data(self, name: str) -> bool:
        return self.draft.keep(f"{self.folder}/data/{name}.js")

    # Records ---------------------------------------------------------------------------------

    @cached_property
    def _buckets(self) -> int:
        return data.record_files(len(self._kept))

    def _write_records(self) -> None:
        touched = pages.touched(self.index.connection, self._known)
        stale = {bucket_of(key, self._buckets) for key in touched}
        todo = [
            bucket
            for bucket in range(self._buckets)
            if not self._known or bucket in stale or not self._keep_data(f"records/{bucket}")
        ]
        moved = touched | pages.moved(self.index.connection, self._known)
        drawn = {key for key in self._own if not self._stays(key, moved)}
        self._write_lives(todo, drawn)

    def _stays(self, key: str, moved: Collection[str]) -> bool:
        """Keep the static page of a record that did not change; return whether it could be."""
        can = self._known and key not in moved
        return bool(can) and self.draft.keep(f"{self.folder}/{record_page(key)}")

    def _write_lives(self, todo: Sequence[int], drawn: Collection[str]) -> None:
        """Write the data files `todo`, and the static pages of the records `drawn`."""
        values = self._values_of(drawn)
        step = max(len(todo) * _AT_ONCE // max(len(self._kept), 1), 1)
        for start in range(0, max(len(todo), 1), step):
            parts: dict[int, dict[str, Json]] = {each: {} for each in todo[start : start + step]}
            for life in pages.lives(self.index.connection):
                bucket = bucket_of(life.key, self._buckets)
                if bucket in parts:
                    parts[bucket][life.key] = data.life(life, self.catalogue.policy.label)
                if not start and life.key in drawn:
                    self._write_record(life, values.get(life.key, {}))
            for bucket, part in parts.items():
                self._data(f"records/{bucket}", dict(sorted(part.items())))

    def _values_of(self, keys: Collection[str]) -> dict[str, dict[str, record.Series]]:
        names = list(self._metrics)
        found: dict[str, dict[str, record.Series]] = {}
        last = len(self._captures)
        if keys:
            rows = pages.values(self.index.connection, self._metrics, 1, last, keys)
            for key, place, text in rows:
                found.setdefault(key, {})[names[place]] = record.series(text)
        return found

    def _write_record(self, life: Life, values: dict[str, record.Series]) -> None:
        ordered = {name: values[name] for name in self._metrics if name in values}
        hub = self._hub.link(life.key)
        shown = record.context(life, ordered, self._lasting, hub, len(self._captures))
        self._page("site-record.html.j2", record_page(life.key), {"record": shown})

    # Values ----------------------------------------------------------------------------------

    @cached_property
    def _eras(self) -> list[data.Era]:
        return data.eras(len(self._captures), len(self._kept)) if self._metrics else []

    def _write_values(self) -> None:
        for era in self._eras:
            full = era.name == data.OLD or era.last - era.first + 1 == data.ERA
            names = [f"values/{era.name}/{bucket}" for bucket in range(era.buckets)]
            if full and era.last <= self._known and all(map(self._keep_data, names)):
                continue
            parts: list[dict[str, dict[str, Json]]] = [{} for _ in names]
            rows = pages.values(self.index.connection, self._metrics, era.first, era.last)
            for key, place, text in rows:
                known = parts[bucket_of(key, era.buckets)].setdefault(key, {})
                known[str(place)] = self._values(era, text)
            for name, part in zip(names, parts, strict=True):
                self._data(name, dict(sorted(part.items())))

    def _values(self, era: data.Era, text: str) -> Json:
        text = data.thinned(text, self._months) if era.name == data.OLD else text
        return data.raw(f"[{text}]")

    # Captures --------------------------------------------------------------------------------

    def _write_captures(self) -> None:
        for capture in self._captures:
            page = f"captures/{self._pages[capture.id - 1]}.html"
            lasting = capture.id < self._known
            has_page = lasting and self.draft.keep(f"{self.folder}/{page}")
            has_data = lasting and self._keep_data(f"changes/{capture.id}")
            if has_page and has_data:
                continue
            events = pages.news(self.index.connection, capture.id)
            self._data(f"changes/{capture.id}", [data.change(each) for each in events])
            self._page("site-capture.html.j2", page, self._capture(capture, events))

    def _capture(self, capture: Capture, events: Sequence[Event]) -> dict[str, Any]:
        return {
            "kind": "capture",
            "heading": f"{capture.timestamp[:16]} UTC",
            "timestamp": capture.timestamp,
            "headline": headline(capture, self.catalogue.noun),
            "notes": [capture.reason] if capture.reason and capture.total is not None else [],
            "number": capture.id,
            "before": self._neighbour(capture.id - 1),
            "after": self._neighbour(capture.id + 1),
            "captures": [],
            "sections": list(self._sections(events)),
            "quiet": _quiet(capture),
            "revision": capture.revision,
            "object": capture.object,
            "subject": capture.subject,
            "proof": capture.proof,
        }

    def _neighbour(self, capture: int) -> dict[str, str] | None:
        if not 1 <= capture <= len(self._captures):
            return None
        name = self._captures[capture - 1].timestamp[:16]
        return {"page": f"captures/{self._pages[capture - 1]}.html", "name": name}

    def _sections(self, events: Iterable[Event]) -> Iterator[dict[str, Any]]:
        """Yield the changes by kind, in the order of what matters."""
        ordered = sorted(events, key=lambda each: wording.FIRST.index(each.kind))
        for kind, group in groupby(ordered, key=lambda each: each.kind):
            found = sorted(group, key=lambda each: (importance(each), -each.capture))
            yield {
                "kind": kind,
                "title": wording.TITLES[kind],
                "count": len(found),
                "events": [self._lasting.told(each) for each in found[:_LISTED]],
                "left": max(len(found) - _LISTED, 0),
            }

    def _write_months(self) -> None:
        names = sorted(set(self._months))
        newest = self._months[self._known - 1] if self._known else ""
        for place, name in enumerate(names):
            page = f"months/{name}.html"
            if name < newest and self.draft.keep(f"{self.folder}/{page}"):
                continue
            here = [each for each in self._captures if month_of(each.timestamp) == name]
            self._page("site-capture.html.j2", page, self._month(names, place, here))

    def _month(self, names: Sequence[str], place: int, here: Sequence[Capture]) -> dict[str, Any]:
        events = [event for each in here for event in pages.news(self.index.connection, each.id)]
        sums = {kind: sum(each.counts.get(kind, 0) for each in here) for kind in KINDS}
        words = [
            f"{count(sums[kind])} {kind}"
            for kind in wording.FIRST
            if sums[kind] and kind != "metrics"
        ]
        last = next((each.total for each in reversed(here) if each.total is not None), None)
        at_end = "" if last is None else f"; {self.catalogue.noun.counted(last)} at its end"

        def neighbour(other: int) -> dict[str, str] | None:
            there = 0 <= other < len(names)
            return {"page": f"months/{names[other]}.html", "name": names[other]} if there else None

        return {
            "kind": "month",
            "heading": names[place],
            "timestamp": "",
            "headline": f"{count(len(here), 'capture')}: {', '.join(words) or 'no news'}{at_end}.",
            "notes": [],
            "before": neighbour(place - 1),
            "after": neighbour(place + 1),
            "captures": [self._row(each) for each in reversed(here)],
            "sections": list(self._sections(events)),
            "revision": "",
        }

    def _row(self, capture: Capture) -> dict[str, Any]:
        """Return a capture as a row of a table."""
        counts = capture.counts
        others = sum(counts.get(kind, 0) for kind in _OTHERS)  # type: ignore[call-overload]
        numbers = (counts.get("new"), counts.get("updated"), counts.get("removed"), others)
        note = {"first": "first", "unreadable": "cannot be read"}.get(capture.status, "")
        return {
            "page": self._pages[capture.id - 1],
            "timestamp": capture.timestamp,
            "total": "" if capture.total is None else count(capture.total),
            "numbers": [count(number) if number else "" for number in numbers],
            "note": note,
        }

    # Pages that are written each time ---------------------------------------------------------

    def _write_removed(self) -> None:
        gone = [each for each in self._kept if each.gone]
        rows = [
            {
                **self._story.record(each.key),
                **self._story.at(each.until),
                "since": self._captures[each.since - 1].timestamp,
                "words": _how_gone(each),
            }
            for each in gone[:_GRAVES]
        ]
        returned = [
            {
                **self._story.record(key),
                **self._story.at(capture),
                "gone": self._captures[went - 1].timestamp if went else "",
            }
            for key, capture, went in pages.returns(self.index.connection, _LISTED)
        ]
        left = len(gone) - len(rows)
        self._page(
            "site-removed.html.j2",
            "removed.html",
            {"gone": rows, "left": left, "returned": returned},
        )

    def _write_catalogue(self) -> None:
        columns = self._columns
        shown = [field for field in columns.fields if field.shown]
        rows = [
            {
                **self._story.record(columns.keys[place]),
                "cells": [_cell(field.name, columns.cell(field.name, place)) for field in shown],
            }
            for place in columns.order()[:_ROWS]
        ]
        context = {
            "total": self.told.total,
            "first_column": self._first_column,
            "columns": [{"name": each.name, "number": each.kind == "number"} for each in shown],
            "rows": rows,
        }
        self._page("site-catalogue.html.j2", "catalogue.html", context)
        self._data("columns/key", columns.keys)
        if columns.labels:
            self._data("columns/label", columns.labels)
        if not self._hub.regular and any(map(self._hub.link, columns.keys)):
            self._data("columns/link", [self._hub.link(key) or None for key in columns.keys])
        for number, field in enumerate(columns.fields):
            self._data(f"columns/{number}", columns.column(field.name))

    @property
    def _first_column(self) -> str:
        key = self.catalogue.policy.key
        return key[0] if len(key) == 1 else "key"

    def _write_index(self) -> None:
        has_links = not self._hub.regular and any(map(self._hub.link, self._columns.keys))
        hub = {"before": self._hub.before, "after": self._hub.after} if self._hub.regular else None
        self._data(
            "index",
            {
                "version": self._section.history[:16],
                "source": self.catalogue.source,
                "title": self.catalogue.source,
                "noun": list(self._source["noun"]),
                "captures": data.captures(self._captures, self._pages),
                "fields": [field._asdict() for field in self._columns.fields],
                "records": len(self._columns.keys),
                "first": self._first_column,
                "link": hub,
                "links": has_links,
                "labels": bool(self._columns.labels),
                "buckets": self._buckets,
                "eras": [
                    {
                        "from": each.first,
                        "to": each.last,
                        "buckets": each.buckets,
                        "name": each.name,
                    }
                    for each in self._eras
                ],
                "metrics": list(self._metrics),
            },
        )

    def _write_plain_pages(self) -> None:
        self._page("site-record.html.j2", "record.html", {"record": None})
        self._page("site-compare.html.j2", "compare.html", {})
        by_month = [
            {"name": name, "captures": [self._row(each) for each in group]}
            for name, group in groupby(
                reversed(self._captures), key=lambda each: month_of(each.timestamp)
            )
        ]
        self._page(
            "site-changes.html.j2", "changes.html", {"months": by_month, "captures": self._captures}
        )
        context = {
            "newest": self._captures[-1],
            "digest": self._section.history,
            "path": self.catalogue.path,
            "confirms": bool(self.catalogue.folder),
            "metrics": list(self.catalogue.policy.metrics),
            "unreadable": [each for each in self._captures if each.status == "unreadable"],
            "badge": machine.badge_words(self.told.total, self.told.last),
        }
        self._page("site-proof.html.j2", "proof.html", context)

    def _write_overview(self) -> None:
        self._page("site-overview.html.j2", "index.html", self.overview)

    @cached_property
    def overview(self) -> dict[str, Any]:
        """What the overview shows."""
        connection = self.index.connection
        gone = sum(1 for each in self._kept if each.gone)
        back = len(pages.returns(connection, len(self._kept)))
        run = pages.last_run(connection)
        return {
            "source": self._source,
            **overview.at_a_glance(self._captures, self.catalogue.noun, run),
            **overview.news(connection, self._captures, self._story),
            "movers": list(overview.movers(connection, self._captures, self._story)),
            "values": list(overview.values(self._columns)),
            **overview.over_time(self._captures),
            "calendar": overview.calendar(self._captures),
            "gone": gone,
            "returned": f"{count(back)} returned" if back else "none returned",
        }

    def _write_delta(self) -> None:
        """Write what the newest capture changed, in the form of ``compare -f json``."""
        with queries.compare(
            self.catalogue, None, None, now=datetime.min.replace(tzinfo=UTC)
        ) as found:
            stream = ChangeStream(
                source=self.catalogue.source,
                old=found.old.end,
                current=found.new.end,
                changes=(each for each in found.changes() if each.kind != "metrics"),
                summary=lambda: found.summary,
                noun=self.catalogue.noun,
            )
            out = io.StringIO()
            change_forms.show(stream, View(form="json"), out)
        self.draft.write(f"{self.folder}/latest.delta.json", out.getvalue())

    def _write_badge(self) -> None:
        words = machine.badge_words(self.told.total, self.told.last)
        self.draft.write(f"{self.folder}/badge.svg", machine.badge(self.catalogue.source, words))


def _summed(life: Life) -> _Kept:
    ending = next((each for each in life.events if each.capture == life.until), None)
    changed = life.events[-1].capture if life.events else 0
    cause, other = (ending.cause, ending.new_key) if ending else ("", "")
    return _Kept(life.key, life.gone, life.until or 0, changed, cause, other, life.since)


def _how_gone(record: _Kept) -> str:
    if record.gone == "renamed":
        return f"renamed to {record.other}" if record.other else "renamed"
    words = "left the window" if record.gone == "left" else "removed"
    return f"{words}: {record.cause}" if record.cause else words


def _quiet(capture: Capture) -> str:
    if capture.status == "first":
        return "there was nothing to compare with."
    if capture.total is None:
        return "it cannot be read."
    moved = capture.counts.get("metrics", 0)
    return f"the metrics of {count(moved, 'record')} moved." if moved else "no record differs."


def _cell(name: str, value: Json) -> dict[str, Any]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"words": wording.cell(name, value), "number": number}
