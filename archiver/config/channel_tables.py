"""Read ``[notify.*]``: what every channel has, and the settings of its type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import FieldInfo

from archiver.config.mistakes import fields
from archiver.config.source_tables import SOURCE_NAME
from archiver.config.tables import ChannelConfig
from archiver.errors import ConfigError, suggestion
from archiver.records.query import Where

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.channels import Notifier
    from archiver.config.mistakes import Mistakes
    from archiver.records.model import Json

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ANYTHING: Final = FieldInfo("anything", "anything", Any)


def read_channels(
    tables: Mapping[str, Any], sources: tuple[str, ...], base: Path, mistakes: Mistakes
) -> dict[str, ChannelConfig]:
    """Return the channels of the table ``[notify]``, in its order; note what is wrong.

    Args:
        tables: The table.
        sources: Names of the sources there are.
        base: Folder of archiver.toml.
        mistakes: Keeps what is wrong.
    """
    read = {}
    for name, value in tables.items():
        place = f"notify.{name}"
        if not re.fullmatch(SOURCE_NAME, name):
            mistakes.note(place, "a channel's name is up to 64 of a-z, 0-9, _ and -")
        channel = _read(name, mistakes.table(value, place), base, mistakes)
        if channel is None:
            continue
        for source in channel.sources:
            if source not in sources:
                words = f'no source is called "{source}"' + suggestion(source, sources)
                mistakes.note(f"{place}.sources", words)
        _check_conditions(channel, place, mistakes)
        _check_variables(channel.settings, place, mistakes)
        read[name] = channel
    return read


def _read(
    name: str, table: Mapping[str, Any], base: Path, mistakes: Mistakes
) -> ChannelConfig | None:
    place = f"notify.{name}"
    common = fields(ChannelConfig)
    del common["name"], common["settings"]
    found = _found(table.get("type"), place, base, mistakes)
    if found is not None:
        own: Mapping[str, FieldInfo] = fields(found.Settings)
    elif ":" in str(table.get("type", "")):
        own = {key: _ANYTHING for key in table if key not in common}
    else:
        mistakes.convert(common, {k: v for k, v in table.items() if k in common}, place)
        return None
    values = mistakes.convert({**common, **own}, table, place)
    if values.keys() != table.keys() or not {"type", *_required(own)} <= values.keys():
        return None
    return ChannelConfig(
        name=name,
        settings={key: value for key, value in table.items() if key in own},
        **{key: value for key, value in values.items() if key in common},
    )


def _required(own: Mapping[str, FieldInfo]) -> set[str]:
    return {name for name, each in own.items() if each.required and each is not _ANYTHING}


def _found(kind: Json, place: str, base: Path, mistakes: Mistakes) -> type[Notifier] | None:
    """Return the class of a type that has a name; ``package.module:Class`` is not imported here."""
    if not isinstance(kind, str) or ":" in kind:
        return None
    from archiver.channels import KINDS  # noqa: PLC0415 - only where there are channels

    try:
        return KINDS.find(kind, folder=base)
    except ConfigError as error:
        mistakes.note(f"{place}.type", str(error))
        return None


def _check_conditions(channel: ChannelConfig, place: str, mistakes: Mistakes) -> None:
    for condition in channel.where:
        try:
            Where.read(condition)
        except ConfigError as error:
            mistakes.note(f"{place}.where", str(error))


def _check_variables(settings: Mapping[str, Any], place: str, mistakes: Mistakes) -> None:
    """Insist that secrets are named, not written: an address is no name of a variable."""
    for key, value in settings.items():
        names = value if isinstance(value, list) else [value]
        if key.endswith("_env") and not all(_VARIABLE.fullmatch(str(name)) for name in names):
            mistakes.note(f"{place}.{key}", "expected the name of an environment variable")
