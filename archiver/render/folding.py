"""Read changes to their end before they are told: what is said of all of them is known then."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.changes.renames import Hints
from archiver.records.jsontext import decoder
from archiver.records.model import RecordChange
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.changes.fields import FieldCounts
    from archiver.changes.renames import Renames
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

    def __init__(
        self,
        fields: FieldCounts,
        renames: Renames | None = None,
        *,
        whole: bool = False,
        metrics: bool = False,
    ) -> None:
        """Fold what `fields` finds in most records.

        Args:
            fields: Counts the changes by field.
            renames: Finds records that may have another key now; None: nobody looked.
            whole: Whether nothing is left out, so that nothing is said once.
            metrics: Whether metrics that changed beside are told.
        """
        self.told = 0
        self._fields = fields
        self._renames = renames
        self._whole = whole
        self._metrics = metrics

    __repr__ = short

    @property
    def summaries(self) -> tuple[FieldSummary, ...]:
        """What is said once, once the stream has ended."""
        if self._whole:
            return ()
        keys = () if self._renames is None else self._renames.summaries
        return (*keys, *self._fields.summaries)

    def folded(self, changes: Iterable[RecordChange]) -> Iterator[RecordChange]:
        """Read the changes to their end, then yield what is left to be told of each."""
        with SpooledTemporaryFile(_HELD) as waiting:
            for change in self._fields.counted(changes):
                waiting.write(_encode(change) + b"\n")
            waiting.seek(0)
            hints = Hints({} if self._renames is None else self._renames.found)
            for line in waiting:
                change = _decode(line)
                rest = change if self._whole else self._fields.rest(change, metrics=self._metrics)
                if rest is None:
                    self.told += 1
                else:
                    yield hints.hinted(rest)
