"""Rebase the commits of this copy onto a tip that somebody else pushed; no capture is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace as with_

from archiver.capture import prune, revert
from archiver.capture.replay import read_recorded
from archiver.capture.report import PROOF, SOURCE, unchanged
from archiver.capture.target import open_target
from archiver.capture.validation import Baseline
from archiver.errors import PushRejected, UnknownRevision, reason
from archiver.history import snapshots
from archiver.history.catalogue import DIGEST, LAYOUT, REVERTED
from archiver.history.dates import Dates
from archiver.history.versions import opened, stamp, taken_at
from archiver.language import sentence, stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.capture.report import Report
    from archiver.capture.target import Target
    from archiver.config import Config
    from archiver.records.model import End
    from archiver.store.commit import Writer
    from archiver.store.history import Revision
    from archiver.store.repository import Repository

_MEND: Final = sentence("join the two by hand: git pull --rebase; then run again")


class Rebased(NamedTuple):
    """What stands for a commit of this copy.

    Attributes:
        revision: Full commit id; empty: it was dropped.
        report: The report of its run now; None: the same as before.
        snapshot: Name of the stamped file that it had; empty: the same as before.
    """

    revision: str
    report: Report | None = None
    snapshot: str = ""


class Rebase:
    """Rebases commits of this copy, oldest first, onto the tip of another copy.

    Attributes:
        rebuilt: Full id of a commit to what stands for it.
        notes: What the person should know.
    """

    def __init__(
        self, config: Config, repository: Repository, writer: Writer, now: datetime
    ) -> None:
        """Build commits with `writer`, which holds the lock, at `now` (UTC)."""
        self.rebuilt: dict[str, Rebased] = {}
        self.notes: list[str] = []
        self._config = config
        self._repository = repository
        self._writer = writer
        self._now = now
        self._theirs = ""

    def join(self, ours: str | None, theirs: str | None) -> str | None:
        """Return the tip of a branch that holds the commits of both tips.

        Raises:
            PushRejected: A commit is none of this program: a person has to join the two.
        """
        here = self._repository
        if theirs is None or ours == theirs:
            return ours
        if ours is None or here.is_ancestor(ours, theirs):
            return theirs
        if here.is_ancestor(theirs, ours):
            return ours
        self._theirs = tip = theirs
        for commit in here.since(theirs, ours):
            tip = self._onto(commit, tip)
        return tip

    def _onto(self, commit: str, tip: str) -> str:
        """Return the commit that stands for `commit` on `tip`; `tip` itself if it is dropped.

        A capture is dropped where they pushed a newer one of the same source, or the same records.
        """
        parent = self._repository.parent(commit)
        files = self._repository.differences(parent, commit).files
        target, revision = self._owner(commit, files)
        there = replace(target, catalogue=replace(target.catalogue, ref=tip))
        if f"{target.catalogue.folder}/{REVERTED}" in files:
            rebased = self._reverted(there, commit, parent)
        elif parent and self._folder(target, parent) == self._folder(target, tip):
            message = self._repository.message(commit)
            rebased = Rebased(self._build(target, files, message, tip, revision.authored_at))
        elif LAYOUT in revision.trailers:
            self.notes.append(
                stored(
                    "{source}: the other layout was not pushed; migrate again",
                    source=target.source.name,
                )
            )
            rebased = Rebased("")
        elif {DIGEST, PROOF} <= revision.trailers.keys():
            rebased = self._captured(there, revision, parent)
        elif all(path.startswith(f"{target.catalogue.stamped}/") for path in files):
            rebased = self._pruned(there, files)
        else:
            raise _foreign(commit)
        self.rebuilt[commit] = rebased
        return rebased.revision or tip

    def _owner(self, commit: str, files: Mapping[str, str | None]) -> tuple[Target, Revision]:
        """Return the source in whose folder all files of the commit lie."""
        for name in self._config.sources:
            target = open_target(self._config, name, self._repository)
            if all(path.startswith(f"{target.catalogue.folder}/") for path in files):
                revision = self._repository.revision(commit, target.catalogue.path)
                if SOURCE in revision.trailers:
                    return target, revision
        raise _foreign(commit)

    def _folder(self, target: Target, commit: str) -> str | None:
        """Return the object id of a source's folder in a commit; None where absent."""
        place, _, name = target.catalogue.folder.rpartition("/")
        return self._repository.entries(commit, place).get(name)

    def _captured(self, there: Target, revision: Revision, parent: str | None) -> Rebased:
        """Capture once more, on the tip, what the listing of a capture said."""
        with opened(there.catalogue) as versions:
            baseline = Baseline.of(there.catalogue, versions)
            end = versions.stored(revision).end
            taken, snapshot = taken_at(end), snapshots.name_of(there.source.name, end)
            if taken is None:
                raise PushRejected(
                    sentence("{id} says no time of its capture", id=revision.id[:10]), hint=_MEND
                )
            if self._overtaken(there, revision.id, parent, taken):
                reason = sentence(
                    "the capture of {taken} UTC: a newer one was pushed", taken=stamp(taken)
                )
                return self._dropped(there, baseline.open().end, snapshot, reason)
            recorded = read_recorded(there, versions, revision, parent)
            draft = recorded.candidate(there, baseline, taken).draft(self._writer)
            if draft.report.outcome == "unchanged":
                return self._dropped(
                    there, baseline.open().end, snapshot, stored("what it found was pushed already")
                )
        tip = there.catalogue.ref
        commit = self._build(there, draft.files, draft.message, tip, draft.taken)
        return Rebased(commit, with_(draft.report, revision=commit), snapshot)

    def _overtaken(self, there: Target, capture: str, parent: str | None, taken: datetime) -> bool:
        """Say whether somebody pushed a newer capture, of which the one here knows nothing.

        A time says nothing if it lies in the future, if the order of the commits contradicts it, or
        if it is earlier than that of a commit which the capture here stands on.
        """
        then, now = taken.timestamp(), self._now.timestamp()
        dates = self._repository.git.run("log", "--format=%at", parent) if parent else b""
        if any(then <= int(date) <= now for date in dates.split()):
            return False  # the clock here was behind
        pushed = Dates.of(replace(there.catalogue, ref=self._theirs)).used
        return any(
            DIGEST in each.trailers
            and taken <= each.authored_at <= self._now
            and not self._repository.is_ancestor(each.id, capture)
            for each in pushed
        )

    def _dropped(self, there: Target, end: End, snapshot: str, reason: str) -> Rebased:
        self.notes.append(f"{there.source.name}: dropped: {reason}")
        return Rebased("", unchanged(there.source, end), snapshot)

    def _reverted(self, there: Target, commit: str, parent: str | None) -> Rebased:
        """Revert what stands for the capture that `commit` reverted."""
        before = {row.revision for row in there.catalogue.reverted(parent)}
        rows = (row.revision for row in there.catalogue.reverted(commit))
        capture = next(row for row in rows if row not in before)
        wanted = self.rebuilt[capture].revision if capture in self.rebuilt else capture
        if not wanted:
            return Rebased("")  # it is not there at all
        tip = there.catalogue.ref
        try:
            back = revert.reversal(there, self._writer, tip, wanted, self._now)
        except UnknownRevision as error:
            self.notes.append(
                stored(
                    "{source}: not reverted again: {error}",
                    source=there.source.name,
                    error=reason(error),
                )
            )
            return Rebased("")
        return Rebased(self._build(there, back.files, back.message, tip, self._now))

    def _pruned(self, there: Target, files: Mapping[str, str | None]) -> Rebased:
        """Remove the same stamped files, as far as they are there."""
        tip, folder = there.catalogue.ref, there.catalogue.stamped
        names = [
            name
            for name in self._repository.entries(tip, folder)
            if name.endswith(".json") and f"{folder}/{name}" in files
        ]
        if not names:
            return Rebased("")
        removed, text = prune.pruned(there, tip, names)
        return Rebased(self._build(there, removed, text, tip, self._now))

    def _build(
        self, target: Target, files: Mapping[str, str | None], text: str, tip: str, taken: datetime
    ) -> str:
        change = target.change(files, text, tip=tip, taken=taken, now=self._now)
        return self._writer.build(change)


def _foreign(commit: str) -> PushRejected:
    return PushRejected(
        sentence("{commit} is only here, and it is no capture", commit=commit[:10]), hint=_MEND
    )
