"""Records that may have another key now: one that is gone beside one that is new.

It is a hint where both keys are the same text but for case, Unicode form and spaces, or where both
records hold the same members, at least `FEWEST`, but for the key. Where several could be meant
there is none. Where all keys got the same prefix, or lost it, that is the hint.
"""

from __future__ import annotations

from operator import eq
from typing import TYPE_CHECKING, Final, TypeAlias
from unicodedata import normalize

from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.compare import split
from archiver.changes.fields import LEAST
from archiver.changes.severity import of_kind
from archiver.language import stored
from archiver.records.canonical import KEY, line_key
from archiver.records.model import FieldSummary, pointer
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from archiver.changes.lifecycle import Pair
    from archiver.records.model import Kind, RecordChange, What
    from archiver.records.policy import Policy

MOST: Final = 100_000
"""Most records that may be gone, and may be new; where there are more, nothing is guessed."""

FEWEST: Final = 2
"""Fewest members of records that may be the same since they hold the same: one says too little."""
LONE: Final[frozenset[Kind]] = frozenset({"removed", "new"})
"""The kinds of changes of which a hint says what they may be."""

_Sides: TypeAlias = "tuple[dict[Hashable, str], dict[Hashable, str]]"
_KEY: Final = pointer(KEY)
_SEVERAL: Final = ""
"""Stands for the key where there is more than one."""


class Renames:
    """Collects the records that are gone or new, and finds those that may be the same."""

    def __init__(self, policy: Policy) -> None:
        """Begin with none.

        Args:
            policy: What the fields mean: metrics and what is volatile make no difference.
        """
        self._policy = policy
        self._names: _Sides = ({}, {})
        self._contents: _Sides = ({}, {})
        self._numbers = [0, 0]

    __repr__ = short

    def add(self, before: bytes | None, after: bytes | None) -> None:
        """Take note of a record, if only one end has it, given its lines."""
        if before is not None and after is not None:
            return
        side = 0 if after is None else 1
        self._numbers[side] += 1
        if self._numbers[side] > MOST:
            return
        line = before or after or b""
        key = line_key(line).decode()
        _enter(self._names[side], folded(key), key)
        content = content_of(line, self._policy)
        if len(content) >= FEWEST:
            _enter(self._contents[side], hash(content), key)

    @property
    def found(self) -> dict[str, str]:
        """The old key to the new key of records that may be the same."""
        if max(self._numbers) > MOST:
            return {}
        if self.summaries:
            return dict(zip(*self._keys, strict=True))
        pairs = dict(_matches(self._names))
        taken = {*pairs.values()}
        pairs |= {
            old: new
            for old, new in _matches(self._contents)
            if old not in pairs and new not in taken
        }
        return pairs

    @property
    def summaries(self) -> tuple[FieldSummary, ...]:
        """What is said once of the keys: that all of these got the same prefix, or lost it."""
        olds, news = self._keys
        if not LEAST <= len(olds) == len(news) <= MOST:
            return ()
        ways: tuple[tuple[What, list[str], list[str]], ...] = (
            ("prefixed", olds, news),
            ("unprefixed", news, olds),
        )
        for what, before, after in ways:
            prefix = after[0].removesuffix(before[0])
            if prefix and all(map(eq, after, map(prefix.__add__, before))):
                number = len(olds)
                severity = of_kind("removed")
                return (FieldSummary(_KEY, what, number, number, severity, prefix=prefix),)
        return ()

    @property
    def _keys(self) -> tuple[list[str], list[str]]:
        gone, came = (sorted(filter(None, side.values())) for side in self._names)
        return gone, came


class Hints:
    """Says of records that are gone or new which other ones they may be."""

    def __init__(self, renames: Mapping[str, str]) -> None:
        """Take the old key to the new key of each."""
        self._now = renames
        self._before = {new: old for old, new in renames.items()}

    __repr__ = short

    def hinted(self, change: RecordChange) -> RecordChange:
        """Return a change that says what it may be, where nothing better is known of it."""
        others = {"removed": self._now, "new": self._before}.get(change.kind, {})
        other = others.get(change.key)
        if other is None or change.cause is not UNSET:
            return change
        return replace(change, cause=stored("possible rename: {key}", key=other))


def folded(key: str) -> str:
    """Return a key without what looks the same: case, Unicode form, spaces."""
    if key.isascii():
        return " ".join(key.lower().split())
    return " ".join(normalize("NFKC", normalize("NFKC", key).casefold()).split())


def content_of(line: bytes, policy: Policy) -> tuple[tuple[str, bytes], ...]:
    """Return the members of a record but for its key, metrics and what is volatile."""
    first, *rest = split(line).items()
    keys = policy.key if first[0] == KEY else ()
    kept = (each for each in rest if each[0] not in keys and not policy.moves(each[0]))
    return tuple([(name, bytes(text)) for name, text in kept])


def paired(pairs: Iterable[Pair], policy: Policy) -> Iterator[Pair]:
    """Yield `pairs`, with the lines of two records that hold the same as one pair.

    One is gone and the other new, and no third one holds the same. The lines that only one end
    has are held in memory until all pairs were read; they come at the end, by key.
    """
    alone: tuple[list[bytes], list[bytes]] = ([], [])
    for before, after in pairs:
        if before is not None and after is not None:
            yield before, after
        elif before is not None:
            alone[0].append(before)
        elif after is not None:
            alone[1].append(after)
    olds, news = (_by_content(lines, policy) for lines in alone)
    renamed = {old: new for content, old in olds.items() if old and (new := news.get(content, b""))}
    taken = {*renamed.values()}
    for line in alone[0]:
        yield line, renamed.get(line)
    yield from ((None, line) for line in alone[1] if line not in taken)


def _by_content(
    lines: Iterable[bytes], policy: Policy
) -> dict[tuple[tuple[str, bytes], ...], bytes]:
    """Return the line with each content; an empty one where there are several."""
    found: dict[tuple[tuple[str, bytes], ...], bytes] = {}
    for line in lines:
        if content := content_of(line, policy):
            found[content] = b"" if content in found else line
    return found


def _enter(keys: dict[Hashable, str], name: Hashable, key: str) -> None:
    keys[name] = _SEVERAL if name in keys else key


def _matches(sides: _Sides) -> Iterator[tuple[str, str]]:
    gone, came = sides
    for name, old in gone.items():
        new = came.get(name, _SEVERAL)
        if old and new:
            yield old, new
