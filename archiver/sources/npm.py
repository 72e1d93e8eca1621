"""The source ``npm``: the packages of the npm registry, by its replication feed.

Names and revisions come from ``_all_docs``, and between two full listings from ``_changes``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta

from archiver.errors import SourceError
from archiver.language import sentence, stored
from archiver.sources import npm_feed
from archiver.sources.documents import decoded, known
from archiver.sources.packages import Packages, PackageSettings, escaped
from archiver.sources.protocol import Parsed
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archiver.records.model import Record
    from archiver.sources.ledger import Kind, Ledger
    from archiver.sources.protocol import Source
    from archiver.transport import Page

PAGE: Final = 10_000
"""Rows on a page, the maximum of the feed."""
_FROM: Final = "names from "


class NpmSettings(PackageSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``type = "npm"`` reads besides.

    Attributes:
        endpoint: The database of the replication feed.
        registry: Where the packages themselves are.
        drift: Share by which the number of packages may differ from the announced one.
        incremental: Whether only changes are listed, between two full listings.
        full_every: How often everything is listed then, such as ``12h`` or ``7d``.
    """

    endpoint: str = "https://replicate.npmjs.com/registry"
    registry: str = "https://registry.npmjs.org"
    drift: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 0.001
    incremental: bool = True
    full_every: Annotated[
        str, Meta(pattern="^[1-9][0-9]{0,3}[dh]$", description='a period such as "7d" or "12h"')
    ] = "7d"


class _Version(msgspec.Struct):
    name: str
    version: str
    description: str | None = None
    license: str | dict[str, Any] | None = None
    deprecated: str | bool | None = None


class Npm(Packages):
    """Lists ``_all_docs``, or ``_changes`` since a mark, or exact packages by ``/NAME/latest``."""

    Settings = NpmSettings
    defaults = {"key": ["name"], "metrics": ["revision"], "noun": "package"}  # noqa: RUF012  read only
    revision = "revision"
    resumable = True
    overlapping = True  # a package may change again on a later page
    name = re.compile(r"(@[\w~!'()*.-]{1,214}/)?[\w~!'()*.-]{1,214}", re.ASCII)

    def __init__(self, settings: NpmSettings, *, base: Path, since: str = "") -> None:
        """Store the settings.

        Args:
            settings: The table of archiver.toml.
            base: Folder of archiver.toml.
            since: List only what changed since this mark.
        """
        super().__init__(settings, base=base)
        self.kind: Kind = "incremental" if since else "complete"
        self.drift = 0 if settings.ids else settings.drift
        hours = 24 if settings.full_every.endswith("d") else 1
        self.full_every = hours * timedelta(hours=int(settings.full_every[:-1]))
        self._since = int(since or 0)

    @property
    def places(self) -> tuple[str, ...]:
        """The feed, and the registry."""
        return self.settings.endpoint.rstrip("/"), self.settings.registry.rstrip("/")

    def address(self, name: str) -> str:
        """Return where the registry describes the newest version of a package."""
        return f"{self.places[1]}/{escaped(name)}/latest"

    def link(self, key: str) -> str:
        """Return the package's page."""
        return f"https://www.npmjs.com/package/{quote(key, safe='@/')}"

    def changed_since(self, mark: str) -> Source | None:
        """Return a source that lists what changed since `mark`, which is a number of the feed."""
        follows = self.settings.incremental and not self.settings.ids
        return Npm(self.settings, base=self.base, since=mark) if follows else None

    def _at(self, path: str, **query: object) -> str:
        asked = f"?{urlencode({'limit': PAGE, **query})}" if path else ""
        return f"{self.places[0]}/{path}{asked}"

    def listing(self, ledger: Ledger) -> Sequence[Request]:
        """Return the root of the database, then one page after the other."""
        if not ledger.entries:
            return (Request("root", self._at("")),)
        newest, reached = int(ledger.entries[0].facts[0]), ledger.entries[-1].facts[0]
        if self.kind == "incremental":
            since = int(reached) if len(ledger.entries) > 1 else self._since
            if newest < since:
                raise SourceError(sentence("the feed went back to {newest}", newest=newest))
            request = Request(f"changes {since} {newest}", self._at("_changes", since=since))
            return () if since == newest else (request,)
        if len(ledger.entries) == 1:
            return (Request(_FROM, self._at("_all_docs")),)
        start = msgspec.json.encode(reached).decode()
        request = Request(f"{_FROM}{reached}", self._at("_all_docs", startkey=start))
        return () if ledger.end else (request,)

    def listed(self, page: Page) -> Parsed:
        """Return what the root, a page of names or a page of changes means."""
        if page.request.id.startswith(_FROM):
            return npm_feed.names(page, page.request.id.removeprefix(_FROM))
        if page.request.id != "root":
            since, newest = map(int, page.request.id.split()[1:])
            return npm_feed.changes(page, since, newest)
        root = decoded(page, npm_feed.Root)
        mark = npm_feed.mark(root.update_seq) if self.kind == "complete" else ""
        return Parsed((), total=root.doc_count, facts=(str(root.update_seq),), mark=mark)

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; changes end with the one that the root told of."""
        if self.kind != "incremental":
            return super().end(ledger)
        deleted = sum(int(entry.facts[1]) for entry in ledger.entries[1:])
        return stored(
            "changes since number {since}; deletions, which a full listing confirms: {deleted:,}",
            since=self._since,
            deleted=deleted,
        )

    def package(self, body: bytes) -> Record:
        """Return the record of a package; see `Packages.package`."""
        found = msgspec.json.decode(body, type=_Version)
        return known(**msgspec.structs.asdict(found))
