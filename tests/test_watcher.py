"""The original design's classes: for each hub, and for one's own."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support.commandline import run_archiver
from support.git import run_git
from support.hubs import START, Archive

from archiver import HuggingFaceWatcher, ModelScopeWatcher, Watcher
from archiver.capture import connection
from archiver.errors import ArchiverError, ConfigError, SourceUnavailable
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.jobs.watch import AutoSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess


@pytest.fixture
def archive(repo: Path) -> Iterator[Archive]:
    hub = Hub(120)
    with FakeHub(hub=hub) as server:
        yield Archive(repo, server, hub)


class Shop(Watcher):
    """A new hub is one class."""

    name = "shop"
    key = ("sku",)
    goods: ClassVar[list[dict[str, Any]]] = [{"sku": "a", "price": 1}, {"sku": "b", "price": 2}]

    def fetch_latest_models(self) -> list[dict[str, Any]]:
        return list(self.goods)


def archive_in(folder: Path) -> Path:
    (folder / "archiver.toml").write_text("")
    return folder


def test_a_hub_is_watched_without_arguments(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.configure("modelscope", scope="all")
    monkeypatch.chdir(archive.folder)
    watcher = ModelScopeWatcher()
    assert watcher.source == "hub"
    assert {model["id"] for model in watcher.fetch_latest_models()} == archive.hub.truth()
    assert watcher.take_snapshot().outcome == "first"
    new = archive.hub.add()
    changes = watcher.detect_changes()
    assert [model["id"] for model in changes["new"]] == [new]
    told: list[str] = []
    watcher.notify_updates(changes, out=told.append)
    assert told == ["hub: +1 new (121 models)", f"  new: {new}"]
    assert watcher.search_models(new.partition("/")[2]) == []
    watcher.take_snapshot()
    assert [model["id"] for model in watcher.search_models(new)] == [new]
    assert watcher.get_changes_since(7).summary.new in (0, 1)
    assert watcher.cleanup_old_snapshots(30) == ()


def test_a_hub_that_is_not_configured_is_watched_as_it_is(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive.folder / "archiver.toml").write_text("")
    monkeypatch.setenv("HF_ENDPOINT", archive.server.endpoint)
    watcher = HuggingFaceWatcher(repo=archive.folder)
    assert watcher.take_snapshot().new.total == 120
    assert (archive.folder / "data" / "huggingface" / "latest.json").is_file()


def test_a_class_of_ones_own_is_archived_like_any_source(repo: Path) -> None:
    (repo / "archiver.toml").write_text("")
    shop = Shop(repo=repo)
    assert shop.take_snapshot().new.total == 2
    Shop.goods = [{"sku": "a", "price": 3}]
    assert shop.take_snapshot(accept=True).summary.updated == 1
    assert shop.detect_changes().summary.removed == 1  # the second listing without it
    report = shop.take_snapshot(accept=True)
    assert report.summary.removed == 1
    told: list[str] = []
    shop.notify_updates(shop.compare_snapshots(), out=told.append)
    assert told[1:] == ["  removed: b"]
    shop.notify_updates(shop.compare_snapshots("HEAD", "HEAD"), out=told.append)
    assert len(told) == 2
    assert run_git(repo, "log", "-1", "--format=%s").startswith("shop: ")


def test_snapshots_are_taken_again_and_again_whatever_happens(
    repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (repo / "archiver.toml").write_text("")
    taken, stop = [], Event()

    class Failing(Shop):
        def take_snapshot(self, *, accept: bool = False) -> Any:
            taken.append(accept)
            if len(taken) == 3:
                stop.set()
            raise SourceUnavailable("no answer")

    with caplog.at_level(logging.ERROR):
        Failing(repo=repo).enable_auto_snapshot(1 / 3600, stop=stop).join(10)
    assert len(taken) == 3
    assert caplog.messages == ["shop: no answer"] * 3


@pytest.mark.parametrize("hours", [0, -1, 1e-6, math.nan, math.inf, 367 * 24])
def test_an_interval_is_a_second_at_least_and_a_year_at_most(repo: Path, hours: float) -> None:
    (repo / "archiver.toml").write_text("")
    with pytest.raises(ConfigError, match="between one second and 366 days"):
        Shop(repo=repo).enable_auto_snapshot(hours)


def test_a_thread_never_ends_in_silence(repo: Path, caplog: pytest.LogCaptureFixture) -> None:
    (repo / "archiver.toml").write_text("")
    clock = iter([START])  # for the first look at the reports; then it fails
    with caplog.at_level(logging.ERROR):
        thread = AutoSnapshot("shop", 60, print, folder=repo, clock=lambda: next(clock))
        thread.start()
        thread.join(10)
    assert isinstance(thread.last_error, StopIteration)
    assert caplog.messages == ["no more snapshots are taken"]


def test_a_thread_of_snapshots_has_a_handle(repo: Path) -> None:
    (repo / "archiver.toml").write_text("")

    class Moody(Shop):
        def fetch_latest_models(self) -> list[dict[str, Any]]:
            raise SourceUnavailable("no answer")

    thread = Moody(repo=repo).enable_auto_snapshot(24)
    deadline = time.monotonic() + 20
    while thread.last_error is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert isinstance(thread.last_error, SourceUnavailable)
    thread.stop()
    thread.join(5)
    assert not thread.is_alive()
    again = Shop(repo=repo).enable_auto_snapshot(24)  # five minutes after a failure, not now
    time.sleep(0.3)
    again.stop()
    again.join(5)
    runs = run_git(repo, "show", "refs/archiver/state:shop/runs.jsonl")
    assert runs.count("no answer") == runs.count("\n") == 1


def test_a_source_is_checked_by_its_first_page(archive: Archive) -> None:
    archive.configure("modelscope")
    assert connection.check(archive.config, "hub") == (50, 120)
    archive.configure("modelscope", endpoint="http://127.0.0.1:9", retries=0)
    with pytest.raises(SourceUnavailable) as refused:
        connection.check(archive.config, "hub")
    assert refused.value.hint.startswith("check the network, the proxy")


def test_a_class_makes_the_data_repository_that_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "new" / "archive"
    shop = Shop(repo=folder)
    assert [record.getMessage() for record in caplog.records] == [
        f"made a data repository in {folder}; archiver.toml says what it keeps"
    ]
    assert shop.take_snapshot().outcome == "first"
    assert (folder / "data/shop/latest.json").is_file()
    caplog.clear()
    assert Shop(repo=folder).take_snapshot().outcome == "unchanged"
    assert caplog.records == []


def test_the_first_line_of_the_original_design_works_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ModelScopeWatcher().source == "modelscope"
    assert 'type = "modelscope"' in (tmp_path / "archiver.toml").read_text("utf-8")


@pytest.mark.parametrize("inside", ["", "deep/er"])
def test_nothing_is_made_inside_a_repository_that_is_no_archive(repo: Path, inside: str) -> None:
    with pytest.raises(ConfigError, match="which is no archive"):
        Shop(repo=repo / inside)
    assert sorted(path.name for path in repo.iterdir()) == [".git"]


@pytest.mark.parametrize("inside", ["bare.git", "bare.git/refs", "tree/.git", "tree/.git/hooks"])
def test_nothing_is_made_inside_of_what_git_itself_keeps(tmp_path: Path, inside: str) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    run_git(tmp_path, "init", "--quiet", "tree")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="which is no archive"):
        Shop(repo=tmp_path / inside)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("inside", ["file", "file/new", "dangling"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "to")
    with pytest.raises(ConfigError, match=f"cannot make {tmp_path / inside}: "):
        Shop(repo=tmp_path / inside)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file"]


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="a folder that not even root can write")
@pytest.mark.parametrize("folder", ["/proc/sys", "/proc/sys/new"])
def test_a_folder_that_cannot_be_written_is_named(folder: str) -> None:
    with pytest.raises(ArchiverError, match=folder):
        Shop(repo=folder)


def test_nothing_is_made_inside_a_repository_that_git_does_not_trust(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("damaged")
    with pytest.raises(ConfigError, match="which is no archive"):
        Shop(repo=repo / "new")


def test_nothing_is_made_where_a_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no archiver\.toml"):
        Watcher("hub", repo=tmp_path)
    assert [*tmp_path.iterdir()] == []


class CivitaiWatcher(Watcher):
    """As the original design shows a new hub: a class with nothing but its listing."""

    def fetch_latest_models(self) -> list[dict[str, Any]]:
        return [{"id": 7, "name": "a"}, {"name": "b", "size": "4.5GB"}]


def test_a_class_never_writes_into_the_history_of_another_source(archive: Archive) -> None:
    archive.configure("modelscope")
    archive.run()
    before = run_git(archive.folder, "log", "--format=%H", "--", "data/hub")
    watcher = CivitaiWatcher(repo=archive.folder)
    assert watcher.source == "civitai"
    assert watcher.take_snapshot().new.total == 2
    assert run_git(archive.folder, "log", "--format=%H", "--", "data/hub") == before
    latest = json.loads((archive.folder / "data/civitai/latest.json").read_bytes())
    assert latest["models"] == [
        {"@key": "7", "id": 7, "name": "a"},
        {"name": "b", "size": "4.5GB"},
    ]
    with pytest.raises(ConfigError, match="what CivitaiWatcher lists is something else"):
        CivitaiWatcher("hub", repo=archive.folder)


def test_a_hub_listed_in_ones_own_way_is_another_source(archive: Archive) -> None:
    class Few(ModelScopeWatcher):
        def fetch_latest_models(self) -> list[dict[str, Any]]:
            return [{"id": "a/b"}]

    archive.configure("modelscope")
    assert Few(repo=archive.folder).source == "few"
    Few.name = "hub"
    with pytest.raises(ConfigError, match='the source hub has the type "modelscope"'):
        Few(repo=archive.folder)


def test_the_command_line_knows_the_source_of_a_class(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "archive"
    CivitaiWatcher(repo=folder).take_snapshot()
    assert CivitaiWatcher(repo=folder).take_snapshot().outcome == "unchanged"
    table = (folder / "archiver.toml").read_text("utf-8").partition("[sources.civitai]")[2]
    assert table.startswith('\ntype = "class"\nkey = ["id"]\nmetrics = []\nconfirmations = 2\n')

    def asked(*words: str) -> CompletedProcess[str]:
        return run_archiver(*words, "--repo", folder)

    (folder / "keys.txt").write_text("b\n")
    check = f"check {folder}/keys.txt"
    questions = (
        check,
        "log",
        "compare",
        "list",
        "show b",
        "changes",
        "status",
        "verify",
        "sources",
    )
    answers = {words: asked(*words.split()) for words in questions}
    assert {words for words, done in answers.items() if done.returncode} == set()
    assert answers["log"].stdout.endswith("first snapshot (2 records)\n")
    for words in (("run",), ("run", "civitai"), ("watch", "--every", "1h"), ("sources", "--check")):
        done = asked(*words)
        assert done.returncode == 2
        assert done.stderr.startswith("archiver: listed by a class in Python: civitai\n")
    (folder / "feed.json").write_text('[{"id": "x"}]')
    with (folder / "archiver.toml").open("a") as file:
        file.write('[sources.feed]\ntype = "json"\nurl = "feed.json"\nkey = "id"\n')
    done = asked("run")
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "feed")


def test_classes_that_start_together_are_all_recorded(repo: Path) -> None:
    kinds = [type(f"Hub{n}Watcher", (CivitaiWatcher,), {}) for n in range(4)]
    (repo / "archiver.toml").write_text("[archive]  # mine\r\n")
    watchers: list[Watcher] = [kind(repo=repo) for kind in kinds]
    with ThreadPoolExecutor(4) as pool:
        reports = [*pool.map(Watcher.take_snapshot, watchers)]
    assert {report.outcome for report in reports} == {"first"}
    written = (repo / "archiver.toml").read_bytes().decode()
    assert written.startswith("[archive]  # mine")
    assert sorted(re.findall(r"sources\.(\w+)", written)) == ["hub0", "hub1", "hub2", "hub3"]


@pytest.mark.parametrize("text", ["sources = {}\n", "[archive]\nsources = 1\n"])
def test_a_file_that_cannot_take_the_source_stays_as_it_was(repo: Path, text: str) -> None:
    (repo / "archiver.toml").write_text(text)
    with pytest.raises(ConfigError):
        CivitaiWatcher(repo=repo).take_snapshot()
    assert (repo / "archiver.toml").read_text() == text
    assert not (repo / "data").exists()


@pytest.mark.parametrize("name", ["../x", "模型", "con", "a" * 65])
def test_a_class_with_a_name_that_is_no_folder_is_refused(repo: Path, name: str) -> None:
    (repo / "archiver.toml").write_text("")
    kind = type("Odd", (CivitaiWatcher,), {"name": name})
    with pytest.raises(ConfigError, match="a source's name is up to 64 of a-z"):
        kind(repo=repo)


def test_changes_read_like_the_mapping_of_the_original_design(repo: Path) -> None:
    class Corner(Shop):
        goods: ClassVar[list[dict[str, Any]]] = [{"sku": "a", "price": 1}]

    shop = Corner(repo=archive_in(repo))
    shop.take_snapshot()
    nothing = shop.detect_changes()
    assert not nothing
    assert "new" in nothing
    assert nothing["new"] == ()
    Corner.goods = [{"sku": "a", "price": 3}, {"sku": "b"}]
    changes = shop.detect_changes()
    assert changes
    assert {**changes} == dict(changes.items()) == dict(zip(changes, changes.values(), strict=True))
    assert len(changes) == len(nothing) == len([*changes.keys()]) == 8
    assert changes.get("new") == changes["new"] == ({"sku": "b"},)
    assert changes.get("nothing") is changes.get(1) is None  # type: ignore[arg-type]
    assert "summary" not in changes
    with pytest.raises(KeyError):
        changes["summary"]
    (update,) = changes["updated"]
    assert update["name"] == update.name == "a"
    price = update["fields"]["price"]
    assert (price.old, price.new) == (1, 3)
    assert dict(update) == {"name": "a", "fields": update.fields}
    plain = json.loads(json.dumps(changes.to_dict()))
    assert plain["schema"] == "archiver/changes/2"
    assert plain["updated"][0]["key"] == "a"
    assert [kind for kind in changes if plain[kind]] == ["new", "updated"]
    assert json.loads(json.dumps(update.to_dict())) == plain["updated"][0]


def test_what_a_run_did_can_be_written_as_json(repo: Path) -> None:
    report = Shop(repo=archive_in(repo)).take_snapshot()
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["outcome"] == "first"
    assert plain["summary"]["new"] == report.new.total
