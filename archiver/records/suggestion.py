"""Suggest the path of the records of a document, where its shape says it.

Only read after an error: what is suggested is never applied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Json

_MOST: Final = 3
"""Paths that are suggested; where more are possible, nothing can be told from the shape."""
_DEPTH: Final = 3
_FEWEST: Final = 5
"""Plain values that are taken for records: an error body such as ``{"message": …}`` has fewer."""
_NAME: Final = re.compile(r"[\w-]{1,60}")
"""Member names that are suggested: a person pastes them into a file or a shell."""
_NAMES_OF_FIELDS: Final = ("id", "name", "fieldName")


def did_you_mean(body: bytes, given: str) -> str:
    """Return a question that names the paths at which the records may be; empty: no idea.

    Args:
        body: The document.
        given: The path that was tried.
    """
    try:
        document = msgspec.json.decode(body)
    except UNREADABLE:
        return ""
    paths = list(dict.fromkeys(_paths(document, "", _DEPTH)))
    if not paths or len(paths) > _MOST or given in paths:
        return ""
    *others, last = (f'"{path}"' for path in paths)
    listed = sentence("{others} or {last}", others=", ".join(others), last=last) if others else last
    return sentence("did you mean records = {listed}? ", listed=listed)


def _paths(value: Json, place: str, depth: int) -> Iterator[str]:
    """Yield the paths of what may be records in `value`, which is at the path `place`."""
    if isinstance(value, list):
        yield from _in_list(value, place or ".")
        return
    if not isinstance(value, dict) or depth == 0:
        return
    held = {name: each for name, each in value.items() if isinstance(each, (list, dict)) and each}
    if not held:
        kinds = {*map(type, value.values())}
        if len(value) >= _FEWEST and len(kinds) == 1 and not kinds & {list, dict, type(None)}:
            yield f"{place or '.'}{{}}=value"
        return
    found = [*_tables(held, place)] or [*_lists(held, place)] or [*_objects(held, place)]
    if not found:
        for name, each in held.items():
            if _NAME.fullmatch(name):
                found += _paths(each, _joined(place, name), depth - 1)
    yield from found


def _in_list(value: list[Json], place: str) -> Iterator[str]:
    if _all(value, dict):
        yield place
    elif _all(value, str):
        yield f"{place}[]=id"
    elif _is_table(value) and len(value) > 1 and _are_names(value[0]):
        yield f"{place}[]=[0]"


def _tables(held: dict[str, Json], place: str) -> Iterator[str]:
    """Yield the rows whose header is a member beside them."""
    for rows, table in held.items():
        for header, names in held.items():
            if not (_NAME.fullmatch(rows) and _NAME.fullmatch(header) and _is_table(table)):
                continue
            if not isinstance(names, list) or len(names) != len(table[0]):
                continue
            if _are_names(names):
                yield f"{_joined(place, rows)}[]=^.{header}"
            elif _all(names, dict):
                for field in _NAMES_OF_FIELDS:
                    if _are_names([each.get(field) for each in names]):
                        yield f"{_joined(place, rows)}[]=^.{header}[].{field}"
                        break


def _lists(held: dict[str, Json], place: str) -> Iterator[str]:
    """Yield the lists of objects, and the groups that they may be."""
    lists = [name for name, each in held.items() if _all(each, dict)]
    if len(lists) < _MOST:
        yield from (_joined(place, name) for name in lists if _NAME.fullmatch(name))
    if len(lists) == len(held) > 1:
        yield f"{place or '.'}{{group}}[]"


def _objects(held: dict[str, Json], place: str) -> Iterator[str]:
    """Yield the object whose members are objects, and the groups that they may be."""
    if len(held) > 1 and all(isinstance(each, dict) for each in held.values()):
        yield f"{place or '.'}{{}}"
        members = [each for group in held.values() for each in group.values()]
        if _all(members, dict):
            yield f"{place or '.'}{{group}}{{}}"


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _all(value: Json, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is kind for each in value)


def _is_table(value: Json) -> bool:
    return _all(value, list) and len({*map(len, value)}) == 1 and bool(value[0])


def _are_names(value: list[Json]) -> bool:
    return _all(value, str) and len({*value}) == len(value)
