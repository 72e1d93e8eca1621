"""Installing changes two files of git, and uninstalling leaves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from driver.conftest import LATEST, changed, install, said
from support.commandline import run_archiver
from support.git import run_git

from archiver.driver import settings, textconv
from archiver.store.repository import Repository

OTHERS = b"*.bin -diff\n# mine\n*.x diff=other"


def _files(folder: Path) -> dict[str, bytes]:
    there = (folder / ".git/config", folder / ".git/info/attributes")
    return {each.name: each.read_bytes() for each in there if each.exists()}


@pytest.mark.parametrize("attributes", [None, OTHERS])
def test_uninstalling_leaves_what_was_there(plain: Path, attributes: bytes | None) -> None:
    if attributes is not None:
        (plain / ".git/info").mkdir(exist_ok=True)
        (plain / ".git/info/attributes").write_bytes(attributes + b"\n")
    before = _files(plain)
    install(plain)
    assert _files(plain) != before
    done = run_archiver("diff-driver", "--uninstall", "--repo", plain)
    assert done.stdout == "git shows text again\n"
    assert _files(plain) == before
    done = run_archiver("diff-driver", "--uninstall", "--repo", plain)
    assert (done.returncode, done.stdout) == (0, "nothing was installed here\n")


def test_installing_twice_is_installing_once(archive: Path) -> None:
    before = _files(archive)
    install(archive)
    assert _files(archive) == before
    assert run_git(archive, "status", "--short") == ""


@pytest.mark.parametrize("name", ["textconv", "command", "binary"])
def test_a_driver_of_others_is_refused_and_stays(plain: Path, name: str) -> None:
    run_git(plain, "config", f"diff.archiver.{name}", "true")
    before = _files(plain)
    done = run_archiver("diff-driver", "--install", "--repo", plain)
    assert done.returncode == 2
    assert done.stderr.startswith("archiver: git has a diff driver of another origin: diff.arch")
    run_archiver("diff-driver", "--uninstall", "--repo", plain)
    assert _files(plain) == before


def test_what_was_added_to_our_section_stays(archive: Path) -> None:
    run_git(archive, "config", "diff.archiver.wordRegex", "[a-z]+")
    run_archiver("diff-driver", "--uninstall", "--repo", archive)
    assert run_git(archive, "config", "--get-regexp", "^diff") == "diff.archiver.wordregex [a-z]+\n"


@pytest.mark.parametrize("pattern", ["", "#a", "!a", "a b", "a\nb", '"a"', "[attr]x"])
def test_what_is_no_pattern_of_a_file_is_refused(plain: Path, pattern: str) -> None:
    done = run_archiver("diff-driver", "--install", "--file", pattern, "--repo", plain)
    assert done.returncode == 2
    assert "is no pattern of a file" in done.stderr
    assert run_git(plain, "config", "--local", "--list").count("diff.archiver") == 0


@pytest.mark.parametrize("options", [(), ("--install", "x"), ("--compare", "x", "y")])
def test_what_cannot_be_meant_is_refused(plain: Path, options: tuple[str, ...]) -> None:
    done = run_archiver("diff-driver", "--repo", plain, *options)
    assert done.returncode == 2


def test_a_bare_repository_shows_records(plain: Path, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--bare", str(plain), "bare")
    install(tmp_path / "bare")
    assert '+ "license":"other"' in run_git(tmp_path / "bare", "log", "-p")
    assert "- c/three" in run_git(tmp_path / "bare", "diff", "HEAD~", "HEAD")


def test_a_partial_clone_shows_records(plain: Path, tmp_path: Path) -> None:
    run_git(plain, "config", "uploadpack.allowFilter", "true")
    url = f"file://{plain}"
    run_git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", url, "partial")
    install(tmp_path / "partial")
    assert '+ "license":"other"' in run_git(tmp_path / "partial", "log", "-p")
    assert "- c/three" in run_git(tmp_path / "partial", "diff", "HEAD~", "HEAD")


def test_a_sparse_work_tree_shows_records(archive: Path) -> None:
    run_git(archive, "sparse-checkout", "set", "elsewhere")
    assert not (archive / LATEST).exists()
    assert '+ "license":"other"' in run_git(archive, "show")
    assert "- c/three" in run_git(archive, "diff", "HEAD~", "HEAD")
    assert run_git(archive, "diff") == ""


def test_a_linked_work_tree_shows_records_and_can_install(plain: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked tree"
    run_git(plain, "worktree", "add", "--quiet", str(linked), "-b", "other")
    install(linked)
    for folder in (plain, linked):
        assert '+ "license":"other"' in run_git(folder, "show")
        assert "- c/three" in run_git(folder, "diff", "HEAD~")


def test_a_program_in_a_folder_with_spaces_and_quotes_is_found(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a 'folder' $(touch owned) \"of\" mine"
    (odd / "bin").mkdir(parents=True)
    (odd / "bin/python").symlink_to(sys.executable)
    if (config := Path(sys.prefix) / "pyvenv.cfg").is_file():
        shutil.copy(config, odd)
        (odd / "lib").symlink_to(Path(sys.prefix) / "lib")
    script = odd / "archiver/driver/textconv.py"
    script.parent.mkdir(parents=True)
    shutil.copy(textconv.__file__, script)
    monkeypatch.setattr(sys, "executable", str(odd / "bin/python"))
    monkeypatch.setattr(textconv, "__file__", str(script))
    with Repository.open(plain) as repository:
        settings.install(repository)
    assert '+ "license":"other"' in run_git(plain, "show")
    assert "- c/three" in run_git(plain, "diff", "HEAD~")
    assert not (plain / "owned").exists()


def test_without_the_program_git_shows_its_own_text_and_says_so(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Repository.open(plain) as repository:
        settings.install(repository)
    for command in (("show",), ("diff", "HEAD~")):
        done = said(plain, *command)
        assert done.returncode == 0
        assert "archiver diff-driver: the program is gone" in done.stderr
        found = changed(done.stdout)
        assert '-{"id":"c/three","downloads":3,"license":"mit"}' in found


def test_what_lies_in_the_repository_is_never_run(archive: Path) -> None:
    for name in ("archiver.py", "click.py", "site.py", "sitecustomize.py", "os.py", "json.py"):
        (archive / name).write_text("open('owned', 'w')\n")
    run_git(archive, "config", "core.pager", "cat")
    said(archive, "show", PYTHONPATH=str(archive))
    done = said(archive, "diff", "HEAD~", "--", LATEST, PYTHONPATH=str(archive))
    assert "- c/three" in done.stdout
    assert not (archive / "owned").exists()


def test_a_reader_that_has_seen_enough_ends_it_quietly(archive: Path) -> None:
    for command in ("show", "diff HEAD~"):
        line = f"git -C '{archive}' {command} | head -n 1"
        done = subprocess.run(line, shell=True, capture_output=True, check=True)
        assert done.stderr == b""
