"""Classes that archiver.toml names: built in, of other packages, or of the user."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from archiver.errors import ConfigError, reason, suggestion
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_Class = TypeVar("_Class")


class UnknownKind(ConfigError):
    """No type has this name: a mistake in archiver.toml, not in a class."""


@dataclass(frozen=True, slots=True)
class Kinds(Generic[_Class]):
    """The types of sources or of channels.

    Attributes:
        noun: What they are, such as ``source``.
        base: Their common base class.
        group: The entry point group of those of other packages.
        built_in: Name to ``module:Class`` of the built-in ones; entry points cannot replace them.
    """

    noun: str
    base: type[_Class]
    group: str
    built_in: Mapping[str, str]

    def available(self) -> tuple[str, ...]:
        """Return the names of all installed types, sorted."""
        return tuple(sorted({**self.built_in, **self._installed()}))

    def find(self, kind: str, *, folder: Path) -> type[_Class]:
        """Return the class of the type `kind`.

        Args:
            kind: A name, or ``package.module:Class``.
            folder: Its modules can be named too, after the installed ones.

        Raises:
            UnknownKind: No type has this name.
            ConfigError: Its class cannot be imported, or has another base class.
        """
        place = self.built_in.get(kind) or self._installed().get(kind, kind)
        module, _, name = place.partition(":")
        if not (module and name):
            known = self.available()
            message = sentence(
                'unknown type of {noun} "{kind}"{suggestion}',
                noun=self.noun,
                kind=kind,
                suggestion=suggestion(kind, known),
            )
            hint = sentence(
                "known: {known}; your own: package.module:Class", known=", ".join(known)
            )
            raise UnknownKind(message, hint=hint)
        try:
            with _importable(folder):
                found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            hint = sentence("a module in {folder}, or installed", folder=folder)
            raise ConfigError(
                sentence("{place}: {error}", place=place, error=reason(error)), hint=hint
            ) from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            hint = sentence(
                "derive it from {module}.{base}",
                module=self.base.__module__,
                base=self.base.__name__,
            )
            raise ConfigError(
                sentence("{place} is not a {noun}", place=place, noun=self.noun), hint=hint
            )
        return found

    def _installed(self) -> dict[str, str]:
        from importlib.metadata import entry_points  # noqa: PLC0415 - 25 ms, seldom needed

        return {point.name: point.value for point in entry_points(group=self.group)}


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Make modules of `folder` importable; last, so that they hide no other module."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
