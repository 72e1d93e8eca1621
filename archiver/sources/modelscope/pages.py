"""Parse ModelScope's responses: listings, single models, revisions."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from archiver.errors import MalformedPage, reason
from archiver.formats.json_format import json_text
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.model import Bad
from archiver.sources.model_record import first_paragraph, model_record
from archiver.sources.modelscope.queries import Query, page_of
from archiver.sources.protocol import Fate, Parsed
from archiver.transport import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archiver.records.model import Json, Record
    from archiver.transport import Page

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_NOT_FOUND = 404
_LIBRARY = "library:"
_LONGEST_ID = 512
_TAGS = ("library:", "model_type:", "custom_tag:")
_READ = range(1, 10)
"""Pages of a query whose names are split into words: enough to find the frequent ones."""
_WORD = re.compile(r"[^\W_]{2,24}")
_DISORDER = 5
"""Number of rows that may be out of order: they changed while the page was built."""


class _Row(msgspec.Struct):
    """A model of ``GET /openapi/v1/models`` (ModelScope OpenAPI 1.1.0, schema `Model`)."""

    id: str
    downloads: int
    likes: int
    created_at: str
    last_modified: str
    tasks: list[str] = []
    display_name: str | None = None
    description: str | None = None
    license: str | None = None
    file_size: int | None = None
    params: int | None = None
    tags: list[str] | None = None
    gated: bool | None = None


class _Data(msgspec.Struct):
    models: list[Any]
    total_count: int
    page_number: int | None = None


class _Answer(msgspec.Struct):
    success: bool
    data: Any = None
    code: str | int | None = None
    message: str | None = None


def listing(page: Page) -> Parsed:
    """Return what a page of ``GET /openapi/v1/models`` means.

    Raises:
        MalformedPage: It is not what was requested.
    """
    place = redact(page.request.url)
    asked = dict(parse_qsl(urlsplit(page.request.url).query))
    data = _data(page, place)
    if data.page_number not in (None, int(asked["page_number"])):
        raise MalformedPage(
            sentence(
                "{place}: answered page {page_number} instead",
                place=place,
                page_number=data.page_number,
            )
        )
    before = (int(asked["page_number"]) - 1) * int(asked["page_size"])
    if not data.models and before < data.total_count:
        raise MalformedPage(
            sentence(
                "{place}: the page is empty, but {total_count:,} are announced",
                place=place,
                total_count=data.total_count,
            )
        )
    everything = page_of(page.request.id)[0] in {"everything", _by(asked)}
    return Parsed(
        _records(data.models, page.request.id),
        total=data.total_count if everything else None,
        matches=data.total_count,
        facts=tuple(_facts(data.models, asked)),
        mark=max(_moments(data.models), default=""),
    )


def _records(rows: Iterable[Json], place: str) -> Iterator[Record | Bad]:
    """Yield the record of each row of the documented listing, or why it is unusable."""
    for number, row in enumerate(rows):
        yield _read(row, f"{place}/{number}")


def single(page: Page) -> Record | Bad:
    """Return the record of a model's own page (`fate` is known), or why it is unusable."""
    return _read(msgspec.json.decode(page.body, type=_Answer).data, page.request.id)


def _read(row: Json, place: str) -> Record | Bad:
    try:
        return _record(msgspec.convert(row, _Row))
    except (msgspec.ValidationError, ValueError) as error:
        return Bad(place, str(error), known_id(row))


def known_id(row: Json) -> str:
    """Return the id of a row; empty: it has no usable one."""
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) and is_id(found) else ""


def is_id(text: str) -> bool:
    """Tell whether `text` is ``owner/name``, and no step of a path."""
    owner, slash, name = text.partition("/")
    whole = owner and slash and name and "/" not in name and len(text) <= _LONGEST_ID
    return bool(whole) and not {owner, name} & {".", ".."}


def _record(row: _Row) -> Record:
    if not is_id(row.id):
        raise ValueError(sentence("the id {id!r} is not owner/name", id=row.id[:80]))
    tags = row.tags or []
    library = next((tag[len(_LIBRARY) :] for tag in tags if tag.startswith(_LIBRARY)), None)
    return model_record(
        id=row.id,
        name=row.display_name or row.id.partition("/")[2],
        tasks=row.tasks,
        size=row.file_size,
        params=row.params,
        downloads=row.downloads,
        likes=row.likes,
        license=row.license,
        tags=tags,
        library=library,
        gated=row.gated,
        release_date=row.created_at,
        last_modified=row.last_modified,
        description=row.description,
    )


def _by(asked: Mapping[str, str]) -> str:
    return Query(sort=asked.get("sort", "default")).name


def _data(page: Page, place: str) -> _Data:
    try:
        answer = msgspec.json.decode(json_text(page.body).body, type=_Answer)
    except UNREADABLE as error:
        raise MalformedPage(
            sentence("{place}: not ModelScope's answer: {plain}", place=place, plain=plain(error))
        ) from error
    if not answer.success:
        raise MalformedPage(
            sentence(
                "{place}: success is false: {code}: {message}",
                place=place,
                code=answer.code,
                message=answer.message,
            )
        )
    try:
        return msgspec.convert(answer.data, _Data)
    except msgspec.ValidationError as error:
        raise MalformedPage(
            sentence(
                "{place}: success is true, but {error} in data", place=place, error=reason(error)
            )
        ) from error


def _facts(rows: Sequence[Json], asked: Mapping[str, str]) -> Iterator[str]:
    """Yield the facts of the rows that the survey collects."""
    ids = [found for row in rows if (found := known_id(row))]
    yield from (f"owner:{owner}" for owner in dict.fromkeys(each.partition("/")[0] for each in ids))
    values = (value for row in rows if isinstance(row, dict) for value in _values(row))
    yield from dict.fromkeys(values)
    names = [each.partition("/")[2] for each in ids]
    yield f"first:{''.join(dict.fromkeys(name[:1].lower() for name in names))}"
    search = asked.get("search", "")
    if int(asked["page_number"]) in _READ and not (search or asked.get("owner")):
        words = (word.lower() for name in names for word in _WORD.findall(name))
        yield from (f"word:{word}" for word in dict.fromkeys(words))
    if search.startswith("/"):
        yield from _following(search[1:], names)
    moments = _moments(rows)
    if asked.get("sort") == "last_modified" and moments:
        yield f"oldest:{min(moments)}"
        disorder = sum(later > earlier for earlier, later in pairwise(moments))
        yield f"disorder:{disorder}"


def _following(prefix: str, names: Sequence[str]) -> Iterator[str]:
    if names and all(name.lower().startswith(prefix.lower()) for name in names):
        yield "begins:all"
        if any(not name.startswith(prefix) for name in names):
            yield "case:mixed"
    yield f"next:{''.join(name[len(prefix) : len(prefix) + 1].lower() for name in names)}"


def _values(row: Mapping[str, Json]) -> Iterator[str]:
    """Yield the values by which `row` can be filtered."""
    for task in row.get("tasks") or ():
        if isinstance(task, str):
            yield f"task:{task}"
    if isinstance(row.get("license"), str):
        yield f"license:{row['license']}"
    for tag in row.get("tags") or ():
        if isinstance(tag, str) and tag.startswith(_TAGS):
            yield tag


def _moments(rows: Sequence[Json]) -> list[str]:
    found = (row.get("last_modified") for row in rows if isinstance(row, dict))
    return [each for each in found if isinstance(each, str) and _MOMENT.fullmatch(each)]


def oldest(facts: Sequence[str]) -> str:
    """Return the oldest change on a page sorted by change; empty: there is none.

    Raises:
        MalformedPage: The page is not in the requested order.
    """
    found = dict(fact.split(":", 1) for fact in facts if fact.startswith(("oldest:", "disorder:")))
    if int(found.get("disorder", 0)) > _DISORDER:
        raise MalformedPage(sentence("the hub does not list the newest changes first"))
    return found.get("oldest", "")


def fate(page: Page) -> Fate:
    """Return what ``GET /openapi/v1/models/{owner}/{name}`` says about a model."""
    try:
        answer = msgspec.json.decode(page.body, type=_Answer)
    except UNREADABLE:
        return Fate("unknown")
    if page.status == _NOT_FOUND:
        return Fate("gone", stored("deleted or private")) if not answer.success else Fate("unknown")
    key, found = page.request.id.partition(" ")[2], known_id(answer.data)
    if not answer.success or not is_id(found):
        return Fate("unknown")
    return Fate("listed") if found == key else Fate("gone", "renamed", found)


def description(page: Page) -> str | None:
    """Return the description of a single model, or the first paragraph of its README."""
    try:
        answer = msgspec.json.decode(page.body, type=_Answer)
    except UNREADABLE:
        return None
    data = answer.data if isinstance(answer.data, dict) else {}
    for text in (data.get("description"), first_paragraph(str(data.get("readme") or ""))):
        if isinstance(text, str) and text.strip():
            return text.strip()
    return None


class _Tag(msgspec.Struct, rename="pascal"):
    revision: str
    created_at: int | str = 0


class _RevisionMap(msgspec.Struct, rename="pascal"):
    tags: list[_Tag] | None = None


class _Revisions(msgspec.Struct, rename="pascal"):
    revision_map: _RevisionMap


class _RevisionsAnswer(msgspec.Struct, rename="pascal"):
    data: _Revisions


def version(page: Page) -> str | None:
    """Return the newest tag in ``Data.RevisionMap.Tags``, by ``CreatedAt``; None: there is none."""
    try:
        answer = msgspec.json.decode(page.body, type=_RevisionsAnswer)
    except UNREADABLE:
        return None
    tags = answer.data.revision_map.tags or []
    newest = max(tags, key=lambda tag: (str(tag.created_at).zfill(32), tag.revision), default=None)
    return newest.revision if newest else None
