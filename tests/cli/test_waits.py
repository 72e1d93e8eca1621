"""A hub asks to wait: a terminal shows it, a pipe stays quiet, too long a wait ends the run."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import misbehaviour as bad

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.misbehaviour import Server

BODY = b'[{"id":"a"}]'


@pytest.fixture
def archive(
    archiver: Callable[..., subprocess.CompletedProcess[str]], server: Server, tmp_path: Path
) -> Path:
    """Return a data repository whose one source is `server`."""
    archiver("init", tmp_path)
    table = f'[sources.shop]\ntype = "json"\nurl = "http://{server.address}/"\nkey = "id"\n'
    (tmp_path / "archiver.toml").write_text(table)
    return tmp_path


def on_terminal(*command: str) -> str:
    """Run `command` with standard error on a terminal and return what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as child:
        os.close(theirs)
        written = b""
        while True:
            try:
                written += os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
        assert child.wait() == 0, written
    os.close(ours)
    return written.decode()


def test_a_terminal_shows_each_wait(archive: Path, server: Server) -> None:
    url = server.says("/", bad.plain(b"", 429, Retry_After="1"), bad.plain(BODY))
    shown = on_terminal(sys.executable, "-m", "archiver", "run", "--repo", str(archive))
    words = " ".join(shown.split())
    assert f"note: {url}: answered 429; asking again in 1 s" in words


def test_a_pipe_does_not_show_a_short_wait(
    archiver: Callable[..., subprocess.CompletedProcess[str]], archive: Path, server: Server
) -> None:
    server.says("/", bad.plain(b"", 429, Retry_After="0"), bad.plain(BODY))
    done = archiver("run", "--repo", archive)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_is_too_long_ends_the_run_at_once(
    archiver: Callable[..., subprocess.CompletedProcess[str]],
    archive: Path,
    server: Server,
    status: int,
) -> None:
    url = server.says("/", bad.plain(b"", status, Retry_After="315360000"))
    done = archiver("run", "--repo", archive)
    assert done.returncode == 3
    message, hint = done.stderr.splitlines()
    assert message.startswith(f"archiver: shop: {url}: answered {status}, asks to wait until 20")
    assert message.endswith(" UTC, longer than the limit of 310 s")
    assert hint == "  hint: run again after that time"
    assert len(server.seen) == 1
