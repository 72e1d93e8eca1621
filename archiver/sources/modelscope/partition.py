"""Partition a hub by the first characters of its names: slices that do not overlap."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from archiver.sources.modelscope.queries import LETTERS, Query
from archiver.sources.modelscope.slices import ROUND, matches

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from archiver.sources.ledger import Entry
    from archiver.sources.modelscope.slices import Slices
    from archiver.sources.modelscope.survey import Steps
    from archiver.transport import Request

PROBES: Final = ("a", "q", "m")
TIDYING: Final = 0.05
"""Share of the pages of the whole catalogue that may be spent on the last few records."""


@dataclass(slots=True)
class Node:
    """A prefix of names with more models than one query reaches.

    Attributes:
        prefix: A slash and characters.
        matches: Number of models with this prefix.
        likely: Characters that were seen to follow.
        left: Number of models whose next character is unknown.
        tried: Characters that were searched for.
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


class Partition:
    """Prefixes of names; where one matches too many models, longer ones."""

    def __init__(self, slices: Slices) -> None:
        """List by `slices`."""
        self._slices = slices
        self._left: list[Node] = []
        self._exact = False

    def understood(self) -> Generator[Sequence[Request], Sequence[Entry], bool]:
        """Find out whether ``/a`` finds exactly the names that begin with a."""
        entries = yield [
            self._slices.page(Query(search=f"/{letter}", sort="likes"), 1) for letter in PROBES
        ]
        found = [entry for entry in entries if entry.records]
        self._exact = not any("case:mixed" in entry.facts for entry in found)
        return bool(found) and all(map(_begins, found))

    def steps(self) -> Steps:
        """List by the first character of names, by two where that is too much, and so on."""
        nodes = [Node("/", self._slices.survey.total, Counter(self._slices.survey.first))]
        while nodes:
            yield from self._split(nodes)
            self._left += [node for node in nodes if node.left > 0]
            nodes = [child for node in nodes for child in node.large]
        if any(node.prefix == "/" for node in self._left):
            yield from self._first_characters()
        yield from self._tidy()

    def _split(self, nodes: Sequence[Node]) -> Steps:
        """Search for longer prefixes of all `nodes` until their models add up."""
        while wanted := [(node, self._letters(node)) for node in nodes if node.left > 0]:
            pairs = [(node, letter) for node, letters in wanted for letter in letters]
            if not pairs:
                return
            yield from self._children(pairs)

    def _children(self, pairs: Sequence[tuple[Node, str]]) -> Steps:
        searches = [node.prefix + letter for node, letter in pairs]
        entries = yield [self._slices.page(Query(search=search), 1) for search in searches]
        rest: list[Request] = []
        for (node, letter), search, entry in zip(pairs, searches, entries, strict=True):
            node.tried.add(letter)
            if entry.records and not _begins(entry):
                continue  # this character has a special meaning in searches
            found = matches(entry)
            node.left -= found
            if found > self._slices.reach.window:
                following = self._slices.survey.slices[Query(search=search).name].following
                node.large.append(Node(search, found, following))
            else:
                rest += self._slices.rest(Query(search=search), entry)
        yield rest

    def _letters(self, node: Node) -> list[str]:
        """Return the characters to try next: those seen here, then the likeliest ones."""
        if here := [letter for letter, _ in node.likely.most_common() if letter not in node.tried]:
            return here
        after = self._slices.survey.pairs[node.prefix[-1]]
        others = (*LETTERS, *LETTERS.upper()) if self._exact else LETTERS
        every = dict.fromkeys((*(letter for letter, _ in after.most_common()), *others))
        untried = [letter for letter in every if letter not in node.tried]
        return untried[: max(1, min(ROUND, node.left // ROUND))]

    def _first_characters(self) -> Steps:
        """Look for names that begin with other characters, in the windows of all orders."""
        yield from self._slices.windows(Query())
        root = next(node for node in self._left if node.prefix == "/")
        root.likely = Counter(self._slices.survey.first)
        yield from self._split([root]) if self._letters(root) else ()

    def _tidy(self) -> Steps:
        """Find the names that are a prefix themselves, by the owner's last character."""
        allowed = TIDYING * self._slices.survey.total / self._slices.reach.page
        spent = 0.0
        nodes = [node for node in self._left if node.left > 0]
        for node in sorted(nodes, key=lambda node: node.matches / node.left):
            cost = node.matches / self._slices.reach.page
            if self._slices.complete or (self._slices.enough and spent + cost > allowed):
                return
            spent += cost
            yield from self._slices.walk(Query(search=letter + node.prefix) for letter in LETTERS)


def _begins(entry: Entry) -> bool:
    return "begins:all" in entry.facts
