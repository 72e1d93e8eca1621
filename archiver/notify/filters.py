"""Selection of the changes that a channel receives: by kind, field, pin, size and severity."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.fields import FieldCounts
from archiver.changes.filters import Filter
from archiver.changes.severity import BUILT_IN, importance, reached, severity_of
from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.pins import lists
from archiver.records.model import KINDS, Kind, RecordChange, RecordUpdate, Rename, Severities
from archiver.records.policy import ANY
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from archiver.changes.severity import Scale
    from archiver.config import ChannelConfig
    from archiver.records.model import ChangeSet, FieldSummary

_MODULUS: Final = 2**256


class Selection(NamedTuple):
    """The changes that a channel receives.

    Attributes:
        counts: Number of changes of each kind.
        severities: Number of changes of each kind and severity.
        named: Those that are named: up to the channel's limit, the worst first.
        digest: SHA-256 sum of the changes, named or not; independent of their order.
        fields: What happened to most records; it is left out of what is named.
        told: How many updated records `fields` tells alone.
    """

    counts: Counter[Kind]
    severities: Severities
    named: list[RecordChange]
    digest: str
    fields: tuple[FieldSummary, ...] = ()
    told: int = 0


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
            raise ConfigError(
                sentence("pins: {path} is no list of keys, such as models.txt", path=path.name)
            )
    return frozenset(pin.key for pin in lists.listed(paths))


def summed_up(
    changes: Callable[[], Iterable[RecordChange]],
    channel: ChannelConfig,
    pins: frozenset[str] | None = None,
    scale: Scale = BUILT_IN,
    *,
    total: int,
) -> Selection:
    """Select the changes that the channel receives; say once what happened to most records.

    A channel that is about some records receives each of them.

    Args:
        changes: Returns the changes; they are read again where something happened to most records.
        channel: The channel.
        pins: Keys of its pins, see `pinned`.
        scale: How bad changes of the source are.
        total: Number of records of the old end.
    """
    fields = FieldCounts(scale, total)
    selection = selected(fields.counted(changes()), channel, pins, scale)
    if pins is not None or channel.where or "updated" not in channel.kinds:
        return selection
    names = {path.split(".")[0] for path in channel.fields} or {ANY}
    least = channel.min_severity
    said = tuple(
        each
        for each in fields.summaries
        if not names.isdisjoint((each.field, ANY))
        and (least is None or reached(each.severity, least))
    )
    if not said:
        return selection
    metrics = "metrics" in channel.kinds or channel.threshold is not None
    left = (fields.rest(each, metrics=metrics) for each in changes())
    rest = selected(filter(None, left), channel, pins, scale)
    told = selection.counts["updated"] - rest.counts["updated"]
    return selection._replace(named=rest.named, fields=said, told=told)


def selected(
    changes: Iterable[RecordChange],
    channel: ChannelConfig,
    pins: frozenset[str] | None = None,
    scale: Scale = BUILT_IN,
) -> Selection:
    """Select the changes that the channel receives.

    Args:
        changes: The changes.
        channel: The channel.
        pins: Keys of its pins, see `pinned`.
        scale: How bad changes of the source are.
    """
    wanted = Filter(
        channel.kinds,
        channel.fields,
        pins=pins,
        threshold=channel.threshold,
        least=channel.min_severity,
        scale=scale,
    )
    counts: Counter[Kind] = Counter()
    severities: Severities = {}
    first: dict[int, list[RecordChange]] = {}
    total = 0
    for change in filter(None, map(wanted.part, changes)):
        counts[change.kind] += 1
        of_kind, severity = severities.setdefault(change.kind, {}), severity_of(change)
        of_kind[severity] = of_kind.get(severity, 0) + 1
        total = (total + _number(change)) % _MODULUS
        group = first.setdefault(importance(change), [])
        if len(group) < channel.limit:
            group.append(change)
    named = [change for place in sorted(first) for change in first[place]]
    return Selection(counts, severities, named[: channel.limit], f"{total:064x}")


def _number(change: RecordChange) -> int:
    """Return the SHA-256 of a change in its public form; their sum is independent of the order."""
    public = wording.public(change)
    if isinstance(public, RecordUpdate):
        public = replace(public, severity=UNSET)  # the table may change, the message is the same
    digest = hashlib.sha256(msgspec.json.encode((change.kind, public), order="sorted")).digest()
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
