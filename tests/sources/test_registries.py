"""PyPI, npm, GitHub's releases and Ollama: listed whole, followed, and never believed blindly."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.apis import Asked, Said, Server, serving
from support.git import run_git
from support.hubs import Archive
from support.registries import GitHub, Npm, Ollama, PyPI

from archiver import config as configuration
from archiver.capture import capture
from archiver.config import parse
from archiver.errors import (
    ConfigError,
    SnapshotRejected,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from archiver.history import queries
from archiver.history.choice import Choice
from archiver.sources import create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.apis import Api

    from archiver.records.model import ChangeSet
    from archiver.sources import Source

HOUR = timedelta(hours=1)
WEEK = timedelta(days=8)


@pytest.fixture
def registry() -> Iterator[Server]:
    with serving(PyPI()) as server:
        yield server


@pytest.fixture
def keep(registry: Server, repo: Path) -> Callable[..., Archive]:
    """Return what makes an archive of a registry, and serves that."""

    def kept(kind: str, api: Api, **settings: Any) -> Archive:
        registry.api = api
        endpoint = registry.url
        if kind == "npm":
            endpoint, settings["registry"] = f"{registry.url}/registry", registry.url
        archive = Archive(repo, cast("Any", SimpleNamespace(endpoint=endpoint)), cast("Any", None))
        archive.configure(kind, retries=0, **settings)
        return archive

    return kept


def records(archive: Archive) -> dict[str, dict[str, Any]]:
    """Return the newest snapshot: the records by key."""
    text = run_git(archive.folder, "show", "HEAD:data/hub/latest.json")
    found = (json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith('{"'))
    return {next(iter(each.values())): each for each in found}


def told(archive: Archive) -> ChangeSet:
    catalogue = Choice(archive.folder, {}).one()
    with queries.compare(catalogue, "HEAD~1", "HEAD", now=archive.time) as found:
        return found.collect()


def asked(server: Server) -> list[str]:
    """Return the paths that were asked since this was called last."""
    found = [each.path for each in server.seen]
    server.seen.clear()
    return found


def changing(api: Api, path: str, change: Callable[[Said], Said]) -> Api:
    """Return an api whose answers at a path (a pattern) are changed."""

    def answered(request: Asked) -> Said:
        said = api(request)
        return change(said) if re.fullmatch(path, request.path) else said

    return answered


def edited(**members: Any) -> Callable[[Said], Said]:
    """Return what replaces members of a document."""

    def edit(said: Said) -> Said:
        body = json.dumps({**json.loads(said.body), **members}).encode()
        return said._replace(body=body, sent=len(body))

    return edit


def refuses(archive: Archive, registry: Server, api: Api, words: str) -> SourceError:
    """Run against a server that misbehaves: one sentence, and nothing is written."""
    before, well = list(archive.state()), registry.api
    registry.api = api
    with pytest.raises((SourceError, SnapshotRejected), match=words or None) as raised:
        archive.run()
    assert "\n" not in str(raised.value)
    assert list(archive.state()) == before
    registry.api = well
    return cast("SourceError", raised.value)


CUT: dict[str, Callable[[Said], Said]] = {
    "cut off by its length": lambda said: said._replace(sent=len(said.body) // 2),
    "cut off": lambda said: said._replace(body=said.body[: len(said.body) // 2]),
    "a web page": lambda said: said._replace(body=b"<html>Maintenance</html>"),
    "a list": lambda said: said._replace(body=b"[1, 2]"),
    "not UTF-8": lambda said: said._replace(body=b'{"projects": "\xff"}'),
}
WAITS: dict[str, Said] = {
    "429": Said(b"slow down", 429, {"Retry-After": "3600"}),
    "403 with a quota": Said(
        b"{}", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
    ),
    "503": Said(b"", 503, {"Retry-After": "7200"}),
}


# PyPI


def index(*names: str) -> PyPI:
    pypi = PyPI()
    for name in names:
        pypi.upload(name)
    return pypi


def test_every_project_of_the_index_is_kept_by_its_normalised_name(
    keep: Callable[..., Archive], registry: Server
) -> None:
    archive = keep("pypi", index("Flask", "zope.interface", "ruamel_yaml--clib"))
    report = archive.run()
    assert records(archive) == {
        "flask": {"name": "flask", "serial": 1},
        "ruamel-yaml-clib": {"name": "ruamel-yaml-clib", "serial": 3},
        "zope-interface": {"name": "zope-interface", "serial": 2},
    }
    assert asked(registry) == ["/simple/"]
    message = run_git(archive.folder, "log", "-1", "--format=%B")
    assert "the end of the index, serial 3" in message
    assert report.outcome == "first"


def test_an_index_that_did_not_change_is_not_sent_again(
    keep: Callable[..., Archive], registry: Server
) -> None:
    archive = keep("pypi", index("a", "b"))
    archive.run()
    assert archive.run().outcome == "unchanged"
    assert registry.seen[-1].headers["if-none-match"]


def test_an_upload_alone_is_a_metric_and_with_details_a_version(
    keep: Callable[..., Archive], registry: Server
) -> None:
    pypi = index("a", "b")
    archive = keep("pypi", pypi, enrich=["version", "license"])
    archive.run()
    assert records(archive)["a"] == {"name": "a", "serial": 1, "version": "1.0", "license": "MIT"}
    asked(registry)
    pypi.upload("b", "2.0")
    archive.run()
    assert asked(registry) == ["/simple/", "/pypi/b/json"]
    (change,) = told(archive)["updated"]
    assert (change["name"], set(change["fields"])) == ("b", {"serial", "version"})
    assert change["fields"]["version"].new == "2.0"


def test_a_project_is_gone_when_two_indexes_lack_it_and_its_page_is_gone(
    keep: Callable[..., Archive],
) -> None:
    pypi = index(*(f"p{number}" for number in range(20)))
    archive = keep("pypi", pypi)
    archive.run()
    pypi.remove("p7")
    archive.run()
    assert "p7" in records(archive)
    pypi.upload("p8")
    archive.run()
    assert "p7" not in records(archive)
    assert [each["name"] for each in told(archive)["removed"]] == ["p7"]


def test_an_old_index_from_a_cache_removes_nothing(
    keep: Callable[..., Archive], registry: Server
) -> None:
    pypi = index(*(f"p{number}" for number in range(20)))
    old = pypi.index()
    pypi.upload("new")
    archive = keep("pypi", pypi)
    archive.run()
    registry.api = changing(
        pypi, "/simple/", lambda _: Said(old, headers={"X-PyPI-Last-Serial": "20"})
    )
    for _ in range(3):
        archive.run()
    assert "new" in records(archive)


INDEXES: dict[str, tuple[Callable[[Said], Said], str]] = {
    **{name: (change, "") for name, change in CUT.items()},
    "another serial": (
        lambda said: said._replace(headers={"X-PyPI-Last-Serial": "9"}),
        "serial 3 in the document, 9 in the header",
    ),
    "a package of the future": (
        edited(projects=[{"name": "a", "_last-serial": 7}]),
        "serial 3 in the document, 3 in the header, 7 of a package",
    ),
    "no package": (edited(projects=[]), "the index is empty"),
    "another version": (edited(meta={"api-version": "2.0"}), "version 2.0 of the API"),
    "no name": (edited(projects=[{"_last-serial": 1}]), "missing required field"),
    "a list of names": (edited(projects=["a", "b"]), ""),
    "another page": (lambda _: Said(b"", 302, {"Location": "http://127.0.0.1:9/"}), "redirects"),
    "forbidden": (lambda _: Said(b"no", 403), "answered 403"),
    "gone": (lambda _: Said(b"no", 404), "answered 404"),
    **{name: (lambda _, said=said: said, "asks to wait") for name, said in WAITS.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_that_cannot_be_trusted_is_refused(
    keep: Callable[..., Archive], registry: Server, name: str
) -> None:
    pypi = index("a", "b")
    archive = keep("pypi", pypi)
    archive.run()
    change, words = INDEXES[name]
    pypi.upload("a")
    refuses(archive, registry, changing(pypi, "/simple/", change), words)


def test_half_of_the_index_is_quarantined(keep: Callable[..., Archive], registry: Server) -> None:
    pypi = index(*(f"p{number}" for number in range(100)))
    archive = keep("pypi", pypi)
    archive.run()
    pypi.upload("p0")
    half = edited(projects=pypi.index()["projects"][:50])
    refuses(archive, registry, changing(pypi, "/simple/", half), "50")


def test_exact_projects_have_what_the_json_api_says(
    keep: Callable[..., Archive], registry: Server
) -> None:
    archive = keep("pypi", index("Flask", "b"), ids=["flask", "FLASK", "nope"])
    report = archive.run()
    assert records(archive) == {
        "flask": {
            "name": "flask",
            "serial": 1,
            "version": "1.0",
            "description": "What Flask does",
            "license": "MIT",
            "requires_python": ">=3.9",
        }
    }
    assert asked(registry) == ["/pypi/flask/json", "/pypi/nope/json"]
    assert "the hub does not have nope: deleted" in report.notes


# npm


def packages(number: int, most: int = 10_000) -> Npm:
    npm = Npm(most)
    for each in range(number):
        npm.publish(f"p{each:03}")
    return npm


def test_every_package_is_listed_page_by_page(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(25, 10)
    npm.publish("@scope/name")
    archive = keep("npm", npm)
    archive.run()
    assert len(records(archive)) == 26
    assert records(archive)["@scope/name"] == {"name": "@scope/name", "revision": 1}
    pages = [each.query.get("startkey") for each in registry.seen[1:]]
    assert pages == [None, '"p008"', '"p017"', '"p024"']
    message = run_git(archive.folder, "log", "-1", "--format=%B")
    assert "26" in message
    assert "a page without another name" in message


def test_between_full_listings_only_changes_are_listed(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(3000, 1000)
    archive = keep("npm", npm)
    archive.run()
    asked(registry)
    npm.publish("p007")
    npm.publish("new")
    archive.run()
    assert asked(registry) == ["/registry/", "/registry/_changes"]
    assert (len(records(archive)), records(archive)["p007"]["revision"]) == (3001, 2)
    assert [each["name"] for each in told(archive)["new"]] == ["new"]
    archive.run()
    assert asked(registry) == ["/registry/"]
    archive.run(later=WEEK)
    assert len(asked(registry)) == 6


def test_a_feed_that_tells_every_change_of_a_package_is_read_to_the_last(
    keep: Callable[..., Archive], registry: Server, tmp_path: Path
) -> None:
    npm = packages(3000)
    archive = keep("npm", npm)
    archive.run()
    npm.publish("p007")
    npm.publish("p007")
    rows = [
        {"seq": at, "id": "p007", "changes": [{"rev": f"{revision}-a"}]}
        for at, revision in ((3101, 2), (3102, 3))
    ]
    pages = iter((rows[:1], rows[1:]))

    def page(said: Said) -> Said:
        found = next(pages)
        return edited(results=found, last_seq=found[-1]["seq"])(said)

    for change in (edited(results=rows), page):
        registry.api = changing(npm, "/registry/_changes", change)
        copy = archive.copied(tmp_path / change.__name__)
        copy.run()
        assert records(copy)["p007"]["revision"] == 3


def test_changes_that_come_meanwhile_come_next_time(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(3000)
    archive = keep("npm", npm)
    archive.run()
    npm.publish("first")

    def later(said: Said) -> Said:
        npm.publish("second")
        return said

    registry.api = changing(npm, "/registry/", later)
    archive.run()
    assert "first" in records(archive)
    assert "second" not in records(archive)
    registry.api = npm
    archive.run()
    assert "second" in records(archive)


def test_changes_with_details_ask_for_what_changed(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(2)
    archive = keep("npm", npm, enrich=["version"], drift=0.5)
    archive.run()
    asked(registry)
    npm.publish("p001", "2.0.0")
    archive.run()
    assert asked(registry)[2:] == ["/p001/latest"]
    assert records(archive)["p001"] == {"name": "p001", "revision": 2, "version": "2.0.0"}
    assert [each["name"] for each in told(archive)["updated"]] == ["p001"]


def test_a_deleted_package_is_removed_by_two_full_listings(
    keep: Callable[..., Archive],
) -> None:
    npm = packages(2000)
    archive = keep("npm", npm)
    archive.run()
    npm.unpublish("p007")
    archive.run()
    assert "p007" in records(archive)
    archive.run(later=WEEK)
    assert "p007" in records(archive)
    archive.run(later=WEEK)
    assert "p007" not in records(archive)
    assert [each["name"] for each in told(archive)["removed"]] == ["p007"]


CHANGES: dict[str, tuple[Callable[[Said], Said], str]] = {
    **{name: (change, "") for name, change in CUT.items() if name != "cut off by its length"},
    "changes of before": (edited(results=[{"seq": 5, "id": "a", "changes": [{"rev": "1-a"}]}]), ""),
    "a last number of before": (edited(last_seq=3100), "do not follow number 3100"),
    "a revision without a number": (
        edited(results=[{"seq": 3101, "id": "a", "changes": [{"rev": "x"}]}]),
        "rev",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_that_cannot_be_trusted_lead_to_a_full_listing(
    keep: Callable[..., Archive], registry: Server, name: str
) -> None:
    npm = packages(3000)
    archive = keep("npm", npm)
    archive.run()
    npm.publish("new")
    change, words = CHANGES[name]
    registry.api = changing(npm, "/registry/_changes", change)
    report = archive.run()
    (note,) = (each for each in report.notes if each.startswith("listed in full: "))
    assert words in note
    assert "new" in records(archive)


def test_a_feed_that_shows_its_changes_late_loses_none(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(3000)
    archive = keep("npm", npm)
    archive.run()
    npm.publish("new")
    late = edited(results=[], last_seq=3100)
    registry.api = changing(npm, "/registry/_changes", late)
    archive.run()
    assert "new" not in records(archive)
    registry.api = npm
    archive.run()
    assert "new" in records(archive)


def test_a_feed_that_went_back_leads_to_a_full_listing(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(1000)
    archive = keep("npm", npm)
    archive.run()
    registry.api = replace(npm, sequence=50)
    report = archive.run()
    assert "listed in full: the feed went back to 50" in report.notes


NAMES: dict[str, tuple[str, Callable[[Said], Said], str]] = {
    **{name: ("/registry/_all_docs", change, "") for name, change in CUT.items()},
    "the first page again": (
        "/registry/_all_docs",
        lambda _: Said(packages(30, 10).names({}, 10)),
        "loop|same page",
    ),
    "an end too early": (
        "/registry/_all_docs",
        edited(rows=[]),
        "announced 30, received 0",
    ),
    "a total of before": (
        "/registry/_all_docs",
        edited(total_rows=20),
        "announced 20, received 30",
    ),
    "no number of packages": ("/registry/", lambda _: Said({"update_seq": 1}), "doc_count"),
    "no number of changes": ("/registry/", lambda _: Said({"doc_count": 1}), "update_seq"),
    **{
        name: ("/registry/_all_docs", lambda _, said=said: said, "asks to wait")  # type: ignore[misc]
        for name, said in WAITS.items()
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_cannot_be_trusted_are_refused(
    keep: Callable[..., Archive], registry: Server, name: str
) -> None:
    npm = packages(30, 10)
    archive = keep("npm", npm, incremental=False)
    archive.run()
    path, change, words = NAMES[name]
    refuses(archive, registry, changing(npm, path, change), words)


def test_exact_packages_have_what_the_registry_says(
    keep: Callable[..., Archive], registry: Server
) -> None:
    npm = packages(3)
    npm.publish("@types/node", "26.1.0")
    archive = keep("npm", npm, ids=["@types/node", "gone"])
    archive.run()
    assert records(archive) == {
        "@types/node": {
            "name": "@types/node",
            "version": "26.1.0",
            "description": "What @types/node does",
            "license": "ISC",
        }
    }
    assert asked(registry) == ["/@types%2Fnode/latest", "/gone/latest"]


# GitHub


def releases(number: int = 3) -> GitHub:
    github = GitHub()
    for each in range(number):
        github.publish("o/r", f"v{each}")
    return github


def test_the_releases_of_each_repository_are_listed_to_the_last_page(
    keep: Callable[..., Archive], registry: Server
) -> None:
    github = releases(250)
    github.publish("o/s", "cli/v1.0")
    github.publish("o/s", "draft", draft=True)
    archive = keep("github-releases", github, repositories=["o/r", "o/s"])
    archive.run()
    text = run_git(archive.folder, "show", "HEAD:data/hub/latest.json")
    assert text.count('"tag":') == 251
    (line,) = (line for line in text.splitlines() if "o/s/cli/v1.0" in line)
    assert json.loads(line.rstrip(",")) == {
        "@key": "o/s/cli/v1.0",
        "repository": "o/s",
        "tag": "cli/v1.0",
        "name": "Release cli/v1.0",
        "notes": "notes",
        "commit": "main",
        "published_at": "2026-01-02T00:00:00Z",
        "assets": {"a.zip": {"digest": f"sha256:{'0' * 64}", "size": 7}},
        "downloads": 3,
    }
    assert {each.headers["x-github-api-version"] for each in registry.seen} == {"2022-11-28"}
    assert [each.query.get("page") for each in registry.seen] == [None, "2", "3", None]


def test_downloads_are_no_news_and_another_asset_is(keep: Callable[..., Archive]) -> None:
    github = releases()
    archive = keep("github-releases", github, repositories=["o/r"])
    archive.run()
    github.releases["o/r"][0]["assets"][0]["download_count"] = 99
    report = archive.run()
    assert (report.summary.metrics, report.summary.news) == (1, 0)
    github.releases["o/r"][0]["assets"][0]["digest"] = f"sha256:{'1' * 64}"
    assert archive.run().summary.updated == 1


def test_a_renamed_repository_keeps_its_name_and_one_that_is_gone_is_noted(
    keep: Callable[..., Archive],
) -> None:
    github = releases()
    github.renamed["old/r"] = "o/r"
    archive = keep("github-releases", github, repositories=["old/r", "o/none"])
    report = archive.run()
    assert set(records(archive)) == {"old/r/v0", "old/r/v1", "old/r/v2"}
    assert "GitHub has no repository o/none, or hides it" in report.notes


def test_a_release_is_gone_when_two_listings_lack_it_and_its_tag_is_gone(
    keep: Callable[..., Archive], registry: Server
) -> None:
    github = releases(20)
    archive = keep("github-releases", github, repositories=["o/r"])
    archive.run()
    hidden = github.releases["o/r"].pop(3)
    registry.api = changing(github, "/repos/.*/tags/.*", lambda _: Said(hidden))
    archive.run()
    archive.run()
    assert "o/r/v16" in records(archive)
    registry.api = github
    archive.run()
    archive.run()
    assert "o/r/v16" not in records(archive)


def test_a_token_is_named_sent_and_never_kept(
    keep: Callable[..., Archive], registry: Server
) -> None:
    github = releases()
    github.token = "s3cret-token"
    archive = keep("github-releases", github, repositories=["o/r"], token_env="MY_TOKEN")
    with pytest.raises(ConfigError, match="MY_TOKEN"):
        archive.run()
    assert not registry.seen
    config = configuration.discover(archive.folder, {"MY_TOKEN": github.token})
    assert capture.run(config, "hub", clock=lambda: archive.time).new.total == 3
    assert {each.headers["authorization"] for each in registry.seen} == {f"Bearer {github.token}"}
    assert github.token not in run_git(archive.folder, "log", "-p", "--all")


PAGES: dict[str, tuple[Callable[[Said], Said], str, type[Exception]]] = {
    **{name: (change, "", Exception) for name, change in CUT.items() if name != "a list"},
    "a link to itself": (
        lambda said: said._replace(
            headers={"Link": '</repos/o/r/releases?per_page=100>; rel="next"'}
        ),
        "loop",
        SourceError,
    ),
    "a link elsewhere": (
        lambda said: said._replace(headers={"Link": '<http://example.org/>; rel="next"'}),
        "another origin",
        SourceError,
    ),
    "a wrong token": (lambda _: Said({"message": "Bad credentials"}, 401), "401", SourceRefused),
    "no releases but strings": (lambda _: Said(["a", "b"]), "bad records", SnapshotRejected),
    "an object": (lambda _: Said({"message": "x"}), "", SourceError),
    **{
        name: (lambda _, said=said: said, "asks to wait", SourceUnavailable)  # type: ignore[misc]
        for name, said in WAITS.items()
    },
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_releases_that_cannot_be_trusted_are_refused(
    keep: Callable[..., Archive], registry: Server, name: str
) -> None:
    github = releases()
    archive = keep("github-releases", github, repositories=["o/r"])
    archive.run()
    change, words, kind = PAGES[name]
    error = refuses(archive, registry, changing(github, "/repos/.*", change), words)
    assert isinstance(error, kind)


def test_more_releases_than_github_lists_are_refused(
    keep: Callable[..., Archive], registry: Server
) -> None:
    archive = keep("github-releases", releases(), repositories=["o/r"])
    archive.run()
    refuses(archive, registry, releases(10_050), "only the newest 10,000 releases")


# Ollama


def test_models_of_the_registry_are_kept_with_digest_and_size(
    keep: Callable[..., Archive], registry: Server
) -> None:
    ollama = Ollama({"qwen3:8b": 5000, "qwen3:latest": 7000, "me/own:q4": 30})
    archive = keep("ollama", ollama, models=["qwen3", "qwen3:8b", "me/own:q4", "none:1b"])
    report = archive.run()
    found = records(archive)
    assert set(found) == {"qwen3:latest", "qwen3:8b", "me/own:q4"}
    assert found["qwen3:8b"]["size"] == 5109
    assert set(found["qwen3:8b"]["parts"]) == {"model", "license"}
    assert "the hub does not have none:1b: deleted" in report.notes
    assert asked(registry)[:2] == [
        "/v2/library/qwen3/manifests/latest",
        "/v2/library/qwen3/manifests/8b",
    ]
    ollama.models["qwen3:8b"] = 6000
    assert archive.run().summary.updated == 1


def test_what_a_server_has_installed_is_kept(keep: Callable[..., Archive]) -> None:
    ollama = Ollama({"qwen3:8b": 5000, "b:latest": 1})
    archive = keep("ollama", ollama)
    archive.run()
    assert records(archive)["qwen3:8b"]["details"]["family"] == "qwen3"
    del ollama.models["b:latest"]
    assert archive.run(accept=True).summary.removed == 1


MANIFESTS: dict[str, tuple[Callable[[Said], Said], str]] = {
    "cut off by its length": (CUT["cut off by its length"], ""),
    "another digest": (
        lambda said: said._replace(body=said.body + b"\n"),
        "its digest is not the one that the header names",
    ),
    "cut off": (lambda said: Said(said.body[:50]), "truncated"),
    "a web page": (lambda _: Said(b"<html>"), ""),
    "no layers": (lambda _: Said({"config": {"digest": "a", "size": 1}}), "layers"),
    "forbidden": (lambda _: Said(b"", 403), "403"),
    **{name: (lambda _, said=said: said, "asks to wait") for name, said in WAITS.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_cannot_be_trusted_is_refused(
    keep: Callable[..., Archive], registry: Server, name: str
) -> None:
    ollama = Ollama({"qwen3:8b": 5000})
    archive = keep("ollama", ollama, models=["qwen3:8b"])
    archive.run()
    change, words = MANIFESTS[name]
    refuses(archive, registry, changing(ollama, "/v2/.*", change), words)


# All of them


HOSTILE = ["../../etc/passwd", "a/../../b", "..", "a?x=1#y", "a\nb", "é", "", "x" * 5000, "%2e%2e"]


def made(kind: str, **settings: Any) -> Source:
    return create("s", {"type": kind, **settings}, base=Path())


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_name_is_no_address(key: str) -> None:
    github = made("github-releases", repositories=["o/r"])
    for source in (made("pypi"), made("npm"), github, made("ollama", models=["a:b"])):
        assert source.confirm(key) is None
        link = source.link(key)
        assert not link or re.fullmatch(r"https://[a-z.]+/[\w/%@:.~-]*", link)
    request = github.confirm(f"o/r/{key}")
    start = "https://api.github.com/repos/o/r/releases/tags/"
    if key not in ("", "..") and request is not None:
        assert request.url.startswith(start)
        assert "/" not in request.url.removeprefix(start)


@pytest.mark.parametrize(
    ("kind", "key", "link"),
    [
        ("pypi", "zope-interface", "https://pypi.org/project/zope-interface/"),
        ("npm", "@types/node", "https://www.npmjs.com/package/@types/node"),
        ("ollama", "qwen3:8b", "https://ollama.com/library/qwen3:8b"),
        ("ollama", "me/own:q4", "https://ollama.com/me/own:q4"),
        ("ollama", "hf.co/me/own:q4", ""),
    ],
)
def test_a_record_has_a_page(kind: str, key: str, link: str) -> None:
    assert made(kind).link(key) == link


def test_a_release_has_a_page_also_on_a_server_of_ones_own() -> None:
    own = {"repositories": ["o/r"], "endpoint": "https://git.example.org/api/v3"}
    assert made("github-releases", repositories=["o/r"]).link("o/r/a/v1") == (
        "https://github.com/o/r/releases/tag/a/v1"
    )
    assert made("github-releases", **own).link("o/r/v1") == (
        "https://git.example.org/o/r/releases/tag/v1"
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('type = "github-releases"', "repositories: missing"),
        (
            'type = "github-releases"\nrepositories = []',
            'repositories: expected a list such as ["owner/name"], got []',
        ),
        (
            'type = "github-releases"\nrepositories = ["https://github.com/o/r"]',
            'repositories: expected a list such as ["owner/name"], got ["https://github.com/o/r"]',
        ),
        ('type = "ollama"\nmodels = ["a/b/c"]', 'models: expected a list such as ["qwen3:8b"]'),
        ('type = "ollama"\nmodels = ["../x"]', 'models: expected a list such as ["qwen3:8b"]'),
        (
            'type = "npm"\nfull_every = "soon"',
            'full_every: expected a period such as "7d" or "12h"',
        ),
        ('type = "npm"\ndrift = 2', "drift: expected a number from 0 to 1, got 2"),
        ('type = "pypi"\nrate = -1', "rate: expected a number from 0, got -1"),
        ('type = "pypi"\nnames = ["a"]', "names: unknown key"),
        ('type = "npm"\nenrich = ["x"]', "enrich"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f"[sources.s]\n{table}\n".encode(), tmp_path / "archiver.toml", {})
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_ids_that_are_no_names_are_refused() -> None:
    for kind in ("pypi", "npm"):
        with pytest.raises(ConfigError, match="no such ids"):
            _ = made(kind, ids=["../x"]).watched
