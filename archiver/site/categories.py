"""How many records have each value of the fields that sort them into groups, then and now."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from archiver.language import sentence
from archiver.records.representation import short
from archiver.render import wording
from archiver.site.data import FACET, sorts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Json, Record

_FIELDS: Final = 6
_VALUES: Final = 10
_ABSENT: Final = sentence("(none)")


class Value(NamedTuple):
    """A value of a field: how many records had it then, and have it now."""

    value: str
    then: int
    now: int

    def __repr__(self) -> str:
        return short(self)

    @property
    def change(self) -> int:
        """How many more there are now."""
        return self.now - self.then


class Categories:
    """Counts of values at two captures; a field with too many values, or others, is left out."""

    def __init__(self, then: int, now: int) -> None:
        """Count for catalogues of so many records."""
        self._totals = then, now
        self._counts: dict[str, tuple[Counter[Json], Counter[Json]]] = defaultdict(
            lambda: (Counter(), Counter())
        )
        self._others: set[str] = set()

    def add(self, record: Record, *, then: bool, now: bool) -> None:
        """Count a record that was like this then, is now, or both."""
        for name, value in record.items():
            if name in self._others or value is None:
                continue
            if type(value) is not str and type(value) is not bool:
                self._leave_out(name)
                continue
            counts = self._counts[name]
            counts[0][value] += then
            counts[1][value] += now
            if len(counts[0]) > FACET:
                self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        self._others.add(name)
        self._counts.pop(name, None)

    def moved(self) -> Iterator[dict[str, Any]]:
        """Yield the fields in which most moved: ``name``, ``rows``, ``left``."""
        found = [(name, *self._rows(name)) for name in self._counts if self._is_sorting(name)]
        found.sort(key=lambda each: (-each[2], each[0]))
        for name, rows, moved in found[:_FIELDS]:
            if moved:
                left = max(len(rows) - _VALUES, 0)
                yield {"name": name, "rows": rows[:_VALUES], "left": left}

    def _is_sorting(self, name: str) -> bool:
        pairs = zip(self._counts[name], self._totals, strict=True)
        return any(sorts(+counts, total) for counts, total in pairs)

    def _rows(self, name: str) -> tuple[list[Value], int]:
        """Return the values, those first that moved most, and how much did in all."""
        then, now = self._shown(name)
        rows = [Value(value, then[value], now[value]) for value in sorted(then.keys() | now.keys())]
        rows.sort(key=lambda row: (-abs(row.change), -row.now))
        return rows, sum(abs(row.change) for row in rows)

    def _shown(self, name: str) -> list[Counter[str]]:
        """Return the counts then and now by value in words, absent ones included."""
        found = []
        for counts, total in zip(self._counts[name], self._totals, strict=True):
            shown: Counter[str] = Counter()
            for value, number in counts.items():
                shown[wording.words(name, value)] += number
            if absent := total - counts.total():
                shown[_ABSENT] += absent
            found.append(shown)
        return found
