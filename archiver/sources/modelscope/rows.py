"""Rows of ModelScope's documented listing as records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archiver.records.model import Bad
from archiver.sources.model_record import model_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Json, Record

_LIBRARY = "library:"
_LONGEST_ID = 512


class Row(msgspec.Struct):
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


def records(rows: Iterable[Json], place: str) -> Iterator[Record | Bad]:
    """Yield the record of each row of the documented listing, or why it is none."""
    for number, row in enumerate(rows):
        try:
            yield _record(msgspec.convert(row, Row))
        except (msgspec.ValidationError, ValueError) as error:
            yield Bad(f"{place}/{number}", str(error), known_id(row))


def known_id(row: Json) -> str:
    """Return the id of a row, if it has a usable one; else an empty text."""
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) and is_id(found) else ""


def is_id(text: str) -> bool:
    """Say whether `text` is ``owner/name``."""
    owner, slash, name = text.partition("/")
    return bool(owner and slash and name) and "/" not in name and len(text) <= _LONGEST_ID


def _record(row: Row) -> Record:
    if not is_id(row.id):
        raise ValueError(f"the id {row.id[:80]!r} is not owner/name")
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
