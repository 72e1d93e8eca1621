"""Select changes by kind, field, key, threshold and severity: for channels, and for feeds."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.severity import BUILT_IN, reached, severity_of
from archiver.records.field_path import readings, whole
from archiver.records.model import steps
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import UnsetType

    from archiver.changes.severity import Scale
    from archiver.records.model import FieldChange, Json, Kind, RecordChange, Severity

_THRESHOLD: Final = re.compile(r"(.+?) *> *([\d.]+) *%")


class Filter:
    """Keeps of each change the part that somebody wants to be told."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        fields: Iterable[str] = (),
        *,
        pins: frozenset[str] | None = None,
        threshold: str | None = None,
        least: Severity | None = None,
        scale: Scale = BUILT_IN,
    ) -> None:
        """Keep changes of these kinds.

        Args:
            kinds: Kinds of changes.
            fields: Paths of fields; of records that changed, only changes of these. Empty: all.
            pins: Keys; only changes of these records. None: all.
            threshold: Smallest change of a metric, such as ``downloads > 10 %``.
            least: How bad a change is at least; None: any.
            scale: How bad changes are.
        """
        self._kinds = frozenset(kinds)
        self._fields = [names for path in fields for names in readings(path)]
        self._pins = pins
        self._least = least
        self._scale = scale
        found = _THRESHOLD.fullmatch(threshold or "")
        self._threshold = None if found is None else (whole(found[1]), Fraction(found[2]) / 100)

    __repr__ = short

    def part(self, change: RecordChange) -> RecordChange | None:
        """Return the part of a change that is wanted, and how bad that is; None: nothing.

        News and a metric beyond the threshold in one record are one change: updated where such
        news is wanted, else metrics.
        """
        if self._pins is not None and self._pins.isdisjoint((change.key, change.old_key)):
            return None
        if change.changes is UNSET:
            whole = self._weighed(change)
            return whole if change.kind in self._kinds and self._is_bad(whole) else None
        kept = [each for each in change.changes if each.metric or self._is_looked_at(each)]
        if self._least is not None:
            least = self._least
            kept = [each for each in kept if reached(self._severity(each), least)]
        news = "updated" in self._kinds and not all(each.metric for each in kept)
        kept = [each for each in kept if (self._passes(each) if each.metric else news)]
        kind: Kind = "updated" if news else "metrics"
        if not kept:
            return None
        return self._weighed(replace(change, kind=kind, changes=tuple(kept)))

    def _weighed(self, change: RecordChange) -> RecordChange:
        """Return a change that says how bad it is for who depends on its record."""
        return self._scale.weighed(change, pinned=self._pins is not None)

    def _severity(self, change: FieldChange) -> Severity:
        return self._scale.of_field(change, pinned=self._pins is not None)

    def _is_bad(self, change: RecordChange) -> bool:
        return self._least is None or reached(severity_of(change), self._least)

    def _is_looked_at(self, change: FieldChange) -> bool:
        """Return whether a change touches one of the fields, or below one."""
        if not self._fields:
            return True
        leaves = [] if change.detail is UNSET else [steps(leaf.path) for leaf in change.detail]
        touched = leaves or [[change.field]]
        return any(_meet(path, field) for path in self._fields for field in touched)

    def _passes(self, metric: FieldChange) -> bool:
        """Return whether a metric changed by more than the threshold, a share of its old value.

        The threshold names its field itself; without one, kinds and fields decide.
        """
        if self._threshold is None:
            return "metrics" in self._kinds and self._is_looked_at(metric)
        field, share = self._threshold
        if metric.field != field:
            return False
        old, new = _exact(metric.old), _exact(metric.new)
        return old is not None and new is not None and abs(new - old) > share * abs(old)


def _meet(path: Sequence[str], other: list[str]) -> bool:
    """Return whether one of two paths leads to the other; ``*`` in `path` is any step."""
    return all(step in ("*", there) for step, there in zip(path, other, strict=False))


def _exact(value: Json | UnsetType) -> Fraction | None:
    """Return a number as it is written (0.1 is a tenth); None: it is not a number."""
    if type(value) is int:
        return Fraction(value)
    return Fraction(repr(value)) if type(value) is float else None
