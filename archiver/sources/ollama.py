"""The source ``ollama``: models of a registry, by their manifests, or what a server has installed.

The registry answers for a model and tag that is named; it lists neither models nor tags.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from archiver.language import sentence, stored
from archiver.sources import ids
from archiver.sources.documents import ABSENT, FOUND, PerSecond, decoded, known, polite, refused
from archiver.sources.protocol import Fate, Parsed, Source
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archiver.records.model import Record
    from archiver.sources.ledger import Ledger
    from archiver.transport import Page, Site

_USUAL: Final = {True: "https://registry.ollama.ai", False: "http://127.0.0.1:11434"}
"""The registry, where models are named; and the server on this machine."""
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_LAYER: Final = "application/vnd.ollama.image."
_STEP: Final = r"(?!\.{1,2}([:/]|$))[A-Za-z0-9_.-]{1,80}"
_NAME: Final = rf"^({_STEP}/)?{_STEP}(:{_STEP})?$"
_INSTALLED: Final = ("digest", "size", "modified_at", "details", "remote_model", "remote_host")


class OllamaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "ollama"`` reads.

    Attributes:
        models: Models of the registry: ``name:tag``, or ``owner/name:tag``; without a tag
            ``latest``. None: what the server has.
        endpoint: The registry, or the server; empty: Ollama's, or the one on this machine.
        rate: Requests a second; 0: four, and no limit on this machine.
    """

    models: Annotated[
        tuple[Annotated[str, Meta(pattern=_NAME)], ...],
        Meta(description='a list such as ["qwen3:8b"]'),
    ] = ()
    endpoint: str = ""
    rate: PerSecond = 0


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
        self.endpoint = (settings.endpoint or _USUAL[bool(settings.models)]).rstrip("/")
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
        return Request(id_, url, {"Accept": _MANIFEST}, accept=(FOUND, ABSENT))

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the requests for the manifests, or the one for the list of the server."""
        if self.watched:
            return ids.unanswered(self._single(), ledger)
        return () if ledger.entries else (Request("tags", f"{self.endpoint}/api/tags"),)

    def parse(self, page: Page) -> Parsed:
        """Return the model of a manifest, or the models of the server."""
        if self.watched:
            return ids.parsed(page, self.confirmed(page), lambda: _model(page))
        return Parsed(map(_installed, decoded(page, _Tags).models), end=stored("the only page"))

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
        if page.status != FOUND:
            return Fate("gone", stored("deleted"))
        return Fate("listed" if _model(page) else "unknown")

    def site(self, token: str) -> Site:  # noqa: ARG002  it takes none
        """Return the registry or the server."""
        return polite(self.endpoint, self.settings.rate)

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
        raise refused(page, sentence("its digest is not the one that the header names"))
    manifest = decoded(page, _Manifest)
    parts: dict[str, str] = {}
    for layer in sorted(manifest.layers, key=lambda each: each.digest):
        kind = layer.media_type.removeprefix(_LAYER)
        parts[kind] = f"{parts[kind]} {layer.digest}" if kind in parts else layer.digest
    size = manifest.config.size + sum(layer.size for layer in manifest.layers)
    name = page.request.id.partition(" ")[2]
    return known(model=name, digest=digest, size=size, parts=parts)


def _installed(row: dict[str, Any]) -> Record:
    return known(model=row.get("model") or row.get("name"), **{n: row.get(n) for n in _INSTALLED})
