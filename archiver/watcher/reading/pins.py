"""Read which records a person depends on: lists of keys, source files, patterns."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping  # noqa: TC003  msgspec reads it
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

LISTS: Final = frozenset({"", ".txt", ".pins", ".list"})
"""Suffixes of files that hold one key a line; every other file is searched for known keys."""
ACKNOWLEDGED: Final = ("license", "gated")
"""Fields whose value a pin may name, so that just this value is right."""

_LARGEST: Final = 10_000_000
_TOKEN: Final = re.compile(r"[\w][\w./:@+-]*")
_SETTING: Final = re.compile(rf"({'|'.join(ACKNOWLEDGED)})=(?:\"([^\"]*)\"|(\S+))")


class Pin(msgspec.Struct, frozen=True):
    """One place that names a record.

    Attributes:
        key: The record's key.
        file: The file that names it.
        line: The line, from 1.
        values: What the person says is right: field to value.
    """

    key: str
    file: str
    line: int
    values: Mapping[str, str] = {}


def files(patterns: Iterable[str]) -> list[Path]:
    """Return the files that paths and globs (``src/**/*.py``) mean, sorted, each once.

    Raises:
        ConfigError: One of them means no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        paths = [Path(pattern)] if Path(pattern).is_file() else _matching(pattern)
        if not paths:
            raise ConfigError(f"no file is called {pattern}", hint="a file, or a glob in quotes")
        found |= dict.fromkeys(paths)
    return list(found)


def _matching(pattern: str) -> list[Path]:
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207  absolute globs too
    return sorted(path for path in map(Path, names) if path.is_file())


def listed(paths: Iterable[Path]) -> Iterator[Pin]:
    """Yield the pins of lists: ``KEY license=apache-2.0 gated=auto  # why``, one a line.

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        for number, line in _lines(path):
            words = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
            values = {name: quoted or plain for name, quoted, plain in _SETTING.findall(words)}
            if key := _SETTING.sub("", words).strip():
                yield Pin(key, str(path), number, values)


def matching(paths: Iterable[Path], pattern: re.Pattern[str]) -> Iterator[Pin]:
    """Yield what a pattern finds in files: its first group, or the whole match, is a key.

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        for number, line in _lines(path):
            for found in pattern.finditer(line):
                if key := found[1] if pattern.groups else found[0]:
                    yield Pin(key, str(path), number)


def mentioned(paths: Iterable[Path], known: AbstractSet[str]) -> Iterator[Pin]:
    """Yield where files name a key that is, or ever was, in the catalogue.

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        for number, line in _lines(path):
            for word in dict.fromkeys(_TOKEN.findall(line)):
                key = word if word in known else word.rstrip(".:/-")
                if key in known:
                    yield Pin(key, str(path), number)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path} is larger than 10 MB: that is no source file")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    yield from enumerate(content.decode("utf-8-sig", "replace").splitlines(), start=1)
