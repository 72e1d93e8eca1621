"""Cover a hub by overlapping slices (owners, filters, words), where no search knows whole ids."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.sources.modelscope import website
from archiver.sources.modelscope.partition import Partition
from archiver.sources.modelscope.queries import FILTERS, LETTERS, Query
from archiver.sources.modelscope.slices import ROUND, matches

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from archiver.sources.ledger import Entry
    from archiver.sources.modelscope.slices import Slices
    from archiver.sources.modelscope.survey import Steps
    from archiver.transport import Request

Search: TypeAlias = "Generator[Sequence[Request], Sequence[Entry], int]"

VAIN: Final = 40
"""Number of searches in a row with models of known owners only that end the search for owners."""
WORDS: Final = 3000
"""Number of words of names that are searched for."""
GUESSED: Final = 4
"""Length from which on prefixes of owners are extended by guessing."""
LARGE: Final = 100
"""Number of pages that show an owner from which on it is large."""
OWNERS: Final = 256
"""Number of owners that are listed at once."""
FEWEST: Final = 0.02
"""New records a page below which another owner's models are searched."""
PAIRS: Final = tuple(one + two for one in reversed(LETTERS) for two in reversed(LETTERS))
"""Pairs of characters of names, the rare ones first: what they match fits into one query."""


def everything(slices: Slices, endpoint: str, *, website: bool) -> Steps:
    """List a whole hub: in one query, by a partition, or by a cover.

    Args:
        slices: The slices of this listing.
        endpoint: Address of the hub.
        website: Whether the website's own query may be used to find owners.
    """
    every = Query()
    (first,) = yield [slices.page(every, 1)]
    partition = Partition(slices)
    if (first.total or 0) <= slices.reach.window:
        yield slices.rest(every, first)
    elif (yield from partition.understood()):
        yield from partition.steps()
    else:
        yield from Cover(slices, endpoint, website=website).steps()
    yield [slices.page(every, 1, " again")]


class Cover:
    """Slices by owners, filters and words, until enough models were received."""

    def __init__(self, slices: Slices, endpoint: str, *, website: bool) -> None:
        """List by `slices`; see `everything`."""
        self._slices = slices
        self._endpoint = endpoint
        self._website = website

    def steps(self) -> Steps:
        """List by prefixes of owners, filters, words, then owner by owner."""
        yield from self._slices.windows(Query())
        yield from self._by_owner_prefix()
        for name in FILTERS:
            if not self._slices.enough:
                yield from self._slices.by_filter(Query(), name)
        yield from self._slices.by_word(Query(), WORDS)
        yield from self._by_pair_of_large_owners()
        yield from self._look_for_owners()
        yield from self._by_owner()

    def _by_pair_of_large_owners(self) -> Steps:
        """Search for pairs of characters among the models of owners with very many.

        Each name holds some pair, so this finds all of them, at about three pages a pair. It ends
        with an owner where pages have hardly a new record any more.
        """
        for query in self._large_owners():
            pairs = [query._replace(search=pair) for pair in PAIRS]
            for at in range(0, len(pairs), ROUND):
                if self._slices.enough:
                    return
                entries = yield from self._slices.whole(pairs[at : at + ROUND])
                if sum(entry.fresh for entry in entries) < FEWEST * len(entries):
                    break

    def _large_owners(self) -> list[Query]:
        """Return the owners of whose models some were out of reach, the largest first."""
        survey = self._slices.survey
        short = {
            query: survey.slices[query.name].short
            for query in map(_of_owner, survey.owners)
            if query.name in survey.slices
        }
        return sorted((query for query in short if short[query]), key=lambda query: -short[query])

    def _by_owner_prefix(self) -> Steps:
        """Search for prefixes of known owners, longer ones where they find too much.

        That also finds unknown owners with the same prefix; new prefixes are searched for in turn.
        """
        tried: set[str] = set()
        large = {""}
        while not self._slices.complete:
            known = {owner.lower() for owner in self._slices.survey.owners}
            wanted = {_beginning(owner, large) for owner in known} | _guesses(large, known)
            new = sorted(wanted - tried - large)
            if not new:
                break
            tried |= {*new}
            self._slices.asked |= {Query(search=prefix).name for prefix in new}
            entries = yield [self._slices.page(Query(search=prefix), 1) for prefix in new]
            rest: list[Request] = []
            for prefix, entry in zip(new, entries, strict=True):
                if matches(entry) > self._slices.reach.window:
                    large.add(prefix)
                else:
                    rest += self._slices.rest(Query(search=prefix), entry)
            yield rest
        alone = [owner for owner in self._slices.survey.owners if owner.lower() in large]
        yield from self._slices.walk(Query(owner=owner) for owner in alone)

    def _by_owner(self) -> Steps:
        """List every owner that was seen and not listed yet.

        The large ones first; of the others those that were seen least: of an owner that was seen
        often, everything was received already.
        """
        while not self._slices.enough:
            met, asked = self._slices.survey.owners.items(), self._slices.asked
            new = [(count, owner) for owner, count in met if f"owner={owner}" not in asked]
            new.sort(key=lambda each: (-each[0] if each[0] > LARGE else each[0], each[1]))
            owners = [owner for _, owner in new[:OWNERS]]
            if not owners:
                return
            yield from self._slices.walk(Query(owner=owner) for owner in owners)

    def _look_for_owners(self) -> Steps:
        """Search for everything, then for pairs of characters: that shows new owners."""
        search = self._on_the_website if self._website else self._in_a_window
        vain = 0
        for words in ("", *PAIRS) if self._website else PAIRS:
            if self._slices.enough or vain > VAIN:
                return
            known = {*self._slices.survey.owners}
            found = yield from search(words)
            met = self._slices.survey.owners.keys() - known
            vain = 0 if met else vain + bool(found)
            yield from self._slices.walk(Query(owner=owner) for owner in sorted(met))

    def _in_a_window(self, words: str) -> Search:
        """Search for the newest models; return how many match."""
        query = Query(search=words, sort="last_modified")
        (first,) = yield [self._slices.page(query, 1)]
        yield self._slices.rest(query, first)
        return matches(first)

    def _on_the_website(self, words: str) -> Search:
        """Search for the most used models; return how many match."""
        (first,) = yield [website.request(self._endpoint, words, 1)]
        pages = -(-min(matches(first), website.WINDOW) // website.PAGE)
        yield [website.request(self._endpoint, words, page) for page in range(2, pages + 1)]
        return matches(first)


def _of_owner(owner: str) -> Query:
    return Query(owner=owner)


def _beginning(owner: str, large: set[str]) -> str:
    """Return the shortest prefix of `owner` that is not too `large`, or its whole name."""
    ends = range(len(owner) + 1)
    return next((owner[:end] for end in ends if owner[:end] not in large), owner)


def _guesses(large: Iterable[str], known: Iterable[str]) -> set[str]:
    """Return longer prefixes of unknown owners, by the successors of characters in known ones."""
    following: defaultdict[str, set[str]] = defaultdict(set)
    for owner in known:
        for one, two in pairwise(owner):
            following[one].add(two)
    long = (prefix for prefix in large if len(prefix) >= GUESSED)
    return {prefix + letter for prefix in long for letter in following[prefix[-1]]}
