"""Choose from a comparison what a channel wants to be told."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET

from archiver.records.model import KINDS, Kind, RecordChange, RecordUpdate, Rename
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from msgspec import UnsetType

    from archiver.config import ChannelConfig
    from archiver.records.model import ChangeSet, FieldChange, Json

_THRESHOLD: Final = re.compile(r"(\w+) *> *([\d.]+) *%")
_MODULUS: Final = 2**256


class Selection(NamedTuple):
    """What a channel is told of.

    Attributes:
        counts: How many changes of each kind.
        named: Those that are named: up to the channel's limit, what is gone before what is new.
        digest: The same for the same changes in any order, whether they are named or not.
    """

    counts: Counter[Kind]
    named: list[RecordChange]
    digest: str


def selected(changes: Iterable[RecordChange], channel: ChannelConfig) -> Selection:
    """Choose what the channel is told of."""
    told = _told(channel)
    counts: Counter[Kind] = Counter()
    first: dict[Kind, list[RecordChange]] = {}
    total = 0
    for change in filter(None, map(told, changes)):
        counts[change.kind] += 1
        total = (total + _number(change)) % _MODULUS
        group = first.setdefault(change.kind, [])
        if len(group) < channel.limit:
            group.append(change)
    named = [change for kind in wording.FIRST for change in first.get(kind, ())]
    return Selection(counts, named[: channel.limit], f"{total:064x}")


def _number(change: RecordChange) -> int:
    """Return the SHA-256 of a change in its public form; a sum of them knows no order."""
    public = (change.kind, wording.public(change))
    digest = hashlib.sha256(msgspec.json.encode(public, order="sorted")).digest()
    return int.from_bytes(digest, "big")


def flattened(changes: ChangeSet) -> Iterator[RecordChange]:
    """Yield the changes of a set one by one, in the order of the kinds."""
    for kind in KINDS:
        for each in changes[kind]:
            if isinstance(each, RecordUpdate):
                yield RecordChange(kind, each.key, changes=each.changes)
            elif isinstance(each, Rename):
                yield RecordChange(kind, each.new, old_key=each.old)
            else:
                record = {name: value for name, value in each.items() if name != "@cause"}
                cause = each.get("@cause", UNSET)
                yield RecordChange(kind, wording.key(each), record=record, cause=cause)


def _told(channel: ChannelConfig) -> Callable[[RecordChange], RecordChange | None]:
    """Return what tells which part of a change the channel hears of; None: nothing of it.

    A record with news and a counter that passes is one change: updated where the channel wants
    such news, else a counter.
    """
    kinds = frozenset(channel.kinds)
    passes = _passing(channel)

    def told(change: RecordChange) -> RecordChange | None:
        if change.changes is UNSET:
            return change if change.kind in kinds else None
        has_news = "updated" in kinds and not all(each.metric for each in change.changes)
        kept = tuple(each for each in change.changes if (passes(each) if each.metric else has_news))
        kind: Kind = "updated" if has_news else "metrics"
        return RecordChange(kind, change.key, changes=kept) if kept else None

    return told


def _passing(channel: ChannelConfig) -> Callable[[FieldChange], bool]:
    """Return what says whether a counter is worth telling."""
    found = _THRESHOLD.fullmatch(channel.threshold or "")
    if found is None:
        wanted = "metrics" in channel.kinds
        return lambda _: wanted
    field, share = found[1], Fraction(found[2]) / 100
    return lambda change: change.field == field and _moved(change, share)


def _moved(change: FieldChange, share: Fraction) -> bool:
    """Say whether a number moved by more than a share of what it was."""
    old, new = _exact(change.old), _exact(change.new)
    return old is not None and new is not None and abs(new - old) > share * abs(old)


def _exact(value: Json | UnsetType) -> Fraction | None:
    """Return a number as it is written: 0.1 is a tenth; None: it is none."""
    if type(value) is int:
        return Fraction(value)
    return Fraction(repr(value)) if type(value) is float else None
