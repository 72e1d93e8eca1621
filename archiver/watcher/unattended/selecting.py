"""Choose from a comparison what a channel wants to be told."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from archiver.publish import wording
from archiver.records.model import KINDS, Kind, RecordChange, RecordUpdate, Rename

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.config import ChannelConfig
    from archiver.records.model import ChangeSet, FieldChange

_THRESHOLD: Final = re.compile(r"(\w+) *> *([\d.]+) *%")


_WORTH: Final[tuple[Kind, ...]] = (
    *("removed", "renamed", "returned", "new", "updated"),
    *("left", "entered", "metrics"),
)
"""The kinds, those that people must hear of first."""


def selected(
    changes: Iterable[RecordChange], channel: ChannelConfig
) -> tuple[Counter[Kind], list[RecordChange]]:
    """Return how many changes of each kind the channel is told of, and those that are named.

    Up to the channel's limit are named: what is gone comes before what is new.
    """
    wants = _wanted(channel)
    counts: Counter[Kind] = Counter()
    first: dict[Kind, list[RecordChange]] = {}
    for change in changes:
        if wants(change):
            counts[change.kind] += 1
            group = first.setdefault(change.kind, [])
            if len(group) < channel.limit:
                group.append(change)
    named = [change for kind in _WORTH for change in first.get(kind, ())]
    return counts, named[: channel.limit]


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


def _wanted(channel: ChannelConfig) -> Callable[[RecordChange], bool]:
    kinds = frozenset(channel.kinds)
    found = _THRESHOLD.fullmatch(channel.threshold or "")
    if found is None:
        return lambda change: change.kind in kinds
    field, share = found[1], float(found[2]) / 100

    def wanted(change: RecordChange) -> bool:
        if change.kind != "metrics":
            return change.kind in kinds
        return any(_moved(each, share) for each in change.changes or () if each.field == field)

    return wanted


def _moved(change: FieldChange, share: float) -> bool:
    """Say whether a number moved by more than a share of what it was."""
    old, new = change.old, change.new
    if isinstance(old, bool) or isinstance(new, bool):
        return False
    if not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
        return False
    return abs(new - old) > share * abs(old)
