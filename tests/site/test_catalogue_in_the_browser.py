from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.browser import watched
from support.git import new_repository
from support.histories import History, snapshot

from archiver.history.choice import Choice
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from support.browser import Watched

CONFIG = """[sources.hub]
type = "huggingface"
metrics = ["downloads"]
noun = "model"
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the catalogue of 600 models."""
    folder = tmp_path_factory.mktemp("catalogue")
    history = History(new_repository(folder / "repo"))
    history.commit("2026-01-01T02:00:00Z", {"archiver.toml": CONFIG})
    records = [
        {
            "id": f"org{n % 7}/model-{n:03}",
            "license": ("mit", "apache-2.0", "other")[n % 3],
            "category": ("text", "image")[n % 2],
            "downloads": (n * 37) % 601,
            "size": n * 1_000_000_000,
            "description": f"the {n}th of them" + (" 中文模型" if n == 5 else ""),
            "tags": ["a", f"tag{n % 11}"],
            "released": f"2026-01-{n % 28 + 1:02}",
        }
        for n in range(600)
    ]
    history.commit(
        "2026-01-02T02:00:00Z", {"data/hub/latest.json": snapshot("2026-01-02 02:00:00", *records)}
    )
    build(Choice(history.folder, {}).each(), folder / "site", Settings(static_records=10))
    return (folder / "site" / "hub" / "catalogue.html").as_uri()


@pytest.fixture
def seen(browser: Browser, address: str) -> Iterator[Watched]:
    with watched(browser) as found:
        found.page.goto(address)
        ready(found.page)
        yield found
        assert (found.troubles, found.strangers) == ([], [])


def ready(page: Page) -> None:
    page.locator("#facets fieldset").first.wait_for(state="attached")


def keys(page: Page) -> list[str]:
    return page.locator("#records tbody th a:not(.hub)").all_inner_texts()


def test_the_script_takes_over_what_the_page_shows(browser: Browser, address: str) -> None:
    with watched(browser, script=False) as static:
        static.page.goto(address)
        before = static.page.locator("#records tbody").inner_text()
    with watched(browser) as drawn:
        drawn.page.goto(address)
        ready(drawn.page)
        assert drawn.page.locator("#records tbody").inner_text() == before
        assert len(keys(drawn.page)) == 50


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_moves_while_the_page_loads(browser: Browser, address: str, width: int) -> None:
    watch = """window.shift = 0; new PerformanceObserver((list) => {
        for (const each of list.getEntries()) window.shift += each.value;
    }).observe({type: "layout-shift", buffered: true});"""
    with watched(browser, width=width) as found:
        found.page.add_init_script(watch)
        found.page.goto(address)
        ready(found.page)
        found.page.wait_for_timeout(200)
        assert found.page.evaluate("window.shift") < 0.01


def test_words_are_found_in_every_column_that_is_shown(seen: Watched) -> None:
    words = seen.page.locator("#words")
    words.fill("ORG3 model-59")
    assert sorted(keys(seen.page)) == ["org3/model-591", "org3/model-598"]
    words.fill("model-005 中文")
    assert keys(seen.page) == ["org5/model-005"]
    words.fill("apache image")
    assert seen.page.locator("#count").inner_text() == "100 of 600 models"


def test_columns_are_sorted_as_numbers_and_as_texts(seen: Watched) -> None:
    head = seen.page.locator("#records thead")
    assert head.locator("[aria-sort=descending]").inner_text() == "downloads"
    head.get_by_role("button", name="downloads").click()
    downloads = seen.page.locator("#records tbody tr").first.inner_text()
    assert "org0/model-000" in downloads
    head.get_by_role("button", name="id").click()
    assert keys(seen.page)[:2] == ["org0/model-000", "org0/model-007"]
    head.get_by_role("button", name="id").click()
    assert keys(seen.page)[0] == "org6/model-594"


def test_facets_count_what_the_other_filters_let_through(seen: Watched) -> None:
    page = seen.page
    page.get_by_role("checkbox", name="mit").click()
    assert page.locator("#count").inner_text() == "200 of 600 models"
    category = page.locator("#facets fieldset", has_text="category")
    assert category.locator(".count").all_inner_texts() == ["100", "100"]
    page.get_by_role("checkbox", name="image").click()
    terms = page.locator("#facets fieldset", has_text="license")
    assert terms.locator(".count").all_inner_texts() == ["100", "100", "100"]
    assert page.locator("#count").inner_text() == "100 of 600 models"
    assert page.evaluate("document.activeElement.dataset.facet") == "category=image"


def test_the_address_holds_the_view(seen: Watched, browser: Browser) -> None:
    page = seen.page
    page.locator("#words").fill("model-1")
    page.get_by_role("checkbox", name="other").click()
    page.locator("#records thead").get_by_role("button", name="id").click()
    page.locator("#columns summary").click()
    page.locator("#columns").get_by_label("description").check()
    page.locator("#records thead").get_by_role("button", name="description").wait_for()
    shown = page.locator("#records").inner_text()
    with watched(browser) as other:
        other.page.goto(page.url)
        ready(other.page)
        assert other.page.locator("#records").inner_text() == shown
        assert other.page.locator("#words").input_value() == "model-1"


def test_an_empty_answer_can_be_cleared(seen: Watched) -> None:
    page = seen.page
    page.locator("#words").fill("no such thing")
    assert page.get_by_text("No model is like that.").is_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    assert page.locator("#count").inner_text() == "600 models"
    assert page.evaluate("document.activeElement.id") == "words"
    assert page.evaluate("location.hash") == ""


def test_it_is_used_with_the_keyboard_alone(seen: Watched) -> None:
    page = seen.page
    page.keyboard.press("/")
    page.keyboard.type("model-00")
    assert page.locator("#count").inner_text() == "10 of 600 models"
    assert page.locator("#words").input_value() == "model-00"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")


def test_more_rows_come_on_request(seen: Watched) -> None:
    more = seen.page.locator("#more")
    assert more.inner_text() == "Show 200 more of 550"
    more.click()
    assert len(keys(seen.page)) == 250
    assert "model-" in seen.page.evaluate("document.activeElement.textContent")


def test_rows_lead_to_the_record_and_to_the_hub(seen: Watched) -> None:
    row = seen.page.locator("#records tbody tr").first
    key = keys(seen.page)[0]
    assert row.locator("a.hub").get_attribute("href") == f"https://huggingface.co/{key}"
    row.locator("a").first.click()
    seen.page.get_by_role("heading", name=key).wait_for()
    seen.page.get_by_text("Its page on the hub").wait_for()


def test_a_search_of_a_page_that_is_still_loading_is_answered(
    browser: Browser, address: str
) -> None:
    with watched(browser, script=True) as found:
        found.page.goto(address, wait_until="commit")
        found.page.locator("#words").fill("model-599")
        found.page.get_by_text("1 of 600 models").wait_for()
