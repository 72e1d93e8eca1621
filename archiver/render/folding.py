"""Leave out of changes what is said once of all of them; they wait, in a file where many."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.records.jsontext import decoder
from archiver.records.model import RecordChange
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.changes.fields import FieldCounts
    from archiver.records.model import FieldSummary

_HELD: Final = 4_000_000
"""Bytes of changes that wait in memory."""

_encode = msgspec.json.Encoder().encode
_decode = decoder(RecordChange)


class Folding:
    """Folds a stream of changes: what its field counts say of most records is left out.

    Attributes:
        told: How many changes are told by the summaries alone, once the stream has ended.
    """

    def __init__(self, fields: FieldCounts) -> None:
        """Fold what `fields` finds in most records."""
        self.told = 0
        self._fields = fields

    __repr__ = short

    @property
    def summaries(self) -> tuple[FieldSummary, ...]:
        """What is said once, once the stream has ended."""
        return self._fields.summaries

    def folded(self, changes: Iterable[RecordChange]) -> Iterator[RecordChange]:
        """Read the changes to their end, then yield what is left to be told of each."""
        with SpooledTemporaryFile(_HELD) as waiting:
            for change in self._fields.counted(changes):
                waiting.write(_encode(change) + b"\n")
            waiting.seek(0)
            for line in waiting:
                rest = self._fields.rest(_decode(line))
                if rest is None:
                    self.told += 1
                else:
                    yield rest
