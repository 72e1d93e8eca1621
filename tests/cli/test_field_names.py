"""Fields that no record has: refused with a suggestion on the command line, noted by a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.histories import FILE, History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

OLD: list[dict[str, Any]] = [
    {"id": "a", "license": "mit", "pricing": {"prompt": 1}, "tags": [{"name": "x"}]},
    {"id": "b", "license": "mit", "downloads": 5, "was": 1},
]
NEW = [
    {"id": "a", "license": "apache-2.0", "pricing": {"prompt": 2}, "tags": [{"name": "x"}]},
    {"id": "b", "license": "mit", "downloads": 6},
    {"id": "c", "license": "mit", "rare": None},
]


@pytest.fixture
def ask(repo: Path, archiver: Archiver) -> Archiver:
    """Return what asks about a history of two versions."""
    past = History(repo)
    for at, models in (("2026-01-01T00:00:00Z", OLD), ("2026-01-02T00:00:00Z", NEW)):
        past.commit(at, {FILE: json.dumps(models)})
    about = ("--repo", repo, "--file", FILE, "--key", "id")
    return lambda command, *rest: archiver(command, *about, *rest)


COMPARE = ("compare", "HEAD~1", "HEAD")
CHANGES = ("changes", "--since", "2026-01-01", "--at", "HEAD")
STEPS = (*CHANGES, "--steps")


@pytest.mark.parametrize("command", [COMPARE, (*COMPARE, "--stat"), CHANGES, STEPS])
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("--field", "licence"), "license"),
        (("--field", "license", "--field", "licence"), "license"),
        (("--where", "licence", "=", "mit"), "license"),
        (("--where", "licence", "!=", "mit"), "license"),
        (("--where", "pricing.promt", "=", "1"), "pricing.prompt"),
        (("--where", "tags.nam", "=", "x"), "tags.name"),
        (("--metric", "downlods"), "downloads"),
        (("--field", "pricing.prompt"), "pricing"),
    ],
)
def test_a_field_that_neither_side_has_is_refused(
    ask: Archiver, command: tuple[str, ...], typed: tuple[str, ...], meant: str
) -> None:
    done = ask(*command, *typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert f'did you mean "{meant}"?' in done.stderr
    assert "the fields are downloads, id, license, pricing, rare, tags" in done.stderr


@pytest.mark.parametrize("command", ["list", "export", "search"])
@pytest.mark.parametrize(
    "typed",
    [("--where", "licence", "=", "mit"), ("--field", "licence"), ("--where", "was", "=", "1")],
)
def test_a_field_that_the_version_lacks_is_refused(
    ask: Archiver, command: str, typed: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "out"
    words = ("a",) if command == "search" else ()
    done = ask(command, *words, *typed, "-o", path)
    assert (done.returncode, done.stdout, path.exists()) == (2, "", False)
    assert done.stderr.startswith('archiver: no record has a field "')


@pytest.mark.parametrize("command", [COMPARE, CHANGES, STEPS, ("list",), ("export",)])
@pytest.mark.parametrize("field", ["rare", "downloads", "id"])
def test_a_field_that_few_records_have_is_none_too_few(
    ask: Archiver, command: tuple[str, ...], field: str
) -> None:
    for typed in (("--field", field), ("--where", field, "=", "nothing of the kind")):
        done = ask(*command, *typed)
        assert done.returncode == 0
        assert done.stderr in (
            "",
            f"note: only changes of {field} are shown, not what is new or gone\n",
        )


@pytest.mark.parametrize("typed", [("--field", "was"), ("--where", "was", "=", "7")])
def test_a_comparison_knows_the_fields_of_both_sides(ask: Archiver, typed: tuple[str, ...]) -> None:
    assert ask(*COMPARE, *typed).returncode == 0
    assert ask("compare", "HEAD", "HEAD", *typed).returncode == 2


@pytest.mark.parametrize("path", ["pricing.prompt", "tags.name", "rare"])
def test_a_nested_field_is_a_field(ask: Archiver, path: str) -> None:
    done = ask(*COMPARE, "--where", path, "=", "nothing of the kind")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_empty_catalogue_knows_no_fields(repo: Path, archiver: Archiver) -> None:
    History(repo).commit("2026-01-01T00:00:00Z", {FILE: "[]"})
    about = ("--repo", repo, "--file", FILE, "--key", "id")
    for command in ("list", "compare", "export"):
        done = archiver(command, *about, "--where", "licence", "=", "mit")
        assert (done.returncode, done.stderr) == (0, "")


def test_of_two_sources_one_may_lack_the_field(repo: Path, archiver: Archiver) -> None:
    tables = (
        f'[sources.{name}]\ntype = "json"\nurl = "{name}.json"\nkey = ["id"]\n'
        for name in ("one", "two")
    )
    (repo / "archiver.toml").write_text("\n".join(tables))
    (repo / "one.json").write_text('[{"id": "a", "license": "mit"}]')
    (repo / "two.json").write_text('[{"id": "b", "price": 1}]')
    assert archiver("run", "--repo", repo).returncode == 0
    for command in ("list", "compare"):
        done = archiver(command, "--repo", repo, "--where", "license", "=", "mit", "-f", "jsonl")
        assert (done.returncode, done.stderr) == (0, "")
        done = archiver(command, "--repo", repo, "--where", "licence", "=", "mit", "-f", "jsonl")
        assert (done.returncode, done.stdout) == (2, "")


def test_a_long_answer_to_the_opposite_is_shown_and_refused(repo: Path, archiver: Archiver) -> None:
    models = [{"id": f"m{number:05}", "text": "x" * 50} for number in range(5_000)]
    History(repo).commit("2026-01-01T00:00:00Z", {FILE: json.dumps(models)})
    about = ("--repo", repo, "--file", FILE, "--key", "id")
    done = archiver("list", *about, "--where", "test", "!=", "x")
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == len(models) + 1


NOTIFY = """
[notify.page]
type = "file"
path = "page.txt"
where = ["licence = mit", "tags.name = x"]
threshold = "downlods > 10 %"
"""


def test_a_run_notes_what_archiver_toml_misspells(repo: Path, archiver: Archiver) -> None:
    archive = Archive(repo)
    lists = {"metrics": ["downloads", "pricing.*"], "sets": ["tag"], "volatile": ["tags.*.nam"]}
    archive.configure(NOTIFY, **lists)
    archive.lists(OLD)
    done = archiver("run", "--repo", repo)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"hub: note: archiver.toml: {place}: no record has a field {words}"
        for place, words in (
            ("sources.hub.volatile", '"tags.*.nam"; did you mean "tags.name"?'),
            ("sources.hub.sets", '"tag"; did you mean "tags"?'),
            ("notify.page.where", '"licence"; did you mean "license"?'),
            ("notify.page.threshold", '"downlods"; did you mean "downloads"?'),
        )
    ]


def test_a_run_that_lists_nothing_knows_no_fields(repo: Path, archiver: Archiver) -> None:
    archive = Archive(repo)
    archive.configure(NOTIFY, metrics=["downlods"])
    archive.lists()
    assert "no record has" not in archiver("run", "--repo", repo, "--accept").stderr


def test_a_channel_of_two_sources_may_ask_for_a_field_of_one(
    repo: Path, archiver: Archiver
) -> None:
    archive = Archive(repo)
    other = '[sources.other]\ntype = "json"\nurl = "other.json"\nkey = ["id"]\n'
    archive.configure(other + NOTIFY.replace("downlods", "downloads"))
    archive.lists(OLD)
    (repo / "other.json").write_text('[{"id": "b", "price": 1}]')
    done = archiver("run", "--repo", repo)
    (note,) = done.stderr.splitlines()
    assert 'notify.page.where: no record has a field "licence"' in note
