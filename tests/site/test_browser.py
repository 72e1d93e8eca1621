from __future__ import annotations

from typing import TYPE_CHECKING

from support.browser import watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

PAGE = """<!doctype html><title>x</title><script>console.error("bad")</script>
<img src="http://canary.invalid/x.png" alt="">"""


def test_the_watch_sees_errors_and_requests_to_other_origins(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    with watched(browser) as seen:
        seen.page.goto(file.as_uri())
        assert "bad" in seen.troubles
        assert seen.strangers == ["http://canary.invalid/x.png"]
