"""Read the sources of a picture: each record by its name, with the values that are compared."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from archiver.changes.aliases import Aliases, Rule, folded, loose, pair
from archiver.changes.likeness import Likenesses
from archiver.database.crossing import Given
from archiver.history.pairs_file import read_pairs
from archiver.history.places import Origin
from archiver.records import canonical
from archiver.records.model import Json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from archiver.changes.lifecycle import Missing, Tombstone
    from archiver.config import Config
    from archiver.database.crossing import Claim, Crossing
    from archiver.history.catalogue import Catalogue
    from archiver.history.places import State
    from archiver.history.versions import Version
    from archiver.records.field_names import FieldNames
    from archiver.records.query import Predicate

STATES: Final[tuple[State, ...]] = ("there", "missing", "removed")
"""What a record can be, as numbers."""
GONE: Final = 2
CHOSEN: Final = 4
"""Added to the state of what fulfils the conditions."""

_BATCH: Final = 4096
_encode = msgspec.json.Encoder().encode


class Fate(NamedTuple):
    """What is kept of a record that is gone, as `Tombstone` has it."""

    removed_at: str
    last_seen: str
    cause: str


fate_of = msgspec.json.Decoder(Fate).decode
values_of = msgspec.json.Decoder(list[Json]).decode


class Meaning(NamedTuple):
    """What archiver.toml says of several sources: who is who, and what is compared."""

    aliases: Aliases
    likenesses: Likenesses
    weakest: Literal["rule", "key", "case", "name"]

    @classmethod
    def of(cls, config: Config) -> Meaning:
        """Read the table ``[alias]`` and the file of pairs.

        Raises:
            ConfigError: The file of pairs cannot be read.
        """
        alias = config.alias
        rules = [Rule.read(text, config.sources) for text in alias.rules]
        pairs = [pair(texts, config.sources) for texts in alias.pairs]
        if alias.pairs_file is not None:
            pairs += read_pairs(config.root / alias.pairs_file, config.sources)
        likenesses = Likenesses(alias.fields, alias.tolerance)
        return cls(Aliases(rules, pairs), likenesses, alias.weakest)


class Reading(NamedTuple):
    """What is read of the sources.

    Attributes:
        chosen: Which records fulfil the conditions; None: all.
        names: Takes note of the fields of the records.
        among: Loose names; only records of these are read. None: all.
    """

    chosen: Predicate | None = None
    names: FieldNames | None = None
    among: Collection[str] | None = None


class Loaded(NamedTuple):
    """What was read of the sources, besides their records; each by its number.

    Attributes:
        origins: The sources that have a version.
        missing: The records that are missing, by key.
        renamed: Source and former key to the key now; only where `among` says what is read.
    """

    origins: dict[int, Origin]
    missing: dict[int, Mapping[str, Missing]]
    renamed: dict[tuple[int, str], str]


class Loader:
    """Reads sources into a `Crossing`, one after the other.

    Attributes:
        loaded: What was read besides the records.
        candidates: Of what was read, the loose names that it may have elsewhere; only where
            `among` says what is read.
    """

    def __init__(
        self,
        crossing: Crossing,
        sources: Sequence[str],
        meaning: Meaning,
        reading: Reading,
    ) -> None:
        """Prepare to read.

        Args:
            crossing: Receives the records.
            sources: The names of all sources, which are known by their numbers.
            meaning: What archiver.toml says of them.
            reading: What is read.
        """
        self.loaded = Loaded({}, {}, {})
        self.candidates: set[str] = set()
        self._crossing = crossing
        self._numbers = {source: number for number, source in enumerate(sources)}
        self._aliases, self._likenesses, _ = meaning
        self._chosen, self._names, self._among = reading
        self._id = 0

    def load(self, catalogue: Catalogue, version: Version, *, newest: bool) -> None:
        """Add the records of a version, and what was removed before it."""
        number = self._numbers[catalogue.source]
        end, covers = version.end, version.covers if version.covers == "window" else ""
        stones = version.tombstones()
        missing = catalogue.missing() if newest else {}
        lines = chain.from_iterable(part.lines() for part in version.parts.values())
        former = _former(stones)
        self.loaded.missing[number] = missing
        self.loaded.origins[number] = Origin(
            catalogue.source, end.revision, end.timestamp, end.total, covers
        )
        there = self._there(number, catalogue.source, lines, missing)
        self._add(catalogue.source, chain(there, self._gone(number, stones)), former)

    def _add(self, source: str, records: Iterator[Given], former: Mapping[str, list[str]]) -> None:
        claiming = bool(self._aliases or former)
        while batch := list(islice(records, _BATCH)):
            self._crossing.add(batch)
            if claiming:
                self._crossing.claim(self._claims(source, batch, former))
            self._id += len(batch)

    def _claims(
        self, source: str, records: Iterable[Given], former: Mapping[str, list[str]]
    ) -> Iterator[Claim]:
        """Yield what records may be called elsewhere, by rules and pairs, and were called here."""
        others = [number for name, number in self._numbers.items() if name != source]
        for id_, record in enumerate(records, self._id):
            for claim in self._aliases.of(source, record.key):
                name = loose(claim.key if claim.level == "rule" else folded(claim.key))
                number = self._numbers.get(claim.source)
                if number is not None:
                    yield self._noted((name, number, claim.key, id_, claim.level, claim.number))
            for key in former.get(record.key, ()):
                name = loose(folded(key))
                for number in others:
                    yield self._noted((name, number, key, id_, "former", 0))

    def _noted(self, claim: Claim) -> Claim:
        if self._among is not None:
            self.candidates.add(claim[0])
        return claim

    def _there(
        self, number: int, source: str, lines: Iterable[bytes], missing: Collection[str]
    ) -> Iterator[Given]:
        read = self._likenesses.reader(source)
        chosen, names, among = self._chosen, self._names, self._among
        for line in lines:
            key = canonical.line_key(line).decode()
            name = loose(folded(key))
            if among is not None and name not in among:
                continue
            record = canonical.decode_with_key(line)
            if names is not None:
                names.see(record)
            state = CHOSEN * (chosen is None or chosen(key, record)) + (key in missing)
            yield Given(name, number, key, state, _encode(read(record)))

    def _gone(self, number: int, stones: Mapping[str, Tombstone]) -> Iterator[Given]:
        """Yield what was removed; what was renamed is there, and claims its former keys."""
        for key, stone in stones.items():
            name = loose(folded(key))
            if self._among is not None and name not in self._among:
                continue
            last = _last(stones, stone)
            if last.now:
                if self._among is not None:
                    self.candidates.add(loose(folded(last.now)))
                    self.loaded.renamed[number, key] = last.now
                continue
            fate = Fate(last.removed_at, last.last_seen, last.cause)
            yield Given(name, number, key, GONE + CHOSEN * (self._chosen is None), _encode(fate))


def _last(stones: Mapping[str, Tombstone], stone: Tombstone) -> Tombstone:
    """Return what became of a record in the end: what it was renamed to may be gone, too."""
    seen = {stone.key}
    while stone.now in stones and stone.now not in seen:
        stone = stones[stone.now]
        seen.add(stone.key)
    return stone


def _former(stones: Mapping[str, Tombstone]) -> dict[str, list[str]]:
    """Return the keys that a record had before, by the key that it has now."""
    found: dict[str, list[str]] = {}
    for key, stone in stones.items():
        if now := _last(stones, stone).now:
            found.setdefault(now, []).append(key)
    return found
