"""What the fields of records do from version to version: which count, drift, or change in order.

Pure: fed with canonical lines, version by version. What is found is a proposal for ``metrics``,
``volatile`` and ``sets``; a person decides.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from archiver.changes.compare import differing, split, unequal
from archiver.records.field_path import pasted
from archiver.records.jsontext import UNREADABLE
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.changes.compare import Texts

Names: TypeAlias = tuple[str, ...]
Setting: TypeAlias = Literal["metrics", "volatile", "sets"]

_LOOKED_AT: Final = 2_000
"""Changed records of one step that are looked at."""
_FIELDS: Final = 500
"""Fields that are counted."""
_DEPTH: Final = 2
_NUMBER: Final = re.compile(rb"-?[0-9.eE+-]+")
_STAMP: Final = re.compile(
    r"(?:^|_)(?:at|on|time|timestamp|stamp|date|updated|modified|fetched|scraped|crawled|checked"
    r"|seen|age|rank|position|index|order|nonce|etag|request)(?:_|$)",
    re.IGNORECASE,
)
"""Names of numbers that say when or where a record was seen, not how much of something there is."""
_COUNTER: Final = re.compile(
    r"download|like|star|view|vote|count|score|install|fork|follower|usage|popularity|hits|clicks"
    r"|plays|subscribers|comments|reactions|requests|tokens_used",
    re.IGNORECASE,
)
"""Names of numbers that count what people do: popular records change, most others rest."""
_MOST: Final = 0.5
_SOME: Final = 0.1
_FEW: Final = 0.01


class Habit(NamedTuple):
    """What a field does.

    Attributes:
        path: Path of the field.
        setting: Which setting is about it.
        share: In which share of the records that were compared it changed; of ``sets``: in which
            share of its changes only the order was another.
        steps: In how many steps it changed so.
        of_steps: How many there were in which anything changed.
    """

    path: str
    setting: Setting
    share: float
    steps: int
    of_steps: int

    def __repr__(self) -> str:
        return short(self)


@dataclass(slots=True)
class _Seen:
    changed: int = 0
    nested: int = 0
    numbers: int = 0
    ordered: int = 0


@dataclass(slots=True)
class _Step:
    common: int
    fields: dict[Names, _Seen] = field(default_factory=dict)


class Habits:
    """Watches the fields of records from step to step."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._steps: list[_Step] = []

    __repr__ = short

    @property
    def steps(self) -> int:
        """How many steps there were in which a record changed."""
        return len(self._steps)

    def see(self, old: Iterable[bytes], new: Iterable[bytes], *, total: int) -> None:
        """Take note of one step.

        Args:
            old: Canonical lines, sorted by key.
            new: The same.
            total: Number of the new ones.
        """
        step, changed, added = _Step(total), 0, 0
        for before, after in differing(old, new):
            added += before is None
            if before is None or after is None:
                continue
            changed += 1
            if changed <= _LOOKED_AT:
                _look(split(before), split(after), (), step.fields, _DEPTH)
        step.common = max(1, total - added)
        if changed > _LOOKED_AT:  # what was not looked at is taken to be like what was
            step.common = max(1, step.common * _LOOKED_AT // changed)
        if changed:
            self._steps.append(step)

    def found(self, *, fewest: int = 1) -> list[Habit]:
        """Return what fields do most of the time, by path.

        An array of objects is never volatile: these may be the records.

        Args:
            fewest: Steps that must have been seen before anything is said.
        """
        if self.steps < fewest:
            return []
        everywhere = Counter(names for step in self._steps for names in step.fields)
        found = filter(None, map(self._habit, everywhere))
        return sorted(_outermost(found), key=lambda each: each.path)

    def _habit(self, names: Names) -> Habit | None:
        steps = [(step.common, step.fields[names]) for step in self._steps if names in step.fields]
        changed = sum(seen.changed for _, seen in steps)
        ordered = sum(seen.ordered for _, seen in steps)
        if ordered >= _MOST * changed and ordered > 1:
            return self._told(names, "sets", ordered / changed, len(steps))
        numbers = sum(seen.numbers for _, seen in steps) == changed
        counter = numbers and _COUNTER.search(names[-1]) is not None
        least = _FEW if counter else _SOME if numbers else _MOST
        busy = [seen.changed / common for common, seen in steps if seen.changed >= least * common]
        if len(busy) < _MOST * self.steps:
            return None
        if any(seen.nested for _, seen in steps):
            return None
        share = sum(busy) / len(busy)
        counts = numbers and not (_STAMP.search(names[-1]) and share >= _MOST)
        return self._told(names, "metrics" if counts else "volatile", share, len(busy))

    def _told(self, names: Names, setting: Setting, share: float, steps: int) -> Habit:
        return Habit(pasted(names), setting, share, steps, self.steps)


def _look(old: Texts, new: Texts, above: Names, found: dict[Names, _Seen], depth: int) -> None:
    """Count the members that both of two objects have and that differ."""
    for name in unequal(old, new):
        if name not in old or name not in new:
            continue
        names, before, after = (*above, name), bytes(old[name]), bytes(new[name])
        if depth > 1 and before[:1] == after[:1] == b"{":
            _look(split(before), split(after), names, found, depth - 1)
            continue
        if names not in found and len(found) >= _FIELDS:
            continue
        seen = found.setdefault(names, _Seen())
        seen.changed += 1
        seen.nested += after[:1] == b"[" and b"{" in after
        seen.numbers += bool(_NUMBER.fullmatch(before) and _NUMBER.fullmatch(after))
        seen.ordered += before[:1] == after[:1] == b"[" and _is_reordered(before, after)


def _is_reordered(old: bytes, new: bytes) -> bool:
    if len(old) != len(new):
        return False
    try:
        one, two = (msgspec.json.decode(each, type=list[msgspec.Raw]) for each in (old, new))
    except UNREADABLE:
        return False
    return Counter(map(bytes, one)) == Counter(map(bytes, two))


def _outermost(found: Iterable[Habit]) -> Iterator[Habit]:
    """Yield what is found; a name that a path of its own would mean as well is told once."""
    seen: set[str] = set()
    for each in found:
        if each.path not in seen:
            seen.add(each.path)
            yield each
