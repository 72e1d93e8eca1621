"""Fields that archiver.toml names and that no record of a listing has.

That is a note, not an error: a later listing may have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.config import FILE_NAME, ChannelConfig, FeedConfig
from archiver.language import sentence
from archiver.records.field_names import FieldNames
from archiver.records.query import Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.config import Config, SourceConfig
    from archiver.records.model import Json
    from archiver.sources.lines import Lines

_LISTS_OF_FIELDS: Final = ("metrics", "volatile", "sets", "tolerance", "severity")


def unknown_fields(
    config: Config, source: SourceConfig, defaults: Mapping[str, Json], lines: Lines
) -> tuple[str, ...]:
    """Return a note for each field that archiver.toml names and no record has.

    A channel or a feed may be of several sources, whose records differ: what its conditions name
    is noted only if it looks like a field of this source.

    Args:
        config: The archiver.toml.
        source: The source.
        defaults: What its type sets where archiver.toml sets nothing.
        lines: The records.
    """
    settings, conditions, shared = (
        dict(_of_source(source, defaults)),
        dict(_of_readers(config, source.name, shared=False)),
        dict(_of_readers(config, source.name, shared=True)),
    )
    return (
        *_notes(FieldNames.asked(patterns=settings), settings, lines),
        *_notes(FieldNames.asked(paths=conditions), conditions, lines),
        *_notes(FieldNames.asked(paths=shared), shared, lines, only_near=True),
    )


def _notes(
    names: FieldNames, places: Mapping[str, str], lines: Lines, *, only_near: bool = False
) -> Iterator[str]:
    names.look(lambda: (line.data for line in lines.unsorted()))
    for name, near in names.complaints():
        if near or not only_near:
            yield sentence(
                '{file_name}: {places}: no record has a field "{name}"{near}',
                file_name=FILE_NAME,
                places=places[name],
                name=name,
                near=near,
            )


def _of_source(source: SourceConfig, defaults: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield each path that the settings of a source name, and the key of the setting."""
    if source.label:
        yield source.label, f"sources.{source.name}.label"
    for setting in _LISTS_OF_FIELDS:
        for path in getattr(source, setting):
            if path not in defaults.get(setting, ()):
                yield path, f"sources.{source.name}.{setting}"


def _of_readers(config: Config, source: str, *, shared: bool) -> Iterator[tuple[str, str]]:
    """Yield each path that a channel or a feed of the source names, and the key of the setting.

    Args:
        config: The archiver.toml.
        source: Name of the source.
        shared: Whether those are meant that have other sources too.
    """
    readers: list[ChannelConfig | FeedConfig] = [*config.notify.values(), *config.feeds.values()]
    for reader in readers:
        sources = reader.sources or tuple(config.sources)
        if source in sources and shared == (len(sources) > 1):
            yield from _of_reader(reader)


def _of_reader(reader: ChannelConfig | FeedConfig) -> Iterator[tuple[str, str]]:
    place = f"{'feeds' if isinstance(reader, FeedConfig) else 'notify'}.{reader.name}"
    for condition in reader.where:
        yield Where.read(condition).field, f"{place}.where"
    if isinstance(reader, ChannelConfig) and reader.threshold is not None:
        yield reader.threshold.partition(">")[0].strip(), f"{place}.threshold"
