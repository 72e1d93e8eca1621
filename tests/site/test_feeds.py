"""Feeds are valid, deterministic and keep their ids, whatever the records hold."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree, html
from support.archives import Archive
from support.commandline import run_archiver
from support.histories import LATEST, History, snapshot
from support.hostile_texts import TEXTS

from archiver.capture import revert
from archiver.changes.lifecycle import Tombstone, write_tombstones
from archiver.errors import ConfigError, RenderError
from archiver.history import index as indexes
from archiver.history.choice import Choice
from archiver.records.text import visible
from archiver.site import feeds
from archiver.site.addresses import capture_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BASE = "https://example.org/archive"
ATOM = "{http://www.w3.org/2005/Atom}"
TAG = re.compile(
    r"tag:[0-9a-f]{12}\.archiver\.invalid,\d{4}-\d\d-\d\d:[a-z0-9_-]+(/[a-z0-9_-]+)*"
    r"(#[a-z0-9_-]+(/[a-z0-9_-]+)*)?"
)
"""A tag URI (RFC 4151) as ours are."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
"""A date and a time by RFC 3339."""
TAGS = {"p", "h3", "ul", "li", "bdi", "del", "ins", "a"}
MINE = """
[feeds.mine]
where = ["downloads > 1000", "license = mit"]
kinds = ["removed", "updated"]
fields = ["license"]
"""


def capture(past: History, day: int, *records: dict[str, Any], stones: Iterable[Any] = ()) -> str:
    """Commit a snapshot of a day in January 2026, and the tombstones."""
    content = snapshot(f"2026-01-{day:02} 03:00:00", *records)
    removed = write_tombstones({each.key: each for each in stones})
    files = {LATEST: content, "data/hub/removed.jsonl": removed}
    return past.commit(f"2026-01-{day:02}T03:00:00Z", files)


def model(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "license": "mit", "downloads": 5_000, **fields}


def configure(past: History, more: str = "", **settings: Any) -> None:
    known = {"type": "json", "url": "models.json", "records": "models", "key": ["id"]}
    rows = {**known, "metrics": ["downloads"], **settings}
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in rows.items())
    (past.folder / "archiver.toml").write_text(f"[sources.hub]\n{text}\n{more}")


def written(folder: Path, base_url: str | None = None, **options: Any) -> dict[str, str]:
    """Return the files of all feeds of the one source."""
    catalogue = Choice(folder, {}).one()
    with indexes.ready(catalogue) as index:
        return dict(feeds.feeds(catalogue, index, base_url=base_url, **options))


def entries(files: dict[str, str], name: str = "feed") -> list[dict[str, Any]]:
    """Return the items of a feed, in both forms the same."""
    items: list[dict[str, Any]] = json.loads(files[f"{name}.json"])["items"]
    read = feedparser.parse(
        files[f"{name}.atom"].encode(), sanitize_html=False, resolve_relative_uris=False
    )
    assert not read.bozo
    told = [(each["id"], each["title"], each["summary"], each["content_html"]) for each in items]
    assert told == [
        (each.id, each.title, each.summary, each.content[0].value) for each in read.entries
    ]
    return items


def titles(files: dict[str, str], name: str = "feed") -> list[str]:
    return [each["title"] for each in entries(files, name)]


def ids(files: dict[str, str]) -> dict[str, list[str]]:
    """Return the ids of every feed, its own first."""
    return {
        name: [each.text or "" for each in root(text).iter(f"{ATOM}id")]
        for name, text in files.items()
        if name.endswith(".atom")
    }


def root(text: str) -> etree._Element:
    """Parse XML as strictly as there is."""
    return etree.fromstring(text.encode(), etree.XMLParser(recover=False, resolve_entities=False))


def words(item: dict[str, Any]) -> str:
    """Return what a reader sees of an entry."""
    return re.sub(r"\s+", " ", str(html.fromstring(item["content_html"]).text_content())).strip()


def check_atom(text: str) -> None:
    """Check the rules of RFC 4287, section 4.1."""
    feed = root(text)
    assert feed.tag == f"{ATOM}feed"
    assert len(feed.findall(f"{ATOM}author/{ATOM}name")) == 1
    every = [each.findtext(f"{ATOM}id") for each in feed.iter(f"{ATOM}feed", f"{ATOM}entry")]
    assert len({*every}) == len(every)
    for each in feed.iter(f"{ATOM}feed", f"{ATOM}entry"):
        for name in ("id", "title", "updated"):
            assert len(each.findall(f"{ATOM}{name}")) == 1
            assert each.findtext(f"{ATOM}{name}")
        assert TAG.fullmatch(each.findtext(f"{ATOM}id") or "")
        for time in each.findall(f"{ATOM}updated") + each.findall(f"{ATOM}published"):
            assert TIME.fullmatch(time.text or "")
        links = [dict(link.attrib) for link in each.findall(f"{ATOM}link")]
        assert all(urlsplit(str(link["href"])).scheme == "https" for link in links)
        assert len({(link.get("rel"), link.get("type")) for link in links}) == len(links)
    for entry in feed.findall(f"{ATOM}entry"):
        (content,) = entry.findall(f"{ATOM}content")
        assert (content.get("type"), len(content)) == ("html", 0)


def check_json_feed(text: str) -> None:
    """Check the rules of JSON Feed 1.1."""
    feed = json.loads(text, parse_constant=pytest.fail)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed.keys() <= {
        *("version", "title", "home_page_url", "feed_url", "authors", "language", "items")
    }
    assert isinstance(feed["title"], str)
    assert all(each.keys() & {"name", "url", "avatar"} for each in feed["authors"])
    assert len({each["id"] for each in feed["items"]}) == len(feed["items"])
    for name in ("home_page_url", "feed_url"):
        assert urlsplit(feed.get(name, "https:")).scheme == "https"
    for item in feed["items"]:
        texts = {"id", "url", "title", "content_html", "summary"}
        assert item.keys() <= texts | {"date_published", "date_modified", "tags"}
        assert {"id", "content_html"} <= item.keys()
        assert all(isinstance(item[name], str) and item[name] for name in texts & item.keys())
        assert urlsplit(item.get("url", "https:")).scheme == "https"
        for name in ("date_published", "date_modified"):
            assert TIME.fullmatch(item[name])
            assert datetime.fromisoformat(item[name]).tzinfo
        assert all(isinstance(tag, str) for tag in item["tags"])


def check(files: dict[str, str]) -> None:
    for name, text in files.items():
        (check_atom if name.endswith(".atom") else check_json_feed)(text)


@pytest.fixture
def past(repo: Path) -> History:
    """Return a history of five captures; one changed only metrics."""
    history = History(repo)
    configure(history, MINE)
    capture(history, 1, model("a"), model("b"), model("c", downloads=1))
    capture(history, 2, model("a"), model("b"), model("c", downloads=1), model("d<i>"))
    capture(history, 3, model("a", downloads=9_000), model("b"), model("c"), model("d<i>"))
    changed = model("a", license="apache-2.0", p={"x": 1, "y": 2})
    capture(history, 4, changed, model("b", p=1), model("c", license="gpl"), model("d<i>"))
    gone = Tombstone("d<i>", "2026-01-05 03:00:00", "2026-01-04 03:00:00", "withdrawn <its owner>")
    capture(history, 5, changed, model("b", p=1), model("c", license="mit"), stones=[gone])
    return history


def test_each_capture_with_news_is_an_entry_and_so_is_the_first(past: History) -> None:
    files = written(past.folder)
    assert titles(files) == [
        "1 updated, -1 removed (3 records)",
        "3 updated (4 records)",
        "+1 new (4 records)",
        "first snapshot (3 records)",
    ]
    assert json.loads(files["feed.json"])["title"] == "hub"
    assert root(files["feed.atom"]).findtext(f"{ATOM}updated") == "2026-01-05T03:00:00+00:00"


def test_an_entry_names_what_changed_from_what_to_what_and_why(past: History) -> None:
    last, changed, *_ = entries(written(past.folder))
    assert words(last) == (
        "1 updated, -1 removed (3 records) Breaking: Removed (1) "
        "d<i> · 5,000 downloads · mit (withdrawn <its owner>) "
        "Breaking: Updated (1) c license: gpl → mit"
    )
    assert "<del><bdi>gpl</bdi></del> → <ins><bdi>mit</bdi></ins>" in last["content_html"]
    assert last["summary"] == "removed: d<i>; updated: c"
    assert last["tags"] == ["removed", "updated", "breaking"]
    assert 'a license: mit → apache-2.0 p: (unset) → {"x":1,"y":2}' in words(changed)
    assert "downloads" not in words(changed)


def test_there_is_a_feed_of_each_kind_of_news_in_both_forms(past: History) -> None:
    files = written(past.folder)
    kinds = ["new", "removed", "returned", "renamed", "entered", "left", "updated"]
    names = ["feed", *kinds, "feeds/mine"]
    assert [*files] == [f"{name}.{form}" for name in names for form in ("atom", "json")]
    assert titles(files, "removed") == ["-1 removed (3 records)"]
    assert titles(files, "updated") == ["1 updated (3 records)", "3 updated (4 records)"]
    assert titles(files, "left") == []
    check(files)


def test_a_saved_query_tells_only_what_is_as_bad_as_it_asks_for(past: History) -> None:
    bad = ["1 updated, -1 removed (3 records)", "2 updated (4 records)"]
    every = ["1 updated, -1 removed (3 records)", "3 updated (4 records)", "+1 new (4 records)"]
    for least, told in (("breaking", bad), ("info", every)):
        configure(past, f'[feeds.bad]\nmin_severity = "{least}"')
        assert titles(written(past.folder), "feeds/bad") == told


def test_a_severity_of_archiver_toml_counts_in_feeds_too(past: History) -> None:
    configure(
        past, '[feeds.bad]\nmin_severity = "breaking"\n[sources.hub.severity]\nlicense = "info"'
    )
    files = written(past.folder)
    assert titles(files, "feeds/bad") == ["-1 removed (3 records)"]
    assert entries(files, "updated")[0]["tags"] == ["updated", "info"]


def test_what_is_breaking_is_named_before_others_that_would_fill_an_entry(repo: Path) -> None:
    past = History(repo)
    configure(past)
    capture(past, 1, *(model(f"m{number:03}", text="a") for number in range(200)))
    records = [model(f"m{number:03}", text="b") for number in range(200)]
    records[150]["license"] = "gpl-3.0"
    capture(past, 2, *records)
    entry = entries(written(past.folder), "updated")[0]
    assert words(entry).startswith("200 updated (200 records) Breaking: Updated (1) m150 license")
    assert "Updated (199)" in words(entry)
    assert entry["summary"].startswith("updated: m150, m000")
    assert entry["tags"] == ["updated", "breaking"]


def test_a_saved_query_has_its_records_fields_and_kinds(past: History) -> None:
    files = written(past.folder)
    assert titles(files, "feeds/mine") == ["1 updated, -1 removed (3 records)"]
    configure(past, '[feeds.mine]\nfields = ["p.*"]')
    assert [words(each) for each in entries(written(past.folder), "feeds/mine")][:1] == [
        (
            "-1 removed (3 records) Breaking: Removed (1) "
            "d<i> · 5,000 downloads · mit (withdrawn <its owner>)"
        )
    ]
    configure(past, '[feeds.mine]\nkinds = ["updated"]\nwhere = ["p has x"]')
    assert titles(written(past.folder), "feeds/mine") == ["1 updated (4 records)"]
    configure(past, '[feeds.mine]\nkinds = ["removed"]\nwhere = ["downloads < 10"]')
    assert titles(written(past.folder), "feeds/mine") == []


def test_a_saved_query_may_be_of_some_sources_only(past: History) -> None:
    more = '[sources.other]\ntype = "json"\nurl = "x.json"\n[feeds.mine]\nsources = ["other"]'
    configure(past, more)
    catalogue = Choice(past.folder, {}, ("hub",)).one()
    assert "feeds/mine" not in feeds.offered(catalogue)
    other = Choice(past.folder, {}, ("other",)).one()
    assert "feeds/mine" in feeds.offered(other)


def test_a_condition_that_cannot_be_answered_is_named(past: History) -> None:
    configure(past, '[feeds.mine]\nwhere = ["downloads > many"]')
    with pytest.raises(ConfigError, match=r"^feeds/mine: downloads > 'many': .* is a number"):
        written(past.folder)


def test_the_same_history_gives_the_same_bytes(past: History, tmp_path: Path) -> None:
    first = written(past.folder, BASE)
    assert written(past.folder, BASE) == first
    shutil.rmtree(past.folder / ".git/archiver/index")
    assert written(past.folder, BASE) == first
    past.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    shutil.copy(past.folder / "archiver.toml", tmp_path / "clone")
    assert written(tmp_path / "clone", BASE) == first


def test_ids_stay_when_the_site_moves_and_when_captures_come(past: History) -> None:
    before = ids(written(past.folder))
    assert ids(written(past.folder, BASE)) == before
    assert ids(written(past.folder, "http://elsewhere.example/")) == before
    capture(past, 6, model("z"))
    after = ids(written(past.folder))
    for name, (feed, *known) in before.items():
        assert after[name][0] == feed
        assert after[name][1:][len(after[name]) - 1 - len(known) :] == known
    assert after["feed.atom"] != before["feed.atom"]
    every = [each for known in after.values() for each in known]
    assert len({*every}) == len(every)


def test_a_capture_that_was_reverted_is_in_no_feed_and_other_ids_stay(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    for number in range(3):
        archive.captured(a=1, b=number)
    before = ids(written(repo))["feed.atom"]
    for place in (1, 2):  # the second capture, then the first
        commits = archive.git("log", "--format=%H", "--", "data/hub/latest.json").split()
        revert.revert(
            archive.target(), commits[-1 if place == 2 else 1], clock=lambda: archive.time
        )
        after = ids(written(repo))["feed.atom"]
        assert len(after) == len(before) - place
        assert {*after} < {*before}
        assert after[0] == before[0]


def test_links_lead_to_the_pages_of_the_site(past: History) -> None:
    files = written(past.folder, f"{BASE}/")
    check(files)
    links = {
        (link["rel"], link["href"]) for link in feedparser.parse(files["removed.atom"]).feed.links
    }
    folder = f"{BASE}/hub"
    assert links == {("self", f"{folder}/removed.atom"), ("alternate", f"{folder}/removed.html")}
    read = json.loads(files["feeds/mine.json"])
    assert read["feed_url"] == f"{folder}/feeds/mine.json"
    assert read["home_page_url"] == f"{folder}/changes.html"
    assert read["items"][0]["url"] == f"{folder}/captures/20260105_030000.html"
    assert "http" not in "".join(written(past.folder).values()).replace(
        "https://jsonfeed.org/version/1.1", ""
    ).replace("http://www.w3.org/2005/Atom", "")


def test_records_lead_to_their_pages_on_the_hub(repo: Path) -> None:
    past = History(repo)
    (repo / "archiver.toml").write_text('[sources.hub]\ntype = "modelscope"\nlabel = "name"\n')
    capture(past, 1)
    capture(past, 2, {"id": "org/x <y>", "name": "A&B"})
    (item, _) = entries(written(repo))
    (link,) = html.fromstring(item["content_html"]).iter("a")
    assert link.get("href") == "https://modelscope.cn/models/org/x%20%3Cy%3E"
    assert link.text_content() == "A&B (org/x <y>)"


def test_the_newest_fifty_entries_name_fifty_changes_each(repo: Path) -> None:
    past = History(repo)
    configure(past)
    capture(past, 1)
    capture(past, 2, *(model(f"m{number:03}") for number in range(62)))
    (item, _) = entries(written(repo, BASE))
    shown = html.fromstring(item["content_html"])
    assert len([*shown.iter("li")]) == 51
    (more,) = shown.iter("a")
    assert (more.text_content(), more.get("href")) == ("… and 12 more", item["url"])
    assert item["summary"] == "new: m000, m001, m002 … and 59 more"
    for number in range(60):
        taken = f"2026-02-01 00:00:{number:02}"
        past.commit(f"{taken}Z", {LATEST: snapshot(taken, model("x", n=number))})
    files = written(repo)
    assert len(entries(files)) == len(entries(files, "updated")) == 50
    assert entries(files, "removed")[0]["title"] == "-62 removed (1 record)"
    assert [each["id"][-15:] for each in entries(written(repo, limit=2))] == [
        "20260201_000059",
        "20260201_000058",
    ]


def test_a_long_list_of_fields_is_cut(repo: Path) -> None:
    past = History(repo)
    configure(past)
    capture(past, 1, model("a", tags={f"t{number:02}": 1 for number in range(15)}))
    capture(past, 2, model("a", tags={f"t{number:02}": 2 for number in range(15)}))
    (item, _) = entries(written(repo))
    assert words(item).endswith("tags.t09: 1 → 2 … and 5 more")


def hostile() -> Iterator[str]:
    for text in dict.fromkeys(TEXTS.values()):
        if 0 < len(text.encode(errors="replace")) < 4_000 and "\ud83d" not in text:
            yield text


def test_whatever_records_hold_feeds_are_valid(repo: Path) -> None:
    texts = [*hostile()]
    past = History(repo)
    configure(past, '[feeds.mine]\nwhere = ["note !~ nothing"]', label="label")
    records: dict[str, dict[str, Any]] = {}
    capture(past, 1)
    for day, first in enumerate(range(0, len(texts), 40), 2):
        records |= {text: {"id": text, "category": text} for text in texts[first : first + 40]}
        capture(past, day, *records.values())
    first = 0
    for day, first in enumerate(range(0, len(texts), 40), 12):
        for text in texts[first : first + 40]:
            records[text] |= {"note": text, text or "x": [text], "label": text[::-1]}
        capture(past, day, *records.values())
    stones = [Tombstone(key, "2026-01-28 03:00:00", "2026-01-27 03:00:00", key) for key in texts]
    capture(past, 28, stones=stones)
    files = written(repo, BASE)
    check(files)
    named = [each for item in entries(files, "new") for each in bold(item)]
    assert {visible(text) for text in texts} <= {*named}
    entries(files)
    entries(files, "feeds/mine")
    for name in files:
        if name.endswith(".json"):
            for item in json.loads(files[name])["items"]:
                assert visible(item["title"] + item["summary"]) == item["title"] + item["summary"]


def bold(item: dict[str, Any]) -> list[str]:
    """Return the words of records in an entry, whose markup is ours."""
    shown = html.fragment_fromstring(item["content_html"], create_parent="div")
    for each in shown.iterdescendants():
        assert each.tag in TAGS
        assert {*each.attrib} <= ({"href", "rel"} if each.tag == "a" else set())
    return [str(each.text_content()) for each in shown.iter("bdi")]


def test_a_history_of_any_file_has_feeds(repo: Path) -> None:
    past = History(repo)
    name = "Mödels <\u202e>.json"
    for day, keys in enumerate(("a", "ab"), 1):
        document = json.dumps([{"id": key} for key in keys])
        past.commit(f"2026-01-0{day}T00:00:00Z", {name: document})
    about = ("--repo", repo, "--file", repo / name, "--key", "id", "--base-url", BASE)
    done = run_archiver("feed", *about)
    assert done.returncode == 0
    check_atom(done.stdout)
    assert f'href="{BASE}/m-dels-json/feed.atom"' in done.stdout
    assert "<title>Mödels &lt;\\u202e&gt;.json</title>" in done.stdout


def test_a_template_of_ones_own_is_used(past: History) -> None:
    folder = past.folder / "mine"
    folder.mkdir()
    configure(past, '[templates]\nfolder = "mine"')
    (folder / "feed-entry.html.j2").write_text("<b>{{ source }}</b> {{ headline }}")
    assert entries(written(past.folder))[0]["content_html"].startswith("<b>hub</b> 1 updated")
    (folder / "feed-entry.html.j2").write_text("a\x0bb")
    with pytest.raises(RenderError, match=r"feed-entry\.html\.j2: "):
        written(past.folder)


def test_captures_that_share_a_second_have_different_pages() -> None:
    times = ["2026-03-01 02:00:00", "2026-03-01 02:00:00", "2026-03-02 02:00:00"]
    assert capture_pages([*times, times[0], "../x", "٢٠٢٦-03-01 02:00:00"]) == [
        *("20260301_020000", "20260301_020000_2", "20260302_020000"),
        *("20260301_020000_3", "unknown", "unknown_2"),
    ]


def test_a_time_that_is_none_is_that_of_the_commit(repo: Path) -> None:
    past = History(repo)
    configure(past)
    for taken in ("2026-01-01 00:00:00", "<i>\u202e", "0000-99-99 00:00:00"):
        content = snapshot(taken, {"id": taken})
        past.commit("2026-01-01T00:00:00Z", {LATEST: content})
    files = written(repo, BASE)
    check(files)
    assert len(entries(files)) == 3


def test_the_command_writes_one_feed(past: History, tmp_path: Path) -> None:
    about = ("--repo", past.folder)
    assert run_archiver("feed", *about).stdout == written(past.folder)["feed.atom"]
    done = run_archiver("feed", *about, "--kind", "removed", "-f", "json", "--base-url", BASE)
    assert done.stdout == written(past.folder, BASE)["removed.json"]
    configure(past, f'{MINE}[site]\nbase_url = "{BASE}"')
    file = tmp_path / "mine.atom"
    done = run_archiver("feed", *about, "--name", "mine", "-o", file, "--source", "hub")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text() == written(past.folder, BASE)["feeds/mine.atom"]
    assert run_archiver("feed", *about, "--limit", "1").stdout.count("<entry>") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kind", "removd"), 'no feed tells the kind "removd"; did you mean "removed"?'),
        (("--kind", "metrics"), 'no feed tells the kind "metrics"'),
        (("--name", "mien"), 'hub has no feed "mien"; did you mean "mine"?'),
        (("--source", "hbu"), 'no source is called "hbu"; did you mean "hub"?'),
        (("--kind", "new", "--name", "mine"), "--kind and --name exclude each other."),
        (("--base-url", "ftp://x"), "'ftp://x' is no address of a folder on the web"),
        (("--base-url", "https://x/?<"), "is no address of a folder on the web"),
        (("--no-index",), "--no-index: only an index answers this."),
    ],
)
def test_what_is_not_there_is_refused(past: History, options: tuple[str, ...], said: str) -> None:
    done = run_archiver("feed", "--repo", past.folder, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_without_captures_the_command_says_how_to_take_one(repo: Path) -> None:
    Archive(repo).configure()
    done = run_archiver("feed", "--repo", repo)
    assert (done.returncode, done.stdout) == (5, "")
    assert "there is no snapshot of hub yet" in done.stderr
    assert "take one with: archiver run hub" in done.stderr


def test_of_several_sources_one_is_to_be_named(past: History) -> None:
    configure(past, '[sources.other]\ntype = "json"\nurl = "x.json"')
    done = run_archiver("feed", "--repo", past.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "name one with --source: hub, other" in done.stderr


def test_a_run_notes_a_field_that_no_record_has(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure('[feeds.mine]\nwhere = ["licence = mit"]')
    archive.lists([{"id": "a", "license": "mit"}])
    noted = run_archiver("run", "--repo", repo).stderr
    assert 'feeds.mine.where: no record has a field "licence"; did you mean "license"?' in noted
