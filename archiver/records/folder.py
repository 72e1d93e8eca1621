"""A folder as a catalogue: a pattern names its files, and each file is known by its *name* in it.

A pattern is git's ``:(glob)``: ``*`` and ``?`` stop at a ``/``, ``**`` does not. The folder is
read as one object whose members are the files; so `records` is a path through that object, and
all that a path can do (`records.path`) it can do with the names of files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

WILD: Final = frozenset("*?[")
PACKED: Final = (".gz", ".zip", ".zst", ".xz")
"""Suffixes of packed files, which are no part of a name."""
EACH_FILE: Final = ".{}"
"""Path of the records where each file holds one."""

_PIECE: Final = re.compile(
    r"(?P<folders>(?:^|(?<=/))(?:\*\*/)+)|(?P<rest>(?:^|(?<=/))\*\*\Z)|(?P<many>\*+)|(?P<one>\?)"
    r"|\[(?P<no>[!^])?(?P<set>\]?[^]/]*)\]|(?P<quoted>\\.)|(?P<plain>.)",
    re.DOTALL,
)


def is_pattern(path: str) -> bool:
    """Tell whether a path names several files."""
    return bool(WILD & {*path})


def fixed_part(pattern: str) -> str:
    """Return the folder that a pattern begins with, with a ``/`` at its end; empty: the top."""
    start = next((at for at, each in enumerate(pattern) if each in WILD), len(pattern))
    return pattern[: pattern.rfind("/", 0, start) + 1]


def name_of(path: str, pattern: str, suffixes: Collection[str]) -> str:
    """Return the name by which a file of a folder is known: its path below, without suffix.

    Args:
        path: The file.
        pattern: The pattern that names it.
        suffixes: Suffixes of formats, with their dots.
    """
    name = path.removeprefix(fixed_part(pattern))
    packed = next((each for each in PACKED if name.lower().endswith(each)), "")
    name = name[: len(name) - len(packed)]
    said = pattern.rpartition("/")[2].rpartition("*")[2]
    wanted = (*suffixes, said if said.startswith(".") and not is_pattern(said) else "")
    suffix = next((each for each in wanted if each and name.lower().endswith(each)), "")
    return name[: len(name) - len(suffix)] or name


def within(records: str | None) -> str:
    """Return the path of the records through the folder.

    Args:
        records: As a person gives it: ``.``, or none: each file is a record; one that begins with
            ``{}`` or ``{field}`` begins at the folder; any other one begins in each file.
    """
    way = (records or ".").removeprefix(".")
    if not way:
        return EACH_FILE
    if way.startswith("{"):
        return f".{way}"
    return f"{EACH_FILE}{'' if way.startswith('[') else '.'}{way}"


def compiled(pattern: str) -> re.Pattern[str]:
    """Return what a path must match as a whole."""
    return re.compile("".join(map(_translated, _PIECE.finditer(pattern))), re.DOTALL)


def _translated(found: re.Match[str]) -> str:
    if found["set"]:
        inside = re.sub(r"([\\\[\]&~|^])", r"\\\1", found["set"])
        return f"(?!/)[{'^' if found['no'] else ''}{inside}]"
    ways = {"folders": "(?:.*/)?", "rest": ".*", "many": "[^/]*", "one": "[^/]"}
    kind = found.lastgroup or ""
    return ways.get(kind) or re.escape(
        found[0].removeprefix("\\") if kind == "quoted" else found[0]
    )
