"""Every reading command writes the same bytes with and without an index, on real histories."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.histories import History

from archiver.history import index as indexes
from archiver.history.choice import Choice
from archiver.records.text import bytes_

if TYPE_CHECKING:
    from pathlib import Path

REAL = {
    "cisa-kev": ("known_exploited_vulnerabilities.json", "vulnerabilities", "cveID"),
    "genai-prices": ("data.json", ".[].models", "^.id", "id"),
    "khavel": ("models.json", "models", "id"),
    "radar-index": ("index.json", "entries", "slug"),
}
COMMANDS = (
    ("log",),
    ("log", "-f", "jsonl"),
    ("log", "-f", "json"),
    ("log", "-f", "csv", "--limit", "7"),
    ("log", "-f", "markdown", "--since", "2026-01-01"),
    ("log", "-f", "html", "--limit", "5"),
    ("log", "--at", "HEAD~3"),
    ("log", "--since", "10y", "--at", "HEAD~2", "-f", "jsonl"),
    ("changes", "--since", "20y", "--stat"),
    ("changes", "--since", "20y", "--steps", "--stat"),
    ("changes", "--since", "20y", "--steps", "-f", "jsonl", "--limit", "50"),
    ("changes", "--since", "20y", "--steps", "--stat", "-f", "jsonl"),
    ("compare", "--stat"),
    ("list", "--limit", "3"),
)


FEW = COMMANDS[:1]
"""For a history of which each question takes a second without an index."""


@pytest.mark.parametrize("name", REAL)
def test_real_histories(real: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    bundle = real / f"{name}-all.bundle"
    subprocess.run(["git", "clone", "-q", "--branch=main", str(bundle), str(folder)], check=True)
    file, records, *key = REAL[name]
    about = ["--repo", folder, "--file", folder / file, "--records", records]
    about += [word for field in key for word in ("--key", field)]
    assert run_archiver("index", *about).returncode == 0
    catalogue = Choice(folder, {}, (), str(folder / file), records, tuple(key)).one()
    with indexes.index(catalogue) as found:
        assert found is not None
        rows = found.connection.execute("SELECT key FROM keys ORDER BY id").fetchall()
    is_large = name != "khavel"
    keys = [key for (key,) in rows[:: len(rows) // (2 if is_large else 5)]]
    shown = [("show", key, "-f", form) for key in keys for form in ("text", "json")]
    for command in (*(FEW if is_large else COMMANDS), *shown):
        with_index = run_archiver(*command, *about)
        without = run_archiver(*command, *about, "--no-index")
        assert (with_index.returncode, with_index.stdout, with_index.stderr) == (
            without.returncode,
            without.stdout,
            without.stderr,
        ), command


def test_an_archive(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure(metrics=["n"], label="name")
    pins = repo / "pins.txt"
    pins.write_text("a\nb\nc\nnever\n")
    for day in range(6):
        archive.lists(
            {"id": key, "n": day * number, "name": f"{key}!", "license": "mit" if day < 4 else "x"}
            for number, key in enumerate("abcdefgh"[: 8 - day // 2])
        )
        archive.run(accept=True)
    assert run_archiver("index", "--repo", repo).returncode == 0
    commands = (
        *COMMANDS,
        *(("show", key, "-f", form) for key in "agh" for form in ("text", "json", "csv", "jsonl")),
        *(("show", key, "--blame") for key in "ah"),
        ("show", "never"),
        ("check", pins, "--offline"),
        ("check", pins, "--offline", "-f", "json"),
        ("check", pins, "--offline", "--since", "2026-02-01", "-f", "json"),
        ("check", "--keys", ".*", "--offline", "-f", "json"),
        ("check", "--keys", "[agh]", "--offline", "--at", "HEAD~3", "-f", "json"),
        ("changelog",),
        ("search", "a"),
    )
    for command in commands:
        with_index = run_archiver(*command, "--repo", repo)
        without = run_archiver(*command, "--repo", repo, "--no-index")
        assert with_index.stdout == without.stdout, command
        assert (with_index.returncode, with_index.stderr) == (without.returncode, without.stderr)
        assert with_index.returncode in (0, 1, 5), (command, with_index.stderr)


def test_the_index_says_what_it_made(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    archive.captured(a=1)
    archive.captured(a=2)
    done = run_archiver("index", "--repo", repo)
    (path,) = (repo / ".git/archiver/index").glob("*.sqlite")
    shown = f"{bytes_(path.stat().st_size)} in {path.relative_to(repo)}"
    assert done.stdout == f"hub: 2 versions, {shown}\n"
    assert run_archiver("index", "--repo", repo, "--remove").stdout == "hub: the index is removed\n"
    assert not path.exists()
    assert run_archiver("index", "--repo", repo, "--remove").stdout == "hub: there is no index\n"


def test_runs_keep_an_index_that_is_wanted(repo: Path) -> None:
    archive = Archive(repo)
    folder = repo / ".git/archiver/index"
    archive.configure()
    archive.lists(a=1)
    assert run_archiver("run", "--repo", repo).returncode == 0
    assert not folder.exists()
    archive.configure('[archive]\nindex = "always"')
    archive.lists(a=2)
    assert run_archiver("run", "--repo", repo).returncode == 0
    seal = json.loads((folder / "hub.json").read_text().partition("\n")[0])
    assert (seal["captures"], seal["tip"]) == (2, archive.git("rev-parse", "HEAD"))
    archive.configure()
    archive.lists(a=3)
    assert run_archiver("run", "--repo", repo).returncode == 0
    seal = json.loads((folder / "hub.json").read_text().partition("\n")[0])
    assert (seal["captures"], seal["tip"]) == (3, archive.git("rev-parse", "HEAD"))
    archive.configure('[archive]\nindex = "never"')
    refused = run_archiver("index", "--repo", repo)
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        'archiver: [archive] index is "never"',
    )


def test_a_shallow_clone_has_no_index(repo: Path, tmp_path: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    archive.git("add", "archiver.toml")
    archive.git("commit", "--quiet", "--message=configure")
    archive.captured(a=1)
    archive.captured(a=2)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repo}", str(clone)], check=True)
    refused = run_archiver("index", "--repo", clone)
    assert refused.returncode == 5
    assert "this clone is shallow" in refused.stderr
    assert run_archiver("log", "--repo", clone).returncode == 0


def test_an_index_that_a_cache_brings_is_not_built_again(repo: Path, tmp_path: Path) -> None:
    """As in a workflow: each run has a fresh clone, and the index of the run before."""
    archive = Archive(repo)
    archive.configure()
    archive.git("add", "archiver.toml")
    archive.git("commit", "--quiet", "--message=configure")
    archive.captured(a=1)
    archive.captured(a=2)
    assert run_archiver("index", "--repo", repo).returncode == 0
    clone, there = tmp_path / "clone", ".git/archiver/index"
    subprocess.run(["git", "clone", "-q", f"file://{repo}", str(clone)], check=True)
    state = "refs/archiver/state:refs/archiver/state"
    subprocess.run(["git", "-C", str(clone), "fetch", "-q", "origin", state], check=True)
    shutil.copytree(repo / there, clone / there)
    (cached,) = (clone / there).glob("*.sqlite")
    inode = cached.stat().st_ino
    assert run_archiver("index", "--repo", clone).returncode == 0
    assert [path.stat().st_ino for path in (clone / there).glob("*.sqlite")] == [inode]
    archive.captured(a=3)
    subprocess.run(["git", "-C", str(clone), "pull", "-q"], check=True)
    read = run_archiver("log", "--repo", clone)
    assert read.stdout == run_archiver("log", "--repo", clone, "--no-index").stdout
    assert not cached.exists()


def test_many_versions_without_an_index_are_worth_a_note(repo: Path) -> None:
    past = History(repo)
    past.configure()
    for number in range(201):
        past.capture(f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z", a=number)
    advice = "more than 200 versions are read: archiver index makes this fast\n"
    for command in (["log", "--limit", "300"], ["show", "a"]):
        done = run_archiver(*command, "--repo", past.folder)
        assert done.stderr.count(advice) == 1, command
        assert advice not in run_archiver(*command, "--repo", past.folder, "--no-index").stderr
    assert run_archiver("index", "--repo", past.folder).returncode == 0
    assert advice not in run_archiver("show", "a", "--repo", past.folder).stderr
