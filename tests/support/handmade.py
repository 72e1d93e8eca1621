"""A small site whose data files are written by hand: what its script needs, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

from support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
_FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}"><title>x</title>
<link rel="stylesheet" href="{root}assets/site.css">
<script src="{root}assets/site.js" defer></script></head>
<body data-root="{root}" data-source="hub/" data-page="{kind}">
<main id="main"{attributes}>{main}</main></body></html>
"""
CATALOGUE = """<form id="filters" role="search"><input id="words" type="search"></form>
<p id="count" role="status"></p>
<details id="columns" class="pending"><summary>Columns</summary></details>
<details class="pending filters"><summary>Filters</summary><div id="facets"></div></details>
<div class="table"><table id="records"><thead><tr><th scope="col">id</th></tr></thead>
<tbody></tbody></table></div><button id="more" type="button" hidden></button>"""
RECORD = '<div id="record"><h1>A model</h1></div>'
COMPARE = """<form id="ends" hidden><select id="from"></select><select id="to"></select>
<button id="swap" type="button">Swap</button></form><div id="result" aria-live="polite"></div>"""
KINDS = ("new", "removed", "returned", "renamed", "entered", "left", "updated", "metrics")


def field(name: str, kind: str = "text", **flags: bool) -> dict[str, Any]:
    """Return a column of the catalogue as the index names it."""
    usual = {"metric": False, "facet": False, "shown": True, "quantity": True}
    return {"name": name, "kind": kind, **usual, **flags}


class HandMade:
    """Writes pages and data.

    Attributes:
        folder: The site.
    """

    def __init__(self, folder: Path) -> None:
        """Write the script and the stylesheet."""
        self.folder = folder
        for name in ("site.js", "site.css"):
            file = folder / "assets" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes((CHECKOUT / "templates" / name).read_bytes())

    def page(self, name: str, kind: str, main: str, *, key: str = "") -> str:
        """Write a page; return its address."""
        file = self.folder / "hub" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        attributes = f' data-key="{key}"' if key else ""
        root = "../" * (name.count("/") + 1)
        file.write_text(
            _FRAME.format(policy=POLICY, root=root, kind=kind, attributes=attributes, main=main)
        )
        return file.as_uri()

    def data(self, name: str, value: Any) -> Path:
        """Write a data file."""
        file = self.folder / "hub" / "data" / f"{name}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"archiver({json.dumps(name)},{json.dumps(value)});\n")
        return file

    def index(self, captures: int = 1, **more: Any) -> None:
        """Write the index: a capture a day, one file of records."""
        days = [f"2026-03-{day:02}" for day in range(1, captures + 1)]
        usual = {
            "version": "0",
            "source": "hub",
            "title": "hub",
            "noun": ["model", "models"],
            "counted": ["{number} model", "{number} models"],
            "captures": {
                "timestamp": [f"{day} 02:00:00" for day in days],
                "page": [f"{day.replace('-', '')}_020000" for day in days],
                "revision": ["0" * 40 for _ in days],
                "total": [10 for _ in days],
                "status": ["ok" for _ in days],
                **{kind: [None for _ in days] for kind in KINDS},
            },
            "fields": [],
            "records": 0,
            "first": "id",
            "link": {"before": "https://hub.example/", "after": ""},
            "links": False,
            "labels": False,
            "buckets": 1,
            "eras": [],
            "metrics": [],
        }
        self.data("index", usual | more)

    def catalogue(
        self,
        keys: Sequence[str],
        columns: Mapping[str, tuple[dict[str, Any], Any]],
        **more: Any,
    ) -> str:
        """Write a catalogue; return the address of its page.

        Args:
            keys: Its keys, in order.
            columns: Name of a field to what the index says of it, and its data.
            more: What else the index says.
        """
        fields = [described for described, _ in columns.values()]
        self.index(fields=fields, records=len(keys), **more)
        self.data("columns/key", keys)
        for place, (_, values) in enumerate(columns.values()):
            self.data(f"columns/{place}", values)
        return self.page("catalogue.html", "catalogue", CATALOGUE)

    def lives(self, lives: Mapping[str, Any], buckets: int = 1) -> None:
        """Write the files of records."""
        for bucket in range(buckets):
            part = {
                key: life
                for key, life in lives.items()
                if crc32(key.encode()) & (buckets - 1) == bucket
            }
            self.data(f"records/{bucket}", part)
