"""Where the records of a document are, and what keys them, is found for the shapes there are."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import pytest

from archiver.records.finding import find

if TYPE_CHECKING:
    from archiver.records.model import Json

ARTICLES: Final = [
    {"type": "articles", "id": str(n), "attributes": {"title": f"t{n}"}} for n in range(4)
]
RELEASES: Final = [
    {
        "id": 100 + n,
        "node_id": f"RE_{n}",
        "tag_name": f"v{n}",
        "name": f"v{n}",
        "html_url": f"https://example.org/{n}",
        "author": {"login": "octocat", "id": 1},
        "assets": [{"id": 10 * n + m, "name": f"f{m}", "download_count": m} for m in range(4)],
        "created_at": f"2026-01-0{n}T00:00:00Z",
    }
    for n in range(1, 6)
]
MODELS: Final = {f"m{n}": {"id": f"m{n}", "name": "x", "cost": n} for n in range(6)}
PROVIDERS: Final = [
    {
        "id": provider,
        "name": provider.title(),
        "models": [{"id": f"m{n}", "name": "x", "prices": {"in": n}} for n in range(5)],
    }
    for provider in ("openai", "mistral", "google")
]
FIELDS: Final = [{"id": "_id", "type": "int"}, {"id": "name", "type": "text"}]

CLEAR: Final[dict[str, tuple[Json, str, tuple[str, ...]]]] = {
    "an array": ([{"id": 1, "v": 1}, {"id": 2, "v": 2}], ".", ("id",)),
    "releases of GitHub": (RELEASES, ".", ("id",)),
    "packages by name, as of npm": (
        {name: {"name": name, "version": "1", "dependencies": {}} for name in "xyz"},
        ".{}",
        ("{}",),
    ),
    "a package of npm": (
        {
            "_id": "x",
            "dist-tags": {"latest": "1.0.1"},
            "versions": {v: {"name": "x", "version": v} for v in ("1.0.0", "1.0.1")},
            "time": {"1.0.0": "2020", "1.0.1": "2021"},
        },
        "versions{}",
        ("{}",),
    ),
    "the top packages of PyPI": (
        {
            "last_update": "2026-01-01 00:00:00",
            "query": {"bytes_billed": 5},
            "rows": [{"download_count": n, "project": p} for n, p in enumerate("abcd")],
        },
        "rows",
        ("project",),
    ),
    "a table of CKAN": (
        {"success": True, "result": {"fields": FIELDS, "records": [[1, "a"], [2, "b"]]}},
        "result.records[]=^.fields[].id",
        ("_id",),
    ),
    "records of CKAN": (
        {"result": {"fields": FIELDS, "records": [{"_id": n, "name": "a"} for n in range(3)]}},
        "result.records",
        ("_id",),
    ),
    "pandas, split": (
        {"columns": ["id", "v"], "index": [0, 1], "data": [["a", 1], ["b", 1]]},
        "data[]=^.columns",
        ("id",),
    ),
    "GeoJSON": (
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"id": f"s{n}", "name": f"n{n}", "mag": n / 3},
                    "geometry": {"type": "Point", "coordinates": [n, 2]},
                }
                for n in range(4)
            ],
        },
        "features",
        ("properties.id",),
    ),
    "data and meta, as of many APIs": (
        {"data": [{"id": f"m{n}", "name": f"n{n}"} for n in range(4)], "meta": {"total": 4}},
        "data",
        ("id",),
    ),
    "JSON:API": (
        {"data": ARTICLES, "included": [{"type": "people", "id": "9"}], "links": {"self": "x"}},
        "data",
        ("id",),
    ),
    "arrays beside the records": (
        {"data": ARTICLES, "included": [{"id": "9"}], "errors": [{"id": "8"}]},
        "data",
        ("id",),
    ),
    "an answer of SPARQL": (
        {
            "head": {"vars": ["item"]},
            "results": {
                "bindings": [{"item": {"type": "uri", "value": f"u{n}"}} for n in range(4)]
            },
        },
        "results.bindings",
        ("item.value",),
    ),
    "an array with a hole": ([None, *({"id": n} for n in range(20))], ".", ("id",)),
    "a search of npm": (
        {"objects": [{"package": {"name": f"p{n}", "version": "1"}} for n in range(3)], "total": 3},
        "objects",
        ("package.name",),
    ),
    "arrays by provider": (
        {"openai": [{"id": "a"}, {"id": "b"}], "mistral": [{"id": "a"}], "google": [{"id": "c"}]},
        ".{group}[]",
        ("group", "id"),
    ),
    "providers that hold arrays": (PROVIDERS, ".[].models", ("^.id", "id")),
    "providers that hold objects, as of models.dev": (
        {name: {"id": name, "name": name, "models": MODELS} for name in ("openai", "x")},
        ".{group}.models{}",
        ("group", "{}"),
    ),
    "objects by name": ({"a": {"v": 1}, "b": {"v": 2}}, ".{}", ("{}",)),
    "a list of names": (["org/a", "org/b"], ".[]=id", ("id",)),
    "values by name": (dict.fromkeys("abcde", "1.0"), ".{}=value", ("{}",)),
    "rows below a header": ([["id", "v"], ["a", 1], ["b", 2]], ".[]=[0]", ("id",)),
    "a deep answer": (
        {"response": {"data": {"items": [{"sku": "a", "p": 1}, {"sku": "b", "p": 1}]}}},
        "response.data.items",
        ("sku",),
    ),
    "a name with dots": ({"a.b": [{"id": 1}, {"id": 2}]}, '"a.b"', ("id",)),
    "two fields": (
        [{"name": "x", "owner": "a"}, {"name": "x", "owner": "b"}, {"name": "y", "owner": "b"}],
        ".",
        ("owner", "name"),
    ),
    "a name and a version": (
        [
            {"version": "1", "name": "x"},
            {"version": "2", "name": "x"},
            {"version": "1", "name": "y"},
        ],
        ".",
        ("name", "version"),
    ),
    "one field that differs": (
        [{"alpha": f"x{n}", "beta": "y"} for n in range(3)],
        ".",
        ("alpha",),
    ),
    "a long array and a short one": (
        {"entries": [{"slug": f"s{n}"} for n in range(200)], "stats": [{"name": "a"}] * 2},
        "entries",
        ("slug",),
    ),
    "an id that is a number below an end": (
        {"vulnerabilities": [{"cveID": f"CVE-{n}", "notes": f"n {n}"} for n in range(3)]},
        "vulnerabilities",
        ("cveID",),
    ),
}


def text(value: Json) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", CLEAR)
def test_what_only_can_be_meant_is_found(name: str) -> None:
    document, records, key = CLEAR[name]
    chosen = find((text(document),), thorough=True).chosen
    assert chosen is not None
    assert (chosen.records, chosen.key) == (records, key)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"models": [{"id": "a"}], "providers": [{"id": "p"}]}, {"models", "providers"}),
        ([{"alpha": f"x{n}", "beta": f"y{n}"} for n in range(3)], {"alpha", "beta"}),
        ({"errors": [{"message": "x"}], "hits": [{"id": 1}], "x": [{"id": 1}]}, {"hits", "x"}),
    ],
)
def test_of_several_ways_none_is_chosen_and_all_are_named(document: Json, named: set[str]) -> None:
    found = find((text(document),))
    assert found.chosen is None
    words = " ".join(each.words for each in found.candidates)
    assert all(f'"{each}"' in words for each in named)
    assert all(each.reason for each in found.candidates)


@pytest.mark.parametrize(
    "document",
    [
        {"message": "Not Found", "documentation_url": "https://example.org", "status": "404"},
        {"error": {"code": 404, "message": "x"}},
        {"errors": [{"message": "x"}]},
        {},
        None,
        1,
        "text",
        [1, 2],
    ],
)
def test_an_error_body_is_no_catalogue(document: Json) -> None:
    assert find((text(document),)).candidates == ()


def test_the_key_is_one_that_lasts() -> None:
    old, new = (
        [{"uuid": f"{run}-{n}", "package": f"p{n}"} for n in range(20)] for run in ("x", "y")
    )
    chosen = find((text(new), text(old)), thorough=True).chosen
    assert chosen is not None
    assert chosen.key == ("package",)


def test_a_key_must_be_unique_in_all_records_not_in_a_sample() -> None:
    document = [{"name": f"n{n // 2}", "owner": f"o{n % 2}"} for n in range(20_000)]
    chosen = find((text(document),)).chosen
    assert chosen is not None
    assert chosen.key == ("owner", "name")


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        text([{f"f{n}": n for n in range(100_000)}] * 3),
        text({f"f{n}": {"v": n} for n in range(100_000)}),
        text([{"id": n, "text": "x" * 5_000_000} for n in range(3)]),
        text({"a": {"b": {"c": {"d": {"e": [{"id": 1}, {"id": 2}]}}}}}),
        b'[{"id":1},',
        b"\xff\xfe\x00",
        text([[]] * 1000),
    ],
)
def test_a_hostile_document_costs_little(document: bytes) -> None:
    began = time.process_time()
    find((document,), thorough=True)
    assert time.process_time() - began < 5


def test_a_hundred_thousand_records_are_looked_at_in_a_moment() -> None:
    row = {"name": "n", "tags": ["a", "b"], "license": "mit", "text": "x" * 100}
    document = text({"data": [{"id": f"org/model-{n}", **row} for n in range(100_000)]})
    began = time.process_time()
    chosen = find((document,)).chosen
    assert chosen is not None
    assert chosen.key == ("id",)
    assert time.process_time() - began < 2
