"""Check what ``changelog --from-context`` is given: every member that the templates name."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from archiver.errors import ConfigError
from archiver.records.model import KINDS, RecordUpdate, Rename

SCHEMA: Final = "archiver/changelog/1"

_Records: TypeAlias = list[Annotated[dict[str, Any], Meta(min_length=1)]]


_Counts = msgspec.defstruct("_Counts", [(kind, int) for kind in KINDS])


class _Changes(msgspec.Struct):
    new: _Records
    removed: _Records
    returned: _Records
    entered: _Records
    left: _Records
    renamed: list[Rename]
    updated: list[RecordUpdate]
    metrics: list[RecordUpdate]


class _Section(msgspec.Struct):
    source: str
    timestamp: str
    total: int
    first: bool
    headline: str
    summary: _Counts  # type: ignore[valid-type]
    changes: _Changes
    more: _Counts  # type: ignore[valid-type]
    links: dict[str, str]
    compare: str


class _Document(msgspec.Struct):
    schema: Literal["archiver/changelog/1"]
    source: str
    sections: list[_Section]


def read(content: bytes) -> dict[str, Any]:
    """Return the document as it is, with whatever else a template of the person's own names.

    Raises:
        ConfigError: It is no JSON, or lacks what the built-in templates name.
    """
    try:
        document: dict[str, Any] = json.loads(content)
        msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        hint = "write it with: archiver changelog --context"
        raise ConfigError(f"--from-context: no {SCHEMA}: {error}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--from-context: this is no JSON: {error}") from error
    return document
