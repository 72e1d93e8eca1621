"""What a comparison looks at: some records, some of their fields, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.records import canonical
from archiver.records.model import RecordChange

if TYPE_CHECKING:
    from archiver.records.model import Kind
    from archiver.records.query import Predicate


class Focus(NamedTuple):
    """Which records and fields are looked at.

    Attributes:
        chosen: Which records, as they are now, or were; None: all.
        fields: Names of the fields; empty: all. Else only their changes count, and no record
            that came or went.
    """

    chosen: Predicate | None = None
    fields: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == EVERYTHING

    def has(self, line: bytes) -> bool:
        """Say whether the record of `line` is looked at."""
        key = canonical.line_key(line).decode()
        return self.chosen is None or self.chosen(key, canonical.decode(line))

    def narrowed(self, change: RecordChange) -> RecordChange | None:
        """Return `change` with only the fields that are looked at; None if none of them changed."""
        if not self.fields:
            return change
        kept = tuple(each for each in change.changes or () if each.field in self.fields)
        if not kept:
            return None
        kind: Kind = "metrics" if all(each.metric for each in kept) else "updated"
        return RecordChange(kind, change.key, changes=kept)


EVERYTHING = Focus()
