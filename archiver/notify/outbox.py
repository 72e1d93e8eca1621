"""The outbox on the state ref: what was delivered to which channel.

A message is delivered at most once per channel, except after a crash between delivery and the
commit of its entry: then it is repeated with the same id, by which a receiver knows it.

- The id of a change message is the SHA-256 of its source, the name of the stamped file at which
  the comparison starts, the digest of the changes that the channel asked for, and the channel.
  The end of the comparison is no part of it: the same changes, captured again, are the same
  message. It is looked for among the entries since the channel last moved to another snapshot,
  because what is removed again after a revert is news again.
- The id of an outage or a recovery is the SHA-256 of its source, event, start and channel.
- A channel stands at its last entry with `upto`, and has an open outage if its last entry with
  an event says so. These entries are never dropped.
"""

from __future__ import annotations

import hashlib
from itertools import takewhile
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTBOX: Final = "sent.jsonl"
"""File of a source on the state ref: one `Entry` a line, oldest first."""

_KEPT: Final = 50
"""Number of newest entries that are kept of each channel."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One delivery to a channel, or the snapshot at which it starts.

    Attributes:
        channel: Name of the channel.
        id: Id of the message; empty: nothing was delivered.
        upto: Name of the stamped file up to which everything is delivered; empty: an outage.
        timestamp: Time of the delivery, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        event: ``outage`` or ``recovery``; empty: changes.
        since: Start of the first failed run of an outage, in UTC.
    """

    channel: str
    id: str
    upto: str = ""
    timestamp: str = ""
    event: str = ""
    since: str = ""


def message_id(*parts: str) -> str:
    """Return the id of the message that `parts` identify, see above."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def entries_at(upto: str, entries: list[Entry]) -> list[Entry]:
    """Return the last of a channel's `entries`: those since it moved to `upto`, newest first."""
    return list(takewhile(lambda entry: entry.upto in ("", upto), reversed(entries)))


def decode(content: bytes | None) -> list[Entry]:
    """Return the entries in a file, oldest first; unreadable lines are left out."""
    entries = []
    for line in (content or b"").splitlines():
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except UNREADABLE:
            continue
    return entries


def encode(entries: Iterable[Entry]) -> bytes:
    """Return the file of `entries`, in their order, without old ones that mean nothing any more.

    Times decide nothing here: the clock may have been set back.
    """
    numbered = list(enumerate(entries))
    places: dict[str, list[int]] = {}
    for place, entry in numbered:
        places.setdefault(entry.channel, []).append(place)
    newest = {place for each in places.values() for place in each[-_KEPT:]}
    standing = {(entry.channel, "upto"): place for place, entry in numbered if entry.upto}
    standing |= {(entry.channel, "event"): place for place, entry in numbered if entry.event}
    kept = newest | set(standing.values())
    return b"".join(msgspec.json.encode(entry) + b"\n" for n, entry in numbered if n in kept)


def merge(ours: bytes | None, theirs: bytes | None) -> bytes:
    """Return the file of the entries of two copies, by time."""
    entries = dict.fromkeys((*decode(theirs), *decode(ours)))
    return encode(sorted(entries, key=lambda entry: entry.timestamp))
