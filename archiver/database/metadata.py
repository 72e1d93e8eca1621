"""What Datasette tells people about an exported file: titles, descriptions, facets.

https://docs.datasette.io/en/stable/metadata.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from archiver.database.sqlite_file import TABLES, VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.database.sqlite_file import Wanted, Written

_FACETS: Final = {
    "captures": ("status", "proof"),
    "changes": ("kind", "field"),
    "metrics": ("field",),
    "runs": ("outcome",),
    "removed": ("kind", "cause"),
    "license_changes": ("new",),
    "all_changes": ("kind", "field"),
}
_NEWEST_FIRST: Final = {"captures": "capture", "changes": "capture", "runs": "timestamp"}
_LATEST: Final = "The records of the newest capture"


def datasette(database: str, source: str, written: Written, wanted: Wanted) -> str:
    """Return the text of a ``metadata.yaml`` for the file called `database`, without its suffix."""
    tables: dict[str, Any] = {
        "latest": {
            "description": _LATEST,
            "columns": {each.name: each.about for each in written.latest},
            **_facets(
                each.name
                for each in written.latest
                if each.name in wanted.columns and each.type in ("text", "flag")
            ),
        }
    }
    for name, table in TABLES.items():
        tables[name] = {
            "description": table.about,
            "columns": {each.name: each.about for each in table.columns},
            **_facets(iter(_FACETS.get(name, ()))),
        }
        if name in _NEWEST_FIRST:
            tables[name]["sort_desc"] = _NEWEST_FIRST[name]
    for name, about in VIEWS.items():
        tables[name] = {"description": about, **_facets(iter(_FACETS.get(name, ())))}
    content = {
        "title": f"History of {source}",
        "description": "What was in the catalogue, and what changed. All times are UTC.",
        "databases": {
            database: {"description": f"The history of {source} up to the newest capture"}
            | {"tables": tables}
        },
    }
    return "".join(f"{line}\n" for line in _lines(content, ""))


def _facets(names: Iterator[str]) -> dict[str, list[str]]:
    found = [*names]
    return {"facets": found} if found else {}


_Yaml: TypeAlias = "Mapping[str, Any]"


def _lines(content: _Yaml, margin: str) -> Iterator[str]:
    """Yield the lines of a mapping in YAML, of which JSON's strings and lists are a part."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield f"{margin}{_scalar(name)}:"
            yield from _lines(value, f"{margin}  ")
        else:
            yield f"{margin}{_scalar(name)}: {_scalar(value)}"


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
