"""The records of several sources, each once: paired, counted, told one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import UNSET

from archiver.changes.aliases import LEVELS
from archiver.changes.pairing import Claimed, Named, Pairing
from archiver.history.across_loading import CHOSEN, GONE, STATES, fate_of, values_of
from archiver.history.places import Across, Difference, Place, Reason, Totals, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from archiver.changes.aliases import Level
    from archiver.changes.pairing import Link
    from archiver.database.crossing import Crossing
    from archiver.history.across_loading import Loaded, Meaning
    from archiver.history.places import Origin, State
    from archiver.records.model import Json


class Picture:
    """The records of several sources, each once. It can be read any number of times.

    Attributes:
        origins: The sources that were read.
        totals: What was counted while the records were read.
    """

    def __init__(self, loaded: Loaded, meaning: Meaning, crossing: Crossing) -> None:
        """Pair what was loaded into `crossing`."""
        self.origins = [*loaded.origins.values()]
        self.totals = Totals()
        self._meaning = meaning
        self._crossing = crossing
        self._loaded = loaded
        total = crossing.order()
        self._chosen = bytearray(total)
        claims = (Claimed._make(row) for row in crossing.claims())
        self._pairing = Pairing(self._names(), claims, total=total, weakest=meaning.weakest)

    def _names(self) -> Iterator[Named]:
        for position, (name, source, key, state, id_) in enumerate(self._crossing.names()):
            self._chosen[position] = state >= CHOSEN
            yield Named(name, source, key, state % CHOSEN >= GONE, id_)

    def records(self, wanted: Wanted = Wanted()) -> Iterator[Across]:  # noqa: B008  it is immutable
        """Yield the records that are wanted; `totals` counts all, and is known when they end."""
        counts = _Counts()
        pairing = self._pairing
        names = {number: each.source for number, each in self._loaded.origins.items()}
        several = wanted.gone or wanted.differs is not None
        seen = bytearray(len(pairing))
        for position in range(len(pairing)):
            if seen[position]:
                continue
            if pairing.is_alone(position):
                if not self._chosen[position]:
                    continue
                source = names[pairing.sources[position]]
                counts.alone(source, gone=bool(pairing.gone[position]))
                if several or wanted.only not in ("", source):
                    continue  # it need not be read
                found = self._across([position], [])
            else:
                members = pairing.members(position)
                for each in members:
                    seen[each] = True
                if not any(self._chosen[each] for each in members):
                    continue
                fields = self._differing(members)
                there = [names[pairing.sources[each]] for each in members if not pairing.gone[each]]
                gone = [names[pairing.sources[each]] for each in members if pairing.gone[each]]
                counts.paired(there, gone, pairing.levels(members), fields)
                if not _may_be(wanted, gone=bool(gone and there), fields=fields):
                    continue
                found = self._across(members, fields)
            if wanted.chooses(found):
                yield found
        self.totals = counts.totals(self.origins, self._meaning.likenesses.names)

    def _differing(self, members: Iterable[int]) -> list[str]:
        """Return the fields in which records differ that are there."""
        rows = (self._crossing.at(each) for each in members)
        said = [kept for _, _, state, kept in rows if state % CHOSEN < GONE]
        if all(each == said[0] for each in said):
            return []
        return self._meaning.likenesses.differing([values_of(kept) for kept in said])

    @property
    def idle(self) -> list[str]:
        """The rules and pairs of archiver.toml that pair nothing."""
        aliases, used = self._meaning.aliases, self._pairing.reasons
        pairs = (" = ".join(map(":".join, places)) for places in aliases.pairs)
        found = [(("pair", number), text) for number, text in enumerate(pairs)]
        found += [(("rule", number), rule.text) for number, rule in enumerate(aliases.rules)]
        return [text for reason, text in found if reason not in used]

    def find(self, names: Collection[tuple[str, str]]) -> list[Across]:
        """Return the records that have one of these names, each given by source and key."""
        numbers = {each.source: number for number, each in self._loaded.origins.items()}
        given = [(numbers[source], key) for source, key in names if source in numbers]
        asked = {(number, self._loaded.renamed.get((number, key), key)) for number, key in given}
        rows = enumerate(self._crossing.names())
        positions = [place for place, (_, source, key, *_) in rows if (source, key) in asked]
        found = dict.fromkeys(tuple(self._pairing.members(position)) for position in positions)
        return [self._across(members, self._differing(members), whole=True) for members in found]

    def _across(
        self, members: Sequence[int], fields: Sequence[str], *, whole: bool = False
    ) -> Across:
        """Return a record, given in what it differs; `whole`: with all values of each place."""
        rows = sorted((*self._crossing.at(each), each) for each in members)
        said: dict[str, bytes] = {}
        places = []
        for number, key, state, kept, _ in rows:
            place = self._place(number, key, STATES[state % CHOSEN], kept)
            places.append(place)
            if place.is_there:
                said[place.source] = kept
                place.values = self._values(kept) if whole else {}
        values = {source: self._values(kept) for source, kept in said.items()} if fields else {}
        differs = [
            Difference(name, {at: each[name] for at, each in values.items() if name in each})
            for name in fields
        ]
        called = {row[-1]: place.called for row, place in zip(rows, places, strict=True)}
        links = self._pairing.links(members) if len(members) > 1 else ()
        return Across(places, [self._reason(link, called) for link in links], differs)

    def _values(self, kept: bytes) -> dict[str, Json]:
        known = zip(self._meaning.likenesses.names, values_of(kept), strict=True)
        return {name: value for name, value in known if value is not None}

    def _place(self, number: int, key: str, state: State, kept: bytes) -> Place:
        source = self._loaded.origins[number].source
        if state == "removed":
            fate = fate_of(kept)
            return Place(
                source,
                key,
                state,
                fate.removed_at,
                last_seen=fate.last_seen,
                cause=fate.cause,
            )
        missing = self._loaded.missing[number].get(key) if state == "missing" else None
        return Place(source, key, state, missing.since if missing else "")

    def _reason(self, link: Link, called: Mapping[int, str]) -> Reason:
        rule = self._meaning.aliases.rules[link.number].text if link.level == "rule" else UNSET
        one, other = (name for position, name in called.items() if position in link[:2])
        return Reason((one, other), link.level, rule)


def _may_be(wanted: Wanted, *, gone: bool, fields: Collection[str]) -> bool:
    """Say whether a record may be wanted of which no more is known."""
    if wanted.gone and not gone:
        return False
    if wanted.differs is None:
        return True
    return wanted.differs in fields if wanted.differs else bool(fields)


class _Counts:
    """Counts records by where they are."""

    def __init__(self) -> None:
        self._records = self._shared = self._gone_everywhere = 0
        self._only: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()
        self._paired: Counter[Level] = Counter()
        self._differs: Counter[str] = Counter()

    def alone(self, source: str, *, gone: bool) -> None:
        """Count a record that one source alone has ever had."""
        self._records += 1
        self._gone_everywhere += gone
        if not gone:
            self._only[source] += 1

    def paired(
        self, there: list[str], gone: list[str], levels: list[Level], fields: list[str]
    ) -> None:
        """Count a record of several sources: where it is, was, by what it is one, and differs."""
        self._records += 1
        self._shared += len(there) > 1
        self._gone_everywhere += not there
        if len(there) == 1:
            self._only[there[0]] += 1
        if gone and there:
            self._gone.update(gone)
        for level in levels:
            self._paired[level] += 1
        for field in fields:
            self._differs[field] += 1

    def totals(self, origins: Iterable[Origin], fields: Iterable[str]) -> Totals:
        """Return the counts, each in its order."""
        sources = [each.source for each in origins]
        return Totals(
            self._records,
            self._shared,
            {each: self._only[each] for each in sources},
            {each: self._gone[each] for each in sources},
            self._gone_everywhere,
            {each: self._paired[each] for each in LEVELS if self._paired[each]},
            {each: self._differs[each] for each in fields if self._differs[each]},
        )
