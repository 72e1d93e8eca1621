"""A repository behind a URL is cloned for one reading, and nothing of it stays."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from support.git import run_git
from support.git_server import GitServer

from archiver.errors import ConfigError, StoreError
from archiver.store.clone import cloned, is_url
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def origin(tmp_path: Path, repo: Path) -> Path:
    """Return a bare repository with three versions of two files."""
    for number in range(3):
        (repo / "a.json").write_text(f"a{number}")
        (repo / "other").write_text(f"other{number}")
        run_git(repo, "add", ".")
        run_git(repo, "commit", "--quiet", "-m", f"{number}")
    run_git(tmp_path, "clone", "--quiet", "--bare", str(repo), "origin.git")
    return tmp_path / "origin.git"


@pytest.fixture
def server(tmp_path: Path, origin: Path) -> Iterator[GitServer]:
    assert origin.is_dir()
    with GitServer(tmp_path) as running:
        yield running


def versions(folder: Path) -> list[bytes | None]:
    with Repository.open(folder) as clone:
        tip = clone.tip("HEAD") or ""
        return [clone.read(each.id, "a.json") for each in clone.history("a.json", tip=tip)]


def missing(folder: Path) -> int:
    """Return how many objects the clone does not have."""
    out = run_git(folder, "rev-list", "--objects", "--missing=print", "HEAD")
    return out.count("?")


@pytest.mark.parametrize("filters", [True, False])
def test_every_version_of_the_file_is_there_and_no_other_if_the_server_can_filter(
    server: GitServer, origin: Path, caplog: pytest.LogCaptureFixture, *, filters: bool
) -> None:
    run_git(origin, "config", "uploadpack.allowFilter", str(filters).lower())
    with (
        caplog.at_level(logging.DEBUG, "archiver.store.transfer"),
        cloned(server.url, "a.json", {}) as folder,
    ):
        assert versions(folder) == [b"a2", b"a1", b"a0"]
        assert missing(folder) == (3 if filters else 0)
    assert not folder.exists()
    assert any("receiving objects: " in each for each in caplog.messages)


def test_a_server_that_filters_but_gives_no_single_blob_is_cloned_whole(
    origin: Path, tmp_path: Path
) -> None:
    run_git(origin, "config", "uploadpack.allowFilter", "true")
    (tmp_path / "home").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home/.gitconfig").write_text("[protocol]\nversion = 0\n")
        with cloned(f"file://{origin}", "a.json", {}) as folder:
            assert versions(folder) == [b"a2", b"a1", b"a0"]


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch pwned'",
        "ext::sh -c touch% pwned",
        "fd::7",
        "ftp://127.0.0.1/x",
        "--upload-pack=touch@pwned:x",
        "-u@host:x",
        "javascript://x",
    ],
)
def test_a_url_that_could_run_a_program_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="is not the URL of a repository"), cloned(url, "x", {}):
        pass
    assert [*tmp_path.iterdir()] == []


def test_a_setting_leads_to_no_program_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(
        f'[url "ext::touch {tmp_path}/pwned "]\n\tinsteadOf = https://a.example/\n'
        "[protocol]\n\tallow = always\n"
    )
    with pytest.raises(StoreError, match="not allowed"), cloned("https://a.example/x", "x", {}):
        pass
    assert not (tmp_path / "pwned").exists()


def test_nobody_is_asked_for_a_password_and_none_is_said(tmp_path: Path, origin: Path) -> None:
    assert origin.is_dir()
    with GitServer(tmp_path, "t0ken") as closed:
        url = closed.url.replace("://", "://ada:s3cret@") + "?key=s3cret"
        with pytest.raises(StoreError, match="cannot be cloned: ") as refused, cloned(url, "x", {}):
            pass
        with (
            pytest.raises(StoreError, match="terminal prompts disabled"),
            cloned(closed.url, "", {}),
        ):
            pass
    assert "s3cret" not in str(refused.value)
    assert "ada" not in str(refused.value)


def test_the_environment_leads_nowhere_else(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    with cloned(server.url, "a.json", {}) as folder:
        assert len(versions(folder)) == 3
    assert not (tmp_path / "elsewhere").exists()


def test_a_path_is_no_url() -> None:
    urls = ("https://a.example/x.git", "file:///x", "ssh://a/x", "git@a.example:x", "ext::x")
    assert all(map(is_url, urls))
    assert not any(map(is_url, ("data/x", "./a@b:c", "x.json", "C", "a b", "/x:y", "-")))
