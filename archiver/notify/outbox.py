"""Remember on the state ref what was told to whom, so that nothing is told twice."""

from __future__ import annotations

import hashlib
from itertools import takewhile
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

SENT: Final = "sent.jsonl"
"""File of a source on the state ref: one `Sent` a line, oldest first."""

_KEPT: Final = 50
"""So many of the newest are remembered for each channel."""


class Sent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a channel was told, or could not be told.

    Attributes:
        channel: Name of the channel.
        id: What was told (see `identity`); empty: nothing yet.
        upto: Name of the stamped file up to which everything was told; for an outage, empty.
        timestamp: When, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        event: ``outage`` or ``recovery``; empty: changes. An outage is open while the last row
            with an event says ``outage``.
        since: For these, when the first failed run began, in UTC.
    """

    channel: str
    id: str
    upto: str = ""
    timestamp: str = ""
    event: str = ""
    since: str = ""


def identity(*parts: str) -> str:
    """Return what names one message: the SHA-256 of its parts (source, what it is, channel)."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def since(upto: str, rows: list[Sent]) -> list[Sent]:
    """Return the last of a channel's `rows`: those since it was elsewhere than at `upto`.

    What vanishes a second time after it was taken back is told a second time.
    """
    return list(takewhile(lambda row: row.upto in ("", upto), reversed(rows)))


def read(content: bytes | None) -> list[Sent]:
    """Return what a file of the state ref holds; lines that cannot be read are none."""
    rows = []
    for line in (content or b"").splitlines():
        try:
            rows.append(msgspec.json.decode(line, type=Sent))
        except UNREADABLE:
            continue
    return rows


def written(rows: Iterable[Sent]) -> bytes:
    """Return the file of `rows`, in their order.

    The newest of each channel are kept, and where it stands: its last row with `upto`, and its
    last one with an event. The clock may have gone back: times say nothing here.
    """
    numbered = list(enumerate(rows))
    places: dict[str, list[int]] = {}
    for place, row in numbered:
        places.setdefault(row.channel, []).append(place)
    newest = {place for each in places.values() for place in each[-_KEPT:]}
    standing = {(row.channel, "upto"): place for place, row in numbered if row.upto}
    standing |= {(row.channel, "event"): place for place, row in numbered if row.event}
    kept = newest | set(standing.values())
    return b"".join(msgspec.json.encode(row) + b"\n" for place, row in numbered if place in kept)


def joined(ours: bytes | None, theirs: bytes | None) -> bytes:
    """Return what two copies remember, together."""
    rows = dict.fromkeys((*read(theirs), *read(ours)))
    return written(sorted(rows, key=lambda row: row.timestamp))
