from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from support.browser import watched
from support.git import new_repository
from support.histories import History, snapshot

from archiver.history.choice import Choice
from archiver.site.addresses import record_page
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

TABLE = """[sources.{0}]
type = "json"
url = "models.json"
records = "models"
key = ["id"]
metrics = ["downloads"]
"""
GONE = "lab/ember"
MODEL = "org/atlas-7b"
LONG = "org/" + "a-very-long-name-without-an-end-" * 8


def history(folder: Path) -> History:
    """Return two sources; in one of them everything happens that can."""
    found = History(new_repository(folder))
    found.commit(
        "2026-01-30T02:00:00Z", {"archiver.toml": TABLE.format("hub") + TABLE.format("lab")}
    )
    rows = {
        MODEL: {"license": "mit", "downloads": 125_000, "size": 15_231_233_024, "category": "text"},
        GONE: {"license": "other", "downloads": 12, "category": "text"},
        "lab/山水-vl": {"license": "apache-2.0", "downloads": 5_210, "category": "image"},
        LONG: {"license": "mit", "downloads": 1, "description": "words and words " * 60},
        **{
            f"org/model-{n:03}": {"license": "mit", "downloads": n, "category": "audio"}
            for n in range(240)
        },
    }
    for day in range(30, 34):
        if day == 32:
            rows[MODEL] = {
                **rows[MODEL],
                "license": "apache-2.0",
                "tags": ["a", "b"],
                "gated": True,
            }
            del rows[GONE]
            rows["org/new"] = {"license": "mit", "downloads": 3, "category": "text"}
        if day == 31:
            rows |= {
                key: {**row, "category": "speech"} for key, row in rows.items() if "model" in key
            }
        rows = {
            key: {**row, "downloads": int(str(row["downloads"])) + day} for key, row in rows.items()
        }
        date = f"2026-01-{day}" if day < 32 else f"2026-02-{day - 31:02}"
        records = [{"id": key, **row} for key, row in rows.items()]
        content = snapshot(f"{date} 02:00:00", *records)
        found.commit(f"{date}T02:00:00Z", {"data/hub/latest.json": content})
    found.commit(
        "2026-02-03T02:00:00Z",
        {"data/lab/latest.json": snapshot("2026-02-03 02:00:00", {"id": "x"})},
    )
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of two sources; most records are drawn by the script."""
    folder = tmp_path_factory.mktemp("site")
    repo = history(folder / "repo").folder
    build(
        Choice(repo, {}).each(),
        folder / "www" / "below",
        Settings(title="Two hubs", static_records=6),
    )
    return folder / "www" / "below"


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    """Serve the site below a path, as any host would."""
    handler = partial(Quiet, directory=str(site.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/below"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


PAGES = {
    "portal": "index.html",
    "overview": "hub/index.html",
    "overview of one capture": "lab/index.html",
    "catalogue": "hub/catalogue.html",
    "static record": f"hub/{record_page(MODEL)}",
    "static record that is gone": f"hub/{record_page(GONE)}",
    "drawn record": f"hub/record.html#{quote(LONG, safe='')}",
    "drawn record that is gone": f"hub/record.html#{quote(GONE, safe='')}",
    "unknown record": "hub/record.html#nobody",
    "capture": "hub/captures/20260201_020000.html",
    "large capture": "hub/captures/20260131_020000.html",
    "month": "hub/months/2026-01.html",
    "changes": "hub/changes.html",
    "compare": "hub/compare.html",
    "removed": "hub/removed.html",
    "nothing removed": "lab/removed.html",
    "proof": "hub/proof.html",
    "missing": "404.html",
}


def settle(page: Page) -> None:
    """Wait until the script has drawn what it draws."""
    page.wait_for_load_state("load")
    for _ in range(100):
        busy = page.evaluate("document.querySelector('[aria-busy], .pending') !== null")
        if not busy:
            return
        page.wait_for_timeout(20)
    pytest.fail(f"the page is still busy: {page.url}")


def overflow(page: Page, width: int) -> int:
    """Return how much wider than its window a page is."""
    page.set_viewport_size({"width": width, "height": 900})
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_as_a_file_without_trouble(browser: Browser, site: Path, name: str) -> None:
    with watched(browser, width=400) as seen:
        seen.page.goto(f"{site.as_uri()}/{PAGES[name]}")
        settle(seen.page)
        assert seen.page.locator("h1").count() == 1
        for width in (320, 400, 1280, 2000):
            assert overflow(seen.page, width) <= 0, width
        assert (seen.troubles, seen.strangers) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_violation_that_axe_knows(browser: Browser, site: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with watched(browser, trusting=True) as seen:
        seen.page.goto(f"{site.as_uri()}/{PAGES[name]}")
        settle(seen.page)
        for width, colours in ((400, "light"), (1280, "dark")):
            seen.page.set_viewport_size({"width": width, "height": 900})
            seen.page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
            found = axe.Axe().run(seen.page)
            assert found.violations_count == 0, found.generate_report()


def test_every_page_opens_below_a_path_of_a_host(browser: Browser, url: str) -> None:
    with watched(browser, dark=True) as seen:
        for page in PAGES.values():
            seen.page.goto(f"{url}/{page}")
            settle(seen.page)
            assert (seen.troubles, seen.strangers) == ([], []), page


def test_every_static_page_reads_without_a_script(browser: Browser, site: Path) -> None:
    with watched(browser, script=False) as seen:
        for name, page in PAGES.items():
            if "drawn" not in name and name != "unknown record":
                seen.page.goto(f"{site.as_uri()}/{page}")
                assert seen.page.locator("h1").inner_text() != "", name
                assert (seen.troubles, seen.strangers) == ([], []), name


def test_the_static_page_of_a_record_and_the_drawn_one_say_the_same(
    browser: Browser, site: Path
) -> None:
    read = """[...document.querySelectorAll('h1, .lead, .facts, .timeline')]
        .map((each) => each.innerText.replace(/\\s+/g, ' ').trim())"""
    for key in (MODEL, GONE, "org/new"):
        with watched(browser) as seen:
            seen.page.goto(f"{site.as_uri()}/hub/{record_page(key)}")
            settle(seen.page)
            static = seen.page.evaluate(read)
            seen.page.goto(f"{site.as_uri()}/hub/record.html#{quote(key, safe='')}")
            settle(seen.page)
            assert seen.page.evaluate(read) == static


def test_a_stopped_archive_is_called_late(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        seen.page.clock.set_fixed_time("2026-02-02T12:00:00Z")
        seen.page.goto(f"{site.as_uri()}/hub/index.html")
        assert seen.page.locator("#ago").inner_text() == "That was 10 hours ago."
    with watched(browser) as seen:
        seen.page.clock.set_fixed_time("2026-03-02T12:00:00Z")
        seen.page.goto(f"{site.as_uri()}/hub/index.html")
        assert seen.page.locator("#ago .late").inner_text() == "Late: that was 28 days ago."


def test_data_that_cannot_be_loaded_are_said_to_be_so_and_asked_for_again(
    browser: Browser, url: str
) -> None:
    with watched(browser) as seen:
        seen.page.route("**/data/index.js", lambda route: route.abort())
        seen.page.goto(f"{url}/hub/catalogue.html")
        seen.page.get_by_role("alert").wait_for()
        assert seen.page.locator("#records tbody tr").count() == 50
        seen.page.unroute("**/data/index.js")
        seen.page.get_by_role("button", name="Try again").click()
        seen.page.locator("#facets fieldset").first.wait_for()
        assert seen.page.get_by_role("alert").count() == 0


def test_a_list_that_was_cut_is_shown_whole_on_request(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        seen.page.goto(f"{site.as_uri()}/{PAGES['large capture']}")
        assert seen.page.locator("#list-updated > li").count() == 200
        first = seen.page.locator("#list-updated > li").first.inner_text()
        seen.page.get_by_role("button", name="Show all").click()
        seen.page.locator("#list-updated > li").nth(239).wait_for()
        assert seen.page.locator("#list-updated > li").first.inner_text() == first
        assert seen.troubles == []
