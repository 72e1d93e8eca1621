"""Name the nested values that differ: DeepDiff finds them, but its silence proves nothing.

Flat values (a list of tags, an object of prices) are compared here: DeepDiff takes 0.5 ms for
each, which made a streamed comparison of 100,000 records three times as slow.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType

from archiver.records.jsontext import dump
from archiver.records.model import Leaf, pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Json
    from archiver.records.policy import Policy

LARGEST = 1 << 16
"""Most bytes of canonical text that are explained; DeepDiff's time grows with the square."""
LONGEST = 100
"""Longest list whose elements are aligned; 1,600 with repeats took 23 s (difflib is cubic)."""

_Path: TypeAlias = "tuple[Any, ...]"
_NESTED = frozenset((dict, list))
_MARKS = {True: "\ue000true", False: "\ue000false"}


def leaves(name: str, old: Json, new: Json, policy: Policy) -> tuple[Leaf, ...] | UnsetType:
    """Return the leaves that differ between two values of the field `name`.

    Where the values are not both lists or objects there is nothing to explain. Elements of a
    set have the index that they have in canonical order. A list in another order is one leaf. In
    a list of at most `LONGEST` elements an insertion is one leaf, in a longer one every place
    that holds another value.
    The answer is never empty: what cannot be explained is one leaf, the whole field.
    """
    if type(old) not in _NESTED or type(new) not in _NESTED:
        return UNSET
    before, after = policy.steady((name,), old), policy.steady((name,), new)
    found: list[Leaf] = []
    if type(old) is type(new):
        kinds = _kinds(before, after)
        if kinds.isdisjoint(_NESTED):
            found = list(_flat((name,), before, after, marked=bool in kinds))
        elif len(dump(before)) + len(dump(after)) <= LARGEST:
            found = sorted(_deep((name,), before, after), key=lambda leaf: leaf.path)
    return tuple(found) or (Leaf(pointer(name), old, new),)


def is_reordered(old: Json, new: Json) -> bool:
    """Say whether two values that differ are lists of the same elements in another order."""
    if type(old) is not list or type(new) is not list or len(old) != len(new):
        return False
    try:
        may_be = set(old) == set(new)
    except TypeError:  # lists or objects are among the elements
        may_be = True
    return may_be and sorted(map(dump, old)) == sorted(map(dump, new))


def _kinds(old: Json, new: Json) -> set[type]:
    """Return the types of the members of two lists or two objects."""
    return {*map(type, _members(old)), *map(type, _members(new))}


def _members(value: Json) -> Iterable[Json]:
    return value.values() if type(value) is dict else value


def _flat(path: _Path, old: Json, new: Json, *, marked: bool) -> Iterator[Leaf]:
    """Compare two objects or two lists that hold neither lists nor objects."""
    if is_reordered(old, new):
        yield Leaf(pointer(*path), old, new)
        return
    before, after = (_marked(old), _marked(new)) if marked else (old, new)
    for place, other in (_same_names if type(old) is dict else _aligned)(before, after):
        yield from _sides(path, old, new, place, other)


def _same_names(old: dict[str, Json], new: dict[str, Json]) -> Iterator[tuple[Any, Any]]:
    """Yield the names of the members that differ; None on the side where there is none."""
    for name in sorted({**old, **new}):
        if name not in new:
            yield name, None
        elif name not in old:
            yield None, name
        elif old[name] != new[name]:
            yield name, name


def _aligned(old: list[Json], new: list[Json]) -> Iterator[tuple[Any, Any]]:
    """Yield the places of the elements that differ; None on the side where there is none."""
    start, end = _common(old, new)
    olds, news = range(start, len(old) - end), range(start, len(new) - end)
    if max(len(olds), len(news)) > LONGEST:
        yield from ((a, b) for a, b in zip_longest(olds, news) if not _is_same(old, a, new, b))
        return
    a, b = start, start
    for next_a, next_b in [*_subsequence(old, new, olds, news), (olds.stop, news.stop)]:
        yield from zip_longest(range(a, next_a), range(b, next_b))
        a, b = next_a + 1, next_b + 1


def _common(old: list[Json], new: list[Json]) -> tuple[int, int]:
    """Return how many elements two lists share at the start, and at the end behind those."""
    shortest = min(len(old), len(new))
    start = end = 0
    while start < shortest and old[start] == new[start]:
        start += 1
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def _subsequence(
    old: list[Json], new: list[Json], olds: range, news: range
) -> Iterator[tuple[int, int]]:
    """Yield the places of a longest common subsequence; difflib takes four times as long."""
    if not olds or not news:
        return
    longest = [[0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i, a in enumerate(reversed(olds), 1):
        row, above, value = longest[i], longest[i - 1], old[a]
        for j, b in enumerate(reversed(news), 1):
            row[j] = above[j - 1] + 1 if value == new[b] else max(above[j], row[j - 1])
    i, j = len(olds), len(news)
    while i and j:
        a, b = olds.stop - i, news.stop - j
        if old[a] == new[b]:
            yield a, b
            i, j = i - 1, j - 1
        elif longest[i - 1][j] >= longest[i][j - 1]:
            i -= 1
        else:
            j -= 1


def _is_same(old: list[Json], place: int | None, new: list[Json], other: int | None) -> bool:
    return place is not None and other is not None and old[place] == new[other]


def _deep(path: _Path, old: Json, new: Json) -> Iterator[Leaf]:
    """Compare two lists or two objects that may hold lists or objects.

    Elements of lists are aligned by their canonical texts: DeepDiff compares lists of objects
    place by place, so that one insertion changed every later element.
    """
    kinds = _kinds(old, new)
    if kinds.isdisjoint(_NESTED):
        yield from _flat(path, old, new, marked=bool in kinds)
    elif is_reordered(old, new):
        yield Leaf(pointer(*path), old, new)
    elif type(old) is list:
        for a, b in _aligned([*map(dump, old)], [*map(dump, new)]):
            yield from _sides(path, old, new, a, b)
    elif _holds_objects(old) or _holds_objects(new):
        texts = ({key: dump(value) for key, value in each.items()} for each in (old, new))
        for a, b in _same_names(*texts):
            yield from _sides(path, old, new, a, b)
    else:
        yield from _explained(path, old, new)


def _sides(path: _Path, old: Any, new: Any, place: Any, other: Any) -> Iterator[Leaf]:
    """Compare the members at two places; None on the side where there is none."""
    if other is None:
        yield Leaf(pointer(*path, place), old=old[place])
    elif place is None:
        yield Leaf(pointer(*path, other), new=new[other])
    elif type(old[place]) in _NESTED and type(old[place]) is type(new[other]):
        yield from _deep((*path, other), old[place], new[other])
    else:
        yield Leaf(pointer(*path, other), old[place], new[other])


def _holds_objects(value: Json) -> bool:
    """Say whether a list with lists or objects in it is anywhere in `value`."""
    if isinstance(value, list):
        return not _NESTED.isdisjoint(map(type, value)) or any(map(_holds_objects, value))
    return isinstance(value, dict) and any(map(_holds_objects, value.values()))


def _explained(path: _Path, old: Json, new: Json) -> Iterator[Leaf]:
    from deepdiff import DeepDiff

    tree = DeepDiff(
        _marked(old),
        _marked(new),
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        zip_ordered_iterables=_is_long(old) or _is_long(new),
    )
    for kind, items in tree.items():
        for item in items:
            before = item.path(output_format="list")
            after = item.path(output_format="list", use_t2=True)
            if kind.endswith("_removed"):
                yield Leaf(pointer(*path, *before), old=_at(old, before))
            elif kind.endswith("_added"):
                yield Leaf(pointer(*path, *after), new=_at(new, after))
            else:
                yield Leaf(pointer(*path, *after), _at(old, before), _at(new, after))


def _is_long(value: Json) -> bool:
    """Say whether `value` contains a list that is too long to be aligned."""
    if isinstance(value, dict):
        return any(map(_is_long, value.values()))
    return isinstance(value, list) and (len(value) > LONGEST or any(map(_is_long, value)))


def _marked(value: Json) -> Json:
    """Return a copy in which booleans are no numbers: DeepDiff takes ``[True]`` for ``[1]``."""
    if isinstance(value, dict):
        return {name: _marked(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_marked(member) for member in value]
    return _MARKS[value] if isinstance(value, bool) else value


def _at(value: Json, path: Iterable[Any]) -> Json:
    for step in path:
        value = value[step]
    return value
