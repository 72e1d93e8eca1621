"""Slices of a hub: all models that match a query, by its parts where one query shows too few."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from archiver.sources.modelscope.queries import FILTERS, Query, Reach

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from archiver.sources.ledger import Entry
    from archiver.sources.modelscope.survey import Steps, Survey
    from archiver.transport import Request

SORTS: Final = ("downloads", "likes", "last_modified")
ROUND: Final = 8
"""Number of characters that are tried at once."""
WORTH: Final = 2.5
"""New records that make a page of a filter worth its request: a page of an owner has two."""
MARGIN: Final = 0.9
"""Share of the allowed drift that may be missing when the search for the last models ends."""
LATE: Final = 0.99
"""Share of all models beyond which one new record is worth a request."""
WORDS_IN_ONE: Final = 1000
"""Number of words that are searched for within one query."""


class Slices:
    """The slices of one listing.

    Attributes:
        survey: Takes every entry before the steps receive it.
        reach: How far one query reaches.
        asked: Names of the queries that were sent.
    """

    def __init__(self, endpoint: str, reach: Reach, survey: Survey, *, drift: float) -> None:
        """List the hub at `endpoint`; `drift` is the share that may be missing."""
        self.survey = survey
        self.reach = reach
        self.asked: set[str] = set()
        self._endpoint = endpoint
        self._drift = drift

    @property
    def complete(self) -> bool:
        """Whether as many models were received as the hub announces."""
        return self.survey.distinct >= self.survey.total

    @property
    def enough(self) -> bool:
        """Whether the drift explains what is missing."""
        return self.survey.distinct >= self.survey.total * (1 - MARGIN * self._drift)

    def page(self, query: Query, page: int, note: str = "") -> Request:
        """Return the request for a page, from 1; a `note` distinguishes repeated ones."""
        return query.request(self._endpoint, self.reach, page, note)

    def rest(self, query: Query, first: Entry) -> list[Request]:
        """Return the pages after the first, as far as the window reaches."""
        pages = self.reach.pages(matches(first))
        return [self.page(query, page) for page in range(2, pages + 1)]

    def windows(self, query: Query) -> Steps:
        """List what `query` reaches in each order."""
        pages = range(1, self.reach.window // self.reach.page + 1)
        for sort in SORTS:
            other = query._replace(sort=sort)
            yield [self.page(other, page) for page in pages]

    def unasked(self, queries: Iterable[Query]) -> list[Query]:
        """Return the queries that were not sent yet, and note that they are."""
        new = [query for query in queries if query.name not in self.asked]
        self.asked |= {query.name for query in new}
        return new

    def walk(self, queries: Iterable[Query]) -> Steps:
        """List what matches one of `queries`; what the window cuts off is listed by its parts."""
        new = self.unasked(queries)
        entries = yield [self.page(query, 1) for query in new]
        for query, entry in zip(new, entries, strict=True):
            yield self.rest(query, entry)
            if matches(entry) > self.reach.window:
                yield from self.windows(query)
                for name in FILTERS:
                    yield from self.by_filter(query, name)
                yield from self.by_word(query, WORDS_IN_ONE)

    def whole(
        self, queries: Iterable[Query]
    ) -> Generator[Sequence[Request], Sequence[Entry], list[Entry]]:
        """List what matches one of `queries`, as far as the window reaches; return the entries."""
        new = self.unasked(queries)
        firsts = yield [self.page(query, 1) for query in new]
        pairs = zip(new, firsts, strict=True)
        others = yield [page for query, first in pairs for page in self.rest(query, first)]
        return [*firsts, *others]

    def by_word(self, query: Query, most: int) -> Steps:
        """Search for the words that names are composed of, the frequent ones first."""
        words = [word for word, pages in self.survey.words.most_common(most) if pages > 1]
        for at in range(0, len(words), ROUND):
            if self.enough:
                return
            few = words[at : at + ROUND]
            yield from self._worthwhile([query._replace(search=word) for word in few])

    def by_filter(self, query: Query, name: str) -> Steps:
        """List by every value of a filter that answers to `query` have shown."""
        slices = self.survey.slices
        shown = slices.values() if query.is_everything else (slices[query.name],)
        seen: Counter[str] = Counter()
        for each in shown:
            seen.update({fact: n for fact, n in each.seen.items() if fact.startswith(f"{name}:")})
        values = (fact.partition(":")[2] for fact, _ in seen.most_common())
        yield from self._worthwhile([query.narrowed(name, value) for value in values])

    def _worthwhile(self, queries: Sequence[Query]) -> Steps:
        """Walk those slices whose pages have enough new records."""
        new = self.unasked(queries)
        entries = yield [self.page(query, 1) for query in new]
        for query, entry in zip(new, entries, strict=True):
            yield from self._sampled(query, entry)

    def _sampled(self, query: Query, first: Entry) -> Steps:
        """Walk a slice if a page from its middle has enough new records."""
        pages = self.reach.pages(matches(first))
        if pages < 2:  # noqa: PLR2004  the first page is here
            return
        middle = pages // 2 + 1
        (sample,) = yield [self.page(query, middle)]
        if sample.fresh < (WORTH if self.survey.distinct < LATE * self.survey.total else 1):
            return
        yield [self.page(query, page) for page in range(2, pages + 1) if page != middle]
        if matches(first) > self.reach.window:
            names = [name for name, _ in query.filters]
            for name in FILTERS[FILTERS.index(names[-1]) + 1 if names else 0 :]:
                yield from self.by_filter(query, name)


def matches(entry: Entry) -> int:
    """Return how many models match the query of an answer."""
    return (entry.total if entry.matches is None else entry.matches) or 0
