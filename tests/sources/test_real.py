"""The four real catalogues, described as in docs/sources.md, have the numbers known of them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from archiver.sources import create
from archiver.sources.listing import Listing, fetch
from archiver.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archiver.records.model import Json

CATALOGUES: dict[str, dict[str, Json]] = {
    "cisa-kev-all": {
        "url": "known_exploited_vulnerabilities.json",
        "records": "vulnerabilities",
        "key": "cveID",
        "total": "count",
    },
    "genai-prices-all": {"url": "data.json", "records": ".[].models", "key": ["^.id", "id"]},
    "khavel-all": {"url": "models.json", "records": "models", "key": "id"},
    "radar-index-all": {"url": "index.json", "records": "entries", "key": "slug"},
}


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_real_catalogue_is_listed_whole(
    name: str, real: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--branch=main", str(real / f"{name}.bundle"), "clone")
    source = create(name, {"type": "json", **CATALOGUES[name]}, base=tmp_path / "clone")
    with Transport() as transport:
        listing = fetch(source, transport, key=())
    assert isinstance(listing, Listing)
    with (real / f"{name}.expected.tsv").open() as file:
        *_, newest = csv.DictReader(file, delimiter="\t")
    assert (len(listing.lines), listing.bad) == (int(newest["records"]), ())
