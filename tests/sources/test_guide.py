"""What docs/sources.md shows is true: its configurations load, its example source runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.misbehaviour import plain

from archiver.config import parse
from archiver.errors import MalformedPage
from archiver.records.model import Line
from archiver.sources import create
from archiver.sources.listing import Listing, fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.misbehaviour import Server

    from archiver.transport import Transport

GUIDE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")


def shown(language: str, mark: str) -> str:
    """Return the one block of the guide in this language that holds `mark`."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    (block,) = (each for each in blocks if mark in each)
    return block


CATALOGUES = shown("toml", "[sources.kev]")
HUB = shown("toml", "[sources.modelscope]")
IDS = shown("toml", "[sources.pins]")
INSTALLED_TABLE = shown("toml", "[sources.installed]")
SHOP_TABLE = shown("toml", "[sources.shop]")
EXAMPLE = shown("python", "class Installed(Source)")
SHOP = shown("python", "class ShopWatcher")

INSTALLED = {
    "name": "llama3:latest",
    "model": "llama3:latest",
    "modified_at": "2026-01-29T15:47:33.706015396-07:00",
    "size": 3826793677,
    "digest": "fe938a131f40e6f6d40083c9f0f430a515233eb2edaa6d72eb85c50d64f2300e",
    "details": {"family": "llama", "parameter_size": "8B"},
}


def test_the_real_catalogues_are_described_as_shown(tmp_path: Path) -> None:
    config = parse(CATALOGUES.encode(), tmp_path / "archiver.toml", {})
    keys = {name: source.key for name, source in config.sources.items()}
    assert keys == {
        "kev": ("cveID",),
        "prices": ("^.id", "id"),
        "khavel": ("id",),
        "radar": ("slug",),
    }
    for name, source in config.sources.items():
        create(name, source.settings, base=tmp_path)


def test_a_hub_needs_nothing_but_its_type(tmp_path: Path) -> None:
    hub = parse(HUB.encode(), tmp_path / "archiver.toml", {}).source("modelscope")
    assert (hub.key, hub.sets) == (("id",), ("tags", "tasks"))
    assert hub.metrics == ("downloads", "likes", "last_modified")


def test_exact_ids_are_configured_as_shown(tmp_path: Path) -> None:
    pins = parse(IDS.encode(), tmp_path / "archiver.toml", {}).source("pins")
    assert pins.settings["ids"] == ["Qwen/Qwen3-8B", "org/model"]


@pytest.mark.parametrize("name", ["dependencies", "frontend", "tools", "ollama"])
def test_registries_are_configured_as_shown(tmp_path: Path, name: str) -> None:
    table = shown("toml", f"[sources.{name}]")
    sources = parse(table.encode(), tmp_path / "archiver.toml", {}).sources
    for source in sources.values():
        create(source.name, source.settings, base=tmp_path)


def test_a_class_of_ones_own_is_archived_as_shown(
    repo: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "archiver.toml").write_text("")
    monkeypatch.chdir(repo)
    exec(SHOP, {"__name__": "shop"})
    assert git(repo, "show", "HEAD:data/shop/latest.json").splitlines()[-3] == (
        '{"sku":"a-1","price":3}'
    )
    assert (repo / "archiver.toml").read_text("utf-8").startswith(SHOP_TABLE)


def test_the_example_has_30_lines_of_code() -> None:
    code = [line for line in EXAMPLE.splitlines() if line.strip()]
    assert len(code) <= 30


def listed(server: Server, transport: Transport, folder: Path, body: bytes) -> Listing:
    (folder / "installed.py").write_text(EXAMPLE, "utf-8")
    url = server.says("/api/tags", plain(body)).removesuffix("/api/tags")
    table = f'{INSTALLED_TABLE}url = "{url}"\n'
    config = parse(table.encode(), folder / "archiver.toml", {}).source("installed")
    source = create("installed", config.settings, base=folder)
    listing = fetch(source, transport, key=config.key)
    assert isinstance(listing, Listing)
    return listing


def test_the_example_archives_a_local_ollama(
    server: Server, transport: Transport, tmp_path: Path
) -> None:
    listing = listed(server, transport, tmp_path, json.dumps({"models": [INSTALLED]}).encode())
    line = (
        b'{"name":"llama3:latest",'
        b'"digest":"fe938a131f40e6f6d40083c9f0f430a515233eb2edaa6d72eb85c50d64f2300e",'
        b'"modified_at":"2026-01-29T15:47:33.706015396-07:00","size":3826793677}'
    )
    assert list(listing.lines) == [Line("llama3:latest", line)]
    assert listing.proof.end == "the only page"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"models":null}', b'{"models":[{}]}'])
def test_the_example_refuses_what_is_no_listing(
    server: Server, transport: Transport, tmp_path: Path, body: bytes
) -> None:
    with pytest.raises(MalformedPage, match=r"^tags: "):
        listed(server, transport, tmp_path, body)
