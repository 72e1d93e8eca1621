"""The fake hub speaks real HTTP."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
import requests

from archiver.fakehub.catalogue import Catalogue
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(Catalogue(models=50)) as hub:
        yield hub


def test_it_lists_the_catalogue_of_the_day(hub: FakeHub) -> None:
    models = list(Catalogue(models=50).day(0))
    assert requests.get(hub.url, timeout=5).json() == {"total": 50, "models": models}


def test_the_next_day_has_another_listing(hub: FakeHub) -> None:
    today = requests.get(hub.url, timeout=5).headers
    hub.day = 1
    tomorrow = requests.get(hub.url, timeout=5).headers
    assert today["ETag"] != tomorrow["ETag"]
    assert tomorrow["Last-Modified"] == "Fri, 02 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_an_unchanged_listing_is_not_sent_again(hub: FakeHub, form: str) -> None:
    etag = requests.get(hub.url, timeout=5).headers["ETag"]
    condition = {"If-None-Match": form.format(etag)}
    answer = requests.get(hub.url, headers=condition, timeout=5)
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_changed_listing_is_sent_in_spite_of_a_condition(hub: FakeHub) -> None:
    answer = requests.get(hub.url, headers={"If-None-Match": '"old"'}, timeout=5)
    assert answer.status_code == 200


def test_one_connection_serves_many_requests(hub: FakeHub) -> None:
    with requests.Session() as session:
        assert [session.get(hub.url, timeout=5).status_code for _ in range(3)] == [200, 200, 200]


def test_there_is_nothing_at_other_paths(hub: FakeHub) -> None:
    assert requests.get(f"{hub.url}/else", timeout=5).status_code == 404


def test_it_is_gone_after_the_block() -> None:
    with FakeHub(Catalogue(models=1)) as hub:
        url = hub.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_bomb_is_a_gibibyte_of_zeros() -> None:
    with FakeHub(hub=Hub(10)) as hub:
        hub.misbehave("bomb")
        url = f"{hub.endpoint}/openapi/v1/models"
        with requests.get(url, stream=True, timeout=5) as response:
            packed = response.raw.read()
    zeros, crc = bytes(1 << 20), 0
    for _ in range(1 << 10):
        crc = zlib.crc32(zeros, crc)
    assert struct.unpack("<II", packed[-8:]) == (crc, 1 << 30)
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert unpacking.decompress(packed, 3 << 20) == bytes(3 << 20)
    assert len(packed) < 2 << 20
