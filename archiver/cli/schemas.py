"""The JSON Schemas (draft 2020-12) of what archiver writes and reads.

msgspec derives them from the types; what it cannot know is added here: which members are always
written, that TOML has no null, and which keys belong to which type of source.
"""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from archiver import channels, sources
from archiver.config import (
    SOURCE_NAME,
    AliasConfig,
    ArchiveConfig,
    ChannelConfig,
    FeedConfig,
    MetricsConfig,
    RetentionConfig,
    SiteConfig,
    SourceConfig,
    TemplatesConfig,
)
from archiver.history.places import SCHEMA, Across, Origin, Totals
from archiver.records.model import KINDS, ChangeSet, RecordChange

Schema: TypeAlias = dict[str, Any]

_DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
_COUNT = {"type": "integer", "minimum": 0}
_SOMETIMES = ("fields", "possible_renames")
"""Members of a change set that are there where all changes were looked at."""


def changes() -> Schema:
    """Describe a change set (``-f json``).

    ``$defs`` also has the lines of ``-f jsonl``: RecordChange, and EndOfStream for the last one,
    which is all that ``--stat`` writes; and Names, what ``--name-only -f json`` writes.
    """
    parts = _components(ChangeSet, RecordChange)
    for always_whole in ("ChangeSet", "Summary"):
        parts[always_whole]["required"] = list(parts[always_whole]["properties"])
    root = parts.pop("ChangeSet")
    members = ("schema", "source", "from", "to", "summary")
    head = {name: root["properties"][name] for name in members}
    keys = {kind: {"type": "array", "items": {"type": "string"}} for kind in KINDS}
    sometimes = {name: root["properties"][name] for name in _SOMETIMES}
    sometimes |= {"more": _COUNT}  # only where --limit left changes out
    for name, always in (("EndOfStream", head), ("Names", head | keys)):
        parts[name] = {"type": "object", "properties": always | sometimes, "required": list(always)}
    root["properties"] |= sometimes
    root["required"] = [name for name in root["required"] if name not in _SOMETIMES]
    return {**_DRAFT, **root, "$defs": parts}


def across() -> Schema:
    """Describe ``archiver across -f json``; ``$defs`` has the lines of ``-f jsonl``, Across."""
    parts = _components(Across, Origin, Totals)
    parts["Totals"]["required"] = list(parts["Totals"]["properties"])
    members = {
        "schema": {"const": SCHEMA},
        "sources": {"type": "array", "items": {"$ref": "#/$defs/Origin"}},
        "records": {"type": "array", "items": {"$ref": "#/$defs/Across"}},
        "totals": {"$ref": "#/$defs/Totals"},
    }
    return {
        **_DRAFT,
        "title": "Across",
        "description": "Where records are in several sources; of one KEY without sources, totals.",
        "type": "object",
        "properties": members,
        "required": ["schema", "records"],
        "$defs": parts,
    }


def snapshot() -> Schema:
    """Describe ``latest.json`` and the stamped files, format 1: records, or an index of shards."""
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    shard = {
        "type": "object",
        "properties": {"records": _COUNT, "sha256": digest},
        "required": ["records", "sha256"],
    }
    stamp = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}
    return {
        **_DRAFT,
        "title": "Snapshot",
        "description": "A catalogue at one moment (UTC), or the index of its shards.",
        "type": "object",
        "properties": {
            "format": {"const": 1},
            "source": {"type": "string"},
            "timestamp": stamp,
            "total_models": _COUNT,
            "metrics": stamp,
            "models": {"type": "array", "items": {"type": "object"}},
            "shards": {"type": "object", "additionalProperties": shard},
        },
        "required": ["format", "source", "timestamp", "total_models"],
        "oneOf": [{"required": ["models"]}, {"required": ["shards"]}],
    }


def config() -> Schema:
    """Describe archiver.toml, for editors that check and complete TOML."""
    parts = _components(
        *(AliasConfig, ArchiveConfig, ChannelConfig, FeedConfig, MetricsConfig, RetentionConfig),
        *(SiteConfig, SourceConfig, TemplatesConfig),
    )
    del parts["Pace"]  # what MetricsConfig says
    for part in parts.values():
        part["properties"] = {name: _toml(each) for name, each in part["properties"].items()}
    tables = {
        "archive": {"$ref": "#/$defs/ArchiveConfig"},
        "sources": {
            "type": "object",
            "propertyNames": {"pattern": f"^{SOURCE_NAME}$"},
            "additionalProperties": {"$ref": "#/$defs/SourceConfig"},
        },
        "retention": {"$ref": "#/$defs/RetentionConfig"},
        "templates": {"$ref": "#/$defs/TemplatesConfig"},
        "notify": {
            "type": "object",
            "propertyNames": {"pattern": f"^{SOURCE_NAME}$"},
            "additionalProperties": {"$ref": "#/$defs/ChannelConfig"},
        },
        "site": {"$ref": "#/$defs/SiteConfig"},
        "alias": {"$ref": "#/$defs/AliasConfig"},
        "feeds": {
            "type": "object",
            "propertyNames": {"pattern": f"^{SOURCE_NAME}$"},
            "additionalProperties": {"$ref": "#/$defs/FeedConfig"},
        },
    }
    parts["SourceConfig"] = _source(parts["SourceConfig"])
    parts["ChannelConfig"] = _channel(parts["ChannelConfig"])
    parts["FeedConfig"] = _feed(parts["FeedConfig"])
    return {
        **_DRAFT,
        "title": "archiver.toml",
        "type": "object",
        "properties": tables,
        "additionalProperties": False,
        "$defs": parts,
    }


def _source(common: Schema) -> Schema:
    """Describe ``[sources.NAME]``: common keys, and per installed type its own."""
    properties = common["properties"]
    del properties["name"], properties["settings"], properties["pace"]
    properties["key"] = {"anyOf": [{"type": "string"}, properties["key"]]}
    properties["metrics"] = {
        "anyOf": [properties["metrics"], {"$ref": "#/$defs/MetricsConfig"}],
        "default": properties["metrics"].pop("default"),
    }
    return {
        **common,
        "required": ["type"],
        "allOf": [
            _when(kind, sources.KINDS.find(kind, folder=Path()).Settings, properties)
            for kind in sources.KINDS.available()
        ],
    }


def _channel(common: Schema) -> Schema:
    """Describe ``[notify.NAME]``: common keys, and per installed type its own."""
    properties = common["properties"]
    del properties["name"], properties["settings"]
    properties["pins"] = {"anyOf": [{"type": "string"}, properties["pins"]]}
    known = channels.KINDS
    kinds = {kind: known.find(kind, folder=Path()).Settings for kind in known.available()}
    return {
        **common,
        "required": ["type"],
        "allOf": [_when(kind, settings, properties) for kind, settings in kinds.items()],
    }


def _feed(table: Schema) -> Schema:
    """Describe ``[feeds.NAME]``: all but its name, which is that of the table."""
    properties = {name: each for name, each in table["properties"].items() if name != "name"}
    return {**table, "properties": properties, "required": [], "additionalProperties": False}


def _when(kind: str, settings: type[msgspec.Struct], common: Schema) -> Schema:
    """Describe what a source or channel of the type `kind` may say, and nothing else."""
    own = _components(settings)[settings.__name__]
    either = [{"required": [name]} for name in getattr(settings, "either", ())]
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {
            "properties": own["properties"],
            "required": own.get("required", []),
            "propertyNames": {"enum": sorted({*common, *own["properties"]})},
            **({"oneOf": either} if either else {}),
        },
    }


def _components(*structs: type[msgspec.Struct]) -> dict[str, Schema]:
    """Return the schemas of `structs` and of all they hold, by name."""
    _, parts = msgspec.json.schema_components(structs)
    for part in parts.values():
        part["description"] = cleandoc(part["description"]).partition("\n\n")[0]
    return parts


def _toml(member: Schema) -> Schema:
    """Leave out null, which TOML does not have: an absent key means the same."""
    if member.get("default", ...) is not None:
        return member
    return next(each for each in member["anyOf"] if each != {"type": "null"})
