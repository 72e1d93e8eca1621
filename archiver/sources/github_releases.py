"""The source ``github-releases``: the releases of some repositories, by GitHub's REST API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from archiver.errors import MalformedPage
from archiver.language import sentence, stored
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.model import Bad
from archiver.sources.api import ApiSource
from archiver.sources.api.settings import NEXT_LINK, ApiSettings
from archiver.sources.api.walk import LAST, Said, Walk, numbers
from archiver.sources.documents import ABSENT, FOUND, PerSecond
from archiver.sources.protocol import Fate, Parsed, own_rate
from archiver.sources.release_record import release_record
from archiver.transport import Rate, Request, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.formats import Text
    from archiver.records.model import Line
    from archiver.transport import Page

_KEY: Final = ("repository", "tag")
_PAGE, _PAGES = 100, 100
"""Releases on a page, and pages: GitHub shows no more of a repository."""
_ANONYMOUS, _WITH_TOKEN = Rate(60, 3600, burst=60), Rate(5000, 3600, burst=100)
_HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_NAME: Final = r"^[A-Za-z0-9_-]+/(?!\.{1,2}$)[A-Za-z0-9_.-]+$"


class GitHubReleasesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "github-releases"`` reads.

    Attributes:
        repositories: Whose releases.
        endpoint: The REST API; that of GitHub Enterprise Server ends with ``/api/v3``.
        token_env: Environment variable that holds a token; empty: ``GITHUB_TOKEN``.
        rate: Requests a second; 0: as the published quotas say.
    """

    repositories: Annotated[
        tuple[Annotated[str, Meta(pattern=_NAME)], ...],
        Meta(min_length=1, description='a list such as ["owner/name"]'),
    ]
    endpoint: str = "https://api.github.com"
    token_env: str = ""
    rate: PerSecond = 0


class GitHubReleases(ApiSource):
    """Follows the header ``Link`` of ``GET /repos/OWNER/NAME/releases``, for each repository."""

    Settings = GitHubReleasesSettings
    defaults = {"key": [*_KEY], "metrics": ["downloads"], "noun": "release"}  # noqa: RUF012  read only
    token_variable = "GITHUB_TOKEN"  # noqa: S105  the name of a variable

    def __init__(self, settings: GitHubReleasesSettings, *, base: Path) -> None:
        """Store the settings, as those of an API in pages."""
        self._own = settings
        self._endpoint = settings.endpoint.rstrip("/")
        self._names = tuple(dict.fromkeys(settings.repositories))
        urls = tuple(f"{self._endpoint}/repos/{name}/releases" for name in self._names)
        pages = ApiSettings(
            urls=urls,
            key=_KEY,
            headers=_HEADERS,
            next=NEXT_LINK,
            page_size=_PAGE,
            size_param="per_page",
            max_pages=_PAGES,
        )
        super().__init__(pages, base=base)

    def sites(self, token: str) -> tuple[Site, ...]:
        """Return the API with its quota, and the token."""
        quota = _WITH_TOKEN if token else _ANONYMOUS
        rate = own_rate(self._endpoint, self._own.rate, quota)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return (Site(self._endpoint, rate, headers),)

    def _request(self, walk: Walk, value: str) -> Request:
        """Return the request for a page; a repository that is gone has no first one."""
        request = super()._request(walk, value)
        return replace(request, accept=(FOUND, ABSENT)) if walk.number == 0 else request

    def parse(self, page: Page) -> Parsed:
        """Return the releases of a page; a repository that GitHub does not have, has none."""
        chain, number = numbers(page.request.id)
        name = self._names[chain]
        if page.status == ABSENT:
            note = stored("GitHub has no repository {name}, or hides it", name=name)
            facts = Said(LAST, stored("a page without a next one"))
            return Parsed((), facts=facts, notes=(note,))
        found = super().parse(page)
        if number == _PAGES and found.facts[0] == LAST:
            raise MalformedPage(
                sentence("{name}: GitHub lists only the newest 10,000 releases", name=name)
            )
        return found

    def _records(self, page: Page, text: Text) -> Iterator[Line | Bad]:
        """Yield the published releases of a page."""
        try:
            rows = msgspec.json.decode(text.body or b"", type=list[Any])
        except UNREADABLE as error:
            raise MalformedPage(plain(error)) from error
        repository = self._names[numbers(page.request.id)[0]]
        for number, row in enumerate(rows):
            try:
                if record := release_record(row, repository):
                    yield canonical.encode(record, _KEY)
            except (msgspec.ValidationError, ValueError) as error:
                yield Bad(f"/{number}", str(error))

    def confirm(self, key: str) -> Request | None:
        """Return the request for the release with this tag; None: its repository is not asked."""
        owner, _, rest = key.partition("/")
        name, _, tag = rest.partition("/")
        repository = f"{owner}/{name}"
        if repository not in self._names or not tag:
            return None
        url = f"{self._endpoint}/repos/{repository}/releases/tags/{quote(tag, safe='')}"
        return Request(f"confirm {key}", url, _HEADERS, accept=(FOUND, ABSENT))

    def confirmed(self, page: Page) -> Fate:
        """Return the status of the release."""
        return Fate("listed") if page.status == FOUND else Fate("gone", stored("deleted"))

    def link(self, key: str) -> str:
        """Return the release's page."""
        owner, name, tag = [*key.split("/", 2), "", ""][:3]
        site = self._endpoint.removesuffix("/api/v3")
        site = site.replace("https://api.github.com", "https://github.com")
        return f"{site}/{quote(owner)}/{quote(name)}/releases/tag/{quote(tag)}"
