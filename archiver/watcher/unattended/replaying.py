"""Build a capture anew on a commit that somebody else pushed; nothing that was captured is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.errors import PushRejected
from archiver.records import canonical
from archiver.records.model import Line
from archiver.sources.lines import LinesInMemory
from archiver.watcher.capturing import settling
from archiver.watcher.capturing.drafting import drafted
from archiver.watcher.capturing.report import DIGEST, PROOF, Report
from archiver.watcher.capturing.settling import Settled
from archiver.watcher.capturing.target import open_target
from archiver.watcher.reading import snapshots
from archiver.watcher.reading.catalogue import REMOVED
from archiver.watcher.reading.changelog import links
from archiver.watcher.reading.comparison import outlined
from archiver.watcher.reading.moments import newest
from archiver.watcher.reading.versions import EMPTY, Versions, stamp, taken_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.changes.lifecycle import Tombstone
    from archiver.config import Config
    from archiver.store.commit import Writer
    from archiver.store.history import Revision
    from archiver.store.repository import Repository
    from archiver.watcher.capturing.target import Target
    from archiver.watcher.reading.versions import Version

_MEND = "join the two by hand: git pull --rebase; then run again"


class Replay:
    """Builds captures of this copy anew, oldest first, on the tip of another copy.

    Attributes:
        revisions: Full id of a commit to the one that stands for it; empty: it was dropped.
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
        self.revisions: dict[str, str] = {}
        self.notes: list[str] = []
        self._config = config
        self._repository = repository
        self._writer = writer
        self._clock = clock

    def onto(self, commit: str, tip: str) -> str:
        """Return the commit that stands for `commit` on `tip`; `tip` itself if it is dropped.

        It is dropped where `tip` holds a newer capture of the same source, or the same records.

        Raises:
            PushRejected: `commit` is no capture: a person has to join the two.
        """
        target, revision = self._capture(commit)
        parent = self._parent(commit)
        if parent and self._folder(target, parent) == self._folder(target, tip):
            built = self._moved(target, revision, parent, tip)
        else:
            built = self._rebuilt(target, revision, tip)
        self.revisions[commit] = built
        return built or tip

    def _capture(self, commit: str) -> tuple[Target, Revision]:
        """Return whose capture `commit` is, and the capture."""
        files = self._repository.differences(self._parent(commit), commit).files
        for name in self._config.sources:
            target = open_target(self._config, name, self._repository)
            folder = target.catalogue.folder
            if not all(path.startswith(f"{folder}/") for path in files):
                continue
            revision = self._repository.revision(commit, target.catalogue.path)
            if revision.blob and {DIGEST, PROOF} <= revision.trailers.keys():
                return target, revision
        raise PushRejected(f"{commit[:10]} is only here, and it is no capture", hint=_MEND)

    def _parent(self, commit: str) -> str | None:
        answer = self._repository.git.ask("rev-parse", "--verify", "--quiet", f"{commit}~1")
        return None if answer.code else answer.out.decode().strip()

    def _folder(self, target: Target, commit: str) -> str | None:
        """Return the object id of a source's folder in a commit; None where absent."""
        place, _, name = target.catalogue.folder.rpartition("/")
        return self._repository.entries(commit, place).get(name)

    def _moved(self, target: Target, revision: Revision, parent: str, tip: str) -> str:
        """Return the same capture on a tip that left its source alone."""
        files = self._repository.differences(parent, revision.id).files
        text = self._repository.message(revision.id)
        return self._build(target, files, text, tip, revision.authored_at)

    def _rebuilt(self, target: Target, revision: Revision, tip: str) -> str:
        """Return the capture compared with the newest one of `tip`; empty: it is dropped."""
        there = replace(target, catalogue=replace(target.catalogue, ref=tip))
        known = newest(there.catalogue)
        with self._versions(target) as versions:
            before = partial(versions.stored, known) if known else partial(replace, EMPTY)
            taken = taken_at(versions.stored(revision).end)
            if taken is None:
                raise PushRejected(f"{revision.id[:10]} says no time of its capture", hint=_MEND)
            if (before().end.timestamp or "") >= stamp(taken):
                words = f"the capture of {stamp(taken)} UTC was dropped: a newer one was pushed"
                self.notes.append(f"{target.source.name}: {words}")
                return ""
            return self._compared(there, versions, before, revision, taken)

    def _versions(self, target: Target) -> Versions:
        """Return what opens the versions of both copies, with their tombstones."""
        catalogue = target.catalogue
        return Versions(
            self._repository,
            catalogue.path,
            shape=catalogue.shape,
            key=catalogue.policy.key,
            removed=f"{catalogue.folder}/{REMOVED}",
        )

    def _compared(
        self,
        target: Target,
        versions: Versions,
        before: Callable[[], Version],
        revision: Revision,
        taken: datetime,
    ) -> str:
        tip = target.catalogue.ref
        captured = versions.stored(revision)
        lines = LinesInMemory(
            Line(canonical.line_key(data).decode(), data) for data in captured.lines()
        )
        settled = self._settled(before(), captured, lines)
        source = target.source
        taken = snapshots.free_time(
            source.name, taken, self._repository.entries(tip, target.catalogue.stamped)
        )
        header = canonical.Header(source.name, stamp(taken), len(lines), covers=captured.covers)
        layout = snapshots.laid_out(
            header, lines, shards=source.shards, before=before(), max_bytes=source.max_bytes
        )
        after = replace(layout.version(), tombstones=lambda: settled.removed)
        old = before()
        summary, changes = outlined(old, after, target.catalogue.policy)
        if not summary.news and not summary.metrics:
            return ""
        report = Report(
            source=source.name,
            outcome="first" if old.end == EMPTY.end else "changed",
            old=old.end,
            new=after.end,
            summary=summary,
            changes=changes,
        )
        draft = drafted(
            target,
            self._writer,
            report,
            layout=layout,
            lines=lines,
            before=before(),
            settled=settled,
            proof=revision.trailers[PROOF],
            link=links(target.catalogue),
            tip=tip,
            taken=taken,
        )
        return self._build(target, draft.files, draft.text, tip, taken)

    def _settled(self, before: Version, captured: Version, lines: LinesInMemory) -> Settled:
        """Keep what the other capture listed: one listing that lacks a record removes nothing."""
        known, own = before.tombstones(), captured.tombstones()
        if captured.covers != "window":
            gone = settling.absent(before, lines)
            lines.keep(Line(key, data) for key, data in gone.items() if key not in own)
        stones: Mapping[str, Tombstone] = {**known, **own}
        removed = {key: stone for key, stone in stones.items() if not lines.holds(key)}
        return Settled({}, removed, known)

    def _build(
        self, target: Target, files: Mapping[str, str | None], text: str, tip: str, taken: datetime
    ) -> str:
        change = target.change(files, text, tip=tip, taken=taken, now=self._clock())
        return self._writer.build(change)
