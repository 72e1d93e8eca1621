"""Add to records what only detail calls tell, for those that are new or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import SourceError, SourceUnavailable
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archiver.capture.listing import Hub
    from archiver.history.versions import Version
    from archiver.records.model import Json, Line
    from archiver.sources.listing import Listing

WAITING: Final = "enrich.json"
"""File of a source on the state ref: the keys that wait for their detail calls."""
_LONGEST: Final = 100_000


def enrich(hub: Hub, listing: Listing, before: Callable[[], Version]) -> bytes | None:
    """Add details to the lines of `listing`; return what is to be remembered of the others.

    Records that did not change carry their details forward. So do those for which the budget
    does not suffice: they wait for the next run.

    Args:
        hub: Is asked.
        listing: The listing; its lines are changed.
        before: Opens the snapshot before it.
    """
    fields: tuple[str, ...] = getattr(hub.source.settings, "enrich", ())
    if not fields:
        return None
    waiting = _waiting(hub)
    carried, wanted = _sorted(hub, listing, before(), frozenset(fields), waiting)
    listing.lines.put(carried)
    budget: int = getattr(hub.source.settings, "enrich_budget", 0)
    unasked = wanted[budget:]
    for key in wanted[:budget]:
        try:
            details = _details(hub, key)
        except SourceUnavailable:
            unasked.append(key)
        else:
            listing.lines.put(_merged(hub, listing, key, details))
    if unasked:
        records = hub.target.source.called.counted(len(unasked))
        hub.notes.append(f"{records} wait for their details until the next run")
    return msgspec.json.encode(sorted(unasked)[:_LONGEST]) + b"\n" if unasked else None


def _waiting(hub: Hub) -> frozenset[str]:
    content = hub.target.repository.read_state(f"{hub.target.source.name}/{WAITING}")
    try:
        return msgspec.json.decode(content or b"[]", type=frozenset[str])
    except UNREADABLE:
        return frozenset()


def _sorted(
    hub: Hub, listing: Listing, before: Version, fields: frozenset[str], waiting: frozenset[str]
) -> tuple[list[Line], list[str]]:
    """Return the lines with what is carried forward, and the keys to ask about.

    A record counts as unchanged while its `last_modified` is the same.
    """
    known = {}
    for part in before.parts.values():
        for line in part.lines():
            record = canonical.decode(line)
            known[canonical.line_key(line).decode()] = (
                record.get("last_modified"),
                {name: record[name] for name in fields & record.keys()},
            )
    carried, wanted = [], []
    for key, data in listing.lines:
        record = canonical.decode_with_key(data)
        modified, details = known.get(key, (None, {}))
        if key not in known or modified != record.get("last_modified") or key in waiting:
            wanted.append(key)
        if any(name not in record for name in details):
            both = {**details, **record}
            carried.append(canonical.encode_as(key, both, hub.target.source.key))
    return carried, wanted


def _details(hub: Hub, key: str) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for request in hub.source.details(key):
        try:
            found |= hub.source.detailed(hub.transport.get(request))
        except SourceUnavailable:
            raise
        except SourceError:
            continue  # this one answer says nothing
    return found


def _merged(hub: Hub, listing: Listing, key: str, details: Mapping[str, Json]) -> Iterator[Line]:
    line = listing.lines.get(key)
    if line is None or not details:
        return
    record = {**canonical.decode_with_key(line), **details}
    known = {name: value for name, value in record.items() if value is not None}
    yield canonical.encode_as(key, known, hub.target.source.key)
