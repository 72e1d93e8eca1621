"""Read ``[sources.*]``: settings that every source has, and those of its type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import FieldInfo

from archiver.config.mistakes import Mistakes, fields
from archiver.config.tables import SourceConfig
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.records.model import Json
    from archiver.sources import Source


SOURCE_NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
"""Pattern of the name of a source, which is also the name of its folder, and of a channel."""

_RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")  # names of devices on Windows


_ANYTHING = FieldInfo("anything", "anything", Any)


def read_sources(
    tables: Mapping[str, Any], base: Path, mistakes: Mistakes
) -> dict[str, SourceConfig]:
    """Return the sources of the table ``[sources]``, in its order; note what is wrong."""
    read = {}
    for name, value in tables.items():
        place = f"sources.{name}"
        if not re.fullmatch(SOURCE_NAME, name) or _RESERVED.fullmatch(name):
            mistakes.note(place, "a source's name is up to 64 of a-z, 0-9, _ and -")
        source = _read_source(name, mistakes.table(value, place), base, mistakes)
        if source is not None:
            read[name] = source
    return read


def _read_source(
    name: str, table: Mapping[str, Any], base: Path, mistakes: Mistakes
) -> SourceConfig | None:
    place = f"sources.{name}"
    given = {**table, "key": [table["key"]]} if isinstance(table.get("key"), str) else table
    common = fields(SourceConfig)
    del common["name"], common["settings"]
    found = _found(given.get("type"), place, base, mistakes)
    if found is not None:
        given = {**found.defaults, **given}
    own = _own_fields(found, given, common)
    if own is None:
        mistakes.convert(common, {k: v for k, v in given.items() if k in common}, place)
        return None
    values = mistakes.convert({**common, **own}, given, place)
    if values.keys() != given.keys() or "type" not in values:
        return None
    return SourceConfig(
        name=name,
        settings={key: value for key, value in given.items() if key == "type" or key in own},
        **{key: value for key, value in values.items() if key in common},
    )


def _found(kind: Json, place: str, base: Path, mistakes: Mistakes) -> type[Source] | None:
    """Return the class of a type that has a name; None: it has none, or is not known.

    A class ``package.module:Class`` is not imported here: reading a repository runs no code that
    it names. Its settings are checked when the source is run.
    """
    if not isinstance(kind, str) or ":" in kind:
        return None  # what is no text is noted by the conversion of the common fields
    from archiver import sources  # noqa: PLC0415 - 25 ms; reading any repository needs none

    try:
        return sources.KINDS.find(kind, folder=base)
    except ConfigError as error:
        mistakes.note(f"{place}.type", str(error))
        return None


def _own_fields(
    found: type[Source] | None, given: Mapping[str, Any], common: Mapping[str, FieldInfo]
) -> Mapping[str, FieldInfo] | None:
    """Return the fields that this type of source reads, or None if the type is not known."""
    if found is not None:
        return fields(found.Settings)
    if ":" not in str(given.get("type", "")):
        return None
    shared = {key: common[key] for key in ("records", "key")}
    return shared | {key: _ANYTHING for key in given if key not in common}
