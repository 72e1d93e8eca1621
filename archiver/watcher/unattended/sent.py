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
    """

    channel: str
    id: str
    upto: str = ""
    timestamp: str = ""


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
    """Return the file of `rows`, the newest of each channel."""
    kept: dict[str, list[Sent]] = {}
    for row in dict.fromkeys(rows):
        kept.setdefault(row.channel, []).append(row)
    newest = (row for each in kept.values() for row in each[-_KEPT:])
    ordered = sorted(newest, key=lambda row: (row.timestamp, row.channel))
    return b"".join(msgspec.json.encode(row) + b"\n" for row in ordered)


def joined(ours: bytes | None, theirs: bytes | None) -> bytes:
    """Return what two copies remember, together."""
    return written(sorted((*read(theirs), *read(ours)), key=lambda row: row.timestamp))
