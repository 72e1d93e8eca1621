"""CONTRIBUTING.md: its four additions apply to the package, pass ruff, and work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.checkout import CHECKOUT
from support.git import new_repository, run_git
from support.misbehaviour import Server, plain
from support.processes import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_DIFF = re.compile(r"^### (.*?)$.*?^```diff\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDITIONS = dict(_DIFF.findall((CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the package, to be changed."""
    folder = tmp_path / "checkout"
    for name in ("archiver", "templates"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def add(package: Path) -> Callable[[str], None]:
    """Return what applies an addition and holds it against the rules of the package."""

    def applied(name: str) -> None:
        run_git(package, "apply", "--whitespace=error-all", "-", stdin=ADDITIONS[name].encode())
        for command in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
            ruff = [sys.executable, "-m", "ruff", *command, "archiver"]
            done = subprocess.run(ruff, cwd=package, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

    return applied


def archiver(package: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the changed package."""
    command = [sys.executable, "-m", "archiver", *map(str, arguments)]
    environment = {**unmeasured(), "PYTHONSAFEPATH": "1", "PYTHONPATH": str(package)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    found = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.configure('[notify.journal]\ntype = "stdout"')
    found.captured(a=1, b=1)
    found.captured(a=1, b=1, c=1)
    return found


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    """Return an archive with two captures: two records, then three."""
    return template.copied(tmp_path / "repo")


def test_there_are_four_additions() -> None:
    assert [*ADDITIONS] == ["A source", "A command", "An output format", "A channel"]


def test_a_source_is_captured(
    add: Callable[[str], None], package: Path, repo: Path, server: Server
) -> None:
    add("A source")
    url = server.says("/api/all.json", plain(json.dumps(["python", "git"]).encode()))
    endpoint = url.removesuffix("/api/all.json")
    table = f'[sources.products]\ntype = "endoflife"\nendpoint = "{endpoint}"\n'
    (repo / "archiver.toml").write_text(table)
    done = archiver(package, "run", "--repo", repo)
    assert done.returncode == 0, done.stderr
    assert '{"name":"python"}' in run_git(repo, "show", "HEAD:data/products/latest.json")


def test_a_command_answers(add: Callable[[str], None], package: Path, archive: Archive) -> None:
    add("A command")
    assert archiver(package, "count", "--repo", archive.folder).stdout == "3\n"
    older = archiver(package, "count", "--at", "HEAD~1", "--repo", archive.folder)
    assert (older.returncode, older.stdout) == (0, "2\n")
    assert "  count " in archiver(package, "--help").stdout


def test_an_output_format_is_written(
    add: Callable[[str], None], package: Path, archive: Archive
) -> None:
    add("An output format")
    done = archiver(package, "compare", "-f", "keys", "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (0, "c\n")
    limited = archiver(package, "list", "-f", "keys", "--limit", "2", "--repo", archive.folder)
    assert (limited.stdout, limited.stderr) == ("a\nb\n", "… and 1 more\n")


def test_a_channel_is_notified(add: Callable[[str], None], package: Path, archive: Archive) -> None:
    add("A channel")
    archive.configure('[notify.journal]\ntype = "stderr"')
    done = archiver(package, "notify", "--repo", archive.folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr
