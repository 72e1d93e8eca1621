from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archiver.errors import NotADataRepository
from archiver.store.plumbing import OLDEST_GIT
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

OPEN = "import pathlib, archiver.store.repository as r; r.Repository.open(pathlib.Path('.'))"


def opened_with(path: str, folder: Path) -> str:
    """Open a repository in a new process (the version of git is asked once in each)."""
    command = [sys.executable, "-c", OPEN]
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr.splitlines()[-1]


def test_an_older_git_is_refused_by_name(repo: Path, tmp_path: Path) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    assert OLDEST_GIT > (2, 30)
    said = opened_with(f"{tmp_path}:{os.environ['PATH']}", repo)
    assert said.endswith("StoreError: git version 2.30.2 is too old")


def test_a_machine_without_git_is_told_so(repo: Path, tmp_path: Path) -> None:
    assert opened_with(str(tmp_path), repo).endswith("StoreError: git was not found")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_says_how_to_trust_it(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(NotADataRepository, match="belongs to another user") as refused:
        Repository.open(repo)
    assert "safe.directory" in refused.value.hint


def counted(*pairs: tuple[str, str]) -> dict[str, str]:
    """Return settings as git reads them from the environment (git-config(1), ENVIRONMENT)."""
    rows = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        rows |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return rows


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize(
    ("variables", "opens"),
    [
        (counted(("safe.directory", "*")), True),
        (counted(("core.bare", "true"), ("Safe.Directory", "{}")), True),
        (counted(("safe.directory", "*"), ("safe.directory", "")), False),
        (counted(("safe.directory", "*")) | {"GIT_CONFIG_COUNT": "0"}, False),
        (counted(("safe.directory", "/elsewhere")), False),
        ({"GIT_CONFIG_PARAMETERS": "'core.bare'='true' 'safe.directory'='{}'"}, True),
        ({"GIT_CONFIG_PARAMETERS": "'safe.directory=*'"}, True),
        ({"GIT_CONFIG_PARAMETERS": "'safe.directory=*"}, False),
    ],
)
def test_only_what_the_environment_trusts_is_handed_on(
    repo: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, opens: bool
) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(repo))
    if opens:
        assert Repository.open(repo).root == repo
    else:
        with pytest.raises(NotADataRepository, match="belongs to another user"):
            Repository.open(repo)
