"""The contract between a source and the loop that lists it: what a new source implements.

A source does no I/O. `Source.plan` says what to ask, `Source.parse` what an answer means; the
loop in `listing` asks, keeps the ledger, and proves that the listing is whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec

from archiver.transport import Request  # noqa: TC001 - a saved ledger is read by annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from archiver.records.model import Bad, Line, Record
    from archiver.transport import Page

Kind: TypeAlias = Literal["complete", "window", "incremental"]
"""What a listing covers: everything, the top of it, or what changed since the last one."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one page means.

    Attributes:
        records: Its records: plain mappings, lines that are canonical already, or what stood
            in a record's place and is none. May be an iterator; it is read once.
        total: Number of records in the whole listing, if the page announces it.
        next: Requests that the page leads to; asked before the source plans again.
        end: How the page shows that it is the last one; empty while there is more.
    """

    records: Iterable[Record | Line | Bad]
    total: int | None = None
    next: tuple[Request, ...] = ()
    end: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one answered request brought.

    Attributes:
        id: The request's id.
        records: Records received, repeated ones included.
        bad: What stood in a record's place and was none.
        total: The total that the page announced, or None.
        end: How the page showed that it was the last one, or empty.
    """

    id: str
    records: int
    bad: int
    total: int | None
    end: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of a listing under way; has a JSON form (``msgspec.json``).

    Attributes:
        entries: The answered requests, in the order in which they were asked.
        pending: Requests that pages led to and that are not asked yet.
    """

    entries: tuple[Entry, ...] = ()
    pending: tuple[Request, ...] = ()

    @property
    def received(self) -> int:
        """Number of records received, repeated and bad ones included."""
        return sum(entry.records + entry.bad for entry in self.entries)

    @property
    def announced(self) -> int | None:
        """The total that was announced last, or None."""
        totals = [entry.total for entry in self.entries if entry.total is not None]
        return totals[-1] if totals else None

    @property
    def end(self) -> str:
        """How the newest page showed that it was the last one, or empty."""
        return self.entries[-1].end if self.entries else ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a listing is believed to be what `kind` says; stands in the commit message.

    Attributes:
        kind: What the listing covers.
        pages: Number of answers.
        announced: Number of records that the source says it has, or None.
        received: Number of records received, `duplicates` and `bad` included.
        duplicates: Records whose key came again later.
        bad: What stood in a record's place and was none.
        end: How the end was recognised, by the source's own rule.
    """

    kind: Kind
    pages: int
    announced: int | None
    received: int
    duplicates: int
    bad: int
    end: str


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a source that has none."""


class Source(ABC):
    """One kind of catalogue.

    Attributes:
        Settings: What a table ``[sources.NAME]`` of this type may hold beside what every
            source has; with ``forbid_unknown_fields``, so that mistakes are told.
        kind: What its listing covers.
    """

    Settings: ClassVar[type[msgspec.Struct]] = NoSettings
    kind: Kind = "complete"

    def __init__(self, settings: Any, *, base: Path) -> None:
        """Keep the `settings`, an instance of `Settings`.

        Args:
            settings: The table of archiver.toml, checked.
            base: Folder of archiver.toml; relative paths start there.
        """
        self.settings = settings
        self.base = base

    @abstractmethod
    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return what to ask next, given what is known so far; nothing: it is finished."""

    @abstractmethod
    def parse(self, page: Page) -> Parsed:
        """Return what `page` means.

        Raises:
            MalformedPage: It is not what the protocol promises; may be raised later, while
                the records are read.
        """
