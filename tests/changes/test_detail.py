from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from support.strategies import atoms, nested

from archiver.changes.detail import LARGEST, LONGEST, leaves
from archiver.records.jsontext import dump, parse
from archiver.records.model import Leaf
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.records.model import Json

STRICT = Policy()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [Leaf("/f/b", 2, 3)]),
        ({"a": 1}, {"a": 1, "b": None}, [Leaf("/f/b", new=None)]),
        ({"a": 1, "b": None}, {"a": 1}, [Leaf("/f/b", old=None)]),
        ([1, 2, 3], [1, 3], [Leaf("/f/1", old=2)]),
        ([1, 3], [1, 2, 3], [Leaf("/f/1", new=2)]),
        ([{"a": 1}], [{"a": 2}], [Leaf("/f/0/a", 1, 2)]),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, [Leaf("/f/a~1b/~0", 1, 2)]),
        ({"1": "x"}, {"1": "y"}, [Leaf("/f/1", "x", "y")]),
        ({"__x": 1}, {"__x": 2}, [Leaf("/f/__x", 1, 2)]),
        ([True, 5], [1, 5], [Leaf("/f/0", old=True, new=1)]),
        ({"a": None}, {"a": False}, [Leaf("/f/a", old=None, new=False)]),
        ({"a": "x\ny"}, {"a": "x\nz"}, [Leaf("/f/a", "x\ny", "x\nz")]),
        ([1], {"0": 1}, [Leaf("/f", [1], {"0": 1})]),
        ([], [1], [Leaf("/f/0", new=1)]),
    ],
)
def test_the_leaves_that_differ_are_named(old: Json, new: Json, expected: list[Leaf]) -> None:
    assert leaves("f", old, new, STRICT) == tuple(expected)


@pytest.mark.parametrize(("old", "new"), [(1, [1]), ({}, "x"), (None, {}), ("a", "b")])
def test_there_is_nothing_to_explain_unless_both_are_lists_or_objects(old: Json, new: Json) -> None:
    assert leaves("f", old, new, STRICT) is UNSET


def test_what_cannot_be_explained_is_the_whole_field() -> None:
    old, new = ["\ue000true"], [True]
    assert leaves("f", old, new, STRICT) == (Leaf("/f", old, new),)


def test_what_is_too_large_is_the_whole_field() -> None:
    old, new = {"a": "x" * LARGEST, "b": [1]}, {"a": "x" * LARGEST, "b": [2]}
    assert leaves("f", old, new, STRICT) == (Leaf("/f", old, new),)


def test_flat_values_of_any_size_are_explained() -> None:
    old, new = {"a": "x" * LARGEST, "b": 1}, {"a": "x" * LARGEST, "b": 2}
    assert leaves("f", old, new, STRICT) == (Leaf("/f/b", 1, 2),)


def test_a_list_that_is_too_long_to_be_aligned_is_explained_place_by_place() -> None:
    old = list(range(LONGEST + 1))
    found = leaves("f", old, [-1, *old[:-1], -2], STRICT)
    assert isinstance(found, tuple)
    assert len(found) == LONGEST + 2


def test_long_lists_of_repeated_values_are_explained_soon() -> None:
    found = leaves("f", [1, 2] * 8000, [2, 1, 1] * 5000, STRICT)
    assert isinstance(found, tuple)


def test_the_path_of_an_escaped_field_begins_with_its_pointer() -> None:
    assert leaves("a/b", [1], [2], STRICT) == (Leaf("/a~1b/0", 1, 2),)


def test_sets_are_explained_in_canonical_order_without_what_is_volatile() -> None:
    policy = Policy(sets=("f.tags",), volatile=("f.seen",))
    old = {"seen": 1, "tags": ["b", "a"]}
    new = {"seen": 2, "tags": ["c", "b", "a"]}
    assert leaves("f", old, new, policy) == (Leaf("/f/tags/2", new="c"),)


values = st.recursive(atoms, nested, max_leaves=8)
two_holders = st.tuples(nested(values), nested(values))


@given(two_holders)
def test_each_leaf_is_found_where_it_is_said_to_be(two: tuple[Json, Json]) -> None:
    old, new = (parse(dump(value)) for value in two)
    found = leaves("f", old, new, STRICT) if dump(old) != dump(new) else ()
    assert isinstance(found, tuple)
    for leaf in found:
        if leaf.new is UNSET:
            assert dump(at(old, leaf.path)) == dump(leaf.old)
        else:
            assert dump(at(new, leaf.path)) == dump(leaf.new)


def at(value: Json, pointer: str) -> Json:
    """Resolve an RFC 6901 pointer that begins with the field's name."""
    for step in pointer.split("/")[2:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


FILES = [{"name": f"part-{number}", "size": number, "tags": ["a"]} for number in range(20)]
NEW = {"name": "readme", "size": 7, "tags": []}


@pytest.mark.parametrize("place", [0, 7, 20])
@pytest.mark.parametrize("around", [lambda files: files, lambda files: {"v": {"files": files}}])
def test_an_insertion_into_a_list_of_objects_is_one_leaf(
    place: int, around: Callable[[list[Any]], Any]
) -> None:
    longer = [*FILES[:place], NEW, *FILES[place:]]
    (added,) = cast("tuple[Leaf, ...]", leaves("f", around(FILES), around(longer), Policy()))
    assert (added.new, added.old) == (NEW, UNSET)
    assert added.path.endswith(f"/{place}")
    (gone,) = cast("tuple[Leaf, ...]", leaves("f", around(longer), around(FILES), Policy()))
    assert (gone.new, gone.old) == (UNSET, NEW)


def test_a_changed_object_beside_an_insertion_names_the_member() -> None:
    changed = [FILES[0] | {"size": 99}, NEW, *FILES[1:]]
    found = cast("tuple[Leaf, ...]", leaves("f", FILES, changed, Policy()))
    assert [(leaf.path, leaf.old, leaf.new) for leaf in found] == [
        ("/f/0/size", 0, 99),
        ("/f/1", UNSET, NEW),
    ]
