"""Find the records of several sources that are one: the surest evidence first.

Records are numbered in the order of their loose names. What is remembered of each are a few numbers
in arrays, so that a million records take some 30 MB.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from heapq import merge
from itertools import chain, combinations, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.changes.aliases import LEVELS, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.changes.aliases import Level, Weakest


class Named(NamedTuple):
    """A record by its name.

    Attributes:
        loose: What records of equal names share; records come in the order of it.
        source: Number of its source.
        key: Its key.
        gone: Whether it is not there any more.
        id: A number from 0, by which claims know it; then its position.
    """

    loose: str
    source: int
    key: str
    gone: bool
    id: int


class Claimed(NamedTuple):
    """What a record may be called in another source.

    Attributes:
        loose: What records of that name share; claims come in the order of it.
        source: Number of the other source.
        key: The key there; folded where a rule says it.
        id: The record that may be called so.
        level: Who says so.
        number: Number of the pair or rule.
    """

    loose: str
    source: int
    key: str
    id: int
    level: Level
    number: int


class Link(NamedTuple):
    """Two records that are one: their positions, who says so, and the number of pair or rule."""

    one: int
    other: int
    level: Level
    number: int


_ALLOWED: Final[Mapping[Weakest, frozenset[Level]]] = {
    "rule": frozenset({"pair", "rule"}),
    "key": frozenset({"pair", "rule", "key", "former"}),
    "case": frozenset({"pair", "rule", "key", "case", "former"}),
    "name": frozenset(LEVELS),
}
_UNLINKED: Final = (1 << 32) - 1


class Pairing:
    """The records of several sources, and which of them are one.

    A record is paired with at most one of each other source. Records that are there are paired
    first, and only what is left with records that are gone: nothing is called gone that merely
    goes by another name. A name that fits several records of a source pairs none of them.

    Attributes:
        sources: Number of the source of each record, by position.
        gone: Whether it is not there any more.
        reasons: Level, and number of pair or rule, of whatever fits two records.
    """

    def __init__(
        self,
        records: Iterable[Named],
        claims: Iterable[Claimed] = (),
        *,
        total: int,
        weakest: Weakest = "name",
    ) -> None:
        """Pair records.

        Args:
            records: The records, by loose names.
            claims: What they may be called elsewhere, by loose names.
            total: Number of records.
            weakest: The weakest evidence that counts.
        """
        self.sources = array("H", bytes(2 * total))
        self.gone = bytearray(total)
        self._positions = array("I", bytes(4 * total))
        evidence = _Evidence(_ALLOWED[weakest])
        for names, wanted in _families(self._placed(records), claims):
            evidence.take(names, wanted)
        self._parent = array("I", range(total))
        self._next = array("I", range(total))
        self._link = array("I", [_UNLINKED]) * total
        self._links: list[array[int]] = [array("I"), array("I"), array("I")]
        self.reasons: list[tuple[Level, int]] = []
        for reason, pairs in evidence.ordered():
            self.reasons.append(reason)
            claimed = reason[0] in _CLAIMED
            for one, other in zip(pairs[::2], pairs[1::2], strict=True):
                self._join(self._positions[one] if claimed else one, other)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.sources)

    def members(self, position: int) -> list[int]:
        """Return the positions of all records that are one with this, in order."""
        found = [position]
        while (following := self._next[found[-1]]) != position:
            found.append(following)
        return sorted(found)

    def is_alone(self, position: int) -> bool:
        """Say whether it is paired with no other."""
        return self._next[position] == position

    def levels(self, members: Iterable[int]) -> list[Level]:
        """Return who says that these records are one, of each link."""
        found = [number for each in members if (number := self._link[each]) != _UNLINKED]
        return [self.reasons[self._links[2][number]][0] for number in found]

    def links(self, members: Iterable[int]) -> Iterator[Link]:
        """Yield what makes these records one: one link less than there are records."""
        for number in sorted(self._link[each] for each in members):
            if number != _UNLINKED:
                one, other, reason = (each[number] for each in self._links)
                yield Link(one, other, *self.reasons[reason])

    def _placed(self, records: Iterable[Named]) -> Iterator[Named]:
        """Yield the records with their position as id."""
        for position, (loose, source, key, gone, id_) in enumerate(records):
            self.sources[position] = source
            self.gone[position] = gone
            self._positions[id_] = position
            yield Named(loose, source, key, gone, position)

    def _join(self, one: int, other: int) -> None:
        """Let two records be one, unless a source then had two of them."""
        root, root2 = self._root(one), self._root(other)
        if root == root2 or not self._are_apart(one, other):
            return
        self._parent[root2] = root
        self._next[one], self._next[other] = self._next[other], self._next[one]
        self._link[root2] = len(self._links[0])
        for kept, number in zip(self._links, (one, other, len(self.reasons) - 1), strict=True):
            kept.append(number)

    def _are_apart(self, one: int, other: int) -> bool:
        if self.is_alone(one) and self.is_alone(other):
            return self.sources[one] != self.sources[other]
        taken = {self.sources[each] for each in self.members(one)}
        return taken.isdisjoint(self.sources[each] for each in self.members(other))

    def _root(self, position: int) -> int:
        parent = self._parent
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position


_CLAIMED: Final = frozenset({"pair", "rule", "former"})
"""Levels of which the first of two records is known by its id."""


class _Evidence:
    """Which two records may be one, by how sure that is."""

    def __init__(self, allowed: frozenset[Level]) -> None:
        self._allowed = allowed
        self._found: dict[tuple[bool, int, int], array[int]] = defaultdict(lambda: array("I"))

    def ordered(self) -> Iterator[tuple[tuple[Level, int], array[int]]]:
        """Yield level and number of pair or rule, and records two by two; the surest first."""
        for (_, level, number), pairs in sorted(self._found.items()):
            yield (LEVELS[level], number), pairs

    def take(self, names: list[Named], claims: list[Claimed]) -> None:
        """Look at all records of one loose name, and at all claims to it."""
        if len(names) == 1 and not claims:
            return
        if len(names) == 2 and not claims:  # noqa: PLR2004  nearly always
            self._take_two(*names)
            return
        by_key: dict[str, list[Named]] = defaultdict(list)
        by_case: dict[str, list[Named]] = defaultdict(list)
        for each in names:
            by_key[each.key].append(each)
            by_case[folded(each.key)].append(each)
        for exact in by_key.values():
            self._add_all("key", _single(exact))
        folds = {name: _single(same) for name, same in by_case.items()}
        for same in folds.values() if len(folds) < len(by_key) else ():
            self._add_all("case", same)
        if len(folds) > 1:
            self._add_all("name", {n: each for n, each in _single(names).items() if not each.gone})
        for claim in claims:
            if claim.level == "rule":
                known = folds.get(claim.key, {})
            else:
                known = _single(by_key.get(claim.key, []))
            if (other := known.get(claim.source)) is not None:
                self._add(claim.level, claim.number, claim.id, other.id, gone=other.gone)

    def _take_two(self, one: Named, other: Named) -> None:
        gone = one.gone or other.gone
        if one.source == other.source:
            return
        if one.key == other.key:
            self._add("key", 0, one.id, other.id, gone=gone)
        elif folded(one.key) == folded(other.key):
            self._add("case", 0, one.id, other.id, gone=gone)
        elif not gone:
            self._add("name", 0, one.id, other.id, gone=False)

    def _add_all(self, level: Level, records: Mapping[int, Named]) -> None:
        for one, other in combinations(records.values(), 2) if len(records) > 1 else ():
            self._add(level, 0, one.id, other.id, gone=one.gone or other.gone)

    def _add(self, level: Level, number: int, one: int, other: int, *, gone: bool) -> None:
        if level in self._allowed:
            late = gone and level != "pair"
            self._found[late, LEVELS.index(level), number].extend((one, other))


def _single(records: list[Named]) -> dict[int, Named]:
    """Return, by source, what a name means: the only record there, or the only one that is gone."""
    there: dict[int, list[Named]] = defaultdict(list)
    gone: dict[int, list[Named]] = defaultdict(list)
    for each in records:
        (gone if each.gone else there)[each.source].append(each)
    meant = {**gone, **there}
    return {source: found[0] for source, found in meant.items() if len(found) == 1}


def _families(
    records: Iterable[Named], claims: Iterable[Claimed]
) -> Iterator[tuple[list[Named], list[Claimed]]]:
    """Yield all records of one loose name with all claims to it; claims to nothing are dropped."""
    name = itemgetter(0)
    rest = iter(claims)
    first = next(rest, None)
    if first is None:
        yield from ((found, []) for found in _in_rows(records))
        return
    both: Iterable[Named | Claimed] = merge(records, chain((first,), rest), key=name)
    for _, found in groupby(both, name):
        names: list[Named] = []
        wanted: list[Claimed] = []
        for each in found:
            if isinstance(each, Named):
                names.append(each)
            else:
                wanted.append(each)
        if names:
            yield names, wanted


def _in_rows(records: Iterable[Named]) -> Iterator[list[Named]]:
    """Yield the records of each loose name; a loop, for most names have one record or two."""
    found: list[Named] = []
    for each in records:
        if found and each.loose != found[0].loose:
            yield found
            found = []
        found.append(each)
    if found:
        yield found
