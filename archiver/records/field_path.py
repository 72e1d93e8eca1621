"""The path of a field: member names with dots between them, quoted where a name has dots itself.

``meta.id`` is the member ``meta.id`` where there is one, else ``id`` within ``meta``. In quotes, as
in TOML, a name is exactly what it says: ``"meta.id"`` is always that one member, ``"meta".id``
always ``id`` within ``meta``. Escapes within quotes are those of JSON.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

_PART: Final = r'(?:"(?:[^"\\]|\\.)*"|[^."]*)'
_QUOTED: Final = re.compile(rf'(?=.*"){_PART}(?:\.{_PART})*', re.DOTALL)
_NAMES: Final = re.compile(rf"({_PART})(?:\.|$)", re.DOTALL)
_MOST: Final = 8
"""Dots of a path without quotes that may be part of a name; what follows is nested."""


def is_quoted(path: str) -> bool:
    """Say whether quotes in `path` say where names begin and end."""
    return '"' in path and _exact(path) is not None


@lru_cache(maxsize=1024)
def names(path: str) -> tuple[str, ...]:
    """Return the member names that `path` goes through where no name has dots but in quotes."""
    return _exact(path) or tuple(path.split("."))


@lru_cache(maxsize=1024)
def readings(path: str) -> tuple[tuple[str, ...], ...]:
    """Return all that `path` can mean, as member names; the first that leads to a value counts.

    Without quotes the rest of a path may at any place be one name with dots.
    """
    exact = _exact(path)
    if exact is not None:
        return (exact,)
    parts = path.split(".")
    last = len(parts) - 1
    cuts = (*range(min(last, _MOST)), last)
    return tuple((*parts[:cut], ".".join(parts[cut:])) for cut in cuts)


def whole(path: str) -> str:
    """Return the name of the field that a `path` means which can only mean a whole field."""
    exact = _exact(path)
    return exact[0] if exact and len(exact) == 1 else path


def spelled(names: tuple[str, ...]) -> str:
    """Return the path that leads through member `names` and nothing else, as short as it can be.

    One name alone needs no quotes for its dots: a member of that very name comes first.
    """
    if len(names) == 1 and names[0] and not is_quoted(names[0]):
        return names[0]
    return ".".join(
        json.dumps(name, ensure_ascii=False) if _needs(name) else name for name in names
    )


def pasted(names: tuple[str, ...]) -> str:
    """Return what `spelled` does, in printable characters: a terminal acts on others."""
    if all(map(str.isprintable, names)):
        return spelled(names)
    return ".".join(
        name if name.isprintable() and not _needs(name) else json.dumps(name) for name in names
    )


def _needs(name: str) -> bool:
    return not name or "." in name or '"' in name


def _exact(path: str) -> tuple[str, ...] | None:
    """Return the names of a path with quotes; None: it has none, or they do not match."""
    if '"' not in path or not _QUOTED.fullmatch(path):
        return None
    parts = _split(path)
    try:
        return tuple(json.loads(part, strict=False) if part[:1] == '"' else part for part in parts)
    except ValueError:  # an escape that there is not
        return None


def _split(path: str) -> list[str]:
    parts, place = [], 0
    while True:
        match = _NAMES.match(path, place)
        assert match is not None  # noqa: S101  the whole path has been matched
        parts.append(match[1])
        if match.end() == match.end(1):
            return parts
        place = match.end()
