"""Every failure mode of a hub: the listing is complete and right, or nothing at all is written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from support.git import new_repository, run_git
from support.hubs import Archive

from archiver import config as configuration
from archiver.capture import capture
from archiver.errors import ArchiverError, SnapshotRejected, SourceError
from archiver.fakehub.hub import Hub
from archiver.fakehub.misbehaviour import NAMES
from archiver.fakehub.server import FakeHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODELS = 2300
"""46 pages of ModelScope, three of Hugging Face."""
OVERCOME = {"slow", "storm", "burst", "bad-record"}
"""Faults after which the listing is complete and right all the same."""
EXPECTED: dict[str, type[ArchiverError]] = {
    "bad-records": SnapshotRejected,
    "no-downloads": SnapshotRejected,
    "schema-drift": SnapshotRejected,
    "huggingface shifted-page": SnapshotRejected,
}
"""Complete listings that are not plausible end with 4, everything else with 3.

Hugging Face announces no total: that a page lacks models is seen by the guard, not in the answers.
"""
SILENT = {"silent", "drip"}
"""Faults that only the time limit ends."""
NO_SUCH = {"success-false", "models-null", "total-high", "total-low"}
"""What Hugging Face's answers do not have: totals and an envelope."""
DAYS = [
    (kind, name)
    for kind in ("modelscope", "huggingface")
    for name in NAMES
    if kind == "modelscope" or name not in NO_SUCH
]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeHub]:
    with FakeHub(hub=Hub(MODELS)) as running:
        yield running


@pytest.fixture
def archive(server: FakeHub, repo: Path) -> Archive:
    server.behave()
    assert server.hub is not None
    return Archive(repo, server, server.hub)


@pytest.fixture(scope="module")
def captured(
    server: FakeHub, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], Archive]:
    """Return what copies an archive with one capture of a kind of hub."""

    @cache
    def template(kind: str) -> Archive:
        server.behave()
        assert server.hub is not None
        folder = new_repository(tmp_path_factory.mktemp(kind) / "repo")
        found = Archive(folder, server, server.hub)
        found.configure(kind, scope="all")
        found.run()
        return found

    return lambda kind, folder: template(kind).copied(folder)


@pytest.mark.parametrize(("kind", "name"), DAYS)
def test_a_failing_hub_costs_nothing_or_writes_nothing(
    captured: Callable[[str, Path], Archive], tmp_path: Path, kind: str, name: str
) -> None:
    archive = captured(kind, tmp_path / "repo")
    archive.server.behave()
    if name in SILENT:
        archive.configure(kind, scope="all", timeout=0.5)
    before, truth = list(archive.state()), archive.listed()
    archive.server.misbehave(name, at=2, times=20 if name == "repeated-page" else None)
    if name in OVERCOME:
        archive.run()
        assert archive.listed() == truth == archive.hub.truth()
        return
    expected = EXPECTED.get(name) or EXPECTED.get(f"{kind} {name}", SourceError)
    with pytest.raises(expected) as refused:
        archive.run()
    assert list(archive.state()) == before
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == (4 if expected is SnapshotRejected else 3)


@pytest.mark.parametrize("name", ["outage", "refused", "not-found"])
def test_the_reason_names_the_page(archive: Archive, name: str) -> None:
    archive.configure("modelscope", scope="all")
    archive.server.misbehave(name)
    with pytest.raises(
        ArchiverError, match=r"^http://127\.0\.0\.1:\d+/openapi/v1/models\?.*page_number=1"
    ):
        archive.run()


def test_a_bad_record_keeps_its_line_and_is_named(archive: Archive) -> None:
    archive.configure("modelscope", scope="all")
    archive.run()
    archive.server.misbehave("bad-record", at=1, times=1)
    report = archive.run()
    assert (report.outcome, report.summary.removed) == ("unchanged", 0)
    assert report.notes[0].startswith("left out, no usable record: everything p1/0 (Expected `int`")


def test_a_shrunken_listing_is_refused_kept_as_evidence_and_may_be_accepted(repo: Path) -> None:
    hub = Hub(400)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all")
        archive.run()
        for key in sorted(hub.truth())[:120]:
            hub.remove(key)
        with pytest.raises(SnapshotRejected, match="120 of 400 records vanished") as refused:
            archive.run()
        assert refused.value.hint.startswith("look at .git/archiver/quarantine/hub/hub_models_")
        assert archive.run(accept=True).summary.removed == 0  # a second listing must lack them too
        assert archive.run(accept=True).summary.removed == 120


def test_an_interrupted_listing_goes_on_where_it_was(repo: Path) -> None:
    hub = Hub(6000)
    with FakeHub(hub=hub) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all", retries=0)
        archive.run(dry_run=True)
        whole, server.pages = server.pages, 0
        server.misbehave("outage", at=60)
        with pytest.raises(SourceError, match="answered 503"):
            archive.run()
        server.behave()
        report = archive.run()
        assert archive.listed() == hub.truth()
        assert "were there from an interrupted listing" in report.notes[0]
        assert server.pages <= whole + 8  # those that were under way are asked again
        assert not list((repo / ".git" / "archiver" / "listing").iterdir())


def test_a_catalogue_that_changes_while_it_is_listed_is_listed_within_its_drift(repo: Path) -> None:
    hub = Hub(2000)
    with FakeHub(hub=hub, churn=3) as server:
        archive = Archive(repo, server, hub)
        archive.configure("modelscope", scope="all", drift=0.01)
        archive.run()
        assert len(archive.listed() ^ hub.truth()) <= 30


def test_the_token_reaches_its_hub_and_nothing_else(archive: Archive) -> None:
    archive.configure("modelscope", token_env="HUB_TOKEN")
    with pytest.raises(ArchiverError, match="the environment variable HUB_TOKEN is not set"):
        archive.run()
    config = configuration.discover(archive.folder, {"HUB_TOKEN": "ms-secret-token"})
    capture.run(config, "hub", clock=lambda: archive.time)
    run_git(archive.folder, "gc", "--quiet")
    kept = [path for path in archive.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"ms-secret-token" in path.read_bytes()]
