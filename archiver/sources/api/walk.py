"""The pages of one address so far, as the ledger tells of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.language import stored
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.sources.ledger import Entry

NEXT, LAST, COUNTED = "next", "last", "counted"
_ID: Final = re.compile(r"(?:address (\d+), )?page (\d+)", re.ASCII)


class Said(NamedTuple):
    """What a page says of the next one; the facts of the ledger.

    Attributes:
        state: `NEXT`: there is one; `LAST`: there is none; `COUNTED`: the number of records tells.
        value: Of `NEXT` its address, or its cursor as JSON; of `LAST` how that was recognised.
        repeats: How many records of the page stand on it twice.
    """

    state: str
    value: str = ""
    repeats: str = "0"


@dataclass(slots=True)
class Walk:
    """The way through the pages of one address.

    Attributes:
        chain: Which address, from 0.
        number: Number of its pages.
        received: Number of their records, repeated and bad ones included.
        first_total: What its first page announced; None: nothing.
        last: Its last page.
        before: The page before that one.
        back: The page to which the last one leads back; 0: to none.
        taken: Entries of the ledger, those of other addresses included.
    """

    chain: int = 0
    number: int = 0
    received: int = 0
    first_total: int | None = None
    last: Entry | None = None
    before: Entry | None = None
    back: int = 0
    taken: int = 0
    _named: dict[str, int] = field(default_factory=dict)

    __repr__ = short

    def along(self, entries: Sequence[Entry]) -> Walk:
        """Return the way along all `entries`; where it is none of them, a new one is begun."""
        walk = self
        if walk.taken > len(entries) or (walk.taken and entries[walk.taken - 1] is not walk.last):
            walk = Walk()
        for entry in entries[walk.taken :]:
            walk = walk.add(entry)
        return walk

    def add(self, entry: Entry) -> Walk:
        """Return the way one page further, at the next address where it is one of that."""
        chain, number = numbers(entry.id)
        if chain != self.chain:
            return Walk(chain, taken=self.taken).add(entry)
        self.number = number
        self.received += rows(entry)
        self.first_total = total(entry) if number == 1 else self.first_total
        self.last, self.before = entry, self.last
        self.taken += 1
        said = Said(*entry.facts)
        if said.state == NEXT and said.value:
            self.back = self._named.get(said.value, 0)
            self._named.setdefault(said.value, number + 1)
        return self


def rows(entry: Entry) -> int:
    """Return the number of records of a page, bad ones included."""
    return entry.records + entry.bad


def total(entry: Entry) -> int | None:
    """Return the number of records that a page announces; None: it announces none."""
    return entry.matches if entry.total is None else entry.total


def numbers(id_: str) -> tuple[int, int]:
    """Return which address a request's id names, from 0, and which of its pages, from 1."""
    match = _ID.fullmatch(id_)
    assert match is not None  # noqa: S101  `named` wrote it
    return int(match[1] or 1) - 1, int(match[2])


def named(chain: int, number: int, *, several: bool) -> str:
    """Return the id of the request for a page."""
    if several:
        return stored("address {chain:d}, page {number:d}", chain=chain + 1, number=number)
    return stored("page {number:d}", number=number)
