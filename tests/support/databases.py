"""What an index holds, as a reader sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.history import index as indexes

if TYPE_CHECKING:
    from archiver.history.catalogue import Catalogue

VIEWS = ("captures", "records", "latest", "changes", "metrics", "all_changes", "field_counts")


def tables(catalogue: Catalogue) -> dict[str, list[Any]]:
    """Return the rows of every view, and those that only `archiver show` reads."""
    place = indexes.storage(catalogue)
    assert place is not None
    seal = place.seal()
    assert seal is not None
    queries = {name: f"SELECT * FROM {name}" for name in VIEWS}
    queries["values"] = (
        "SELECT keys.key, fields.name, fields.role, capture, value, json, counts FROM value_rows "
        "JOIN keys ON keys.id = value_rows.key JOIN fields ON fields.id = value_rows.field"
    )
    queries["ends"] = (
        "SELECT keys.key, capture, kind, cause FROM change_rows "
        "JOIN keys ON keys.id = change_rows.key WHERE field IS NULL"
    )
    with place.opened(seal) as database:
        return {name: sorted(map(repr, database.execute(query))) for name, query in queries.items()}
