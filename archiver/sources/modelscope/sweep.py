"""Enumerate more models than one question reaches: slice, unite, count.

A plan is a conversation: it yields questions, gets their entries, and goes on from there. It
depends on the entries alone, so it can be led again from a saved ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.sources.modelscope import website
from archiver.sources.modelscope.queries import FILTERS, Query, Reach

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from archiver.sources.ledger import Entry
    from archiver.sources.modelscope.survey import Survey
    from archiver.transport import Request

Steps: TypeAlias = "Generator[Sequence[Request], Sequence[Entry], None]"
"""Yields questions, is sent the entries of their answers, in the same order."""

SORTS: Final = ("downloads", "likes", "last_modified")
LETTERS: Final = "etaoinsrlhdcumpfgybvwkxqjz0123456789-_."
"""Characters of names, the frequent ones first; others are asked for when they are met."""
PROBES: Final = ("a", "q", "m")
ROUND: Final = 8
"""So many characters are tried at once."""
WORTH: Final = 2.5
"""Fresh records that a page of a filter must bring to be worth its request: owners bring two."""
MARGIN: Final = 0.9
"""Share of the allowed drift that may be missing when the hunt for the last models ends."""
LATE: Final = 0.99
"""Share of all models from which on one fresh record is worth a request."""
VAIN: Final = 40
"""So many searches in a row that show no new owner end the search for owners."""
WORDS: Final = 3000
"""So many words of names are searched for."""
WORDS_IN_ONE: Final = 1000
"""So many of them among the models of one owner."""
GUESSED: Final = 4
"""Beginnings of owners so long are made longer by guessing."""
LARGE: Final = 100
"""An owner who was met on so many pages is large."""
OWNERS: Final = 256
"""So many owners are asked for at once."""
TIDYING: Final = 0.05
"""Share of the pages of the whole catalogue that may be spent on the last few records."""


class Conversation:
    """Leads a conversation along a ledger.

    Attributes:
        used: Number of entries that it was told.
    """

    def __init__(self, survey: Survey, steps: Steps) -> None:
        """Begin; `survey` takes each entry before `steps` is told of it."""
        self.used = 0
        self._survey = survey
        self._steps = steps
        self._questions: Sequence[Request] | None = next(steps, None)

    def next_questions(self, entries: Sequence[Entry]) -> Sequence[Request]:
        """Return what to ask after `entries`; nothing: the conversation is over."""
        while self._questions is not None:
            told = entries[self.used : self.used + len(self._questions)]
            if len(told) < len(self._questions):
                return self._questions
            for entry in told:
                self._survey.note(entry)
            self.used += len(told)
            try:
                self._questions = self._steps.send(told)
            except StopIteration:
                self._questions = None
        return ()


@dataclass(slots=True)
class Node:
    """A prefix of names with more models than one question reaches.

    Attributes:
        prefix: A slash and characters.
        matches: Models whose names begin so.
        likely: Characters that were seen to follow.
        left: Models whose next character is not known yet.
        tried: Characters that were asked for.
        large: Longer prefixes that must be split too.
    """

    prefix: str
    matches: int
    likely: Counter[str]
    left: int = 0
    tried: set[str] = field(default_factory=set)
    large: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = self.matches


class Sweep:
    """One enumeration of everything that matches some questions."""

    def __init__(
        self, endpoint: str, reach: Reach, survey: Survey, *, drift: float, website: bool
    ) -> None:
        """Lead the conversation for `endpoint`; `survey` takes every entry before it comes here."""
        self._endpoint = endpoint
        self._reach = reach
        self._survey = survey
        self._drift = drift
        self._website = website
        self._asked: set[str] = set()
        self._left: list[Node] = []
        self._exact = False

    def everything(self) -> Steps:
        """Enumerate the hub."""
        everything = Query()
        (first,) = yield [self._page(everything, 1)]
        if (first.total or 0) <= self._reach.window:
            yield self._rest(everything, first)
        elif (yield from self._understands_prefixes()):
            yield from self._by_prefix()
            yield from self._tidy()
        else:
            yield from self._by_parts()
        yield [everything.request(self._endpoint, self._reach, 1, " again")]

    def slices(self, queries: Iterable[Query]) -> Steps:
        """Enumerate what matches one of `queries`."""
        asked = [query for query in queries if query.name not in self._asked]
        self._asked |= {query.name for query in asked}
        entries = yield [self._page(query, 1) for query in asked]
        for query, entry in zip(asked, entries, strict=True):
            yield from self._deepen(query, entry)

    @property
    def _whole(self) -> bool:
        return self._survey.distinct >= self._survey.total

    @property
    def _enough(self) -> bool:
        return self._survey.distinct >= self._survey.total * (1 - MARGIN * self._drift)

    def _page(self, query: Query, page: int) -> Request:
        return query.request(self._endpoint, self._reach, page)

    def _rest(self, query: Query, first: Entry) -> list[Request]:
        """Return the pages after the first, as far as the window reaches."""
        pages = self._reach.pages(_matches(first))
        return [self._page(query, page) for page in range(2, pages + 1)]

    # By prefixes of the name: a partition without overlap.

    def _understands_prefixes(self) -> Generator[Sequence[Request], Sequence[Entry], bool]:
        """Ask whether ``/a`` finds exactly the names that begin with a."""
        entries = yield [
            self._page(Query(search=f"/{letter}", sort="likes"), 1) for letter in PROBES
        ]
        found = [entry for entry in entries if entry.records]
        self._exact = not any("case:mixed" in entry.facts for entry in found)
        return bool(found) and all(map(_begins, found))

    def _by_prefix(self) -> Steps:
        """Enumerate by the first characters of names, and so on where those are too many."""
        nodes = [Node("/", self._survey.total, Counter(self._survey.first))]
        while nodes:
            yield from self._split(nodes)
            self._left += [node for node in nodes if node.left > 0]
            nodes = [child for node in nodes for child in node.large]
        if any(node.prefix == "/" for node in self._left):
            yield from self._first_characters()

    def _split(self, nodes: Sequence[Node]) -> Steps:
        """Ask for the children of all `nodes` until they are as many as their parent has."""
        while wanted := [(node, self._letters(node)) for node in nodes if node.left > 0]:
            pairs = [(node, letter) for node, letters in wanted for letter in letters]
            if not pairs:
                return
            yield from self._children(pairs)

    def _children(self, pairs: Sequence[tuple[Node, str]]) -> Steps:
        searches = [node.prefix + letter for node, letter in pairs]
        entries = yield [self._page(Query(search=search), 1) for search in searches]
        rest: list[Request] = []
        for (node, letter), search, entry in zip(pairs, searches, entries, strict=True):
            node.tried.add(letter)
            if entry.records and not _begins(entry):
                continue  # the search means something else by this character
            matches = _matches(entry)
            node.left -= matches
            if matches > self._reach.window:
                following = self._survey.slices[Query(search=search).name].following
                node.large.append(Node(search, matches, following))
            else:
                rest += self._rest(Query(search=search), entry)
        yield rest

    def _letters(self, node: Node) -> list[str]:
        """Return the characters to try next: all that were seen here, then the likeliest ones."""
        if here := [letter for letter, _ in node.likely.most_common() if letter not in node.tried]:
            return here
        after = self._survey.pairs[node.prefix[-1]]
        others = (*LETTERS, *LETTERS.upper()) if self._exact else LETTERS
        every = dict.fromkeys((*(letter for letter, _ in after.most_common()), *others))
        untried = [letter for letter in every if letter not in node.tried]
        return untried[: max(1, min(ROUND, node.left // ROUND))]

    def _first_characters(self) -> Steps:
        """Look for names that begin with other characters, in the windows of all orders."""
        for sort in SORTS:
            query = Query(sort=sort)
            yield [self._page(query, page) for page in self._window()]
        root = next(node for node in self._left if node.prefix == "/")
        root.likely = Counter(self._survey.first)
        yield from self._split([root]) if self._letters(root) else ()

    def _tidy(self) -> Steps:
        """Find the names that are a prefix themselves, by the owner's last character."""
        allowed = TIDYING * self._survey.total / self._reach.page
        spent = 0.0
        nodes = [node for node in self._left if node.left > 0]
        for node in sorted(nodes, key=lambda node: node.matches / node.left):
            cost = node.matches / self._reach.page
            if self._whole or (self._enough and spent + cost > allowed):
                return
            spent += cost
            yield from self.slices(Query(search=letter + node.prefix) for letter in LETTERS)

    # By owners, filters and parts of names, where a search knows no whole id.

    def _by_parts(self) -> Steps:
        for sort in SORTS:
            query = Query(sort=sort)
            yield [self._page(query, page) for page in self._window()]
        yield from self._by_owner_prefix()
        for name in FILTERS:
            if not self._enough:
                yield from self._by_filter(Query(), name)
        yield from self._by_word(Query(), WORDS)
        yield from self._look_for_owners()
        yield from self._by_pair_of_large_owners()
        yield from self._by_owner()

    def _by_pair_of_large_owners(self) -> Steps:
        """Search for every pair of characters among the models of owners with very many.

        Each name holds some pair, so this finds all of them, at about three pages a pair.
        """
        owners = [Query(owner=owner) for owner in self._survey.owners]
        known = ((query, self._survey.slices.get(query.name)) for query in owners)
        large = [query for query, each in known if each and each.short]
        for query in large:
            pairs = [query._replace(search=one + two) for one in LETTERS for two in LETTERS]
            for at in range(0, len(pairs), len(LETTERS)):
                if self._enough:
                    return
                some = pairs[at : at + len(LETTERS)]
                few = [pair for pair in some if pair.name not in self._asked]
                self._asked |= {pair.name for pair in few}
                entries = yield [self._page(pair, 1) for pair in few]
                for pair, entry in zip(few, entries, strict=True):
                    yield self._rest(pair, entry)

    def _window(self) -> range:
        return range(1, self._reach.window // self._reach.page + 1)

    def _by_owner_prefix(self) -> Steps:
        """Search for the beginnings of the names of known owners, longer where they find too much.

        That finds unknown owners too, which begin alike; new beginnings are asked for in turn.
        """
        tried: set[str] = set()
        large = {""}
        while not self._whole:
            known = {owner.lower() for owner in self._survey.owners}
            wanted = {_beginning(owner, large) for owner in known} | _guesses(large, known)
            new = sorted(wanted - tried - large)
            if not new:
                break
            tried |= {*new}
            self._asked |= {Query(search=prefix).name for prefix in new}
            entries = yield [self._page(Query(search=prefix), 1) for prefix in new]
            rest: list[Request] = []
            for prefix, entry in zip(new, entries, strict=True):
                if _matches(entry) > self._reach.window:
                    large.add(prefix)
                else:
                    rest += self._rest(Query(search=prefix), entry)
            yield rest
        alone = [owner for owner in self._survey.owners if owner.lower() in large]
        yield from self.slices(Query(owner=owner) for owner in alone)

    def _by_word(self, query: Query, most: int) -> Steps:
        """Ask for the words that names are put together from, the frequent ones first."""
        words = [word for word, pages in self._survey.words.most_common(most) if pages > 1]
        for at in range(0, len(words), ROUND):
            if self._enough:
                return
            few = words[at : at + ROUND]
            yield from self._if_worth_all([query._replace(search=word) for word in few])

    def _by_filter(self, query: Query, name: str) -> Steps:
        """Ask for every value of a filter that was seen in answers to `query`."""
        yield from self._if_worth_all(
            [query.narrowed(name, value) for value in self._values(query, name)]
        )

    def _if_worth_all(self, children: Sequence[Query]) -> Steps:
        """Walk those slices whose pages bring enough that is new."""
        children = [each for each in children if each.name not in self._asked]
        self._asked |= {each.name for each in children}
        entries = yield [self._page(child, 1) for child in children]
        for child, entry in zip(children, entries, strict=True):
            yield from self._if_worth(child, entry)

    def _if_worth(self, query: Query, first: Entry) -> Steps:
        """Walk a slice if a page from its middle brings enough that is new."""
        pages = self._reach.pages(_matches(first))
        if pages < 2:  # noqa: PLR2004  the first page is here
            return
        middle = pages // 2 + 1
        (sample,) = yield [self._page(query, middle)]
        if sample.fresh < (WORTH if self._survey.distinct < LATE * self._survey.total else 1):
            return
        yield [self._page(query, page) for page in range(2, pages + 1) if page != middle]
        if _matches(first) > self._reach.window:
            names = [name for name, _ in query.filters]
            for name in FILTERS[FILTERS.index(names[-1]) + 1 if names else 0 :]:
                yield from self._by_filter(query, name)

    def _values(self, query: Query, name: str) -> list[str]:
        """Return the values of a filter to ask for under `query`, the frequent ones first."""
        seen: Counter[str] = Counter()
        for slice_ in (
            self._survey.slices.values()
            if query.is_everything
            else (self._survey.slices[query.name],)
        ):
            seen.update({fact: n for fact, n in slice_.seen.items() if fact.startswith(f"{name}:")})
        return [fact.partition(":")[2] for fact, _ in seen.most_common()]

    def _by_owner(self) -> Steps:
        """Ask for every owner met and not asked for.

        The large ones first; of the others those that were met least: of an owner that came up
        often, everything has come already.
        """
        while not self._whole:
            met = self._survey.owners.items()
            new = [(count, owner) for owner, count in met if f"owner={owner}" not in self._asked]
            new.sort(key=lambda each: (-each[0] if each[0] > LARGE else each[0], each[1]))
            owners = [owner for _, owner in new[:OWNERS]]
            if not owners:
                return
            yield from self.slices(Query(owner=owner) for owner in owners)

    def _look_for_owners(self) -> Steps:
        """Search for everything, then for pairs of characters: that shows owners not met before."""
        pairs = (one + two for one in LETTERS for two in LETTERS)
        vain = 0
        for words in ("", *pairs) if self._website else pairs:
            if self._enough or vain > VAIN:
                return
            known = {*self._survey.owners}
            yield from self._on_the_website(words) if self._website else self._in_a_window(words)
            met = self._survey.owners.keys() - known
            vain = 0 if met else vain + 1
            yield from self.slices(Query(owner=owner) for owner in sorted(met))

    def _in_a_window(self, words: str) -> Steps:
        query = Query(search=words, sort="last_modified")
        (first,) = yield [self._page(query, 1)]
        yield self._rest(query, first)

    def _on_the_website(self, words: str) -> Steps:
        (first,) = yield [website.request(self._endpoint, words, 1)]
        pages = -(-min(_matches(first), website.WINDOW) // website.PAGE)
        yield [website.request(self._endpoint, words, page) for page in range(2, pages + 1)]

    # What one question cannot show.

    def _deepen(self, query: Query, first: Entry) -> Steps:
        """Walk a slice; one that the window cuts off also by other orders and by filters."""
        yield self._rest(query, first)
        if _matches(first) <= self._reach.window:
            return
        for sort in SORTS:
            other = query._replace(sort=sort)
            yield [self._page(other, page) for page in self._window()]
        for name in FILTERS:
            yield from self._by_filter(query, name)
        yield from self._by_word(query, WORDS_IN_ONE)


def _matches(entry: Entry) -> int:
    return (entry.total if entry.matches is None else entry.matches) or 0


def _beginning(owner: str, large: set[str]) -> str:
    """Return the shortest beginning of `owner` that is not too `large`, or its whole name."""
    ends = range(len(owner) + 1)
    return next((owner[:end] for end in ends if owner[:end] not in large), owner)


def _guesses(large: Iterable[str], known: Iterable[str]) -> set[str]:
    """Return longer beginnings of owners nobody met: by characters that follow in known ones."""
    following: defaultdict[str, set[str]] = defaultdict(set)
    for owner in known:
        for one, two in pairwise(owner):
            following[one].add(two)
    long = (prefix for prefix in large if len(prefix) >= GUESSED)
    return {prefix + letter for prefix in long for letter in following[prefix[-1]]}


def _begins(entry: Entry) -> bool:
    return "begins:all" in entry.facts
