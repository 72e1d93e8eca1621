"""What one record is called in several sources: rules for names, explicit pairs, equal names.

Nothing here is a regular expression: a rule replaces what stands before and behind its one ``*``.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Level: TypeAlias = Literal["pair", "rule", "key", "case", "former", "name"]
"""Why two records count as one, the surest first: an explicit pair, a rule, equal keys, keys equal
apart from case, a key that one of them had before, equal names of one owner."""
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

Weakest: TypeAlias = Literal["rule", "key", "case", "name"]

_EQUALS: Final = " = "
_ANY: Final = "*"
_SEPARATORS: Final = dict.fromkeys(map(ord, "-_ "))


def folded(key: str) -> str:
    """Return what keys share that are equal apart from case and Unicode form."""
    return key.lower() if key.isascii() else unicodedata.normalize("NFKC", key).casefold()


def loose(folded_key: str) -> str:
    """Return what folded keys share whose owners are equal and whose names differ in separators.

    Dots stay: 1.1 is another version than 11. A name of nothing but separators stays, too.
    """
    owner, slash, name = folded_key.rpartition("/")
    return f"{owner}{slash}{name.translate(_SEPARATORS) or name}"


class Side(NamedTuple):
    """One source of a rule: its keys begin with `prefix` and end with `suffix`, both folded."""

    source: str
    prefix: str
    suffix: str

    def middle(self, key: str) -> str | None:
        """Return what ``*`` stands for in a folded key; None: the key is none of these."""
        ends = len(key) - len(self.suffix)
        fits = ends >= len(self.prefix) and key.startswith(self.prefix)
        return key[len(self.prefix) : ends] if fits and key.endswith(self.suffix) else None


class Rule(NamedTuple):
    """Keys that are called differently in two or more sources: `text` is as it was written."""

    text: str
    sides: tuple[Side, ...]

    def __repr__(self) -> str:
        return short(self)

    @classmethod
    def read(cls, text: str, sources: Collection[str]) -> Rule:
        """Read ``a:Owner/* = b:other-owner/*``; each side has one ``*``, for the same text.

        Raises:
            ConfigError: It is no such rule, or names no source twice or a source that is not there.
        """
        sides = []
        for part in text.split(_EQUALS):
            source, key = named(part.strip(), sources)
            before, star, after = key.partition(_ANY)
            if not star or _ANY in after:
                raise ConfigError(
                    sentence('"{key}": a rule has one * on each side', key=key),
                    hint=sentence("single records are named in pairs, where * is a character"),
                )
            sides.append(Side(source, folded(before), folded(after)))
        _refuse_repetition([side.source for side in sides])
        return cls(text, tuple(sides))


def named(text: str, sources: Collection[str]) -> tuple[str, str]:
    """Return source and key of ``source:key``; a key may have colons.

    Raises:
        ConfigError: It does not begin with the name of a source.
    """
    source, colon, key = text.partition(":")
    if not colon or not key:
        raise ConfigError(sentence('"{text}": expected source:key', text=text))
    if source not in sources:
        words = (
            sentence('no source is called "{source}"', source=source),
            suggestion(source, sources),
        )
        raise ConfigError(joined("", words))
    return source, key


def pair(texts: Iterable[str], sources: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return source and key of each place of one record.

    Raises:
        ConfigError: One is not ``source:key``, or there are not two sources or more.
    """
    found = tuple(named(text, sources) for text in texts)
    _refuse_repetition([source for source, _ in found])
    return found


def _refuse_repetition(sources: Sequence[str]) -> None:
    if not 1 < len(sources) == len({*sources}):
        raise ConfigError(sentence("expected two sources or more, each once"))


class Claim(NamedTuple):
    """What a record may be called in another source.

    Attributes:
        source: The other source.
        key: Its key there; folded where `level` is ``rule``.
        level: Who says so.
        number: Number of the pair or rule.
    """

    source: str
    key: str
    level: Level
    number: int


class Aliases:
    """Rules and pairs; tells what a record may be called elsewhere."""

    def __init__(
        self, rules: Sequence[Rule] = (), pairs: Iterable[Sequence[tuple[str, str]]] = ()
    ) -> None:
        """Prepare `rules` and `pairs`; of the rules that fit, the first decides."""
        self.rules = tuple(rules)
        self.pairs = tuple(map(tuple, pairs))
        self._pairs: dict[tuple[str, str], list[int]] = {}
        for number, places in enumerate(self.pairs):
            for place in places:
                self._pairs.setdefault(place, []).append(number)
        self._sides: dict[str, dict[int, dict[str, list[tuple[int, Side]]]]] = {}
        for number, rule in enumerate(self.rules):
            for side in rule.sides:
                lengths = self._sides.setdefault(side.source, {})
                sides = lengths.setdefault(len(side.prefix), {}).setdefault(side.prefix, [])
                sides.append((number, side))

    def __bool__(self) -> bool:
        return bool(self.rules or self.pairs)

    def of(self, source: str, key: str) -> list[Claim]:
        """Return what the record `key` of `source` may be called in other sources."""
        found = []
        for number in self._pairs.get((source, key), ()) if self._pairs else ():
            places = [place for place in self.pairs[number] if place[0] != source]
            found += [Claim(other, name, "pair", number) for other, name in places]
        if lengths := self._sides.get(source):
            name = folded(key)
            for length, prefixes in lengths.items():
                for number, side in prefixes.get(name[:length], ()):
                    found += self._by_rule(number, side, name)
        return found

    def _by_rule(self, number: int, side: Side, key: str) -> list[Claim]:
        """Return what a rule calls a folded key that has the prefix of one of its sides."""
        middle = side.middle(key)
        others = () if middle is None else self.rules[number].sides
        return [
            Claim(each.source, f"{each.prefix}{middle}{each.suffix}", "rule", number)
            for each in others
            if each is not side
        ]
