"""Debian's Chromium, driven by Playwright: pages are really opened."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
"""Debian's Chromium without a window, which opens a page in half the time, or the whole one."""


@contextmanager
def started() -> Iterator[Browser]:
    """Yield the browser; where there is none, the test is skipped."""
    if PROGRAM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium-headless-shell")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    # Chromium has no sandbox for the superuser, who runs CI in containers.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=options)
        yield browser
        browser.close()


class Watched:
    """A page, and what a good page never does: errors, and requests to other origins.

    Attributes:
        page: The page.
        troubles: Errors and warnings of the console, uncaught exceptions, failed requests.
        strangers: Addresses of requests that are neither files nor of 127.0.0.1.
    """

    def __init__(self, page: Page) -> None:
        """Begin to watch."""
        self.page = page
        self.troubles: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        page.on("request", lambda request: self._asked(request.url))

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.troubles.append(text)

    def _failed(self, address: str, reason: str | None) -> None:
        if reason != "net::ERR_ABORTED":  # the reader went on to another page
            self.troubles.append(f"failed: {address}")

    def _asked(self, address: str) -> None:
        if not address.startswith(("file:", "http://127.0.0.1", "data:", "blob:", "about:")):
            self.strangers.append(address)


@contextmanager
def watched(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    script: bool = True,
    trusting: bool = False,
) -> Iterator[Watched]:
    """Yield a page of its own profile, of a size, in light or dark, with or without JavaScript.

    A `trusting` one runs the scripts of tests, too, whatever the page's policy says.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        bypass_csp=trusting,
    )
    yield Watched(context.new_page())
    context.close()
