"""Who commits is what git says, where it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.git import run_git

from archiver.store.change import BOT, Identity, configured
from archiver.store.plumbing import Plumbing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def committer(folder: Path) -> Identity:
    with Repository.open(folder) as repository:
        return configured(repository.git)


def test_a_name_without_a_value_is_no_name(repo: Path) -> None:
    with (repo / ".git/config").open("a") as settings:
        settings.write("[user]\n\tname\n")
    assert configured(Plumbing(repo)) == BOT


def test_the_environment_names_nobody_elses_repository(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_git(tmp_path, "init", "--quiet", "other")
    run_git(tmp_path / "other", "config", "user.name", "Somebody Else")
    run_git(repo, "config", "user.name", "Ada")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    assert committer(repo) == Identity("Ada", "person@example.org")


def test_the_last_setting_counts(repo: Path) -> None:
    run_git(repo, "config", "--add", "user.email", "first@example.org")
    run_git(repo, "config", "--add", "user.email", "last@example.org")
    assert committer(repo) == Identity("A Person", "last@example.org")
