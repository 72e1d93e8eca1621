"""Calculate with changes: apply them to lines, invert them, merge two comparisons.

Everything is exact for comparisons under the strict policy (no metric, volatile, set or tolerant
field), before the life cycle: a field change carries its whole old and new value. Lines and
changes are sorted by key, as `compare` takes and yields them; nothing is loaded whole.

Only one thing cannot be seen in the changes: which field is the key. It matters where that field
turns from a number into the same digits as a string, and nowhere else (`key`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET

from archiver.changes.compare import explain
from archiver.records.canonical import KEY, decode_with_key, encode_as, line_key
from archiver.records.jsontext import dump
from archiver.records.model import RecordChange
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.records.model import FieldChange, Json, Record

Key: TypeAlias = tuple[str, ...]

_STRICT = Policy()


def apply(
    lines: Iterable[bytes], changes: Iterable[RecordChange], *, key: Key = ()
) -> Iterator[bytes]:
    """Yield `lines` after `changes`: ``apply(a, compare(a, b))`` is ``b``.

    Args:
        lines: Canonical lines, sorted by key.
        changes: Of the kinds new, removed and updated, sorted by key.
        key: Fields that make the key, if known.

    Raises:
        ValueError: A change does not fit the line it speaks of.
        UnreadableSnapshot: A line is no record.
    """
    for line, change in _paired(lines, line_key, changes, _change_key):
        if change is None:
            yield line
            continue
        before = None if line is None else decode_with_key(line)
        after = _applied(before, change, key)
        if after is not None:
            yield encode_as(change.key, after, (next(iter(after)),)).data


def inverse(changes: Iterable[RecordChange]) -> Iterator[RecordChange]:
    """Yield the way back: ``inverse(compare(a, b))`` is ``compare(b, a)``.

    Raises:
        ValueError: A change is not of the kinds new, removed and updated.
    """
    for change in changes:
        if change.kind == "new":
            yield RecordChange("removed", change.key, record=change.record)
        elif change.kind == "removed":
            yield RecordChange("new", change.key, record=change.record)
        else:
            yield from _updated(change.key, _news(change), _olds(change))


def merge(
    first: Iterable[RecordChange], second: Iterable[RecordChange], *, key: Key = ()
) -> Iterator[RecordChange]:
    """Yield the net change: ``merge(compare(a, b), compare(b, c))`` is ``compare(a, c)``.

    Args:
        first: Changes of the kinds new, removed and updated, sorted by key.
        second: The same; begins where `first` ends.
        key: Fields that make the key, if known.

    Raises:
        ValueError: The second comparison does not begin where the first one ends.
    """
    for one, other in _paired(first, _change_key, second, _change_key):
        if one is None or other is None:
            yield one or other
        else:
            yield from _merged(one, other, key)


def _paired(
    left: Iterable[Any],
    left_key: Callable[[Any], bytes],
    right: Iterable[Any],
    right_key: Callable[[Any], bytes],
) -> Iterator[tuple[Any, Any]]:
    """Yield together what has the same key, by key; None stands for what is missing."""
    lefts, rights = iter(left), iter(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        one_first = other is None or (one is not None and left_key(one) <= right_key(other))
        other_first = one is None or (other is not None and right_key(other) <= left_key(one))
        yield one if one_first else None, other if other_first else None
        one = next(lefts, None) if one_first else one
        other = next(rights, None) if other_first else other


def _change_key(change: RecordChange) -> bytes:
    return change.key.encode()


def _applied(before: Record | None, change: RecordChange, key: Key) -> Record | None:
    """Return the record after `change`; None where there is none."""
    if change.kind == "new" and before is None:
        return _record(change)
    if before is None or change.kind == "new":
        raise _misfit(change)
    if change.kind == "updated":
        return _edited(before, change, key)
    if change.kind == "removed" and _same(before, _record(change)):
        return None
    raise _misfit(change)


def _edited(before: Record, change: RecordChange, key: Key) -> Record:
    olds, news = _olds(change), _news(change)
    rest = {name: value for name, value in before.items() if name not in olds}
    there = {name: value for name, value in before.items() if name in olds}
    if not _same(there, olds) or news.keys() & rest:
        raise _misfit(change)
    first = key[0] if len(key) == 1 else next(iter(before))
    return decode_with_key(encode_as(change.key, rest | news, (first,)).data)


def _merged(one: RecordChange, other: RecordChange, key: Key) -> Iterator[RecordChange]:
    kinds = (one.kind, other.kind)
    if kinds == ("new", "updated"):
        record = _edited(_record(one), other, key)
        yield RecordChange("new", one.key, record=record)
    elif kinds == ("updated", "removed"):
        back = next(inverse((one,)))
        yield RecordChange("removed", one.key, record=_edited(_record(other), back, key))
    elif kinds == ("removed", "new"):
        yield from _updated(one.key, _fields(one), _fields(other))
    elif kinds == ("updated", "updated"):
        yield from _net(one, other)
    elif kinds != ("new", "removed") or not _same(_record(one), _record(other)):
        raise _misfit(other)


def _net(one: RecordChange, other: RecordChange) -> Iterator[RecordChange]:
    between, expected = _news(one), _olds(other)
    both = _names(one) & _names(other)
    if not _same(_only(both, between), _only(both, expected)):
        raise _misfit(other)
    olds = _only(_names(other) - both, expected) | _olds(one)
    news = _only(_names(one) - both, between) | _news(other)
    yield from _updated(one.key, olds, news)


def field_changes(old: Record, new: Record, policy: Policy) -> tuple[FieldChange, ...]:
    """Return the top-level fields that differ and mean something, by name."""
    change = explain(encode_as("k", old).data, encode_as("k", new).data, policy)
    return change.changes or () if change else ()


def _updated(key: str, old: Record, new: Record) -> Iterator[RecordChange]:
    changes = field_changes(old, new, _STRICT)
    if changes:
        yield RecordChange("updated", key, changes=changes)


def _record(change: RecordChange) -> Record:
    if change.record is UNSET:
        raise _misfit(change)
    return change.record


def _fields(change: RecordChange) -> Record:
    return {name: value for name, value in _record(change).items() if name != KEY}


def _changes(change: RecordChange) -> tuple[FieldChange, ...]:
    if change.kind != "updated" or change.changes is UNSET:
        raise _misfit(change)
    return change.changes


def _names(change: RecordChange) -> set[str]:
    return {field.field for field in _changes(change)}


def _olds(change: RecordChange) -> Record:
    return {field.field: field.old for field in _changes(change) if field.old is not UNSET}


def _news(change: RecordChange) -> Record:
    return {field.field: field.new for field in _changes(change) if field.new is not UNSET}


def _only(names: set[str], fields: Record) -> Record:
    return {name: value for name, value in fields.items() if name in names}


def _same(old: Json, new: Json) -> bool:
    return dump(old) == dump(new)


def _misfit(change: RecordChange) -> ValueError:
    return ValueError(f"the change ({change.kind}) does not fit the record {change.key!r}")
