"""The source ``pypi``: the projects of the Python Package Index, or of another index like it.

The whole is one document (PEP 691), in which each project has the serial of its newest event: that
is PyPI's feed of changes, and its ETag says that there are none. The XML-RPC changelog is not used:
PyPI plans its end, and asks new clients not to begin with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.language import sentence, stored
from archiver.sources.documents import decoded, known, refused
from archiver.sources.packages import Packages, PackageSettings, escaped
from archiver.sources.protocol import Parsed
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    serial: int = msgspec.field(name="_last-serial", default=0)


class _Meta(msgspec.Struct):
    version: str = msgspec.field(name="api-version")
    serial: int = msgspec.field(name="_last-serial", default=0)


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

    @property
    def places(self) -> tuple[str, ...]:
        """The index."""
        return (self.settings.endpoint.rstrip("/"),)

    @classmethod
    def normal(cls, name: str) -> str:
        """Return the normalised name (PEP 503)."""
        return _SEPARATORS.sub("-", name).lower()

    def address(self, name: str) -> str:
        """Return where the JSON API describes a project."""
        return f"{self.places[0]}/pypi/{escaped(name)}/json"

    def link(self, key: str) -> str:
        """Return the project's page."""
        return f"{self.places[0]}/project/{escaped(key)}/"

    def listing(self, ledger: Ledger) -> Sequence[Request]:
        """Return the one request, unless it was answered."""
        request = Request("index", f"{self.places[0]}/simple/", {"Accept": _JSON})
        return () if ledger.entries else (request,)

    def listed(self, page: Page) -> Parsed:
        """Return the projects of the index, none newer than the serial that it bears."""
        index = decoded(page, _Index)
        version, serial = index.meta.version, index.meta.serial
        if not version.startswith("1."):
            raise refused(page, sentence("version {version} of the API", version=version))
        header = page.headers.get("x-pypi-last-serial", str(serial))
        newest = max((project.serial for project in index.projects), default=0)
        if header != str(serial) or newest > serial:
            words = sentence(
                "serial {serial} in the document, {header} in the header, {newest} of a package",
                serial=serial,
                header=header,
                newest=newest,
            )
            raise refused(page, words)
        if not index.projects:
            raise refused(page, sentence("the index is empty"))
        records = (
            known(name=self.normal(project.name), serial=project.serial or None)
            for project in index.projects
        )
        return Parsed(records, end=stored("the end of the index, serial {serial}", serial=serial))

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
