"""YAML 1.2's core types and nothing else: no surprises, no tags, no bombs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UnreadableSnapshot
from archiver.formats import Reading, read


def value(text: str, **how: Any) -> Any:
    found = read((text.encode(),), "x.yaml", Reading(**how)).content
    assert isinstance(found, bytes)
    return json.loads(found)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("12", 12),
        ("+12", 12),
        ("007", 7),
        ("0o14", 12),
        ("0x1F", 31),
        ("014", 14),
        ("1_000", "1_000"),
        ("190:20:30", "190:20:30"),
        ("0b11", "0b11"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.5e-1", -0.05),
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int '12'", 12),
        ("!!float 1", 1.0),
        ("!!null ''", None),
        ("v1.2.3", "v1.2.3"),
        ("-", "-"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_a_plain_value_has_the_type_of_yaml_1_2(text: str, meant: Any) -> None:
    if text == "-":
        text = "'-'"
    found = value(f"a: {text}\n")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_names_of_members_are_their_text() -> None:
    assert value("no: 1\n1: 2\n1.0: 3\ntrue: 4\n~: 5\n2001-01-01: 6\n") == {
        "no": 1, "1": 2, "1.0": 3, "true": 4, "~": 5, "2001-01-01": 6,
    }  # fmt: skip


def test_anchors_and_merge_keys_are_read() -> None:
    text = "base: &b {x: 1, y: 1}\nmore: &m {y: 2, z: 2}\n"
    text += "a: {<<: *b, x: 9}\nb: {<<: [*m, *b]}\nc: *b\nd: {'<<': 1}\ne: {z: 0, <<: *m}\n"
    found = value(text)
    assert found["a"] == {"x": 9, "y": 1}
    assert found["b"] == {"x": 1, "y": 2, "z": 2}
    assert found["c"] == {"x": 1, "y": 1}
    assert found["d"] == {"<<": 1}
    assert found["e"] == {"y": 2, "z": 0}


words = st.text(st.characters(codec="utf-8", exclude_characters="\x85"), max_size=8)
words = words.filter(lambda text: text[:1] not in {*"+-.0123456789"} or not text)
"""Texts but for what PyYAML itself cannot read back: U+0085 ends a line in YAML 1.1, and quotes are
left out where only YAML 1.2 reads a number, as in ``0E0``."""
tree = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc: #-'\"\n", max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(tree, st.booleans())
def test_what_pyyaml_writes_is_read_back(written: Any, flow: object) -> None:
    text = yaml.safe_dump({"v": written}, default_flow_style=bool(flow), allow_unicode=True)
    assert value(text) == {"v": written}


NINES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("a: 1\nb: 2\na: 3\n", 'line 3, column 1: the member "a" stands twice'),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1, column 4: the tag"),
        ("a: !!binary aGk=\n", "line 1, column 4: the tag"),
        ("a: !secret x\n", "line 1, column 4: the tag !secret is not read"),
        ("a: !!set {b, c}\n", "line 1, column 4: the tag"),
        ("!!str k: 1\n!odd j: 1\n", "line 2, column 1: the tag !odd"),
        ("a: !!int x\n", "line 1, column 4: 'x' is no !!int"),
        ("a: !!bool 1\n", "line 1, column 4: '1' is no !!bool"),
        (NINES, "its aliases repeat more than 67,108,864 characters"),
        ("a: &a [*a]\n", "line 1, column 8: *a is inside of itself"),
        ("a: *b\n", "line 1, column 4: *b names nothing"),
        ("a: [1, 2\n", "not YAML: line 2, column 1"),
        ("a: 'x\n", "not YAML: line 2, column 1: found unexpected end of stream"),
        ('a: "x\ny"z: 1\n', "not YAML: line 2"),
        ("a: b: c\n", "not YAML: line 1, column 5"),
        ("a:\n\t- b\n", "not YAML: line 2, column 1"),
        ("a: \x01\n", "not YAML: "),
        ("[" * 200, "line 1, column 101: nested deeper than 100"),
        ("? [a]\n: b\n", "line 1, column 3: the name of a member is not a plain value"),
        ("a: &a {}\n*a : b\n", "line 2, column 1: the name of a member is not a plain value"),
        ("a: {<<: 1}\n", "<< merges mappings only"),
        (f"a: {'9' * 5000}\n", "line 1, column 4: a number is too large"),
        ("a: 1e999\n", "line 1, column 4: a number is too large"),
        (f"a: !!float {'9' * 400}\n", "line 1, column 4: a number is too large"),
        (
            "- &a0 []\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 3000)),
            "nested deeper than 100",
        ),
        ("%TAG !a! tag:x\n" * 2_000 + "---\na: 1\n", "too many %TAG directives"),
        ("%YAML 3.0\n---\na: 1\n", "not YAML: "),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as caught:
        value(text)
    assert reason in str(caught.value)


def test_what_is_not_finite_is_null_and_counted_or_refused() -> None:
    body = b"a: .nan\nb: [-.inf, '.nan', .Inf]\n"
    found = read((body,), "x.yml")
    assert isinstance(found.content, bytes)
    assert json.loads(found.content) == {"a": None, "b": [None, ".nan", None]}
    assert found.notes == ["3 values that are not finite were read as null"]
    with pytest.raises(UnreadableSnapshot, match=r"line 1: \.nan is not finite"):
        value(body.decode(), finite=True)
