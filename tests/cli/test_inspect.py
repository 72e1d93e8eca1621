"""``archiver inspect`` says how a document can be archived, and its table is right as it is."""

from __future__ import annotations

import json
import subprocess
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.git import new_repository
from support.histories import History
from support.misbehaviour import plain
from support.processes import run_process

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver
    from support.misbehaviour import Server

    from archiver.records.model import Json

FILES: Final = {
    "with-id.csv": ("id,name\n1,a\n2,b\n", "csv", ".", ["id"]),
    "by-symbol.csv": ("Symbol;Sector\nAAPL;IT\nMMM;IT\n", "csv", ".", ["Symbol"]),
    "no-id.csv": (
        "country,year,v\nfr,2020,1\nfr,2021,1\nde,2020,1\n",
        "csv",
        ".",
        ["country", "year"],
    ),
    "list.yaml": ("- name: a\n  v: 1\n- name: b\n  v: 1\n", "yaml", ".", ["name"]),
    "tables.toml": ("[a]\nv = 1\n\n[b]\nv = 2\n", "toml", ".{}", ["{}"]),
    "rows.ndjson": ('{"id": 1, "v": 1}\n{"id": 2, "v": 1}\n', "jsonl", ".", ["id"]),
    "plain.json": ('[{"id": "x", "v": 1}, {"id": "y", "v": 2}]', "json", ".", ["id"]),
}
BUNDLES: Final = {
    "cisa-kev-all": ("known_exploited_vulnerabilities.json", "vulnerabilities", ["cveID"], []),
    "genai-prices-all": ("data.json", ".[].models", ["^.id", "id"], []),
    "khavel-all": ("models.json", "models", ["id"], []),
    "radar-index-all": ("index.json", "entries", ["slug"], ["downloads_30d", "likes"]),
    "sp500-csv": ("data/constituents.csv", ".", ["Symbol"], []),
}


def seen(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_format_is_read(archiver: Archiver, tmp_path: Path, name: str) -> None:
    content, form, records, key = FILES[name]
    (tmp_path / name).write_text(content)
    done = archiver("inspect", tmp_path / name, "-f", "json")
    found = seen(done)
    assert (done.returncode, done.stderr) == (0, "")
    assert (found["format"], found["encoding"], found["bytes"]) == (form, "UTF-8", len(content))
    assert (found["records"], found["key"]) == (records, key)
    (table,) = tomllib.loads(found["table"])["sources"].values()
    assert table["type"] == ("json" if form == "json" else "file")


def test_the_table_makes_an_archive_as_it_is(archiver: Archiver, tmp_path: Path) -> None:
    (tmp_path / "My Data.json").write_text('{"data": [{"id": "a", "v": 1}, {"id": "b", "v": 2}]}')
    done = archiver("inspect", tmp_path / "My Data.json")
    table = done.stdout[done.stdout.index("[sources.") : done.stdout.index("\narchiver ")]
    assert tomllib.loads(table)["sources"]["my-data"]["records"] == "data"
    folder = new_repository(tmp_path / "archive")
    (folder / "archiver.toml").write_text(table)
    ran = archiver("run", "--repo", folder)
    assert ran.returncode == 0, ran.stderr
    assert archiver("list", "--repo", folder).stdout.split()[:2] == ["id", "v"]


@pytest.mark.parametrize("name", BUNDLES)
def test_real_histories_say_their_records_and_key(real: Path, tmp_path: Path, name: str) -> None:
    file, records, key, metrics = BUNDLES[name]
    bundle = real / f"{name}.bundle"
    command = ["git", "clone", "--quiet", "--branch=main", str(bundle), str(tmp_path / "clone")]
    subprocess.run(command, check=True)
    inspect = partial(run_process, measured=False)
    done = inspect("inspect", f"{tmp_path / 'clone'}:{file}", "-f", "json")
    found = seen(done)
    assert (found["records"], found["key"]) == (records, key)
    assert (found["metrics"], found["sets"]) == (metrics, [])
    assert found["read"] <= 30 <= max(30, found["versions"])


def committed(folder: Path, *versions: Json) -> Path:
    past = History(new_repository(folder))
    for day, value in enumerate(versions):
        past.commit(
            f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}T00:00:00Z", {"d.json": json.dumps(value)}
        )
    return past.folder


def versions() -> list[Json]:
    """Return versions in which `n` counts, `seen_at` drifts, `tags` are shuffled, `uuid` is new."""
    return [
        [
            {
                "uuid": f"{day}-{number}",
                "package": f"p{number}",
                "stats": {"downloads": day * number, "grade": "a"},
                "seen_at": f"2026-01-{day:02}",
                "tags": ["x", "y", "z"][:: 1 if day % 2 else -1],
                "license": "mit" if number or day < 3 else "gpl",
            }
            for number in range(1, 30)
        ]
        for day in range(1, 7)
    ]


def test_a_history_says_what_lasts_counts_drifts_and_is_shuffled(
    archiver: Archiver, tmp_path: Path
) -> None:
    folder = committed(tmp_path / "past", *versions())
    for target in (f"{folder}:d.json", folder / "d.json"):
        found = seen(archiver("inspect", target, "-f", "json"))
        assert (found["key"], found["versions"], found["read"] >= 6) == (["package"], 6, True)
        assert found["metrics"] == ["stats.downloads"]
        assert found["volatile"] == ["seen_at", "uuid"]
        assert found["sets"] == ["tags"]
    words = archiver("inspect", f"{folder}:d.json").stdout
    assert 'sets = ["tags"]' in words
    assert "100% of its changes are another order" in words


def test_a_version_is_counted_once(archiver: Archiver, tmp_path: Path) -> None:
    file = committed(tmp_path / "a", *versions()) / "d.json"
    number = len(versions())
    said = f"{number} versions, {number} read"
    assert said in archiver("inspect", file).stdout
    file.write_text(json.dumps(versions()[0][:-1]))
    assert f"{number + 1} versions, {number + 1} read" in archiver("inspect", file).stdout


def test_at_most_30_versions_are_read(archiver: Archiver, tmp_path: Path) -> None:
    file = (
        committed(tmp_path / "a", *([{"id": 1, "v": v}, {"id": 2}] for v in range(31))) / "d.json"
    )
    assert "31 versions, 30 read" in archiver("inspect", file).stdout
    file.write_text('[{"id": 1, "v": 99}, {"id": 2}]')
    assert "32 versions, 30 read" in archiver("inspect", file).stdout


def test_two_answers_of_an_address_say_what_drifts(archiver: Archiver, server: Server) -> None:
    answers = [
        json.dumps([{"id": n, "now": f"{run}", "v": 1} for n in range(9)]).encode()
        for run in ("x", "y")
    ]
    url = server.says("/catalogue", *map(plain, answers))
    found = seen(archiver("inspect", url, "-f", "json"))
    assert (found["address"], found["read"], found["volatile"]) == (url, 2, ["now"])
    assert found["command"].startswith("archiver init --source catalogue --url http")
    server.says("/catalogue", plain(answers[0]))
    server.seen.clear()
    assert seen(archiver("inspect", url, "--once", "-f", "json"))["volatile"] == []
    assert len(server.seen) == 1


def test_a_format_that_only_the_content_says_is_written_down(
    archiver: Archiver, server: Server
) -> None:
    url = server.says("/export", plain(b"id,v\n1,2\n2,3\n"))
    assert 'input = "csv"' in archiver("inspect", url).stdout


def test_several_arrays_are_named_and_none_is_chosen(archiver: Archiver, tmp_path: Path) -> None:
    several = {"models": [{"id": "a"}], "providers": [{"id": "b"}, {"id": "c"}]}
    (tmp_path / "d.json").write_text(json.dumps(several))
    done = archiver("inspect", tmp_path / "d.json")
    assert done.returncode == 2
    assert '- records = "models", key = "id"  (1 record; an array of objects)' in done.stdout
    assert '- records = "providers", key = "id"  (2 records; an array of objects)' in done.stdout
    assert "[sources." not in done.stdout
    said = archiver("inspect", tmp_path / "d.json", "--records", "providers", "-f", "json")
    assert (said.returncode, seen(said)["key"]) == (0, ["id"])


def test_one_record_that_cannot_be_read_hides_no_others(
    archiver: Archiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.json").write_bytes(b'[{"id": "a", "v": "\xff"}, {"id": "b", "v": "c"}]')
    assert seen(archiver("inspect", tmp_path / "d.json", "-f", "json"))["key"] == ["id"]
    done = archiver("compare", "d.json", "d.json")
    assert "no changes (1 record)" in done.stdout
    assert "left out, no usable record: /0 (not UTF-8: line 1, byte 20 is 0xff)" in done.stderr


def test_a_name_that_a_terminal_would_act_on_is_written_with_escapes(
    archiver: Archiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "\x1b[31mid\u202e\x9b"
    document = {name: [{name: each, name + "x": 1} for each in "abc"]}
    (tmp_path / "d.json").write_text(json.dumps(document))
    done = archiver("inspect", "d.json")
    assert done.stdout.replace("\n", "").isprintable()
    quoted = json.dumps(name)
    assert done.stdout.endswith(f"--records '{quoted}' --key '{quoted}'\n")
    (table,) = tomllib.loads(done.stdout.partition("\n\n")[2].partition("\n\n")[0])[
        "sources"
    ].values()
    assert (table["records"], table["key"]) == (quoted, quoted)
    same = archiver("compare", "d.json", "d.json")
    assert (same.returncode, "no changes (3 records)" in same.stdout) == (0, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"message": "Not Found", "status": "404"}', "no list of records"),
        ("", "the file is empty"),
        ("[", "it ends too early"),
        ("nonsense", "not JSON"),
        ("<!DOCTYPE html>\n<p>502", "not JSON: it is a page for people (HTML)"),
        ('{"error": "try later"}', "no object of them (there: error)"),
        ("<<<<<<< HEAD\n[]\n=======\n[]\n>>>>>>> x\n", "the file holds conflict markers"),
        (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 1234\n",
            "it is a Git LFS pointer (1,234 bytes)",
        ),
    ],
)
def test_what_is_no_catalogue_is_called_so(
    archiver: Archiver, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "d.json").write_text(content)
    done = archiver("inspect", tmp_path / "d.json")
    assert (done.returncode, done.stdout) == (5, "")
    assert words in done.stderr


@pytest.mark.parametrize("target", ["absent.json", ".", "absent:d.json", "gopher://x/y"])
def test_what_is_not_there_is_one_clear_error(archiver: Archiver, target: str) -> None:
    done = archiver("inspect", target)
    assert done.returncode in (2, 3)
    assert done.stderr.startswith("archiver: ")


def test_a_pattern_is_called_several_files(archiver: Archiver, tmp_path: Path) -> None:
    past = History(new_repository(tmp_path / "past"))
    past.commit("2026-01-01T00:00:00Z", {"r/[1].json": '[{"id": "a"}, {"id": "b"}]'})
    assert archiver("inspect", f"{past.folder}:r/[1].json").returncode == 0
    done = archiver("inspect", f"{past.folder}:r/*.json")
    assert done.returncode == 2
    assert done.stderr.startswith("archiver: r/*.json names several files\n  hint: ")


def test_a_new_source_gets_what_its_document_says(archiver: Archiver, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"data": [{"id": "a", "v": 1}, {"id": "b", "v": 2}]}')
    folder = tmp_path / "archive"
    made = archiver("init", folder, "--source", "d", "--url", tmp_path / "d.json")
    assert made.returncode == 0
    assert 'note: assuming records = "data", key = "id" for' in made.stderr
    table = tomllib.loads((folder / "archiver.toml").read_text())["sources"]["d"]
    assert (table["records"], table["key"]) == ("data", ["id"])
    assert archiver("run", "--repo", folder).returncode == 0


def test_a_new_source_that_is_not_clear_is_not_made(archiver: Archiver, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"x": [{"id": "a"}], "y": [{"id": "a"}]}')
    made = archiver("init", tmp_path / "archive", "--source", "d", "--url", tmp_path / "d.json")
    assert made.returncode == 2
    assert 'records = "x", key = "id"' in made.stderr
    assert not (tmp_path / "archive").exists()


def test_groups_in_groups_are_found(archiver: Archiver, tmp_path: Path) -> None:
    hosts = [
        {
            "name": f"r{region}",
            "zones": [
                {"name": f"z{zone}", "hosts": [{"host": f"{region}-{zone}-{n}"} for n in range(4)]}
                for zone in range(4)
            ],
        }
        for region in range(4)
    ]
    (tmp_path / "d.json").write_text(json.dumps({"regions": hosts}))
    found = seen(archiver("inspect", tmp_path / "d.json", "-f", "json"))
    assert found["candidates"][0]["records"] == "regions[].zones[].hosts"
    assert found["candidates"][0]["key"][-1] == "host"
    assert found["candidates"][0]["total"] == 64


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        ("编号,名称\n1,甲\n2,乙\n", ["编号"]),
        ("nummer,farbe,x\n1,a,1\n2,b,1\n", ["nummer", "farbe"]),
        ("id,value\n1,a\n2,b\n2,c\n3,d\n", ["id", "value"]),
    ],
)
def test_every_column_that_may_be_the_key_is_listed(
    archiver: Archiver, tmp_path: Path, rows: str, keys: list[str]
) -> None:
    (tmp_path / "d.csv").write_text(rows)
    done = archiver("inspect", tmp_path / "d.csv", "-f", "json")
    assert [each["key"] for each in seen(done)["candidates"]] == [[key] for key in keys]
    assert done.returncode == (0 if len(keys) == 1 else 2)


def test_a_doubled_id_is_named(archiver: Archiver, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,value\n1,a\n2,b\n2,c\n3,d\n3,e\n4,f\n")
    assert "id is doubled 2 times" in archiver("inspect", tmp_path / "d.csv").stdout


def test_a_guess_is_called_one(archiver: Archiver, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("farbe,x\na,1\nb,1\n")
    done = archiver("inspect", tmp_path / "d.csv")
    assert (done.returncode, "a guess that is not certain" in done.stderr) == (2, True)


def test_a_feature_is_known_by_its_object_id(archiver: Archiver, tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "properties": {"OBJECTID": n, "name": f"n{n}"}, "geometry": None}
        for n in range(5)
    ]
    (tmp_path / "d.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    found = seen(archiver("inspect", tmp_path / "d.geojson", "-f", "json"))
    assert (found["records"], found["key"]) == ("features", ["properties.OBJECTID"])


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bucket").mkdir()
    for name in ("a", "b"):
        (tmp_path / "bucket" / f"{name}.json").write_text(json.dumps({"name": name}))
    return tmp_path


@pytest.mark.usefixtures("bucket")
def test_a_pattern_is_told_what_to_write(archiver: Archiver) -> None:
    done = archiver("inspect", "bucket/*.json")
    assert done.returncode == 2
    assert "archiver log --file 'bucket/*.json'" in done.stderr
    assert "--url 'bucket/*.json'" in done.stderr


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("words", [("inspect",), ("init", "new", "--source", "b", "--url")])
def test_a_folder_is_told_its_pattern(archiver: Archiver, words: tuple[str, ...]) -> None:
    done = archiver(*words, "bucket")
    assert done.returncode == 2
    assert "'bucket/*.json'" in done.stderr


def test_a_pattern_makes_a_source_of_files(archiver: Archiver, bucket: Path) -> None:
    made = archiver("init", "new", "--source", "b", "--url", "bucket/*.json")
    assert made.returncode == 0, made.stderr
    table = tomllib.loads((bucket / "new" / "archiver.toml").read_text())["sources"]["b"]
    assert table == {"type": "file", "files": "../bucket/*.json"}
    assert archiver("run", "--repo", bucket / "new").returncode == 0
    assert "a" in archiver("list", "--repo", bucket / "new").stdout


def test_the_first_page_of_several_is_an_api(
    archiver: Archiver, server: Server, tmp_path: Path
) -> None:
    page = plain(b'[{"id": 1, "v": 1}, {"id": 2, "v": 2}]', Link='</all?page=2>; rel="next"')
    url = server.says("/all", page)
    found = seen(archiver("inspect", url, "--once", "-f", "json"))
    assert 'type = "api"' in found["table"]
    assert 'next = "link"' in found["table"]
    assert "--type api --set next=link" in found["command"]
    refused = archiver("init", tmp_path / "new", "--source", "x", "--url", url)
    assert refused.returncode == 2
    assert "its header Link names a next page" in refused.stderr
    assert not (tmp_path / "new" / "archiver.toml").exists()
