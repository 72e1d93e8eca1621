"""Merge what two copies of a data repository remember on the state ref."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.capture import runlog
from archiver.history.catalogue import RUNS
from archiver.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archiver.store.repository import Repository
    from archiver.sync.rebase import Rebased


def merged_state(
    repository: Repository,
    ours: str | None,
    theirs: str | None,
    *,
    rebased: Iterable[Rebased],
    now: datetime,
) -> tuple[str | None, dict[str, bytes | None]]:
    """Return the commit on which the merged state stands, and the files that it changes there.

    What a source's last run remembers (who is missing, how to ask next time) is taken as a whole
    from the copy in which that source was run later. The reports of runs whose captures were
    rebased are those of the rebased captures.

    Args:
        repository: Holds both.
        ours: Full id of the state here; None: there is none.
        theirs: Full id of the state of the other copy; None: there is none.
        rebased: What stands for the captures of this copy.
        now: Time, UTC.
    """
    base, files = _merged(repository, ours, theirs, now)
    for each in rebased:
        if each.report is not None:
            path = f"{each.report.source}/{RUNS}"
            content = files.get(path) or (repository.read(base, path) if base else None)
            files[path] = runlog.corrected(content, each.snapshot, each.report, now)
    return base, files


def _merged(
    repository: Repository, ours: str | None, theirs: str | None, now: datetime
) -> tuple[str | None, dict[str, bytes | None]]:
    if theirs is None or ours == theirs or (ours and repository.is_ancestor(theirs, ours)):
        return ours, {}
    if ours is None or repository.is_ancestor(ours, theirs):
        return theirs, {}
    here, there = _by_source(repository, ours), _by_source(repository, theirs)
    return theirs, {
        f"{source}/{name}": content
        for source, mine in here.items()
        for name, content in _merged_files(mine, there.get(source, {}), now).items()
        if there.get(source, {}).get(name) != content
    }


def _merged_files(
    ours: Mapping[str, bytes], theirs: Mapping[str, bytes], now: datetime
) -> dict[str, bytes | None]:
    """Return every file of one source; None where it is to be removed."""
    later = ours if _last(ours, now) >= _last(theirs, now) else theirs
    files: dict[str, bytes | None] = {name: later.get(name) for name in {*ours, *theirs}}
    if RUNS in files:
        files[RUNS] = runlog.merge(ours.get(RUNS), theirs.get(RUNS), now)
    if outbox.OUTBOX in files:
        files[outbox.OUTBOX] = outbox.merge(ours.get(outbox.OUTBOX), theirs.get(outbox.OUTBOX))
    return files


def _last(files: Mapping[str, bytes], now: datetime) -> str:
    """Return the time of the last good run; one in the future says nothing."""
    runs = runlog.decode(files.get(RUNS))
    return max((run.timestamp for run in runs if run.good and run.began <= now), default="")


def _by_source(repository: Repository, commit: str) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    with repository.objects() as reader:
        for source in repository.entries(commit, ""):
            blobs = repository.entries(commit, source)
            found[source] = {name: reader.read(blob) for name, blob in blobs.items()}
    return found
