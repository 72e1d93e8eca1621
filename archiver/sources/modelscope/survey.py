"""A plan as a conversation, and the survey of what its answers have shown so far.

The conversation yields requests, receives their ledger entries, and continues from there. It
depends on the entries alone, so it can be replayed from a saved ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from archiver.sources.modelscope.queries import page_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from typing import Self

    from archiver.sources.ledger import Entry
    from archiver.transport import Request

Steps: TypeAlias = "Generator[Sequence[Request], Sequence[Entry], None]"
"""Yields requests, receives the entries of their answers in the same order."""


@dataclass(slots=True)
class Slice:
    """One query, as far as it was answered.

    Attributes:
        announced: Number of models that match, by the last page; None: unknown.
        received: Records received.
        fresh: Records that were new.
        pages: Pages answered.
        seen: Values of filters, to how many pages showed them.
        following: Characters that followed a prefix, to how often they did.
    """

    announced: int | None = None
    received: int = 0
    fresh: int = 0
    pages: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    following: Counter[str] = field(default_factory=Counter)

    @property
    def short(self) -> int:
        """Number of announced records that were not received."""
        return max((self.announced or 0) - self.received, 0)


@dataclass(slots=True)
class Survey:
    """A fold over the entries of a ledger.

    Attributes:
        total: Number of models that the hub announces, last.
        distinct: Number of different models received.
        slices: Slice by the name of its query.
        owners: Owner to the number of rows seen.
        words: Word of names to how many pages showed it.
        first: Character to how many pages had names that begin with it.
        pairs: Character to how often which others followed it at the end of a prefix.
    """

    total: int = 0
    distinct: int = 0
    slices: dict[str, Slice] = field(default_factory=dict)
    owners: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)
    pairs: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Return the survey of a ledger's entries."""
        survey = cls()
        for entry in entries:
            survey.note(entry)
        return survey

    def note(self, entry: Entry) -> None:
        """Add the next entry."""
        name, _ = page_of(entry.id)
        found = self.slices.setdefault(name, Slice())
        if entry.total is not None:
            self.total = entry.total
        announced = entry.total if entry.matches is None else entry.matches
        found.announced = found.announced if announced is None else announced
        found.received += entry.records
        found.fresh += entry.fresh
        found.pages += 1
        self.distinct += entry.fresh
        for fact in entry.facts:
            kind, _, text = fact.partition(":")
            if kind == "owner":
                self.owners[text] += 1
            elif kind == "next":
                self.pairs[name[-1]].update(text)
                found.following.update(text)
            elif kind == "word":
                self.words[text] += 1
            elif kind == "first":
                self.first.update(text)
            else:
                found.seen[fact] += 1

    def worst(self) -> list[tuple[str, Slice]]:
        """Return the incomplete slices, the worst first."""
        lacking = [(name, each) for name, each in self.slices.items() if each.short]
        return sorted(lacking, key=lambda pair: -pair[1].short)


class Conversation:
    """Replays and continues a conversation along a ledger.

    Attributes:
        used: Number of entries that it has received.
    """

    def __init__(self, survey: Survey, steps: Steps) -> None:
        """Begin; `survey` takes each entry before `steps` receives it."""
        self.used = 0
        self._survey = survey
        self._steps = steps
        self._requests: Sequence[Request] | None = next(steps, None)

    def next_requests(self, entries: Sequence[Entry]) -> Sequence[Request]:
        """Return what to send after `entries`; nothing: the conversation is over."""
        while self._requests is not None:
            received = entries[self.used : self.used + len(self._requests)]
            if len(received) < len(self._requests):
                return self._requests
            for entry in received:
                self._survey.note(entry)
            self.used += len(received)
            try:
                self._requests = self._steps.send(received)
            except StopIteration:
                self._requests = None
        return ()
