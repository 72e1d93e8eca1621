"""Changes counted by the value of a field: how many of each kind for each licence."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from archiver.records.canonical import decode
from archiver.records.jsontext import decode as value_of
from archiver.records.jsontext import dump
from archiver.records.query import at, spread
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Json, Kind


class Breakdown:
    """Counts of changes by the value that a field of the record has, or had before it went.

    A record with a list counts for each of its different members; one without the field, or with
    an empty list, counts for null.
    """

    def __init__(self, path: str) -> None:
        """Count by what stands at a dotted path, as conditions name it."""
        self.path = path
        self._counts: dict[bytes, Counter[Kind]] = defaultdict(Counter)

    def add(self, kind: Kind, line: bytes) -> None:
        """Count one change, given the canonical line of the record."""
        found = {dump(value) for value in spread([*at(decode(line), self.path)])}
        for value in found or {b"null"}:
            self._counts[value][kind] += 1

    def __iter__(self) -> Iterator[tuple[Json, Counter[Kind]]]:
        """Yield values and counts, those with most changes first."""
        ranked = sorted(self._counts.items(), key=lambda each: (-each[1].total(), each[0]))
        return ((value_of(text), counts) for text, counts in ranked)

    def __repr__(self) -> str:
        return short(self, "path")
