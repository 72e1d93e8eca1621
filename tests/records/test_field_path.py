"""Field paths: a name with dots is told from a nested path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigError
from archiver.records.field_path import readings, spelled
from archiver.records.key import key_of, member
from archiver.records.path import RecordsPath
from archiver.records.policy import Policy
from archiver.records.query import Where

if TYPE_CHECKING:
    from archiver.records.model import Json, Record

NAMES = st.text(st.sampled_from('ab."\\^*{}[]/~0 é'), max_size=4)
BOTH: Record = {"meta.id": "whole", "meta": {"id": "nested", "a.b": "inner"}, "n..o": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("meta.id", "whole"),
        ('"meta.id"', "whole"),
        ('"meta".id', "nested"),
        ("meta.a.b", "inner"),
        ('meta."a.b"', "inner"),
        ("n..o", 1),
    ],
)
def test_a_key_and_a_condition_read_the_same_value(path: str, expected: Json) -> None:
    assert member(BOTH, path) == expected
    assert Where.read(f"{path} = {expected}")("", BOTH)
    assert not Where.read(f"{path} != {expected}")("", BOTH)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "a/b"),
        ("~0", '"~0"'),
        ("", '""'),
        ("0", "0"),
        ("^", "^"),
        ("^.id", '"^.id"'),
        ("{}", "{}"),
        ('say "x"', r'"say \"x\""'),
        ("a b", '"a b"'),
        ("a = b", '"a = b"'),
    ],
)
def test_any_name_can_be_asked_for(name: str, path: str) -> None:
    record: Record = {name: "v", "other": {name: "w"}}
    assert key_of(record, (path,)) == "v"
    assert Where.read(f"{path} = v")("", record)
    assert Where.read(f"other.{path} = w")("", record)
    changed = Policy(metrics=(path,)).meaning(name, "v", "w")
    assert changed == "metric"


@pytest.mark.parametrize("setting", ["metrics", "volatile", "sets"])
def test_a_policy_without_quotes_covers_all_that_a_path_can_mean(setting: str) -> None:
    old: dict[str, Json] = {"n.o": [1, 2], "n": {"o": [1, 2], "x": 1}}
    new: dict[str, Json] = {"n.o": [2, 1], "n": {"o": [2, 1], "x": 1}}
    cases = {"n.o": ("n.o", "n"), '"n.o"': ("n.o",), '"n".o': ("n",)}
    for path, covered in cases.items():
        policy = Policy(**{setting: (path,)})  # type: ignore[arg-type]
        news = [name for name in old if policy.meaning(name, old[name], new[name]) == "news"]
        assert news == [name for name in old if name not in covered]


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_a_path_that_is_spelled_leads_back(names: list[str]) -> None:
    path = spelled(tuple(names))
    assert tuple(names) in readings(path)
    record: Json = "found"
    for name in reversed(names):
        record = {name: record}
    assert member(record, path) == "found"


@given(st.text(st.sampled_from('ab."\\'), max_size=9))
def test_every_text_is_a_path(path: str) -> None:
    assert member({path: 1}, path) == 1
    assert readings(path)


def test_many_dots_stay_bounded() -> None:
    assert len(readings("." * 100_000)) <= 9


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ('"a.b"', ("a.b", "[]")),
        ('x."a.b"{}', ("x", "a.b", "{}")),
        ('"a.b"[].c', ("a.b", "[]", "c", "[]")),
        ('"a=b"[]=id', ("a=b", "[]")),
        ('x."say \\"y\\""', ("x", 'say "y"', "[]")),
    ],
)
def test_the_path_of_records_knows_quotes(path: str, steps: tuple[str, ...]) -> None:
    assert RecordsPath.read(path).steps == steps


@pytest.mark.parametrize("path", ['""', '"[]"', '"{}"', "a..b"])
def test_a_name_that_looks_like_a_mark_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be understood"):
        RecordsPath.read(path)
