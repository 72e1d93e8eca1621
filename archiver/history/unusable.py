"""Keep the last usable line of a record that a version holds in a form nobody can read.

Without it, a record with a doubled member, say, would be removed in one version and new in the
next. It is removed only where a version that can be read lacks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Usable(NamedTuple):
    """What a version holds that can be read.

    Attributes:
        revision: Full id of its commit.
        lines: Its lines by key.
        unusable: The keys of records that cannot be used.
        unnamed: Number of further ones, whose keys cannot be read either.
    """

    revision: str
    lines: Mapping[str, bytes]
    unusable: frozenset[str]
    unnamed: int

    def __repr__(self) -> str:
        return short(self)


class LastUsable:
    """Finds the last usable lines in earlier versions; each stretch of versions is read once."""

    def __init__(self, earlier: Callable[[str], Iterator[Usable]]) -> None:
        """Look at what `earlier` yields before a commit, newest first; nothing is read yet."""
        self._earlier = earlier
        self._lines: dict[str, tuple[set[str], bytes | None]] = {}
        self._bases: tuple[set[str], Mapping[str, bytes]] = (set(), {})

    def of(self, version: Usable) -> dict[str, bytes]:
        """Return the lines that `version` keeps, by key."""
        wanted = {key for key in version.unusable if not self._is_known(key, version.revision)}
        if wanted:
            self._find(wanted, version.revision)
        found = {key: self._lines[key][1] for key in version.unusable}
        lost = self._base(version).items() if version.unnamed else ()
        kept = {key: line for key, line in lost if key not in version.lines}
        return kept | {key: line for key, line in found.items() if line is not None}

    def _is_known(self, key: str, revision: str) -> bool:
        return key in self._lines and revision in self._lines[key][0]

    def _find(self, wanted: Iterable[str], revision: str) -> None:
        """Look for the newest line of each key before a commit."""
        passed = {revision}
        left = set(wanted)
        for version in self._earlier(revision):
            for key in left - version.unusable:
                if key in version.lines or not version.unnamed:
                    self._lines[key] = (set(passed), version.lines.get(key))
            left = {key for key in left if not self._is_known(key, revision)}
            if not left:
                return
            passed.add(version.revision)
        self._lines |= dict.fromkeys(left, (passed, None))

    def _base(self, version: Usable) -> Mapping[str, bytes]:
        """Return the lines of the newest version before with fewer unnamed records.

        What it holds may be among the unnamed ones; where there is none, nothing may.
        """
        if version.revision in self._bases[0]:
            return self._bases[1]
        passed = {version.revision}
        for earlier in self._earlier(version.revision):
            if earlier.unnamed < version.unnamed:
                self._bases = (passed, earlier.lines)
                return earlier.lines
            passed.add(earlier.revision)
        self._bases = (passed, {})
        return {}
