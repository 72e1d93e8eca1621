"""Where the history of a repository goes on in the objects of the one before it.

The first commit of a repository that goes on names the commit it goes on from, by a trailer. Once
that commit was fetched, git is told by a replacement of its own (``git replace``) that the first
commit stands on it, and every walk goes on into the years before. The replacements lie apart from
git's own, and only reading looks at them: what is pushed, packed or read as an object never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archiver.records.representation import short

if TYPE_CHECKING:
    from pathlib import Path

PREVIOUS: Final = "Archiver-Previous"
"""The trailer of a first commit: full id of the commit, in another repository, before it."""
FETCHED: Final = "refs/archiver/previous/"
"""The commits that were gone on from, by their full ids."""
BASE: Final = "refs/archiver/joined/"
"""Replacements of first commits, by the full id of what they replace."""
VARIABLES: Final = (
    ("GIT_REPLACE_REF_BASE", BASE),
    ("GIT_CONFIG_COUNT", "1"),  # nobody's setting may turn it off
    ("GIT_CONFIG_KEY_0", "core.useReplaceRefs"),
    ("GIT_CONFIG_VALUE_0", "true"),
)
"""What makes git look at them."""
_MARK: Final = "archiver/joined"


@dataclass(frozen=True, slots=True)
class Join:
    """A first commit, and the commit that it goes on from; full ids."""

    first: str
    previous: str

    __repr__ = short


def mark(common_dir: Path) -> Path:
    """Return the file that says what is joined; no clone brings one along."""
    return common_dir / _MARK


def joins(common_dir: Path) -> tuple[Join, ...]:
    """Return what was joined here, the newest repository first; mostly nothing."""
    try:
        lines = mark(common_dir).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return ()
    pairs = (line.split(" ") for line in lines)
    return tuple(Join(*pair) for pair in pairs if len(pair) == len(Join.__dataclass_fields__))
