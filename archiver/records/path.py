"""The path of the records in a document: member names, ``[]`` and ``{}``.

``.`` the document is the array; ``a.b`` the array at that path; ``a.b{}`` an object whose member
names are the keys; ``[]`` goes through all elements (``.[].models``) and ``{}`` through all
members. A name inside of the braces (``.{provider}[]``) is the field that holds the member name.
"""

from __future__ import annotations

import re
from typing import Final

from archiver.errors import ConfigError

EACH: Final = "[]"
MEMBERS: Final = "{}"
EXAMPLES: Final = 'examples: ".", "data.models", ".[].models", "models{}", ".{provider}[]"'

_PART: Final = re.compile(r"([^][{}]*)((?:\[\]|\{[^][{}]*\})*)")
"""One part between dots: a member name, and the marks behind it."""
_MARK: Final = re.compile(r"\[\]|\{[^}]*\}")


def steps(path: str) -> tuple[str, ...]:
    """Split a path of records into member names, ``[]``, ``{}`` and ``{field}``.

    Raises:
        ConfigError: The path cannot be understood.
    """
    found: list[str] = []
    for part in path.removeprefix(".").split(".") if path != "." else ():
        match = _PART.fullmatch(part)
        if match is None or not part:
            raise not_understood(path)
        found += [match[1]] if match[1] else []
        found += _MARK.findall(match[2])
    fields = [step for step in found if is_members(step) and step != MEMBERS]
    if len({*fields}) < len(fields):
        raise not_understood(path)
    return tuple(found) if found and found[-1][0] in "[{" else (*found, EACH)


def is_members(step: str) -> bool:
    """Tell whether a step goes through the members of an object."""
    return step[0] == "{"


def field_of(step: str) -> str:
    """Return the field that holds the member names of a step; empty: there is none."""
    return step[1:-1] if is_members(step) else ""


def not_understood(path: str) -> ConfigError:
    """Return the error of a path that cannot be understood."""
    return ConfigError(f'the path of records "{path}" cannot be understood', hint=EXAMPLES)
