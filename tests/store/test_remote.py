"""A token on its way to git's own HTTP server: it arrives, and stands nowhere else."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from conftest import run_git

from archiver.errors import PushRejected
from archiver.store.remote import Remote
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "t0ken-that-nobody-may-see"


class GitServer:
    """Serves bare repositories by ``git http-backend``, to whoever brings the token."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        outer = self
        program = run_git(folder, "--exec-path").strip() + "/git-http-backend"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                header = self.headers.get("Authorization", "")
                outer.asked.append(header)
                if not header.endswith(
                    base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
                ):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path, _, query = self.path.partition("?")
                variables = {
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REMOTE_USER": "ada",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                }
                if "Content-Encoding" in self.headers:
                    variables["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                out = subprocess.run(
                    [program], input=body, env=variables, capture_output=True, check=True
                ).stdout
                head, _, answer = out.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in {**fields, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/origin.git"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    with GitServer(tmp_path) as running:
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
    monkeypatch.setattr("archiver.store.remote.STALLED", 1)
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
    with pytest.raises(PushRejected, match="which remote is meant"):
        named()
    run_git(work, "config", "branch.main.remote", "other")
    assert named() == "other"
    assert named("copy") == "copy"
    with pytest.raises(PushRejected, match="no remote is called 'nope'"):
        named("nope")
