"""Show a value in a shell or a notebook: shortly, whatever it holds."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

import msgspec

from archiver.records.text import clip, more, visible

_LONGEST: Final = 200  # characters of a repr
_NESTED: Final = 60  # of one value in it
_DEEPEST: Final = 2
_FEW: Final = 3  # values of a collection
_COLLECTIONS: Final = (tuple, list, frozenset, Mapping)
_ROWS: Final = 20
_CELL: Final = 100  # columns
_EMPTY: Final[tuple[Any, ...]] = (None, "", b"", (), [], {}, msgspec.UNSET)

_PLAIN: Final = reprlib.Repr()
_PLAIN.maxstring = _PLAIN.maxother = _NESTED - 20


def short(value: object, *names: str) -> str:
    """Return a repr of at most 200 characters; a class has it with ``__repr__ = short``.

    Empty fields and those with their default are left out, collections are shown by their size
    unless they hold a few plain values, and fields that a dataclass hides stay hidden.

    Args:
        value: A struct, a dataclass or a named tuple.
        names: The fields to show; none: all, in their order.
    """
    return _fielded(value, names, _LONGEST, 0)


def _fielded(value: object, names: Iterable[str], limit: int, depth: int) -> str:
    """Return the name of the class and the fields, as far as there is room."""
    kind: type = type(value)
    defaults, text = _defaults(kind), f"{kind.__name__}("
    separator = ""
    for name in names or defaults:
        each = getattr(value, name)
        if _is_nothing(each, defaults[name]):
            continue
        text += f"{separator}{name}={_nested(each, depth + 1)}"
        separator = ", "
        if len(text) >= limit:
            return f"{text[: limit - 2]}…)"
    return f"{text})"


@cache
def _defaults(kind: type) -> dict[str, Any]:
    """Return the fields of a class that a repr shows, each with its default; ``...`` is none."""
    if dataclasses.is_dataclass(kind):
        fields = (each for each in dataclasses.fields(kind) if each.repr and each.name[0] != "_")
        return {each.name: each.default for each in fields}
    if issubclass(kind, msgspec.Struct):
        names, defaults = kind.__struct_fields__, kind.__struct_defaults__
        known = dict(zip(reversed(names), reversed(defaults), strict=False))
    else:
        names, known = getattr(kind, "_fields", ()), getattr(kind, "_field_defaults", {})
    return {name: known.get(name, ...) for name in names}


def _is_nothing(value: object, default: object) -> bool:
    """Tell whether a value is empty or its default; large ones are not compared."""
    if isinstance(value, (str, bytes, *_COLLECTIONS)) and len(value) > _NESTED:
        return False
    return any(type(value) is type(each) and value == each for each in (*_EMPTY, default))


def _nested(value: object, depth: int) -> str:
    kind: type = type(value)
    if _defaults(kind):
        return f"{kind.__name__}(…)" if depth >= _DEEPEST else _fielded(value, (), _NESTED, depth)
    if not isinstance(value, _COLLECTIONS):
        return _PLAIN.repr(value)
    few = len(value) <= _FEW and not isinstance(value, Mapping)
    if few and all(isinstance(each, (str, int, float)) for each in value):
        return clip(_PLAIN.repr(value), _NESTED)
    return f"<{len(value):,}>"


def table(caption: str, rows: Iterable[tuple[str, str, str]], total: int) -> str:
    """Return an HTML table for a notebook, without attributes; every word of a cell is escaped.

    Args:
        caption: Stands above.
        rows: Kind, key and what changed of each change; the first 20 are shown.
        total: Number of changes.
    """
    first = [*islice(rows, _ROWS)]
    if total > len(first):
        first.append(("", "", more(total - len(first))))
    body = "\n".join(_row("td", cells) for cells in first)
    head = f"<caption>{_cell(caption)}</caption>\n<thead>{_row('th', ('kind', 'key', 'what'))}"
    return f"<table>\n{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _row(tag: str, cells: tuple[str, str, str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_cell(each)}</{tag}>' for each in cells)}</tr>"


def _cell(text: str) -> str:
    from html import escape  # noqa: PLC0415  its table of entities is large, and for notebooks only

    return escape(clip(visible(text), _CELL))
