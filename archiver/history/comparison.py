"""A comparison of two versions: read once, as a stream, as counts, or as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from msgspec.structs import replace as with_

from archiver.changes.compare import differing, explain, kind_of, summarize, tally, weighed
from archiver.changes.fields import FieldCounts, fewest
from archiver.changes.lifecycle import UNKNOWN, Lives
from archiver.changes.renames import LONE, Hints, Renames, paired
from archiver.changes.severity import importance, scale, severity_of
from archiver.history.versions import EMPTY
from archiver.records import canonical
from archiver.records.field_names import FieldNames
from archiver.records.model import (
    KINDS,
    NEWS,
    ChangeSet,
    RecordChange,
    Rename,
    Severities,
    Summary,
)
from archiver.records.representation import short
from archiver.render import wording
from archiver.render.folding import Folding
from archiver.render.section import CAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archiver.changes.breakdown import Breakdown
    from archiver.changes.flapping import Damping, Moving
    from archiver.changes.guard import Drift
    from archiver.changes.lifecycle import Pair
    from archiver.history.versions import Version
    from archiver.records.model import End, FieldSummary, Kind, Severity
    from archiver.records.policy import Policy
    from archiver.records.query import Predicate


@dataclass
class Comparison:
    """What changed between two versions; its versions can be read once.

    Attributes:
        source: Name of the catalogue.
        old: The version before.
        new: The version after.
        policy: What the fields mean.
        chosen: Which records are looked at (as they are now, or were); None: all.
        fields: Names of the fields that are looked at; empty: all.
        notes: What the reader should know.
        names: Names of fields that wait for a record that has them.
        counted: The counts of all its changes, where they are known already.
        damping: Folds what flaps, where it is one of several comparisons that are read together.
        renames: Finds records that may have another key now; None: nobody asks.
    """

    source: str
    old: Version
    new: Version
    policy: Policy
    chosen: Predicate | None = None
    fields: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    names: FieldNames = field(default_factory=FieldNames.asked)
    counted: Summary | None = None
    damping: Damping | None = None
    renames: Renames | None = None
    _counts: Counter[Kind] = field(default_factory=Counter)

    __repr__ = short

    @property
    def ends(self) -> tuple[End, End]:
        """The two ends, old and new."""
        return self.old.end, self.new.end

    def narrowed(
        self,
        chosen: Predicate | None,
        fields: frozenset[str] = frozenset(),
        names: FieldNames | None = None,
    ) -> Comparison:
        """Return the comparison of some records or fields; this one must not be read then.

        Args:
            chosen: Which records are looked at (as they are now, or were); None: all.
            fields: Names of the fields that are looked at; empty: all.
            names: Takes note of the fields of the records that are looked at.
        """
        return replace(self, chosen=chosen, fields=fields, names=names or self.names)

    def again(self) -> Comparison:
        """Return the comparison with both versions opened once more."""
        return replace(self, old=_again(self.old), new=_again(self.new), _counts=Counter())

    def look_for_names(self) -> None:
        """Read both versions again until every one of `names` is found, usually at once."""
        for version in (self.new, self.old) if self.names.missing else ():
            for part in _again(version).parts.values():
                self.names.look(part.lines, part.id)

    def changes(self) -> Iterator[RecordChange]:
        """Yield the changes; `summary` is known when they end."""
        for change in self._explained():
            self._counts[change.kind] += 1
            yield change

    def folded(
        self, changes: Iterable[RecordChange], *, counts: Counter[Kind]
    ) -> Iterator[RecordChange]:
        """Yield its `changes` as people read them; `counts` receives those told elsewhere."""
        capture = self.new.end.revision
        if self.damping is None or not self.damping.damps or capture is None:
            return iter(changes)
        return self.damping.folded(capture, changes, counts)

    @property
    def summary(self) -> Summary:
        """How many changes there were; known when `changes` has ended.

        Where only some records or fields were looked at, `unchanged` counts all others.
        """
        if self.chosen is None and not self.fields:
            return summarize(self._counts, old=self.old.end.total, new=self.new.end.total)
        listed = sum(self._counts.values()) - self._counts["removed"] - self._counts["left"]
        counts: dict[str, int] = {str(kind): number for kind, number in self._counts.items()}
        return Summary(unchanged=self.new.end.total - listed, **counts)

    def tally(self, by: Breakdown | Moving | None = None) -> Summary:
        """Return the summary without explaining the changes: the fastest answer.

        Args:
            by: Receives every change; None: they are only counted.
        """
        if by is not None:
            for kind, line in self._changed():
                self._counts[kind] += 1
                by.add(kind, line)
        elif self.chosen is not None or self.fields:
            for _ in self.changes():
                pass
        elif self.counted is not None:
            self._counts.update({kind: getattr(self.counted, kind) for kind in KINDS})
        else:
            self._counts.update(tally(self._pairs(), self.policy, self._lives))
        return self.summary

    def collect(self) -> ChangeSet:
        """Return the whole change set, in memory."""
        groups: dict[str, list[Any]] = {}
        self.renames = Renames(self.policy)
        fields = FieldCounts(scale(self.policy), self.old.end.total)
        for change in fields.counted(map(scale(self.policy).weighed, self.changes())):
            groups.setdefault(change.kind, []).append(wording.public(change))
        return ChangeSet(
            source=self.source,
            old=self.old.end,
            current=self.new.end,
            summary=self.summary,
            fields=(*self.renames.summaries, *fields.summaries),
            possible_renames=tuple(
                Rename(old, new) for old, new in sorted(self.renames.found.items())
            ),
            **cast("Any", {kind: tuple(group) for kind, group in groups.items()}),
        )

    @cached_property
    def _lives(self) -> Lives:
        return lives(*self._opened)

    @cached_property
    def _opened(self) -> tuple[Version, Version]:
        return self.old.opened(), self.new.opened()

    def _pairs(self) -> Iterator[Pair]:
        return unequal(*self._opened, self._lives, self.policy)

    def _changed(self) -> Iterator[tuple[Kind, bytes]]:
        """Yield the kind of each change, and the record's line as it is, or was before it went."""
        for before, after in self._pairs():
            line = after or before or b""
            if not self._is_chosen(line):
                continue
            if self.fields:
                explained = explain(before, after, self.policy, self._lives)
                yield from ((change.kind, line) for change in self._in_fields(explained))
            elif (kind := kind_of(before, after, self.policy, self._lives)) is not None:
                yield kind, line

    def _explained(self) -> Iterator[RecordChange]:
        everything = self.chosen is None and not self.fields
        renames = self.renames
        for before, after in self._pairs():
            if everything:
                change = explain(before, after, self.policy, self._lives)
                if change is not None:
                    if renames is not None and change.kind in LONE:
                        renames.add(before, after)
                    yield change
            elif self._is_chosen(after or before or b""):
                yield from self._in_fields(explain(before, after, self.policy, self._lives))

    def _is_chosen(self, line: bytes) -> bool:
        if self.chosen is None:
            return True
        record = canonical.decode(line)
        if self.names.missing:
            self.names.see(record)
        return self.chosen(canonical.line_key(line).decode(), record)

    def _in_fields(self, change: RecordChange | None) -> Iterator[RecordChange]:
        """Yield `change` with only the fields that are looked at, if any of them changed."""
        if change is None or not self.fields:
            yield from () if change is None else (change,)
        elif change.changes:
            kept = tuple(each for each in change.changes if each.field in self.fields)
            for each in kept if self.names.missing else ():
                self.names.found(each.field)
            if kept:
                kind: Kind = "metrics" if all(each.metric for each in kept) else "updated"
                yield with_(change, kind=kind, changes=kept)


class Account(NamedTuple):
    """What changed between two versions, as a commit message tells it.

    Attributes:
        summary: How many changes there are of each kind.
        changes: The first few news of each kind and severity, the worst first.
        severities: How many changes there are of each kind and severity.
        fields: What happened to most records; it is left out of `changes`.
        told: How many updated records `fields` tells alone.
    """

    summary: Summary
    changes: tuple[RecordChange, ...]
    severities: Severities
    fields: tuple[FieldSummary, ...] = ()
    told: int = 0

    def __repr__(self) -> str:
        return short(self)


def outlined(
    before: Version,
    after: Version,
    policy: Policy,
    drift: Drift | None = None,
    fold: Callable[[RecordChange], RecordChange | None] = lambda change: change,
) -> Account:
    """Count all changes; explain the first few news of each kind and severity.

    Args:
        before: The version before.
        after: The version after.
        policy: What the fields mean.
        drift: Is shown the lines of each record that is in both and differs.
        fold: Returns a change as it is named; None: it is only counted.
    """
    counts: Counter[tuple[Kind, Severity]] = Counter()
    shown: Counter[tuple[Kind, Severity]] = Counter()
    named: list[RecordChange] = []
    names: Counter[str] = Counter()
    renames = Renames(policy)
    known = lives(before, after)
    for old, new in unequal(before, after, known, policy):
        found = weighed(old, new, policy, known, names)
        is_rename = found is not None and found[0] == "renamed"
        if found is not None and found[0] in LONE and before is not EMPTY:
            renames.add(old, new)
        if drift is not None and old is not None and new is not None and not is_rename:
            drift.see(old, new)
        if found is None:
            continue
        counts[found] += 1
        if shown[found] < CAP and found[0] in NEWS:
            change = explain(old, new, policy, known)
            told = fold(with_(change, severity=found[1])) if change is not None else None
            if told is not None:
                shown[found] += 1
                named.append(told)
    kinds: Counter[Kind] = Counter()
    severities: Severities = {}
    for (kind, severity), number in counts.items():
        kinds[kind] += number
        severities.setdefault(kind, {})[severity] = number
    summary = summarize(kinds, old=before.end.total, new=after.end.total)
    hints = Hints(renames.found)
    changes = sorted(map(hints.hinted, named), key=importance)
    account = Account(summary, tuple(changes), severities, renames.summaries)
    both = before.end.total - summary.removed - summary.left - summary.renamed
    is_wide = any(number >= fewest(both) for number in names.values())
    return _folded(account, _again(before), _again(after), policy, fold) if is_wide else account


def _folded(
    account: Account,
    before: Version,
    after: Version,
    policy: Policy,
    fold: Callable[[RecordChange], RecordChange | None],
) -> Account:
    """Return an account in which what happened to most records is said once.

    Args:
        account: The account of all changes.
        before: The version before, opened again.
        after: The version after, opened again.
        policy: What the fields mean.
        fold: As for `outlined`; it was asked about all other changes.
    """
    weights, known = scale(policy), lives(before, after)
    fields = FieldCounts(weights, before.end.total)
    folding = Folding(fields)
    found = unequal(before, after, known, policy)
    explained = (explain(old, new, policy, known) for old, new in found)
    groups: dict[Severity, list[RecordChange]] = {}
    for rest in folding.folded(map(weights.weighed, filter(None, explained))):
        group = groups.setdefault(severity_of(rest), [])
        if rest.kind == "updated" and len(group) < CAP and (told := fold(rest)) is not None:
            group.append(told)
    if not folding.summaries:
        return account
    others = (each for each in account.changes if each.kind != "updated")
    changes = sorted(chain(others, *groups.values()), key=importance)
    return account._replace(
        changes=tuple(changes), fields=(*account.fields, *folding.summaries), told=folding.told
    )


def _again(version: Version) -> Version:
    """Return a version that was read, to be read once more."""
    return version.again() if version.again else version


def lives(old: Version, new: Version) -> Lives:
    """Return what is known of records that only one of two versions has.

    Whatever is in the first version of all is new, also where that is a window.
    """
    if old is EMPTY:
        return UNKNOWN
    window = "window" in (old.covers, new.covers)
    return Lives(old.tombstones(), new.tombstones(), old.end.timestamp or "", window)


def unequal(old: Version, new: Version, known: Lives, policy: Policy) -> Iterator[Pair]:
    """Yield the pairs of lines that are not equal; a renamed record is one pair."""
    each = chain.from_iterable(starmap(differing, pairs(old, new)))
    found = known.paired(each) if known.renames else each
    return paired(found, policy) if policy.renames == "exact" else found


def pairs(old: Version, new: Version) -> Iterator[tuple[Iterable[bytes], Iterable[bytes]]]:
    """Yield the lines to compare; parts with one object id are equal and never read."""
    if old.parts.keys() == new.parts.keys():
        for name, before in old.parts.items():
            after = new.parts[name]
            if before.records is not None and after.records is not None:
                yield (
                    _different(before.records, after.records),
                    _different(after.records, before.records),
                )
            elif before.id is None or before.id != after.id:
                yield before.lines(), after.lines()
    elif len(old.parts) < len(new.parts):
        yield from _split(old, new)
    else:
        yield from ((before, after) for after, before in _split(new, old))


def _different(lines: Mapping[str, bytes], others: Mapping[str, bytes]) -> list[bytes]:
    """Return the lines that `others` does not have, sorted by key."""
    return [lines[key] for key in sorted(k for k, v in lines.items() if others.get(k) != v)]


def _split(few: Version, many: Version) -> Iterator[tuple[Iterable[bytes], Iterable[bytes]]]:
    """Split each part of `few` as `many` is split: shard ``a`` holds what ``a0`` … ``af`` hold."""
    shards = len(many.parts)
    for prefix, part in few.parts.items():
        split: dict[str, list[bytes]] = {name: [] for name in many.parts if name.startswith(prefix)}
        for line in part.lines():
            key = canonical.line_key(line).decode()
            split[canonical.shard_name(key, shards)].append(line)
        for name, lines in split.items():
            yield lines, many.parts[name].lines()
