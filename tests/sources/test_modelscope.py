"""All of ModelScope from questions that each show only a window of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.errors import ConfigError, MalformedPage, SourceError
from archiver.fakehub import modelscope as protocol
from archiver.fakehub.answers import Asked
from archiver.fakehub.hub import Hub
from archiver.records.model import Bad
from archiver.sources import Fate, Ledger, Page, Request, create
from archiver.sources.ledger import Entry
from archiver.sources.modelscope import ModelScope, ModelScopeSettings
from archiver.sources.modelscope.queries import Reach

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = Reach(page=10, window=60)


def answered(hub: Hub, request: Request) -> Page:
    asked = Asked.of(request.method, request.url[8:], {}, request.body, "http://h")
    found = protocol.respond(asked, hub)
    assert found is not None, request
    return Page(request, found.status, {}, found.body)


def walked(source: ModelScope, hub: Hub, ledger: Ledger, keys: set[str], stop: int = 10**9) -> None:
    """Ask until nothing is left to ask, or for so many pages."""
    while batch := source.plan(ledger):
        for request in batch:
            if len(ledger.entries) >= stop:
                return
            parsed = source.parse(answered(hub, request))
            found = [record["id"] for record in parsed.records if isinstance(record, dict)]
            fresh = {*found} - keys
            keys |= fresh
            ledger.add(
                Entry(
                    request.id,
                    len(found),
                    len(fresh),
                    total=parsed.total,
                    matches=parsed.matches,
                    facts=parsed.facts,
                    mark=parsed.mark,
                )
            )


def source(reach: Reach = SMALL, **given: Any) -> ModelScope:
    return ModelScope(ModelScopeSettings("http://h", **given), base=Path(), reach=reach)


@pytest.mark.parametrize("matching", ["id", "parts"])
@pytest.mark.parametrize("website", [True, False])
def test_every_model_is_found_through_small_windows(matching: Any, website: Any) -> None:
    hub = Hub(1500, matching=matching)
    found = source(scope="all", website=website)
    ledger, keys = Ledger(), set[str]()
    walked(found, hub, ledger, keys)
    assert len(keys) >= 0.999 * 1500
    assert found.end(ledger).startswith("the union of ")
    assert len({entry.id for entry in ledger.entries}) == len(ledger.entries)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 400), st.integers(0, 60), st.sampled_from(["id", "parts"]))
def test_a_listing_that_goes_on_in_another_process_asks_the_same(
    models: int, stop: int, matching: Any
) -> None:
    hub = Hub(models, seed=models, matching=matching)
    whole, everything = Ledger(), set[str]()
    walked(source(scope="all"), hub, whole, everything)
    parted, keys = Ledger(), set[str]()
    first = source(scope="all")
    batch_end = 0
    while batch_end < stop and (batch := first.plan(parted)):
        batch_end = len(parted.entries) + len(batch)
        walked(first, hub, parted, keys, stop=batch_end)
    walked(source(scope="all"), hub, parted, keys)
    assert [entry.id for entry in parted.entries] == [entry.id for entry in whole.entries]
    assert keys == everything == hub.truth()


def test_the_top_is_sixty_pages_by_downloads() -> None:
    hub = Hub(4000)
    found = source(Reach())
    ledger, keys = Ledger(), set[str]()
    walked(found, hub, ledger, keys)
    assert (len(ledger.entries), len(keys), found.kind) == (60, 3000, "window")
    assert found.end(ledger) == "the top 3,000 by downloads"
    (first,) = source(Reach()).plan(Ledger())
    assert first.url == ("http://h/openapi/v1/models?sort=downloads&page_number=1&page_size=50")


def test_owners_tasks_and_words_are_slices_of_their_own() -> None:
    hub = Hub(1000)
    key = max(hub.truth())
    owner = key.partition("/")[0]
    for given_ in ({"owners": (owner,)}, {"tasks": ("text-to-speech",)}, {"search": "sd-lora"}):
        found = source(Reach(), **given_)
        ledger, keys = Ledger(), set[str]()
        walked(found, hub, ledger, keys)
        assert keys
        assert keys <= hub.truth()
        assert found.end(ledger).startswith("every page of ")


def test_an_owner_larger_than_the_window_is_cut_into_slices() -> None:
    hub = Hub(900)
    owners = Counter(key.partition("/")[0] for key in hub.truth())
    ((large, _),) = owners.most_common(1)
    own = {key for key in hub.truth() if key.partition("/")[0] == large}
    found = source(owners=(large,))
    ledger, keys = Ledger(), set[str]()
    walked(found, hub, ledger, keys)
    assert len(own) > SMALL.window
    assert keys == own


def test_what_is_missing_is_said() -> None:
    hub = Hub(300)
    found = source(Reach(), scope="all")
    ledger, keys = Ledger(), set[str]()
    walked(found, hub, ledger, keys)
    ledger.distinct -= 20
    with pytest.raises(SourceError, match="300 models are announced, 280 different ones received"):
        found.end(ledger)


def page(body: bytes, number: int = 1) -> Page:
    (request,) = source(Reach()).plan(Ledger())
    url = request.url.replace("page_number=1", f"page_number={number}")
    return Page(Request(f"by downloads p{number}", url), 200, {}, body)


OK = {"models": [], "total_count": 0, "page_number": 1, "page_size": 50}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", "not ModelScope's answer"),
        ({}, "not ModelScope's answer: Object missing required field `success`"),
        ({"success": False, "code": "X", "message": "y"}, "success is false: X: y"),
        ({"success": True}, "success is true, but"),
        ({"success": True, "data": {**OK, "models": None}}, "success is true, but"),
        ({"success": True, "data": {**OK, "total_count": "9"}}, "success is true, but"),
        ({"success": True, "data": {**OK, "page_number": 2}}, "answered page 2 instead"),
        ({"success": True, "data": {**OK, "total_count": 9}}, "the page is empty, but 9"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_its_address(answer: Any, words: str) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with pytest.raises(MalformedPage, match=words) as refused:
        source().parse(page(body))
    assert str(refused.value).startswith("http://h/openapi/v1/models?sort=downloads&")


ROW = {
    "id": "o/n",
    "downloads": 1,
    "likes": 2,
    "created_at": "2025-12-14T12:26:15Z",
    "last_modified": "2025-12-16T03:34:26Z",
    "tasks": ["text-generation"],
    "tags": ["library:pytorch", "license:mit"],
    "license": "mit",
    "file_size": 0,
    "params": 0,
    "gated": False,
    "description": "",
}


def records(*rows: Any) -> list[Any]:
    data = {**OK, "models": list(rows), "total_count": len(rows)}
    parsed = source().parse(page(json.dumps({"success": True, "data": data}).encode()))
    return list(parsed.records)


def test_a_row_becomes_a_record_without_what_is_unknown() -> None:
    assert records(ROW) == [
        {
            "id": "o/n",
            "name": "n",
            "tasks": ["text-generation"],
            "category": "text-generation",
            "downloads": 1,
            "likes": 2,
            "license": "mit",
            "tags": ["library:pytorch", "license:mit"],
            "library": "pytorch",
            "gated": False,
            "release_date": "2025-12-14T12:26:15Z",
            "last_modified": "2025-12-16T03:34:26Z",
        }
    ]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (None, ""),
        ({**ROW, "id": None}, ""),
        ({**ROW, "id": "no-slash"}, ""),
        ({**ROW, "id": "../../etc/passwd"}, ""),
        ({**ROW, "downloads": "many"}, "o/n"),
        ({**ROW, "tasks": [1]}, "o/n"),
    ],
)
def test_a_bad_row_costs_only_itself(row: Any, key: str) -> None:
    bad, good = records(row, {**ROW, "id": "o/m"})
    assert isinstance(bad, Bad)
    assert (bad.place, bad.key, good["id"]) == ("by downloads p1/0", key, "o/m")


@pytest.mark.parametrize(
    ("status", "body", "fate"),
    [
        (200, {"success": True, "data": ROW}, Fate("listed")),
        (200, {"success": True, "data": {**ROW, "id": "o/new"}}, Fate("gone", "renamed", "o/new")),
        (200, {"success": True, "data": None}, Fate("unknown")),
        (200, "<html>", Fate("unknown")),
        (404, {"success": False, "code": "ResourceNotFound"}, Fate("gone", "deleted or private")),
        (404, "404 page not found", Fate("unknown")),
    ],
)
def test_the_hub_says_what_became_of_a_model(status: int, body: Any, fate: Fate) -> None:
    request = source().confirm("o/n")
    assert request is not None
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert source().confirmed(Page(request, status, {}, content)) == fate


def test_a_key_of_another_shape_is_never_put_into_an_address() -> None:
    assert source().confirm("../../etc") is None
    assert source().confirm("../etc") is None
    assert source().details("x") == ()
    assert source().link("x") == ""
    assert source().link("o/n m") == "http://h/models/o/n%20m"


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"scope": "all", "owners": ["a"]}, "only one of owners, scope can be given"),
        ({"rate": -1}, "rate is a number of requests a second, 0 or more"),
        ({"drift": 1}, "drift is a share"),
        ({"full_every": "7"}, 'full_every is like "7d" or "12h"'),
        ({"incremental": True}, 'incremental = true needs scope = "all"'),
        ({"scope": "some"}, "Invalid enum value"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings_: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create("ms", {"type": "modelscope", **settings_}, base=Path())


def test_the_official_clients_variables_name_the_endpoint() -> None:
    made: Callable[..., Any] = create
    environ = {"MODELSCOPE_DOMAIN": "hub.example", "MODELSCOPE_ENDPOINT": ""}
    found = made("ms", {"type": "modelscope"}, base=Path(), environ=environ)
    assert found.endpoint == "https://hub.example"


def test_the_pace_is_four_a_second_unless_the_hub_is_on_this_machine() -> None:
    def rate(**given: Any) -> Any:
        made = ModelScope(ModelScopeSettings(**given), base=Path()).site("")
        return made.rate and made.rate.requests

    assert rate() == 4
    assert rate(rate=9) == 9
    assert rate(endpoint="http://127.0.0.1:8080") is None
    token = source().site("ms-x").headers
    assert token == {
        "Authorization": "Bearer ms-x",
        "Cookie": "m_session_id=ms-x; modelscope_session=ms-x",
    }
