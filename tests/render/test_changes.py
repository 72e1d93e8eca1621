"""Showing changes: nothing is left out silently, streams stream, every word is safe."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from markdown_it import MarkdownIt
from support.hostile_texts import TEXTS

from archiver.records.model import KINDS, ChangeSet, End, FieldChange, Leaf, RecordChange, Summary
from archiver.render.changes import show
from archiver.render.console import COLOURS
from archiver.render.view import ChangeStream, View
from archiver.render.wording import dotted, shifts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Show = Callable[..., str]

OURS = {"html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "p", "ul"}
OURS |= {"div", "span", "figure", "svg", "rect", "small", "footer"}
OURS |= {"li", "dl", "dt", "dd", "bdi", "del", "ins", "a", "details", "summary"}
WITHIN = {f"#{kind}" for kind in KINDS}
"""The sections of a page, to which its figures lead."""


class Links(HTMLParser):
    """Reads the tags and the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self.links.append(dict(attrs))


FORMS = ("text", "json", "jsonl", "markdown", "html", "csv", "csv-raw")
NEW = [RecordChange("new", f"m{n}", record={"id": f"m{n}"}) for n in range(30)]


def updated(key: str, old: Any, new: Any) -> RecordChange:
    return RecordChange(
        "updated", key, changes=(FieldChange("replace", "/f", metric=False, old=old, new=new),)
    )


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("text", r"^\+ m"),
        ("markdown", r"^- m\d"),
        ("html", r"<summary>"),
        ("csv", r"^new,"),
        ("csv-raw", r"^new,"),
        ("json", r'^\{"id":'),
        ("jsonl", r'^\{"kind":'),
    ],
)
def test_rendered_changes_and_n_more_are_all_changes(form: str, pattern: str, shown: Show) -> None:
    assert len(re.findall(pattern, shown(NEW, form), re.MULTILINE)) == 30
    limited = shown(NEW, form, limit=7)
    assert len(re.findall(pattern, limited, re.MULTILINE)) == 7
    assert form.startswith("csv") or re.search(r'… and 23 more|"more":23\b', limited)


def field_change(key: str, field: str, kind: Any = "updated") -> RecordChange:
    change = FieldChange("replace", f"/{field}", metric=kind == "metrics", old=1, new=2)
    return RecordChange(kind, key, changes=(change,))


BY_IMPORTANCE = [
    RecordChange("removed", "f", record={"id": "f"}),
    field_change("g", "license"),
    field_change("e", "gated"),
    field_change("a", "size"),
    RecordChange("new", "b", record={"id": "b"}),
    RecordChange("left", "c", record={"id": "c"}),
    field_change("d", "downloads", "metrics"),
]


@pytest.mark.parametrize(
    ("limit", "keys"),
    [(1, "f"), (2, "ef"), (3, "efg"), (4, "aefg"), (5, "abefg"), (6, "abcefg"), (7, "abcdefg")],
)
def test_a_limit_is_spent_on_what_matters_first(limit: int, keys: str, shown: Show) -> None:
    changes = sorted(BY_IMPORTANCE, key=lambda change: change.key)
    rows = shown(changes, "csv", limit=limit, name_only=True).splitlines()[1:]
    assert [row[-1] for row in rows] == list(keys)
    for form in ("text", "markdown"):
        page = shown(changes, form, limit=limit, name_only=True)
        assert sorted(re.findall(r"^[-+~] ([a-g])\b", page, re.MULTILINE)) == list(keys)
        left_out = map(int, re.findall(r"… and (\d) more", page))
        assert sum(left_out) == len(changes) - limit


@pytest.mark.parametrize("form", FORMS)
def test_show_returns_how_many_it_left_out(
    form: Any, streamed: Callable[..., ChangeStream]
) -> None:
    assert show(streamed(NEW), View(form=form, limit=7), io.StringIO()) == 23
    assert show(streamed(NEW), View(form=form), io.StringIO()) == 0
    assert show(streamed(NEW), View(form=form, stat=True), io.StringIO()) == 0


@pytest.mark.parametrize("form", FORMS)
def test_stat_shows_counts_and_no_record(form: str, shown: Show) -> None:
    page = shown(NEW, form, stat=True)
    assert re.search(r"\bm\d", page) is None
    assert re.search(r"\+30 new|new,30|\"new\":30", page)


@pytest.mark.parametrize("form", FORMS)
def test_name_only_shows_keys_and_no_value(form: str, shown: Show) -> None:
    page = shown([updated("org/model", "formerly", "afterwards")], form, name_only=True)
    assert "org/model" in page
    assert "formerly" not in page


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_streaming_forms_write_before_the_stream_ends(form: Any) -> None:
    out = io.StringIO()

    def changes() -> Iterator[RecordChange]:
        yield NEW[0]
        yield NEW[1]
        assert "m0" in out.getvalue()

    end = End(None, None, 2)
    stream = ChangeStream(
        source="s", old=end, current=end, changes=changes(), summary=lambda: Summary(new=2)
    )
    assert show(stream, View(form=form), out) == 0


def test_text_begins_with_what_is_breaking_and_says_so_where_no_mark_does(shown: Show) -> None:
    changes = [NEW[0], field_change("m5", "license"), field_change("m6", "size"), BY_IMPORTANCE[0]]
    lines = shown(changes, name_only=True).splitlines()
    assert lines[1:-1] == ["~ m5 (breaking)", "- f", "+ m0", "~ m6"]


def test_text_writes_what_is_breaking_before_the_stream_ends() -> None:
    out = io.StringIO()

    def changes() -> Iterator[RecordChange]:
        yield BY_IMPORTANCE[0]
        assert "- f\n" in out.getvalue()

    end = End(None, None, 1)
    stream = ChangeStream(
        source="s", old=end, current=end, changes=changes(), summary=lambda: Summary(removed=1)
    )
    show(stream, View(), out)


def test_json_is_the_public_form(shown: Show) -> None:
    changes = [
        updated("a", 1, 2),
        RecordChange("removed", "b", record={"id": "b"}, cause="gone"),
        RecordChange("new", "x/1", record={"n": 1, "x": "x"}),
        RecordChange("renamed", "d", old_key="c", record={"id": "d"}),
    ]
    document = msgspec.json.decode(shown(changes, "json"), type=ChangeSet)
    assert document["new"] == ({"@key": "x/1", "n": 1, "x": "x"},)
    assert document["removed"] == ({"id": "b", "@cause": "gone"},)
    assert [(renamed.old, renamed.new) for renamed in document["renamed"]] == [("c", "d")]
    assert document["updated"][0].changes == changes[0].changes
    assert document.summary == Summary(new=1, updated=1, removed=1, renamed=1)


def test_json_lines_end_with_the_summary(shown: Show) -> None:
    *lines, last = shown([*NEW[:2], updated("u", 1, 2)], "jsonl").splitlines()
    decoded = [msgspec.json.decode(line, type=RecordChange) for line in lines]
    assert decoded == [*NEW[:2], updated("u", 1, 2)]
    assert list(json.loads(last)) == ["schema", "source", "from", "to", "summary"]


def test_colours_are_used_only_if_given(shown: Show) -> None:
    assert "\x1b" not in shown(NEW)
    assert "\x1b[32m+ m0\x1b[0m\n" in shown(NEW, style=COLOURS)


def hostile_changes(hostile: str) -> list[RecordChange]:
    return [
        RecordChange("new", hostile, record={"id": hostile, hostile: hostile}),
        RecordChange("removed", hostile, record={"id": hostile}, cause=hostile),
        RecordChange("renamed", hostile, old_key=hostile, record={"id": hostile}),
        updated(hostile, hostile, [hostile]),
    ]


encodable = pytest.mark.parametrize(
    "hostile",
    [text for text in TEXTS.values() if text.isascii() or "\ud83d" not in text],
    ids=[name for name, text in TEXTS.items() if text.isascii() or "\ud83d" not in text],
)
"""Lone surrogates never get into a record: the reader refuses them."""


@encodable
def test_text_has_one_line_for_each_thing_whatever_it_is_called(hostile: str, shown: Show) -> None:
    page = shown(hostile_changes(hostile))
    assert len(page.splitlines()) == 7
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page) is None


@encodable
def test_markdown_has_no_markup_from_a_record(hostile: str, shown: Show) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(shown(hostile_changes(hostile), "markdown"))
    kinds = {token.type for token in tokens} | {
        child.type for token in tokens for child in token.children or []
    }
    blocks = ("heading", "paragraph", "bullet_list", "list_item")
    ours = {f"{block}_{side}" for block in blocks for side in ("open", "close")}
    assert kinds <= ours | {"inline", "text"}


@encodable
def test_csv_has_six_cells_in_every_row(hostile: str, shown: Show) -> None:
    page = io.StringIO(shown(hostile_changes(hostile), "csv"), newline="")
    assert {len(row) for row in csv.reader(page)} == {6}


@encodable
@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_page_links_to_the_hub_only(hostile: str, form: str, shown: Show) -> None:
    page = shown(hostile_changes(hostile), form, link=lambda key: f"https://hub.example/{key}")
    if form == "html":
        found = Links()
        found.feed(page)
        assert found.tags <= OURS
        away = [each for each in found.links if each["href"] not in WITHIN]
        targets = [each["href"] for each in away]
        assert all(each["rel"] == "noopener noreferrer" for each in away)
    else:
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
        children = [each for token in tokens for each in token.children or []]
        targets = [str(each.attrs["href"]) for each in children if each.type == "link_open"]
    assert len(targets) == 4
    assert all(str(each).startswith("https://hub.example/") for each in targets)


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "/x", "h" * 1001])
def test_no_page_links_elsewhere(form: str, address: str, shown: Show) -> None:
    page = shown(NEW[:1], form, link=lambda _: address)
    assert "m0" in page
    assert address not in page
    assert "href" not in page.replace('href="#new"', "")
    assert "](" not in page


def test_a_nested_change_names_its_leaves() -> None:
    change = FieldChange(
        "replace",
        "/pricing",
        metric=False,
        old={"a": 1},
        new={"a": 2, "b.c": [1]},
        detail=(Leaf("/pricing/a", 1, 2), Leaf("/pricing/b.c", new=[1])),
    )
    assert [each[:3] for each in shifts(change)] == [
        ("pricing.a", "1", "2"),
        ('pricing."b.c"', "(unset)", "[1]"),
    ]


def test_sizes_and_counters_read_like_sizes_and_counters() -> None:
    size = FieldChange("replace", "/size", metric=False, old=4_500_000_000, new="4.7GB")
    downloads = FieldChange("replace", "/downloads", metric=True, old=1200, new=1100)
    year = FieldChange("add", "/year", metric=False, new=2026)
    context = FieldChange("replace", "/context", metric=False, old=100_000, new=2_000_000)
    huge = FieldChange("replace", "/n", metric=False, old=True, new=10**400)
    found = [*shifts(size), *shifts(downloads), *shifts(year), *shifts(context)]
    assert [each[:3] for each in found] == [
        ("size", "4.5 GB", "4.7GB"),
        ("downloads", "1,200", "1,100 (-100)"),
        ("year", "(unset)", "2026"),
        ("context", "100,000", "2,000,000"),
    ]
    ((_, old, new, _),) = shifts(huge)
    assert (old, len(new), new[:6], new[-1]) == ("true", 200, "10,000", "…")


def test_pointers_are_read_with_dots() -> None:
    assert dotted("/a~1b/~0c/0/") == 'a/b.~c.0.""'
