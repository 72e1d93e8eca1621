from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from support.commandline import run_archiver
from support.exports import REAL, Real, cloned
from support.git import new_repository
from support.histories import History, snapshot
from support.random_archives import POLICIES, Past

from archiver.errors import ArchiverError, ConfigError, RenderError
from archiver.history.choice import Choice
from archiver.site import addresses, data
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.history.catalogue import Catalogue

MODELS = '[sources.hub]\ntype = "json"\nurl = "models.json"\nrecords = "models"\nkey = ["id"]\n'


def catalogues(repo: Path, **options: Any) -> list[Catalogue]:
    return Choice(repo, {}, **options).each()


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file of a site."""
    files = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


def called(content: bytes) -> Any:
    """Return the value of a data file."""
    found = re.fullmatch(r'archiver\("[^"]+",(.*)\);\n', content.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture
def archive(repo: Path) -> History:
    """Three captures: a record comes, one goes, a licence and a metric change."""
    history = History(repo)
    history.commit("2026-03-01T02:00:00Z", {"archiver.toml": f'{MODELS}metrics = ["downloads"]\n'})
    captures = (
        [("a/one", "mit", 10), ("b/two", "mit", 5)],
        [("a/one", "apache-2.0", 10), ("b/two", "mit", 8), ("c/three", "mit", 1)],
        [("a/one", "apache-2.0", 12), ("c/three", "mit", 1)],
    )
    for day, records in enumerate(captures, 1):
        rows = [{"id": key, "license": terms, "downloads": n} for key, terms, n in records]
        content = snapshot(f"2026-03-{day:02} 02:00:00", *rows)
        history.commit(f"2026-03-{day:02}T02:00:00Z", {"data/hub/latest.json": content})
    return history


def test_what_is_breaking_has_a_word_wherever_it_stands(archive: History) -> None:
    build(catalogues(archive.folder), archive.folder / "site", Settings())
    pages = {
        name.removeprefix("hub/"): content.decode()
        for name, content in tree(archive.folder / "site").items()
        if name.endswith((".html", ".js"))
    }
    word = '<span class="severity breaking">breaking</span>'
    by_day = {day: pages[f"captures/2026030{day}_020000.html"] for day in (1, 2, 3)}
    assert [page.count(word) for page in by_day.values()] == [0, 1, 1]
    assert f'<h2 id="removed">Removed (1) {word}</h2>' in by_day[3]
    assert by_day[2].index('id="updated"') < by_day[2].index('id="new"')
    assert pages["index.html"].count(word) == 2
    rows = re.findall(r'severity breaking">(1 breaking)<', pages["changes.html"])
    assert rows == ["1 breaking", "1 breaking"]
    changes = called(tree(archive.folder / "site")["hub/data/changes/2.js"])
    assert [each[3:] for each in changes if each[1] == "updated"] == [["breaking"]]


@pytest.mark.parametrize("seed", range(6))
def test_a_site_that_is_brought_up_to_date_has_the_bytes_of_a_new_one(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "ERA", 4)
    chance = random.Random(seed)
    policy = {**POLICIES[seed % len(POLICIES)], "damping": seed % 3}
    past = Past(new_repository(tmp_path / "repo"), chance, policy)
    settings = Settings(static_records=chance.choice([0, 4, 100]))
    site = tmp_path / "site"
    for _ in range(10):
        for _ in range(chance.randrange(1, 4)):
            past.step()
        if chance.random() < 0.2:
            past.forget(2)
        try:
            build(catalogues(past.folder), site, settings)
        except ArchiverError:  # nothing can be read yet
            continue
        build(catalogues(past.folder), tmp_path / "new", replace(settings, rebuild=True))
        assert tree(site) == tree(tmp_path / "new")
    assert "hub/index.html" in tree(site)


def test_a_second_build_writes_nothing(archive: History, tmp_path: Path) -> None:
    first = build(catalogues(archive.folder), tmp_path / "site", Settings())
    before = {each: each.stat().st_ino for each in (tmp_path / "site").rglob("*.html")}
    again = build(catalogues(archive.folder), tmp_path / "site", Settings())
    assert (again.written, again.kept) == (0, first.written)
    assert before == {each: each.stat().st_ino for each in (tmp_path / "site").rglob("*.html")}


class Page(HTMLParser):
    """The links, ids and texts of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(content)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            elif name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def broken_links(site: Path) -> Iterator[str]:
    """Yield the links of a site that lead nowhere, and identifiers that come twice."""
    pages = {file: Page(file.read_text()) for file in site.rglob("*.html")}
    files = {file for file in site.rglob("*") if file.is_file()}
    for file, page in pages.items():
        twice = [name for name, times in Counter(page.ids).items() if times > 1]
        yield from (f"{file}: id {name} comes twice" for name in twice)
        yield from (
            f"{file}: {link}" for link in page.links if _is_broken(file, link, files, pages)
        )


def _is_broken(file: Path, link: str, files: set[Path], pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or file.name == "404.html":
        return False
    target = Path(os.path.normpath(file.parent / unquote(parts.path))) if parts.path else file
    if target not in files:
        return True
    drawn = target.name == "record.html" or not parts.fragment
    return not drawn and unquote(parts.fragment) not in pages[target].ids


@pytest.mark.parametrize("static", [0, 2, 100])
def test_every_link_of_a_site_leads_somewhere(
    archive: History, tmp_path: Path, static: int
) -> None:
    build(catalogues(archive.folder), tmp_path / "site", Settings(static_records=static))
    assert list(broken_links(tmp_path / "site")) == []


def test_pages_tell_what_happened(archive: History, tmp_path: Path) -> None:
    build(catalogues(archive.folder), tmp_path / "site", Settings())
    hub = tmp_path / "site" / "hub"
    overview = Page((hub / "index.html").read_text()).text
    assert "Models" not in overview, "the noun is that of the source: record"
    assert re.search(r"removed b/two .*updated a/one .*license mit → apache-2.0", overview)
    capture = Page((hub / "captures" / "20260303_020000.html").read_text()).text
    assert "1 removed; 2 records." in capture
    assert "Removed (1)" in capture
    record = Page((hub / addresses.record_page("b/two")).read_text()).text
    assert "Removed on 2026-03-03 02:00 UTC" in record
    assert "from 5 to 8; at least 5, at most 8" in record
    graves = Page((hub / "removed.html").read_text()).text
    assert "1 record is no longer in the catalogue" in graves


def test_what_flaps_is_one_piece_of_news_and_no_count_changes(repo: Path, tmp_path: Path) -> None:
    history = History(repo)
    for name, damping in (("plain", 0), ("damped", 1)):
        text = f"{MODELS}damping = {damping}\n"
        history.commit("2026-03-01T01:00:00Z", {"archiver.toml": text}, "configure")
        for day, keys in enumerate(("ab", "b", "ab", "b", "ab", "a") if not damping else (), 1):
            models: dict[str, Any] = dict.fromkeys(keys, 1)
            history.capture(f"2026-03-{day:02}T02:00:00Z", **models)
        build(catalogues(repo), tmp_path / name, Settings())
    plain, damped = tree(tmp_path / "plain"), tree(tmp_path / "damped")
    since = b"(flapped: gone and back 2 times since 2026-03-02 02:00:00)"
    pages = {name for name, content in damped.items() if since in content}
    assert {name for name in pages if name.endswith(".html")} == {
        *("index.html", "hub/index.html", "hub/months/2026-03.html"),
        "hub/captures/20260305_020000.html",
    }
    once = b"(flapped: gone and back since 2026-03-02 02:00:00)"
    assert once in damped["hub/captures/20260303_020000.html"]
    for name in ("hub/captures/20260302_020000.html", "hub/captures/20260304_020000.html"):
        assert damped[name] == plain[name]
    month = damped["hub/months/2026-03.html"].decode()
    assert "<p>3 changes of records that flap are told once, in a newer capture.</p>" in month
    assert "Removed (3)" in month
    assert "Removed (3)" in plain["hub/months/2026-03.html"].decode()
    assert {name: each for name, each in damped.items() if name.endswith(".js")} == {
        name: each for name, each in plain.items() if name.endswith(".js")
    }


def test_the_data_tells_what_happened(archive: History, tmp_path: Path) -> None:
    build(catalogues(archive.folder), tmp_path / "site", Settings(static_records=0))
    files = tree(tmp_path / "site" / "hub" / "data")
    index = called(files["index.js"])
    assert index["captures"]["removed"] == [None, 0, 1]
    assert index["metrics"] == ["downloads"]
    assert called(files["columns/key.js"]) == ["a/one", "c/three"]
    lives = {
        key: life
        for name, content in files.items()
        if name.startswith("records/")
        for key, life in called(content).items()
    }
    assert lives["b/two"]["gone"] == "removed"
    assert lives["a/one"]["events"] == [[2, "updated", [["license", ["mit"], ["apache-2.0"]]]]]
    assert called(files["values/1/0.js"])["b/two"] == {"0": [1, 5, 2, 8, 3, None]}
    assert called(files["changes/3.js"]) == [["b/two", "removed", ""]]


def test_integers_that_a_script_would_round_are_texts() -> None:
    assert data.exact({"a": [2**53, -(2**53), 2**53 - 1, True]}) == {
        "a": [str(2**53), str(-(2**53)), 2**53 - 1, True]
    }
    assert data.script("x", data.raw(f'{{"n":{2**60}}}')) == (
        b'archiver("x",{"n":"1152921504606846976"});\n'
    )


def test_keys_that_differ_by_case_have_different_pages() -> None:
    pages = {addresses.record_page(key).lower() for key in ("Org/Model", "org/model", "ORG/MODEL")}
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("file", "folder"),
    [("data.json", "data-json"), ("a/Models.JSON", "a-models-json"), ("模型.json", "json")],
)
def test_no_folder_is_named_by_what_is_not_safe(repo: Path, file: str, folder: str) -> None:
    (catalogue,) = catalogues(repo, file=file, records="models", key=("id",))
    assert addresses.source_folder(catalogue) == folder


def test_a_source_called_as_the_assets_has_another_folder(repo: Path) -> None:
    (repo / "archiver.toml").write_text(MODELS.replace("hub", "assets"))
    assert addresses.source_folder(catalogues(repo)[0]) == "source-assets"


def test_captures_of_the_same_second_have_different_pages() -> None:
    times = ["2026-03-01 02:00:00", "2026-03-01 02:00:00", "2026-03-01 02:00:01"]
    assert addresses.capture_pages(times) == [
        "20260301_020000",
        "20260301_020000_2",
        "20260301_020001",
    ]


def test_a_folder_with_something_else_is_refused(archive: History, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds thesis\.txt, which is of no site"):
        build(catalogues(archive.folder), tmp_path / "site", Settings())
    (tmp_path / "site" / "thesis.txt").unlink()
    build(catalogues(archive.folder), tmp_path / "site", Settings())
    (tmp_path / "site" / ".git").mkdir()
    with pytest.raises(ConfigError, match=r"holds \.git, which is of no site"):
        build(catalogues(archive.folder), tmp_path / "site", Settings())


def test_a_broken_template_is_named_and_leaves_the_old_site(
    archive: History, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    build(catalogues(archive.folder), site, Settings())
    before = tree(site)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "site-removed.html.j2").write_text("line\n{{ nothing.there }}")
    with pytest.raises(RenderError, match=r"site-removed\.html\.j2:2: 'nothing' is undefined"):
        build(catalogues(archive.folder), site, Settings(folder=tmp_path / "own"))
    assert tree(site) == before
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_an_own_template_replaces_the_built_in_one_on_every_page(
    archive: History, tmp_path: Path
) -> None:
    build(catalogues(archive.folder), tmp_path / "site", Settings())
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "site-record.html.j2").write_text(
        "{% extends 'site.html.j2' %}{% block kind %}record{% endblock %}"
        "{% block main %}my {{ record.key if record else '' }}{% endblock %}"
    )
    build(catalogues(archive.folder), tmp_path / "site", Settings(folder=tmp_path / "own"))
    page = (tmp_path / "site" / "hub" / addresses.record_page("a/one")).read_text()
    assert "my a/one" in page


def test_a_build_that_is_killed_leaves_the_old_site_or_the_new_one(
    archive: History, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    build(catalogues(archive.folder), site, Settings())
    old = tree(site)
    records = [{"id": f"k{n}", "license": "mit", "downloads": n} for n in range(400)]
    archive.commit(
        "2026-03-04T02:00:00Z", {"data/hub/latest.json": snapshot("2026-03-04 02:00:00", *records)}
    )
    build(catalogues(archive.folder), tmp_path / "new", Settings())
    new = tree(tmp_path / "new")
    command = [
        sys.executable,
        "-m",
        "archiver",
        "site",
        "-o",
        str(site),
        "--repo",
        str(archive.folder),
    ]
    chance = random.Random(1)
    for _ in range(8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert tree(site) in (old, new)
    build(catalogues(archive.folder), site, Settings())
    assert tree(site) == new
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_two_builds_at_once_leave_a_whole_site(archive: History, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "archiver", "site", "-o", str(tmp_path / "site")]
    command += ["--repo", str(archive.folder)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    codes = [each.wait(60) for each in both]
    assert 0 in codes
    build(catalogues(archive.folder), tmp_path / "new", Settings())
    assert tree(tmp_path / "site") == tree(tmp_path / "new")


def test_several_sources_have_a_first_page_and_a_folder_each(repo: Path, tmp_path: Path) -> None:
    history = History(repo)
    for name in ("hub", "lab"):
        content = snapshot("2026-03-01 02:00:00", {"id": f"{name}/x"})
        history.commit("2026-03-01T02:00:00Z", {f"data/{name}/latest.json": content})
    history.commit("2026-03-01T02:00:00Z", {"archiver.toml": MODELS + MODELS.replace("hub", "lab")})
    build(
        catalogues(repo), tmp_path / "site", Settings(title="Two hubs", base_url="https://x.org/a")
    )
    assert "2 catalogues" in Page((tmp_path / "site" / "index.html").read_text()).text
    assert list(broken_links(tmp_path / "site")) == []
    sitemap = (tmp_path / "site" / "sitemap.xml").read_text()
    assert "<loc>https://x.org/a/lab/index.html</loc>" in sitemap


@pytest.mark.parametrize("history", REAL[:3], ids=[each.name for each in REAL[:3]])
def test_the_pages_of_real_histories_count_as_was_counted_elsewhere(
    real: Path, tmp_path: Path, history: Real
) -> None:
    folder = cloned(real, history.name, tmp_path / "repo")
    site = tmp_path / "site"
    done = run_archiver("site", "-o", site, "--repo", folder, *history.options)
    assert done.returncode == 0, done.stderr
    assert list(broken_links(site)) == []
    (index,) = site.glob("*/data/index.js")
    captures = called(index.read_bytes())["captures"]
    with (real / f"{history.name}-all.expected.tsv").open() as file:
        expected = {row["commit"]: row for row in csv.DictReader(file, delimiter="\t")}
    rows = zip(*(captures[name] for name in ("revision", "total", "new", "removed")), strict=True)
    compared = 0
    for revision, total, new, removed in rows:
        row = next(each for commit, each in expected.items() if revision.startswith(commit))
        if total is None:
            assert row["status"] != "ok"
            continue
        assert total == int(row["records"])
        if new is not None and row["new"]:
            assert (new, removed) == (int(row["new"]), int(row["removed"]))
            compared += 1
    assert compared > 5


def test_the_command_says_what_it_made(archive: History, tmp_path: Path) -> None:
    done = run_archiver("site", "-o", tmp_path / "site", "--repo", archive.folder)
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))}/site: \d+ files written, 0 as before; "
        rf"open {re.escape(str(tmp_path))}/site/index.html\n",
        done.stdout,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--base-url", "example.org"],
            "--base-url: 'example.org' is no address of a folder on the web",
        ),
        (["--source", "hbu"], 'no source is called "hbu"; did you mean "hub"?'),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(
    archive: History, tmp_path: Path, options: list[str], words: str
) -> None:
    done = run_archiver("site", "-o", tmp_path / "site", "--repo", archive.folder, *options)
    assert done.returncode == 2
    assert words in done.stderr


def test_an_archive_without_captures_says_so(repo: Path, tmp_path: Path) -> None:
    (repo / "archiver.toml").write_text(MODELS)
    done = run_archiver("site", "-o", tmp_path / "site", "--repo", repo)
    assert done.returncode == 5
    assert not (tmp_path / "site").exists()


def test_a_full_disk_leaves_the_old_site(archive: History, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only the superuser can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        done = run_archiver("site", "-o", disk / "site", "--repo", archive.folder)
        assert done.returncode == 2
        assert "cannot write the site" in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
