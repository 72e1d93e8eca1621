"""The table ``[alias]``: which records of several sources are one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from archiver.changes.aliases import Rule, pair
from archiver.changes.likeness import BUILT_IN
from archiver.config.tables import AliasConfig
from archiver.config.validation import fields
from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from archiver.config.validation import Validation


def read_alias(
    table: Mapping[str, Any], sources: Collection[str], validation: Validation
) -> AliasConfig:
    """Read the table; its rules and pairs name `sources`."""
    found = AliasConfig(**validation.convert(fields(AliasConfig), table, "alias"))
    for number, rule in enumerate(found.rules):
        _check(f"alias.rules[{number}]", partial(Rule.read, rule, sources), validation)
    for number, texts in enumerate(found.pairs):
        _check(f"alias.pairs[{number}]", partial(pair, texts, sources), validation)
    for name, paths in found.fields.items():
        for source in paths.keys() - {*sources}:
            validation.add(f"alias.fields.{name}", _unknown(source, sources))
    for name in found.tolerance.keys() - BUILT_IN.keys() - found.fields.keys():
        words = (sentence("no such field is compared"), suggestion(name, BUILT_IN))
        validation.add(f"alias.tolerance.{name}", joined("", words))
    return found


def _check(place: str, read: Callable[[], object], validation: Validation) -> None:
    try:
        read()
    except ConfigError as error:
        validation.add(place, joined("; ", filter(None, (str(error), error.hint))))


def _unknown(source: str, sources: Collection[str]) -> str:
    words = (sentence('no source is called "{source}"', source=source), suggestion(source, sources))
    return joined("", words)
