"""Look at a site of 100,000 records in Chromium: bytes, times, and scripts between key strokes."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from support.browser import PROGRAM, started

from archiver.fakehub.catalogue import Catalogue
from bench import repositories, sites
from bench.exporting import PACE
from bench.indexing import CONFIG
from bench.measure import ARCHIVER, once
from bench.result import Result, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

RECORDS = 100_000
CAPTURES = 3
KILOBYTE = 1_000
_PHONE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 90_000,
}
"""A phone in a slow network: 150 ms, 1.6 Mbit/s."""
_WATCH = """window.shift = 0; window.paint = 0;
new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.shift += each.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.paint = each.startTime;
}).observe({type: "largest-contentful-paint", buffered: true});"""
_TYPE = """(text) => {
    const box = document.getElementById("words");
    const times = [];
    for (let end = 1; end <= text.length; end += 1) {
        box.value = text.slice(0, end);
        const start = performance.now();
        box.dispatchEvent(new Event("input"));
        times.push(performance.now() - start);
    }
    return times;
}"""


class _Compressed(SimpleHTTPRequestHandler):
    """Sends files compressed, as hosts of static files do, and counts the bytes."""

    sent = 0

    def do_GET(self) -> None:
        """Send a file."""
        body = gzip.compress(Path(self.translate_path(self.path)).read_bytes(), 6)
        type(self).sent += len(body)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(self.path.partition("?")[0]))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, type[_Compressed]]]:
    """Serve a folder; yield its address, and what counts the bytes."""
    handler = type("Counted", (_Compressed,), {"sent": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def pages(folder: Path) -> Iterator[Result | Skipped]:
    """Open overview, catalogue and a record."""
    if PROGRAM is None:
        yield Skipped("pages of 100,000 records", "no chromium on this machine")
        return
    archive = repositories.created(folder / "pages-100k")
    (archive / "archiver.toml").write_text(CONFIG)
    catalogue = Catalogue(models=RECORDS, pace=PACE)
    for day in range(CAPTURES):
        sites.capture(archive, catalogue, day)
    once([ARCHIVER, "site", "-o", str(folder / "site")], archive)
    columns = (folder / "site" / "hub" / "data" / "columns").glob("*.js")
    size = sum(len(gzip.compress(each.read_bytes(), 6)) for each in columns)
    yield _kilobytes("catalogue of 100,000: all columns", size, 4_000)
    key = next(iter(repositories.sorted_lines(catalogue, 0)))
    with started() as browser, served(folder / "site") as (url, counter):
        yield from _overview(browser.new_page(), url, counter)
        yield from _catalogue(browser.new_page(), url, counter)
        yield from _record(browser.new_page(), url, counter, quote(key, safe=""))


def _kilobytes(what: str, size: int, most: int) -> Result:
    return Result(f"{what}: kB", size / KILOBYTE, "≤", most, unit="")


def _overview(page: Page, url: str, counter: type[_Compressed]) -> Iterator[Result]:
    phone = page.context.new_cdp_session(page)
    phone.send("Network.enable")
    phone.send("Network.emulateNetworkConditions", _PHONE)
    phone.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.set_viewport_size({"width": 400, "height": 800})
    page.add_init_script(_WATCH)
    page.goto(f"{url}/hub/index.html")
    page.wait_for_timeout(1_000)
    yield _kilobytes("overview of 100,000", counter.sent, 100)
    yield Result(
        "overview on a slow phone: largest paint, s", _number(page, "paint") / 1e3, "≤", 1, ""
    )
    yield Result(
        "overview on a slow phone: layout shift, 1/1000", _number(page, "shift") * 1e3, "≤", 10, ""
    )


def _number(page: Page, name: str) -> float:
    found: Any = page.evaluate(f"window.{name}")
    return float(found)


def _catalogue(page: Page, url: str, counter: type[_Compressed]) -> Iterator[Result]:
    counter.sent = 0
    page.add_init_script(_WATCH)
    page.goto(f"{url}/hub/catalogue.html", wait_until="commit")
    page.locator("#records tbody tr").first.wait_for()
    first, sent = page.evaluate("performance.now()"), counter.sent
    yield _kilobytes("catalogue of 100,000: first rows", sent, 800)
    yield Result("catalogue of 100,000: first rows, s", first / 1e3, "≤", 1, "")
    page.locator("#facets fieldset").first.wait_for()
    ready = page.evaluate("performance.now()")
    yield Result("catalogue of 100,000: search is ready, s", ready / 1e3, "≤", 3, "")
    yield _kilobytes("catalogue of 100,000: to search in it", counter.sent, 1_200)
    yield Result(
        "catalogue of 100,000: layout shift, 1/1000", _number(page, "shift") * 1e3, "≤", 10, ""
    )
    times = [time for _ in range(5) for time in page.evaluate(_TYPE, "amber 7b instruct")]
    yield Result("catalogue of 100,000: key stroke, ms, median", median(times), "≤", 16, "")
    worst = sorted(times)[-len(times) // 20]
    yield Result("catalogue of 100,000: key stroke, ms, 95 %", worst, "≤", 32, "")


def _record(page: Page, url: str, counter: type[_Compressed], key: str) -> Iterator[Result]:
    counter.sent = 0
    page.goto(f"{url}/hub/record.html#{key}")
    page.locator(".timeline").wait_for()
    yield _kilobytes("a record's page with all it needs", counter.sent, 60)
