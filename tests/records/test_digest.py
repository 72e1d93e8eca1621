from __future__ import annotations

import hashlib

from archiver.records.canonical import encode
from archiver.records.digest import records_digest
from archiver.records.policy import Policy


def test_the_digest_is_over_the_lines_without_separators() -> None:
    lines = [encode({"id": "a", "n": 1}, ("id",)).data, encode({"id": "b"}, ("id",)).data]
    expected = hashlib.sha256(b'{"id":"a","n":1}{"id":"b"}').hexdigest()
    assert records_digest(lines, Policy()) == expected


def test_volatile_fields_are_removed_and_the_key_stays_in_front() -> None:
    policy = Policy(volatile=("seen", "tags.*.seen"))
    record = {"id": "a", "at": 1, "seen": 5, "tags": [{"name": "x", "seen": 6}]}
    expected = hashlib.sha256(b'{"id":"a","at":1,"tags":[{"name":"x"}]}').hexdigest()
    assert records_digest([encode(record, ("id",)).data], policy) == expected


def test_a_composed_key_stays_in_front() -> None:
    line = encode({"a": "x", "b": "y", "seen": 1}, ("a", "b")).data
    expected = hashlib.sha256(b'{"@key":"x/y","a":"x","b":"y"}').hexdigest()
    assert records_digest([line], Policy(volatile=("seen",))) == expected
