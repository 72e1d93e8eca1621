"""The ledger of a listing, one entry for each page, and the proof that the listing is complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from archiver.errors import SourceError
from archiver.language import sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

Kind: TypeAlias = Literal["complete", "window", "incremental"]
"""What a listing covers: everything, the top of it, or what changed since the last one."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """One answered request; see `Parsed`.

    Attributes:
        id: The request's id.
        records: Records received, repeated ones included.
        fresh: Records whose key is new in this listing.
        bad: Number of unusable records.
        total: As parsed.
        matches: As parsed.
        end: As parsed.
        facts: As parsed.
        mark: As parsed.
        notes: As parsed.
    """

    id: str
    records: int = 0
    fresh: int = 0
    bad: int = 0
    total: int | None = None
    matches: int | None = None
    end: str = ""
    facts: tuple[str, ...] = ()
    mark: str = ""
    notes: tuple[str, ...] = ()

    __repr__ = short


@dataclass(slots=True)
class Ledger:
    """The state of a listing under way; grows by one entry with each answer.

    Attributes:
        entries: The answered requests, in the order in which they were sent.
        received: Number of records received, repeated and bad ones included.
        distinct: Number of different keys received.
        bad: Number of unusable records.
        announced: The total announced last, or None.
        end: How the newest page showed that it is the last one, or empty.
        mark: The newest change seen, as ``YYYY-MM-DDTHH:MM:SSZ``, or empty.
    """

    entries: list[Entry] = field(default_factory=list)
    received: int = 0
    distinct: int = 0
    bad: int = 0
    announced: int | None = None
    end: str = ""
    mark: str = ""

    __repr__ = short

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Return the ledger of these entries."""
        ledger = cls()
        for entry in entries:
            ledger.add(entry)
        return ledger

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        self.entries.append(entry)
        self.received += entry.records + entry.bad
        self.distinct += entry.fresh
        self.bad += entry.bad
        self.announced = self.announced if entry.total is None else entry.total
        self.end = entry.end
        self.mark = max(self.mark, entry.mark)

    @property
    def duplicates(self) -> int:
        """Number of repeated records."""
        return self.received - self.bad - self.distinct

    def proof(self, kind: Kind, end: str, *, drift: float) -> Proof:
        """Return the proof that the listing is what `kind` says.

        Args:
            kind: What it covers.
            end: How its end was recognised.
            drift: See `Source.drift`.

        Raises:
            SourceError: The listing is not complete.
        """
        if not end:
            raise SourceError(
                sentence("the listing ended, but no page showed that it was the last one")
            )
        if kind == "complete" and not self._adds_up(drift):
            raise SourceError(
                sentence(
                    "announced {announced:,}, received {received:,}",
                    announced=self.announced,
                    received=self.received,
                )
            )
        return Proof(
            kind=kind,
            pages=len(self.entries),
            announced=self.announced,
            received=self.received,
            duplicates=self.duplicates,
            bad=self.bad,
            end=end,
        )

    def _adds_up(self, drift: float) -> bool:
        """Tell whether the announced and the received number agree.

        Repeated records explain a difference, and so does the drift of a catalogue that changes
        while it is listed, where the source allows for it.
        """
        if self.announced is None:
            return True
        if drift:  # a bad record may have come several times
            slack = drift * self.announced
            return self.distinct - slack <= self.announced <= self.distinct + self.bad + slack
        return self.distinct + self.bad <= self.announced <= self.received


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a listing is what `kind` says; part of the commit message.

    Attributes:
        kind: What the listing covers.
        pages: Number of answers.
        announced: Number of records that the source says it has, or None.
        received: Number of records received, `duplicates` and `bad` included.
        duplicates: Number of repeated records.
        bad: Number of unusable records.
        end: How the end was recognised, by the source's own rule.
    """

    kind: Kind
    pages: int
    announced: int | None
    received: int
    duplicates: int
    bad: int
    end: str

    __repr__ = short
