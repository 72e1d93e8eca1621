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

from archiver.changes.fields import FieldCounts
from archiver.changes.severity import scale
from archiver.database import pages
from archiver.history import queries
from archiver.history.index import description
from archiver.language import retold, said, tr
from archiver.records.representation import short
from archiver.records.text import count
from archiver.render import changes as change_forms
from archiver.render import wording
from archiver.render.view import ChangeStream, View
from archiver.site import data, feeds, machine, overview
from archiver.site.addresses import month_of, source_folder
from archiver.site.captures import DIGEST, Captures, row
from archiver.site.folder import Section
from archiver.site.lives import Lives
from archiver.site.shelf import Shelf
from archiver.site.story import headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archiver.records.model import Json
    from archiver.site.facts import Facts, Kept
    from archiver.site.folder import Draft

_ROWS: Final = 50
"""Rows of the catalogue that stand in its page."""
_GRAVES: Final = 2_000
"""Removed records that the page on them names."""
_RETURNED: Final = 200
_MAIN_FEEDS: Final = frozenset({"feed.atom", "feed.json", "removed.atom"})
_MONTHS: Final = 12
"""Months whose captures stand in the page on changes; older ones are links."""


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


@dataclass
class SourceSite:
    """Writes all about one source into a draft.

    Attributes:
        facts: What is known of the source.
        draft: The site in the making.
        frame: Fills in a template: its name, the path of the page, and what it names.
        made: Digest of what all pages depend on, besides the source.
        base_url: Where the site is published; empty: unknown.
    """

    facts: Facts
    draft: Draft
    frame: Callable[[str, str, Mapping[str, Any]], str]
    made: str
    base_url: str

    def write(self) -> None:
        """Write it."""
        self._lives.write()
        Captures(self.facts, self.shelf).write()
        self._write_removed()
        self._write_catalogue()
        self._write_index()
        self._write_plain_pages()
        self.shelf.page("site-overview.html.j2", "index.html", self.overview)
        self._write_delta()
        self._write_badge()
        for name, content in feeds.feeds(
            self.facts.catalogue, self.facts.index, base_url=self.base_url or None
        ):
            self.shelf.file(name, content)

    @cached_property
    def folder(self) -> str:
        """Folder of the source in the site."""
        return source_folder(self.facts.catalogue)

    @property
    def drawn(self) -> int:
        """Number of records that have no page of their own."""
        return len(self.facts.kept) - len(self.facts.own)

    @cached_property
    def told(self) -> Told:
        """What the rest of the site says of the source."""
        noun, captures = self.facts.catalogue.noun, self.facts.captures
        records = self.facts.readable.total or 0
        return Told(
            name=self.facts.catalogue.source,
            folder=self.folder,
            noun=(noun.one, noun.many),
            records=records,
            total=said(noun.counted(records)),
            captures=len(captures),
            first=captures[0].timestamp,
            last=captures[-1].timestamp,
            revision=captures[-1].revision,
            headline=headline(captures[-1], noun),
            feeds=self._feeds,
            pages=("index", "catalogue", "changes", "compare", "removed", "proof"),
        )

    @cached_property
    def section(self) -> Section:
        """What the site holds of the source."""
        captures = len(self.facts.captures)
        return Section(made=self._digest, captures=captures, history=self._history(captures))

    @cached_property
    def shelf(self) -> Shelf:
        """Where the source is written to."""
        return Shelf(self.draft, self.folder, self._render, self._known)

    @cached_property
    def _feeds(self) -> list[tuple[str, str]]:
        """File and title of each feed."""
        offered = feeds.offered(self.facts.catalogue).values()
        return [
            (f"{each.name}.{form}", each.title) for each in offered for form in ("atom", "json")
        ]

    @cached_property
    def _main_feeds(self) -> list[tuple[str, str]]:
        """The feeds that every page names; the overview names all."""
        return [(file, title) for file, title in self._feeds if file in _MAIN_FEEDS]

    def _render(self, template: str, path: str, context: Mapping[str, Any]) -> str:
        shown = {"source": self._source, "feeds": self._main_feeds, **context}
        return self.frame(template, path, shown)

    @cached_property
    def _source(self) -> dict[str, Any]:
        noun = self.facts.catalogue.noun
        name = self.facts.catalogue.source
        return {"name": name, "folder": self.folder, "noun": tuple(noun.words)}

    @cached_property
    def _lives(self) -> Lives:
        return Lives(self.facts, self.shelf)

    @cached_property
    def _digest(self) -> str:
        """Digest of all that lasting pages depend on, but the history."""
        facts = self.facts
        about = (
            self.made,
            description(facts.catalogue),
            facts.catalogue.policy.label,
            dict(facts.catalogue.policy.severity),
            facts.catalogue.noun,
            facts.catalogue.damping,
            facts.all_static,
            data.record_files(len(facts.kept)),
            data.value_files(len(facts.kept)),
            list(facts.metrics),
            facts.hub[1:],
            self._feeds,
        )
        return hashlib.sha256(msgspec.json.encode(about)).hexdigest()

    def _history(self, captures: int) -> str:
        """Return the digest of the first captures, as the page on proof explains it."""
        digest = hashlib.sha256()
        for each in self.facts.captures[:captures]:
            digest.update(f"{each.revision} {each.object}\n".encode())
        return digest.hexdigest()

    @property
    def _known(self) -> int:
        """Number of captures of the published site whose files can be kept; 0: there are none."""
        old = self.draft.old.sources.get(self.folder) if self.draft.old else None
        if old is None or old.made != self._digest or old.captures > len(self.facts.captures):
            return 0
        return old.captures if old.history == self._history(old.captures) else 0

    def _write_removed(self) -> None:
        gone = [each for each in self.facts.kept if each.gone]
        rows = [
            {
                **self.facts.story.record(each.key),
                **self.facts.story.at(each.until),
                "since": self.facts.captures[each.since - 1].timestamp,
                "seen": self.facts.captures[each.until - 2].timestamp,
                "words": _how_gone(each),
            }
            for each in gone[:_GRAVES]
        ]
        left = len(gone) - len(rows)
        self.shelf.page(
            "site-removed.html.j2",
            "removed.html",
            {"gone": rows, "left": left, "returned": [*self._returned()]},
        )

    def _returned(self) -> Iterator[dict[str, Any]]:
        """Yield what is there again; a record that flapped once for each time that it did."""
        damping = self.facts.damping()
        for key, capture, went in pages.returns(self.facts.connection, _RETURNED):
            episode = damping.episode(self.facts.captures[capture - 1].revision, "returned", key)
            if episode is None or damping.tells(episode):
                gone = self.facts.captures[went - 1].timestamp if went else ""
                yield {
                    **self.facts.story.record(key),
                    **self.facts.story.at(capture),
                    "gone": episode.since if episode else gone,
                    "times": episode.times if episode else 1,
                }

    def _write_catalogue(self) -> None:
        columns = self.facts.columns
        shown = [field for field in columns.fields if field.shown]
        rows = [
            {
                **self.facts.story.record(columns.keys[place]),
                "hub": self.facts.hub.link(columns.keys[place]),
                "cells": [_cell(field.name, columns.cell(field.name, place)) for field in shown],
            }
            for place in columns.order()[:_ROWS]
        ]
        context = {
            "total": self.told.total,
            "first_column": self._first_column,
            "sorted": columns.sorted_by,
            "columns": [{"name": each.name, "number": each.kind == "number"} for each in shown],
            "rows": rows,
        }
        self.shelf.page("site-catalogue.html.j2", "catalogue.html", context)
        self.shelf.data("columns/key", columns.keys)
        if columns.labels:
            self.shelf.data("columns/label", columns.labels)
        if not self.facts.hub.regular and any(map(self.facts.hub.link, columns.keys)):
            self.shelf.data(
                "columns/link", [self.facts.hub.link(key) or None for key in columns.keys]
            )
        for number, field in enumerate(columns.fields):
            self.shelf.data(f"columns/{number}", columns.column(field.name))

    @property
    def _first_column(self) -> str:
        key = self.facts.catalogue.policy.key
        return key[0] if len(key) == 1 else "key"

    def _write_index(self) -> None:
        has_links = not self.facts.hub.regular and any(
            map(self.facts.hub.link, self.facts.columns.keys)
        )
        hub = (
            {"before": self.facts.hub.before, "after": self.facts.hub.after}
            if self.facts.hub.regular
            else None
        )
        self.shelf.data(
            "index",
            {
                "version": self.section.history[:16],
                "source": self.facts.catalogue.source,
                "title": self.facts.catalogue.source,
                "noun": list(self._source["noun"]),
                "counted": list(self.facts.catalogue.noun.templates),
                "captures": data.captures(self.facts.captures, self.facts.pages),
                "fields": [field._asdict() for field in self.facts.columns.fields],
                "records": len(self.facts.columns.keys),
                "first": self._first_column,
                "link": hub,
                "links": has_links,
                "labels": bool(self.facts.columns.labels),
                "buckets": self._lives.buckets,
                "eras": [
                    {
                        "from": each.first,
                        "to": each.last,
                        "buckets": each.buckets,
                        "name": each.name,
                    }
                    for each in self._lives.eras
                ],
                "metrics": list(self.facts.metrics),
            },
        )

    def _write_plain_pages(self) -> None:
        self.shelf.page("site-record.html.j2", "record.html", {"record": None})
        self.shelf.page("site-compare.html.j2", "compare.html", {})
        by_month: list[dict[str, Any]] = []
        newest_first = reversed(self.facts.captures)
        for name, group in groupby(newest_first, key=lambda each: month_of(each.timestamp)):
            here = list(group)
            rows = [row(self.facts, each) for each in here] if len(by_month) < _MONTHS else []
            by_month.append({"name": name, "captures": rows, "count": len(here)})
        self.shelf.page(
            "site-changes.html.j2",
            "changes.html",
            {"months": by_month, "captures": self.facts.captures},
        )
        newest = self.facts.trailers.get(self.facts.captures[-1].revision, {})
        context = {
            "newest": self.facts.captures[-1],
            "total": self.told.total,
            "records_digest": newest.get(DIGEST, ""),
            "digest": self.section.history,
            "path": self.facts.catalogue.path,
            "confirms": bool(self.facts.catalogue.folder),
            "metrics": list(self.facts.catalogue.policy.metrics),
            "unreadable": [each for each in self.facts.captures if each.status == "unreadable"],
            "badge": machine.badge_words(self.told.total, self.told.last),
        }
        self.shelf.page("site-proof.html.j2", "proof.html", context)

    @cached_property
    def overview(self) -> dict[str, Any]:
        """What the overview shows."""
        connection = self.facts.connection
        gone = sum(1 for each in self.facts.kept if each.gone)
        back = len(pages.returns(connection, len(self.facts.kept)))
        run = pages.last_run(connection)
        return {
            "source": self._source,
            "feeds": self._feeds,
            **overview.at_a_glance(self.facts.captures, self.facts.catalogue.noun, run),
            **overview.news(
                connection, self.facts.captures, self.facts.story, self.facts.damping()
            ),
            "movers": list(overview.movers(connection, self.facts.captures, self.facts.story)),
            "values": list(overview.values(self.facts.columns)),
            **overview.over_time(self.facts.captures),
            "calendar": overview.calendar(self.facts.captures),
            "gone": gone,
            "returned": tr("{back} returned", back=count(back)) if back else tr("none returned"),
        }

    def _write_delta(self) -> None:
        """Write what the newest capture changed, in the form of ``compare -f json``."""
        with queries.compare(
            self.facts.catalogue, None, None, now=datetime.min.replace(tzinfo=UTC)
        ) as found:
            stream = ChangeStream(
                source=self.facts.catalogue.source,
                old=found.old.end,
                current=found.new.end,
                changes=map(
                    scale(found.policy).weighed,
                    (each for each in found.changes() if each.kind != "metrics"),
                ),
                summary=lambda: found.summary,
                noun=self.facts.catalogue.noun,
                fields=FieldCounts(scale(found.policy), found.old.end.total),
            )
            out = io.StringIO()
            change_forms.show(stream, View(form="json"), out)
        self.shelf.file("latest.delta.json", out.getvalue())

    def _write_badge(self) -> None:
        words = machine.badge_words(self.told.total, self.told.last)
        self.shelf.file("badge.svg", machine.badge(self.facts.catalogue.source, words))


def _how_gone(record: Kept) -> str:
    if record.gone == "renamed":
        return (
            tr("renamed to {other}", other=record.other)
            if record.other
            else said(wording.WORDS["renamed"])
        )
    words = tr("left the window") if record.gone == "left" else said(wording.WORDS["removed"])
    if not record.cause:
        return words
    return tr("{words}: {cause}", words=words, cause=retold(record.cause))


def _cell(name: str, value: Json) -> dict[str, Any]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"words": wording.cell(name, value), "number": number}
