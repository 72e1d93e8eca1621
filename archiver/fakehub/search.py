"""Find models: filters, words and orders of a hub's listing, page by page."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archiver.fakehub.models import Model

Matching: TypeAlias = Literal["id", "parts"]
"""What words are looked for in: the whole ``owner/name``, or owner and name apart."""

_BREAK = "\n"
_KEYS: dict[str, Callable[[Model], object]] = {
    "default": lambda model: (-model.likes, -model.downloads, model.number),
    "downloads": lambda model: (-model.downloads, model.number),
    "likes": lambda model: (-model.likes, model.number),
    "last_modified": lambda model: (-model.modified.timestamp(), model.number),
    "created": attrgetter("number"),
}


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
        first: Whether the order is turned round: smallest first.
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
        for model in self._models:
            self._by_owner.setdefault(model.owner, []).append(model)
        self.find = lru_cache(maxsize=256)(self._find)

    def _searched(self, model: Model) -> str:
        # NUL parts owner and name where no word may reach over the slash.
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
