"""Exact ids: which requests are sent, what their answers mean, and when the listing is complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ConfigError, MalformedPage, SourceError
from archiver.sources import Ledger, Page, create
from archiver.sources.ledger import Entry

HUBS = ("modelscope", "huggingface")


def source(kind: str, ids: Any, base: Path = Path()) -> Any:
    return create("x", {"type": kind, "endpoint": "http://h", "ids": ids}, base=base)


def test_each_id_is_one_request() -> None:
    modelscope = source("modelscope", ["a/b", "c/d e", "a/b"])
    assert [each.url for each in modelscope.plan(Ledger())] == [
        "http://h/openapi/v1/models/a/b",
        "http://h/openapi/v1/models/c/d%20e",
    ]
    (request,) = source("huggingface", ["gpt2"]).plan(Ledger())
    assert request.url.startswith("http://h/api/models/gpt2?expand%5B%5D=author&")


@pytest.mark.parametrize("kind", HUBS)
def test_a_file_of_pins_names_ids(tmp_path: Path, kind: str) -> None:
    pins = tmp_path / "models.txt"
    pins.write_bytes(b'\xef\xbb\xbf# ours\r\na/b license=mit  # why\r\n\r\n"c/d"\r\n')
    assert source(kind, "models.txt", tmp_path).watched == ("a/b", "c/d")


@pytest.mark.parametrize("kind", HUBS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# nothing\n", "models.txt names no id"),
        (b"a/b\n../x\na/b/c\n", "the hub has no such ids: ../x, a/b/c"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, kind: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "models.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        source(kind, "models.txt", tmp_path).plan(Ledger())


@pytest.mark.parametrize("kind", HUBS)
@pytest.mark.parametrize(("name", "value"), [("scope", "all"), ("search", "x")])
def test_ids_exclude_other_choices(kind: str, name: str, value: str) -> None:
    settings = {"type": kind, "ids": ["a/b"], name: value}
    with pytest.raises(ConfigError, match="only one of "):
        create("x", settings, base=Path())


@pytest.mark.parametrize("kind", HUBS)
@pytest.mark.parametrize(("status", "body"), [(404, "<html>"), (200, "<html>"), (200, "{}")])
def test_an_answer_that_does_not_say_is_refused(kind: str, status: int, body: str) -> None:
    hub = source(kind, ["a/b"])
    (request,) = hub.plan(Ledger())
    with pytest.raises(MalformedPage, match="does not say whether a/b exists"):
        hub.parse(Page(request, status, {}, body.encode()))


def test_a_wrong_token_makes_no_model_absent() -> None:
    hub = source("huggingface", ["a/b"])
    (request,) = hub.plan(Ledger())
    body = json.dumps({"error": "Invalid credentials in Authorization header"}).encode()
    with pytest.raises(MalformedPage):
        hub.parse(Page(request, 401, {}, body))


@pytest.mark.parametrize("kind", HUBS)
def test_a_record_that_is_unusable_is_bad(kind: str) -> None:
    hub = source(kind, ["a/b"])
    (request,) = hub.plan(Ledger())
    row = {"id": "a/b", "downloads": "many"}
    body = {"success": True, "data": row} if kind == "modelscope" else row
    (bad,) = hub.parse(Page(request, 200, {}, json.dumps(body).encode())).records
    assert (bad.key, bad.place) == ("a/b", "id a/b")


@pytest.mark.parametrize("kind", HUBS)
def test_a_listing_is_complete_when_every_id_is_answered(kind: str) -> None:
    hub = source(kind, ["a/b", "c/d"])
    ledger = Ledger.of([Entry("id a/b", records=1, fresh=1)])
    assert [each.id for each in hub.plan(ledger)] == ["id c/d"]
    with pytest.raises(SourceError, match="no answer for id c/d"):
        hub.end(ledger)
    ledger.add(Entry("id c/d"))
    assert (hub.plan(ledger), hub.covered(ledger)) == ([], "complete")
    assert hub.end(ledger) == "an answer for each of 2 ids, 1 of them absent"
