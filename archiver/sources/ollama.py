"""The source ``ollama``: models of a registry, by their manifests, or what a server has installed.

The registry answers for a model and tag that is named; it lists neither models nor tags.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from archiver.errors import MalformedPage
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.text import few
from archiver.sources import ids
from archiver.sources.protocol import Fate, Parsed, Source, own_rate
from archiver.transport import Rate, Request, Site, redact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archiver.records.model import Record
    from archiver.sources.ledger import Ledger
    from archiver.transport import Page

_REGISTRY: Final = "https://registry.ollama.ai"
_SERVER: Final = "http://127.0.0.1:11434"
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_LAYER: Final = "application/vnd.ollama.image."
_STEP: Final = r"(?!\.{1,2}(?:[:/]|$))[\w.-]{1,80}"
_NAME: Final = re.compile(rf"({_STEP}/)?{_STEP}(:{_STEP})?", re.ASCII)
_OK: Final = 200


class OllamaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "ollama"`` reads.

    Attributes:
        models: Models of the registry: ``name:tag``, or ``owner/name:tag``; without a tag
            ``latest``. None: what the server has.
        endpoint: The registry, or the server; empty: Ollama's, or the one on this machine.
        rate: Requests a second; 0: four, and no limit on this machine.
    """

    models: tuple[str, ...] = ()
    endpoint: str = ""
    rate: float = 0

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(sentence("rate is a number of requests a second, 0 or more"))
        if wrong := [each for each in self.models if not _NAME.fullmatch(each)]:
            names = few(wrong, total=len(wrong))
            raise ValueError(
                sentence('models is a list such as ["qwen3:8b"], not {names}', names=names)
            )


class _Blob(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str = ""


class _Manifest(msgspec.Struct, rename="camel"):
    config: _Blob
    layers: list[_Blob]


class _Tags(msgspec.Struct):
    models: list[dict[str, Any]]


class Ollama(Source):
    """Asks for each manifest, or lists ``GET /api/tags``."""

    Settings = OllamaSettings
    defaults = {"key": ["model"], "volatile": ["modified_at"], "noun": "model"}  # noqa: RUF012  read only

    def __init__(self, settings: OllamaSettings, *, base: Path) -> None:
        """Store the settings."""
        super().__init__(settings, base=base)
        usual = _REGISTRY if settings.models else _SERVER
        self.endpoint = (settings.endpoint or usual).rstrip("/")
        self.confirmations = 2 if settings.models else 1  # one document says what a server has

    @property
    def watched(self) -> tuple[str, ...]:
        """The models that the settings name, each with its tag."""
        return tuple(dict.fromkeys(_tagged(each) for each in self.settings.models))

    def _single(self) -> list[Request]:
        return [self._request(f"{ids.ID}{key}", key) for key in self.watched]

    def _request(self, id_: str, key: str) -> Request:
        name, _, tag = key.rpartition(":")
        path = name if "/" in name else f"library/{name}"
        url = f"{self.endpoint}/v2/{quote(path)}/manifests/{quote(tag)}"
        return Request(id_, url, {"Accept": _MANIFEST}, accept=(_OK, 404))

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the requests for the manifests, or the one for the list of the server."""
        if self.watched:
            return ids.unanswered(self._single(), ledger)
        return () if ledger.entries else (Request("tags", f"{self.endpoint}/api/tags"),)

    def parse(self, page: Page) -> Parsed:
        """Return the model of a manifest, or the models of the server."""
        if self.watched:
            return ids.parsed(page, self.confirmed(page), lambda: _model(page))
        try:
            tags = msgspec.json.decode(page.body, type=_Tags)
        except UNREADABLE as error:
            raise _malformed(page, plain(error)) from error
        return Parsed(map(_installed, tags.models), end=stored("the only page"))

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; see `Source.end`."""
        return ids.end(self._single(), ledger) if self.watched else super().end(ledger)

    def confirm(self, key: str) -> Request | None:
        """Return the request for the manifest; a server that lists a model no more lacks it."""
        return self._request(f"confirm {key}", key) if key in self.watched else None

    def confirmed(self, page: Page) -> Fate:
        """Return the status of the model.

        Raises:
            MalformedPage: Its manifest is damaged.
        """
        if page.status != _OK:
            return Fate("gone", stored("deleted or private"))
        return Fate("listed" if _model(page) else "unknown")

    def site(self, token: str) -> Site:  # noqa: ARG002  it takes none
        """Return the registry or the server."""
        return Site(self.endpoint, own_rate(self.endpoint, self.settings.rate, Rate(4)))

    def link(self, key: str) -> str:
        """Return the model's page in the library."""
        name = key.partition(":")[0]
        if name.count("/") > 1:
            return ""  # of another registry
        return f"https://ollama.com/{'' if '/' in name else 'library/'}{quote(key, safe='/:')}"


def _tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _model(page: Page) -> Record:
    """Return the record of a manifest, whose SHA-256 is the model's digest."""
    digest = hashlib.sha256(page.body).hexdigest()
    said = page.headers.get("ollama-content-digest", digest).removeprefix("sha256:")
    if said != digest:
        raise _malformed(page, sentence("its digest is not the one that the header names"))
    try:
        manifest = msgspec.json.decode(page.body, type=_Manifest)
    except UNREADABLE as error:
        raise _malformed(page, plain(error)) from error
    parts: dict[str, str] = {}
    for layer in sorted(manifest.layers, key=lambda each: each.digest):
        kind = layer.media_type.removeprefix(_LAYER)
        parts[kind] = f"{parts[kind]} {layer.digest}" if kind in parts else layer.digest
    size = manifest.config.size + sum(layer.size for layer in manifest.layers)
    name = page.request.id.partition(" ")[2]
    return {"model": name, "digest": digest, "size": size, "parts": parts}


def _installed(row: dict[str, Any]) -> Record:
    """Return the record of an installed model: what it is, flat."""
    details = row.get("details")
    name = row.get("model") or row.get("name")
    return {"model": name, **row, **(details if isinstance(details, dict) else {})}


def _malformed(page: Page, reason: str) -> MalformedPage:
    place = redact(page.request.url)
    return MalformedPage(sentence("{redact}: {plain}", redact=place, plain=reason))
