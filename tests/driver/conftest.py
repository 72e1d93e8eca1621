"""Data repositories in which git is asked to show changes of records."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.git import run_git

from archiver.records.canonical import Header, encode, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LATEST = "data/hub/latest.json"
FIRST = [
    {"id": "a/one", "downloads": 1, "license": "mit", "tags": ["x", "y"]},
    {"id": "b/two", "downloads": 2, "license": "mit", "tags": ["x"]},
    {"id": "c/three", "downloads": 3, "license": "mit"},
]
SECOND = [
    {"id": "a/one", "downloads": 1, "license": "mit", "tags": ["x", "y"]},
    {"id": "b/two", "downloads": 2, "license": "other", "tags": ["x", "z"]},
    {"id": "d/four", "downloads": 4},
]


def snapshot_of(records: list[dict[str, Any]], day: int = 1) -> bytes:
    """Return records as a canonical snapshot."""
    lines = [line.data for line in sorted(encode(record, ("id",)) for record in records)]
    header = Header("hub", f"2026-01-{day:02} 12:00:00", len(lines))
    return b"".join(snapshot(header, lines))


def commit(folder: Path, path: str, content: bytes) -> None:
    """Commit one file."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message=capture")


def said(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run git in `folder`; return what it says on both streams, and how it ends."""
    command = ["git", "-C", str(folder), *arguments]
    there = os.environ | environ
    return subprocess.run(command, env=there, capture_output=True, encoding="utf-8", check=False)


def changed(text: str) -> list[str]:
    """Return the lines of a diff that were removed or added."""
    return [
        line
        for line in text.splitlines()
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    ]


def install(folder: Path, *options: str) -> None:
    """Install the driver."""
    done = run_archiver("diff-driver", "--install", "--repo", folder, *options)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def plain(repo: Path) -> Path:
    """Return a data repository of two captures, without the driver."""
    commit(repo, LATEST, snapshot_of(FIRST, 1))
    commit(repo, LATEST, snapshot_of(SECOND, 2))
    return repo


@pytest.fixture
def archive(plain: Path) -> Path:
    """Return the same with the driver."""
    install(plain)
    return plain


@pytest.fixture
def blob(repo: Path) -> Callable[[bytes], str]:
    """Return ``blob(content)``: what ``git log -p`` shows of a file that is committed first."""
    install(repo)

    def shown(content: bytes) -> str:
        commit(repo, LATEST, content)
        done = said(repo, "log", "-p", "-1", "--format=", "--text")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    return shown
