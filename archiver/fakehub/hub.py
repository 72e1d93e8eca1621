"""A hub that does not exist, as it stands now: its models, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any

from archiver.fakehub.catalogue import Dice
from archiver.fakehub.models import START, Model, model
from archiver.fakehub.search import Index

if TYPE_CHECKING:
    from archiver.fakehub.search import Matching

DAILY_NEW, DAILY_EDITED, DAILY_GONE = 0.0025, 0.0075, 0.001
"""Shares of the models that appear, change and vanish in a day (as on real hubs)."""


class Hub:
    """The models of the hub; everything may be asked and changed by several threads.

    Attributes:
        now: The hub's time, UTC; moves with `age` and `churn`.
        matching: What a search looks at.
    """

    def __init__(self, models: int, *, seed: int = 1, matching: Matching = "id") -> None:
        """Begin day 0 with so many `models`."""
        self.now = START
        self.matching = matching
        self._lock = RLock()
        self._first = models
        self._seed = seed
        self._models = {each.id: each for each in (model(n, models, seed) for n in range(models))}
        self._number = models
        self._moved: dict[str, str] = {}
        self._index: Index | None = None
        self._turns = 0

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
        """Bring a deleted model back as it was."""
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
            made = model(self._number, self._first, self._seed)
            self._number += 1
            self.restore(replace(made, created=self.now, modified=self.now, downloads=0, likes=0))
            return made.id

    def churn(self) -> None:
        """Let one thing happen: a model appears, changes or vanishes."""
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
        """Let a day pass that ends at the beginning of day number `day`."""
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
            self.now = max(self.now, START + timedelta(days=day))
            self._index = None

    def _touch(self, key: str, dice: Dice) -> None:
        if key in self._models:
            self.edit(key, size=dice.below(1 << 40), description=f"Edition {dice.below(99)}.")

    def _count(self, dice: Dice) -> None:
        """Let two models of five be downloaded."""
        for each in self._models.values():
            if (each.number + dice.below(5)) % 5 < 2:  # noqa: PLR2004
                each.downloads += 1 + each.downloads // 100
