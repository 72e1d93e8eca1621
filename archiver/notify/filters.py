"""Selection of the changes that a channel receives: kinds, fields, pins, threshold and limit."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.errors import ConfigError
from archiver.pins import lists
from archiver.records.model import KINDS, Kind, RecordChange, RecordUpdate, Rename, steps
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from msgspec import UnsetType

    from archiver.config import ChannelConfig
    from archiver.records.model import ChangeSet, FieldChange, Json

_THRESHOLD: Final = re.compile(r"(\w+) *> *([\d.]+) *%")
_MODULUS: Final = 2**256


class Selection(NamedTuple):
    """The changes that a channel receives.

    Attributes:
        counts: Number of changes of each kind.
        named: Those that are named: up to the channel's limit, removals before new records.
        digest: SHA-256 sum of the changes, named or not; independent of their order.
    """

    counts: Counter[Kind]
    named: list[RecordChange]
    digest: str


def pinned(channel: ChannelConfig, folder: Path) -> frozenset[str] | None:
    """Return the keys in the channel's lists of pins; None: it has none, and receives all.

    Args:
        channel: The channel.
        folder: Folder of archiver.toml, to which the paths are relative.

    Raises:
        ConfigError: A file cannot be read, or is no list of keys.
    """
    if not channel.pins:
        return None
    paths = [folder / name for name in channel.pins]
    for path in paths:
        if not lists.is_list(path):
            raise ConfigError(f"pins: {path.name} is no list of keys, such as models.txt")
    return frozenset(pin.key for pin in lists.listed(paths))


def selected(
    changes: Iterable[RecordChange], channel: ChannelConfig, pins: frozenset[str] | None = None
) -> Selection:
    """Select the changes that the channel receives.

    Args:
        changes: The changes.
        channel: The channel.
        pins: Keys of its pins, see `pinned`.
    """
    select = _Filter(channel, pins).part
    counts: Counter[Kind] = Counter()
    first: dict[Kind, list[RecordChange]] = {}
    total = 0
    for change in filter(None, map(select, changes)):
        counts[change.kind] += 1
        total = (total + _number(change)) % _MODULUS
        group = first.setdefault(change.kind, [])
        if len(group) < channel.limit:
            group.append(change)
    named = [change for kind in wording.FIRST for change in first.get(kind, ())]
    return Selection(counts, named[: channel.limit], f"{total:064x}")


def _number(change: RecordChange) -> int:
    """Return the SHA-256 of a change in its public form; their sum is independent of the order."""
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


class _Filter:
    """The `kinds`, the `fields`, the `pins` and the `threshold` of a channel."""

    def __init__(self, channel: ChannelConfig, pins: frozenset[str] | None) -> None:
        self._kinds = frozenset(channel.kinds)
        self._fields = [path.split(".") for path in channel.fields]
        self._pins = pins
        found = _THRESHOLD.fullmatch(channel.threshold or "")
        self._threshold = None if found is None else (found[1], Fraction(found[2]) / 100)

    def part(self, change: RecordChange) -> RecordChange | None:
        """Return the part of a change that the channel receives; None: nothing.

        News and a metric beyond the threshold in one record are one change: updated where the
        channel wants such news, else metrics.
        """
        if self._pins is not None and self._pins.isdisjoint((change.key, change.old_key)):
            return None
        if change.changes is UNSET:
            return change if change.kind in self._kinds else None
        kept = [each for each in change.changes if each.metric or self._is_looked_at(each)]
        news = "updated" in self._kinds and not all(each.metric for each in kept)
        kept = [each for each in kept if (self._passes(each) if each.metric else news)]
        kind: Kind = "updated" if news else "metrics"
        return replace(change, kind=kind, changes=tuple(kept)) if kept else None

    def _is_looked_at(self, change: FieldChange) -> bool:
        """Return whether a change touches one of the channel's fields, or below one."""
        if not self._fields:
            return True
        leaves = [] if change.detail is UNSET else [steps(leaf.path) for leaf in change.detail]
        touched = leaves or [[change.field]]
        return any(_meet(path, field) for path in self._fields for field in touched)

    def _passes(self, metric: FieldChange) -> bool:
        """Return whether a metric changed by more than the threshold, a share of its old value.

        The threshold names its field itself; without one, kinds and fields decide.
        """
        if self._threshold is None:
            return "metrics" in self._kinds and self._is_looked_at(metric)
        field, share = self._threshold
        if metric.field != field:
            return False
        old, new = _exact(metric.old), _exact(metric.new)
        return old is not None and new is not None and abs(new - old) > share * abs(old)


def _meet(path: list[str], other: list[str]) -> bool:
    """Return whether one of two paths leads to the other; ``*`` in `path` is any step."""
    return all(step in ("*", there) for step, there in zip(path, other, strict=False))


def _exact(value: Json | UnsetType) -> Fraction | None:
    """Return a number as it is written (0.1 is a tenth); None: it is not a number."""
    if type(value) is int:
        return Fraction(value)
    return Fraction(repr(value)) if type(value) is float else None
