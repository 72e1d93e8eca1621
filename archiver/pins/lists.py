"""Pins: the records that lists of keys, source files and patterns name."""

from __future__ import annotations

import glob
import sys
from collections.abc import Mapping  # noqa: TC003  msgspec reads it
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.pins.references import Names
from archiver.records.pins import read_line
from archiver.records.representation import short

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

STDIN: Final = Path("-")
"""Standard input, which is a list."""
_LISTS: Final = frozenset({"", ".txt", ".pins", ".list", ".lst"})
_LARGEST: Final = 10_000_000


class Pin(msgspec.Struct, frozen=True):
    """One place that names a record.

    Attributes:
        key: The record's key.
        file: The file that names it; empty: standard input, or no file.
        line: The line, from 1; 0: a pattern of keys names it.
        values: Field to its right value, as the list says.
    """

    key: str
    file: str
    line: int
    values: Mapping[str, str] = {}

    __repr__ = short


def files(patterns: Iterable[str]) -> list[Path]:
    """Return the files of paths, globs (``src/**/*.py``) and ``-``, each once.

    Raises:
        ConfigError: One of them matches no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        plain = pattern == str(STDIN) or Path(pattern).is_file()
        paths = [Path(pattern)] if plain else _matching(pattern)
        if not paths:
            raise ConfigError(
                sentence("no file is called {pattern}", pattern=pattern),
                hint=sentence("a file, or a glob in quotes"),
            )
        found |= dict.fromkeys(paths)
    return list(found)


def _matching(pattern: str) -> list[Path]:
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207  absolute globs too
    return sorted(path for path in map(Path, names) if path.is_file())


def is_list(path: Path) -> bool:
    """Return whether a file holds one key a line; others are searched for known keys."""
    return path.suffix.lower() in _LISTS


def listed(paths: Iterable[Path]) -> Iterator[Pin]:
    """Yield the pins of lists, one a line (`records.pins.read_line`).

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        for number, line in _lines(path):
            key, values = read_line(line)
            if key:
                yield Pin(key, _name(path), number, values)


def matching(paths: Iterable[Path], pattern: re.Pattern[str]) -> Iterator[Pin]:
    """Yield the matches of a pattern in files: the first group that matched, or all of it.

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        for number, line in _lines(path):
            for found in pattern.finditer(line):
                groups = found.groups() or (found[0],)
                if key := next((group for group in groups if group is not None), ""):
                    yield Pin(key, _name(path), number)


def mentioned(paths: Iterable[Path], known: AbstractSet[str]) -> Iterator[Pin]:
    """Yield the places where files name a `known` key.

    Raises:
        ConfigError: A file cannot be read.
    """
    names = Names(known)
    for path in paths:
        for number, line in _lines(path):
            for key in names.of(line):
                yield Pin(key, _name(path), number)


def _name(path: Path) -> str:
    return "" if path == STDIN else str(path)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with sys.stdin.buffer if path == STDIN else path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            sentence("cannot read {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    if len(content) > _LARGEST:
        raise ConfigError(
            sentence("{path} is larger than 10 MB, too large for a source file", path=path)
        )
    yield from enumerate(content.decode("utf-8-sig", "replace").splitlines(), start=1)
