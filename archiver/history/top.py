"""The largest movers of a metric, and the records that have most of it; from the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.database import figures
from archiver.errors import ConfigError, suggestion
from archiver.history import revisions
from archiver.language import sentence
from archiver.records.jsontext import parse
from archiver.records.key import label_of
from archiver.records.representation import short
from archiver.records.text import few

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.database.figures import Number
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.records.model import Record


class Base(NamedTuple):
    """Where a period begins: the number of a capture, and what the reader should know of it."""

    capture: int
    note: str = ""

    def __repr__(self) -> str:
        return short(self)


def base(catalogue: Catalogue, index: Index, since: datetime) -> Base:
    """Return the readable capture in effect at `since` (UTC), or the first one."""
    revision = revisions.before(catalogue, since)
    found = figures.number_of(index.connection, revision) if revision else None
    if found is not None:
        return Base(found)
    capture, began = figures.first(index.connection)
    return Base(capture, sentence("the archive begins later, at {began} UTC", began=began))


def metric(catalogue: Catalogue, index: Index, name: str) -> int:
    """Return the number of a metric.

    Raises:
        ConfigError: No record has or had such a metric; suggests the nearest one.
    """
    known = figures.metrics(index.connection)
    if name in known:
        return known[name]
    there = few([*known]) if known else sentence("none")
    raise ConfigError(
        sentence(
            '{source} has no metric "{name}"{suggestion}',
            source=catalogue.source,
            name=name,
            suggestion=suggestion(name, known),
        ),
        hint=sentence(
            "its metrics are {there}; archiver.toml or --metric makes a field one", there=there
        ),
    )


def standing(catalogue: Catalogue, index: Index, field: int) -> Iterator[Record]:
    """Yield the records by the present value of a metric, largest first: ``key``, ``value``.

    With a label, where the source has one.
    """
    for key, value in figures.standing(index.connection, field, index.last):
        yield {"key": key, **_label(catalogue, index, key), "value": value}


def movers(
    catalogue: Catalogue, index: Index, field: int, since: Base, *, growth: bool
) -> Iterator[Record]:
    """Yield the records whose metric moved since a capture, largest change first.

    ``key``, ``label`` (where the source has one), ``then`` and ``now`` (values), ``change``,
    ``growth`` (1 is twice as much; null: from nothing) and ``new`` (there was no such record then).
    """
    rows = figures.movers(
        index.connection, field, base=since.capture, last=index.last, growth=growth
    )
    for key, was, now, risen in rows:
        yield {
            "key": key,
            **_label(catalogue, index, key),
            "then": was,
            "now": now,
            "change": now - (was or 0),
            "growth": _growth(was, now),
            "new": risen,
        }


def _growth(was: Number | None, now: Number) -> float | None:
    return round((now - was) / was, 4) if was else None


def _label(catalogue: Catalogue, index: Index, key: str) -> Record:
    """Return the label of a record as a member, where the source has labels."""
    path = catalogue.policy.label
    if not path:
        return {}
    text = figures.record(index.connection, key, index.last)
    return {"label": label_of(parse(text.encode()), path) if text else ""}
