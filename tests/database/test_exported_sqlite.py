"""`archiver export --sqlite` writes a file that people and Datasette can read as it is."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.histories import LATEST, History, snapshot

from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Ran

STATES: tuple[tuple[dict[str, Any], ...], ...] = (
    (
        {"id": "a", "n": 1, "license": "mit", "size": 7, "text": "a small parrot", "tags": ["x"]},
        {"id": "b", "n": 1, "license": "mit", "size": 2.5, "text": "a large cat", "gated": True},
    ),
    (
        {"id": "a", "n": 5, "license": "apache-2.0", "size": 7, "text": "a small parrot"},
        {"id": "c", "n": 2**60, "text": "parrots", "size": 1},
    ),
    ({"id": "a", "n": 6, "license": "apache-2.0", "size": 7}, {"id": "c", "n": 2**60, "size": 1}),
)


@pytest.fixture
def archive(repo: Path) -> History:
    history = History(repo)
    history.configure(metrics=("n",))
    for day, records in enumerate(STATES, 1):
        content = snapshot(f"2026-03-{day:02} 12:00:00", *records)
        history.commit(f"2026-03-{day:02}T12:00:00Z", {LATEST: content})
    return history


def exported(archive: History, file: Path, *options: object) -> Ran:
    return run_archiver("export", "--repo", archive.folder, "--sqlite", file, *options)


def asked(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_the_tables_are_plain(archive: History, tmp_path: Path) -> None:
    file = tmp_path / "out.db"
    done = exported(archive, file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("hub: 3 captures, ")
    assert asked(file, "SELECT key, valid_from, valid_to FROM records ORDER BY 1, 2") == [
        ("a", "2026-03-01 12:00:00", "2026-03-02 12:00:00"),
        ("a", "2026-03-02 12:00:00", "2026-03-03 12:00:00"),
        ("a", "2026-03-03 12:00:00", None),
        ("b", "2026-03-01 12:00:00", "2026-03-02 12:00:00"),
        ("c", "2026-03-02 12:00:00", "2026-03-03 12:00:00"),
        ("c", "2026-03-03 12:00:00", None),
    ]
    assert asked(file, "SELECT key, first_seen, gone_since FROM keys") == [
        ("a", "2026-03-01 12:00:00", None),
        ("b", "2026-03-01 12:00:00", "2026-03-02 12:00:00"),
        ("c", "2026-03-02 12:00:00", None),
    ]
    assert asked(file, "SELECT key, capture, value, json, counts FROM metrics") == [
        ("a", 1, 1, None, 0),
        ("a", 2, 5, None, 1),
        ("a", 3, 6, None, 1),
        ("b", 1, 1, None, 0),
        ("b", 2, None, None, 0),
        ("c", 2, 2**60, str(2**60), 0),
    ]
    assert asked(
        file, "SELECT capture, key, kind, field, old, new FROM changes WHERE field = 'license'"
    ) == [(2, "a", "updated", "license", '"mit"', '"apache-2.0"')]
    assert asked(file, "PRAGMA foreign_key_check") == []
    assert asked(file, "PRAGMA integrity_check") == [("ok",)]


def test_the_present_records_are_whole(archive: History, tmp_path: Path) -> None:
    exported(archive, tmp_path / "out.db")
    found = asked(tmp_path / "out.db", "SELECT key, record FROM latest")
    assert found == [(each["id"], dump(each).decode()) for each in STATES[-1]]


def test_columns_are_typed_as_their_values(archive: History, tmp_path: Path) -> None:
    file = tmp_path / "out.db"
    history = History(archive.folder)
    records = ({**STATES[0][0], "x": {"y": [1]}}, {**STATES[0][1], "x": {"y": "text"}})
    history.commit("2026-03-04T12:00:00Z", {LATEST: snapshot("2026-03-04 12:00:00", *records)})
    columns = ("n", "size", "text", "gated", "tags", "x.y")
    done = exported(archive, file, *(part for name in columns for part in ("--column", name)))
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(file)) as connection:
        types = {row[1]: row[2] for row in connection.execute("PRAGMA table_info(latest)")}
        cells = connection.execute(
            'SELECT n, size, text, gated, tags, "x.y" FROM latest'
        ).fetchall()
    assert types == {
        "key": "TEXT",
        "n": "INTEGER",
        "size": "NUMERIC",
        "text": "TEXT",
        "gated": "INTEGER",
        "tags": "TEXT",
        "x.y": "TEXT",
        "valid_from": "TEXT",
        "record": "TEXT",
    }
    assert cells == [
        (1, 7, "a small parrot", None, '["x"]', "[1]"),
        (1, 2.5, "a large cat", 1, None, "text"),
    ]


def test_texts_are_searched(archive: History, tmp_path: Path) -> None:
    history = History(archive.folder)
    history.commit("2026-03-04T12:00:00Z", {LATEST: snapshot("2026-03-04 12:00:00", *STATES[0])})
    exported(archive, tmp_path / "out.db", "--fts", "text")
    query = (
        "SELECT key FROM latest WHERE rowid IN "
        "(SELECT rowid FROM latest_fts WHERE latest_fts MATCH 'parrot')"
    )
    assert asked(tmp_path / "out.db", query) == [("a",)]


def test_the_views_answer(archive: History, tmp_path: Path) -> None:
    file = tmp_path / "out.db"
    exported(archive, file, "--column", "size")
    assert asked(file, "SELECT new_since, key, size FROM new_this_week") == [
        ("2026-03-02 12:00:00", "c", 1)
    ]
    assert asked(
        file, "SELECT key, gone_since, kind, json_extract(record, '$.size') FROM removed"
    ) == [("b", "2026-03-02 12:00:00", "removed", 2.5)]
    assert asked(file, "SELECT key, old, new, capture FROM license_changes") == [
        ("a", "mit", "apache-2.0", 2)
    ]
    assert asked(file, "SELECT capture, key, old, new FROM all_changes WHERE kind = 'metrics'") == [
        (2, "a", 1, 5),
        (3, "a", 5, 6),
    ]


def test_the_same_history_gives_the_same_bytes(archive: History, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("at-once.db", "grown.db")]
    options = ("--column", "size", "--fts", "license")
    archive.git("branch", "all")
    archive.git("reset", "--quiet", "--hard", "all~1")
    exported(archive, files[1], *options)
    archive.git("reset", "--quiet", "--hard", "all")
    exported(archive, files[1], *options)
    run_archiver("index", "--repo", archive.folder, "--rebuild")
    exported(archive, files[0], *options)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_metadata_describes_what_there_is(archive: History, tmp_path: Path) -> None:
    exported(archive, tmp_path / "out.db", "--column", "license", "--metadata", tmp_path / "m.yaml")
    text = (tmp_path / "m.yaml").read_text("utf-8")
    assert '"License"' not in text
    for line in ('"databases":', '  "out":', '      "latest":', '        "facets": ["license"]'):
        assert f"{line}\n" in text


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--column", "sise"], 2, 'no record has a field "sise"'),
        (["--column", "key"], 2, '"key" cannot be a column'),
        (["--column", "Record"], 2, '"Record" cannot be a column'),
        (["--no-index"], 2, "needs the index of hub"),
        (["--limit", "3"], 2, "write the whole history"),
        (["--changes"], 2, "write the whole history"),
    ],
)
def test_what_cannot_be_is_refused(
    archive: History, tmp_path: Path, options: list[str], code: int, words: str
) -> None:
    done = exported(archive, tmp_path / "out.db", *options)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert [*tmp_path.glob("*out*")] == []


def test_only_our_own_files_are_replaced(archive: History, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as connection:
        connection.execute("CREATE TABLE precious (n)")
        connection.commit()
    before = theirs.read_bytes()
    done = exported(archive, theirs)
    assert (done.returncode, theirs.read_bytes()) == (2, before)
    assert "no file that archiver exported" in done.stderr
    os.mkfifo(tmp_path / "pipe")
    assert exported(archive, tmp_path / "pipe").returncode == 2
    ours = tmp_path / "ours.db"
    assert [exported(archive, ours).returncode for _ in range(2)] == [0, 0]


def test_columns_need_a_file(archive: History) -> None:
    done = run_archiver("export", "--repo", archive.folder, "--column", "size")
    assert done.returncode == 2
    assert "describe the file of --sqlite" in done.stderr


def test_several_sources_are_not_mixed(archive: History, tmp_path: Path) -> None:
    config = archive.folder / "archiver.toml"
    config.write_text(config.read_text() + config.read_text().replace("hub", "other"))
    done = exported(archive, tmp_path / "out.db")
    assert done.returncode == 2
    assert "name one with --source: hub, other" in done.stderr


def test_a_name_that_search_reserves_is_refused(archive: History, tmp_path: Path) -> None:
    content = snapshot("2026-03-04 12:00:00", {"id": "a", "rank": "first"})
    archive.commit("2026-03-04T12:00:00Z", {LATEST: content})
    done = exported(archive, tmp_path / "out.db", "--fts", "rank")
    assert (done.returncode, "--fts: reserved" in done.stderr) == (2, True), done.stderr


def test_hostile_names_stay_data(archive: History, tmp_path: Path) -> None:
    name = 'x"; DROP TABLE captures; --'
    records = [{"id": "'\"; --", "n": 1, name: "<b>"}]
    content = snapshot("2026-03-04 12:00:00", *records)
    archive.commit("2026-03-04T12:00:00Z", {LATEST: content})
    done = exported(archive, tmp_path / "out.db", "--fts", name, "--metadata", tmp_path / "m.yaml")
    assert done.returncode == 0, done.stderr
    (row,) = asked(tmp_path / "out.db", "SELECT * FROM latest")
    assert row[:2] == ("'\"; --", "<b>")
    assert json.dumps(name) in (tmp_path / "m.yaml").read_text()
