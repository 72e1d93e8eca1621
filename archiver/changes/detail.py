"""Name the nested values that differ; DeepDiff finds them, its silence is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from archiver.records.jsontext import dump
from archiver.records.model import Leaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Json
    from archiver.records.policy import Policy

LARGEST = 1 << 16
"""Most bytes of canonical text that are explained; DeepDiff's time grows with the square."""
LONGEST = 100
"""Longest list whose elements are aligned; 1,600 with repeats took 23 s (difflib is cubic)."""

_MARKS = {True: "\ue000true", False: "\ue000false"}


def leaves(name: str, old: Json, new: Json, policy: Policy) -> tuple[Leaf, ...] | UnsetType:
    """Return the leaves that differ between two values of the field `name`.

    Where the values are not both lists or objects there is nothing to explain. Elements of a
    set have the index that they have in canonical order. In a list of at most `LONGEST`
    elements an insertion is one leaf, in a longer one every place that holds another value.
    The answer is never empty: what cannot be explained is one leaf, the whole field.
    """
    if not isinstance(old, (dict, list)) or not isinstance(new, (dict, list)):
        return UNSET
    before, after = policy.steady((name,), old), policy.steady((name,), new)
    whole = (Leaf(_pointer(name, ()), old, new),)
    if type(old) is not type(new) or len(dump(before)) + len(dump(after)) > LARGEST:
        return whole
    found = _differences(name, before, after)
    return tuple(sorted(found, key=lambda leaf: leaf.path)) or whole


def _differences(name: str, old: Json, new: Json) -> Iterator[Leaf]:
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
                yield Leaf(_pointer(name, before), old=_at(old, before))
            elif kind.endswith("_added"):
                yield Leaf(_pointer(name, after), new=_at(new, after))
            else:
                yield Leaf(_pointer(name, after), _at(old, before), _at(new, after))


def _is_long(value: Json) -> bool:
    """Say whether a list that is too long to be aligned stands anywhere in `value`."""
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


def _pointer(name: str, path: Iterable[Any]) -> str:
    """Return the RFC 6901 pointer of a nested value."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in (name, *path))
    return "".join(f"/{step}" for step in steps)
