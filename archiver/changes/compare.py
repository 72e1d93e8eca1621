"""Compare two snapshots: merge their sorted lines and parse only those that differ.

A line is a record in canonical form, so two lines are equal exactly when the records are
(never Python's ``==``, for which ``True`` is ``1``). Memory does not grow with the catalogue.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.detail import leaves
from archiver.changes.lifecycle import UNKNOWN
from archiver.changes.severity import METRIC, of_kind, scale, worse
from archiver.errors import UnreadableSnapshot
from archiver.language import sentence
from archiver.records.canonical import KEY, decode_with_key, line_key
from archiver.records.jsontext import UNREADABLE, decode, plain
from archiver.records.key import label_of
from archiver.records.model import FieldChange, RecordChange, Summary, pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.changes.lifecycle import Lives, Pair
    from archiver.records.model import Kind, Severity
    from archiver.records.policy import Meaning, Policy

Texts: TypeAlias = dict[str, msgspec.Raw]
"""Member name to the canonical text of its value."""
split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""Split the canonical line of a record into the texts of its members."""
NO_RECORD = (ValueError, *UNREADABLE)
"""What `split` raises for a line that is no record."""


def compare(
    old: Iterable[bytes], new: Iterable[bytes], *, policy: Policy
) -> Iterator[RecordChange]:
    """Yield what changed from `old` to `new`, by key.

    Args:
        old: Canonical lines, sorted by key.
        new: The same.
        policy: What the fields mean; its key is ignored.

    Raises:
        UnreadableSnapshot: A line is no record, or the lines are not sorted.
    """
    for before, after in differing(old, new):
        change = explain(before, after, policy)
        if change is not None:
            yield change


def tally(pairs: Iterable[Pair], policy: Policy, lives: Lives = UNKNOWN) -> Counter[Kind]:
    """Count the changes of each kind without explaining them.

    Args:
        pairs: Lines that are not equal, see `differing`.
        policy: What the fields mean.
        lives: What is known about records that only one side has.
    """
    return Counter(
        kind
        for before, after in pairs
        if (kind := kind_of(before, after, policy, lives)) is not None
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
            sentence("a snapshot holds another number of records than it says"),
            hint=sentence("`archiver verify` names the snapshot"),
        )
    return Summary(unchanged=unchanged, **{str(kind): n for kind, n in counts.items()})


def differing(old: Iterable[bytes], new: Iterable[bytes]) -> Iterator[Pair]:
    """Yield the pairs of lines that are not equal, by key."""
    olds, news = iter(old), iter(new)
    last_old = last_new = b""
    for before, after in zip_longest(olds, news):
        while before != after:
            if before is None or after is None:
                yield from _left_over(before, olds, last_old, gone=True)
                yield from _left_over(after, news, last_new, gone=False)
                return
            old_key, new_key = line_key(before), line_key(after)
            if old_key < last_old or new_key < last_new:
                _refuse_order(min(old_key, new_key))
            last_old, last_new = old_key, new_key
            if old_key == new_key:
                yield before, after
                break
            if old_key < new_key:
                yield before, None
                before = next(olds, None)  # noqa: PLW2901  the next old line beside the same new
            else:
                yield None, after
                after = next(news, None)  # noqa: PLW2901  the next new line beside the same old


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
        sentence(
            "the records are not sorted by key (at {key!r})", key=key.decode(errors="replace")
        ),
        hint=sentence("`archiver verify` names the snapshot"),
    )


def kind_of(
    before: bytes | None, after: bytes | None, policy: Policy, lives: Lives = UNKNOWN
) -> Kind | None:
    """Return what happened to one key, unexplained; None if it means nothing."""
    if before is None:
        return "new" if lives.silent or after is None else lives.appeared(after)
    if after is None:
        return "removed" if lives.silent else lives.vanished(before)
    if is_rename(before, after, policy, lives):
        return "renamed"
    if policy.strict:
        return "updated"
    try:
        old, new = split(before), split(after)
        meanings = {meaning(name, old, new, policy) for name in unequal(old, new)}
    except NO_RECORD as error:
        raise no_record(error) from error
    if "news" in meanings:
        return "updated"
    return "metrics" if "metric" in meanings else None


def weighed(
    before: bytes | None,
    after: bytes | None,
    policy: Policy,
    lives: Lives = UNKNOWN,
    names: Counter[str] | None = None,
) -> tuple[Kind, Severity] | None:
    """Return what happened to one key, and how bad it is, unexplained; None if it means nothing.

    Args:
        before: The line before; None: there is none.
        after: The line after; None: there is none.
        policy: What the fields mean.
        lives: What is known about records that only one side has.
        names: Counts the members that differ, whatever that means, of records with news.
    """
    kind = kind_of(before, after, policy, lives)
    if kind is None or before is None or after is None or kind == "renamed":
        return kind and (kind, of_kind(kind))
    if kind == "metrics" and not policy.severity:
        return kind, METRIC
    weights, found = scale(policy), METRIC
    old, new = split(before), split(after)
    different = unequal(old, new)
    if names is not None:
        names.update(different)
    for name in different:
        known = weights.knows(name)
        if known is not None and not policy.concerns(name):
            found = known if worse(known, found) else found
        elif known is None or worse(known, found):
            for change in field_changes(_only(name, old), _only(name, new), policy):
                severity = weights.of_field(change)
                found = severity if worse(severity, found) else found
    return kind, found


def _only(name: str, texts: Texts) -> Texts:
    return {name: texts[name]} if name in texts else {}


def explain(
    before: bytes | None, after: bytes | None, policy: Policy, lives: Lives = UNKNOWN
) -> RecordChange | None:
    """Return what happened to one key, given its unequal lines; None if that means nothing.

    Lines with two keys are a record that was renamed (see `Lives.paired`).
    """
    change = _explained(before, after, policy, lives)
    if change is None or not policy.label:
        return change
    record = decode_with_key(after or b"") if change.record is UNSET else change.record
    label = label_of(record, policy.label)
    return replace(change, label=label) if label else change


def _explained(
    before: bytes | None, after: bytes | None, policy: Policy, lives: Lives
) -> RecordChange | None:
    if before is None or after is None:
        line = after or before
        assert line is not None  # noqa: S101  a pair has at least one line
        kind: Kind = "new" if before is None else "removed"
        record = decode_with_key(line)  # first: it says what is wrong with a line
        change = RecordChange(kind, line_key(line).decode(), record=record)
        return change if lives.silent else lives.classified(change, line)
    if (lives.renames or policy.renames == "exact") and line_key(before) != line_key(after):
        new, old = line_key(after).decode(), line_key(before).decode()
        record = decode_with_key(after)
        return lives.renamed(RecordChange("renamed", new, record=record, old_key=old))
    try:
        texts = split(after)
        changes = field_changes(split(before), texts, policy)
    except NO_RECORD as error:
        raise no_record(error) from error
    if not changes:
        return None
    kind = "updated" if False in [change.metric for change in changes] else "metrics"
    return RecordChange(kind, decode(next(iter(texts.values()))), changes=changes)


def is_rename(before: bytes, after: bytes, policy: Policy, lives: Lives) -> bool:
    """Say whether two lines have two keys: they are a record that was renamed."""
    looks = lives.renames or policy.renames == "exact"
    return bool(looks) and line_key(before) != line_key(after)


def no_record(error: Exception) -> UnreadableSnapshot:
    """Return the error that a line is no record, given one of `NO_RECORD`."""
    return UnreadableSnapshot(sentence("a line is no record: {plain}", plain=plain(error)))


def unequal(old: Texts, new: Texts) -> list[str]:
    """Return the names of the members whose texts differ, by name: equal texts, equal values."""
    there = new.get
    found = [name for name, text in old.items() if text != there(name)]
    if len(old) != len(new) or not new.keys() >= set(found):
        found += new.keys() - old.keys()
    if KEY in found:
        found.remove(KEY)
    return sorted(found)


def present(text: msgspec.Raw | None) -> msgspec.Raw | None:
    """Return the text of a member, None where it is null: where that is like an absent one."""
    return None if text is None or bytes(text) == b"null" else text


def field_changes(old: Texts, new: Texts, policy: Policy) -> tuple[FieldChange, ...]:
    """Return the fields that differ and mean something, by name; the hot path of every format."""
    found = []
    ignores_null = policy.ignores_null
    for name in unequal(old, new):
        was, now = old.get(name), new.get(name)
        if ignores_null:
            was, now = present(was), present(now)
        if was is not None and now is not None:
            before, after = decode(was), decode(now)
            meaning = policy.meaning(name, before, after)
            if meaning != "same":
                nested = leaves(name, before, after, policy)
                metric = meaning == "metric"
                found.append(FieldChange("replace", pointer(name), metric, before, after, nested))
            continue
        meaning = policy.presence(name)
        if meaning == "same":
            continue
        path, metric = pointer(name), meaning == "metric"
        if was is not None:
            found.append(FieldChange("remove", path, metric, old=decode(was)))
        elif now is not None:
            found.append(FieldChange("add", path, metric, new=decode(now)))
    return tuple(found)


def meaning(name: str, old: Texts, new: Texts, policy: Policy) -> Meaning:
    """Say what it means that the member `name` differs between two records."""
    if policy.ignores_null:
        was, now = present(old.get(name)), present(new.get(name))
        if was is None or now is None:
            return "same" if was is now else policy.presence(name)
    if name in policy.metric_names:
        return "metric"
    if name not in old or name not in new:
        return policy.presence(name)
    if not policy.concerns(name):
        return "news"
    return policy.meaning(name, decode(old[name]), decode(new[name]))
