"""List the files of a folder on this machine that a pattern names."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import ConfigError, SourceUnavailable
from archiver.language import sentence, stored
from archiver.records.folder import compiled, fixed_part, is_pattern
from archiver.records.text import few

if TYPE_CHECKING:
    from pathlib import Path


class Listed(NamedTuple):
    """What a folder holds.

    Attributes:
        paths: The files, relative to the folder that the pattern begins in, sorted.
        notes: What is left out: links and pipes are not followed, as in a git history.
    """

    paths: tuple[str, ...]
    notes: tuple[str, ...]


def listed(base: Path, pattern: str) -> Listed:
    """Return the files that `pattern` names, whose paths begin in the folder `base`.

    Raises:
        ConfigError: The pattern cannot be understood.
        SourceUnavailable: There is no such file, or the folder cannot be read.
    """
    try:
        wanted = compiled(pattern)
    except re.error as error:
        raise ConfigError(
            sentence("files: {pattern} is no pattern", pattern=pattern),
            hint=sentence("write it as git does: data/**/*.json"),
        ) from error
    found: list[str] = []
    others: list[str] = []
    for path in _walked(base, fixed_part(pattern) if is_pattern(pattern) else ""):
        if not wanted.fullmatch(path):
            continue
        (found if _is_plain(base / path) and _is_text(path) else others).append(path)
    if not found:
        raise SourceUnavailable(
            sentence("no file matches {path}", path=base / pattern),
            hint=sentence("`files` in archiver.toml names them, as git does: data/**/*.json"),
        )
    names = (os.fsencode(each).decode(errors="backslashreplace") for each in sorted(others))
    note = stored("left out, no plain file with a name in UTF-8: {names}", names=few([*names]))
    return Listed(tuple(sorted(found)), (note,) if others else ())


def _walked(base: Path, start: str) -> list[str]:
    """Return every file below the folder `start`, each with it; git's own are none of them."""
    found: list[str] = []

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise _unreadable(error) from error

    for folder, folders, names in os.walk(base / start, onerror=refuse):
        folders[:] = sorted(each for each in folders if each != ".git")
        inside = os.path.relpath(folder, base / start)
        found += (start + (name if inside == "." else f"{inside}/{name}") for name in names)
    return found


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError as error:  # its name is too long, or it is gone since it was listed
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> SourceUnavailable:
    return SourceUnavailable(
        sentence("{path}: {strerror}", path=error.filename, strerror=error.strerror)
    )


def _is_text(path: str) -> bool:
    return path.isascii() or os.fsencode(path).decode(errors="replace") == path
