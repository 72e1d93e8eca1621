"""The kinds of sources, and how a configured one is created."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from archiver.errors import ConfigError, reason
from archiver.language import sentence
from archiver.plugins import Kinds
from archiver.sources.ledger import Entry, Kind, Ledger, Proof
from archiver.sources.protocol import Fate, NoSettings, Parsed, Source
from archiver.transport import Page, Rate, Request, Secret, Site

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.records.model import Json

__all__ = [
    "KINDS",
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
    "Secret",
    "Site",
    "Source",
    "create",
]

SHARED = ("records", "key")
"""Settings that every source may have, and that some classes read themselves."""
BUILT_IN = {
    "api": "archiver.sources.api:ApiSource",
    "class": "archiver.sources.protocol:Given",
    "huggingface": "archiver.sources.huggingface:HuggingFace",
    "json": "archiver.sources.json_document:JsonSource",
    "file": "archiver.sources.json_document:JsonSource",  # another name of `json`
    "github-releases": "archiver.sources.github_releases:GitHubReleases",
    "modelscope": "archiver.sources.modelscope:ModelScope",
    "npm": "archiver.sources.npm:Npm",
    "ollama": "archiver.sources.ollama:Ollama",
    "openrouter": "archiver.sources.openrouter:OpenRouter",
    "pypi": "archiver.sources.pypi:PyPI",
}
"""The built-in kinds, by name; no installed package replaces them."""
KINDS: Kinds[Source] = Kinds(sentence("source"), Source, "archiver.sources", BUILT_IN)  # type: ignore[type-abstract]


def create(
    name: str,
    settings: Mapping[str, Json],
    *,
    base: Path,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """Return the configured source `name`.

    Args:
        name: Name of the source, for errors.
        settings: Its table of archiver.toml: ``type``, and what that type reads.
        base: Folder of archiver.toml.
        environ: The environment; gives settings that archiver.toml does not (`Source.variables`).

    Raises:
        ConfigError: The type is unknown or rejects these settings.
    """
    source = KINDS.find(settings.get("type", ""), folder=base)
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
        raise ConfigError(
            sentence("sources.{name}: {error}", name=name, error=reason(error)),
            hint=_known(source.Settings),
        ) from error
    return source(checked, base=base)


def _known(settings: type[msgspec.Struct]) -> str:
    names = sorted(field.encode_name for field in msgspec.structs.fields(settings))
    return sentence("known settings: {names}", names=", ".join(names) or sentence("none"))
