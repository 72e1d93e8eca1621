"""What one depends on, on a hub that renames, removes and has a window."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from support.git import run_git
from support.hubs import Archive

from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history.catalogue import configured
from archiver.pins.lists import Pin
from archiver.pins.status import Finding, check_pins
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(120)
    with FakeHub(hub=hub) as server:
        yield Archive(repo, server, hub)


def found(archive: Archive, *keys: str) -> dict[str, Finding]:
    pins = [Pin(key, "models.txt", number) for number, key in enumerate(keys, start=1)]
    with Repository.open(archive.folder) as repository:
        catalogue = configured(archive.config, "hub", repository)
        findings = check_pins(catalogue, pins, now=archive.time)
    return {each.key: each for each in findings}


def test_a_renamed_model_says_to_what_and_when(archive: Archive) -> None:
    archive.configure("huggingface", scope="all")
    archive.run()
    old, gone, kept = sorted(archive.hub.truth())[:3]
    archive.hub.rename(old, "new-owner/New-Name")
    archive.hub.remove(gone)
    for _ in range(3):
        archive.run()
    told = found(archive, old, gone, kept, "new-owner/New-Name")
    assert (told[old].verdict, told[old].now) == ("renamed", "new-owner/New-Name")
    assert told[gone].verdict == "removed"
    assert told[kept].verdict == told["new-owner/New-Name"].verdict == "ok"
    went = told[gone].since
    assert went is not None
    assert run_git(archive.folder, "log", "-1", "--format=%s", went.revision).startswith("hub: -1")


def test_a_model_that_is_missing_but_not_confirmed_is_no_finding(archive: Archive) -> None:
    archive.configure("huggingface", scope="all")
    archive.run()
    gone = min(archive.hub.truth())
    archive.hub.remove(gone)
    archive.run()
    assert found(archive, gone)[gone].verdict == "ok"


def test_a_model_outside_of_the_window_is_not_called_removed(archive: Archive) -> None:
    archive.configure("huggingface", scope="top", top=100)
    archive.run()
    key = min(archive.listed())
    archive.hub.edit(key, downloads=0)
    archive.hub.edit(next(iter(archive.hub.truth() - archive.listed())), downloads=10**9)
    archive.run()
    assert found(archive, key)[key].verdict == "left"


def test_a_key_that_no_window_ever_showed_is_missing(archive: Archive) -> None:
    archive.configure("huggingface", scope="top", top=100)
    archive.run()
    told = found(archive, "org/mistyped")["org/mistyped"]
    assert told.verdict == "missing"
    assert told.detail.endswith("only a window is listed")


def test_renames_are_followed_to_their_end(archive: Archive) -> None:
    archive.configure("huggingface", scope="all")
    archive.run()
    first, gone = sorted(archive.hub.truth())[:2]
    names = [first, "new-owner/Second", "new-owner/Third"]
    for old, new in pairwise(names):
        archive.hub.rename(old, new)
        archive.run()
        archive.run()
    told = found(archive, *names)
    assert [told[name].verdict for name in names] == ["renamed", "renamed", "ok"]
    assert told[first].now == "new-owner/Third"
    assert told[first].detail == ("renamed to new-owner/Second, then renamed to new-owner/Third")
    archive.hub.rename(gone, "new-owner/Gone")
    archive.run()
    archive.run()
    archive.hub.remove("new-owner/Gone")
    archive.run()
    archive.run()
    end = found(archive, gone)[gone]
    assert (end.verdict, end.now) == ("removed", "")
    assert end.detail.startswith("renamed to new-owner/Gone, then removed: ")
