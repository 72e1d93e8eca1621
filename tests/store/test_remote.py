"""A token on its way to git's own HTTP server: it arrives, and stands nowhere else."""

from __future__ import annotations

import base64
import logging
import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.git import run_git
from support.git_server import GitServer

from archiver.errors import PushRejected
from archiver.store.remote import Remote
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "t0ken-that-nobody-may-see"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    with GitServer(tmp_path, TOKEN) as running:
        yield running


@pytest.fixture
def work(repo: Path, server: GitServer) -> Path:
    run_git(repo, "remote", "add", "origin", server.url)
    run_git(repo, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    return repo


def remote(repository: Repository, token: str) -> Remote:
    return Remote.find(repository, "refs/heads/main", name=None, variables={}, token=token)


def test_a_token_arrives_and_stands_nowhere_else(
    work: Path, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    real = subprocess.Popen

    def spied(command: list[str], **options: object) -> object:
        told.extend(map(str, command))
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("archiver.store.plumbing.subprocess.Popen", spied)
    with Repository.open(work) as repository:
        there = remote(repository, TOKEN)
        assert TOKEN not in repr(there)
        there.push()
        assert there.fetch().branch == repository.tip("refs/heads/main")
    assert run_git(tmp_path / "origin.git", "log", "--format=%s", "main").strip() == "Begin"
    assert any(each.startswith("Basic ") for each in server.asked)
    encoded = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert not any(TOKEN in word or encoded in word for word in told)
    for file in (path for path in (work / ".git").rglob("*") if path.is_file()):
        assert TOKEN.encode() not in file.read_bytes()
        assert encoded.encode() not in file.read_bytes()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_git_trusts_the_certificates_that_every_request_trusts(
    repo: Path, tmp_path: Path, certificate: Path, name: str
) -> None:
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    run_git(repo, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    with GitServer(tmp_path, TOKEN, certificate) as server, Repository.open(repo) as here:
        run_git(repo, "remote", "add", "origin", server.url)

        def push(**variables: str) -> None:
            Remote.find(here, "refs/heads/main", name=None, variables=variables, token=TOKEN).push()

        with pytest.raises(PushRejected, match="certificate"):
            push()
        push(**{name: str(certificate)})
        assert run_git(tmp_path / "origin.git", "log", "--format=%s", "main").strip() == "Begin"
        run_git(repo, "config", f"http.{server.url}.sslCAInfo", "/nowhere.pem")
        with pytest.raises(PushRejected, match="the SSL CA cert"):
            push(**{name: str(certificate)})


def test_a_refused_token_is_not_said(work: Path) -> None:
    with Repository.open(work) as repository, pytest.raises(PushRejected) as refused:
        remote(repository, "wr0ng").push()
    assert "wr0ng" not in str(refused.value)
    assert "archiver run --push" in refused.value.hint


def test_a_token_goes_to_the_remotes_own_address_only(work: Path, server: GitServer) -> None:
    run_git(work, "remote", "set-url", "origin", f"{work.parent}/origin.git")
    with Repository.open(work) as repository:
        remote(repository, TOKEN).push()
    assert server.asked == []


def test_a_remote_that_never_answers_is_given_up(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.store.transfer.STALLED", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        run_git(work, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/x.git")
        with Repository.open(work) as repository:
            far = Remote(repository, "origin", "refs/heads/main")
            with pytest.raises(PushRejected, match="cannot be reached: "):
                far.tips()
    left = [each for each in Path("/proc").glob("[0-9]*/cmdline") if _names(each, str(port))]
    assert left == []


def _names(cmdline: Path, port: str) -> bool:
    try:
        return port.encode() in cmdline.read_bytes()
    except OSError:
        return False


def test_a_remote_is_found_by_name_by_branch_or_because_it_is_the_only_one(work: Path) -> None:
    def named(name: str | None = None) -> str:
        with Repository.open(work) as repository:
            return Remote.find(repository, "refs/heads/main", name=name, variables={}).name

    assert named() == "origin"
    run_git(work, "remote", "rename", "origin", "copy")
    assert named() == "copy"
    run_git(work, "remote", "add", "other", "x")
    with pytest.raises(PushRejected, match="there are several remotes"):
        named()
    run_git(work, "config", "branch.main.remote", "other")
    assert named() == "other"
    assert named("copy") == "copy"
    with pytest.raises(PushRejected, match="no remote is called 'nope'"):
        named("nope")


def local(repository: Repository) -> Remote:
    """Return a remote that is a folder, so that its server is git itself."""
    url = f"{repository.root and repository.root.parent}/origin.git"
    run_git(repository.root or Path(), "remote", "set-url", "origin", url)
    return remote(repository, "")


def test_the_words_of_a_server_arrive_whatever_their_encoding(work: Path, tmp_path: Path) -> None:
    hook = tmp_path / "origin.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(b"#!/bin/sh\nprintf 'ferm\\351:\\tGH006\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    with Repository.open(work) as repository, pytest.raises(PushRejected) as refused:
        local(repository).push()
    assert "(pre-receive hook declined): ferm\ufffd: GH006" in str(refused.value)


def test_the_progress_of_a_transfer_is_logged(
    work: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        (work / f"{number}").write_bytes(os.urandom(50_000))
    run_git(work, "add", ".")
    run_git(work, "commit", "--quiet", "-m", "Much")
    with caplog.at_level(logging.DEBUG, "archiver.store.transfer"):
        with Repository.open(work) as repository:
            local(repository).push()
        sent = [record.getMessage() for record in caplog.records]
        caplog.clear()
        run_git(tmp_path, "init", "--quiet", "--initial-branch=main", "other")
        run_git(tmp_path / "other", "remote", "add", "origin", str(tmp_path / "origin.git"))
        with Repository.open(tmp_path / "other") as repository:
            local(repository).fetch()
        received = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("sending objects: 24 of 24") for line in sent)
    assert any(line.startswith("receiving objects: 24 of 24") for line in received)


def test_a_fetch_leaves_what_a_person_fetched(work: Path, tmp_path: Path) -> None:
    with Repository.open(work) as repository:
        local(repository).push()
    run_git(tmp_path, "clone", "--quiet", "origin.git", "other")
    run_git(tmp_path / "other", "commit", "--quiet", "--allow-empty", "-m", "More")
    run_git(tmp_path / "other", "push", "--quiet")
    (work / ".git/FETCH_HEAD").write_text("theirs")
    with Repository.open(work) as repository:
        there = local(repository).fetch()
        assert there.branch == repository.tip("refs/archiver/fetched/branch")
    assert (work / ".git/FETCH_HEAD").read_text() == "theirs"


def test_a_transfer_that_never_ends_is_given_up_and_leaves_no_lock(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.store.transfer.TIME_LIMIT", 0.5)
    hook = tmp_path / "origin.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 5\n")
    hook.chmod(0o755)
    with (
        Repository.open(work) as repository,
        pytest.raises(PushRejected, match=r"cannot be reached: git push did not end within 0 s"),
    ):
        local(repository).push()
    assert not [*(work / ".git").rglob("*.lock")]
