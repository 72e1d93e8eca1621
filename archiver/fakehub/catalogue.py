"""A made-up catalogue of models that changes from day to day, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from math import ceil, log
from typing import TYPE_CHECKING, TypeVar

from archiver.fakehub import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.records.model import Record

Option = TypeVar("Option")

SPREAD = 7_368_787  # a prime that shares no factor with the number of names: all ids differ


@dataclass(frozen=True, slots=True)
class Pace:
    """What changes in one day, as shares of the records (0 to 1).

    The defaults were measured on four public histories.

    Attributes:
        new: Records that appear.
        removed: Records that vanish for good.
        content: Records in which something other than a metric changes.
        counters: Records whose downloads change.
    """

    new: float = 0.0025
    removed: float = 0.001
    content: float = 0.0075
    counters: float = 0.4


ONE_THIRD = Pace(content=1 / 3, counters=0)
"""A third of the records changes in content, as in the benchmark of comparisons."""


class Dice:
    """Random numbers that depend on nothing but their seed (no global state)."""

    __slots__ = ("_rest",)

    def __init__(self, *seed: int) -> None:
        """Draw enough bits for some twenty throws."""
        self._rest = int.from_bytes(blake2b(repr(seed).encode()).digest())

    def below(self, sides: int) -> int:
        """Throw an integer from 0 to `sides` - 1."""
        self._rest, throw = divmod(self._rest, sides)
        return throw

    def fraction(self) -> float:
        """Throw a number from 0 to below 1."""
        return self.below(1 << 24) / (1 << 24)

    def choice(self, options: Sequence[Option]) -> Option:
        """Throw one of `options`."""
        return options[self.below(len(options))]


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a model's name, for its id and its description."""

    owner: str
    family: str
    category: words.Category
    scale: str
    params: int
    name: str

    @classmethod
    def nth(cls, number: int) -> Name:
        """Return the name number `number`; the first 2.7 million all differ."""
        number, place = divmod(number * SPREAD, len(words.PLACES))
        number, trade = divmod(number, len(words.TRADES))
        number, kind = divmod(number, len(words.FAMILIES))
        number, size = divmod(number, len(words.SCALES))
        number, version = divmod(number, len(words.VERSIONS))
        variant = number % len(words.VARIANTS)
        family, category = words.FAMILIES[kind]
        scale, params = words.SCALES[size]
        name = f"{family}-{scale}-{words.VERSIONS[version]}{words.VARIANTS[variant]}"
        owner = f"{words.PLACES[place]}-{words.TRADES[trade]}"
        return cls(owner, family, category, scale, params, name)

    def describe(self, dice: Dice) -> str:
        """Return one or two sentences, a third of them in Chinese."""
        sentence = dice.choice(words.CHINESE if dice.below(3) == 0 else words.ENGLISH)
        return sentence.format(
            name=self.name,
            family=self.family,
            scale=self.scale,
            category=self.category.name,
            chinese=self.category.chinese,
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models of a hub that does not exist, on any day.

    A record follows from the seed, its number and the day alone, so any day can be asked for
    in any order and memory does not grow with the catalogue.

    Attributes:
        models: Number of records on day 0.
        seed: Another seed gives other records.
        pace: How much happens in a day.
        start: The date of day 0.
    """

    models: int = 2845
    seed: int = 1
    pace: Pace = field(default_factory=Pace)
    start: date = date(2026, 1, 1)

    def day(self, number: int) -> Iterator[Record]:
        """Yield the records of day `number` (from 0), about 370 bytes of JSON each."""
        for index in range(self.models + number * self._daily):
            record = self._record(index, number)
            if record is not None:
                yield record

    @property
    def _daily(self) -> int:
        return round(self.models * self.pace.new)

    def _record(self, index: int, day: int) -> Record | None:
        born = 0 if index < self.models else (index - self.models) // self._daily + 1
        dice = Dice(self.seed, index)
        age = day - born
        if age > self._lifetime(dice):
            return None
        record = self._first_form(index, born, dice)
        self._count(record, age, dice)
        self._revise(record, born, age, index, dice)
        return record

    def _lifetime(self, dice: Dice) -> float:
        """Return the last day of a life in which every day has the same risk."""
        if not self.pace.removed:
            return float("inf")
        return log(1 - dice.fraction()) / log(1 - self.pace.removed)

    def _first_form(self, index: int, born: int, dice: Dice) -> Record:
        name = Name.nth(index + self.seed)
        days = born or -dice.below(900)
        released = (self.start + timedelta(days=days)).isoformat()
        return {
            "id": f"{name.owner}/{name.name}",
            "name": name.name,
            "category": name.category.name,
            "tasks": list(name.category.tasks[: 1 + dice.below(2)]),
            "size": 2 * name.params + dice.below(1 << 20),
            "params": name.params,
            "license": dice.choice(words.LICENSES),
            "tags": sorted({dice.choice(words.TAGS) for _ in range(3)}),
            "release_date": released,
            "last_modified": released,
            "description": name.describe(dice),
        }

    def _count(self, record: Record, age: int, dice: Dice) -> None:
        """Add the counters; of those that move in a day, three quarters move every day."""
        rank = dice.fraction()
        daily = 0.75 * self.pace.counters
        popularity = 1 / (rank + 1e-4)
        rate = daily * popularity if rank < daily else self.pace.counters / 4 / (1 - daily)
        downloads = int(30 * popularity) + int(rate * age + dice.fraction())
        record["downloads"] = downloads
        record["likes"] = downloads // (20 + dice.below(200))

    def _revise(self, record: Record, born: int, age: int, index: int, dice: Dice) -> None:
        """Apply the newest revision of the record's content, if there was one."""
        phase = dice.fraction()
        revision = int(age * self.pace.content + phase)
        if not revision:
            return
        since = born + ceil((revision - phase) / self.pace.content)
        record["last_modified"] = (self.start + timedelta(days=since)).isoformat()
        edit(record, Dice(self.seed, index, revision))


def edit(record: Record, dice: Dice) -> None:
    """Change the description, the size, the tags or the license."""
    match dice.below(4):
        case 0:
            record["description"] += f" Update {1 + dice.below(9)}: fixed the chat template."
        case 1:
            record["size"] += (1 + dice.below(1000)) << 20
        case 2:
            record["tags"] = sorted({*record["tags"], dice.choice(words.TAGS), "updated"})
        case _:
            record["license"] = dice.choice(words.LICENSES)
