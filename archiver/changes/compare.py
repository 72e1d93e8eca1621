"""Compare two snapshots: merge their sorted lines, look inside only where they differ.

A line is a record in canonical form, so two lines are equal exactly when the records are
(never Python's ``==``, for which ``True`` is ``1``). Memory does not grow with the catalogue.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from archiver.changes.detail import leaves
from archiver.errors import UnreadableSnapshot
from archiver.records.canonical import decode, decode_with_key, line_key
from archiver.records.jsontext import dump
from archiver.records.model import FieldChange, RecordChange, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Json, Kind, Record
    from archiver.records.policy import Meaning, Policy

_ABSENT = object()

Pair: TypeAlias = tuple[bytes | None, bytes | None]
"""The line before and the line after of one key; None where there is none."""


def compare(
    old: Iterable[bytes], new: Iterable[bytes], *, policy: Policy
) -> Iterator[RecordChange]:
    """Yield what changed from `old` to `new`, by key.

    Args:
        old: Canonical lines, sorted by key.
        new: The same.
        policy: What the fields mean; its key plays no part.

    Raises:
        UnreadableSnapshot: A line is no record, or the lines are not sorted.
    """
    for before, after in differing(old, new):
        change = explain(before, after, policy)
        if change is not None:
            yield change


def tally(old: Iterable[bytes], new: Iterable[bytes], *, policy: Policy) -> Counter[Kind]:
    """Count the changes of each kind without explaining them; see `compare`."""
    return Counter(
        kind
        for before, after in differing(old, new)
        if (kind := kind_of(before, after, policy)) is not None
    )


def summarize(counts: Counter[Kind], *, old: int, new: int) -> Summary:
    """Return the summary of a comparison.

    Args:
        counts: Changes of each kind.
        old: Number of records before.
        new: Number of records after.

    Raises:
        UnreadableSnapshot: The counts do not add up with the totals that the snapshots state.
    """
    same = (counts[kind] for kind in ("new", "entered", "returned", "updated", "metrics"))
    unchanged = new - sum(same) - counts["renamed"]
    if unchanged < 0 or old - counts["removed"] - counts["left"] != new - sum(
        counts[kind] for kind in ("new", "entered", "returned")
    ):
        raise UnreadableSnapshot(
            "a snapshot holds another number of records than it says",
            hint="`archiver verify` names the snapshot",
        )
    return Summary(unchanged=unchanged, **{str(kind): n for kind, n in counts.items()})


def differing(old: Iterable[bytes], new: Iterable[bytes]) -> Iterator[Pair]:
    """Yield the pairs of lines that are not equal, by key."""
    olds, news = iter(old), iter(new)
    before, after = next(olds, None), next(news, None)
    last_old = last_new = b""
    while before is not None and after is not None:
        if before == after:
            before, after = next(olds, None), next(news, None)
            continue
        old_key, new_key = line_key(before), line_key(after)
        if old_key < last_old or new_key < last_new:
            _refuse_order(min(old_key, new_key))
        last_old, last_new = old_key, new_key
        if old_key == new_key:
            yield before, after
            before, after = next(olds, None), next(news, None)
        elif old_key < new_key:
            yield before, None
            before = next(olds, None)
        else:
            yield None, after
            after = next(news, None)
    yield from _left_over(before, olds, last_old, gone=True)
    yield from _left_over(after, news, last_new, gone=False)


def _left_over(
    first: bytes | None, lines: Iterator[bytes], last: bytes, *, gone: bool
) -> Iterator[Pair]:
    line = first
    while line is not None:
        key = line_key(line)
        if key < last:
            _refuse_order(key)
        last = key
        yield (line, None) if gone else (None, line)
        line = next(lines, None)


def _refuse_order(key: bytes) -> None:
    raise UnreadableSnapshot(
        f"the records are not sorted by key (at {key.decode(errors='replace')!r})",
        hint="`archiver verify` names the snapshot",
    )


def kind_of(before: bytes | None, after: bytes | None, policy: Policy) -> Kind | None:
    """Return what happened to one key, unexplained; None if it means nothing."""
    if before is None:
        return "new"
    if after is None:
        return "removed"
    if policy.strict:
        return "updated"
    old, new = decode(before), decode(after)
    return _worst({_meaning(name, old, new, policy) for name in _names(old, new)})


def _worst(meanings: set[Meaning]) -> Kind | None:
    if "news" in meanings:
        return "updated"
    return "metrics" if "metric" in meanings else None


def explain(before: bytes | None, after: bytes | None, policy: Policy) -> RecordChange | None:
    """Return what happened to one key, given its unequal lines; None if that means nothing."""
    if before is None or after is None:
        line = after or before
        assert line is not None  # noqa: S101  a pair has at least one line
        kind: Kind = "new" if before is None else "removed"
        record = decode_with_key(line)
        return RecordChange(kind, line_key(line).decode(), record=record)
    changes = field_changes(decode(before), decode(after), policy)
    found = _worst({"metric" if change.metric else "news" for change in changes})
    if found is None:
        return None
    return RecordChange(found, line_key(after).decode(), changes=changes)


def field_changes(old: Record, new: Record, policy: Policy) -> tuple[FieldChange, ...]:
    """Return the top-level fields that differ and mean something, by name."""
    found = (_field_change(name, old, new, policy) for name in sorted(_names(old, new)))
    return tuple(change for change in found if change is not None)


def _field_change(name: str, old: Record, new: Record, policy: Policy) -> FieldChange | None:
    meaning = _meaning(name, old, new, policy)
    if meaning == "same":
        return None
    path, metric = "/" + name.replace("~", "~0").replace("/", "~1"), meaning == "metric"
    if name not in new:
        return FieldChange("remove", path, metric, old=old[name])
    if name not in old:
        return FieldChange("add", path, metric, new=new[name])
    detail = leaves(name, old[name], new[name], policy)
    return FieldChange("replace", path, metric, old[name], new[name], detail)


def _meaning(name: str, old: Record, new: Record, policy: Policy) -> Meaning:
    if name in old and name in new:
        return policy.meaning(name, old[name], new[name])
    return policy.presence(name)


def _names(old: Record, new: Record) -> list[str]:
    """Return the names of the fields that are not canonically equal, in any order."""
    found = [name for name in new if name not in old]
    for name, value in old.items():
        other = new.get(name, _ABSENT)
        if value != other or (type(value) is not str and not equal(value, other)):
            found.append(name)
    return found


def equal(old: Json, new: Json) -> bool:
    """Say whether two canonical values are equal as JSON: ``True`` is not ``1``."""
    if old != new:
        return False
    kind = type(old)
    if kind is not type(new):
        return False
    return kind not in (dict, list) or repr(old) == repr(new) or dump(old) == dump(new)
