"""One table: `compare`, `changes`, `check`, `run` and the Action fail for the same changes."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.archives import Archive as Documents
from support.checkout import CHECKOUT
from support.hubs import Archive as Hubs

from archiver.changes.severity import TABLE, Row, reached
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.records.model import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.commandline import Archiver, Ran

    from archiver.records.model import Severity

FIELDS: Final[dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]]] = {
    ("license", "changed"): ({"license": "mit"}, {"license": "gpl-3.0"}),
    ("licence", "changed"): ({"licence": "mit"}, {}),
    ("license", "stated"): ({"license": None}, {"license": "mit"}),
    ("licence", "stated"): ({}, {"licence": "mit"}),
    ("license", "respelled"): ({"license": "mit"}, {"license": "MIT License"}),
    ("licence", "respelled"): ({"licence": "mit"}, {"licence": "MIT"}),
    ("gated", "changed"): ({"gated": False}, {"gated": "auto"}),
    ("gated", "opened"): ({"gated": "auto"}, {"gated": False}),
    ("gated", "stated"): ({}, {"gated": False}),
    ("version", "changed"): ({"version": "1"}, {"version": "2"}),
    ("size", "changed"): ({"size": 1}, {"size": 2}),
    ("*", "changed"): ({"text": "a"}, {"text": "b"}),
}
"""Name of a field and what happens to it, to the fields of a record before and after."""
OTHERS: Final = [{"id": f"other/{number}", "downloads": 1} for number in range(9)]
ONE: Final = "org/one"


@dataclass
class Change:
    """A repository in which a change is about to be captured, and the key that it is about."""

    folder: Path
    key: str


def documents(repo: Path, *versions: list[dict[str, Any]], **settings: Any) -> Change:
    """Capture all versions of a document but the last, which is there to be captured."""
    archive = Documents(repo)
    archive.configure(metrics=["downloads"], **settings)
    for version in versions[:-1]:
        archive.lists([*OTHERS, *version])
        archive.run()
    archive.lists([*OTHERS, *versions[-1]])
    return Change(repo, ONE)


def hub(repo: Path, server: FakeHub, kind: str) -> Change:
    """Capture a hub, and let a model get another name, leave the window or enter it."""
    assert server.hub is not None
    archive = Hubs(repo, server, server.hub)
    if kind == "renamed":
        archive.configure("huggingface", scope="all")
        archive.run()
        key = min(archive.listed())
        server.hub.rename(key, "new-owner/New-Name")
        return Change(repo, key)
    archive.configure("huggingface", scope="top", top=100)
    archive.run()
    low, high = min(server.hub.truth() - archive.listed()), min(archive.listed())
    server.hub.edit(high, downloads=0)
    server.hub.edit(low, downloads=10**9)
    return Change(repo, low if kind == "entered" else high)


def prepared(repo: Path, server: FakeHub, row: Row, name: str) -> Change:
    """Return a repository in which what a row of the table says is about to be captured."""
    if row.case is not None:
        before, after = FIELDS[name, row.case]
        return documents(repo, [{"id": ONE, **before}], [{"id": ONE, **after}])
    one = {"id": ONE, "downloads": 1}
    versions: dict[str, list[list[dict[str, Any]]]] = {
        "removed": [[one], []],
        "returned": [[one], [], [one]],
        "new": [[], [one]],
        "metrics": [[one], [{**one, "downloads": 2}]],
    }
    return documents(repo, *versions[name]) if name in versions else hub(repo, server, name)


def action(archiver: Archiver, repo: Path, **inputs: str) -> Ran:
    """Run what the Action runs, with the variables that it sets for its inputs."""
    text = (CHECKOUT / "action.yml").read_text()
    (command,) = re.findall(r"run: '(.* run --github)'", text)
    variables = dict(re.findall(r"(ARCHIVER_\w+): \$\{\{ inputs\.([\w-]+) \}\}", text))
    given = {
        "push": "false",
        "dry-run": "true",
        **{k.replace("_", "-"): v for k, v in inputs.items()},
    }
    environ = {variable: given.get(name, "") for variable, name in variables.items()}
    return archiver(*shlex.split(command)[1:], ARCHIVER_REPO=str(repo), **environ)


ROWS: Final = [(row, name) for row in TABLE for name in row.names]


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with FakeHub(hub=Hub(120)) as running:
        yield running


@pytest.mark.parametrize(
    ("row", "name"), ROWS, ids=[f"{name}-{row.case or 'kind'}" for row, name in ROWS]
)
def test_all_commands_fail_for_what_the_table_says(
    repo: Path, server: FakeHub, archiver: Archiver, row: Row, name: str
) -> None:
    change = prepared(repo, server, row, name)
    about = ("--repo", repo)
    expected = {least: int(reached(row.severity, least)) for least in SEVERITIES}

    def codes(*command: object, **environ: str) -> dict[Severity, int]:
        return {
            least: archiver(*command, "--fail-on", least, *about, **environ).returncode
            for least in SEVERITIES
        }

    assert codes("run", "--dry-run") == expected
    assert {
        each: action(archiver, repo, fail_on=each).returncode for each in SEVERITIES
    } == expected
    assert archiver("run", "--fail-on", row.severity, *about).returncode == 1
    assert archiver("run", "--fail-on", "noise", *about).returncode == 0  # nothing new since
    assert codes("compare") == expected
    assert codes("compare", "--stat", "--limit", "1") == expected
    assert codes("changes", "--steps", "--since", "1d") == expected
    pins = repo.parent / "models.txt"
    pins.write_text(f"{change.key}\n")
    check = ("check", pins, "--since", "HEAD~1")
    pinned = "breaking" if name == "renamed" else row.severity
    assert archiver(*check, *about).returncode == int(pinned == "breaking")
    if row.case is not None:
        assert codes(*check) == expected


def test_archiver_toml_says_otherwise_to_all_of_them(
    repo: Path, archiver: Archiver, tmp_path: Path
) -> None:
    said = '[sources.hub.severity]\nversion = "breaking"\n"card.text" = "noise"\n'
    one = {"id": ONE, "version": 1, "card": {"text": "a"}}
    change = documents(repo, [one], [{**one, "version": 2}], more=said)
    pins = tmp_path / "models.txt"
    pins.write_text(f"{change.key}\n")
    command = ("--fail-on", "breaking", "--repo", repo)
    assert action(archiver, repo, fail_on="breaking").returncode == 1
    done = archiver("run", *command)
    assert (done.returncode, done.stderr) == (1, "hub: --fail-on breaking: 1 breaking\n")
    done = archiver("compare", *command)
    assert (done.returncode, done.stderr) == (1, "--fail-on breaking: 1 breaking\n")
    assert "~ org/one (breaking)\n" in done.stdout
    done = archiver("check", pins, "--since", "HEAD~1", "--repo", repo, "-f", "sarif")
    (result,) = json.loads(done.stdout)["runs"][0]["results"]
    assert (done.returncode, result["ruleId"], result["level"]) == (1, "changed", "error")
    assert archiver("check", pins, "--allow", "changed", "--repo", repo).returncode == 0
    Documents(repo).lists([*OTHERS, {**one, "version": 2, "card": {"text": "b"}}])
    assert archiver("run", "--fail-on", "info", "--repo", repo).returncode == 0
    assert archiver("compare", "--fail-on", "noise", "--repo", repo).returncode == 1


def test_nothing_makes_light_of_the_terms_of_a_pin(
    repo: Path, archiver: Archiver, tmp_path: Path
) -> None:
    said = '[sources.hub.severity]\nlicense = "noise"\n'
    change = documents(
        repo, [{"id": ONE, "license": "mit"}], [{"id": ONE, "license": "gpl-3.0"}], more=said
    )
    pins = tmp_path / "models.txt"
    pins.write_text(f"{change.key}\n")
    assert archiver("run", "--fail-on", "info", "--repo", repo).returncode == 0
    assert archiver("check", pins, "--repo", repo).returncode == 1


def test_a_first_snapshot_and_two_equal_ones_fail_for_nothing(
    repo: Path, archiver: Archiver
) -> None:
    documents(repo, [{"id": ONE}])
    for _ in range(2):
        assert archiver("run", "--fail-on", "noise", "--repo", repo).returncode == 0


def test_a_run_that_fails_for_a_change_has_committed_it(repo: Path, archiver: Archiver) -> None:
    documents(repo, [{"id": ONE}], [])
    done = archiver("run", "--fail-on", "breaking", "--repo", repo, "-f", "json")
    (report,) = json.loads(done.stdout)
    assert (done.returncode, report["severities"]) == (1, {"removed": {"breaking": 1}})
    assert report["revision"] == Documents(repo).git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('version = "severe"', ("breaking", "notable", "info", "noise", "severe")),
        ("version = 3", ("breaking", "notable", "info", "noise", "3")),
    ],
)
def test_a_wrong_severity_names_the_four(
    repo: Path, archiver: Archiver, said: str, words: tuple[str, ...]
) -> None:
    documents(repo, [{"id": ONE}], more=f"[sources.hub.severity]\n{said}")
    done = archiver("run", "--repo", repo)
    assert done.returncode == 2
    assert "archiver.toml: sources.hub.severity" in done.stderr
    assert all(word in done.stderr for word in words)
    assert archiver("compare", "--fail-on", words[-1], "--repo", repo).returncode == 2


def test_a_severity_of_a_field_that_no_record_has_is_noted(repo: Path, archiver: Archiver) -> None:
    said = '[sources.hub.severity]\nlicence = "info"\n"card.licens" = "breaking"\n'
    documents(repo, [{"id": ONE, "license": "mit", "card": {"license": "mit"}}], more=said)
    place = "hub: note: archiver.toml: sources.hub.severity: no record has a field"
    assert archiver("run", "--repo", repo).stderr.splitlines() == [
        f'{place} "licence"; did you mean "license"?',
        f'{place} "card.licens"; did you mean "card.license"?',
    ]


def test_fail_on_and_by_exclude_each_other(repo: Path, archiver: Archiver) -> None:
    documents(repo, [{"id": ONE}], [{"id": ONE}])
    done = archiver("changes", "--by", "id", "--fail-on", "info", "--repo", repo)
    assert done.returncode == 2
    assert "--fail-on" in done.stderr
