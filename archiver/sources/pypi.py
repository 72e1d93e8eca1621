"""The source ``pypi``: the projects of the Python Package Index, or of another index like it.

The whole is one document (PEP 691), in which each project has the serial of its newest event: that
is PyPI's feed of changes, and its ETag says that there are none. The XML-RPC changelog is not used:
PyPI plans its end, and asks new clients not to begin with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import MalformedPage
from archiver.language import sentence, stored
from archiver.sources.packages import RATE, Packages, PackageSettings, decoded, escaped, known
from archiver.sources.protocol import Parsed, own_rate
from archiver.transport import Request, Site, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.records.model import Record
    from archiver.sources.ledger import Ledger
    from archiver.transport import Page

_JSON: Final = "application/vnd.pypi.simple.v1+json"
_SEPARATORS: Final = re.compile(r"[-_.]+")


class PyPISettings(PackageSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``type = "pypi"`` reads besides: another index."""

    endpoint: str = "https://pypi.org"


class _Project(msgspec.Struct, gc=False):
    name: str
    serial: int | None = msgspec.field(name="_last-serial", default=None)


class _Meta(msgspec.Struct):
    version: str = msgspec.field(name="api-version")
    serial: int | None = msgspec.field(name="_last-serial", default=None)


class _Index(msgspec.Struct):
    meta: _Meta
    projects: list[_Project]


class _Info(msgspec.Struct):
    name: str
    version: str
    summary: str | None = None
    license: str | None = None
    license_expression: str | None = None
    requires_python: str | None = None
    yanked: bool = False


class _Document(msgspec.Struct):
    info: _Info
    last_serial: int | None = None


class PyPI(Packages):
    """Lists ``GET /simple/`` as JSON, or exact projects by ``GET /pypi/NAME/json``."""

    Settings = PyPISettings
    defaults = {"key": ["name"], "metrics": ["serial"], "noun": "package"}  # noqa: RUF012  read only
    revision = "serial"
    name = re.compile(r"[a-z0-9]([\w.-]{0,198}[a-z0-9])?", re.ASCII | re.IGNORECASE)

    @classmethod
    def normal(cls, name: str) -> str:
        """Return the normalised name (PEP 503)."""
        return _SEPARATORS.sub("-", name).lower()

    def _at(self, path: str) -> str:
        return f"{self.settings.endpoint.rstrip('/')}/{path}"

    def address(self, name: str) -> str:
        """Return where the JSON API describes a project."""
        return self._at(f"pypi/{escaped(name)}/json")

    def link(self, key: str) -> str:
        """Return the project's page."""
        return self._at(f"project/{escaped(key)}/")

    def site(self, token: str) -> Site:  # noqa: ARG002  it takes none
        """Return the index."""
        endpoint = self.settings.endpoint
        return Site(endpoint, own_rate(endpoint, self.settings.rate, RATE))

    def listing(self, ledger: Ledger) -> Sequence[Request]:
        """Return the one request, unless it was answered."""
        request = Request("index", self._at("simple/"), {"Accept": _JSON})
        return () if ledger.entries else (request,)

    def listed(self, page: Page) -> Parsed:
        """Return the projects of the index, none newer than the serial that it bears."""
        index, place = decoded(page, _Index), redact(page.request.url)
        if not index.meta.version.startswith("1."):
            version = index.meta.version
            raise MalformedPage(
                sentence("{place}: version {version} of the API", place=place, version=version)
            )
        serial, header = index.meta.serial, page.headers.get("x-pypi-last-serial")
        if header is not None and header != str(serial):
            raise MalformedPage(
                sentence(
                    "{place}: the header says serial {header}, the document {serial}",
                    place=place,
                    header=header,
                    serial=serial,
                )
            )
        if not index.projects:
            raise MalformedPage(sentence("{endpoint} lists no packages", endpoint=place))
        end = stored("the end of the index of serial {serial}", serial=serial)
        return Parsed(self._records(index, place), end=end)

    def _records(self, index: _Index, place: str) -> Iterator[Record]:
        newest = index.meta.serial
        for project in index.projects:
            if newest is not None and (project.serial or 0) > newest:
                raise MalformedPage(
                    sentence(
                        "{place}: {name} has serial {serial}, the whole index {newest}",
                        place=place,
                        name=project.name,
                        serial=project.serial,
                        newest=newest,
                    )
                )
            yield known(name=self.normal(project.name), serial=project.serial)

    def package(self, body: bytes) -> Record:
        """Return the record of a project; see `Packages.package`."""
        found = msgspec.json.decode(body, type=_Document)
        info = found.info
        return known(
            name=self.normal(info.name),
            serial=found.last_serial,
            version=info.version,
            description=info.summary,
            license=info.license_expression or info.license,
            requires_python=info.requires_python,
            yanked=info.yanked,
        )
