"""Exports of a catalogue: whole, safe, and readable by the programs they are for."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from support.hostile_texts import TEXTS

from archiver.records.text import visible
from archiver.render.export import export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Record

RECORDS: list[tuple[str, Record]] = [
    ("a", {"id": "a", "size": 4_500_000_000, "tags": ["x", "y"], "gated": False}),
    ("b", {"id": "b", "downloads": -1, "note": 'one "quoted"\nline', "huge": 2**64}),
]
LONE = {name: text for name, text in TEXTS.items() if "\ud83d" not in text}
each_text = pytest.mark.parametrize("hostile", LONE.values(), ids=LONE.keys())


def exported(records: Any, form: Any, **options: Any) -> str:
    out = io.StringIO(newline="")
    export(records, form, out, **options)
    return out.getvalue()


def test_csv_has_the_key_first_and_then_every_field() -> None:
    assert exported(RECORDS, "csv") == (
        "id,downloads,gated,huge,note,size,tags\n"
        'a,,false,,,4500000000,"[""x"",""y""]"\n'
        'b,-1,,18446744073709551616,"one ""quoted""\nline",,\n'
    )


def test_csv_streams_when_it_is_told_the_fields() -> None:
    out = io.StringIO(newline="")

    def records() -> Iterator[tuple[str, Record]]:
        yield RECORDS[0]
        yield RECORDS[1]
        assert out.getvalue() == "id,size\na,4500000000\nb,\n"

    export(records(), "csv", out, fields=("size",))


def test_a_key_of_several_fields_is_a_column_of_its_own() -> None:
    records = [("p/1", {"model": 1, "provider": "p"})]
    assert exported(records, "csv") == "key,model,provider\np/1,1,p\n"


@each_text
def test_every_csv_cell_reads_back_as_one_cell(hostile: str) -> None:
    page = exported([(hostile, {"id": hostile, "note": hostile})], "csv")
    header, row = csv.reader(io.StringIO(page, newline=""))
    assert (header, len(row)) == (["id", "note"], 2)


def test_json_and_json_lines_are_the_records() -> None:
    records = [record for _, record in RECORDS]
    assert json.loads(exported(RECORDS, "json")) == records
    assert [json.loads(line) for line in exported(RECORDS, "jsonl").splitlines()] == records


def test_an_empty_catalogue_is_valid_in_every_form() -> None:
    assert exported([], "json") == "[]\n"
    assert exported([], "jsonl") == ""
    assert exported([], "csv") == "key\n"
    assert exported([], "markdown") == "# catalogue\n\n| key |\n| :-- |\n"
    assert island(exported([], "html")) == []


@each_text
def test_markdown_is_one_table_whatever_the_words(hostile: str) -> None:
    page = exported([(hostile, {"id": hostile, "note": hostile})], "markdown", title=hostile)
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    assert [token.type for token in tokens].count("td_open") == 2
    assert {child.type for token in tokens for child in token.children or []} <= {"text"}


class Page(HTMLParser):
    """Collects the elements of a page and the content of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.policy = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["script"]:
            self.scripts.append(data)
            self.tags.append("")


def island(page: str) -> Any:
    return json.loads(Page(page).scripts[0])


@each_text
def test_no_record_leaves_the_data_of_a_page(hostile: str) -> None:
    page = exported([(hostile, {"id": hostile, "note": hostile})], "html", title=hostile)
    assert island(page) == [[visible(hostile), visible(hostile), ""]]
    assert sorted(Page(page).tags) == sorted(Page(exported(RECORDS[:0], "html")).tags + extra(page))


def extra(page: str) -> list[str]:
    """Return the elements of the second column, which an empty catalogue does not have."""
    return ["th", "button"] * (page.count('<th scope="col"') - 1)


def test_years_and_ids_have_no_separators_on_a_page() -> None:
    page = exported([("a", {"id": "a", "year": 2026, "likes": 8915})], "html")
    assert re.findall(r'<th scope="col" aria-sort="none"( data-plain)?>', page) == [
        " data-plain",
        "",
        " data-plain",
    ]


def test_markdown_writes_numbers_as_every_output_for_people() -> None:
    page = exported(
        [("a", {"id": "a", "likes": 8915, "size": 9_000_000_000, "year": 2026})], "markdown"
    )
    assert page.splitlines()[-1] == "| a | 8,915 | 9 GB | 2026 |"


def test_a_page_keeps_numbers_exact() -> None:
    assert island(exported(RECORDS, "html"))[1][1:4] == [-1, None, "18446744073709551616"]


def test_a_page_allows_its_own_script_only_and_no_network() -> None:
    page = Page(exported(RECORDS, "html"))
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert page.policy == (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert re.findall(r"https?://", exported(RECORDS, "html")) == []


def test_a_record_leads_to_its_page_and_to_nothing_else() -> None:
    out = io.StringIO()
    export([("a/b", {"id": "a/b"})], "html", out, link=lambda key: f"https://hub.example/{key}")
    assert island(out.getvalue()) == [["a/b", "https://hub.example/a/b"]]
