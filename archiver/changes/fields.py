"""What happened to a field in most records: a catalogue-wide change, which is said once.

A change is catalogue-wide where at least `LEAST` records have it, and `PERCENT` of all records that
are in both ends. Each change of a field is one of these:

- ``added``, ``removed``: the field came or went;
- ``retyped``: its value has another JSON type (null is no type of its own);
- ``reordered``: an array holds the same elements in another order;
- ``recased``: a text differs only in upper and lower case;
- ``scaled``: a number was multiplied by the same factor as in the other records;
- ``changed``: anything else. A field whose values changed in different ways is ``changed``, too.

Metrics are left out: that they move is no news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.detail import is_reordered
from archiver.changes.severity import METRIC, worse, worst
from archiver.records.model import SEVERITIES, FieldSummary
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from archiver.changes.severity import Scale
    from archiver.records.model import FieldChange, Json, RecordChange, Severity, What

LEAST: Final = 20
"""Fewest records in which a change is catalogue-wide."""
PERCENT: Final = 90
"""Smallest share of the records in both ends in which a change is catalogue-wide."""
MOST: Final = 10_000
"""Most fields that are counted; those that are met later are in few records."""

_GONE: Final = frozenset({"removed", "left", "renamed"})
_TYPES: Final[dict[Any, str]] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_NAMED: Final[tuple[What, ...]] = (
    *("added", "removed", "retyped"),
    *("reordered", "recased", "scaled"),
)
"""What has a name of its own."""
VALUES: Final[frozenset[What]] = frozenset({"retyped", "reordered", "recased", "scaled", "changed"})
"""What happens to a value where it stays: together, the field is ``changed``."""
_LOOKED_AT: Final = 32
"""Values of a field that changed in no special way before they are that of most."""
_EXACT: Final = 1e150
"""Numbers below this can be multiplied as floats."""
_CLOSE: Final = 1e-9
"""Relative error of a factor: what rounding in the last digits makes."""


class FieldCounts:
    """Counts the changes of a comparison by field, as they go by."""

    def __init__(self, weights: Scale, total: int) -> None:
        """Count nothing yet.

        Args:
            weights: How bad changes are.
            total: Number of records of the old end.
        """
        self._weights = weights
        self._both = total
        self._fields: dict[str, _Field] = {}
        self._said: dict[str, frozenset[What]] | None = None

    __repr__ = short

    def counted(self, changes: Iterable[RecordChange]) -> Iterator[RecordChange]:
        """Yield the changes, and count them; the hot path of every format."""
        known = self._fields.get
        for change in changes:
            for each in change.changes or ():
                if not each.metric:
                    field = known(each.path)
                    if field is not None and field.is_mixed and each.op == "replace":
                        field.mixed += 1
                    else:
                        self._look(each, field)
            self._both -= change.kind in _GONE
            yield change

    def _look(self, change: FieldChange, field: _Field | None) -> None:
        """Count a change of which kind nothing is known yet."""
        if field is None:
            if len(self._fields) == MOST:
                return
            field = self._fields[change.path] = _Field(change, self._weights)
        field.add(change)

    @property
    def summaries(self) -> tuple[FieldSummary, ...]:
        """What is catalogue-wide, by field; known when all changes were counted."""
        least = fewest(self._both)
        found = sorted(self._fields.items())
        return tuple(
            each for path, field in found for each in field.summaries(path, least, self._both)
        )

    def rest(self, change: RecordChange, *, metrics: bool = False) -> RecordChange | None:
        """Return what the summaries do not say of a change; None: nothing.

        Args:
            change: One of the changes that were counted.
            metrics: Whether metrics that changed beside are worth telling.
        """
        if change.changes is UNSET or change.kind == "metrics":
            return change
        if self._said is None:
            self._said = {}
            for each in self.summaries:
                self._said[each.path] = self._said.get(each.path, frozenset()) | {each.what}
        if self._said.keys().isdisjoint(each.path for each in change.changes):
            return change
        kept = tuple(each for each in change.changes if each.metric or not self._is_said(each))
        if not kept or (not metrics and all(each.metric for each in kept)):
            return None
        return self._weights.weighed(replace(change, changes=kept))

    def _is_said(self, change: FieldChange) -> bool:
        said = (self._said or {}).get(change.path)
        if not said:
            return False
        what = self._fields[change.path].what(change)
        return what in said or (what in VALUES and "changed" in said)


class _Field:
    """The changes of one field.

    Where most of its first values changed in no special way (`is_mixed`), nobody looks at the
    further ones: they are only counted (`mixed`).
    """

    __slots__ = (
        *("counts", "factor", "first", "is_mixed", "known", "mixed"),
        *("types", "varied", "weigh", "worst"),
    )

    def __init__(self, change: FieldChange, weights: Scale) -> None:
        self.is_mixed = False
        self.mixed = 0
        self.counts: dict[What, int] = {}
        self.worst: dict[What, Severity] = {}
        self.types: set[tuple[str, str]] = set()
        self.known = weights.knows(change.field)
        self.weigh = weights.of_field
        self.factor: float | None = None
        self.first: Json = None
        self.varied = False

    def add(self, change: FieldChange) -> None:
        what = self.what(change)
        number = self.counts[what] = self.counts.get(what, 0) + 1
        if what == "changed" and number > _LOOKED_AT:
            is_weighed = self.known is not None or self.worst.get(what) == SEVERITIES[0]
            self.is_mixed = is_weighed and 2 * number > sum(self.counts.values())
        if self.known is None and (found := self.worst.get(what, METRIC)) != SEVERITIES[0]:
            severity = self.weigh(change)
            self.worst[what] = severity if worse(severity, found) else found
        if what == "retyped":
            self.types.add((_TYPES[type(change.old)], _TYPES[type(change.new)]))
        elif what == "scaled" and not self.varied:
            self.varied = change.old != self.first

    def what(self, change: FieldChange) -> What:
        """Return what happened to the field."""
        if change.op != "replace":
            return "added" if change.op == "add" else "removed"
        old: Json = change.old
        new: Json = change.new
        if old is None or new is None:
            return "changed"
        kind = _TYPES[type(old)]
        if kind != _TYPES[type(new)]:
            return "retyped"
        if kind == "string":
            return "recased" if _is_recased(old, new) else "changed"
        if kind == "array":
            return "reordered" if _is_reordered(change) else "changed"
        return "scaled" if kind == "number" and self._is_scaled(old, new) else "changed"

    def _is_scaled(self, old: float, new: float) -> bool:
        if not (0 < abs(old) < _EXACT and 0 < abs(new) < _EXACT):
            return False
        if self.factor is None:
            self.factor, self.first = new / old, old
        return abs(new - old * self.factor) <= _CLOSE * abs(new)

    def summaries(self, path: str, least: int, total: int) -> Iterator[FieldSummary]:
        """Yield what at least so many of the `total` records have."""
        named = [what for what in _NAMED if self.counts.get(what, 0) >= least]
        if not self.varied and "scaled" in named:
            named.remove("scaled")  # one number became another one everywhere: that is no unit
        for what in named:
            yield self._summary(path, what, (what,), total)
        if VALUES.isdisjoint(named) and self._number(VALUES) >= least:
            yield self._summary(path, "changed", VALUES, total)

    def _number(self, whats: Collection[What]) -> int:
        mixed = self.mixed if "changed" in whats else 0
        return mixed + sum(self.counts.get(each, 0) for each in whats)

    def _summary(self, path: str, what: What, whats: Collection[What], total: int) -> FieldSummary:
        severity = self.known or worst(self.worst[each] for each in whats if each in self.worst)
        old, new = next(iter(self.types)) if len(self.types) == 1 else (UNSET, UNSET)
        is_retyped = what == "retyped"
        return FieldSummary(
            path,
            what,
            self._number(whats),
            total,
            severity or METRIC,
            factor=self.factor if what == "scaled" and self.factor else UNSET,
            old_type=old if is_retyped else UNSET,
            new_type=new if is_retyped else UNSET,
        )


def fewest(total: int) -> int:
    """Return in how many of so many records a change is catalogue-wide."""
    return max(LEAST, -(-total * PERCENT // 100))


def _is_reordered(change: FieldChange) -> bool:
    if change.detail is UNSET or len(change.detail) > 1:
        return False
    leaf = change.detail[0]
    return leaf.path == change.path and is_reordered(leaf.old, leaf.new)


def _is_recased(old: str, new: str) -> bool:
    return len(old) == len(new) and old.casefold() == new.casefold()
