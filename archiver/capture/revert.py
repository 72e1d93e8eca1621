"""Revert a capture by a new commit; pushed history is never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from archiver.capture.prune import removals
from archiver.capture.state import SWEEP, VALIDATORS
from archiver.errors import UnknownRevision
from archiver.history import queries, snapshots
from archiver.history.catalogue import (
    CHANGELOG,
    LATEST,
    MISSING,
    REMOVED,
    REVERTED,
    UNLISTED,
    Reverted,
    folder_of,
    stands_for,
)
from archiver.history.versions import opened, stamp
from archiver.language import sentence, speaking, tr
from archiver.render.changelog import prepended
from archiver.store.commit import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.store.commit import Writer
    from archiver.store.history import Revision


Blobs: TypeAlias = "Collection[str | None]"
"""Object ids of one snapshot: one for each layout in which it was committed."""

_LISTING_STATE = (MISSING, SWEEP, VALIDATORS)
"""What the state ref remembers of listings; a reverted listing is no evidence."""
_BESIDE = (REMOVED, UNLISTED)
"""Files that belong to the newest snapshot."""


class Reversal(NamedTuple):
    """The commit that reverts a capture: the capture, path to blob id, the message."""

    capture: Revision
    files: dict[str, str | None]
    message: str


def revert(target: Target, name: str, *, clock: Callable[[], datetime]) -> tuple[Revision, str]:
    """Revert the capture that `name` means by a new commit.

    From then on `log`, `changes` and `show` leave it out. If it is the newest one, the snapshot
    before it becomes the latest again.

    Returns:
        The capture, and the full id of the new commit.

    Raises:
        UnknownRevision: It is not a capture of this source, is reverted already, or has no
            snapshot before it.
        ShallowHistory: The clone may end before the capture that it restored.
    """
    now = clock()
    commit = target.repository.resolve(name)
    with writing(target.repository) as writer:
        tip = target.required_tip()
        back = reversal(target, writer, tip, commit, now)
        forgotten = {f"{target.source.name}/{name}": None for name in _LISTING_STATE}
        state = {**target.catalogue.adopted(), **forgotten}
        done = writer.commit(
            target.change(back.files, back.message, tip=tip, taken=now, now=now, state=state)
        )
    assert done.revision is not None  # noqa: S101  a line was added
    return back.capture, done.revision


def reversal(target: Target, writer: Writer, tip: str, commit: str, now: datetime) -> Reversal:
    """Write the blobs that revert the capture `commit`, and return the commit on `tip`.

    Raises:
        UnknownRevision: It is not a capture of this source, is reverted already, or has no
            snapshot before it.
        ShallowHistory: The clone may end before the capture that it restored.
    """
    *again, capture = holders = _holders(target, commit, tip)
    blobs = {each.blob for each in holders}
    rows = [
        *target.catalogue.reverted(tip),
        *(Reverted(each.id, stamp(each.authored_at), stamp(now)) for each in (capture, *again)),
    ]
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    with speaking(target.config.language):
        words = tr("reverted the capture of {authored_at}", authored_at=stamp(capture.authored_at))
    files = {
        **_unstamped(target, tip, blobs),
        **_restored(target, tip, blobs),
        f"{target.catalogue.folder}/{REVERTED}": writer.write_blob((content,), len(content)),
        **_logged(target, writer, tip, f"## {stamp(now)} UTC: {words} UTC\n"),
    }
    return Reversal(capture, files, target.message(words))


def _logged(target: Target, writer: Writer, tip: str, section: str) -> dict[str, str | None]:
    """Return the changelog of `tip`, if there is one, with one more section."""
    path = f"{target.catalogue.folder}/{CHANGELOG}"
    if (log := target.repository.read(tip, path)) is None:
        return {}
    new = prepended(log, section, source=target.source.name)
    return {path: writer.write_blob((new,), len(new))}


def _holders(target: Target, commit: str, tip: str) -> list[Revision]:
    """Return the revisions with the snapshot of `commit`, newest first; the last is its capture.

    The others restored it, when captures after it were reverted, or hold it in another layout.
    """
    reverted = {row.revision for row in target.catalogue.reverted(tip)}
    known = [each for each in target.catalogue.committed(tip) if each.id not in reverted]
    holders = _alike(known, commit)
    if not holders:
        raise UnknownRevision(
            sentence(
                "{commit} is no capture of {source}, or is reverted already",
                commit=commit,
                source=target.source.name,
            ),
            hint=sentence("`archiver log` lists the captures"),
        )
    capture = holders[-1]
    asked = next(each for each in holders if each.id == commit)
    if capture.id != commit and not stands_for(asked):
        raise UnknownRevision(
            sentence(
                "{commit} is no capture, it restored the snapshot of {authored_at}",
                commit=commit,
                authored_at=stamp(capture.authored_at),
            ),
            hint=sentence("to revert that one too: archiver revert {id}", id=capture.id[:10]),
        )
    return holders


def _alike(known: list[Revision], commit: str) -> list[Revision]:
    """Return those of the revisions that hold the snapshot of `commit`, in any layout."""
    found = {each.id for each in known if each.id == commit and each.blob}
    while True:
        blobs = {each.blob for each in known if each.id in found}
        others = {stands_for(each) for each in known if each.id in found}
        more = {
            each.id
            for each in known
            if each.blob and (each.blob in blobs or each.id in others or stands_for(each) in found)
        }
        if more <= found:
            return [each for each in known if each.id in found]
        found |= more


def _unstamped(target: Target, tip: str, blobs: Blobs) -> dict[str, str | None]:
    """Return the stamped files of a capture in `tip`, as removals."""
    entries = target.repository.entries(tip, target.catalogue.stamped)
    names = (file.name for file in snapshots.stamped(entries) if entries[file.name] in blobs)
    return removals(target, tip, names)


def _restored(target: Target, tip: str, blobs: Blobs) -> dict[str, str | None]:
    """Return what makes the snapshot before a capture the latest again, if it is the newest."""
    folder, repository = target.catalogue.folder, target.repository
    if repository.object_at(tip, f"{folder}/{LATEST}") not in blobs:
        return {}
    before = _readable_before(target, blobs)
    earlier = folder_of(before.path)
    old = repository.entries(tip, f"{folder}/latest")
    new = repository.entries(before.id, f"{earlier}/latest")
    shards = {f"{folder}/latest/{name}": new.get(name) for name in {*old, *new}}
    then, now = repository.entries(before.id, earlier), repository.entries(tip, folder)
    beside = {
        f"{folder}/{name}": then.get(name) for name in _BESIDE if then.get(name) != now.get(name)
    }
    return {**shards, **beside, f"{folder}/{LATEST}": before.blob}


def _readable_before(target: Target, blobs: Blobs) -> Revision:
    """Return the newest readable revision that holds something else; a damaged one ends this."""
    earlier = (each for each in target.catalogue.revisions() if each.blob not in blobs)
    with opened(target.catalogue) as versions:
        for revision, _ in queries.readable(versions, earlier, damaged=False):
            return revision
    raise UnknownRevision(sentence("it is the first snapshot: there is none before it to restore"))
