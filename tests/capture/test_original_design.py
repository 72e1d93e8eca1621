"""The original design's own files: imported, compared, and continued by the hub itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from support.commandline import run_archiver
from support.git import run_git
from support.hubs import Archive

from archiver import ModelScopeWatcher, clock
from archiver import config as configuration
from archiver.capture.verify import Audit
from archiver.changes.lifecycle import read_tombstones
from archiver.cli import archiver
from archiver.errors import SnapshotRejected
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history.catalogue import configured
from archiver.history.log import log
from archiver.jobs.job import Job
from archiver.records.model import Rename
from archiver.sources.model_record import size_in_bytes
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

FIRST, SECOND = (f"modelscope_models_20260129_{time}.json" for time in ("154733", "154800"))


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(60)
    with FakeHub(hub=hub) as server:
        made = Archive(repo, server, hub)
        made.configure("modelscope", scope="all")
        yield made


def write(folder: Path, name: str, models: list[dict[str, Any]]) -> None:
    """Write a snapshot file as the original design shows it."""
    folder.mkdir(exist_ok=True)
    head = {"timestamp": "2026-01-29 15:47:33", "total_models": len(models)}
    (folder / name).write_text(json.dumps({**head, "models": models}, indent=2))


def model(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "category": "text-to-image", "size": "4.5GB", "version": "1.0", **fields}


def imported(repo: Path, folder: Path) -> Result:
    return CliRunner().invoke(archiver, ["import", str(folder), "--repo", str(repo)])


def record(repo: Path, key: str) -> dict[str, Any]:
    (latest,) = repo.glob("data/*/latest.json")
    text = latest.read_text("utf-8")
    rows = {next(iter(row.values())): row for row in json.loads(text)["models"]}
    found: dict[str, Any] = rows[key]
    return found


def test_its_folder_is_imported_and_its_files_are_compared(repo: Path, tmp_path: Path) -> None:
    (repo / "archiver.toml").write_text('[sources.modelscope]\ntype = "modelscope"\n')
    folder = tmp_path / "models_snapshot"
    write(folder, FIRST, [model("sd_xl_turbo"), model("gone")])
    write(folder, SECOND, [model("sd_xl_turbo", size="5GB"), model("fresh", size="850MB")])
    write(folder, "latest.json", [model("sd_xl_turbo", size="5GB")])
    done = imported(repo, folder)
    assert done.exit_code == 0, done.output
    assert "modelscope: imported 2 snapshots (2 models)" in done.output
    assert record(repo, "sd_xl_turbo")["size"] == 5_000_000_000
    assert next(iter(record(repo, "fresh"))) == "name"
    watcher = ModelScopeWatcher(repo=repo)
    changes = watcher.compare_snapshots(snapshot1=FIRST, snapshot2=SECOND)
    assert [each["name"] for each in changes["new"]] == ["fresh"]
    assert [each["name"] for each in changes["removed"]] == ["gone"]
    (updated,) = changes["updated"]
    assert (updated.key, updated.changes[0].new) == ("sd_xl_turbo", 5_000_000_000)
    told: list[str] = []
    watcher.notify_updates(changes, out=told.append)
    assert told[1:] == ["  new: fresh", "  removed: gone", "  updated: sd_xl_turbo"]
    with Repository.open(repo) as repository:
        config = configuration.discover(repo, {})
        assert [*Audit(configured(config, None, repository)).problems()] == []


def test_one_of_its_files_and_its_import_are_the_same(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "models_snapshot"
    write(folder, FIRST, [model("sd_xl_turbo")])
    imported(archive.folder, folder)
    watcher = ModelScopeWatcher(repo=archive.folder)
    assert watcher.compare_snapshots(str(folder / FIRST), "HEAD").summary.news == 0


def test_records_with_and_without_an_id_are_keyed_each_by_what_they_have(
    archive: Archive, tmp_path: Path
) -> None:
    models = [model("b", id="o/b"), model("a", id=None), model("c"), {"size": "1GB"}]
    write(tmp_path / "old", FIRST, models)
    done = imported(archive.folder, tmp_path / "old")
    assert "imported 1 snapshot (3 models)" in done.output
    assert "left out, no usable record: /models/3 (no key: id is absent)" in done.output
    assert {record(archive.folder, key)["name"] for key in ("a", "o/b", "c")} == {"a", "b", "c"}


def test_its_file_in_another_repository_is_imported(archive: Archive, tmp_path: Path) -> None:
    past = tmp_path / "past"
    write(past, "latest.json", [model("sd_xl_turbo")])
    run_git(past, "init", "--quiet")
    run_git(past, "add", ".")
    run_git(past, "commit", "--quiet", "-m", "Snapshot")
    command = ["import", str(past), "--file", "latest.json", "--repo", str(archive.folder)]
    done = CliRunner().invoke(archiver, command)
    assert "imported 1 snapshot (1 model)" in done.output
    assert record(archive.folder, "sd_xl_turbo")["size"] == 4_500_000_000


def test_an_import_that_leaves_everything_out_fails(archive: Archive, tmp_path: Path) -> None:
    write(tmp_path / "old", FIRST, [{"title": "a"}])
    write(tmp_path / "old", SECOND, [{"title": "a"}])
    done = imported(archive.folder, tmp_path / "old")
    assert done.exit_code == 5
    assert "nothing was imported: 2 versions left out" in done.output
    assert done.output.count("no key: id is absent") == 2


def test_an_import_that_leaves_some_out_counts_them(archive: Archive, tmp_path: Path) -> None:
    write(tmp_path / "old", FIRST, [model("a")])
    write(tmp_path / "old", SECOND, [{"title": "a"}])
    done = imported(archive.folder, tmp_path / "old")
    assert done.exit_code == 0
    assert "hub: imported 1 snapshot (1 model); 1 left out" in done.output


@pytest.mark.parametrize("scope", ["all", "top"])
def test_the_first_listing_afterwards_names_possible_renames(
    archive: Archive, tmp_path: Path, scope: str
) -> None:
    archive.configure("modelscope", scope=scope)
    keys = sorted(archive.hub.truth())
    twice = f"other/{keys[0].partition('/')[2]}"
    archive.hub.rename(keys[1], twice)
    names = [key.partition("/")[2] for key in keys if key != keys[1]]
    write(tmp_path / "old", FIRST, [*map(model, names), model("never-seen")])
    assert imported(archive.folder, tmp_path / "old").exit_code == 0
    report = archive.run()
    assert (report.summary.renamed, report.summary.removed) == (58, 0)
    assert report.summary.new + report.summary.entered == 2  # those of one name
    assert [note for note in report.notes if note.startswith("possible rename: 58 models: ")]
    (first, *_) = read_tombstones(
        run_git(archive.folder, "show", "HEAD:data/hub/removed.jsonl").encode()
    ).values()
    assert first.reason == f"possible rename to {first.now}"
    assert first.now.endswith(f"/{first.key}")
    changes = ModelScopeWatcher(repo=archive.folder).compare_snapshots()
    assert len(changes["renamed"]) == 58
    assert Rename(names[1], keys[2]) in changes["renamed"]
    (entry, _) = log(configured(archive.config, "hub", Repository.open(archive.folder)))
    assert entry.summary is not None
    assert entry.summary.renamed == 58
    command = ["compare", "--repo", str(archive.folder)]
    assert (
        f"= {names[1]} → {keys[2]} (possible rename)"
        in CliRunner().invoke(archiver, command).output
    )
    again = archive.run()
    assert again.summary.renamed == 0
    assert archive.run().summary.news == 0
    assert archive.listed() >= archive.hub.truth()


@pytest.mark.parametrize("scope", ["all", "top"])
def test_a_turnover_after_an_import_is_refused(
    archive: Archive, tmp_path: Path, scope: str
) -> None:
    archive.configure("modelscope", scope=scope)
    write(tmp_path / "old", FIRST, [model("sd_xl_turbo"), model("never-seen")])
    assert imported(archive.folder, tmp_path / "old").exit_code == 0
    before = run_git(archive.folder, "rev-parse", "HEAD")
    with pytest.raises(SnapshotRejected, match=r"2 of (the )?2 (imported )?records"):
        archive.run()
    assert run_git(archive.folder, "rev-parse", "HEAD") == before


def test_a_source_that_was_imported_has_not_run_yet(archive: Archive, tmp_path: Path) -> None:
    names = [key.partition("/")[2] for key in archive.hub.truth()]
    write(tmp_path / "old", FIRST, [*map(model, names)])
    imported(archive.folder, tmp_path / "old")
    command = ["status", "--max-age", "36h", "--repo", str(archive.folder)]
    asked = CliRunner().invoke(archiver, command)
    assert asked.exit_code == 1
    assert asked.output.startswith("hub: NOT RUN YET\n  last good run  never\n")
    assert "  imported       up to 2026-01-29 15:47:33 UTC; nothing has run since\n" in asked.output
    assert "of a clone" not in asked.output
    document = json.loads(CliRunner().invoke(archiver, [*command, "-f", "json"]).output)
    (hub,) = document["sources"]
    assert (hub["imported"], hub["stale"]) == ("2026-01-29 15:47:33", False)
    Job().run(archive.config, "hub", clock=clock.now)
    assert CliRunner().invoke(archiver, command).output.startswith("hub: ok\n")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4.5GB", 4_500_000_000),
        ("4.5 GB", 4_500_000_000),
        ("850MB", 850_000_000),
        ("1.2GiB", 1_288_490_189),
        ("1.5 TB", 1_500_000_000_000),
        ("12kB", 12_000),
        ("12KB", 12_000),
        ("12 KiB", 12_288),
        ("7 B", "7 B"),  # parameters, or bytes
        ("1024", 1024),
        (" 4.5GB ", 4_500_000_000),
        ("1024.5", "1024.5"),
        ("4.5 Gb", "4.5 Gb"),
        ("4,5 GB", "4,5 GB"),
        ("~4 GB", "~4 GB"),
        ("4-5 GB", "4-5 GB"),
        ("-1 GB", "-1 GB"),
        ("7B", "7B"),
        ("7M", "7M"),
        ("unknown", "unknown"),
        ("", ""),
        ("\u0661GB", "\u0661GB"),
        ("9" * 15 + "PB", "9" * 15 + "PB"),
        ("9" * 10_000 + "B", "9" * 10_000 + "B"),
    ],
)
def test_a_size_in_words_becomes_bytes_and_nothing_is_guessed(text: str, size: int | str) -> None:
    assert size_in_bytes(text) == size


def test_a_file_that_holds_fewer_models_than_it_announces_is_left_out(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    for day, total, names in (("01", 2, "ab"), ("02", 2, "a"), ("03", 2, "ac")):
        models = [{"name": name} for name in names]
        document = {"timestamp": "", "total_models": total, "models": models}
        path = folder / f"modelscope_models_202501{day}_120000.json"
        path.write_text(json.dumps(document))
    repo = tmp_path / "archive"
    assert run_archiver("init", repo, "--type", "modelscope").returncode == 0
    done = run_archiver("import", folder, "--repo", repo)
    assert (done.returncode, "announces 2 models and holds 1" in done.stderr) == (0, True)
    assert len(run_archiver("log", "--repo", repo).stdout.splitlines()) == 2
