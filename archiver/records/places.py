"""Find where the records of a document may be, by its shape.

A large document is looked at in samples: what a sample shows decides, and reading it says the rest.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from archiver.records.model import Json

T = TypeVar("T")

_SUGGESTED: Final = 3
"""Paths that an error suggests; where more are possible, nothing can be told from the shape."""
_DEPTH: Final = 4
_FEWEST: Final = 5
"""Plain values that are taken for records: an error body such as ``{"message": …}`` has fewer."""
_MOST: Final = 300
"""Members of a large array or object that are looked at."""
_SMALL: Final = 1 << 16
"""Bytes up to which a value is decoded whole."""
_PASTED: Final = re.compile(r"[\w-]{1,60}")
"""Member names that an error suggests: a person pastes them into a file or a shell."""
_MARKS: Final = frozenset('.[]{}="^')
_NAMES_OF_FIELDS: Final = ("id", "name", "fieldName")
_BESIDE: Final = frozenset(
    (
        *("included", "links", "errors", "error", "warnings", "meta", "metadata", "facets"),
        *("fields", "columns", "aggregations", "pagination", "paging", "filters", "messages"),
    )
)
"""Arrays that answers of APIs have beside the records."""
_PARTS: Final = frozenset(
    (
        *("assets", "files", "versions", "releases", "authors", "maintainers", "contributors"),
        *("tags", "images", "links", "dependencies", "history", "changes", "prices", "labels"),
    )
)
"""Arrays in a record that are a part of it, however long they are."""
_IDENTITIES: Final = frozenset(("id", "name", "key", "slug", "uuid", "sku", "host", "hostname"))
_ELEMENTS: Final = 3
"""Elements for each group, at least, that make groups of what could be records."""
_SHARE: Final = 0.5
_ALIKE: Final = 0.5
_NEARLY: Final = 0.9
_DWARF: Final = 20
"""How many times as long as any other an array is that no other is taken for records beside."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class Place(NamedTuple):
    """Where records may be.

    Attributes:
        records: The path.
        reason: What is there.
    """

    records: str
    reason: str


class Places(NamedTuple):
    """What the shape of a document says.

    Attributes:
        found: The places, the likeliest first.
        sure: Whether only the first one can be meant.
    """

    found: tuple[Place, ...] = ()
    sure: bool = False


class _Some(list["Json"]):
    """A sample of an array."""

    total: int


class _Named(dict[str, "Json"]):
    """A sample of the members of an object."""

    total: int


def places(body: bytes) -> Places:
    """Return where the records of a document, as JSON text, may be."""
    try:
        value = _sampled(body.strip())
    except UNREADABLE:
        return Places()
    found = _in_list(value, "") if isinstance(value, list) else _in_object(value, "", _DEPTH)
    return Places(tuple({each.records: each for each in found.found}.values()), found.sure)


def did_you_mean(body: bytes, given: str) -> str:
    """Return a question that names the paths at which the records may be; empty: no idea.

    Args:
        body: The document.
        given: The path that was tried.
    """
    paths = [each.records for each in places(body).found]
    if not paths or len(paths) > _SUGGESTED or given in paths or not all(map(_is_pasted, paths)):
        return ""
    *others, last = (f'"{path}"' for path in paths)
    listed = sentence("{others} or {last}", others=", ".join(others), last=last) if others else last
    return sentence("did you mean records = {listed}? ", listed=listed)


def spread(values: Sequence[T], most: int) -> Sequence[T]:
    """Return at most so many of `values`, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return values
    return [values[place * (len(values) - 1) // (most - 1)] for place in range(most)]


def _is_pasted(path: str) -> bool:
    names = re.split(r"[][{}.=^,0]+", path)
    return all(_PASTED.fullmatch(name) for name in names if name)


def _sampled(text: bytes | msgspec.Raw) -> Json:
    """Decode a value; of a large array or object, some members."""
    raw = memoryview(text)  # a copy of a large array takes longer than to look into it
    start = bytes(raw[:1])
    if raw.nbytes <= _SMALL or start not in (b"[", b"{"):
        try:
            return msgspec.json.decode(raw)
        except UNREADABLE:  # perhaps one record of it cannot be read
            if start not in (b"[", b"{"):
                raise
    if start == b"[":
        parts = _ARRAY.decode(raw)
        some = _Some()
        for part in spread(parts, _MOST):
            with suppress(*UNREADABLE):
                some.append(_sampled(part))
        some.total = len(parts)
        return some
    members = _OBJECT.decode(raw)
    named = _Named()
    for name in spread([*members], _MOST):
        with suppress(*UNREADABLE):
            named[name] = _sampled(members[name])
    named.total = len(members)
    return named


def _total(value: Collection[Json]) -> int:
    return value.total if isinstance(value, (_Some, _Named)) else len(value)


def _in_list(value: Any, path: str) -> Places:
    """Return what an array holds, which is at `path`."""
    place = path or "."
    if objects := _objects_of(value):
        found = Place(place, sentence("an array of objects"))
        inner = _groups(objects)
        if inner is None:
            return Places((found,), sure=True)
        return Places((*_grouped(objects, inner, place), found), sure=True)
    if _all(value, str):
        reason = sentence("an array of names")
        return Places((Place(f"{place}[]=id", reason),), sure=len({*value}) == len(value))
    if _is_table(value) and len(value) > 1 and _are_names(value[0]):
        reason = sentence("rows below a header")
        return Places((Place(f"{place}[]=[0]", reason),), sure=True)
    return Places()


def _grouped(objects: list[Json], inner: str, path: str) -> list[Place]:
    """Return the places below groups, the deepest first: groups may be in groups."""
    way = f"{path}[].{_step(inner)}"
    found = [Place(way, sentence("arrays of objects, in groups"))]
    below = [element for each in objects for element in _objects_of(each.get(inner))]
    deeper = _groups(below) if below else None
    return found if deeper is None else [*_grouped(below, deeper, way), *found]


def _in_object(value: Json, path: str, depth: int) -> Places:
    """Return what an object holds, which is at `path`."""
    if not isinstance(value, dict) or depth == 0:
        return Places()
    held = {name: each for name, each in value.items() if isinstance(each, (list, dict)) and each}
    if not held:
        return _values(value, path)
    tables = (*_tables(held, path),)
    if tables:
        return Places(tables, sure=len(tables) == 1)
    found = _arrays(value, held, path)
    if found.found:
        return found
    below = _below(held, path, depth)
    names = (name for name, each in held.items() if _all(each, str))
    lists = (_in_list(held[name], _joined(path, name)) for name in names)
    found_lists = tuple(place for each in lists for place in each.found)
    if below.found:
        return Places((*below.found, *found_lists), below.sure)
    return Places(found_lists, sure=len(found_lists) == 1 and len(held) == 1)


def _values(value: dict[str, Json], path: str) -> Places:
    """Return the plain values that are members of an object, where they are alike."""
    kinds = {*map(type, value.values())}
    if len(value) < _FEWEST or len(kinds) != 1 or kinds & {list, dict, type(None)}:
        return Places()
    reason = sentence("values by name")
    return Places((Place(f"{path or '.'}{{}}=value", reason),), sure=True)


def _arrays(value: dict[str, Json], held: dict[str, Json], path: str) -> Places:
    """Return the arrays of objects, and the objects of alike objects, that an object holds."""
    lists = {name: each for name, each in held.items() if _objects_of(each)}
    tables = {name: each for name, each in held.items() if _is_map(each)}
    if len(lists) == len(held) > 1:
        return _lists(lists, path, others=len(value) - len(held))
    if not lists and len(held) > 1 and len(tables) in (0, len(held)) and _are_objects(held):
        return _objects(held, path)
    records = {name: each for name, each in (lists | tables).items() if name not in _BESIDE}
    if not records:
        return Places()
    found = [_in_member(each, _joined(path, name)) for name, each in records.items()]
    return _best(records, found)


def _in_member(value: Any, path: str) -> Places:
    return _in_list(value, path) if isinstance(value, list) else _objects(value, path)


def _best(records: dict[str, Json], found: list[Places]) -> Places:
    """Return the places of several members; sure where one of them dwarfs the others."""
    ranked = sorted(zip(records.values(), found, strict=True), key=lambda each: -_total(each[0]))
    flat = tuple(place for _, each in ranked for place in each.found)
    first, *others = ranked
    largest = max((_total(each) for each, _ in others), default=0)
    sure = first[1].sure and (not others or _total(first[0]) >= _DWARF * max(largest, _FEWEST))
    return Places(flat, sure)


def _lists(lists: dict[str, Json], path: str, *, others: int) -> Places:
    """Return the places in an object that holds nothing but arrays of objects."""
    records = {name: each for name, each in lists.items() if name not in _BESIDE}
    found = [_in_list(each, _joined(path, name)) for name, each in records.items()]
    one_by_one = _best(records, found) if records else Places()
    members = [element for each in lists.values() for element in _objects_of(each)]
    reason = sentence("arrays of objects, in groups")
    together = Place(f"{path or '.'}{{group}}[]", reason)
    if len(lists) >= _ELEMENTS and not others and records == lists and _are_alike(members):
        return Places((together,), sure=True)
    if len(lists) >= _SUGGESTED and len(records) != 1:
        return Places((together, *one_by_one.found))
    return Places((*one_by_one.found, together), one_by_one.sure)


def _objects(held: dict[str, Json], path: str) -> Places:
    """Return the places in an object whose members are objects."""
    place = path or "."
    values = [each for each in held.values() if isinstance(each, dict)]
    found = Place(f"{place}{{}}", sentence("objects by name"))
    members = [member for each in values for member in each.values()]
    if _all(members, dict):
        reason = sentence("objects by name, in groups")
        together = Place(f"{place}{{group}}{{}}", reason)
        if len(members) >= _ELEMENTS * len(values) and _are_alike(members):
            return Places((together, found), sure=True)
        return Places((found, together), sure=False)
    inner = _groups(values)
    if inner is not None:
        held_there = next(each[inner] for each in values if each.get(inner))
        marks = "[]" if isinstance(held_there, list) else "{}"
        reason = sentence("arrays of objects, in groups")
        way = f"{place}{{group}}.{_step(inner)}{marks}"
        return Places((Place(way, reason), found), sure=True)
    return Places((found,), sure=_are_alike(values))


def _below(held: dict[str, Json], path: str, depth: int) -> Places:
    """Return the places in the members of an object."""
    found = [
        _in_object(each, _joined(path, name), depth - 1)
        for name, each in held.items()
        if isinstance(each, dict)
    ]
    there = [each for each in found if each.found]
    records = [each for each in there if not each.found[0].records.endswith("[]=id")] or there
    others = [each for each in there if each not in records]
    places = tuple(place for each in (*records, *others) for place in each.found)
    return Places(places, sure=len(records) == 1 and records[0].sure)


def _groups(values: Sequence[Json]) -> str | None:
    """Return the member that holds the records, where objects are groups; None: they are not.

    That is a member of most of them, makes most of their text, and its own members have a name.
    """
    names: Counter[str] = Counter(
        name for each in values for name, held in each.items() if _holds(name, held)
    )
    for name, number in names.most_common(1):
        inner = [each[name] for each in values if _holds(name, each.get(name))]
        many = sum(map(_total, inner))
        if number * 4 < len(values) * 3 or many < _ELEMENTS * len(values):
            return None
        if _weight(inner) >= _SHARE * _weight(values):
            return name
    return None


def _holds(name: str, value: Json) -> bool:
    if name in _PARTS or not isinstance(value, (list, dict)) or not value:
        return False
    if isinstance(value, dict):
        return _is_map(value)
    return _all(value, dict) and all(_IDENTITIES & each.keys() for each in value)


def _weight(values: Iterable[Json]) -> int:
    return sum(map(len, map(msgspec.json.encode, values)))


def _is_map(value: Json) -> bool:
    """Tell whether an object holds objects that are alike, so that its names are keys."""
    return (
        isinstance(value, dict)
        and len(value) > 1
        and _all([*value.values()], dict)
        and (_are_alike([*value.values()]))
    )


def _are_objects(held: dict[str, Json]) -> bool:
    values = [*held.values()]
    return _all(values, dict) and (
        _are_alike(values) or _all([member for each in values for member in each.values()], dict)
    )


def _are_alike(values: Sequence[dict[str, Json]]) -> bool:
    """Tell whether objects have most of their fields in common."""
    counts = Counter(name for each in values for name in each)
    common = sum(number for number in counts.values() if number * 2 > len(values))
    return common >= _ALIKE * counts.total()


def _tables(held: dict[str, Json], path: str) -> Iterator[Place]:
    """Yield the rows whose header is a member beside them."""
    for rows, table in held.items():
        for header, names in held.items():
            if not _is_table(table) or not isinstance(names, list) or len(names) != len(table[0]):
                continue
            start = f"{_joined(path, rows)}[]=^.{_step(header)}"
            reason = sentence("rows beside a header")
            if _are_names(names):
                yield Place(start, reason)
            elif _all(names, dict):
                for field in _NAMES_OF_FIELDS:
                    if _are_names([each.get(field) for each in names]):
                        yield Place(f"{start}[].{field}", reason)
                        break


def _joined(path: str, name: str) -> str:
    return f"{path}.{_step(name)}" if path else _step(name)


def _step(name: str) -> str:
    """Return a member name as a path has it, in printable characters."""
    if not name.isprintable():
        return json.dumps(name)
    return msgspec.json.encode(name).decode() if _MARKS & {*name} or not name else name


def _objects_of(value: Json) -> list[Json]:
    """Return the objects of an array in which nearly everything is one; empty: it is none."""
    found = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return found if len(found) >= _NEARLY * len(value) else []


def _all(value: Json, kind: type) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(issubclass(type(each), kind) for each in value)
    )


def _is_table(value: Json) -> bool:
    return _all(value, list) and len({*map(len, value)}) == 1 and bool(value[0])


def _are_names(value: list[Json]) -> bool:
    return _all(value, str) and len({*value}) == len(value)
