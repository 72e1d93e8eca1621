"""`file://`: regular files of bounded size, and one clear error for all else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archiver.errors import SourceUnavailable
from archiver.transport import Request, Transport

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_a_page(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "a catalogue #1 ?.json"
    path.write_bytes(b"[]")
    page = transport.get(Request("one", path.as_uri()))
    assert (page.status, page.body) == (200, b"[]")


def test_the_host_of_a_file_may_be_this_one(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(b"[]")
    assert transport.get(Request("one", f"file://localhost{path}")).body == b"[]"


def test_a_file_elsewhere_is_refused(transport: Transport) -> None:
    with pytest.raises(SourceUnavailable, match="on another machine"):
        transport.get(Request("one", "file://other.example/catalogue.json"))


def test_what_is_no_readable_file_is_named(transport: Transport, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 100_001)
    reasons = {
        "absent": "No such file or directory",
        "": "Is a directory",
        "pipe": "not a regular file",
        "large": "larger than the limit of 100,000 bytes",
        "%00": "embedded null byte",
    }
    for name, reason in reasons.items():
        with pytest.raises(SourceUnavailable, match=reason):
            transport.get(Request("one", f"{tmp_path.as_uri()}/{name}"))
