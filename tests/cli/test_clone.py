"""An archive is cloned without its content: each question fetches what it reads, in one batch."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.git import new_repository, run_git
from support.git_server import GitServer

from archiver.records.canonical import shard_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.commandline import Archiver

VERSIONS = 8
GONE = 4
"""Number of the version in which a model is removed."""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bare archive in 16 shards; each version changes a few models of one shard."""
    folder = tmp_path_factory.mktemp("origin")
    archive = Archive(new_repository(folder / "work"))
    archive.configure(shards=16)
    archive.git("add", "archiver.toml")
    archive.git("commit", "--quiet", "-m", "Begin")
    names = [f"m{number}" for number in range(160)]
    for version in range(VERSIONS):
        models = dict.fromkeys(names, 1)
        models |= {f"m{version}": version + 2}
        if version >= GONE:
            del models["m100"]
        archive.captured(**models)
    run_git(folder, "clone", "--quiet", "--mirror", "work", "origin.git")
    run_git(folder / "origin.git", "config", "uploadpack.allowFilter", "true")
    return folder / "origin.git"


@pytest.fixture(scope="module")
def server(origin: Path) -> Iterator[GitServer]:
    with GitServer(origin.parent) as running:
        yield running


@pytest.fixture(scope="module")
def whole(origin: Path) -> Path:
    run_git(origin.parent, "clone", "--quiet", "origin.git", "whole")
    return origin.parent / "whole"


@pytest.fixture
def clone(tmp_path: Path, server: GitServer, archiver: Archiver) -> Path:
    made = archiver("clone", server.url, tmp_path / "clone")
    assert made.returncode == 0, made.stderr
    return tmp_path / "clone"


def fetches(folder: Path) -> int:
    """Return how many packs were fetched."""
    return len([*(folder / ".git/objects/pack").glob("*.promisor")])


def contents(folder: Path) -> set[str]:
    """Return the ids of all files whose content is here."""
    rows = run_git(folder, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    return {row.split()[0] for row in rows if row.split()[1] == "blob"}


def test_a_clone_has_the_history_the_state_and_no_snapshot(clone: Path) -> None:
    assert run_git(clone, "rev-list", "--count", "HEAD").strip() == str(VERSIONS + 1)
    assert "refs/archiver/state" in run_git(clone, "for-each-ref")
    assert [each.name for each in clone.iterdir() if each.name != ".git"] == ["archiver.toml"]
    assert run_git(clone, "status", "--short") == ""
    paths = run_git(clone, "rev-list", "--objects", "--missing=print", "HEAD")
    assert paths.count("?") > VERSIONS


@pytest.mark.parametrize(
    ("question", "most"),
    [
        (["compare"], 1),
        (["compare", "HEAD~5", "HEAD~2"], 1),
        (["log"], 1),
        (["log", "--limit", "2"], 1),
        (["log", "--by", "n"], 1),
        (["changes", "--since", "2026-02-02"], 1),
        (["changes", "--since", "2026-02-02", "--steps"], 1),
        (["changelog"], 1),
        (["list"], 1),
        (["list", "--at", "HEAD~3", "-f", "json"], 1),
        (["search", "m7"], 1),
        (["export", "-f", "csv"], 1),
        (["show", "m7"], 1),
        (["show", "m100"], 2),  # and what is known of its removal
        (["verify"], 1),
        (["churn"], 1),
        (["sql", "SELECT count(*) FROM captures"], 1),
    ],
)
def test_each_question_has_the_answer_of_a_whole_clone_after_one_fetch(
    clone: Path, whole: Path, archiver: Archiver, question: list[str], most: int
) -> None:
    before = fetches(clone)
    asked, there = (archiver(*question, "--repo", each) for each in (clone, whole))
    assert (asked.returncode, asked.stdout) == (there.returncode, there.stdout), asked.stderr
    assert asked.returncode == 0, asked.stderr
    assert 0 < fetches(clone) - before <= most
    known = fetches(clone)
    assert archiver(*question, "--repo", clone).stdout == there.stdout
    assert fetches(clone) == known


def test_one_record_brings_the_shard_of_its_key_alone(clone: Path, archiver: Archiver) -> None:
    before = contents(clone)
    assert archiver("show", "m7", "--repo", clone).returncode == 0
    shard = f"latest/{shard_name('m7', 16)}.json"
    rows = run_git(clone, "log", "--raw", "--no-abbrev", "--format=", "HEAD").splitlines()
    names = {row.split()[3]: row.split("\t")[1] for row in rows}
    brought = {names[each] for each in contents(clone) - before}
    assert brought
    shards = [each for each in brought if "/latest/" in each]
    assert {each.partition("/hub/")[2] for each in shards} <= {shard}


def test_a_period_brings_what_changed_in_it_alone(clone: Path, archiver: Archiver) -> None:
    before = contents(clone)
    asked = archiver("compare", "HEAD~1", "HEAD", "--repo", clone)
    assert asked.returncode == 0
    changed = run_git(clone, "diff", "--name-only", "HEAD~1", "HEAD", "--", "data/hub/latest")
    assert len(contents(clone) - before) <= 2 * len(changed.split()) + 2 + 2 + 2


def test_without_the_remote_an_answer_is_refused_and_not_shorter(
    clone: Path, archiver: Archiver, server: GitServer
) -> None:
    assert server.url
    run_git(clone, "remote", "set-url", "origin", "http://127.0.0.1:1/gone.git")
    for question in (["log"], ["show", "m7"], ["compare"], ["changelog"], ["list"], ["churn"]):
        asked = archiver(*question, "--repo", clone)
        assert asked.returncode == 5
        assert asked.stdout == ""
        assert "this partial clone lacks " in asked.stderr
        assert "data/hub/latest" in asked.stderr
        assert "origin cannot be reached" in asked.stderr


def test_what_was_fetched_once_is_answered_without_the_remote(
    clone: Path, archiver: Archiver
) -> None:
    told = archiver("log", "--repo", clone).stdout
    run_git(clone, "remote", "set-url", "origin", "http://127.0.0.1:1/gone.git")
    again = archiver("log", "--repo", clone)
    assert (again.returncode, again.stdout) == (0, told)


def test_status_fetches_nothing(clone: Path, archiver: Archiver) -> None:
    before = fetches(clone)
    told = archiver("status", "--repo", clone)
    assert "2026-02-06 15:47:33 UTC, changed, 159 records" in told.stdout
    assert fetches(clone) == before


@pytest.mark.parametrize(
    "settings",
    [
        {"remote.origin.url": "ext::touch PWNED"},
        {"remote.origin.vcs": "ext"},
        {"remote.origin.url": "file://ORIGIN", "remote.origin.uploadpack": "touch PWNED;"},
        {"remote.origin.url": "-oProxyCommand=touch PWNED:x"},
        {"protocol.allow": "always", "url.ext::touch PWNED;.insteadOf": "http://"},
        {"extensions.partialClone": "--upload-pack=touch PWNED;"},
    ],
    ids=" ".join,
)
def test_no_setting_of_the_clone_runs_a_program(
    clone: Path, archiver: Archiver, tmp_path: Path, origin: Path, settings: dict[str, str]
) -> None:
    pwned = tmp_path / "pwned"
    for name, value in {"protocol.ext.allow": "always", **settings}.items():
        said = value.replace("PWNED", str(pwned)).replace("ORIGIN", str(origin))
        run_git(clone, "config", name.replace("PWNED", str(pwned)), said)
    archiver("log", "--repo", clone)
    assert not pwned.exists()


def test_a_token_of_the_environment_opens_a_closed_server(
    origin: Path, tmp_path: Path, archiver: Archiver
) -> None:
    token = {"ARCHIVER_PUSH_TOKEN": "t0ken"}
    with GitServer(origin.parent, "t0ken") as closed:
        refused = archiver("clone", closed.url, tmp_path / "no")
        assert refused.returncode == 5
        assert not (tmp_path / "no").exists()
        made = archiver("clone", closed.url, tmp_path / "yes", **token)
        assert made.returncode == 0, made.stderr
        assert archiver("log", "--repo", tmp_path / "yes", **token).returncode == 0
    for file in (each for each in (tmp_path / "yes").rglob("*") if each.is_file()):
        assert b"t0ken" not in file.read_bytes()


def test_a_server_that_cannot_filter_gives_a_whole_clone(
    origin: Path, tmp_path: Path, archiver: Archiver, whole: Path
) -> None:
    shutil.copytree(origin, tmp_path / "origin.git")
    run_git(tmp_path / "origin.git", "config", "uploadpack.allowFilter", "false")
    with GitServer(tmp_path) as server:
        made = archiver("clone", server.url, tmp_path / "clone")
    assert "note: the server cannot leave content out: everything was cloned" in made.stderr
    told = archiver("log", "--repo", tmp_path / "clone")
    assert told.stdout == archiver("log", "--repo", whole).stdout


@pytest.mark.parametrize("url", ["ext::sh -c 'touch pwned'", "--upload-pack=touch@x:y", "fd::7"])
def test_a_url_that_could_run_a_program_is_refused(
    url: str, tmp_path: Path, archiver: Archiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = archiver("clone", "--", url, "here")
    assert refused.returncode == 2
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_in_use_stays(tmp_path: Path, archiver: Archiver, origin: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/mine").touch()
    refused = archiver("clone", f"file://{origin}", tmp_path / "here")
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    assert [each.name for each in (tmp_path / "here").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "case",
    [
        ("khavel-all", ["models.json", "--records", "models", "--key", "id"], ["log"]),
        ("khavel-all", ["models.json", "--records", "models", "--key", "id"], ["changelog"]),
        ("radar-index-all", ["index.json", "--records", "entries", "--key", "slug"], ["compare"]),
        ("scoop-folder", ["bucket/*.json"], ["log", "--limit", "20"]),
    ],
)
def test_any_partial_clone_of_a_real_history_answers_as_the_whole_one(
    real: Path, tmp_path: Path, archiver: Archiver, case: tuple[str, list[str], list[str]]
) -> None:
    bundle, described, question = case
    run_git(tmp_path, "clone", "--quiet", "-b", "main", str(real / f"{bundle}.bundle"), "whole")
    run_git(tmp_path / "whole", "config", "uploadpack.allowFilter", "true")
    url = f"file://{tmp_path / 'whole'}"
    run_git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", url, "clone")
    told = [
        archiver(*question, "--repo", tmp_path / each, "--file", *described)
        for each in ("whole", "clone")
    ]
    assert told[0].returncode == 0, told[0].stderr
    assert told[0].stdout == told[1].stdout
    assert fetches(tmp_path / "clone") == 2
