"""A secret that an answer repeats is not read, however the answer writes it."""

from __future__ import annotations

import json

import pytest

from archiver.transport import Page, Request, Site
from archiver.transport.masking import masked

SECRET = "sk+live/51H=&é😀"
SITE = Site("https://example.org/", hidden=(SECRET,))


def escaped(text: str, chosen: str) -> str:
    """Return `text` as JSON, with the characters `chosen` as escapes, as .NET and PHP do."""
    return "".join(
        "".join(f"\\u{ord(half):04X}" for half in halves(char)) if char in chosen else char
        for char in text
    )


def halves(char: str) -> list[str]:
    units = char.encode("utf-16-be")
    return [chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2)]


@pytest.mark.parametrize("chosen", ["", "+", "&=", "é😀", SECRET])
def test_a_secret_is_masked_also_where_json_escapes_some_of_it(chosen: str) -> None:
    body = f'{{"a":"x {escaped(SECRET, chosen)} y","b":"\\u00e9"}}'
    assert json.loads(body)["a"] == f"x {SECRET} y"
    page = Page(Request("page", "https://example.org/"), 200, {}, body.encode())
    assert json.loads(masked(page, SITE).body) == {"a": "x *** y", "b": "é"}
