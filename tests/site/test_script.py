from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from support.browser import Watched, watched
from support.git import new_repository
from support.handmade import CATALOGUE, COMPARE, RECORD, HandMade, field
from support.histories import History
from support.hostile_texts import TEXTS
from support.random_archives import POLICIES, Past

from archiver.changes.lifecycle import Tombstone
from archiver.history import queries
from archiver.history.choice import Choice
from archiver.site import data
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from archiver.history.catalogue import Catalogue


@pytest.fixture
def made(tmp_path: Path) -> HandMade:
    return HandMade(tmp_path / "site")


@pytest.fixture
def seen(browser: Browser) -> Iterator[Watched]:
    """A page that must do without errors, and without requests to other origins."""
    with watched(browser) as found:
        yield found
        assert (found.troubles, found.strangers) == ([], [])


@pytest.fixture
def page(seen: Watched) -> Page:
    return seen.page


@pytest.fixture
def careless(browser: Browser) -> Iterator[Page]:
    """A page on which something fails on purpose."""
    with watched(browser) as found:
        yield found.page


MODELS = [
    ("a/Llama-Base", "mit", "text", 5, 1_500_000),
    ("b/llama-chat", "apache-2.0", "text", 12_000, None),
    ("c/qwen", "mit", "image", None, 999),
    ("d/qwen-chat", "gpl", "text", 40, 2_000_000_000),
]


def models(made: HandMade) -> str:
    """Write a catalogue of four models; return the address of its page."""
    keys, terms, tasks, downloads, sizes = (list(each) for each in zip(*MODELS, strict=True))
    distinct = sorted(set(terms))
    return made.catalogue(
        keys,
        {
            "license": (
                field("license", facet=True),
                {"d": distinct, "i": [distinct.index(each) for each in terms]},
            ),
            "task": (field("task", facet=True), tasks),
            "downloads": (field("downloads", "number", metric=True), downloads),
            "size": (field("size", "number", shown=False), sizes),
        },
    )


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#records thead button")


def keys(page: Page) -> list[str]:
    return page.locator("#records tbody th a:first-child").all_inner_texts()


def facet(page: Page, name: str) -> list[str]:
    """Return the choices of a facet, each with its number."""
    lines = page.locator(f"fieldset[data-field={name}] label")
    return [" ".join(text.split()) for text in lines.all_inner_texts()]


def searched(page: Page, words: str) -> list[str]:
    page.fill("#words", words)
    return keys(page)


def lately(page: Page, fragment: str) -> None:
    """Wait until the address ends like this: it is written when typing pauses."""
    page.wait_for_function("hash => location.hash === hash", arg=fragment)


# The catalogue


def test_all_words_must_occur_somewhere_in_a_row_whatever_their_case(
    made: HandMade, page: Page
) -> None:
    opened(page, models(made))
    assert searched(page, "LLAMA") == ["b/llama-chat", "a/Llama-Base"]
    assert searched(page, "chat llama") == ["b/llama-chat"]
    assert searched(page, "qwen mit") == ["c/qwen"], "a column that is shown is searched, too"
    assert searched(page, "  ") == ["b/llama-chat", "d/qwen-chat", "a/Llama-Base", "c/qwen"]
    assert page.inner_text("#count") == "4 models"


def test_a_word_that_was_found_once_is_found_again_among_others(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    for words, found in (("q", 2), ("qw", 2), ("qw ch", 1), ("w ch", 1), ("ch", 2), ("", 4)):
        assert len(searched(page, words)) == found, words


def test_a_header_sorts_by_its_column_with_absent_values_last(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    head = page.locator("#records thead button[data-column=downloads]")
    order = page.locator("#records thead th[aria-sort]:not([aria-sort=none])")
    assert keys(page) == ["b/llama-chat", "d/qwen-chat", "a/Llama-Base", "c/qwen"]
    assert order.get_attribute("aria-sort") == "descending"
    head.click()
    assert keys(page) == ["a/Llama-Base", "d/qwen-chat", "b/llama-chat", "c/qwen"]
    assert order.get_attribute("aria-sort") == "ascending"
    page.click("#records thead button[data-column=license]")
    assert keys(page) == ["b/llama-chat", "d/qwen-chat", "a/Llama-Base", "c/qwen"]
    page.click("#records thead button[data-column='@key']")
    page.click("#records thead button[data-column='@key']")
    assert keys(page) == ["d/qwen-chat", "c/qwen", "b/llama-chat", "a/Llama-Base"]
    assert page.evaluate("document.activeElement.dataset.column") == "@key", "focus stays"


def test_numbers_are_written_as_quantities_and_sizes(made: HandMade, page: Page) -> None:
    opened(page, models(made) + "#columns=downloads,size")
    rows = page.locator("#records tbody tr")
    cells = [rows.nth(place).locator("td").all_inner_texts() for place in range(4)]
    assert cells == [["12,000", ""], ["40", "2 GB"], ["5", "1.5 MB"], ["", "999 B"]]
    align = "getComputedStyle(document.querySelector('tbody td.number')).textAlign"
    assert page.evaluate(align) == "right"


def test_the_numbers_of_a_facet_follow_the_other_filters(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    assert facet(page, "license") == ["mit 2", "apache-2.0 1", "gpl 1"]
    page.check("[data-field=task] label:has-text('text') input")
    assert facet(page, "license") == ["apache-2.0 1", "gpl 1", "mit 1"]
    assert facet(page, "task") == ["text 3", "image 1"], "its own choice does not narrow it"
    page.check("[data-field=license] label:has-text('gpl') input")
    page.check("[data-field=license] label:has-text('mit') input")
    assert keys(page) == ["d/qwen-chat", "a/Llama-Base"], "values of one facet are alternatives"
    focused = "document.activeElement.closest('label').textContent"
    assert page.evaluate(focused).startswith("mit"), "focus stays"


def test_a_facet_shows_eight_values_and_the_rest_when_asked(made: HandMade, page: Page) -> None:
    names = [f"k{n:02}" for n in range(20)]
    opened(page, made.catalogue(names, {"kind": (field("kind", facet=True), names)}))
    assert len(facet(page, "kind")) == 8
    page.click("[data-field=kind] button:has-text('12 more')")
    assert len(facet(page, "kind")) == 20


def test_a_column_of_numbers_has_a_least_value(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    page.fill("#least label:has-text('downloads') input", "40")
    assert keys(page) == ["b/llama-chat", "d/qwen-chat"]
    lately(page, "#min.downloads=40")


def test_a_copied_address_shows_the_same_view(made: HandMade, page: Page, browser: Browser) -> None:
    address = models(made)
    opened(page, address)
    page.fill("#words", "qwen a&b=c")
    page.fill("#words", "l")
    page.check("[data-field=license] label:has-text('mit') input")
    page.click("#columns summary")
    page.check("#columns label:has-text('size') input")
    page.uncheck("#columns label:has-text('task') input")
    page.click("#records thead button[data-column=size]")
    page.click("#records thead button[data-column=size]")
    lately(page, "#q=l&sort=size&columns=license%2Cdownloads%2Csize&is.license=mit")
    copied, rows = page.url, page.inner_text("#records")
    with watched(browser) as other:
        opened(other.page, copied)
        assert other.page.inner_text("#records") == rows
        assert other.page.input_value("#words") == "l"
    page.evaluate("location.hash = 'q=qwen'")
    page.wait_for_function("document.getElementById('words').value === 'qwen'")
    assert keys(page) == ["d/qwen-chat", "c/qwen"], "an address that is pasted is answered, too"


def test_an_address_that_nobody_wrote_does_no_harm(made: HandMade, page: Page) -> None:
    opened(page, models(made) + "#sort=-nothing&columns=%25,license&is.license=x&min.size=y&q=%")
    assert keys(page) == []
    page.click("#empty button")
    assert len(keys(page)) == 4


def test_only_columns_that_are_needed_are_loaded(made: HandMade, seen: Watched) -> None:
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    opened(seen.page, models(made))
    assert not [each for each in asked if "columns/3.js" in each]
    seen.page.click("#columns summary")
    seen.page.check("#columns label:has-text('size') input")
    seen.page.wait_for_selector("[data-column=size]")
    assert len([each for each in asked if "columns/3.js?v=0" in each]) == 1


def test_nothing_found_says_so_and_can_be_cleared(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    assert searched(page, "nothing like that") == []
    assert page.inner_text("#count") == "0 of 4 models"
    page.click("#empty button")
    assert len(keys(page)) == 4
    assert page.evaluate("document.activeElement.id") == "words"


def test_a_slash_goes_to_the_search_but_not_from_a_field(made: HandMade, page: Page) -> None:
    opened(page, models(made))
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "words"
    page.keyboard.type("a/b")
    assert page.input_value("#words") == "a/b"


def test_more_rows_come_when_asked_and_focus_goes_to_the_first_of_them(
    made: HandMade, page: Page
) -> None:
    opened(page, made.catalogue([f"k{n:03}" for n in range(300)], {}))
    assert len(keys(page)) == 50
    page.click("#more")
    assert len(keys(page)) == 250
    assert page.evaluate("document.activeElement.textContent") == "k050"
    searched(page, "k00")
    assert len(keys(page)) == 10
    assert page.is_hidden("#more")


def test_rows_lead_to_the_record_and_to_the_hub(made: HandMade, page: Page) -> None:
    opened(page, made.catalogue(["a b/ü?#"], {}))
    links = page.locator("#records tbody a")
    ends = [links.nth(place).get_attribute("href") for place in range(2)]
    assert ends == [
        "../hub/record.html#a%20b%2F%C3%BC%3F%23",
        "https://hub.example/a%20b/%C3%BC%3F%23",
    ]


def test_an_address_that_is_none_of_the_web_is_no_link(made: HandMade, page: Page) -> None:
    address = made.catalogue(["a", "b"], {}, link=None, links=True)
    made.data("columns/link", ["javascript:alert(1)", None])
    opened(page, address)
    assert page.locator("a.hub[href]").count() == 0
    assert page.locator("a.hub:visible").count() == 0


def test_hostile_texts_are_texts(made: HandMade, page: Page) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    texts = [*TEXTS.values(), "__proto__", "constructor", "<img src=x onerror=alert(1)>"]
    names = sorted({each for each in texts if each.isprintable() or "\ud83d" in each})
    opened(
        page,
        made.catalogue(
            names, {"text": (field("text"), names), "f": (field("f", facet=True), names)}
        ),
    )
    assert page.inner_text("#count") == f"{len(names)} models"
    for words in ("<img", "constructor", "alert(1)"):
        assert searched(page, words), words
    assert dialogs == []
    assert page.locator("main img, main script").count() == 0


def test_typing_while_a_column_is_on_its_way_is_answered_when_it_is_here(
    made: HandMade, page: Page
) -> None:
    held: list[Any] = []
    page.route("**/columns/3.js*", lambda route: held.append(route))  # noqa: PLW0108
    opened(page, models(made))
    page.click("#columns summary")
    with page.expect_request("**/columns/3.js*"):
        page.check("#columns label:has-text('size') input")
    page.fill("#words", "qwen")
    held[0].continue_()
    page.wait_for_selector("[data-column=size]")
    assert keys(page) == ["d/qwen-chat", "c/qwen"]


def test_the_page_of_the_catalogue_does_not_move_when_its_script_takes_over(
    browser: Browser, repo: Path, tmp_path: Path
) -> None:
    history = History(repo)
    history.configure(metrics=("n",))
    names = {f"model-{number:03}-{'x' * (number % 30)}": number * 7_919 for number in range(120)}
    history.capture("2026-03-01T02:00:00Z", "hub: a capture", **names)
    build(Choice(repo, {}).each(), tmp_path / "built", Settings())
    address = (tmp_path / "built" / "hub" / "catalogue.html").as_uri()
    with watched(browser, script=False) as still, watched(browser) as seen:
        still.page.goto(address)
        seen.page.add_init_script(SHIFTS)
        opened(seen.page, address)
        seen.page.wait_for_timeout(100)
        assert seen.page.evaluate("shifts") == []
        rows = "#records tbody"
        assert seen.page.inner_text(rows) == still.page.inner_text(rows)
        assert seen.troubles == []


SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => shifts.push(...list.getEntries().map((each) => each.value)))
  .observe({ type: "layout-shift", buffered: true });"""


# Loading


def test_data_that_cannot_be_loaded_are_told_and_can_be_tried_again(
    made: HandMade, careless: Page
) -> None:
    address = models(made)
    column = made.folder / "hub" / "data" / "columns" / "2.js"
    content = column.read_text()
    column.unlink()
    careless.goto(address)
    careless.wait_for_selector("[role=alert]")
    column.write_text(content[: len(content) // 2])
    careless.click("[role=alert] button")
    careless.wait_for_selector("[role=alert]")
    assert careless.locator("[role=alert]").count() == 1
    column.write_text(content)
    careless.click("[role=alert] button")
    careless.wait_for_selector("#records thead button")
    assert careless.locator("[role=alert]").count() == 0
    assert len(keys(careless)) == 4


def test_a_file_that_is_cut_off_is_told_as_one_that_is_missing(
    made: HandMade, careless: Page
) -> None:
    address = models(made)
    made.data("columns/key", []).write_text("// empty\n")
    careless.goto(address)
    careless.wait_for_selector("[role=alert]")


def test_the_page_says_that_it_loads_only_where_that_takes_a_while(
    made: HandMade, page: Page
) -> None:
    address = models(made)
    page.add_init_script("""
      window.notes = [];
      new MutationObserver(() => {
        const busy = document.querySelector("[aria-busy=true]");
        if (busy && busy.textContent.includes("Loading")) window.notes.push(performance.now());
      }).observe(document, { childList: true, subtree: true });
    """)
    opened(page, address)
    assert page.evaluate("window.notes.length") == 0
    held: list[Any] = []
    page.route("**/columns/key.js*", lambda route: held.append(route))  # noqa: PLW0108
    page.reload(wait_until="commit")
    page.wait_for_selector("text=Loading …")
    held[0].continue_()
    page.wait_for_selector("#records thead button")
    assert page.locator("text=Loading …").count() == 0
    assert page.evaluate("window.notes[0]") > 200
    assert page.locator("[aria-busy]").count() == 0


# A record

LIFE = {
    "record": {"license": "gpl", "tags": ["x", "y"], "text": "one two"},
    "since": 1,
    "gone": None,
    "label": "The Model",
    "events": [
        [2, "updated", [["license", ["mit"], ["apache-2.0"]], ["author", ["ann"], []]]],
        [3, "removed", "deleted or private", {"license": "apache-2.0", "text": "one two"}],
        [5, "returned"],
        [6, "updated", [["license", ["apache-2.0"], ["gpl"]]]],
    ],
}
ERAS = [
    {"from": 1, "to": 4, "buckets": 1, "name": "old"},
    {"from": 5, "to": 6, "buckets": 1, "name": "5"},
]


def record(made: HandMade, lives: dict[str, Any], captures: int = 6) -> str:
    """Write lives, and the page that draws them; return its address."""
    made.index(captures, eras=ERAS, metrics=["downloads"])
    made.lives(lives)
    made.data("values/old/0", {"a/b": {"0": [1, 10, 2, 1_500, 3, None]}})
    made.data("values/5/0", {"a/b": {"0": [5, 2_000, 6, 2_500]}})
    return made.page("record.html", "record", RECORD) + "#"


def drawn(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#timeline")


def facts(page: Page, place: str = "section[aria-labelledby=state]") -> dict[str, str]:
    """Return what a page says of a record."""
    names = page.locator(f"{place} dl.facts dt").all_inner_texts()
    return dict(zip(names, page.locator(f"{place} dl.facts dd").all_inner_texts(), strict=True))


def test_a_record_is_drawn_from_the_address(made: HandMade, page: Page) -> None:
    drawn(page, record(made, {"a/b": LIFE}) + "a%2Fb")
    assert page.inner_text("h1") == "The Model (a/b)"
    assert page.title() == "The Model (a/b) · hub"
    assert "first seen 2026-03-01 02:00 UTC" in page.inner_text(".lead")
    assert page.get_attribute(".lead a", "href") == "https://hub.example/a/b"
    assert facts(page) == {
        "license": "gpl",
        "tags": "x, y",
        "text": "one two",
        "downloads": "2,500",
    }
    lines = [" ".join(each.split()) for each in page.locator(".timeline > li").all_inner_texts()]
    assert lines == [
        "2026-03-06 02:00 updated license apache-2.0 → gpl",
        "2026-03-05 02:00 returned",
        "2026-03-03 02:00 removed (deleted or private)",
        "2026-03-02 02:00 updated license mit → apache-2.0 author ann → (unset)",
        "2026-03-01 02:00 first seen",
    ]
    dates = page.locator(".timeline a.when")
    assert dates.nth(0).get_attribute("href") == "../hub/captures/20260306_020000.html"
    assert page.locator(".timeline del").first.inner_text() == "apache-2.0"


def test_a_record_that_is_gone_says_what_happened_and_when(made: HandMade, page: Page) -> None:
    life = {**LIFE, "gone": "removed", "events": LIFE["events"][:2]}  # type: ignore[index]
    drawn(page, record(made, {"a/b": life}) + "a%2Fb")
    assert "Removed on 2026-03-03 02:00 UTC (deleted or private)" in page.inner_text(".lead")
    assert page.locator(".lead a").count() == 0, "its page on the hub is gone, too"


@pytest.mark.parametrize(
    ("capture", "state"),
    [
        (1, {"license": "mit", "text": "one two", "author": "ann", "downloads": "10"}),
        (2, {"license": "apache-2.0", "text": "one two", "downloads": "1,500"}),
        (3, None),
        (4, None),
        (5, {"license": "apache-2.0", "tags": "x, y", "text": "one two", "downloads": "2,000"}),
    ],
)
@pytest.mark.parametrize("static", [False, True])
def test_a_record_is_shown_as_it_was_at_any_capture(
    made: HandMade, page: Page, capture: int, state: dict[str, str] | None, *, static: bool
) -> None:
    address = record(made, {"a/b": LIFE}) + "a%2Fb"
    if static:
        main = '<h1>a/b</h1><div id="as-of" class="pending"></div>'
        address = made.page("records/ab/abc.html", "record", main, key="a/b")
    page.goto(address)
    page.select_option("#as-of-capture", str(capture))
    place = page.locator("section[aria-label='As it was']")
    place.get_by_role("heading", name=f"As of 2026-03-{capture:02} 02:00 UTC").wait_for()
    if state is None:
        assert "It was not in the catalogue" in place.inner_text()
    else:
        assert facts(page, "section[aria-label='As it was']") == state
    page.select_option("#as-of-capture", "")
    assert place.get_by_role("heading").count() == 0


def test_values_of_the_newest_era_come_first_and_earlier_ones_when_asked(
    made: HandMade, seen: Watched
) -> None:
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    drawn(seen.page, record(made, {"a/b": LIFE}) + "a%2Fb")
    caption = seen.page.locator("figcaption")
    assert caption.inner_text() == "downloads: from 2,000 to 2,500; at least 2,000, at most 2,500"
    assert not [each for each in asked if "values/old" in each]
    seen.page.click("text=Show earlier values")
    seen.page.wait_for_selector("figcaption:has-text('from 10 to 2,500')")
    assert seen.page.locator("text=Show earlier values").count() == 0
    path = seen.page.get_attribute("path.chart-line", "d") or ""
    assert path.count("M") == 2, "the line has a gap where there was no value"


def test_a_long_text_is_cut_around_the_difference_and_can_be_read_in_full(
    made: HandMade, page: Page
) -> None:
    same = "the same beginning of a text, " * 4
    shift = ["text", [same + "old end"], [same + "new end"]]
    life = {**LIFE, "events": [[2, "updated", [shift]]]}
    drawn(page, record(made, {"a/b": life}) + "a%2Fb")
    short = page.locator(".shifts > dd > ins").inner_text()
    assert short.startswith("…")
    assert short.endswith("new end")
    page.click("text=In full")
    assert page.locator("details ins").inner_text() == same + "new end"


@pytest.mark.parametrize("key", ["nobody/here", "constructor", "toString", "%", "a%00b", ""])
def test_an_unknown_record_is_told_and_can_be_searched(
    made: HandMade, page: Page, key: str
) -> None:
    page.goto(record(made, {"a/b": LIFE}) + key)
    link = page.locator("#record a:has-text('search the catalogue')")
    link.wait_for()
    assert "There was never such a model" in page.inner_text("#record")
    assert (link.get_attribute("href") or "").startswith("../hub/catalogue.html#q=")


def test_another_address_draws_another_record_and_a_late_one_draws_nothing(
    made: HandMade, page: Page
) -> None:
    address = record(made, {})
    made.index(6, buckets=2)
    lives = {key: {**LIFE, "label": f"This is {key}"} for key in "abcdefgh"}
    made.lives(lives, buckets=2)
    quick, also_quick, *_ = (key for key in lives if crc32(key.encode()) & 1)
    slow = next(key for key in lives if not crc32(key.encode()) & 1)
    held: list[Any] = []
    page.route("**/records/0.js*", lambda route: held.append(route))  # noqa: PLW0108
    drawn(page, address + quick)
    with page.expect_request("**/records/0.js*"):
        page.evaluate("key => { location.hash = key }", slow)
    page.evaluate("key => { location.hash = key }", also_quick)
    page.wait_for_selector(f"h1:has-text('This is {also_quick}')")
    held[0].continue_()
    page.wait_for_function("() => !document.querySelector('[aria-busy]')")
    assert page.inner_text("h1").startswith(f"This is {also_quick}")


def test_a_chart_of_years_names_them(made: HandMade, page: Page) -> None:
    address = record(made, {"a/b": LIFE})
    moments = ["2023-11-01", "2024-06-01", "2025-06-01", "2026-03-01", "2027-01-01", "2027-02-01"]
    text = (made.folder / "hub" / "data" / "index.js").read_text()
    for day, moment in enumerate(moments, 1):
        text = text.replace(f"2026-03-{day:02} 02:00:00", f"{moment} 02:00:00 ")
    (made.folder / "hub" / "data" / "index.js").write_text(text.replace("02:00:00 ", "02:00:00"))
    drawn(page, address + "a%2Fb")
    page.click("text=Show earlier values")
    page.wait_for_selector("figcaption:has-text('from 10')")
    assert page.locator(".axis span:visible").all_inner_texts() == [
        "2023-11-01",
        "2025",
        "2026",
        "2027-02-01",
    ]
    assert page.locator("path.chart-year").count() == 4


@pytest.mark.parametrize("kind", ["record", "catalogue"])
def test_going_to_the_content_leaves_the_view_in_the_address(
    made: HandMade, page: Page, kind: str
) -> None:
    skip = '<a class="skip" href="#main">Skip to the content</a>'
    if kind == "record":
        address = record(made, {"a/b": LIFE}) + "a%2Fb"
        made.page("record.html", "record", skip + RECORD)
        drawn(page, address)
    else:
        address = models(made) + "#q=qwen"
        made.page("catalogue.html", "catalogue", skip + CATALOGUE)
        opened(page, address)
    page.focus("a.skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url == address


# Captures, compared

RULES = {
    "came and went": ([["k", "new"]], [["k", "removed", ""]], []),
    "went and came": ([["k", "removed", "x"]], [["k", "returned"]], [("updated", "k")]),
    "first of two appearances": (
        [["k", "new"]],
        [["k", "removed", ""]],
        [["k", "returned"]],
        [("new", "k")],
    ),
    "last of two causes": (
        [["k", "removed", "a"]],
        [["k", "returned"]],
        [["k", "removed", "b"]],
        [("removed", "k", "b")],
    ),
    "left": ([["k", "left", ""]], [("left", "k", "")]),
    "entered": ([["k", "entered"]], [("entered", "k")]),
    "renamed twice": (
        [["a", "renamed", "b"]],
        [["b", "renamed", "c"]],
        [("new", "c"), ("removed", "a", "renamed to b")],
    ),
    "new, then renamed": ([["a", "new"]], [["a", "renamed", "b"]], [("new", "b")]),
    "renamed, then removed": (
        [["a", "renamed", "b"]],
        [["b", "removed", "x"]],
        [("removed", "a", "renamed to b")],
    ),
    "renamed, and the old key is there again": (
        [["a", "renamed", "b"]],
        [["a", "returned"]],
        [("updated", "a"), ("new", "b")],
    ),
    "new, then renamed, and the old key is there again": (
        [["a", "new"]],
        [["a", "renamed", "b"]],
        [["a", "returned"]],
        [("new", "a"), ("new", "b")],
    ),
    "renamed and back": (
        [["a", "renamed", "b"]],
        [["b", "renamed", "a"]],
        [("updated", "a")],
    ),
    "updated and renamed": (
        [["a", "updated", [["f", [1], [2]]]]],
        [["a", "renamed", "b"]],
        [("renamed", "b", "a")],
    ),
    "a key as any other": ([["__proto__", "new"]], [("new", "__proto__")]),
}


def told(change: dict[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a change."""
    more = [change[name] for name in ("cause", "old") if name in change]
    return (change["kind"], change["key"], *more)


@pytest.mark.parametrize("rule", RULES)
def test_changes_of_several_captures_are_summed_up(made: HandMade, page: Page, rule: str) -> None:
    *captures, expected = RULES[rule]
    page.goto(made.page("404.html", "missing", ""))
    assert sorted(told(each) for each in page.evaluate("fold", captures)) == sorted(expected)


def test_updates_are_summed_up_field_by_field(made: HandMade, page: Page) -> None:
    page.goto(made.page("404.html", "missing", ""))
    captures = [
        [["k", "updated", [["a", [1], [2]], ["b", [], ["x"]], ["c", [{"n": 1}], [{"n": 2}]]]]],
        [["k", "updated", [["a", [2], [3]], ["b", ["x"], []], ["d", [None], []]]]],
    ]
    assert page.evaluate("fold", captures) == [
        {
            "key": "k",
            "kind": "updated",
            "shifts": [["a", [1], [3]], ["c", [{"n": 1}], [{"n": 2}]], ["d", [None], []]],
        }
    ]


def compared(made: HandMade, changes: list[list[Any]]) -> str:
    """Write captures and what each changed; return the address of the page that compares them."""
    made.index(len(changes))
    for number, each in enumerate(changes, 1):
        made.data(f"changes/{number}", each)
    made.lives({})
    return made.page("compare.html", "compare", COMPARE)


def test_any_two_captures_are_compared_and_the_address_names_them(
    made: HandMade, page: Page
) -> None:
    license_ = [["k", "updated", [["license", ["mit"], ["gpl"]]]]]
    page.goto(compared(made, [[], [["a", "removed", "why"], ["n", "new"]], license_]))
    page.wait_for_selector("#net-updated")
    assert page.input_value("#from") == "20260302_020000", "the last two, unless others are named"
    assert page.locator("#result section").count() == 1
    page.select_option("#from", "20260301_020000")
    page.wait_for_selector("#net-removed")
    heads = page.locator("#result h2").all_inner_texts()
    assert heads == ["Removed (1)", "New (1)", "Updated (1)"], "what matters most comes first"
    assert "a (why)" in page.inner_text("#result")
    assert page.url.endswith("#from=20260301_020000&to=20260303_020000")
    page.click("#swap")
    page.wait_for_selector("del:has-text('gpl')")
    assert page.locator("#net-removed + ul").inner_text() == "n"
    assert page.locator("#net-new + ul").inner_text() == "a"
    page.reload()
    page.wait_for_selector("#net-new")
    assert page.input_value("#from") == "20260303_020000"


def test_captures_that_changed_nothing_are_not_loaded(made: HandMade, seen: Watched) -> None:
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    address = compared(made, [[], [], [["n", "new"]]])
    text = (made.folder / "hub" / "data" / "index.js").read_text()
    some, none = "[null, null, null]", "[null, 0, 1]"
    (made.folder / "hub" / "data" / "index.js").write_text(text.replace(some, none))
    seen.page.goto(address + "#from=20260301_020000&to=20260303_020000")
    seen.page.wait_for_selector("#net-new")
    assert [each.rpartition("/")[2] for each in asked if "/changes/" in each] == ["3.js?v=0"]


def test_long_lists_show_200_and_the_rest_when_asked(made: HandMade, page: Page) -> None:
    page.goto(compared(made, [[], [[f"k{n:03}", "new"] for n in range(205)]]))
    page.wait_for_selector("#net-new")
    assert page.locator("#result li").count() == 200
    page.click("button:has-text('Show 5 more')")
    assert page.locator("#result li").count() == 205


def test_the_page_of_a_capture_shows_all_of_a_list_that_was_cut(made: HandMade, page: Page) -> None:
    compared(made, [[["a", "new"], ["b", "updated", [["f", [1], [2]]]], ["c", "new"]]])
    main = """<section><ul id="list-new"><li>a</li></ul><p>… and 1 more <button type="button"
    class="all-changes" data-capture="1" data-kind="new" hidden>Show all</button></p></section>"""
    page.goto(made.page("captures/20260301_020000.html", "capture", main))
    page.click("button.all-changes")
    page.wait_for_selector("#list-new li:nth-child(2)")
    assert page.locator("#list-new li").all_inner_texts() == ["a", "c"]
    links = page.locator("#list-new a")
    assert links.first.get_attribute("href") == "../../hub/record.html#a"
    assert page.locator("button.all-changes").count() == 0


# Times


@pytest.mark.parametrize(
    ("now", "words", "late"),
    [
        ("2026-03-01T02:20:00Z", "That was 20 minutes ago.", False),
        ("2026-03-01T05:00:00Z", "That was 3 hours ago.", False),
        ("2026-03-04T01:00:00Z", "That was 3 days ago.", False),
        ("2026-03-09T02:00:00Z", "Late: that was 8 days ago.", True),
    ],
)
def test_the_overview_says_how_old_the_newest_capture_is(
    made: HandMade, page: Page, now: str, words: str, *, late: bool
) -> None:
    main = """<p id="health" data-captured="2026-03-01T02:00:00Z" data-usual-hours="24"></p>
    <p id="ago"></p><time class="ago" datetime="2026-03-01T02:00:00Z">2026-03-01</time>"""
    page.clock.set_fixed_time(now)
    page.goto(made.page("index.html", "overview", main))
    assert page.inner_text("#ago") == words
    assert page.locator("#ago .late").count() == late
    assert (page.get_attribute("time.ago", "title") or "x") in words


# Held against what git holds


class Told(Past):
    """A past in which every record that went has a tombstone, and takes a name that was free."""

    def _remove(self, key: str) -> None:
        record = self._records.pop(key)
        now = f"new/{len(self.keys | self._records.keys())}" if self._chance.random() < 0.4 else ""
        if now:
            self._records[now] = dict(record)
        taken = self._stamp(" ")
        self._stones[key] = Tombstone(key, taken, taken, "" if now else "gone", now)

    def _capture(self, *, window: bool) -> None:  # noqa: ARG002  whoever shows a part says "entered"
        super()._capture(window=False)


@pytest.fixture(params=range(4))
def past(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Catalogue, str]:
    """A random history, and the address of its site."""
    chance = random.Random(request.param)
    found = Told(new_repository(tmp_path / "repo"), chance, POLICIES[request.param % 3])
    monkeypatch.setattr(data, "ERA", 4)
    for _ in range(11):
        found.step()
    (catalogue,) = Choice(found.folder, {}).each()
    build([catalogue], tmp_path / "built", Settings(static_records=0))
    return catalogue, (tmp_path / "built" / "hub" / "compare.html").as_uri()


def readable(page: Page, address: str) -> list[tuple[int, str]]:
    """Open the page of comparisons; return number and revision of the captures with a catalogue."""
    page.goto(address)
    page.wait_for_selector("#ends:not([hidden])")
    captures = page.evaluate("loadIndex().then(index => index.captures)")
    rows = zip(captures["revision"], captures["total"], strict=True)
    return [(n, revision) for n, (revision, total) in enumerate(rows, 1) if total is not None]


def by_git(catalogue: Catalogue, old: str, new: str) -> set[tuple[Any, ...]]:
    """Return what `archiver compare` says, without metrics."""
    with queries.compare(catalogue, old, new, now=datetime(2027, 1, 1, tzinfo=UTC)) as found:
        return {
            (each.kind, each.key, each.old_key) if each.kind == "renamed" else (each.kind, each.key)
            for each in found.changes()
            if each.kind != "metrics"
        }


def test_comparing_in_the_browser_agrees_with_archiver_compare(
    past: tuple[Catalogue, str], page: Page
) -> None:
    catalogue, address = past
    captures = readable(page, address)
    between = "([from, to]) => loadIndex().then(index => between(index, from, to))"
    for old, old_revision in captures:
        for new, new_revision in captures:
            if old >= new:
                continue
            changes = page.evaluate(between, [old, new])
            ours = {
                (each["kind"], each["key"], *([each["old"]] if each["kind"] == "renamed" else []))
                for each in changes
            }
            assert len(ours) == len(changes)
            assert ours == by_git(catalogue, old_revision, new_revision), (old, new)


STATES = """keys => loadIndex().then(async index => {
  const states = {};
  for (const key of keys) {
    const life = await lifeOf(index, key);
    states[key] = life ? index.captures.page.map((_, at) => stateAt(life, at + 1)) : null;
  }
  return states;
})"""


MOVING = {"downloads", "likes", "stats", "fetched_at"}
"""Fields with a part that some policy takes for a metric, or for nothing that is told."""


def test_a_record_as_of_a_capture_is_what_git_holds_there(
    past: tuple[Catalogue, str], page: Page
) -> None:
    catalogue, address = past
    held = {number: records(catalogue, revision) for number, revision in readable(page, address)}
    ignored = MOVING if catalogue.policy.metrics else {""}
    names = sorted({key for each in held.values() for key in each})
    states = page.evaluate(STATES, names)
    for key in names:
        for number, known in held.items():
            state, truth = states[key][number - 1], known.get(key)
            assert without(state, ignored) == without(truth, ignored), (key, number)


def without(record: dict[str, Any] | None, names: set[str]) -> dict[str, Any] | None:
    return record and {name: each for name, each in record.items() if name not in names}


def records(catalogue: Catalogue, revision: str) -> dict[str, dict[str, Any]]:
    """Return the records that a commit holds, by key, with integers as scripts can have them."""
    assert catalogue.repository
    file = ["git", "show", f"{revision}:data/hub/latest.json"]
    shown = subprocess.run(file, cwd=catalogue.repository.root, capture_output=True, check=True)
    return {each["id"]: data.exact(each) for each in json.loads(shown.stdout)["models"]}
