"""What each field means: key, metric, volatile, set-valued, tolerant.

A field is named by its path from the record's root (`records.field_path`); ``*`` stands for any
member or element: ``downloads``, ``stats.likes``, ``tags.*.fetched_at``. A path covers all below
it, and without quotes everything that it can mean: ``meta.id`` the member ``meta.id``, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from archiver.records.field_path import readings, spelled
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.records.model import Json, Severity

Path: TypeAlias = tuple[str, ...]
Meaning: TypeAlias = Literal["same", "metric", "news"]
Null: TypeAlias = Literal["value", "absent"]
Renames: TypeAlias = Literal["hint", "exact"]

ANY: Final = "*"
"""Stands for any member or element in a path."""


@dataclass(frozen=True)
class Policy:
    """How records are keyed, and which of their differences count.

    Attributes:
        key: Fields that make the key, joined with ``/`` (see `archiver.records.document`).
        metrics: Paths of metrics: archived, but their changes are not news.
        volatile: Paths that are archived, but never make a difference.
        sets: Paths of arrays whose order means nothing.
        tolerance: Path of a number to the largest absolute difference that means nothing.
        label: Field whose text people read instead of the key; empty: none. No difference
            depends on it.
        severity: Path of a field to how bad a change of it is, in place of the built-in table
            (`archiver.changes.severity`). No difference depends on it.
        null: Whether a member that is null is a ``value``, or is treated as if it were ``absent``.
        renames: Whether a record that is gone and a new one that holds the same only may be one
            (``hint``), or are one that was renamed (``exact``).
    """

    key: Path = ()
    metrics: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    label: str = field(default="", compare=False)
    severity: Mapping[str, Severity] = field(
        default_factory=lambda: MappingProxyType({}), compare=False
    )
    null: Null = "value"
    renames: Renames = "hint"

    @property
    def strict(self) -> bool:
        """Whether every difference of a line is news."""
        rules = self.metrics or self.volatile or self.sets or self.tolerance
        return not (rules or self.ignores_null)

    @cached_property
    def ignores_null(self) -> bool:
        """Whether a member that is null is treated as if it were absent."""
        return self.null == "absent"

    @cached_property
    def _metrics(self) -> tuple[Path, ...]:
        return _paths(self.metrics)

    @cached_property
    def _volatile(self) -> tuple[Path, ...]:
        return _paths(self.volatile)

    @cached_property
    def _sets(self) -> tuple[Path, ...]:
        return _paths(self.sets)

    @cached_property
    def _tolerance(self) -> tuple[tuple[Path, float], ...]:
        spans = self.tolerance.items()
        return tuple((names, span) for path, span in spans for names in readings(path))

    @cached_property
    def _special(self) -> frozenset[str]:
        """First names of all paths; a field that is not among them is always news."""
        paths = (*self._metrics, *self._volatile, *self._sets, *(p for p, _ in self._tolerance))
        return frozenset(path[0] for path in paths)

    @cached_property
    def metric_names(self) -> frozenset[str]:
        """Names of whole fields that are metrics and nothing else: no look inside is needed."""
        others = (*self._volatile, *self._sets, *(path for path, _ in self._tolerance))
        taken = {path[0] for path in others}
        names = {path[0] for path in self._metrics if len(path) == 1}
        return frozenset() if ANY in taken else frozenset(names - taken)

    def concerns(self, name: str) -> bool:
        """Say whether the policy says anything of the field `name`; if not, it is news."""
        return self.ignores_null or name in self._special or ANY in self._special

    def meaning(self, name: str, old: Json, new: Json) -> Meaning:
        """Say what it means that the field `name` went from `old` to `new`.

        Both values are present and canonically different. A value that is absent on one side
        is judged by `presence`.
        """
        if not self.concerns(name):
            return "news"
        if name in self.metric_names:
            return "metric"
        old, new = self.steady((name,), old), self.steady((name,), new)
        new = _settled(self._tolerance, (name,), old, new)
        if dump(old) == dump(new):
            return "same"
        old, new = _without(self._metrics, (name,), old), _without(self._metrics, (name,), new)
        return "metric" if dump(old) == dump(new) else "news"

    def presence(self, name: str) -> Meaning:
        """Say what it means that the field `name` appeared or vanished."""
        if self.is_volatile(name):
            return "same"
        metric = any(_matches(pattern, (name,)) for pattern in self._metrics)
        return "metric" if metric else "news"

    @cached_property
    def counts_whole_fields(self) -> bool:
        """Whether each field is a metric as a whole or news as a whole, and nothing else."""
        return not (self.drifts or self.ignores_null) and self._special == self.metric_names

    @property
    def drifts(self) -> bool:
        """Whether a value can differ without a change: volatile, tolerated, a set reordered."""
        return bool(self.volatile or self.sets or self.tolerance)

    def moves(self, name: str) -> bool:
        """Say whether the field `name` is a metric or volatile as a whole."""
        return any(_matches(pattern, (name,)) for pattern in (*self._metrics, *self._volatile))

    def is_volatile(self, name: str) -> bool:
        """Say whether the field `name` is volatile as a whole."""
        return any(_matches(pattern, (name,)) for pattern in self._volatile)

    def settled(self, name: str, value: Json) -> Json:
        """Return the `value` of the field `name` without metrics and what is volatile below it."""
        return _without((*self._metrics, *self._volatile), (name,), value)

    def measures(self, name: str) -> bool:
        """Say whether the field `name` is a metric, or may hold one."""
        return any(pattern[0] in (ANY, name) for pattern in self._metrics)

    def is_metric(self, path: Path) -> bool:
        """Say whether a path of metrics names exactly the value at `path`."""
        return any(_matches(pattern, path) for pattern in self._metrics)

    def measured(self, name: str, value: Json) -> Iterator[tuple[str, Json]]:
        """Yield path and value of each metric below the field `name`."""
        return _covered(self._metrics, (name,), value)

    def without_volatile(self, name: str, value: Json) -> Json:
        """Return the `value` of the field `name` without what is volatile below it."""
        return _without(self._volatile, (name,), value)

    def steady(self, path: Path, value: Json) -> Json:
        """Return `value` without what is volatile, sets in order."""
        if self.ignores_null:
            value = _without_null(value)
        if not self._volatile and not self._sets:
            return value
        return _ordered(self._sets, path, _without(self._volatile, path, value))


def _paths(texts: Iterable[str]) -> tuple[Path, ...]:
    return tuple(names for text in texts for names in readings(text))


def _matches(pattern: Path, path: Path) -> bool:
    """Say whether `pattern` names exactly the value at `path`."""
    return len(pattern) == len(path) and all(
        wanted in (ANY, name) for wanted, name in zip(pattern, path, strict=True)
    )


def reaches(path: str, value: Json) -> bool:
    """Say whether the `path` of a field names anything in `value`."""
    return any(leads(names, value) for names in readings(path))


def leads(pattern: Path, value: Json) -> bool:
    """Say whether the member names of a `pattern` lead to anything in `value`."""
    if not pattern or not isinstance(value, (dict, list)):
        return not pattern
    first, *rest = pattern
    return any(
        leads(tuple(rest), member) for name, member in _members(value) if first in (ANY, name)
    )


class _Gone:
    """Stands for a value that is covered by a path."""


def _without(patterns: tuple[Path, ...], path: Path, value: Json) -> Json:
    """Return a copy of `value` without anything that `patterns` cover."""
    if any(_matches(pattern, path) for pattern in patterns):
        return None if len(path) == 1 else _Gone
    if not patterns or not isinstance(value, (dict, list)):
        return value
    kept = {
        name: rest
        for name, member in _members(value)
        if (rest := _without(patterns, (*path, name), member)) is not _Gone
    }
    return kept if isinstance(value, dict) else list(kept.values())


def _without_null(value: Json) -> Json:
    """Return a copy of `value` without members that are null; elements of arrays stay."""
    if isinstance(value, dict):
        kept = {name: _without_null(member) for name, member in value.items()}
        return {name: member for name, member in kept.items() if member is not None}
    return list(map(_without_null, value)) if isinstance(value, list) else value


def _covered(patterns: tuple[Path, ...], path: Path, value: Json) -> Iterator[tuple[str, Json]]:
    """Yield path and value of whatever `patterns` cover in `value`."""
    if any(_matches(pattern, path) for pattern in patterns):
        yield spelled(path), value
    elif isinstance(value, (dict, list)):
        for name, member in _members(value):
            yield from _covered(patterns, (*path, name), member)


def _ordered(patterns: tuple[Path, ...], path: Path, value: Json) -> Json:
    """Return a copy of `value` with every set that `patterns` name in canonical order."""
    if not patterns or not isinstance(value, (dict, list)):
        return value
    kept = {name: _ordered(patterns, (*path, name), member) for name, member in _members(value)}
    if isinstance(value, dict):
        return kept
    is_set = any(_matches(pattern, path) for pattern in patterns)
    return sorted(kept.values(), key=dump) if is_set else list(kept.values())


def _settled(spans: tuple[tuple[Path, float], ...], path: Path, old: Json, new: Json) -> Json:
    """Return `new`, with the old number wherever the difference is tolerated."""
    if not spans:
        return new
    if isinstance(old, (dict, list)) and type(old) is type(new):
        before = dict(_members(old))
        kept = {
            name: _settled(spans, (*path, name), before.get(name), member)
            for name, member in _members(new)
        }
        return kept if isinstance(new, dict) else list(kept.values())
    if _is_number(old) and _is_number(new):
        near = (_near(old, new, span) for pattern, span in spans if _matches(pattern, path))
        return old if any(near) else new
    return new


def _near(old: float, new: float, span: float) -> bool:
    """Compare as people write numbers: 1.1 is 0.1 from 1, and no integer is too long."""
    before, after, most = (Decimal(str(number)) for number in (old, new, span))
    return abs(before - after) <= most


def _is_number(value: Json) -> bool:
    return type(value) is int or type(value) is float


def _members(value: dict[str, Json] | list[Json]) -> Iterable[tuple[str, Json]]:
    if isinstance(value, dict):
        return value.items()
    return ((str(index), member) for index, member in enumerate(value))
