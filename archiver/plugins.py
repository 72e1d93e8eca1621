"""Find classes that archiver.toml names: built in, of other packages, or a person's own."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from archiver.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_Class = TypeVar("_Class")


@dataclass(frozen=True, slots=True)
class Kinds(Generic[_Class]):
    """The kinds of one thing.

    Attributes:
        noun: What they are: ``source``.
        base: The class that each of them is derived from.
        group: The entry points that name those of other packages.
        built_in: Name to ``module:Class`` of those that come with the program; nothing that is
            installed replaces them.
    """

    noun: str
    base: type[_Class]
    group: str
    built_in: Mapping[str, str]

    def available(self) -> tuple[str, ...]:
        """Return the names of all that are installed, sorted."""
        return tuple(sorted({**self.built_in, **self._installed()}))

    def find(self, kind: str, *, folder: Path) -> type[_Class]:
        """Return the class that `kind` names.

        Args:
            kind: A name, or ``package.module:Class``.
            folder: Modules are looked for there too, after the installed ones.

        Raises:
            ConfigError: There is none, or it is derived from something else.
        """
        place = self.built_in.get(kind) or self._installed().get(kind, kind)
        module, colon, name = place.partition(":")
        if not (module and colon and name):
            raise self._unknown(kind)
        try:
            with _importable(folder):
                found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            hint = f"a module in {folder}, or installed"
            raise ConfigError(f"{place}: {error}", hint=hint) from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            hint = f"derive it from {self.base.__module__}.{self.base.__name__}"
            raise ConfigError(f"{place} is no {self.noun}", hint=hint)
        return found

    def _installed(self) -> dict[str, str]:
        from importlib.metadata import entry_points  # noqa: PLC0415 - 25 ms, seldom needed

        return {point.name: point.value for point in entry_points(group=self.group)}

    def _unknown(self, kind: str) -> ConfigError:
        known = self.available()
        words = f'unknown type of {self.noun} "{kind}"{suggestion(kind, known)}'
        return ConfigError(words, hint=f"known: {', '.join(known)}; your own: package.module:Class")


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules of `folder` be imported; last, so that none of them can hide another."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
