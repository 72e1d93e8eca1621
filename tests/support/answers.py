"""The right answers about a history, as docs/store.md ("Reading") and docs/format.md state them.

It is plain and slow on purpose, and shares no code with the program: commits are rows
(`support.facts`), and every answer is computed anew from all of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from support.facts import Commit

    Commits = Mapping[str, Commit]


def in_order(commits: Commits, tip: str) -> list[Commit]:
    """Return all that `tip` reaches, oldest first: by ancestry, then by capture time.

    Whatever is no capture has no time of its own: it follows at once what it stands on.
    """
    left = reached(commits, tip)
    found: list[Commit] = []
    while left:
        ready = [commits[each] for each in left if not left & {*commits[each].parents}]
        ranks = [(each.time if changes(commits, each) else -inf, each.id) for each in ready]
        first = commits[min(ranks)[1]]
        left.remove(first.id)
        found.append(first)
    return found


def reached(commits: Commits, tip: str) -> set[str]:
    """Return the ids of `tip` and of all that it stands on."""
    found: set[str] = set()
    waiting = [tip]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += commits[each].parents
    return found


def changes(commits: Commits, commit: Commit) -> bool:
    """Return whether a commit, which is no merge, holds another snapshot than its parent."""
    if len(commit.parents) > 1 or commit.snapshot is None:
        return False
    before = [commits[each].snapshot for each in commit.parents]
    return before in ([], [None]) or before[0].id != commit.snapshot.id  # type: ignore[union-attr]


def versions(commits: Commits, tip: str) -> list[Commit]:
    """Return the versions, oldest first.

    Every capture is one, and a merge that holds something else than the version before it.
    Reverted captures are left out.
    """
    found: list[Commit] = []
    last = None
    for each in in_order(commits, tip):
        merges = len(each.parents) > 1 and each.snapshot is not None
        if changes(commits, each) or (merges and each.snapshot.id != last):  # type: ignore[union-attr]
            found.append(each)
            last = each.snapshot.id  # type: ignore[union-attr]
    return [each for each in found if each.id not in commits[tip].reverted]


def trusted(history: list[Commit]) -> list[Commit]:
    """Return the longest series of versions whose times never go back, of two the later one."""
    lengths: list[int] = []
    for place, each in enumerate(history):
        before = [lengths[i] for i in range(place) if history[i].time <= each.time]
        lengths.append(1 + max(before, default=0))
    found: list[Commit] = []
    wanted = max(lengths, default=0)
    for each, length in zip(reversed(history), reversed(lengths), strict=True):
        if length == wanted and (not found or each.time <= found[0].time):
            found.insert(0, each)
            wanted -= 1
    return found


def at(history: list[Commit], time: int) -> Commit | None:
    """Return the version in effect at a time: the newest that is not later."""
    return next((each for each in reversed(trusted(history)) if each.time <= time), None)


def difference(old: Commit, new: Commit) -> dict[str, list[str]]:
    """Return the keys of what changed between two versions, by kind."""
    before, after = records(old), records(new)
    came = sorted(after.keys() - before.keys())
    return {
        "new": [key for key in came if key not in old.removed],
        "returned": [key for key in came if key in old.removed],
        "removed": sorted(before.keys() - after.keys()),
        "updated": sorted(key for key in before if after.get(key, before[key]) != before[key]),
    }


def records(version: Commit) -> dict[str, int]:
    """Return key and value of each record of a version."""
    return version.snapshot.records if version.snapshot else {}


def log(history: list[Commit]) -> list[dict[str, Any]]:
    """Return the rows of ``archiver log``, newest first."""
    rows = []
    for place, each in enumerate(history):
        counts = {kind: len(keys) for kind, keys in difference(history[place - 1], each).items()}
        rows.append(
            {
                "revision": each.id,
                "timestamp": each.snapshot.taken if each.snapshot else "",
                "total": len(records(each)),
                "status": "ok" if place else "first",
                "summary": counts if place else None,
            }
        )
    return rows[::-1]


def life(history: list[Commit], key: str) -> list[tuple[str, str]]:
    """Return revision and kind of everything that happened to a record, newest first."""
    found: list[tuple[str, str]] = []
    for place, each in enumerate(history):
        before = history[place - 1] if place else None
        old = records(before).get(key) if before else None
        new = records(each).get(key)
        if old is None and new is not None:
            known = bool(found) or (before is not None and key in before.removed)
            found.append((each.id, "returned" if known else "new"))
        elif new is None and old is not None:
            found.append((each.id, "removed"))
        elif new != old:
            found.append((each.id, "updated"))
    return found[::-1]


def since(history: list[Commit], time: int) -> tuple[str, str, dict[str, list[str]]]:
    """Return both ends of the net change since a time, and what changed."""
    base = at(history, time) or history[0]
    return base.id, history[-1].id, difference(base, history[-1])


def check(history: list[Commit], keys: Iterable[str], missing: frozenset[str]) -> dict[str, str]:
    """Return the verdict about each key, where the source cannot be asked.

    Args:
        history: The versions.
        keys: The keys.
        missing: Those that the last listings lacked.
    """
    newest = history[-1]
    verdicts = {}
    for key in keys:
        known = key in newest.removed or any(key in records(each) for each in history)
        there = "unconfirmed" if key in missing | newest.unlisted else "ok"
        gone = "removed" if known else "missing"
        verdicts[key] = there if key in records(newest) else gone
    return verdicts


def stamp(time: int) -> str:
    """Return a time as it stands in a snapshot's header."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
