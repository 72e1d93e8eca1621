"""The metrics of a made-up hub at their own pace, day after day."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.git import run_git
from support.hubs import Archive

from archiver.changes.pace import rounded_to
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.history import queries
from archiver.history.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACE = '{ every = "3d", round = 2, jump = 10 }'


@pytest.fixture(params=["modelscope", "huggingface"])
def archive(request: pytest.FixtureRequest, repo: Path) -> Iterator[Archive]:
    hub = Hub(400)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure(request.param, scope="all")
        config = archive.folder / "archiver.toml"
        config.write_text(f"{config.read_text()}metrics = {PACE}\n")
        yield archive


def snapshot(archive: Archive) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_git(archive.folder, "show", "HEAD:data/hub/latest.json"))
    return found


def downloads(archive: Archive) -> dict[str, int]:
    return {each["id"]: each["downloads"] for each in snapshot(archive)["models"]}


def listed(archive: Archive) -> dict[str, int]:
    found = ((key, archive.hub.find(key)) for key in archive.hub.truth())
    return {key: int(rounded_to(each.downloads, 2)) for key, each in found if each is not None}


def test_a_hub_is_archived_with_the_counters_of_the_last_due_date(archive: Archive) -> None:
    first = archive.run()
    assert first.outcome == "first"
    due = kept = downloads(archive)
    assert due == listed(archive)
    for day in range(1, 8):
        archive.hub.age(day=day)
        report = archive.run()
        found, now = snapshot(archive), downloads(archive)
        if day % 3:
            assert found["metrics"] < found["timestamp"]
            both = now.keys() & kept.keys()
            assert {key: now[key] for key in both} == {key: kept[key] for key in both}
            assert report.summary.metrics == 0
            assert report.summary.news
        else:
            assert "metrics" not in found
            assert report.summary.metrics
            hub = listed(archive)
            assert {key: now[key] for key in hub} == hub
        new = listed(archive)
        assert all(now[key] == new[key] for key in now.keys() - kept.keys())
        kept = now


def test_the_archive_says_as_of_when_and_every_reader_agrees(archive: Archive) -> None:
    archive.run()
    archive.hub.age(day=1)
    archive.run()
    catalogue = Choice(archive.folder, {}).one()
    found = snapshot(archive)
    assert queries.metrics_as_of(catalogue, None, now=archive.time) == found["metrics"]
    assert queries.metrics_as_of(catalogue, "HEAD~1", now=archive.time) == ""
    with queries.compare(catalogue, "HEAD~1", "HEAD", now=archive.time) as comparison:
        assert comparison.tally().metrics == 0


def test_changes_alone_hold_the_metrics_until_everything_is_listed(repo: Path) -> None:
    hub = Hub(300)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all", incremental=True, full_every="3d")
        config = archive.folder / "archiver.toml"
        config.write_text(f'{config.read_text()}metrics = {{ every = "24h" }}\n')
        archive.run()
        begin = snapshot(archive)["timestamp"]
        for day, kind in ((1, "incremental"), (2, "incremental"), (3, None)):
            hub.age(day=day)
            archive.run()
            found = snapshot(archive)
            assert (found.get("covers"), found.get("metrics")) == (kind, begin if kind else None)
        hub_now = {key: each.downloads for key in hub.truth() if (each := hub.find(key))}
        now = downloads(archive)
        assert {key: now[key] for key in hub_now} == hub_now
