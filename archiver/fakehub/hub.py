"""A hub that does not exist: its models, how they change, and how they are found."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from archiver.fakehub.catalogue import Dice
from archiver.fakehub.models import START, Model, model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Matching: TypeAlias = Literal["id", "parts"]
"""What a search looks at: the whole ``owner/name``, or owner and name separately."""

_BREAK = "\n"
_KEYS: dict[str, Callable[[Model], object]] = {
    "default": lambda model: (-model.likes, -model.downloads, model.number),
    "downloads": lambda model: (-model.downloads, model.number),
    "likes": lambda model: (-model.likes, model.number),
    "last_modified": lambda model: (-model.modified.timestamp(), model.number),
    "created": attrgetter("number"),
}

DAILY_NEW, DAILY_EDITED, DAILY_GONE = 0.0025, 0.0075, 0.001
"""Shares of the models that appear, change and vanish in a day (as on real hubs)."""


class Hub:
    """The models of the hub; threads may share it.

    Attributes:
        now: The hub's time, UTC; moves with `age` and `churn`.
        matching: What a search looks at.
    """

    def __init__(
        self, models: int, *, seed: int = 1, matching: Matching = "id", start: datetime = START
    ) -> None:
        """Start day 0 with this many `models`, at `start`: the newest are as old as that."""
        self.now = start
        self._start = start
        self.matching = matching
        self._lock = RLock()
        self._first = models
        self._seed = seed
        self._models = {each.id: each for each in map(self._made, range(models))}
        self._number = models
        self._moved: dict[str, str] = {}
        self._index: Index | None = None
        self._turns = 0

    def _made(self, number: int) -> Model:
        return model(number, self._first, self._seed, self._start)

    def index(self) -> Index:
        """Return the public models of this moment, ready to be searched."""
        with self._lock:
            if self._index is None:
                listed = (each for each in self._models.values() if each.state != "private")
                by_creation = sorted(listed, key=lambda each: each.number)
                self._index = Index(by_creation, self.matching)
            return self._index

    def truth(self) -> frozenset[str]:
        """Return the ids of all models that are listed now."""
        with self._lock:
            return frozenset(k for k, each in self._models.items() if each.state != "private")

    def find(self, key: str) -> Model | None:
        """Return a model that is not private, or None."""
        found = self._models.get(key)
        return None if found is None or found.state == "private" else found

    def moved(self, key: str) -> str | None:
        """Return the id that a renamed model has now, or None."""
        return self._moved.get(key)

    def remove(self, key: str) -> Model:
        """Delete a model; `restore` takes what is returned."""
        with self._lock:
            self._index = None
            return self._models.pop(key)

    def restore(self, gone: Model) -> None:
        """Restore a deleted model."""
        with self._lock:
            self._index = None
            self._models[gone.id] = gone

    def rename(self, old: str, new: str) -> None:
        """Give a model another id; the old one leads to it."""
        with self._lock:
            found = self.remove(old)
            self.restore(replace(found, id=new))
            self._moved[old] = new

    def edit(self, key: str, **fields: Any) -> None:
        """Change a model; its time of change is now."""
        with self._lock:
            self.now += timedelta(seconds=1)
            self.restore(replace(self._models[key], **{"modified": self.now, **fields}))

    def add(self) -> str:
        """Create a model now and return its id."""
        with self._lock:
            self.now += timedelta(seconds=1)
            made = self._made(self._number)
            self._number += 1
            self.restore(replace(made, created=self.now, modified=self.now, downloads=0, likes=0))
            return made.id

    def churn(self) -> None:
        """Add, change or remove one model."""
        with self._lock:
            self._turns += 1
            dice = Dice(self._seed, 99, self._turns)
            keys = [*self._models]
            match dice.below(3):
                case 0:
                    self.add()
                case 1:
                    self.edit(dice.choice(keys), size=dice.below(1 << 40))
                case _:
                    self.remove(dice.choice(keys))

    def age(self, *, day: int) -> None:
        """Let a day pass, up to the beginning of day number `day`."""
        with self._lock:
            dice = Dice(self._seed, 5, day)
            keys = [*self._models]
            for _ in range(round(self._first * DAILY_GONE)):
                self._models.pop(dice.choice(keys), None)
                dice = Dice(self._seed, 5, day, dice.below(1 << 30))
            for _ in range(round(self._first * DAILY_EDITED)):
                self._touch(dice.choice(keys), dice)
                dice = Dice(self._seed, 6, day, dice.below(1 << 30))
            for _ in range(round(self._first * DAILY_NEW)):
                self.add()
            self._count(dice)
            self.now = max(self.now, self._start + timedelta(days=day))
            self._index = None

    def _touch(self, key: str, dice: Dice) -> None:
        if key in self._models:
            self.edit(key, size=dice.below(1 << 40), description=f"Edition {dice.below(99)}.")

    def _count(self, dice: Dice) -> None:
        """Let two models of five be downloaded."""
        for each in self._models.values():
            if (each.number + dice.below(5)) % 5 < 2:  # noqa: PLR2004
                each.downloads += 1 + each.downloads // 100


class Wanted(NamedTuple):
    """Which models, in which order; empty: any.

    Attributes:
        words: A text that owner or name holds, in any case.
        owner: The owner, exactly.
        task: One of the tasks.
        library: The library.
        license: The licence as it is spelled.
        model_type: The architecture.
        sort: A name of an order.
        first: Whether the order is reversed: smallest first.
    """

    words: str = ""
    owner: str = ""
    task: str = ""
    library: str = ""
    license: str = ""
    model_type: str = ""
    sort: str = "default"
    first: bool = False


class Index:
    """The public models of one moment, ready to be searched."""

    def __init__(self, models: Iterable[Model], matching: Matching) -> None:
        """Take the public `models` in the order of their creation."""
        self._models = list(models)
        self._matching = matching
        self._text = _BREAK.join(self._searched(model) for model in self._models).lower()
        self._starts = self._line_starts()
        self._by_owner: dict[str, list[Model]] = {}
        for each in self._models:
            self._by_owner.setdefault(each.owner, []).append(each)
        self.find = lru_cache(maxsize=256)(self._find)

    def _searched(self, model: Model) -> str:
        # NUL separates owner and name where no search spans the slash.
        return model.id if self._matching == "id" else model.id.replace("/", "\0")

    def _line_starts(self) -> list[int]:
        starts, at = [], 0
        for line in self._text.split(_BREAK):
            starts.append(at)
            at += len(line) + 1
        return starts

    def _find(self, wanted: Wanted) -> Sequence[Model]:
        """Return the matching models in order."""
        found = self._by_owner.get(wanted.owner, []) if wanted.owner else self._models
        if wanted.words:
            holding = {model.number for model in self._holding(wanted.words.lower())}
            found = [model for model in found if model.number in holding]
        for name in ("library", "license", "model_type"):
            if value := getattr(wanted, name):
                found = [model for model in found if getattr(model, name) == value]
        if wanted.task:
            found = [model for model in found if wanted.task in model.tasks]
        key = _KEYS.get(wanted.sort, _KEYS["default"])
        return sorted(found, key=key, reverse=wanted.first)  # type: ignore[arg-type]

    def _holding(self, words: str) -> Iterable[Model]:
        """Yield the models whose line holds `words`."""
        at = self._text.find(words)
        while at >= 0:
            line = bisect_right(self._starts, at) - 1
            yield self._models[line]
            following = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._text)
            at = self._text.find(words, following)
