"""Patterns mean what they mean to git, and files are known by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.git import new_repository, run_git

from archiver.records.folder import compiled, fixed_part, name_of, within

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = [
    *("**/**/*.json", "r/**/**/**", "**/**"),
    *("*.json", "r/*.json", "**/*.json", "r/**/*.json", "r/**", "**", "r/?.json", "r/[ab].json"),
    *("r/[!a].json", "r/[^a].json", "r/[a-b]*.json", "r/a**.json", r"r/\[x\].json", "r/[]x].json"),
    *("r/*/*.json", "*/**/b.json", "r/[.]x.json", "*"),
]
PATHS = [
    *("a.json", "r/a.json", "r/b.json", "r/s/a.json", "r/s/t/b.json", "r/[x].json", "r/].json"),
    *("r/.x.json", "q/a.json", "r/ab.json", "r/a.toml", "q/b.json", "r/x.json", "r/a/a.json"),
]


def test_a_folder_on_this_machine_is_listed_as_git_lists_it(tmp_path: Path) -> None:
    folder = new_repository(tmp_path / "repo")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}")
    run_git(folder, "add", "--all")
    for pattern in PATTERNS:
        listed = run_git(folder, "ls-files", "-z", "--", f":(top,glob){pattern}").split("\0")
        wanted = compiled(pattern)
        assert {each for each in PATHS if wanted.fullmatch(each)} == {*filter(None, listed)}, (
            pattern
        )


@given(st.text(alphabet="ab/*?[]!^-\\.", max_size=12), st.text(alphabet="ab/.", max_size=8))
def test_no_pattern_fails_in_another_way(pattern: str, path: str) -> None:
    try:
        compiled(pattern).fullmatch(path)
    except re.error:
        assert "[" in pattern


@pytest.mark.parametrize(
    ("pattern", "fixed", "path", "name"),
    [
        ("releases/*.json", "releases/", "releases/python.json", "python"),
        ("*.json", "", "a.json", "a"),
        ("p/*/models/*.toml", "p/", "p/openai/models/gpt-4.1.toml", "openai/models/gpt-4.1"),
        ("d/**/*.json", "d/", "d/x/y.json", "x/y"),
        ("d/x*/a.json", "d/", "d/x1/a.json", "x1/a"),
        ("d/*", "d/", "d/a.json.gz", "a"),
        ("d/*", "d/", "d/gpt-4.1", "gpt-4.1"),
        ("d/*.jsn", "d/", "d/a.jsn", "a"),
        ("d/*", "d/", "d/.json", ".json"),
    ],
)
def test_a_file_is_known_by_its_path_without_suffix(
    pattern: str, fixed: str, path: str, name: str
) -> None:
    assert fixed_part(pattern) == fixed
    assert name_of(path, pattern, (".json", ".toml")) == name


@pytest.mark.parametrize(
    ("records", "way"),
    [
        (None, ".{}"),
        (".", ".{}"),
        (".{}", ".{}"),
        (".{file}", ".{file}"),
        (".{file}[]", ".{file}[]"),
        (".[]", ".{}[]"),
        ("models", ".{}.models"),
        ("a.b{}", ".{}.a.b{}"),
        (".[].models", ".{}[].models"),
        (".[]=id,v", ".{}[]=id,v"),
    ],
)
def test_a_path_begins_at_the_folder_or_in_each_file(records: str | None, way: str) -> None:
    assert within(records) == way
    assert within(way) == way


def test_many_wild_folders_in_a_row_are_one() -> None:
    wanted = compiled("**/" * 30 + "x.json")
    assert wanted.fullmatch("x.json")
    assert wanted.fullmatch("a/b/x.json")
    assert not wanted.fullmatch("a/" * 100 + "y.json")  # it took years
