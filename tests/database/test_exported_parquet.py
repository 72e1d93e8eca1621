"""`archiver export --parquet` keeps a folder that grows with the history, always the same."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Ran

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

TABLES = {"captures", "records", "changes", "metrics", "tombstones", "runs"}


@pytest.fixture
def archive(repo: Path) -> History:
    history = History(repo)
    history.configure(metrics=("n",))
    history.capture("2026-01-30T12:00:00Z", a=1, b=1)
    history.capture("2026-01-31T12:00:00Z", a=2, b=1)
    history.capture("2026-02-01T12:00:00Z", a=2, c=1)
    return history


def exported(archive: History, folder: Path, *options: object) -> Ran:
    return run_archiver("export", "--repo", archive.folder, "--parquet", folder, *options)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fresh(archive: History, folder: Path) -> dict[str, str]:
    assert exported(archive, folder).returncode == 0
    return digests(folder)


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((folder / f"table={table}").rglob("*.parquet"))
    return [row for file in files for row in parquet.ParquetFile(file).read().to_pylist()]


def at(day: int, month: int = 1) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def test_every_table_has_typed_rows_by_key(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    done = exported(archive, lake)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("hub: 10 of 10 files written, ")
    assert {path.name.removeprefix("table=") for path in lake.glob("table=*")} == TABLES
    assert [(row["capture"], row["timestamp"]) for row in rows(lake, "captures")] == [
        (1, at(30)),
        (2, at(31)),
        (3, at(1, 2)),
    ]
    assert rows(lake, "records") == [
        {"key": "a", "valid_from": at(30), "from_capture": 1, "record": '{"id":"a"}'},
        {"key": "b", "valid_from": at(30), "from_capture": 1, "record": '{"id":"b"}'},
        {"key": "b", "valid_from": at(1, 2), "from_capture": 3, "record": None},
        {"key": "c", "valid_from": at(1, 2), "from_capture": 3, "record": '{"id":"c"}'},
    ]
    metrics = [
        (row["key"], row["capture"], row["value"], row["counts"]) for row in rows(lake, "metrics")
    ]
    assert metrics == [
        ("a", 1, 1.0, False),
        ("a", 2, 2.0, True),
        ("b", 1, 1.0, False),
        ("b", 3, None, False),
        ("c", 3, 1.0, False),
    ]


def test_a_later_export_only_writes_what_is_new(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    before = fresh(archive, lake)
    stood = {path: (lake / path).stat().st_mtime_ns for path in before if "2026-01" in path}
    archive.capture("2026-02-02T12:00:00Z", a=3, c=1)
    done = exported(archive, lake)
    assert done.stderr.startswith("hub: 4 of 10 files written, ")
    after = digests(lake)
    assert {path: (lake / path).stat().st_mtime_ns for path in stood} == stood
    assert after == fresh(archive, tmp_path / "other")
    replaced = {path for path in before if "month=2026-02" in path}
    assert len(replaced) == 4
    assert not replaced & after.keys()
    assert exported(archive, lake).stderr.startswith("hub: 0 of 10 files written, ")


def test_an_index_of_several_processes_gives_the_same_bytes(
    archive: History, tmp_path: Path
) -> None:
    for number in range(40):
        archive.capture(
            f"2026-03-01T{number // 60:02}:{number % 60:02}:00Z", a=number, b=number % 7
        )
    assert run_archiver("index", "--repo", archive.folder, "--jobs", "2").returncode == 0
    several = fresh(archive, tmp_path / "several")
    assert run_archiver("index", "--repo", archive.folder, "--rebuild").returncode == 0
    assert several == fresh(archive, tmp_path / "one")


def test_the_manifest_names_every_file(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    found = fresh(archive, lake)
    del found["manifest.json"]
    manifest = json.loads((lake / "manifest.json").read_text())
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == found
    assert manifest["commit"] == archive.git("rev-parse", "HEAD").strip()
    assert (manifest["source"], manifest["schema"], manifest["captures"]) == ("hub", 1, 3)
    assert manifest["rows"] == {name: len(rows(lake, name)) for name in TABLES}


def test_damaged_and_lost_files_are_written_again(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    before = fresh(archive, lake)
    first, second, *_ = sorted(path for path in before if path.endswith(".parquet"))
    (lake / first).unlink()
    content = (lake / second).read_bytes()
    (lake / second).write_bytes(b"\0" * len(content))
    assert exported(archive, lake).stderr.startswith("hub: 2 of 10 files written, ")
    assert digests(lake) == before


def test_rewritten_history_is_written_anew_where_it_differs(
    archive: History, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    before = fresh(archive, lake)
    archive.git("reset", "--quiet", "--hard", "HEAD~1")
    archive.capture("2026-02-01T18:00:00Z", a=7, d=1)
    done = exported(archive, lake)
    assert "held another history; what differs is written again" in done.stderr
    after = digests(lake)
    assert {path for path in before if "2026-01" in path} <= after.keys()
    assert after == fresh(archive, tmp_path / "other")


def test_another_metric_writes_everything_anew(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    fresh(archive, lake)
    done = exported(archive, lake, "--metric", "m")
    assert "held another history" in done.stderr
    assert "hub: 8 of 10 files written" in done.stderr


def test_captures_out_of_order_stand_in_their_own_month(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    archive.capture("2026-01-15T12:00:00Z", a=2, c=5)
    archive.capture("2026-02-03T12:00:00Z", a=9, c=5)
    fresh(archive, lake)
    names = sorted(path.name[:13] for path in (lake / "table=changes").rglob("*.parquet"))
    assert names == ["000001-000004", "000003-000005"]
    january = next((lake / "table=captures").rglob("000001-*.parquet"))
    assert parquet.ParquetFile(january).read()["capture"].to_pylist() == [1, 2, 4]
    assert [row["capture"] for row in rows(lake, "captures")] == [1, 2, 4, 3, 5]


def _foreign(lake: Path) -> None:
    (lake / "table=changes" / "notes.txt").write_text("mine")


def _another_source(lake: Path) -> None:
    shutil.move(lake / "table=runs" / "source=hub", lake / "table=runs" / "source=theirs")


def _another_schema(lake: Path) -> None:
    manifest = json.loads((lake / "manifest.json").read_text()) | {"schema": 99}
    (lake / "manifest.json").write_text(json.dumps(manifest))


def _no_manifest(lake: Path) -> None:
    (lake / "manifest.json").write_text("[]")


def _link(lake: Path) -> None:
    (lake / "table=more").symlink_to(lake.parent)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_foreign, "holds table=changes/notes.txt, which no export wrote"),
        (_another_source, "holds the source theirs, not hub"),
        (_another_schema, "was exported with schema 99; this is schema 1"),
        (_no_manifest, "is no manifest of an export"),
        (_link, "holds table=more, which no export wrote"),
    ],
)
def test_other_folders_are_refused_as_they_are(
    archive: History, tmp_path: Path, harm: Any, words: str
) -> None:
    lake = tmp_path / "lake"
    fresh(archive, lake)
    harm(lake)
    before = digests(lake)
    done = exported(archive, lake)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert digests(lake) == before


def test_two_exports_do_not_meet(archive: History, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    before = fresh(archive, lake)
    descriptor = os.open(lake, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        done = exported(archive, lake)
    finally:
        os.close(descriptor)
    assert (done.returncode, "another export writes to" in done.stderr) == (75, True)
    assert digests(lake) == before


def test_without_pyarrow_one_sentence_says_how_to_get_it(
    archive: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = exported(archive, tmp_path / "lake")
    assert done.returncode == 2
    assert "this needs pyarrow, which is not installed" in done.stderr
    assert "pip install 'snapshot-archiver[parquet]'" in done.stderr
    assert not (tmp_path / "lake").exists()


def test_a_folder_of_others_is_not_touched(archive: History) -> None:
    done = exported(archive, archive.folder)
    assert (done.returncode, "which no export wrote" in done.stderr) == (2, True)
    done = exported(archive, archive.folder / "archiver.toml")
    assert done.returncode == 2
