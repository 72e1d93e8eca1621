"""Enrich records by detail calls, for those that are new or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from archiver.capture.state import WAITING
from archiver.capture.validation import differences
from archiver.errors import SourceError, SourceUnavailable
from archiver.language import stored
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.capture.connection import Connection
    from archiver.capture.validation import Baseline
    from archiver.changes.lifecycle import Pair
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
    budget: int = getattr(settings, "enrich_budget", 0)
    wanted = _Wanted(budget + _LONGEST, filter(listing.lines.holds, _waiting(connection)))
    pairs = differences(baseline.open(), listing.lines)
    listing.lines.replace(_carried(connection, pairs, frozenset(fields), wanted))
    keys = wanted.first()
    asked, unasked = keys[:budget], keys[budget:]
    left = wanted.number - len(asked)
    for key in asked:
        try:
            details = _details(connection, key)
        except SourceUnavailable:
            unasked.append(key)
            left += 1
        else:
            listing.lines.replace(_merged(connection, listing, key, details))
    if left:
        records = connection.target.source.called.counted(left)
        connection.notes.append(
            stored("{records} wait for their details until the next run", records=records)
        )
    return msgspec.json.encode(sorted(unasked)[:_LONGEST]) + b"\n" if left else None


class _Wanted:
    """The keys that want details: how many there are, and the first of them."""

    def __init__(self, most: int, waiting: Iterable[str]) -> None:
        """Keep at most so many; those that are `waiting` are wanted."""
        self._most = most
        self._keys = [*waiting]
        self._waiting = frozenset(self._keys)
        self.number = len(self._keys)

    def add(self, key: str) -> None:
        """Add a key that was not added before."""
        if key not in self._waiting:
            self.number += 1
            self._keys.append(key)
            if len(self._keys) >= 2 * self._most:
                self._keys = self.first()

    def first(self) -> list[str]:
        """Return the first keys, sorted."""
        return sorted(self._keys)[: self._most]


def _waiting(connection: Connection) -> frozenset[str]:
    content = connection.target.catalogue.remembered(WAITING)
    try:
        return msgspec.json.decode(content or b"[]", type=frozenset[str])
    except UNREADABLE:
        return frozenset()


def _carried(
    connection: Connection, pairs: Iterable[Pair], fields: frozenset[str], wanted: _Wanted
) -> Iterator[Line]:
    """Yield the lines that keep the details they had; add the keys to ask about to `wanted`.

    A record counts as unchanged while its `Source.revision` is the same.
    """
    revision = connection.source.revision
    for old, new in pairs:
        if new is None:
            continue
        key = canonical.line_key(new).decode()
        if old is None:
            wanted.add(key)
            continue
        before, record = canonical.decode(old), canonical.decode_with_key(new)
        if before.get(revision) != record.get(revision):
            wanted.add(key)
        details = {name: before[name] for name in fields & before.keys()}
        if details.keys() - record.keys():
            yield canonical.encode_as(key, {**details, **record}, connection.target.source.key)


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
