"""The source ``json``, also called ``file``: a catalogue in one document of any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from archiver.errors import ConfigError, MalformedPage, UnreadableSnapshot, reason
from archiver.formats import SUFFIXES, Reading, read
from archiver.formats.folder import as_member
from archiver.language import Stored, joined, sentence, stored
from archiver.records import document
from archiver.records.folder import name_of, within
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.lfs import pointer
from archiver.records.model import Bad
from archiver.records.path import RecordsPath
from archiver.records.places import did_you_mean
from archiver.sources.access import Access, refuse_unreadable, with_params
from archiver.sources.files import listed
from archiver.sources.protocol import Parsed, Source
from archiver.transport import Request, Site, next_link, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from archiver.formats import Text
    from archiver.records.model import Line
    from archiver.sources.ledger import Ledger
    from archiver.transport import Page, Secret

_SCHEMES = "http, https, file"


class JsonSettings(Access, frozen=True, forbid_unknown_fields=True):
    """What ``type = "json"`` reads, besides what is sent along (`Access`).

    Attributes:
        url: ``http://``, ``https://``, ``file://``, or a path; archiver.toml is its base.
        files: A pattern that names files instead, such as ``data/**/*.json``.
        records: Path of the records (``records.document``).
        key: Field or fields that identify a record.
        excluded: Names of members that are no records, where the path goes through an object.
        total: Path of the announced number of records; empty: there is none.
        input: Name of the document's format; empty: its name or content says it.
        encoding: Its encoding, where it has no byte order mark; empty: UTF-8.
        types: Whether the cells of a table that write numbers and booleans are such.
        member: The file of a zip archive that is meant; empty: the only one.
        non_finite: Whether ``NaN`` and ``Infinity`` are read as null, or refused.
        either: Settings of which a table has exactly one.
    """

    either: ClassVar[tuple[str, ...]] = ("url", "files")

    url: str = ""
    files: str = ""
    records: str = "."
    key: str | tuple[str, ...] = ()
    excluded: tuple[str, ...] = msgspec.field(default=(), name="except")
    total: str = ""
    input: str = ""
    encoding: str = ""
    types: Literal["text", "infer"] = "text"
    member: str = ""
    non_finite: Literal["null", "refuse"] = "null"

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.files):
            raise ValueError(sentence("either url or files says where the records are"))
        if self.files and self.total:
            raise ValueError(sentence("total belongs to url: no file announces it for all"))
        scheme, mark, _ = self.url.partition("://")
        if mark and scheme not in _SCHEMES.split(", "):
            raise ValueError(
                sentence(
                    "url begins with {scheme}://, which is none of {schemes}",
                    scheme=scheme,
                    schemes=_SCHEMES,
                )
            )


class JsonSource(Source):
    """Requests one address; the document is the listing."""

    Settings: ClassVar[type[msgspec.Struct]] = JsonSettings
    confirmations = 1  # a document is complete or refused: what it lacks is gone

    def __init__(self, settings: JsonSettings, *, base: Path) -> None:
        """Store the settings; files are listed once, for one listing.

        Raises:
            ConfigError: They hold a secret, or something that is sent to no address.
        """
        super().__init__(settings, base=base)
        settings.refuse_secrets()
        if settings.is_used:
            refuse_unreadable(settings.url)
        self.alike = bool(settings.files)
        self._notes: tuple[str, ...] = ()

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the one request, or one for each file; nothing once they are answered."""
        if ledger.entries:
            return ()
        if not self.settings.files:
            url = with_params(self._address(), self.settings.params)
            return (Request("document", url, self.settings.headers, in_pieces=True),)
        found = listed(self.base, self.settings.files)
        self._notes = found.notes
        return [Request(each, (self.base / each).absolute().as_uri()) for each in found.paths]

    def site(self, token: str) -> Site | None:  # noqa: ARG002  secrets are named one by one
        """Return the origin of the address, where a secret is sent to it."""
        return Site(self.settings.url) if self.secrets else None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that the settings name."""
        found: tuple[Secret, ...] = self.settings.secrets
        return found

    def parse(self, page: Page) -> Parsed:
        """Return the records of the document, which ends where its JSON ends."""
        if self.settings.files:
            return self._file(page)
        try:
            media = page.headers.get("content-type", "")
            text = self._text(page, urlsplit(page.request.url).path, media)
            text.require(self._fields())
        except UnreadableSnapshot as error:
            raise _malformed(page, error) from error
        if next_link(page) is not None:
            raise first_of_several(page.request.url)
        path = self.settings.total
        return Parsed(
            self._records(page, text),
            total=_announced(page, text.body or b"", path) if path else None,
            end=stored("the document's end"),
            notes=text.notes,
        )

    def _text(self, page: Page, name: str, media: str = "") -> Text:
        """Return the document that a page is, which is no pointer of Git LFS."""
        if only := pointer(page.body):
            raise only.unreadable()
        how, spool = self._how(), page.spool
        if spool is not None and spool.size > spool.most_whole:
            how = how._replace(whole=spool.most_whole)
        return read(page.pieces(), name, how, media)

    def _file(self, page: Page) -> Parsed:
        """Return the records of one file of a folder.

        Where each holds one record, one that cannot be read is a record that is unusable.
        """
        path, fields = page.request.id, self._fields()
        records = within(self.settings.records)
        name = name_of(path, self.settings.files, SUFFIXES)
        notes: list[str] = []
        try:
            text, bad = as_member(name, self._text(page, path))
            notes = text.notes
            found = [*bad, *document.read(text.content, records, fields, self.settings.excluded)]
        except UnreadableSnapshot as error:
            way = RecordsPath.read(records)
            if len(way.steps) > 1 or fields not in ((), way.key):
                raise _malformed(page, error) from error
            found = [Bad(path, reason(error), name)]
        told, self._notes = self._notes, ()
        notes = [*told, *(joined(": ", (path, note)) for note in notes)]
        return Parsed(found, end=stored("every file was read"), notes=notes)

    def _address(self) -> str:
        url: str = self.settings.url
        return url if "://" in url else (self.base / url).absolute().as_uri()

    def _fields(self) -> tuple[str, ...]:
        key = self.settings.key
        return (key,) if isinstance(key, str) else key

    def _how(self) -> Reading:
        said = self.settings
        finite = said.non_finite == "refuse"
        return Reading(said.input, said.encoding, said.types, said.member, finite, strict=True)

    def _records(self, page: Page, text: Text) -> Iterator[Line | Bad]:
        settings = self.settings
        fields = self._fields()
        bad: Bad | None = None
        usable = False
        try:
            for found in document.read(text.content, settings.records, fields, settings.excluded):
                if isinstance(found, Bad):
                    bad = bad or found
                else:
                    usable = True
                yield found
        except UnreadableSnapshot as error:
            raise _malformed(page, error) from error
        except ConfigError as error:
            error.hint = joined("", (did_you_mean(text.body or b"", settings.records), error.hint))
            raise
        if bad and not usable and (hint := did_you_mean(text.body or b"", settings.records)):
            words = sentence(
                "no record can be read: {place} ({reason})",
                place=bad.place,
                reason=Stored(bad.reason),
            )
            raise _malformed(
                page, UnreadableSnapshot(words, hint=joined("", (hint, document.WHERE)))
            )


def first_of_several(url: str) -> MalformedPage:
    """Return the error of an address whose answer is only the first page of a catalogue."""
    return MalformedPage(
        sentence(
            "{url}: its header Link names a next page: this is only the first one",
            url=redact(url),
        ),
        hint=sentence('type = "api" with next = "link" lists all of them'),
    )


def _malformed(page: Page, error: UnreadableSnapshot) -> MalformedPage:
    hint = error.hint or sentence("nothing was written; check what the address returns")
    return MalformedPage(
        sentence("{url}: {error}", url=redact(page.request.url), error=reason(error)), hint=hint
    )


def _announced(page: Page, body: bytes, path: str) -> int:
    """Read one number; the rest of the document is skipped, not built."""
    names = path.split(".")
    shape: Any = int
    for name in reversed(names):
        shape = msgspec.defstruct("Level", [("value", shape)], rename={"value": name})
    try:
        found = msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        message = sentence(
            '{redact}: no whole number at total "{path}": {plain}',
            redact=redact(page.request.url),
            path=path,
            plain=plain(error),
        )
        raise MalformedPage(message) from error
    for _ in names:
        found = found.value
    return int(found)
