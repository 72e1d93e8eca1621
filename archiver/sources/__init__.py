"""Where records come from: the kinds of sources, and how a configured one is made."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from archiver.errors import ConfigError, suggestion
from archiver.sources.protocol import (
    Entry,
    Fate,
    Kind,
    Ledger,
    NoSettings,
    Parsed,
    Proof,
    Source,
)
from archiver.transport import Page, Rate, Request, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from archiver.records.model import Json

__all__ = [
    "Entry",
    "Fate",
    "Kind",
    "Ledger",
    "NoSettings",
    "Page",
    "Parsed",
    "Proof",
    "Rate",
    "Request",
    "Site",
    "Source",
    "available",
    "create",
    "find",
]

SHARED = ("records", "key")
"""Settings that every source may have, and that some classes read themselves."""
BUILT_IN = {
    "huggingface": "archiver.sources.huggingface:HuggingFace",
    "json": "archiver.sources.json_document:JsonSource",
    "modelscope": "archiver.sources.modelscope:ModelScope",
    "openrouter": "archiver.sources.openrouter:OpenRouter",
}
"""The kinds that come with the program, by name; nothing that is installed replaces them."""
GROUP = "archiver.sources"
"""The entry points that name kinds of sources."""


def available() -> tuple[str, ...]:
    """Return the names of the installed kinds of sources, sorted."""
    return tuple(sorted(BUILT_IN | _installed()))


def find(kind: str, *, base: Path) -> type[Source]:
    """Return the class of sources that `kind` names.

    Args:
        kind: Name of an entry point of ``archiver.sources``, or ``package.module:Class``.
        base: Folder of archiver.toml; modules are looked for there too, after the installed.

    Raises:
        ConfigError: There is none, or it is no `Source`.
    """
    place = BUILT_IN.get(kind) or _installed().get(kind, kind)
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise _unknown(kind, BUILT_IN | _installed())
    return _load(module, name, base)


def _installed() -> dict[str, str]:
    """Return name and place of the kinds of sources that other packages bring."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 25 ms, seldom needed

    return {point.name: point.value for point in entry_points(group=GROUP)}


def create(
    name: str,
    settings: Mapping[str, Json],
    *,
    base: Path,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """Return the configured source `name`.

    Args:
        name: The source's name, for errors.
        settings: What archiver.toml says of it: ``type``, and what that type reads.
        base: Folder of archiver.toml.
        environ: The environment: says what archiver.toml does not (`Source.variables`).

    Raises:
        ConfigError: The type is unknown or does not take these settings.
    """
    source = find(settings.get("type", ""), base=base)
    known = {field.encode_name for field in msgspec.structs.fields(source.Settings)}
    own = {
        key: value
        for key, value in settings.items()
        if key in known or key not in ("type", *SHARED)
    }
    for setting, variables in source.variables.items():
        found = next((environ[each] for each in variables if environ.get(each)), "")
        if found and setting not in own:
            own[setting] = found
    try:
        checked = msgspec.convert(own, source.Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"sources.{name}: {error}", hint=_known(source.Settings)) from error
    return source(checked, base=base)


def _unknown(kind: str, installed: Mapping[str, str]) -> ConfigError:
    hint = f"known: {', '.join(sorted(installed))}; your own: package.module:Class"
    words = f'unknown type of source "{kind}"{suggestion(kind, installed)}'
    return ConfigError(words, hint=hint)


def _known(settings: type[msgspec.Struct]) -> str:
    names = sorted(field.encode_name for field in msgspec.structs.fields(settings))
    return f"known settings: {', '.join(names) or 'none'}"


def _load(module: str, name: str, base: Path) -> type[Source]:
    place = f"{module}:{name}"
    try:
        with _importable(base):
            found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{place}: {error}", hint=f"a module in {base}, or installed") from error
    if not (isinstance(found, type) and issubclass(found, Source)):
        raise ConfigError(f"{place} is no source", hint="derive it from archiver.sources.Source")
    return found


@contextmanager
def _importable(base: Path) -> Iterator[None]:
    """Let modules of `base` be imported; last, so that none of them can hide another."""
    sys.path.append(str(base))
    try:
        yield
    finally:
        sys.path.remove(str(base))
