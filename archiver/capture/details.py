"""Enrich records by detail calls, for those that are new or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from archiver.capture.state import WAITING
from archiver.errors import SourceError, SourceUnavailable
from archiver.language import stored
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.capture.connection import Connection
    from archiver.capture.validation import Baseline
    from archiver.records.model import Json, Line
    from archiver.sources.listing import Listing

_LONGEST: Final = 100_000  # keys


def enrich(connection: Connection, listing: Listing, baseline: Baseline) -> bytes | None:
    """Add details to the lines of `listing`; return the keys to remember for the next run.

    Records that did not change keep their details. So do those beyond the budget of calls: they
    wait for the next run.

    Args:
        connection: The source.
        listing: The listing; its lines are changed.
        baseline: The snapshot before it.

    Returns:
        The file `WAITING` of the state ref; None: nothing waits.
    """
    settings = connection.source.settings
    fields: tuple[str, ...] = getattr(settings, "enrich", ())
    if not fields:
        return None
    carried, wanted = _plan(connection, listing, baseline, frozenset(fields))
    listing.lines.replace(carried)
    budget: int = getattr(settings, "enrich_budget", 0)
    unasked = wanted[budget:]
    for key in wanted[:budget]:
        try:
            details = _details(connection, key)
        except SourceUnavailable:
            unasked.append(key)
        else:
            listing.lines.replace(_merged(connection, listing, key, details))
    if unasked:
        records = connection.target.source.called.counted(len(unasked))
        connection.notes.append(
            stored("{records} wait for their details until the next run", records=records)
        )
    return msgspec.json.encode(sorted(unasked)[:_LONGEST]) + b"\n" if unasked else None


def _waiting(connection: Connection) -> frozenset[str]:
    content = connection.target.catalogue.remembered(WAITING)
    try:
        return msgspec.json.decode(content or b"[]", type=frozenset[str])
    except UNREADABLE:
        return frozenset()


def _plan(
    connection: Connection, listing: Listing, baseline: Baseline, fields: frozenset[str]
) -> tuple[list[Line], list[str]]:
    """Return the lines that keep the details they had, and the keys to ask about.

    A record counts as unchanged while its `Source.revision` is the same.
    """
    waiting, known = _waiting(connection), {}
    revision = connection.source.revision
    for key, line in baseline.lines():
        record = canonical.decode(line)
        details = {name: record[name] for name in fields & record.keys()}
        known[key] = (record.get(revision), details)
    carried, wanted = [], []
    for key, data in listing.lines:
        record = canonical.decode_with_key(data)
        modified, details = known.get(key, (None, {}))
        if key not in known or modified != record.get(revision) or key in waiting:
            wanted.append(key)
        if any(name not in record for name in details):
            both = {**details, **record}
            carried.append(canonical.encode_as(key, both, connection.target.source.key))
    return carried, wanted


def _details(connection: Connection, key: str) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for request in connection.source.details(key):
        try:
            found |= connection.source.detailed(connection.transport.get(request))
        except SourceUnavailable:
            raise
        except SourceError:
            continue  # the other answers still count
    return found


def _merged(
    connection: Connection, listing: Listing, key: str, details: Mapping[str, Json]
) -> Iterator[Line]:
    line = listing.lines.get(key)
    if line is None or not details:
        return
    record = {**canonical.decode_with_key(line), **details}
    known = {name: value for name, value in record.items() if value is not None}
    yield canonical.encode_as(key, known, connection.target.source.key)
