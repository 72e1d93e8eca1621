"""The pages of the npm registry's replication feed, a part of CouchDB's API.

Since 2025 the feed serves neither documents nor an ``update_seq`` with a page: the root of the
database tells both numbers that a listing needs, how many packages there are and how many changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from archiver.language import sentence, stored
from archiver.sources.documents import decoded, known, refused
from archiver.sources.protocol import Parsed

if TYPE_CHECKING:
    from archiver.records.model import Record
    from archiver.transport import Page

_DESIGN: Final = "_design/"
"""Documents of the database that are no packages."""


class Root(msgspec.Struct):
    """The database: how many packages it has, and the number of its newest change."""

    doc_count: int
    update_seq: int


class _Rev(msgspec.Struct):
    rev: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,15}-")]


class _Row(msgspec.Struct):
    id: str
    value: _Rev


class _Names(msgspec.Struct):
    total_rows: int
    rows: list[_Row]


class _Change(msgspec.Struct):
    seq: int
    id: str
    changes: tuple[_Rev]
    deleted: bool = False


class _Changes(msgspec.Struct):
    last_seq: int
    results: list[_Change]


def names(page: Page, start: str) -> Parsed:
    """Return the names after `start`, which begins the page; a page with no other is the last.

    The fact is the last name.
    """
    found = decoded(page, _Names)
    new = [row for row in found.rows if row.id != start]
    records = [_record(row.id, row.value) for row in new if not row.id.startswith(_DESIGN)]
    last = new[-1].id if new else ""
    end = "" if new else stored("a page without another name")
    return Parsed(records, total=found.total_rows, facts=(last,), end=end)


def changes(page: Page, since: int, newest: int) -> Parsed:
    """Return the packages that changed after `since`, each as its newest change on the page has it.

    What changes meanwhile has a number beyond `newest`, and comes next time. The facts are the
    number that is reached, and how many packages were deleted.
    """
    found = decoded(page, _Changes)
    numbers = [since, *(change.seq for change in found.results)]
    if numbers != sorted({*numbers}) or found.last_seq < numbers[-1]:
        raise refused(page, sentence("its changes do not follow number {since}", since=since))
    seen = {each.id: each for each in found.results if each.seq <= newest}.values()
    live = [each for each in seen if not (each.deleted or each.id.startswith(_DESIGN))]
    reached = min(found.last_seq, newest) if found.results else newest
    return Parsed(
        [_record(each.id, *each.changes) for each in live],
        facts=(str(reached), str(sum(each.deleted for each in seen))),
        mark=mark(reached) if found.results else "",
    )


def mark(number: int) -> str:
    """Return the mark of a change, which sorts as its number does."""
    return f"{number:020}"


def _record(name: str, rev: _Rev) -> Record:
    return known(name=name, revision=int(rev.rev.partition("-")[0]))
