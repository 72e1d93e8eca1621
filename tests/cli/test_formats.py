"""Every format through every command: compared, asked about in histories, imported, captured."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from support.archives import Archive
from support.histories import History
from support.misbehaviour import plain

from archiver.errors import MalformedPage, SnapshotRejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commandline import Archiver
    from support.misbehaviour import Server

Records = list[dict[str, str]]
OLD: Records = [{"id": "1", "v": "2"}, {"id": "2", "v": "3"}]
NEW: Records = [{"id": "1", "v": "2"}, {"id": "2", "v": "4"}, {"id": "3", "v": "5\n6"}]


def table(records: Records, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "v"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


def toml(records: Records) -> bytes:
    pairs = ([f"{name} = {json.dumps(value)}" for name, value in each.items()] for each in records)
    return "\n".join("\n".join(["[[all]]", *each]) for each in pairs).encode()


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inside.csv", content)
    return out.getvalue()


WRITERS: dict[str, Callable[[Records], bytes]] = {
    "x.json": msgspec.json.encode,
    "bom.json": lambda records: b"\xef\xbb\xbf" + msgspec.json.encode(records),
    "utf16.json": lambda records: json.dumps(records).encode("utf-16"),
    "x.jsonl": lambda records: b"\r\n\n".join(map(msgspec.json.encode, records)),
    "lines.json": lambda records: b"\n".join(map(msgspec.json.encode, records)),
    "x.csv": table,
    "bom.csv": lambda records: b"\xef\xbb\xbf" + table(records, ";"),
    "utf16.csv": lambda records: table(records, "|").decode().encode("utf-16"),
    "x.tsv": lambda records: table(records, "\t"),
    "x.csv.gz": lambda records: gzip.compress(table(records)),
    "x.zip": lambda records: zipped(table(records)),
    "x.yaml": lambda records: yaml.safe_dump(records).encode(),
    "x.toml": toml,
}


def shape(name: str) -> tuple[str, ...]:
    return ("--key", "id", *(("--records", "all") if name.endswith("toml") else ()))


@pytest.mark.parametrize("name", WRITERS)
def test_two_files_are_compared(archiver: Archiver, tmp_path: Path, name: str) -> None:
    for folder, records in (("old", OLD), ("new", NEW)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(WRITERS[name](records))
    done = archiver("compare", tmp_path / "old" / name, tmp_path / "new" / name, *shape(name))
    assert done.stdout.splitlines()[1:] == [
        "~ 2",
        '    v: "3" → "4"',
        "+ 3",
        f"{name}: +1 new, 1 updated (3 records)",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_two_tables_beside_the_user_are_compared(
    archiver: Archiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,v\n1,2\n2,3\n")
    (tmp_path / "b.csv").write_text("id,v\n1,2\n2,4\n")
    done = archiver("compare", "a.csv", "b.csv", "--key", "id")
    assert done.stdout.splitlines()[1:] == [
        "~ 2",
        '    v: "3" → "4"',
        "b.csv: 1 updated (2 records)",
    ]
    done = archiver("compare", "a.csv", "c.csv", "--key", "id")
    assert done.stderr == "archiver: there is no file c.csv\n"


@pytest.mark.parametrize("name", WRITERS)
def test_a_history_is_read_shown_and_exported(archiver: Archiver, repo: Path, name: str) -> None:
    past = History(repo)
    past.commit("2026-01-01T00:00:00Z", {name: WRITERS[name](OLD)})
    past.commit("2026-01-02T00:00:00Z", {name: WRITERS[name](NEW)})
    about = ("--repo", repo, "--file", name, *shape(name))
    entries = [
        json.loads(each) for each in archiver("log", "-f", "jsonl", *about).stdout.splitlines()
    ]
    assert [each["total"] for each in entries] == [3, 2]
    assert (entries[0]["summary"]["new"], entries[0]["summary"]["updated"]) == (1, 1)
    assert 'v: "3" → "4"' in archiver("show", "2", *about).stdout
    assert 'v: "3" → "4"' in archiver("compare", "HEAD~1", "HEAD", *about).stdout
    listed = archiver("list", *about, "-f", "jsonl").stdout.splitlines()
    assert [json.loads(each) for each in listed] == NEW
    exported = archiver("export", *about, "-f", "csv-raw")
    assert list(csv.DictReader(io.StringIO(exported.stdout, newline=""))) == NEW


@pytest.mark.parametrize("name", WRITERS)
def test_a_source_is_captured_and_a_history_imported(
    archiver: Archiver, repo: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    archive = Archive(repo)
    records = "all" if name.endswith("toml") else "."
    archive.configure(url=name, records=records)
    past = tmp_path_factory.mktemp("past")
    for day, listed in (("2026-01-01", OLD), ("2026-01-02", NEW)):
        stem, _, suffix = name.partition(".")
        (past / f"{stem}-{day}.{suffix}").write_bytes(WRITERS[name](listed))
    done = archiver("import", "--repo", repo, past)
    assert done.returncode == 0, done.stderr
    assert archive.commits == 2
    (repo / name).write_bytes(WRITERS[name](NEW))
    assert archive.run().summary.unchanged == 3
    (repo / name).write_bytes(WRITERS[name](OLD))
    summary = archive.run(accept=True).summary
    assert (summary.removed, summary.updated) == (1, 1)
    assert archive.listed()["models"] == OLD


def test_values_that_are_not_finite_are_null_and_counted_in_a_history(
    archiver: Archiver, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text('[{"id":"1","v":NaN},{"id":"2","v":1}]')
    (tmp_path / "b.json").write_text('[{"id":"1","v":[Infinity,-Infinity]},{"id":"2","v":1}]')
    done = archiver("compare", tmp_path / "a.json", tmp_path / "b.json", "--key", "id")
    assert "v: null → [null,null]" in done.stdout.replace(", ", ",")
    assert done.stderr.splitlines() == [
        "note: 1 value that is not finite was read as null",
        "note: 2 values that are not finite were read as null",
    ]


@pytest.fixture
def archive(repo: Path) -> Archive:
    found = Archive(repo)
    found.configure(records=".")
    return found


def test_a_capture_counts_values_that_are_not_finite_or_refuses_them(archive: Archive) -> None:
    (archive.folder / "models.json").write_text('[{"id":"1","v":NaN},\n{"id":"2","v":1}]')
    archive.configure(records=".", non_finite="refuse")
    with pytest.raises(MalformedPage, match="line 1, column 16: NaN is not finite"):
        archive.run()
    archive.configure(records=".")
    report = archive.run()
    assert "1 value that is not finite was read as null" in report.notes
    assert archive.listed()["models"] == [{"id": "1", "v": None}, {"id": "2", "v": 1}]


BAD: dict[str, tuple[str, bytes, str]] = {
    "a cut line": ("x.jsonl", b'{"id":"1"}\n{"id":', "line 2, the last one"),
    "a quote that is never closed": ("x.csv", b'id,v\n1,"2\n', "line 2: a quote is opened"),
    "a column twice": ("x.csv", b"id,id\n1,2\n", 'line 1: the header names "id" twice'),
    "a column without a name": ("x.csv", b"id,\n1,2\n", "line 1: column 2 of the header"),
    "no column of the key": ("x.csv", b"name\n1\n", 'its header has no column "id"'),
    "an error body for a table": ("x.csv", b'{"error": 1}\n', "line 1 is no header"),
    "a member twice": ("x.yaml", b"- id: a\n  id: b\n", "line 2, column 3: the member"),
    "two documents": ("x.yaml", b"- id: a\n---\n- id: b\n", "line 2, column 1: a second"),
    "a tag": ("x.yaml", b"- !!python/name:os.system {id: a}\n", "line 1, column 3: the tag"),
    "a table twice": ("x.toml", b"[a]\n[a]\n", "not TOML: line 2"),
    "another encoding": ("x.yaml", b"- id: caf\xe9\n", "line 1, byte 10: not UTF-8"),
    "half a gzip file": ("x.csv.gz", gzip.compress(b"id\n1\n")[:-6], "packed with gzip, and cut"),
    "no zip archive": ("x.zip", b"PK\x03\x04 and no more", "packed with zip, and damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_bad_ends_a_run_with_3_and_nothing_is_written(archive: Archive, case: str) -> None:
    name, body, reason = BAD[case]
    archive.configure(url=name, records=".")
    (archive.folder / name).write_bytes(body)
    with pytest.raises(MalformedPage) as caught:
        archive.run()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (archive.folder / "data").exists()
    assert archive.commits == 0


@pytest.mark.parametrize("case", BAD)
def test_what_is_bad_is_passed_over_in_a_history_and_named(
    archiver: Archiver, repo: Path, case: str
) -> None:
    name, body, reason = BAD[case]
    past = History(repo)
    good = zipped(b"id\n1\n") if name.endswith("zip") else {
        "x.jsonl": b'{"id":"1"}\n', "x.csv": b"id\n1\n", "x.csv.gz": b"id\n1\n",
        "x.yaml": b"- id: '1'\n", "x.toml": b"",
    }[name]  # fmt: skip
    contents = [good, body, good + b"\n"]
    for day, content in enumerate(contents, 1):
        past.commit(f"2026-01-0{day}T00:00:00Z", {name: content})
    done = archiver("log", "-f", "jsonl", "--repo", repo, "--file", name, "--key", "id")
    if name == "x.toml":
        assert reason in done.stderr
        return
    newest, middle, oldest = (json.loads(line) for line in done.stdout.splitlines())
    assert (oldest["total"], newest["total"]) == (1, 1)
    assert (middle["status"], newest["summary"]["unchanged"]) == ("unreadable", 1)
    assert reason in middle["reason"]


def test_more_than_one_percent_of_ragged_rows_is_refused_with_4(archive: Archive) -> None:
    archive.configure(url="x.csv", records=".")
    (archive.folder / "x.csv").write_bytes(b"id,v\n1,2\n2,3,4\n")
    with pytest.raises(SnapshotRejected, match=r"line 3: it has 3 cells instead of 2"):
        archive.run()
    assert archive.commits == 0


def test_a_ragged_row_keeps_its_last_line_in_a_capture(archive: Archive) -> None:
    archive.configure(url="x.csv", records=".")
    rows = [f"{n},x" for n in range(200)]
    (archive.folder / "x.csv").write_text("\n".join(["id,v", *rows]))
    archive.run()
    rows[7] = "7,a,b"
    rows[8] = "8,changed"
    (archive.folder / "x.csv").write_text("\n".join(["id,v", *rows]))
    report = archive.run()
    assert (report.summary.updated, report.summary.removed) == (1, 0)
    assert any("line 9" in note for note in report.notes)
    kept = {each["id"]: each["v"] for each in archive.listed()["models"]}
    assert (kept["7"], kept["8"]) == ("x", "changed")


def test_a_header_that_changes_half_way_is_followed(archiver: Archiver, repo: Path) -> None:
    past = History(repo)
    past.commit("2026-01-01T00:00:00Z", {"x.csv": "id,v\n1,2\n2,3\n"})
    past.commit("2026-01-02T00:00:00Z", {"x.csv": "v,name,id\n2,a,1\n3,,2\n"})
    past.commit("2026-01-03T00:00:00Z", {"x.csv": "v,name,key\n2,a,1\n"})
    past.commit("2026-01-04T00:00:00Z", {"x.csv": "name,id\na,1\nb,2\n"})
    done = archiver("log", "-f", "jsonl", "--repo", repo, "--file", "x.csv", "--key", "id")
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["status"] for each in found] == ["ok", "unreadable", "ok", "first"]
    assert [each["summary"]["updated"] for each in found if each["summary"]] == [2, 1]
    assert found[1]["reason"] == 'its header has no column "id" (found: v, name, key)'


def test_what_a_person_says_of_a_document_overrides_its_name(
    archiver: Archiver, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes("id,v\n1,caf\u00e9\n".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes("id,v\n1,007\n2,7\n".encode("cp1252"))
    said = ("--input", "csv", "--encoding", "windows-1252", "--types", "infer", "--key", "id")
    done = archiver("compare", tmp_path / "a.txt", tmp_path / "b.txt", *said, "-f", "json")
    changes = json.loads(done.stdout)
    assert [each["old"] for each in changes["updated"][0]["changes"]] == ["café"]
    assert changes["new"] == [{"@key": "2", "id": 2, "v": 7}]
    wrong = archiver("compare", tmp_path / "a.txt", tmp_path / "b.txt", "--input", "cvs")
    assert wrong.returncode == 2
    assert 'did you mean "csv"?' in wrong.stderr
    wrong = archiver("compare", tmp_path / "a.txt", tmp_path / "b.txt", "--encoding", "utf-99")
    assert wrong.returncode == 2
    assert "no encoding of text" in wrong.stderr


def test_init_writes_what_was_said(archiver: Archiver, tmp_path: Path) -> None:
    said = ("--input", "csv", "--encoding", "cp1252", "--types", "infer")
    done = archiver("init", tmp_path / "a", "--source", "x", "--url", "x.txt", "--key", "id", *said)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a" / "archiver.toml").read_text()
    for line in ('input = "csv"', 'encoding = "cp1252"', 'types = "infer"'):
        assert line in text


def test_a_server_says_what_an_address_without_suffix_is(server: Server, archive: Archive) -> None:
    body = b"id\n1\n"
    url = server.says("/export", plain(body, Content_Type="text/csv; charset=utf-8"))
    archive.configure(url=url, records=".")
    archive.run()
    assert archive.listed()["models"] == [{"id": "1"}]


def test_the_settings_of_a_source_say_how_it_is_read(archive: Archive) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("readme.txt", "read me")
        packed.writestr("data.txt", "id;v\n1;\u00e9\n2;3\n".encode("latin-1"))
    (archive.folder / "x.zip").write_bytes(out.getvalue())
    archive.configure(url="x.zip", records=".")
    with pytest.raises(MalformedPage, match=r"a zip archive of 2 files") as caught:
        archive.run()
    assert "member" in caught.value.hint
    settings = {"member": "data.txt", "input": "csv", "encoding": "latin-1", "types": "infer"}
    archive.configure(type="file", url="x.zip", records=".", key="id", **settings)
    assert archive.config.sources["hub"].type == "json"
    archive.run()
    assert [each["v"] for each in archive.listed()["models"]] == ["é", 3]
