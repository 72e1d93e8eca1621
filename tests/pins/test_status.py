"""What one depends on, on a hub that renames, removes and has a window."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from support.copies import PATIENT
from support.copies import Hub as Files
from support.git import run_git
from support.hubs import Archive

from archiver.capture import connection
from archiver.capture.connection import asked
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


def found(archive: Archive, *keys: str, offline: bool = False) -> dict[str, Finding]:
    pins = [Pin(key, "models.txt", number) for number, key in enumerate(keys, start=1)]
    with Repository.open(archive.folder) as repository:
        catalogue = configured(archive.config, "hub", repository)
        fates = partial(asked, archive.config, "hub", offline=offline)
        findings = check_pins(catalogue, pins, now=archive.time, fates=fates)
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


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
@pytest.mark.parametrize("outcome", ["changed", "unchanged"])
def test_the_hub_is_asked_about_a_model_that_is_missing(
    archive: Archive, kind: str, outcome: str
) -> None:
    archive.configure(kind, scope="all", retries=0)
    archive.run()
    key, other = sorted(archive.hub.truth())[:2]
    gone = archive.hub.remove(key)
    if outcome == "changed":
        archive.hub.edit(other, size=7)
    assert archive.run().outcome == outcome
    told = found(archive, key)[key]
    assert (told.verdict, told.detail) == (
        "removed",
        "deleted or private; missing from the newest listing",
    )
    assert found(archive, key, offline=True)[key].verdict == "unconfirmed"
    assert found(archive, other, offline=True)[other].verdict == "ok"
    archive.hub.restore(gone)
    assert found(archive, key)[key].verdict == "ok"


def test_a_missing_record_of_a_source_that_cannot_be_asked_is_unconfirmed(tmp_path: Path) -> None:
    hub = Files(tmp_path)
    copy = hub.first(PATIENT)
    copy.run("a")
    hub.lists("a", one=1)
    copy.run("a")
    with Repository.open(copy.folder) as repository:
        catalogue = configured(copy.config, "a", repository)
        fates = partial(asked, copy.config, "a")
        pins = [Pin("one", "", 0), Pin("two", "", 0)]
        findings = check_pins(catalogue, pins, now=hub.time, fates=fates)
    assert [each.verdict for each in findings] == ["ok", "unconfirmed"]
    assert findings[1].detail.endswith("is unknown: the source cannot be asked")


def out_of_the_window(archive: Archive) -> str:
    """Capture a model, then push it out of the window; return its key."""
    archive.configure("huggingface", scope="top", top=100, retries=0)
    archive.run()
    key = min(archive.listed())
    archive.hub.edit(key, downloads=0)
    archive.hub.edit(next(iter(archive.hub.truth() - archive.listed())), downloads=10**9)
    archive.run()
    return key


def test_a_model_outside_of_the_window_is_not_called_removed(archive: Archive) -> None:
    key = out_of_the_window(archive)
    told = found(archive, key)[key]
    assert told.verdict == "left"
    assert told.detail == "outside of the listed window; the source still has it"


def test_the_hub_is_asked_about_a_model_outside_of_the_window(archive: Archive) -> None:
    key = out_of_the_window(archive)
    archive.hub.rename(key, "new-owner/New-Name")
    renamed = found(archive, key)[key]
    assert (renamed.verdict, renamed.now) == ("renamed", "new-owner/New-Name")
    archive.hub.remove("new-owner/New-Name")
    gone = found(archive, key)[key]
    assert (gone.verdict, gone.since) == ("removed", None)
    assert gone.detail.startswith("deleted or private; outside of the listed window since 2026-")
    archive.configure("huggingface", top=200)
    archive.run()  # the top holds the whole hub now, and what had left it is still asked about
    assert found(archive, key)[key].verdict == "removed"
    assert found(archive, key, offline=True)[key].verdict == "unconfirmed"


def test_what_nobody_could_ask_about_is_unconfirmed(archive: Archive) -> None:
    key = out_of_the_window(archive)
    assert found(archive, key, offline=True)[key].detail == (
        "outside of the listed window; whether it still exists is unknown: not asked"
    )
    archive.configure("huggingface", top=100, retries=0, endpoint="http://127.0.0.1:9")
    silent = found(archive, key)[key]
    assert silent.verdict == "unconfirmed"
    assert "the connection failed" in silent.detail
    archive.configure("huggingface", top=100, token_env="NOT_SET")
    unset = found(archive, key)[key]
    assert (unset.verdict, "NOT_SET" in unset.detail) == ("unconfirmed", True)


def test_only_so_many_models_are_asked_about(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_ASKED", 2)
    archive.configure("huggingface", scope="all")
    fates = asked(archive.config, "hub", ["org/a", "org/b", "org/c"])
    assert [fate.state for fate in fates.values()] == ["gone", "gone", "unknown"]


def test_no_code_of_a_repository_runs_to_ask_about_a_model(archive: Archive) -> None:
    key = out_of_the_window(archive)
    (archive.folder / "mine.py").write_text("raise SystemExit('it ran')\n")
    archive.configure("mine:Hub")
    told = found(archive, key)[key]
    assert told.verdict == "unconfirmed"
    assert told.detail.endswith("is unknown: the source cannot be asked")


def test_a_key_that_no_window_ever_showed_is_missing(archive: Archive) -> None:
    archive.configure("huggingface", scope="top", top=10)
    archive.run()
    real = next(key for key in archive.hub.truth() if key not in archive.listed())
    told = found(archive, "org/mistyped", real)
    assert {each.verdict for each in told.values()} == {"missing"}
    assert told["org/mistyped"].detail.endswith("the source does not have it either")
    assert told[real].detail.endswith("outside of the listed window: name it in `ids`")


def test_another_spelling_of_a_licence_is_told_and_no_failure(archive: Archive) -> None:
    archive.configure("huggingface", scope="all")
    key, other = sorted(archive.hub.truth())[:2]
    for each in (key, other):
        archive.hub.edit(each, license="Apache License 2.0")
    archive.run()
    archive.hub.edit(key, license="apache-2.0")
    archive.hub.edit(other, license="mit")
    archive.run()
    told = found(archive, key, other)
    assert (told[key].verdict, told[key].detail) == (
        "respelled",
        "license was Apache License 2.0, is apache-2.0: both mean Apache License 2.0",
    )
    assert told[key].since is not None
    assert told[other].verdict == "license"


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
