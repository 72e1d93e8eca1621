"""Hugging Face by its cursors, from the first page to the one without a next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ConfigError, MalformedPage, SourceError
from archiver.records.model import Bad
from archiver.sources import Fate, Ledger, Page, Parsed, Request, create
from archiver.sources.huggingface import HuggingFace, HuggingFaceSettings
from archiver.sources.model_record import first_paragraph

URL = "http://h/api/models?limit=1000"
ROW = {
    "_id": "621ffdc036468d709f174328",
    "id": "openai/whisper",
    "downloads": 5,
    "likes": 0,
    "createdAt": "2022-03-02T23:29:04.000Z",
    "lastModified": "2024-01-02T03:04:05.678Z",
    "sha": "a1",
    "pipeline_tag": "automatic-speech-recognition",
    "library_name": "transformers",
    "tags": ["license:mit", "region:us"],
    "gated": "auto",
    "safetensors": {"parameters": {"BF16": 7}, "total": 7},
}


def source(**given: Any) -> HuggingFace:
    return HuggingFace(HuggingFaceSettings("http://h/", **given), base=Path())


def page(rows: Any, number: int = 1, **headers: str) -> Page:
    body = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    return Page(Request(f"page {number}", URL), 200, headers, body)


def parsed(rows: Any, number: int = 1, *, scope: str = "all", **headers: str) -> Parsed:
    return source(scope=scope).parse(page(rows, number, **headers))


def test_everything_is_asked_for_by_creation_and_the_top_by_downloads() -> None:
    (every,) = source(scope="all").plan(Ledger())
    assert every.url.startswith(
        "http://h/api/models?limit=1000&sort=createdAt&direction=1&expand%5B%5D="
    )
    (top,) = source(top=50).plan(Ledger())
    assert top.url.startswith("http://h/api/models?limit=50&sort=downloads&direction=-1&")
    (own,) = source(author="a b").plan(Ledger())
    assert own.url.startswith("http://h/api/models?author=a+b&limit=1000&sort=createdAt")
    assert (source(scope="all").kind, source().kind, source(author="x").kind) == (
        "complete",
        "window",
        "complete",
    )


def test_a_row_becomes_a_record() -> None:
    assert list(parsed([ROW]).records) == [
        {
            "id": "openai/whisper",
            "name": "whisper",
            "tasks": ["automatic-speech-recognition"],
            "category": "automatic-speech-recognition",
            "params": 7,
            "downloads": 5,
            "likes": 0,
            "version": "a1",
            "license": "mit",
            "tags": ["license:mit", "region:us"],
            "library": "transformers",
            "gated": "auto",
            "release_date": "2022-03-02T23:29:04Z",
            "last_modified": "2024-01-02T03:04:05Z",
        }
    ]


def test_a_bad_row_costs_only_itself() -> None:
    bad, nameless, good = parsed([{**ROW, "likes": "x"}, 7, {"id": "gpt2"}]).records
    reason = "Expected `int | null`, got `str` - at `$.likes`"
    assert bad == Bad("page 1/0", reason, "openai/whisper")
    assert isinstance(nameless, Bad)
    assert good == {"id": "gpt2", "name": "gpt2"}


def test_a_page_leads_to_the_next_until_there_is_none() -> None:
    following = parsed([ROW], 3, link='<http://h/api/models?cursor=z>; rel="next"')
    assert following.next == (Request("page 4", "http://h/api/models?cursor=z"),)
    assert (following.end, parsed([ROW]).end) == ("", "a page without a next one")


def test_the_top_ends_where_it_was_told_to() -> None:
    rows = [{"id": f"m{number}"} for number in range(1000)]
    top = HuggingFace(HuggingFaceSettings(top=1500), base=Path())
    found = top.parse(page(rows, 2, link='<http://h/api/models?cursor=z>; rel="next"'))
    assert (len(list(found.records)), found.next, found.end) == (
        500,
        (),
        "the top 1,500 by downloads",
    )


@pytest.mark.parametrize(
    ("rows", "link", "words"),
    [
        ({"error": "x"}, "", "not a list of models"),
        (b"<html>", "", "not a list of models"),
        (
            [],
            '<http://h/api/models?cursor=2>; rel="next"',
            "the page is empty, but there is a next",
        ),
        ([ROW], f'<{URL}>; rel="next"', "the next page is the same page"),
        ([ROW], '<http://evil/x>; rel="next"', "its next page is at another origin"),
        ([{**ROW, "createdAt": "2025"}, ROW], "", "the models are not sorted by createdAt"),
    ],
)
def test_a_page_that_is_none_is_refused(rows: Any, link: str, words: str) -> None:
    with pytest.raises(MalformedPage, match=words):
        parsed(rows, link=link)


def test_a_hub_without_a_single_model_is_no_end() -> None:
    with pytest.raises(SourceError, match="http://h lists no models"):
        source(scope="all").end(Ledger(end="a page without a next one"))


@pytest.mark.parametrize(
    ("status", "body", "headers", "fate"),
    [
        (200, ROW, {}, Fate("listed")),
        (200, {**ROW, "id": "a/b"}, {}, Fate("gone", "renamed", "a/b")),
        (200, [], {}, Fate("unknown")),
        (401, {"error": "Invalid username or password."}, {}, Fate("gone", "deleted or private")),
        (404, {}, {"x-error-code": "RepoNotFound"}, Fate("gone", "deleted or private")),
        (401, {"error": "Invalid credentials in Authorization header"}, {}, Fate("unknown")),
        (401, "<html>", {}, Fate("unknown")),
        (404, "<html>", {}, Fate("unknown")),
        (403, {}, {}, Fate("unknown")),
        (403, {"error": "Access to this resource is disabled."}, {}, Fate("gone", "disabled")),
        (403, {}, {"x-error-code": "GatedRepo"}, Fate("gone", "gated")),
    ],
)
def test_the_hub_says_what_became_of_a_model(
    status: int, body: Any, headers: dict[str, str], fate: Fate
) -> None:
    request = source().confirm("openai/whisper")
    assert request is not None
    answer = Page(request, status, headers, json.dumps(body).encode())
    assert source().confirmed(answer) == fate


def test_a_description_is_the_first_paragraph_of_the_readme() -> None:
    wished = source(enrich=("description",))
    (request,) = wished.details("openai/whisper")
    assert request.url == "http://h/openai/whisper/resolve/main/README.md"
    text = b"---\nlicense: mit\n---\n# Title\n\nA *model*."
    assert wished.detailed(Page(request, 200, {}, text)) == {"description": "A model."}
    assert wished.detailed(Page(request, 404, {}, b"")) == {"description": None}
    assert source().details("openai/whisper") == wished.details("../x y") == ()
    assert source().confirm("../x y") is None
    assert source().confirm("../whoami-v2") is None
    assert source().link("a/b") == "http://h/a/b"


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("", None),
        ("# Only a title", None),
        (
            "---\nx: y\n---\n\n| a |\n\n- list\n\nSee [the paper](http://x) and `code`.\r\n",
            "See the paper and code.",
        ),
        ("x" * 600, "x" * 499 + "…"),
        ("---\nnever ends", None),
    ],
)
def test_prose_is_found_in_markdown(markdown: str, text: str | None) -> None:
    assert first_paragraph(markdown) == text


def test_the_pace_is_the_published_quota() -> None:
    anonymous, known = source().site(""), source().site("hf_x")
    assert anonymous.rate is not None
    assert known.rate is not None
    assert (anonymous.rate.requests, known.rate.requests, known.rate.seconds) == (500, 1000, 300)
    assert known.headers == {"Authorization": "Bearer hf_x"}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="top and rate are positive numbers"):
        create("hf", {"type": "huggingface", "top": 0}, base=Path())


def test_openrouter_is_one_document_or_pages_of_its_own_address() -> None:
    found = create("or", {"type": "openrouter", "endpoint": "http://h/"}, base=Path())
    (request,) = found.plan(Ledger())
    assert request.url == "http://h/api/v1/models"
    body = {"data": [{"id": "a"}], "total_count": 2, "links": {"next": "http://evil/x?offset=1"}}
    first = found.parse(Page(request, 200, {}, json.dumps(body).encode()))
    assert [each.url for each in first.next] == ["http://h/api/v1/models?offset=1"]
    assert (first.total, first.end) == (2, "")
    last = found.parse(Page(request, 200, {}, b'{"data":[]}'))
    assert (last.next, last.end) == ((), "no next page")
    with pytest.raises(MalformedPage, match="http://h/api/v1/models"):
        found.parse(Page(request, 200, {}, b"{}"))
