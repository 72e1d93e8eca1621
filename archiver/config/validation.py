"""Validation of tables against types: every error of a file is reported at once."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.structs import FieldInfo


class Validation:
    """The errors of one file, in the order in which they were found."""

    def __init__(self, file: str) -> None:
        """Start without errors; each will begin with the name of the `file`."""
        self._file = file
        self._errors: list[str] = []

    def add(self, place: str, reason: str) -> None:
        """Add an error: the dotted key of its place, and the reason."""
        self._errors.append(
            sentence("{file}: {place}: {reason}", file=self._file, place=place, reason=reason)
        )

    def raise_any(self) -> None:
        """Raise all errors as one, each on a line, if there are any."""
        if self._errors:
            raise ConfigError(joined("\n", self._errors))

    def convert(
        self, known: Mapping[str, FieldInfo], given: Mapping[str, Any], place: str
    ) -> dict[str, Any]:
        """Return the values of a table that fit the `known` fields; the others are errors.

        Args:
            known: The permitted keys and their types.
            given: The table as it was read.
            place: Dotted key of the table.
        """
        values = {}
        for name, value in given.items():
            if name not in known:
                self.add(
                    f"{place}.{name}",
                    joined("", (sentence("unknown key"), suggestion(name, known))),
                )
                continue
            try:
                values[name] = msgspec.convert(value, known[name].type)
            except msgspec.ValidationError as error:
                inside, reason = _explain(known[name].type, value, error)
                self.add(f"{place}.{name}{inside}", reason)
        for name, each in known.items():
            if each.required and name not in given:
                self.add(f"{place}.{name}", sentence("missing"))
        return values

    def table(self, value: object, place: str) -> dict[str, Any]:
        """Return `value` if it is a table; else that is an error, and the table is empty."""
        if isinstance(value, dict):
            return value
        self.add(place, sentence("expected a table, [{place}]", place=place))
        return {}


def fields(struct: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    """Return the fields of `struct` by their names in a file."""
    return {each.encode_name: each for each in msgspec.structs.fields(struct)}


def _explain(kind: Any, value: object, error: msgspec.ValidationError) -> tuple[str, str]:
    """Return the place of `error` inside the value (``[1]``, or nothing) and what was expected."""
    text, _, place = str(error).partition(" - at `$")
    shown = textwrap.shorten(msgspec.json.encode(value, enc_hook=str).decode(), 60)
    for part in (kind, *get_args(kind)):
        if get_origin(part) is Literal:
            allowed = ", ".join(msgspec.json.encode(each).decode() for each in get_args(part))
            return "", sentence(
                "expected one of {allowed}, got {shown}", allowed=allowed, shown=shown
            )
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.description:
                return "", sentence(
                    "expected {description}, got {shown}",
                    description=sentence(meta.description),
                    shown=shown,
                )
    return place.rstrip("`"), _plain(text)


def _plain(text: str) -> str:
    """Translate msgspec's "Expected `str`, got `int`" into the terms of TOML."""
    words = {"str": "string", "int": "integer", "bool": "boolean", "object": "table"}
    plain = re.sub(r"`(\w+)`", lambda match: words.get(match[1], match[1]), text)
    return plain[0].lower() + plain[1:]
