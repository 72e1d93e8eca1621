"""Snapshots as the original design wrote them, imported into the source of a hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.hubs import Archive

from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.sources.model_record import size_in_bytes
from archiver.watcher import ModelScopeWatcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND = (
    f"modelscope_models_{time}.json" for time in ("20260129_154733", "20260130_154800")
)
RECORD = {"category": "text-to-image", "size": "4.5GB", "downloads": 1, "version": "1.0"}


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(60)
    with FakeHub(hub=hub) as server:
        found = Archive(repo, server, hub)
        text = f'[sources.modelscope]\ntype = "modelscope"\nendpoint = "{server.endpoint}"\n'
        (repo / "archiver.toml").write_text(text)
        yield found


def write(archive: Archive, name: str, *records: dict[str, Any]) -> Path:
    folder = archive.folder / "models_snapshot"
    folder.mkdir(exist_ok=True)
    document = {"timestamp": "x", "total_models": len(records), "models": records}
    (folder / name).write_text(json.dumps(document))
    return folder


def test_names_are_keys_sizes_are_bytes_and_the_first_listing_knows_the_models(
    archive: Archive,
) -> None:
    listed = sorted(archive.hub.truth())
    names = [key.partition("/")[2] for key in listed[:4]]
    write(archive, FIRST, *({"name": name, **RECORD} for name in names[:3]))
    folder = write(archive, SECOND, *({"name": name, **RECORD} for name in (*names, "gone_1.0")))
    done = run_archiver("import", folder, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (0, "modelscope: imported 2 snapshots (5 models)\n")
    watcher = ModelScopeWatcher(repo=archive.folder)
    changes = watcher.compare_snapshots(snapshot1=FIRST, snapshot2=SECOND)
    assert {each["id"] for each in changes["new"]} == {names[3], "gone_1.0"}
    assert watcher.search_models("gone")[0]["size"] == 4_500_000_000
    report = watcher.take_snapshot()
    assert (report.summary.renamed, report.summary.removed, report.summary.left) == (4, 0, 1)
    assert [note for note in report.notes if note.startswith("4 possible renames")]
    assert watcher.compare_snapshots()["renamed"][0].new in listed
    assert watcher.take_snapshot().outcome == "unchanged"


def test_an_import_that_leaves_everything_out_fails_and_one_that_leaves_some_says_how_many(
    archive: Archive,
) -> None:
    folder = write(archive, FIRST, {"title": "nothing"})
    done = run_archiver("import", folder, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (5, "")
    assert "nothing was imported, 1 left out" in done.stderr
    write(archive, SECOND, {"name": "a", **RECORD})
    done = run_archiver("import", folder, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (
        0,
        "modelscope: imported 1 snapshot (1 model); 1 left out\n",
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("4.5GB", 4_500_000_000),
        ("4.5 GB", 4_500_000_000),
        ("850MB", 850_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("12 b", 12),
        ("3kB", 3_000),
        (7, 7),
        (None, None),
        ("large", "large"),
        ("4.5", "4.5"),
        ("-1GB", "-1GB"),
        ("1e9 B", "1e9 B"),
        ("9" * 40 + "GB", "9" * 40 + "GB"),
        ("GB", "GB"),
    ],
)
def test_a_size_in_words_becomes_bytes_and_nothing_is_guessed(size: Any, expected: Any) -> None:
    assert size_in_bytes(size) == expected
