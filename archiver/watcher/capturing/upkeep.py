"""Keep an archive in order: prune stamped files, take captures back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver import __version__
from archiver.changes.retention import Plan, Retention, plan
from archiver.errors import UnknownRevision
from archiver.publish.changelog import prepended
from archiver.store.commit import writing
from archiver.watcher.reading import history, snapshots
from archiver.watcher.reading.catalogue import CHANGELOG, LATEST, REMOVED, REVERTED, Reverted
from archiver.watcher.reading.versions import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from archiver.config import Config
    from archiver.store.commit import Writer
    from archiver.store.history import Revision
    from archiver.watcher.capturing.target import Target


_OF_A_LISTING = ("missing.jsonl", "sweep.json", "validators.json")
"""What the state ref remembers of listings; a listing that was taken back is no evidence."""


def configured_retention(config: Config) -> Retention:
    """Return the rules of the table ``[retention]``."""
    rules = config.retention
    return Retention(
        older_than=rules.keep_days,
        keep_daily=rules.keep_daily or None,
        keep_weekly=rules.keep_weekly or None,
        keep_monthly=rules.keep_monthly or None,
    )


def outdated(target: Target, tip: str | None, now: datetime) -> dict[str, str | None]:
    """Return the stamped files in `tip` that ``[retention]`` does not keep, as removals."""
    rules = configured_retention(target.config)
    if tip is None or rules.is_empty:
        return {}
    return _removals(target, tip, planned(target, tip, rules, now))


def planned(target: Target, tip: str, rules: Retention, now: datetime) -> Plan:
    """Return which stamped files of `tip` stay and which go."""
    files = target.repository.entries(tip, target.catalogue.stamped)
    newest = target.repository.object_at(tip, target.catalogue.path)
    latest = next((name for name, blob in files.items() if blob == newest), None)
    return plan(snapshots.stamped(files), rules, now, latest=latest)


def prune(
    target: Target, rules: Retention, *, clock: Callable[[], datetime], dry_run: bool
) -> tuple[Plan, str | None]:
    """Remove stamped files that `rules` do not keep; history keeps everything.

    Returns:
        The plan, and the full id of the commit; None: nothing was to be done, or a dry run.

    Raises:
        NotADataRepository: There is no snapshot yet.
        RepositoryBusy: Another run holds the lock.
    """
    now = clock()
    if dry_run:
        return planned(target, _tip(target), rules, now), None
    with writing(target.repository) as writer:
        tip = _tip(target)
        found = planned(target, tip, rules, now)
        if not found.remove:
            return found, None
        removed, text = pruned(target, tip, [file.name for file in found.remove])
        done = writer.commit(target.change(removed, text, tip=tip, taken=now, now=now))
        return found, done.revision


def pruned(target: Target, tip: str, names: Sequence[str]) -> tuple[dict[str, str | None], str]:
    """Return the commit that removes the stamped files `names` from `tip`: files and message."""
    files = "file" if len(names) == 1 else "files"
    text = _message(target, f"{len(names):,} stamped {files} pruned; history keeps them")
    stamped = target.catalogue.stamped
    return {**snapshots.removal(target.repository, tip, stamped, names)}, text


class TakenBack(NamedTuple):
    """The commit that takes a capture back: the capture, path to blob id, the message."""

    capture: Revision
    files: dict[str, str | None]
    text: str


def revert(target: Target, name: str, *, clock: Callable[[], datetime]) -> tuple[Revision, str]:
    """Take the capture that `name` means back by a new commit.

    From then on `log`, `changes` and `show` leave it out. Where it is the newest one, the
    snapshot before it becomes the latest again.

    Returns:
        The capture, and the full id of the new commit.

    Raises:
        UnknownRevision: It is no capture of this source, or is taken back already, or there is
            no snapshot before it.
        ShallowHistory: The clone may end before the capture that it brought back.
    """
    now = clock()
    commit = target.repository.resolve(name)
    with writing(target.repository) as writer:
        tip = _tip(target)
        back = taken_back(target, writer, tip, commit, now)
        forgotten = {f"{target.source.name}/{name}": None for name in _OF_A_LISTING}
        done = writer.commit(
            target.change(back.files, back.text, tip=tip, taken=now, now=now, state=forgotten)
        )
    assert done.revision is not None  # noqa: S101  a line was added
    return back.capture, done.revision


def taken_back(target: Target, writer: Writer, tip: str, commit: str, now: datetime) -> TakenBack:
    """Write the blobs that take the capture `commit` back, and return the commit on `tip`.

    Raises:
        UnknownRevision: It is no capture of this source, or is taken back already, or there is
            no snapshot before it.
        ShallowHistory: The clone may end before the capture that it brought back.
    """
    *again, capture = _holders(target, commit)
    rows = [
        *target.catalogue.reverted(tip),
        *(Reverted(each.id, stamp(each.authored_at), stamp(now)) for each in (capture, *again)),
    ]
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    words = f"took back the capture of {stamp(capture.authored_at)}"
    files = {
        **_unstamped(target, tip, capture),
        **_restored(target, tip, capture),
        f"{target.catalogue.folder}/{REVERTED}": writer.write_blob((content,), len(content)),
        **_logged(target, writer, tip, f"## {stamp(now)} UTC: {words} UTC\n"),
    }
    return TakenBack(capture, files, _message(target, words))


def _logged(target: Target, writer: Writer, tip: str, section: str) -> dict[str, str | None]:
    """Return the changelog of `tip` with one more section, if there is one."""
    path = f"{target.catalogue.folder}/{CHANGELOG}"
    if (log := target.repository.read(tip, path)) is None:
        return {}
    new = prepended(log, section, source=target.source.name)
    return {path: writer.write_blob((new,), len(new))}


def _tip(target: Target) -> str:
    tip = target.tip()
    if tip is None:
        raise target.catalogue.no_revision()
    return tip


def _removals(target: Target, tip: str, found: Plan) -> dict[str, str | None]:
    names = (file.name for file in found.remove)
    return {**snapshots.removal(target.repository, tip, target.catalogue.stamped, names)}


def _message(target: Target, words: str) -> str:
    trailers = f"Archiver-Source: {target.source.name}\nArchiver-Version: {__version__}\n"
    return f"{target.source.name}: {words}\n\n{trailers}"


def _holders(target: Target, commit: str) -> list[Revision]:
    """Return the revisions with the snapshot of `commit`: last the capture, that is `commit`.

    Those before it brought it back, when captures after it were taken back.
    """
    revisions = [*target.catalogue.revisions()]
    blob = next((each.blob for each in revisions if each.id == commit), None)
    if blob is None:
        raise UnknownRevision(
            f"{commit} is no capture of {target.source.name}, or was taken back already",
            hint="`archiver log` lists the captures",
        )
    holders = [each for each in revisions if each.blob == blob]
    capture = holders[-1]
    if capture.id != commit:
        raise UnknownRevision(
            f"{commit} is no capture, it brought back the snapshot of {stamp(capture.authored_at)}",
            hint=f"to take that one back too: archiver revert {capture.id[:10]}",
        )
    return holders


def _unstamped(target: Target, tip: str, capture: Revision) -> dict[str, str | None]:
    """Return the stamped files of `capture` in `tip`, as removals."""
    entries = target.repository.entries(tip, target.catalogue.stamped)
    names = (file.name for file in snapshots.stamped(entries) if entries[file.name] == capture.blob)
    return {**snapshots.removal(target.repository, tip, target.catalogue.stamped, names)}


def _restored(target: Target, tip: str, capture: Revision) -> dict[str, str | None]:
    """Return what makes the snapshot before `capture` the latest again, if it is the newest."""
    folder, repository = target.catalogue.folder, target.repository
    if repository.object_at(tip, f"{folder}/{LATEST}") != capture.blob:
        return {}
    before = _readable_before(target, capture)
    old = repository.entries(tip, f"{folder}/latest")
    new = repository.entries(before.id, f"{folder}/latest")
    shards = {f"{folder}/latest/{name}": new.get(name) for name in {*old, *new}}
    removed = f"{folder}/{REMOVED}"
    stones = {removed: repository.object_at(before.id, removed)}
    gone = stones if repository.object_at(tip, removed) != stones[removed] else {}
    return {**shards, **gone, f"{folder}/{LATEST}": before.blob}


def _readable_before(target: Target, capture: Revision) -> Revision:
    with history.opened(target.catalogue) as versions:
        for revision, _ in history.readable(versions, target.catalogue.revisions()):
            if revision.id != capture.id and revision.blob != capture.blob:
                return revision
    raise UnknownRevision("it is the first snapshot: there is none before it to go back to")
