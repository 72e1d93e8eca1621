"""Build the commits of this copy anew on a tip that somebody else pushed; no capture is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace as with_

from archiver.capture import prune, revert, runlog
from archiver.capture.confirmation import MISSING
from archiver.capture.report import DIGEST, PROOF
from archiver.capture.target import open_target
from archiver.capture.validation import baseline
from archiver.changes.lifecycle import read_missing
from archiver.errors import PushRejected, UnknownRevision
from archiver.history import snapshots
from archiver.history.catalogue import REMOVED, REVERTED
from archiver.history.revisions import newest
from archiver.history.versions import EMPTY, Versions, stamp, taken_at
from archiver.store.repository import STATE_REF
from archiver.sync import merge
from archiver.sync.recapture import Carried, Rebuilding, Rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.config import Config
    from archiver.history.versions import Version
    from archiver.store.commit import Writer
    from archiver.store.history import Revision
    from archiver.store.repository import Repository

_MEND: Final = "join the two by hand: git pull --rebase; then run again"
_OURS: Final = "Archiver-Source"


class Replay:
    """Builds commits of this copy anew, oldest first, on the tip of another copy.

    Attributes:
        rebuilt: Full id of a commit to what stands for it.
        notes: What the person should know.
    """

    def __init__(
        self,
        config: Config,
        repository: Repository,
        writer: Writer,
        clock: Callable[[], datetime],
    ) -> None:
        """Build with `writer`, which holds the lock."""
        self.rebuilt: dict[str, Rebuilt] = {}
        self.notes: list[str] = []
        self._config = config
        self._repository = repository
        self._writer = writer
        self._clock = clock

    def onto(self, commit: str, tip: str) -> str:
        """Return the commit that stands for `commit` on `tip`; `tip` itself if it is dropped.

        A capture is dropped where `tip` holds a newer one of the same source, or the same records.

        Raises:
            PushRejected: `commit` is none of this program: a person has to join the two.
        """
        parent = self._parent(commit)
        files = self._repository.differences(parent, commit).files
        target, revision = self._own(commit, files)
        there = replace(target, catalogue=replace(target.catalogue, ref=tip))
        if f"{target.catalogue.folder}/{REVERTED}" in files:
            built = self._reverted(there, commit, parent)
        elif parent and self._folder(target, parent) == self._folder(target, tip):
            built = self._moved(target, revision, files, tip)
        elif {DIGEST, PROOF} <= revision.trailers.keys():
            built = self._captured(there, revision, parent)
        elif all(path.startswith(f"{target.catalogue.stamped}/") for path in files):
            built = self._pruned(there, files)
        else:
            raise _foreign(commit)
        self.rebuilt[commit] = built
        return built.revision or tip

    def _own(self, commit: str, files: Mapping[str, str | None]) -> tuple[Target, Revision]:
        """Return whose commit it is: that of the source in whose folder all its files lie."""
        for name in self._config.sources:
            target = open_target(self._config, name, self._repository)
            if all(path.startswith(f"{target.catalogue.folder}/") for path in files):
                revision = self._repository.revision(commit, target.catalogue.path)
                if _OURS in revision.trailers:
                    return target, revision
        raise _foreign(commit)

    def _parent(self, commit: str) -> str | None:
        answer = self._repository.git.ask("rev-parse", "--verify", "--quiet", f"{commit}~1")
        return None if answer.code else answer.out.decode().strip()

    def _folder(self, target: Target, commit: str) -> str | None:
        """Return the object id of a source's folder in a commit; None where absent."""
        place, _, name = target.catalogue.folder.rpartition("/")
        return self._repository.entries(commit, place).get(name)

    def _moved(
        self, target: Target, revision: Revision, files: Mapping[str, str | None], tip: str
    ) -> Rebuilt:
        """Return the same commit on a tip that left its source alone."""
        text = self._repository.message(revision.id)
        built = self._build(target, files, text, tip, revision.authored_at)
        if not {DIGEST, PROOF} <= revision.trailers.keys():
            return Rebuilt(built)
        with self._versions(target) as versions:
            name = snapshots.name_of(target.source.name, versions.stored(revision).end)
        missing = self._missing(target.source.name, name)
        carried = None if missing is None else Carried(target.source.name, name, missing)
        return Rebuilt(built, carried=carried)

    def _captured(self, there: Target, revision: Revision, parent: str | None) -> Rebuilt:
        """Return the capture compared with the newest one of the tip."""
        with self._versions(there) as versions:
            found = self._rebuilding(there, versions, revision, parent)
            if found.is_older():
                when = f"{stamp(found.taken)} UTC"
                return self._dropped(found, f"the capture of {when}: a newer one was pushed")
            made = found.drawn(self._writer)
            if made is None:
                return self._dropped(found, "what it found was pushed already")
            tip, draft, source = there.catalogue.ref, made.draft, there.source.name
            commit = self._build(there, draft.files, draft.text, tip, made.taken)
            told = with_(made.report, revision=commit, snapshot=draft.name)
            return Rebuilt(commit, told, found.snapshot, Carried(source, draft.name, made.carried))

    def _dropped(self, found: Rebuilding, reason: str) -> Rebuilt:
        self.notes.append(f"{found.target.source.name}: dropped: {reason}")
        return found.dropped()

    def _rebuilding(
        self, there: Target, versions: Versions, revision: Revision, parent: str | None
    ) -> Rebuilding:
        captured = partial(versions.stored, revision)
        end = captured().end
        taken, snapshot = taken_at(end), snapshots.name_of(there.source.name, end)
        if taken is None:
            raise PushRejected(f"{revision.id[:10]} says no time of its capture", hint=_MEND)
        path = there.catalogue.path
        base = self._repository.revision(parent, path) if parent else None
        known = base if base is not None and base.blob else None
        return Rebuilding(
            target=there,
            revision=revision,
            captured=captured,
            base=partial(versions.stored, known) if known else _nothing,
            before=partial(baseline, there, versions, newest(there.catalogue)),
            missing=self._missing(there.source.name, snapshot),
            taken=taken,
            snapshot=snapshot,
        )

    def _missing(self, source: str, snapshot: str) -> frozenset[str] | None:
        """Return the keys that the listing of a capture lacked; None: the state does not tell.

        The state that moved together with a capture is the first that has the report of it. That
        of a capture that was built anew before tells of other listings too.
        """
        found: str | None = None
        tip = self._repository.tip(STATE_REF)
        out = self._repository.git.run("rev-list", "--first-parent", tip) if tip else b""
        for commit in out.decode().split():
            runs = runlog.decode(self._repository.read(commit, f"{source}/{runlog.RUNS}"))
            ours = next((run for run in runs if run.snapshot == snapshot), None)
            if ours is None:
                break
            if ours.joined:
                return merge.carried(self._repository, tip, source, snapshot)
            found = commit
        if found is None:
            return None
        return frozenset(read_missing(self._repository.read(found, f"{source}/{MISSING}") or b""))

    def _versions(self, target: Target) -> Versions:
        """Return what opens the versions of both copies, with their tombstones.

        `history.opened` looks at one tip for these, and the other copy may be the one with some.
        """
        catalogue = target.catalogue
        return Versions(
            self._repository,
            catalogue.path,
            shape=catalogue.shape,
            key=catalogue.policy.key,
            removed=f"{catalogue.folder}/{REMOVED}",
        )

    def _reverted(self, there: Target, commit: str, parent: str | None) -> Rebuilt:
        """Take back what stands for the capture that `commit` took back."""
        before = {row.revision for row in there.catalogue.reverted(parent)} if parent else set()
        rows = (row.revision for row in there.catalogue.reverted(commit))
        capture = next(row for row in rows if row not in before)
        wanted = self.rebuilt[capture].revision if capture in self.rebuilt else capture
        if not wanted:
            return Rebuilt("")  # it is not there at all
        tip, now = there.catalogue.ref, self._clock()
        try:
            back = revert.reversal(there, self._writer, tip, wanted, now)
        except UnknownRevision as error:
            self.notes.append(f"{there.source.name}: not taken back again: {error}")
            return Rebuilt("")
        return Rebuilt(self._build(there, back.files, back.text, tip, now))

    def _pruned(self, there: Target, files: Mapping[str, str | None]) -> Rebuilt:
        """Remove the same stamped files, as far as they are there."""
        tip, now = there.catalogue.ref, self._clock()
        inside = self._repository.entries(tip, there.catalogue.stamped)
        names = [name for name in inside if f"{there.catalogue.stamped}/{name}" in files]
        names = [name for name in names if name.endswith(".json")]
        if not names:
            return Rebuilt("")
        removed, text = prune.pruned(there, tip, names)
        return Rebuilt(self._build(there, removed, text, tip, now))

    def _build(
        self, target: Target, files: Mapping[str, str | None], text: str, tip: str, taken: datetime
    ) -> str:
        change = target.change(files, text, tip=tip, taken=taken, now=self._clock())
        return self._writer.build(change)


def _nothing() -> Version:
    return EMPTY


def _foreign(commit: str) -> PushRejected:
    return PushRejected(f"{commit[:10]} is only here, and it is no capture", hint=_MEND)
