"""``archiver serve`` and ``archiver watch --serve``, as people start and stop them."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.git import new_repository
from support.processes import started

from archiver.site.server import SiteServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an archive with two captures."""
    found = Archive(new_repository(tmp_path / "repo"))
    found.configure()
    found.captured(a=1, b=2)
    found.captured(a=1, b=3)
    return found


@contextmanager
def serving(archive: Archive, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a running ``archiver serve`` and the address that it prints."""
    with started("serve", "--port", "0", "--repo", archive.folder, *more, **PIPES) as process:
        line = read(process.stdout)
        found = re.fullmatch(r"Serving hub on (http://\S+/) \(Ctrl-C ends\)\n", line)
        assert found, line
        yield process, found[1]


def read(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def state(url: str) -> bytes:
    return get(url, "/-/state.js")[1]


def get(url: str, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        return found.status, found.read()
    finally:
        connection.close()


def wait_for_another(url: str, known: bytes) -> None:
    deadline = time.monotonic() + 20
    while state(url) == known:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(process: subprocess.Popen[str], how: int) -> tuple[int, str, str]:
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_site_is_served_until_it_is_stopped(archive: Archive, how: int) -> None:
    with serving(archive) as (process, url):
        status, page = get(url, "/")
        assert (status, b"/-/reload.js" in page) == (200, True)
        assert get(url, "/nothing")[0] == 404
        assert ended(process, how) == (0, "", "")


def test_another_capture_is_shown(archive: Archive) -> None:
    with serving(archive) as (process, url):
        before = state(url)
        archive.captured(a=1, b=4)
        wait_for_another(url, before)
        assert ended(process, signal.SIGINT) == (0, "", "")


def test_a_configuration_that_became_wrong_keeps_the_site(archive: Archive) -> None:
    with serving(archive) as (process, url):
        known, right = state(url), (archive.folder / "archiver.toml").read_text()
        (archive.folder / "archiver.toml").write_text("nonsense")
        assert "note: the site stays as it was: archiver.toml" in read(process.stderr)
        assert state(url) == known
        assert get(url, "/")[0] == 200
        (archive.folder / "archiver.toml").write_text(f"{right}\n# right again\n")
        wait_for_another(url, known)
        assert ended(process, signal.SIGINT)[0] == 0


def test_it_opens_in_the_browser_that_is_named(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))
    with serving(archive, "--open") as (process, url):
        deadline = time.monotonic() + 10
        while not (tmp_path / "opened").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ended(process, signal.SIGINT)[0] == 0
        assert (tmp_path / "opened").read_text() == url


def test_the_watch_waits_for_the_first_capture(tmp_path: Path) -> None:
    archive = Archive(new_repository(tmp_path / "repo"))
    archive.configure()
    command = ("watch", "--every", "24h", "--serve", "--port", "0", "--repo", archive.folder)
    with started(*command, **PIPES) as process:  # there is no models.json: the first run fails
        url = read(process.stderr).split()[-1]
        assert get(url, "/")[0] == 503
        archive.captured(a=1)
        wait_for_another(url, b'archiverState("");\n')
        assert get(url, "/")[0] == 200
        assert ended(process, signal.SIGTERM)[0] == 0


def test_the_site_lies_in_the_folder_of_git(archive: Archive) -> None:
    with serving(archive) as (process, url):
        (folder,) = (archive.folder / ".git/archiver/site").iterdir()
        assert (folder / "index.html").is_file()
        known = state(url)
        ended(process, signal.SIGINT)
    with serving(archive) as (process, url):
        assert state(url) == known  # an open page does not even reload
        ended(process, signal.SIGINT)


def test_where_the_folder_of_git_cannot_be_used_the_site_lies_elsewhere(archive: Archive) -> None:
    (archive.folder / ".git/archiver/site").write_text("in the way")
    with serving(archive) as (process, url):
        assert get(url, "/")[0] == 200
        assert ended(process, signal.SIGINT) == (0, "", "")


def test_the_watch_serves_what_it_captures(archive: Archive) -> None:
    archive.lists(a=7, b=8)
    command = ("watch", "--every", "24h", "--serve", "--port", "0", "--repo", archive.folder)
    with started(*command, **PIPES) as process:
        found = re.fullmatch(r"serving hub on (http://\S+/)\n", read(process.stderr))
        assert found
        assert read(process.stderr) == "watching hub; stop with Ctrl-C\n"
        assert "hub" in read(process.stdout)
        wait_for_another(found[1], b'archiverState("");\n')
        assert get(found[1], "/")[0] == 200
        code, _, words = ended(process, signal.SIGTERM)
        assert (code, words) == (0, "stopped\n")


@pytest.mark.parametrize("command", [("serve",), ("watch", "--every", "24h", "--serve")])
def test_a_port_that_is_taken_ends_it_before_anything_happens(
    archive: Archive, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with SiteServer(tmp_path, port=0) as server:
        port = urlsplit(server.names.url).port
        done = run_archiver(*command, "--port", port, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"archiver: port {port} of 127.0.0.1 is in use\n  hint: --port 0 takes a free one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--port", "65536"), "65536 is not in the range"),
        (("serve", "--host", ""), "'' is no address of this machine"),
        (("serve", "--source", "nope"), 'no source is called "nope"'),
        (("serve", "--source", "hub", "--file", "x.json"), "exclude each other"),
        (("watch", "--every", "24h", "--port", "0"), "--port belongs to --serve."),
    ],
)
def test_bad_words_are_refused_in_one_line(
    archive: Archive, arguments: tuple[Any, ...], words: str
) -> None:
    done = run_archiver(*arguments, "--repo", archive.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
