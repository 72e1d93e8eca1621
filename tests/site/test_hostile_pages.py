from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.browser import watched
from support.git import new_repository
from support.histories import History, snapshot
from support.hostile_texts import TEXTS

from archiver.changes.lifecycle import Tombstone, write_tombstones
from archiver.history.choice import Choice
from archiver.records.text import visible
from archiver.site.addresses import record_page
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WORDS = [
    text
    for text in dict.fromkeys(TEXTS.values())
    if 0 < len(text.encode(errors="replace")) < 4_000 and "\ud83d" not in text
]
CANARIES = [
    "<script>window.owned = 1</script>",
    "<img src=x onerror='window.owned = 1'>",
    "\"><svg onload='window.owned = 1'>",
    "javascript:window.owned=1//",
    "</script><script>window.owned = 1</script>",
    "'-(window.owned=1)-'",
    "<style>@import 'http://canary.invalid/a.css'</style>",
    "<img src='http://canary.invalid/a.png'>",
    "<base href='http://canary.invalid/'>",
    "<meta http-equiv=refresh content='0;url=http://canary.invalid/'>",
    "<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "__proto__",
    "constructor",
    "toString",
    "../../../etc/passwd",
    "a?b#c&d=e%2Fg%",
    *WORDS,
]
CONFIG = """[sources.hub]
type = "json"
url = "models.json"
records = "models"
key = ["id"]
metrics = ["downloads"]
label = "label"
"""


def record(text: str, day: int) -> dict[str, Any]:
    """Return a record that says `text` wherever it can; each day a little different."""
    later = text if day > 1 else text[::-1]
    return {
        "id": text,
        "label": later,
        "category": text,
        "license": later,
        "tags": [text, later],
        "nested": {text: later, "list": [{"x": text}]},
        text: later,
        "downloads": day,
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    history = History(new_repository(folder / "repo"))
    history.commit("2026-01-01T02:00:00Z", {"archiver.toml": CONFIG})
    half = len(CANARIES) // 2
    days = (CANARIES[:half], CANARIES, CANARIES[half:], CANARIES)
    for day, words in enumerate(days, 1):
        content = snapshot(f"2026-01-{day:02} 02:00:00", *(record(text, day) for text in words))
        files: dict[str, str | bytes | None] = {"data/hub/latest.json": content}
        gone = CANARIES[:half] if day == 3 else []
        time = f"2026-01-{day:02} 02:00:00"
        stones = {key: Tombstone(key, time, "2026-01-02 02:00:00", key) for key in gone}
        files["data/hub/removed.jsonl"] = write_tombstones(stones)
        subject = " ".join(CANARIES[day].split()) or "x"
        history.commit(f"2026-01-{day:02}T02:00:00Z", files, f"{subject} <b>&amp;")
    settings = Settings(static_records=len(CANARIES) // 3, title="<b>x</b>")
    build(Choice(history.folder, {}).each(), folder / "site", settings)
    return folder / "site"


def calm(page: Page) -> None:
    """Wait until nothing is loading."""
    for _ in range(200):
        if not page.evaluate("document.querySelector('[aria-busy], .pending') !== null"):
            return
        page.wait_for_timeout(10)
    pytest.fail(f"the page is still busy: {page.url}")


def test_no_file_is_named_by_what_was_fetched(site: Path) -> None:
    for file in site.rglob("*"):
        name = file.relative_to(site).as_posix()
        assert name.isascii()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-./"), name


def test_static_pages_run_and_fetch_nothing_of_a_record(browser: Browser, site: Path) -> None:
    pages = sorted(each for each in site.rglob("*.html") if "records" not in each.parts)
    records = sorted((site / "hub" / "records").rglob("*.html"))
    with watched(browser) as seen:
        for file in [*pages, *records[::3]]:
            seen.page.goto(file.as_uri())
            assert seen.page.evaluate("window.owned") is None, file
            assert seen.page.evaluate("document.querySelectorAll('script').length") <= 8
        assert (seen.troubles, seen.strangers) == ([], [])


def test_drawn_records_show_hostile_text_as_text(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(f"{site.as_uri()}/hub/record.html#x")
        for text in CANARIES:
            seen.page.evaluate("key => { location.hash = key }", quote(text, safe=""))
            heading = seen.page.locator("h1")
            wanted = visible(text)
            for _ in range(200):
                if wanted in heading.inner_text() or wanted in (heading.text_content() or ""):
                    break
                seen.page.wait_for_timeout(5)
            else:
                pytest.fail(f"{text!r}: {heading.text_content()!r}")
            calm(seen.page)
            assert seen.page.evaluate("window.owned") is None, text
        assert (seen.troubles, seen.strangers) == ([], [])


def test_the_catalogue_shows_hostile_text_as_text(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(f"{site.as_uri()}/hub/catalogue.html")
        calm(seen.page)
        while seen.page.locator("#more").is_visible():
            seen.page.locator("#more").click()
        texts = set(seen.page.locator("#records tbody th bdi").all_text_contents())
        assert len(texts) == len(CANARIES)
        for text in CANARIES[:30]:
            seen.page.locator("#words").fill(text)
            assert seen.page.locator("#records tbody tr").count() >= 1, text
        seen.page.locator("#words").fill("")
        for head in seen.page.locator("#records thead button").all():
            head.click()
        seen.page.locator("#columns summary").click()
        for box in seen.page.locator("#columns input").all()[:12]:
            box.click()
        assert seen.page.evaluate("window.owned") is None
        assert (seen.troubles, seen.strangers) == ([], [])


def test_comparing_shows_hostile_text_as_text(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        for ends in (("20260101", "20260104"), ("20260102", "20260103"), ("20260104", "20260101")):
            old, new = (f"{day}_020000" for day in ends)
            seen.page.goto(f"{site.as_uri()}/hub/compare.html#from={old}&to={new}")
            seen.page.reload()
            calm(seen.page)
            assert seen.page.locator("#result li").count() > 0
            assert seen.page.evaluate("window.owned") is None
        assert (seen.troubles, seen.strangers) == ([], [])


def test_the_script_shows_hidden_characters_as_the_program_does(
    browser: Browser, site: Path
) -> None:
    texts = [
        *CANARIES,
        "\n\t\x1b\x9b\u202e\u2066\ufeff\U000e0001\xa0\xad",
        "a\ufe0fb 👩\u200d💻 ❤\ufe0f 1\ufe0f",
    ]
    with watched(browser) as seen:
        seen.page.goto(f"{site.as_uri()}/hub/catalogue.html")
        shown = seen.page.evaluate("texts => texts.map(visible)", texts)
    assert shown == [visible(text) for text in texts]


def test_the_static_page_of_a_hostile_record_says_its_text(browser: Browser, site: Path) -> None:
    found = 0
    with watched(browser, script=False) as seen:
        for text in CANARIES:
            file = site / "hub" / record_page(text)
            if file.exists():
                found += 1
                seen.page.goto(file.as_uri())
                assert visible(text) in (seen.page.locator("h1").text_content() or "")
    assert found == len(CANARIES) // 3


def test_data_files_hold_no_end_of_a_script(site: Path) -> None:
    for file in site.rglob("*.js"):
        content = file.read_text()
        assert "assets" in file.parts or "<" not in content
        assert not {"\u2028", "\u2029"} & set(content)
        if "data" in file.parts:
            value = content.partition(",")[2].removesuffix(");\n")
            json.loads(value.replace('["__proto__"]:', '"__proto__":'))


def test_a_record_called_as_the_prototype_is_a_record(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(f"{site.as_uri()}/hub/record.html#__proto__")
        calm(seen.page)
        facts = seen.page.locator(".facts").inner_text()
        assert facts.count("__proto__") >= 3, "as key, as category, and as the name of a field"
        seen.page.goto(f"{site.as_uri()}/hub/record.html#record")
        calm(seen.page)
        seen.page.get_by_text("There was never such a record").wait_for()
