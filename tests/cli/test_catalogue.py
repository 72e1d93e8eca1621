"""show, search, list and export, typed as people type them."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, TypeAlias

import jsonschema
import pytest
from support.histories import FILE, LATEST, History, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"

SHAPE = ("--file", FILE, "--records", "models", "--key", "id")
MODELS = [
    {"id": "org/tiny", "downloads": 1500000, "size": 4500000000, "tags": ["text"], "year": 2026},
    {"id": "org/vision", "downloads": 20, "size": 900, "tags": ["vision"], "licence": "MIT"},
    {"id": "模型/大", "downloads": 7, "size": 12, "tags": [], "year": 2025},
]
HOSTILE = "\x1b]0;owned\x07\u202e"


def committed(past: History, at: str, *models: Mapping[str, object]) -> None:
    past.commit(at, {FILE: json.dumps({"models": models})})


@pytest.fixture
def past(repo: Path) -> History:
    """Return a history in which a model comes and another one changes."""
    history = History(repo)
    committed(history, "2026-01-01T00:00:00Z", {**MODELS[0], "downloads": 3}, MODELS[1])
    committed(history, "2026-01-05T00:00:00Z", *MODELS)
    return history


@pytest.fixture
def ask(past: History, archiver: Archiver) -> Archiver:
    """Return what asks about ``models.json`` of the history."""
    return lambda command, *rest: archiver(command, "--repo", past.folder, *SHAPE, *rest)


def ids(done: CompletedProcess[str]) -> list[str]:
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


def test_the_list_is_a_table_with_the_columns_in_line(ask: Archiver) -> None:
    done = ask("list", "--metric", "downloads")
    assert done.stdout.splitlines() == [
        "id          size    downloads  year  licence",
        "org/tiny    4.5 GB  1,500,000  2026",
        "org/vision   900 B         20        MIT",
        "模型/大       12 B          7  2025",
    ]
    assert done.stderr == "not shown: tags; choose with --field\n"


def test_columns_can_be_chosen(ask: Archiver) -> None:
    done = ask("list", "--field", "tags", "--limit", "1")
    assert done.stdout.splitlines() == ["id        tags", 'org/tiny  ["text"]', "… and 2 more"]
    assert ask("list", "--field", "year", "-f", "csv").stdout.splitlines()[0] == "id,year"


def test_an_empty_list_is_empty(past: History, ask: Archiver) -> None:
    committed(past, "2026-01-06T00:00:00Z")
    done = ask("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert ask("list", "-f", "json").stdout == "[]\n"


def test_records_are_listed_as_they_are(ask: Archiver) -> None:
    assert json.loads(ask("list", "-f", "json").stdout) == MODELS
    assert ids(ask("list", "-f", "jsonl")) == ["org/tiny", "org/vision", "模型/大"]


def test_every_word_must_be_found_somewhere(ask: Archiver) -> None:
    assert ids(ask("search", "ORG vis", "-f", "jsonl")) == ["org/vision"]
    assert ids(ask("search", "mit", "-f", "jsonl")) == ["org/vision"]
    assert ask("search", "nothing").stdout == ""


def test_words_are_never_patterns(hostile: Path, ask: Archiver) -> None:
    cases = json.loads((hostile / "corpus.json").read_text("ascii"))["cases"]
    for text in (case["value"] for case in cases if case["class"] == "search"):
        done = ask("search", "--", text)
        assert (done.returncode, done.stdout) == (0, "")


def test_conditions_narrow_the_list(ask: Archiver) -> None:
    assert ids(ask("list", "--where", "downloads", ">", "10", "-f", "jsonl")) == [
        "org/tiny",
        "org/vision",
    ]
    assert ids(ask("search", "org", "--where", "tags", "has", "vision", "-f", "jsonl")) == [
        "org/vision"
    ]
    assert ask("list", "--where", "downloads", "like", "1").returncode == 2


@pytest.mark.parametrize(
    "typed",
    [
        ("--where", "downloads > 10"),
        ("--where", "downloads>10"),
        ("--where=downloads > 10",),
        ("--where", "downloads", ">", "10"),
        ("--where=downloads", ">", "10"),
        ("--where", "downloads>10", "--where", "downloads", "!=", "-5"),
        ("--where", "downloads", "!=", "-5", "--where", "downloads > 10"),
    ],
)
def test_a_condition_may_be_one_word_or_three(ask: Archiver, typed: tuple[str, ...]) -> None:
    three = ids(ask("list", "--where", "downloads", ">", "10", "-f", "jsonl"))
    assert ids(ask("list", *typed, "-f", "jsonl")) == three
    assert three


@pytest.mark.parametrize(
    "typed", [("downloads",), ("downloads", ">"), ("downloads like 1",), ("",), (">", ">"), ()]
)
def test_half_a_condition_is_refused(ask: Archiver, typed: tuple[str, ...]) -> None:
    done = ask("list", "--where", *typed)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("n", "bdacef"),
        ("-n", "cadbef"),
        ("deep.n", "fabcde"),
        ("-deep.n", "afbcde"),
        ("id", "abcdef"),
        ("-id", "fedcba"),
    ],
)
def test_records_are_sorted_by_a_field(
    repo: Path, archiver: Archiver, order: str, keys: str
) -> None:
    values = {"a": 10, "b": -1, "c": "word", "d": "9.5", "e": None}
    models = [{"id": key, "n": n} for key, n in values.items()]
    models += [{"id": "f", "deep": {"n": 1}}]
    models[0]["deep"] = [{"n": 2}]
    History(repo).commit("2026-01-01T00:00:00Z", {FILE: json.dumps(models)})
    about = ("--repo", repo, "--file", FILE, "--key", "id")
    for command in (("list",), ("export",), ("search", "")):
        done = archiver(*command, *about, "--sort", order, "-f", "jsonl")
        assert "".join(ids(done)) == keys
    limited = archiver("list", *about, "--sort", order, "--limit", "2")
    assert [line[0] for line in limited.stdout.splitlines()[1:3]] == list(keys[:2])
    assert limited.stdout.endswith("… and 4 more\n")


def test_a_field_to_sort_by_must_be_there(ask: Archiver) -> None:
    done = ask("list", "--sort", "-downlods")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "downloads"?' in done.stderr
    assert ask("export", "--changes", "--sort", "downloads").returncode == 2


def test_the_past_can_be_listed(ask: Archiver) -> None:
    for at in ("2026-01-02", "HEAD~1"):
        assert ids(ask("list", "--at", at, "-f", "jsonl")) == ["org/tiny", "org/vision"]
    assert ask("list", "--at", "2025-01-01").returncode == 5


def test_what_a_limit_leaves_out_is_counted(ask: Archiver) -> None:
    done = ask("list", "--limit", "1", "-f", "jsonl")
    assert (ids(done), done.stderr) == (["org/tiny"], "… and 2 more\n")
    assert ask("list", "--limit", "3", "-f", "jsonl").stderr == ""


def test_an_export_is_a_table_for_a_spreadsheet(ask: Archiver, tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    assert ask("export", "-o", path).stdout == ""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["size"] for row in rows] == ["4500000000", "900", "12"]


@pytest.mark.parametrize("form", ["csv", "csv-raw", "json", "jsonl", "markdown", "html"])
def test_every_form_can_be_exported(ask: Archiver, form: str) -> None:
    assert "org/tiny" in ask("export", "--format", form).stdout
    assert "模型/大" in ask("export", "--format", form, "--changes").stdout


@pytest.mark.parametrize("period", ["1h", "9999d"])
def test_the_changes_of_a_period_can_be_exported(ask: Archiver, period: str) -> None:
    done = ask("export", "--changes", period, "-f", "jsonl")
    meant = ask("changes", "--since", period, "-f", "jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, meant.stdout, meant.stderr)
    assert ask("export", period).returncode == 2


def test_changes_can_be_exported(ask: Archiver, archiver: Archiver) -> None:
    schema = json.loads(archiver("schema", "changes").stdout)
    done = ask("export", "--changes", "HEAD~1", "-f", "json")
    jsonschema.validate(json.loads(done.stdout), schema)
    rows = list(csv.DictReader(io.StringIO(ask("export", "--changes", "HEAD~1..HEAD").stdout)))
    assert [(row["kind"], row["key"]) for row in rows] == [
        ("updated", "org/tiny"),
        ("new", "模型/大"),
    ]


@pytest.mark.parametrize(
    "typed",
    [
        ("export", "HEAD"),
        ("export", "--changes", "--at", "7d"),
        ("export", "-f", "text"),
        ("show", "org/tiny", "--blame", "--limit", "1"),
    ],
)
def test_what_makes_no_sense_together_is_refused(ask: Archiver, typed: tuple[str, ...]) -> None:
    done = ask(*typed)
    assert (done.returncode, done.stdout) == (2, "")


def test_one_record_is_shown_with_its_life(past: History, ask: Archiver) -> None:
    new, old = (each[:10] for each in past.git("log", "--format=%H").split())
    assert ask("show", "org/tiny", "--metric", "downloads").stdout.splitlines() == [
        "org/tiny (present)",
        f"first seen    2026-01-01 00:00:00  {old}",
        f"last changed  2026-01-05 00:00:00  {new}",
        "",
        "    id         org/tiny",
        "    downloads  1,500,000",
        "    size       4.5 GB",
        '    tags       ["text"]',
        "    year       2026",
        "",
        "    downloads  ▁█  3 → 1,500,000 (least 3, most 1,500,000)",
        "",
        f"2026-01-05 00:00:00  {new}  metrics",
        "    downloads: 3 → 1,500,000 (+1,499,997)",
        "",
        f"2026-01-01 00:00:00  {old}  new",
    ]


def test_a_life_may_be_cut_short_and_begin_early(ask: Archiver) -> None:
    assert ask("show", "org/tiny", "--limit", "1").stdout.splitlines()[-1] == "… and 1 more"
    early = json.loads(ask("show", "org/tiny", "--at", "2026-01-02", "-f", "json").stdout)
    assert (early["record"]["downloads"], len(early["events"])) == (3, 1)


def test_each_value_has_its_revision(past: History, ask: Archiver) -> None:
    new, old = past.git("log", "--format=%H").split()
    rows = json.loads(ask("show", "org/tiny", "--blame", "-f", "json").stdout)
    assert {row["field"]: row["revision"] for row in rows} == {
        **dict.fromkeys(("id", "size", "tags", "year"), old),
        "downloads": new,
    }
    line = ask("show", "org/tiny", "--blame").stdout.splitlines()[2]
    assert line == f"    2026-01-05 00:00:00  {new[:10]}  downloads  1,500,000"


@pytest.mark.parametrize("form", ["json", "jsonl", "markdown", "html", "csv", "csv-raw"])
def test_a_life_has_every_form(ask: Archiver, form: str) -> None:
    number = "1,500,000" if form == "markdown" else "1500000"
    assert number in ask("show", "org/tiny", "-f", form).stdout


def test_a_life_as_csv_has_one_row_a_field(ask: Archiver) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("show", "org/tiny", "-f", "csv").stdout)))
    assert [(row["kind"], row["field"], row["old"]) for row in rows] == [
        ("updated", "downloads", "3"),
        ("new", "", ""),
    ]


def test_an_unknown_key_is_refused_with_the_near_ones(ask: Archiver) -> None:
    done = ask("show", "tiny")
    assert (done.returncode, done.stdout) == (5, "")
    assert "hint: did you mean org/tiny?" in done.stderr


def test_nothing_hostile_reaches_the_terminal(past: History, ask: Archiver) -> None:
    hostile = {"id": f"a{HOSTILE}", f"f{HOSTILE}": HOSTILE, "text": HOSTILE, "list": [HOSTILE]}
    committed(past, "2026-01-06T00:00:00Z", hostile)
    key = f"a{HOSTILE}"
    asked = (("list",), ("search", "a"), ("show", key), ("show", key, "--blame"), ("show", HOSTILE))
    for command in asked:
        done = ask(*command)
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)


def test_a_source_of_our_own_needs_no_description(archiver: Archiver, repo: Path) -> None:
    own = History(repo)
    own.configure(metrics=("n",))
    own.capture("2026-01-02T00:00:00Z", a=1)
    own.capture("2026-01-03T00:00:00Z", a=2, b=1)
    assert archiver("list", "--repo", repo).stdout.splitlines() == ["id  n", "a   2", "b   1"]
    assert "n: 1 → 2 (+1)" in archiver("show", "a", "--repo", repo).stdout
    assert "# hub" in archiver("export", "-f", "markdown", "--repo", repo).stdout


def test_what_became_of_a_record_is_told_in_words(archiver: Archiver, repo: Path) -> None:
    own = History(repo)
    own.configure()
    own.capture("2026-01-02T00:00:00Z", a=1, b=1)
    rows = ('{"key":"a","cause":"deleted\\u001b"', '{"key":"b","now":"c\\u001b"')
    times = '"removed_at":"2026-01-03 00:00:00","last_seen":"2026-01-02 00:00:00"}'
    stones = "".join(f"{row},{times}\n" for row in rows)
    own.commit("2026-01-03T00:00:00Z", {"data/hub/removed.jsonl": stones})
    own.commit("2026-01-03T00:00:00Z", {LATEST: snapshot("2026-01-03 00:00:00", {"id": "c\x1b"})})

    def events(key: str) -> list[str]:
        lines = archiver("show", key, "--repo", repo).stdout.splitlines()
        return [line.split("  ", 2)[2] for line in lines if line.startswith("2026")]

    assert events("a") == ["removed: deleted\\x1b", "new"]
    assert events("b") == ["renamed to c\\x1b (see its timeline for what came after)", "new"]
    assert events("c\x1b") == ["renamed from b (see its timeline for what came before)"]
    shown = archiver("show", "b", "--repo", repo, "-f", "json").stdout
    assert [event.get("new_key") for event in json.loads(shown)["events"]] == ["c\x1b", None]


def test_before_the_first_capture_the_next_step_is_named(archiver: Archiver, repo: Path) -> None:
    History(repo).configure()
    done = archiver("list", "--repo", repo)
    assert (done.returncode, done.stdout) == (5, "")
    assert "archiver run hub" in done.stderr


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_page_about_a_record_says_its_state(past: History, ask: Archiver, form: str) -> None:
    assert "org/tiny (present)" in ask("show", "org/tiny", "-f", form).stdout
    committed(past, "2026-01-06T00:00:00Z")
    assert "org/tiny (removed)" in ask("show", "org/tiny", "-f", form).stdout


def test_a_file_is_relative_to_the_current_folder_as_in_git(
    past: History, archiver: Archiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    top, below = '[{"id": "top"}]', '[{"id": "below"}]'
    past.commit("2026-01-01T00:00:00Z", {"d.json": top, "sub/d.json": below})
    sub = past.folder / "sub"
    monkeypatch.chdir(sub)
    named = {
        "d.json": "below",
        "./d.json": "below",
        "../d.json": "top",
        str(past.folder / "d.json"): "top",
        "../sub/./d.json": "below",
    }
    for file, key in named.items():
        assert archiver("list", "--file", file, "--key", "id").stdout.split()[-1] == key
    assert (
        archiver("list", "--repo", "..", "--file", "d.json", "--key", "id").stdout.split()[-1]
        == "top"
    )
    refused = archiver("list", "--file", str(tmp_path.parent / "d.json"), "--key", "id")
    assert refused.returncode == 2
    assert "is outside of the git repository" in refused.stderr


@pytest.mark.parametrize(
    "words",
    ["list", "search pkg", "export", "compare", "changes --since 1d", "show a"],
)
def test_names_that_look_like_formulas_survive_in_raw_csv(
    repo: Path, archiver: Archiver, words: str
) -> None:
    past = History(repo)
    committed(past, "2026-01-01T00:00:00Z", {"id": "a", "uses": "@org/pkg"})
    committed(past, "2026-01-05T00:00:00Z", {"id": "@org/pkg"}, {"id": "a", "uses": "=org/pkg"})
    command = (*words.replace("1d", "2026-01-04").split(), "--repo", past.folder, *SHAPE)
    raw, guarded = (
        [*csv.reader(io.StringIO(archiver(*command, "-f", form).stdout))]
        for form in ("csv-raw", "csv")
    )
    assert any("@org/pkg" in cell for row in raw for cell in row)
    assert not any(cell.startswith(("'@", "'=")) for row in raw for cell in row)
    unguarded = [[cell.removeprefix("'") for cell in row] for row in guarded]
    assert (raw, guarded != raw) == (unguarded, True)
