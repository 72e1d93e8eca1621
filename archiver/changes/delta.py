"""What one version changes, record by record, in the form in which the database keeps it.

A record is kept in two parts. Its *settled* part is the record without metrics and volatile
fields; it changes rarely. Its *moving* values are the rest; they change often and are small. Both
together give the record back, exactly, for every version that changed something of it.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from archiver.changes.compare import (
    NO_RECORD,
    Texts,
    is_rename,
    kind_of,
    meaning,
    no_record,
    present,
    split,
    unequal,
)
from archiver.changes.lifecycle import UNKNOWN
from archiver.records.canonical import line_key
from archiver.records.jsontext import decode, dump
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import msgspec

    from archiver.changes.lifecycle import Lives, Pair
    from archiver.records.model import Kind
    from archiver.records.policy import Meaning, Policy

Role: TypeAlias = Literal["metric", "volatile", "member", "leaf"]
"""What a moving value is: a field that is a metric or volatile as a whole; a field with a metric or
something volatile inside, as a whole; a metric inside such a field, by its dotted path."""


class Value(NamedTuple):
    """A moving value of a record.

    Attributes:
        field: Name of the field; of a ``leaf`` its dotted path.
        role: What it is.
        text: The value as canonical JSON; None: the record has no such value from here on.
        counts: Whether this is a change that means something: not where the record comes or goes,
            nor within a tolerance.
    """

    field: str
    role: Role
    text: bytes | None
    counts: bool = False

    def __repr__(self) -> str:
        return short(self)


class Change(NamedTuple):
    """A field whose change is news: its old and new value as canonical JSON; None: absent."""

    field: str
    old: bytes | None
    new: bytes | None

    def __repr__(self) -> str:
        return short(self)


class Delta(NamedTuple):
    """What one version changes about one key.

    Attributes:
        key: The key.
        kind: What happened, as a comparison counts it; None: nothing that means anything, or the
            old key of a record that was renamed.
        settled: The settled part from here on; None: as before, or gone.
        gone: Whether the version lacks the key and the one before has it.
        changes: The fields whose change is news; ``updated`` only.
        values: The moving values that differ from here on.
        earlier: The moving values of the version before that differed there without a change.
        old_key: The key that became this one, if any.
        new_key: The key that this one became, if any.
        cause: Why the record is gone, in words; empty: unknown.
    """

    key: str
    kind: Kind | None
    settled: bytes | None = None
    gone: bool = False
    changes: tuple[Change, ...] = ()
    values: tuple[Value, ...] = ()
    earlier: tuple[Value, ...] = ()
    old_key: str = ""
    new_key: str = ""
    cause: str = ""

    def __repr__(self) -> str:
        return short(self)


def deltas(pairs: Iterable[Pair], policy: Policy, lives: Lives = UNKNOWN) -> Iterator[Delta]:
    """Yield what changes, given the lines that are not equal (see `compare.differing`).

    Args:
        pairs: The lines.
        policy: What the fields mean.
        lives: What is known about records that only one side has.

    Raises:
        UnreadableSnapshot: A line is no record.
    """
    olds = {new: old for old, new in sorted(lives.renames.items(), reverse=True)}
    for before, after in pairs:
        kind = kind_of(before, after, policy, lives) if before is None or after is None else None
        try:
            if before is None and after is not None:
                yield _came(kind, after, policy, olds)
            elif after is None and before is not None:
                yield _went(kind, before, policy, lives)
            elif before is not None and after is not None:
                yield from _stayed(before, after, policy, lives, olds)
        except NO_RECORD as error:
            raise no_record(error) from error


def _came(kind: Kind | None, line: bytes, policy: Policy, olds: dict[str, str]) -> Delta:
    key = line_key(line).decode()
    old_key = olds.get(key, "")
    if policy.strict:
        return Delta(key, kind, line, old_key=old_key)
    texts = split(line)
    values = tuple(_all_moving(texts, policy))
    return Delta(key, kind, _settled(texts, policy), values=values, old_key=old_key)


def _went(kind: Kind | None, line: bytes, policy: Policy, lives: Lives) -> Delta:
    key = line_key(line).decode()
    stone = lives.after.get(key)
    moving = () if policy.strict else tuple(_all_moving(split(line), policy))
    return Delta(
        key,
        kind,
        gone=True,
        values=tuple(each._replace(text=None) for each in moving),
        earlier=_unsteady(moving, policy),
        new_key=stone.now if stone else "",
        cause=stone.cause if stone else "",
    )


def _stayed(
    before: bytes, after: bytes, policy: Policy, lives: Lives, olds: dict[str, str]
) -> Iterator[Delta]:
    if is_rename(before, after, policy, lives):
        old_key, new_key = line_key(before).decode(), line_key(after).decode()
        yield _went(None, before, policy, lives)._replace(new_key=new_key)
        yield _came("renamed", after, policy, olds)._replace(old_key=old_key)
        return
    old, new = split(before), split(after)
    key = decode(next(iter(new.values())))
    names = unequal(old, new)
    if policy.strict:
        yield Delta(key, "updated", after, changes=_changes(names, old, new))
    elif policy.counts_whole_fields:
        yield _counted(key, names, old, new, policy)
    else:
        yield _weighed(key, names, old, new, policy)


def _counted(key: str, names: Sequence[str], old: Texts, new: Texts, policy: Policy) -> Delta:
    """Return what happened to a record whose fields are metrics as a whole, or news."""
    metrics = policy.metric_names
    news = [name for name in names if name not in metrics]
    moved = (name for name in names if name in metrics)
    return Delta(
        key,
        "updated" if news else "metrics",
        _settled(new, policy) if news else None,
        changes=_changes(news, old, new),
        values=tuple([Value(name, "metric", _text(new, name), counts=True) for name in moved]),
    )


def _weighed(key: str, names: Sequence[str], old: Texts, new: Texts, policy: Policy) -> Delta:
    """Return what happened to a record, by what each difference means."""
    meanings = {name: meaning(name, old, new, policy) for name in names}
    news = [name for name in names if meanings[name] == "news"]
    kind: Kind | None = "updated" if news else "metrics" if "metric" in meanings.values() else None
    values = dict(_moved(meanings, old, new, policy))
    earlier: tuple[Value, ...] = ()
    if kind is None:
        values = {place: each for place, each in values.items() if each.role == "metric"}
    elif policy.drifts:
        unsteady = _unsteady(_all_moving(new, policy), policy)
        values |= {(each.field, each.role): each for each in unsteady}
        earlier = _unsteady(_all_moving(old, policy), policy)
    return Delta(
        key,
        kind,
        _settled_anew(names, old, new, policy),
        changes=_changes(news, *_present(old, new, policy)),
        values=tuple(values.values()),
        earlier=earlier,
    )


def _present(old: Texts, new: Texts, policy: Policy) -> tuple[Texts, Texts]:
    """Return two records as they are compared: without members that are like absent ones."""
    if not policy.ignores_null:
        return old, new
    return (
        {name: text for name, text in old.items() if present(text) is not None},
        {name: text for name, text in new.items() if present(text) is not None},
    )


def _changes(news: Iterable[str], old: Texts, new: Texts) -> tuple[Change, ...]:
    return tuple([Change(name, _text(old, name), _text(new, name)) for name in news])


def _settled_anew(names: Iterable[str], old: Texts, new: Texts, policy: Policy) -> bytes | None:
    """Return the settled part of `new` if it differs from that of `old`."""
    if all(name in policy.metric_names for name in names):
        return None
    settled = _settled(new, policy)
    return None if settled == _settled(old, policy) else settled


def _settled(texts: Texts, policy: Policy) -> bytes:
    """Return a record without metrics and what is volatile, in canonical form; keys are kept."""
    first, *rest = texts.items()
    kept = [dump(first[0]) + b":" + bytes(first[1])]
    for name, text in rest:
        if name in policy.metric_names:
            continue
        if not policy.concerns(name):
            kept.append(dump(name) + b":" + bytes(text))
        elif not policy.moves(name):
            kept.append(dump(name) + b":" + dump(policy.settled(name, decode(text))))
    return b"{" + b",".join(kept) + b"}"


def _moved(
    meanings: Mapping[str, Meaning], old: Texts, new: Texts, policy: Policy
) -> Iterator[tuple[tuple[str, Role], Value]]:
    """Yield the moving values that differ, by field and role."""
    for name, meant in meanings.items():
        was, now = (
            {(each.field, each.role): each for each in _moving(name, texts, policy)}
            for texts in (old, new)
        )
        for place in was | now:
            value = now.get(place) or Value(*place, None)
            if value != was.get(place):
                yield place, value._replace(counts=meant == "metric" or place[1] == "leaf")


def _all_moving(texts: Texts, policy: Policy) -> Iterator[Value]:
    return chain.from_iterable(_moving(name, texts, policy) for name in islice(texts, 1, None))


def _moving(name: str, texts: Texts, policy: Policy) -> Iterator[Value]:
    """Yield the moving values of one member, if it has any."""
    text = _text(texts, name)
    if text is None or not policy.concerns(name):
        return
    if name in policy.metric_names:
        yield Value(name, "metric", text)
    elif policy.moves(name):
        yield Value(name, "volatile" if policy.is_volatile(name) else "metric", text)
    else:
        value = decode(text)
        if dump(policy.settled(name, value)) != text:
            yield Value(name, "member", text)
            for path, each in policy.measured(name, value):
                yield Value(path, "leaf", dump(each))


def _unsteady(values: Iterable[Value], policy: Policy) -> tuple[Value, ...]:
    """Return the values that may differ from version to version without a change."""
    if not policy.drifts:
        return ()
    return tuple(each for each in values if each.role in ("volatile", "member"))


def _text(texts: Texts, name: str) -> bytes | None:
    text: msgspec.Raw | None = texts.get(name)
    return None if text is None else bytes(text)
