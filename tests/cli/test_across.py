"""``archiver across``: several sources as one picture."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from support.hubs_across import Hubs, gone

from archiver.cli import schemas

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

ALIAS = """\
[alias]
rules = ["ms:AI-ModelScope/* = hf:stabilityai/*"]
pairs = [["ms:a/b", "hf:c:d*"]]
"""
MS: dict[str, dict[str, Any]] = {
    "AI-ModelScope/sdxl": {"license": "Apache License 2.0"},
    "a/b": {"license": "mit", "gated": False},
    "o/old": {},
    "o/only": {},
    "qwen/Q-1": {"license": "MIT", "size": 100, "downloads": 5},
    "x/gone": {"downloads": 9},
}
HF_BEFORE: dict[str, dict[str, Any]] = {
    "c:d*": {"license": "gpl-3.0", "gated": "manual"},
    "o/old": {},
    "qwen/q1": {"license": "mit", "size": 200},
    "stabilityai/sdxl": {"license": "apache-2.0"},
    "x/gone": {},
}
HF = {key: value for key, value in HF_BEFORE.items() if key != "x/gone"}
HF["o/new"] = HF.pop("o/old")
GONE = (gone("o/old", now="o/new", cause=""), gone("x/gone"))


@pytest.fixture
def hubs(repo: Path) -> Hubs:
    """Return two hubs that share models: by pair, rule, name, and one gone from the second."""
    found = Hubs(repo, "ms", "hf", alias=ALIAS)
    found.capture(1, "ms", MS)
    found.capture(1, "hf", HF_BEFORE)
    found.capture(2, "hf", HF, GONE)
    return found


def told(archiver: Archiver, hubs: Hubs, *arguments: str) -> Any:
    done = archiver("across", *arguments, "-f", "json", "--repo", str(hubs.folder))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    Draft202012Validator(schemas.across()).validate(document)
    return document


def keys(document: Any) -> list[list[str]]:
    return [
        [f"{at['source']}:{at['key']}" for at in each["places"]] for each in document["records"]
    ]


def test_the_overview_counts_each_record_once(archiver: Archiver, hubs: Hubs) -> None:
    document = told(archiver, hubs)
    assert document["totals"] == {
        "records": 6,
        "shared": 4,
        "only": {"ms": 2, "hf": 0},
        "gone": {"ms": 0, "hf": 1},
        "gone_everywhere": 0,
        "paired": {"pair": 1, "rule": 1, "key": 1, "former": 1, "name": 1},
        "differs": {"license": 1, "gated": 1, "size": 1},
    }
    assert ["ms:o/old", "hf:o/new"] in keys(document)
    assert ["ms:o/only"] in keys(document)
    text = archiver("across", "--repo", str(hubs.folder)).stdout
    assert "removed from hf, still in another: 1" in text
    assert "hf:x/gone: removed 2026-01-02 00:00:00 UTC: deleted or private" in text


def test_one_record_says_where_it_is_and_by_which_rule(archiver: Archiver, hubs: Hubs) -> None:
    document = told(archiver, hubs, "stabilityai/sdxl")
    (record,) = document["records"]
    assert record["pairing"] == [
        {
            "between": ["ms:AI-ModelScope/sdxl", "hf:stabilityai/sdxl"],
            "by": "rule",
            "rule": "ms:AI-ModelScope/* = hf:stabilityai/*",
        }
    ]
    assert [each["since"] for each in record["places"]] == ["2026-01-01 00:00:00"] * 2
    assert record["differs"] == []
    assert record["places"][0]["values"] == {"license": "Apache License 2.0"}


@pytest.mark.parametrize("key", ["a/b", "c:d*", "hf:c:d*", "ms:a/b"])
def test_a_record_is_found_by_its_key_in_any_source(
    archiver: Archiver, hubs: Hubs, key: str
) -> None:
    assert keys(told(archiver, hubs, key)) == [["ms:a/b", "hf:c:d*"]]


@pytest.mark.parametrize("key", ["x/gone", "o/old", "o/new", "qwen/Q-1", "hf:qwen/q1", "o/only"])
def test_one_record_is_paired_as_in_the_overview(archiver: Archiver, hubs: Hubs, key: str) -> None:
    (one,) = told(archiver, hubs, key)["records"]
    places = [place for place in one["places"] if place["state"] != "never"]
    of_all = {
        tuple((at["source"], at["key"], at["state"]) for at in each["places"]): each["pairing"]
        for each in told(archiver, hubs)["records"]
    }
    assert of_all[tuple((at["source"], at["key"], at["state"]) for at in places)] == one["pairing"]


def test_what_is_gone_says_since_when_and_why(archiver: Archiver, hubs: Hubs) -> None:
    (record,) = told(archiver, hubs, "x/gone")["records"]
    assert record["places"][1] == {
        "source": "hf",
        "key": "x/gone",
        "state": "removed",
        "since": "2026-01-02 00:00:00",
        "first_seen": "2026-01-01 00:00:00",
        "last_seen": "2026-01-01 00:00:00",
        "cause": "deleted or private",
    }


def test_what_history_alone_remembers_is_told(archiver: Archiver, repo: Path) -> None:
    hubs = Hubs(repo, "ms", "hf")
    hubs.capture(1, "ms", {"o/x": {}})
    hubs.capture(1, "hf", {"o/x": {}})
    hubs.capture(2, "hf", {})
    (record,) = told(archiver, hubs, "o/x")["records"]
    assert [each["state"] for each in record["places"]] == ["there", "removed"]
    assert record["pairing"] == [{"between": ["ms:o/x", "hf:o/x"], "by": "key"}]


def test_records_are_chosen(archiver: Archiver, hubs: Hubs) -> None:
    assert keys(told(archiver, hubs, "--gone")) == [["ms:x/gone", "hf:x/gone"]]
    assert keys(told(archiver, hubs, "--only", "ms")) == [["ms:o/only"], ["ms:x/gone", "hf:x/gone"]]
    assert keys(told(archiver, hubs, "--differs", "license")) == [["ms:a/b", "hf:c:d*"]]
    assert len(keys(told(archiver, hubs, "--differs"))) == 2
    assert keys(told(archiver, hubs, "--where", "downloads > 5")) == [["ms:x/gone", "hf:x/gone"]]
    limited = told(archiver, hubs, "--limit", "1")
    assert len(limited["records"]) == 1
    assert limited["totals"]["records"] == 6


def test_the_exit_code_says_whether_sources_disagree(archiver: Archiver, hubs: Hubs) -> None:
    def code(*arguments: str) -> int:
        repo = ("--repo", str(hubs.folder))
        return archiver("across", *arguments, "--exit-code", *repo).returncode

    assert (code(), code("--gone"), code("a/b"), code("x/gone")) == (1, 1, 1, 1)
    assert (code("o/only"), code("stabilityai/sdxl"), code("--differs", "category")) == (0, 0, 0)


def test_a_table_has_two_columns_for_each_source(archiver: Archiver, hubs: Hubs) -> None:
    done = archiver("across", "--gone", "-f", "csv", "--repo", str(hubs.folder))
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row == {
        "key": "x/gone",
        "ms": "x/gone",
        "ms_state": "there",
        "hf": "x/gone",
        "hf_state": "removed",
        "gone_since": "2026-01-02 00:00:00",
        "paired_by": "key",
        "rule": "",
        "differs": "",
    }


def test_an_unknown_key_is_refused_with_similar_ones(archiver: Archiver, hubs: Hubs) -> None:
    done = archiver("across", "sdxl", "--repo", str(hubs.folder))
    assert done.returncode == 5
    assert "no source ever had a record 'sdxl'" in done.stderr
    assert "did you mean ms:AI-ModelScope/sdxl, hf:stabilityai/sdxl?" in done.stderr


def test_a_key_of_two_records_is_refused_until_it_names_its_source(
    archiver: Archiver, repo: Path
) -> None:
    hubs = Hubs(repo, "ms", "hf", alias='[alias]\npairs = [["ms:x", "hf:y"]]\n')
    hubs.capture(1, "ms", {"x": {}})
    hubs.capture(1, "hf", {"x": {}, "y": {}})
    done = archiver("across", "x", "--repo", str(repo))
    assert done.returncode == 2
    assert "hf:x" in done.stderr
    assert keys(told(archiver, hubs, "hf:x")) == [["ms:x", "hf:x"]]


def test_pairs_come_from_a_file_too(archiver: Archiver, repo: Path) -> None:
    hubs = Hubs(repo, "ms", "hf", alias='[alias]\npairs_file = "pairs.csv"\n')
    hubs.capture(1, "ms", {'a,"b': {}, "n": {}})
    hubs.capture(1, "hf", {"c": {}})
    (repo / "pairs.csv").write_text('hf,ms\nc,"a,""b"\n,n\n', encoding="utf-8")
    assert ['ms:a,"b', "hf:c"] in keys(told(archiver, hubs))
    for content, words in (
        ("hf,mss\n", 'no source is called "mss"'),
        ("hf\n", "two sources or more"),
        ("hf,ms\na,b,c\n", "row 2 has too many cells"),
    ):
        (repo / "pairs.csv").write_text(content, encoding="utf-8")
        done = archiver("across", "--repo", str(repo))
        assert done.returncode == 2
        assert words in done.stderr


def test_rules_and_pairs_that_pair_nothing_are_named(archiver: Archiver, repo: Path) -> None:
    hubs = Hubs(repo, "ms", "hf", alias='[alias]\npairs = [["ms:x", "hf:missspelt"]]\n')
    hubs.capture(1, "ms", {"x": {}})
    hubs.capture(1, "hf", {"misspelt": {}})
    assert "ms:x = hf:missspelt" in archiver("across", "--repo", str(repo)).stderr


HOSTILE = (
    "a:b*c",
    "ms:x",
    "\x1b[31mred",
    "line\nfeed",
    "=1+1",
    "<script>",
    "名称/模型",
    "\u202eabc",
    "nul\x00byte",
    "-" * 9,
    "k" * 4096,
)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "csv-raw", "markdown", "html"])
def test_hostile_names_are_shown_safely(archiver: Archiver, repo: Path, form: str) -> None:
    hubs = Hubs(repo, "ms", "hf")
    models = {key: {"license": f"{key} licence"} for key in HOSTILE}
    hubs.capture(1, "ms", models)
    hubs.capture(1, "hf", {key: {"license": "mit"} for key in HOSTILE})
    done = archiver("across", "--differs", "-f", form, "--repo", str(repo))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x00" not in done.stdout
    for key in HOSTILE:
        one = (
            archiver("across", f"ms:{key}", "-f", form, "--repo", str(repo))
            if "\0" not in key
            else done
        )
        assert one.returncode == 0, (key, one.stderr)
        assert "\x1b" not in one.stdout


def test_one_source_alone_has_nothing_across(archiver: Archiver, repo: Path) -> None:
    Hubs(repo, "ms").capture(1, "ms", {"x": {}})
    done = archiver("across", "--repo", str(repo))
    assert done.returncode == 2
    assert "there is only one source: ms" in done.stderr


def test_a_source_without_a_snapshot_is_left_out(archiver: Archiver, repo: Path) -> None:
    Hubs(repo, "ms", "hf").capture(1, "ms", {"x": {}})
    done = archiver("across", "x", "--repo", str(repo))
    assert done.returncode == 0
    assert "left out: there is no snapshot of hf yet" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("x", "--gone"), "KEY names one record"),
        (("--only", "hff"), "--only hff: the sources are ms, hf"),
        (("--differs", "licence"), "--differs licence: compared are license"),
        (("--where", "nope = 1"), "nope"),
    ],
)
def test_wrong_options_are_refused_in_words(
    archiver: Archiver, hubs: Hubs, arguments: tuple[str, ...], words: str
) -> None:
    done = archiver("across", *arguments, "--repo", str(hubs.folder))
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ('rules = ["ms:* = hff:*"]', 'alias.rules[0]: no source is called "hff"'),
        ('pairs = [["ms:x"]]', "alias.pairs[0]: expected two sources or more"),
        ("tolerance = { sise = 1 }", "alias.tolerance.sise: no such field is compared"),
        ('fields = { license = { mss = "L" } }', "alias.fields.license: no source is called"),
        ('weakest = "guess"', "alias.weakest: expected one of"),
        ("rule = []", "alias.rule: unknown key"),
    ],
)
def test_a_wrong_table_is_refused_in_words(
    archiver: Archiver, repo: Path, alias: str, words: str
) -> None:
    Hubs(repo, "ms", "hf", alias=f"[alias]\n{alias}\n")
    done = archiver("across", "--repo", str(repo))
    assert done.returncode == 2
    assert words in done.stderr
