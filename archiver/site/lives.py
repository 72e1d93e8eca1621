"""The records of a source: their data files, and their static pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from archiver.database import pages
from archiver.site import data, record
from archiver.site.addresses import bucket_of, record_page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from archiver.database.pages import Life
    from archiver.records.model import Json
    from archiver.site.facts import Facts
    from archiver.site.shelf import Shelf

_AT_ONCE: Final = 100_000
"""Number of records whose lives are held in memory."""


@dataclass
class Lives:
    """Writes lives and values of all records, and the pages of some.

    Attributes:
        facts: What is known of the source.
        shelf: Where it is written to.
    """

    facts: Facts
    shelf: Shelf

    @cached_property
    def buckets(self) -> int:
        """Number of files with lives."""
        return data.record_files(len(self.facts.kept))

    def write(self) -> None:
        """Write all of it."""
        self._write_values()
        touched = pages.touched(self.facts.connection, self.shelf.known)
        stale = {bucket_of(key, self.buckets) for key in touched}
        todo = [
            bucket
            for bucket in range(self.buckets)
            if not self.shelf.known
            or bucket in stale
            or not self.shelf.keep_data(f"records/{bucket}")
        ]
        moved = touched | pages.moved(self.facts.connection, self.shelf.known)
        drawn = {key for key in self.facts.own if not self._stays(key, moved)}
        self._write_lives(todo, drawn)

    def _stays(self, key: str, moved: Collection[str]) -> bool:
        """Keep the static page of a record that did not change; return whether it could be."""
        return key not in moved and self.shelf.keep(record_page(key))

    def _write_lives(self, todo: Sequence[int], drawn: Collection[str]) -> None:
        """Write the data files `todo`, and the static pages of the records `drawn`."""
        values = self._values_of(drawn)
        step = max(len(todo) * _AT_ONCE // max(len(self.facts.kept), 1), 1)
        for start in range(0, max(len(todo), 1), step):
            parts: dict[int, dict[str, Json]] = {each: {} for each in todo[start : start + step]}
            for life in pages.lives(self.facts.connection):
                bucket = bucket_of(life.key, self.buckets)
                if bucket in parts:
                    parts[bucket][life.key] = self._life(life)
                if not start and life.key in drawn:
                    self._write_record(life, values.get(life.key, {}))
            for bucket, part in parts.items():
                self.shelf.data(f"records/{bucket}", dict(sorted(part.items())))

    def _life(self, life: Life) -> Json:
        hub = self.facts.hub
        address = "" if hub.regular else hub.link(life.key)
        return data.life(life, self.facts.catalogue.policy.label, address)

    def _values_of(self, keys: Collection[str]) -> dict[str, dict[str, record.Series]]:
        names = list(self.facts.metrics)
        found: dict[str, dict[str, record.Series]] = {}
        last = len(self.facts.captures)
        if keys:
            rows = pages.values(self.facts.connection, self.facts.metrics, 1, last, keys)
            for key, place, text in rows:
                found.setdefault(key, {})[names[place]] = record.series(text)
        return found

    def _write_record(self, life: Life, values: dict[str, record.Series]) -> None:
        ordered = {name: values[name] for name in self.facts.metrics if name in values}
        hub = self.facts.hub.link(life.key)
        shown = record.context(life, ordered, self.facts.lasting, hub)
        self.shelf.page("site-record.html.j2", record_page(life.key), {"record": shown})

    @cached_property
    def eras(self) -> list[data.Era]:
        """The captures whose values are in the same files."""
        return (
            data.eras(len(self.facts.captures), len(self.facts.kept)) if self.facts.metrics else []
        )

    def _write_values(self) -> None:
        for era in self.eras:
            full = era.name == data.OLD or era.last - era.first + 1 == data.ERA
            names = [f"values/{era.name}/{bucket}" for bucket in range(era.buckets)]
            if full and era.last <= self.shelf.known and all(map(self.shelf.keep_data, names)):
                continue
            parts: list[dict[str, dict[str, Json]]] = [{} for _ in names]
            rows = pages.values(self.facts.connection, self.facts.metrics, era.first, era.last)
            for key, place, text in rows:
                known = parts[bucket_of(key, era.buckets)].setdefault(key, {})
                known[str(place)] = self._values(era, text)
            for name, part in zip(names, parts, strict=True):
                self.shelf.data(name, dict(sorted(part.items())))

    def _values(self, era: data.Era, text: str) -> Json:
        text = data.thinned(text, self.facts.months) if era.name == data.OLD else text
        return data.raw(f"[{text}]")
