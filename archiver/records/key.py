"""Make the key of a record: one field, or several joined with ``/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.language import sentence
from archiver.records.field_path import readings
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.records.model import Json, Record

MAX_KEY = 4096
"""Longest key in bytes of UTF-8."""

_SHORT = MAX_KEY // 4  # characters that never need more bytes


def key_of(record: Record, fields: tuple[str, ...]) -> str:
    """Return the key of `record`: the values of `fields`, joined with ``/``.

    A field is named by its path (`records.field_path`). Numbers become strings.

    Raises:
        ValueError: A field is absent or is neither string nor integer, or the key is empty or
            longer than `MAX_KEY`.
    """
    if len(fields) == 1 and type(key := record.get(fields[0])) is str and 0 < len(key) <= _SHORT:
        return key  # nearly every key there is; the rest is said once, below
    return joined(member(record, field) for field in fields)


def lacks(record: Record, fields: tuple[str, ...]) -> bool:
    """Tell whether `record` has none of the `fields` of a key, or only null there."""
    return all(record.get(field) is None for field in fields)


def keyed_by(
    record: Record, fields: tuple[str, ...], otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the fields that key `record`: `fields`, or `otherwise` where it has none of them."""
    if otherwise and lacks(record, fields) and not lacks(record, otherwise):
        return otherwise
    return fields


def member(record: Record, path: str) -> Json:
    """Return the value at the `path` of a field; ValueError where there is none."""
    if path in record:
        return record[path]
    for names in readings(path):
        value: Json = record
        for name in names:
            if not isinstance(value, dict) or name not in value:
                break
            value = value[name]
        else:
            return value
    raise ValueError(sentence("no key: {path} is absent", path=path))


def label_of(record: Record, path: str) -> str:
    """Return the text at the `path` of a field, to be read beside the key; empty: none."""
    try:
        found = member(record, path)
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def joined(parts: Iterable[Json]) -> str:
    """Join the parts of a key with ``/``; ValueError where they make no key."""
    key = "/".join(map(_part, parts))
    if not key:
        raise ValueError(sentence("the key is empty"))
    if len(key) > _SHORT and len(key.encode(errors="replace")) > MAX_KEY:
        raise ValueError(sentence("the key is longer than {max_key} bytes", max_key=MAX_KEY))
    return key


def _part(value: Json) -> str:
    if type(value) is str:
        return value
    if type(value) is int or type(value) is float:
        return dump(value).decode()
    raise ValueError(sentence("the key is {kind}, not a string or a number", kind=_kind(value)))


def _kind(value: Json) -> str:
    names = {
        bool: sentence("a boolean"),
        list: sentence("a list"),
        dict: sentence("an object"),
        type(None): "null",
    }
    return names.get(type(value), type(value).__name__)
