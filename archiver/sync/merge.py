"""Join what two copies of a data repository remember on the state ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from archiver.capture import runlog
from archiver.capture.runlog import RUNS
from archiver.notify import outbox
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from archiver.store.repository import Repository
    from archiver.sync.recapture import Rebuilt

    Files = Mapping[str, bytes]

CARRIED: Final = "carried.json"
"""File of a source: the captures that a join built anew, by the name of their stamped file, and
which keys each holds that its own listing did not say: the next join must not count them."""

_JOINED: Final[Mapping[str, Callable[[bytes | None, bytes | None, datetime], bytes]]] = {
    RUNS: runlog.merge,
    outbox.OUTBOX: lambda ours, theirs, _now: outbox.merge(ours, theirs),
}
"""Files that hold what both copies say; every other file comes from the later run."""


def joined_state(
    repository: Repository, ours: str | None, theirs: str | None, now: datetime
) -> tuple[str | None, dict[str, bytes | None]]:
    """Return the commit on which the joined state stands, and the files that it changes there.

    What a source's last run remembers (who is missing, how to ask next time) is taken as a whole
    from the copy in which that source was run later.

    Args:
        repository: Holds both.
        ours: Full id of the state here; None: there is none.
        theirs: Full id of the state of the other copy; None: there is none.
        now: Time, UTC.
    """
    if theirs is None or ours == theirs or (ours and repository.is_ancestor(theirs, ours)):
        return ours, {}
    if ours is None or repository.is_ancestor(ours, theirs):
        return theirs, {}
    here, there = _by_source(repository, ours), _by_source(repository, theirs)
    files: dict[str, bytes | None] = {}
    for source, mine in here.items():
        other = there.get(source, {})
        for name, content in _joined(mine, other, now).items():
            if other.get(name) != content:
                files[f"{source}/{name}"] = content
    return theirs, files


def carried(
    repository: Repository, state: str | None, source: str, snapshot: str
) -> frozenset[str] | None:
    """Return what `CARRIED` says of a capture; None: nothing."""
    content = repository.read(state, f"{source}/{CARRIED}") if state else None
    try:
        known = msgspec.json.decode(content or b"{}", type=dict[str, frozenset[str]])
    except UNREADABLE:
        return None
    return known.get(snapshot)


def carrying(rebuilt: Iterable[Rebuilt]) -> dict[str, bytes]:
    """Return the files `CARRIED` of what was built anew just now; older captures are pushed."""
    found: dict[str, dict[str, list[str]]] = {}
    for each in rebuilt:
        if each.carried is not None:
            source, snapshot, keys = each.carried
            found.setdefault(source, {})[snapshot] = sorted(keys)
    return {f"{source}/{CARRIED}": msgspec.json.encode(rows) for source, rows in found.items()}


def corrected(
    repository: Repository,
    base: str | None,
    files: Mapping[str, bytes | None],
    rebuilt: Iterable[Rebuilt],
    now: datetime,
) -> dict[str, bytes]:
    """Return the reports of runs whose captures were built anew, as they are now.

    Args:
        repository: Holds the state.
        base: The commit on which the state will stand; None: there is none.
        files: Files of the state that will differ there.
        rebuilt: What stands for the captures of this copy.
        now: Time, UTC.
    """
    found: dict[str, bytes] = {}
    for each in rebuilt:
        if each.report is None:
            continue
        path = f"{each.report.source}/{RUNS}"
        content = found.get(path) or files.get(path)
        content = content or (repository.read(base, path) if base else None)
        runs = (runlog.corrected(run, each.snapshot, each.report) for run in runlog.decode(content))
        found[path] = runlog.encode(runs, now)
    return found


def _joined(mine: Files, other: Files, now: datetime) -> dict[str, bytes | None]:
    """Return every file of one source; None where it is to be gone."""
    later = mine if _last(mine) >= _last(other) else other
    files: dict[str, bytes | None] = {name: later.get(name) for name in {*mine, *other}}
    for name, join in _JOINED.items():
        if name in files:
            files[name] = join(mine.get(name), other.get(name), now)
    return files


def _last(files: Files) -> str:
    """Return the time of the last good run."""
    return max((run.timestamp for run in runlog.decode(files.get(RUNS)) if run.good), default="")


def _by_source(repository: Repository, commit: str) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    with repository.objects() as reader:
        for source in repository.entries(commit, ""):
            blobs = repository.entries(commit, source)
            found[source] = {name: reader.read(blob) for name, blob in blobs.items()}
    return found
