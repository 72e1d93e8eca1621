"""A configured source is made from a name, its settings, and nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from archiver.errors import ConfigError
from archiver.sources import KINDS, create
from archiver.sources.json_document import JsonSource

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
from archiver.sources import Source

class Mine(Source):
    def plan(self, ledger):
        return ()

    def parse(self, page):
        raise NotImplementedError

number = 1
"""


def test_json_is_built_in(tmp_path: Path) -> None:
    assert "json" in KINDS.available()
    assert KINDS.find("json", folder=tmp_path) is JsonSource


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("jsn", 'unknown type of source "jsn"; did you mean "json"?'),
        ("", 'unknown type of source ""'),
        ("json:", 'unknown type of source "json:"; did you mean "json"?'),
        ("absent_module:Class", "absent_module:Class: No module named 'absent_module'"),
        ("mine_for_mistakes:Absent", "has no attribute 'Absent'"),
        ("mine_for_mistakes:number", "mine_for_mistakes:number is not a source"),
        ("os:system", "os:system is not a source"),
    ],
)
def test_a_type_that_is_none_is_a_mistake(tmp_path: Path, kind: str, words: str) -> None:
    (tmp_path / "mine_for_mistakes.py").write_text(OWN)
    with pytest.raises(ConfigError) as caught:
        create("one", {"type": kind}, base=tmp_path)
    assert words in str(caught.value)
    assert caught.value.hint


def test_settings_that_a_type_does_not_have_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources.one: .*`urll`") as caught:
        create("one", {"type": "json", "url": "a", "urll": "b"}, base=tmp_path)
    known = caught.value.hint.removeprefix("known settings: ").split(", ")
    assert {"except", "key", "records", "total", "url"} <= {*known}
    with pytest.raises(ConfigError, match=r"sources.one: .*required field `url`"):
        create("one", {"type": "json"}, base=tmp_path)


def test_a_class_beside_the_configuration_needs_no_packaging(tmp_path: Path) -> None:
    (tmp_path / "mine_beside.py").write_text(OWN)
    mine = create("one", {"type": "mine_beside:Mine"}, base=tmp_path)
    assert (type(mine).__name__, mine.base) == ("Mine", tmp_path)
    assert str(tmp_path) not in sys.path


def test_a_module_beside_the_configuration_hides_no_installed_one(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit")
    with pytest.raises(ConfigError, match="msgspec:Struct is not a source"):
        create("one", {"type": "msgspec:Struct"}, base=tmp_path)
