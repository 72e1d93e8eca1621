"""Tables of sources, channels and feeds: what all have, and the settings of the table's type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET
from msgspec.structs import FieldInfo

from archiver.changes.pace import Pace
from archiver.config.tables import ChannelConfig, FeedConfig, MetricsConfig, SourceConfig
from archiver.config.validation import Validation, fields
from archiver.errors import ConfigError, reason, suggestion
from archiver.language import joined, sentence
from archiver.plugins import UnknownKind
from archiver.records.query import Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import msgspec

    from archiver.sources import Source

SOURCE_NAME: Final = r"[a-z0-9][a-z0-9_-]{0,63}"
"""Pattern of the name of a source, which is also the name of its folder, and of a channel."""

_RESERVED: Final = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")  # device names on Windows
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ANYTHING: Final = FieldInfo("anything", "anything", Any)


def read_sources(
    tables: Mapping[str, Any], folder: Path, validation: Validation
) -> dict[str, SourceConfig]:
    """Return the sources of the table ``[sources]``, in its order.

    Args:
        tables: The table.
        folder: Folder of archiver.toml.
        validation: Collects the errors.
    """
    read = {}
    for name, value in tables.items():
        place = f"sources.{name}"
        if not re.fullmatch(SOURCE_NAME, name) or _RESERVED.fullmatch(name):
            validation.add(place, sentence("a source's name is up to 64 of a-z, 0-9, _ and -"))
        table = validation.table(value, place)
        if isinstance(table.get("key"), str):
            table = {**table, "key": [table["key"]]}
        if table.get("type") == "file":
            table = {**table, "type": "json"}
        kind: type[Source] | None = None
        if _is_named(table):
            from archiver import sources  # noqa: PLC0415 - 25 ms, only where there are sources

            try:
                kind = sources.KINDS.find(table["type"], folder=folder)
            except ConfigError as error:
                validation.add(f"{place}.type", reason(error))
        defaults = kind.defaults if kind else {}
        settings = kind.Settings if kind else None
        shared = ("records", "key")
        table, pace = _paced({**defaults, **table}, defaults, place, validation)
        opaque = ":" in str(table.get("type", ""))
        values = _settings(
            SourceConfig, settings, table, place, validation, shared=shared, opaque=opaque
        )
        if values is not None:
            values["settings"]["type"] = values["type"]
            named = {key: value for key, value in values["settings"].items() if value != ""}
            _check_variables(named, place, validation)
            read[name] = SourceConfig(name=name, pace=pace, **values)
    return read


def read_channels(
    tables: Mapping[str, Any], sources: Iterable[str], folder: Path, validation: Validation
) -> dict[str, ChannelConfig]:
    """Return the channels of the table ``[notify]``, in its order.

    Args:
        tables: The table.
        sources: Names of the configured sources.
        folder: Folder of archiver.toml.
        validation: Collects the errors.
    """
    read = {}
    for name, value in tables.items():
        place = f"notify.{name}"
        if not re.fullmatch(SOURCE_NAME, name):
            validation.add(place, sentence("a channel's name is up to 64 of a-z, 0-9, _ and -"))
        table = validation.table(value, place)
        if isinstance(table.get("pins"), str):
            table = {**table, "pins": [table["pins"]]}
        settings: type[msgspec.Struct] | None = None
        opaque = ":" in str(table.get("type", ""))
        if _is_named(table):
            from archiver import channels  # noqa: PLC0415 - only where there are channels

            try:
                settings = channels.KINDS.find(table["type"], folder=folder).Settings
            except UnknownKind as error:
                validation.add(f"{place}.type", reason(error))
            except Exception:  # noqa: BLE001  a broken plug-in fails as a channel, once there is news
                opaque = True
        values = _settings(ChannelConfig, settings, table, place, validation, opaque=opaque)
        if values is not None:
            read[name] = ChannelConfig(name=name, **values)
            _check_channel(read[name], sources, place, validation)
    return read


def read_feeds(
    tables: Mapping[str, Any], sources: Iterable[str], validation: Validation
) -> dict[str, FeedConfig]:
    """Return the feeds of the table ``[feeds]``, in its order.

    Args:
        tables: The table.
        sources: Names of the configured sources.
        validation: Collects the errors.
    """
    read = {}
    known = fields(FeedConfig)
    del known["name"]
    for name, value in tables.items():
        place = f"feeds.{name}"
        if not re.fullmatch(SOURCE_NAME, name) or _RESERVED.fullmatch(name):
            validation.add(place, sentence("a feed's name is up to 64 of a-z, 0-9, _ and -"))
        values = validation.convert(known, validation.table(value, place), place)
        read[name] = FeedConfig(name=name, **values)
        _check_selection(read[name], sources, place, validation)
    return read


def _paced(
    table: dict[str, Any], defaults: Mapping[str, Any], place: str, validation: Validation
) -> tuple[dict[str, Any], Pace]:
    """Return a table with the list of its metrics, and their pace.

    Args:
        table: The table of a source.
        defaults: The settings of its type.
        place: Dotted key of the table.
        validation: Collects the errors.
    """
    given = table.get("metrics")
    if not isinstance(given, dict):
        return table, Pace()
    place = f"{place}.metrics"
    found = MetricsConfig(**validation.convert(fields(MetricsConfig), given, place))
    chosen = defaults.get("metrics", ()) if found.fields is UNSET else found.fields
    return {**table, "metrics": [*chosen]}, found.pace


def _is_named(table: Mapping[str, Any]) -> bool:
    """Return whether the type has a name: ``package.module:Class`` is not imported here.

    Reading a repository must not run its code; such settings are checked by the run.
    """
    return isinstance(table.get("type"), str) and ":" not in table["type"]


def _settings(
    common_to_all: type[SourceConfig | ChannelConfig],
    own_settings: type[msgspec.Struct] | None,
    table: Mapping[str, Any],
    place: str,
    validation: Validation,
    *,
    shared: tuple[str, ...] = (),
    opaque: bool = False,
) -> dict[str, Any] | None:
    """Return the common values of a table, and in ``settings`` those of its type; None: wrong.

    Args:
        common_to_all: The settings that all have.
        own_settings: The settings of the type; None: it is not known here.
        table: The table.
        place: Its dotted key.
        validation: Collects the errors.
        shared: Common settings that a type which is not known here reads too.
        opaque: Whether the type's own settings are known to the run alone.
    """
    common = fields(common_to_all)
    for inner in ("name", "settings", "pace"):
        common.pop(inner, None)
    if own_settings is not None:
        own = fields(own_settings)
    elif opaque:
        own = {key: common[key] for key in shared}
        own |= {key: _ANYTHING for key in table if key not in common}
    else:
        validation.convert(common, {k: v for k, v in table.items() if k in common}, place)
        return None
    values = validation.convert({**common, **own}, table, place)
    if values.keys() != table.keys() or "type" not in values:
        return None
    found = {key: value for key, value in values.items() if key in common}
    return {**found, "settings": {key: value for key, value in table.items() if key in own}}


def _check_channel(
    channel: ChannelConfig, sources: Iterable[str], place: str, validation: Validation
) -> None:
    """Check what it selects, and that secrets are named, not written."""
    _check_selection(channel, sources, place, validation)
    _check_variables(channel.settings, place, validation)


def _check_variables(settings: Mapping[str, Any], place: str, validation: Validation) -> None:
    """Check that secrets are named by their environment variables."""
    for key, value in settings.items():
        names = [*value.values()] if isinstance(value, dict) else value
        names = names if isinstance(names, list) else [names]
        if key.endswith("_env") and not all(_VARIABLE.fullmatch(str(name)) for name in names):
            validation.add(
                f"{place}.{key}", sentence("expected the name of an environment variable")
            )


def _check_selection(
    table: ChannelConfig | FeedConfig, sources: Iterable[str], place: str, validation: Validation
) -> None:
    """Check the names of sources and the conditions."""
    for source in table.sources:
        if source not in sources:
            words = joined(
                "",
                (
                    sentence('no source is called "{source}"', source=source),
                    suggestion(source, sources),
                ),
            )
            validation.add(f"{place}.sources", words)
    for condition in table.where:
        try:
            Where.read(condition)
        except ConfigError as error:
            validation.add(f"{place}.where", reason(error))
