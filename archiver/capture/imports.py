"""Turn versions that were kept in some other way into commits, dated at their capture times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archiver.capture import prune
from archiver.capture.changelog_file import changelog_file
from archiver.capture.report import Report, commit_message
from archiver.errors import StoreError, UnknownRevision, UnreadableSnapshot, reason
from archiver.history import snapshots
from archiver.history.catalogue import DIGEST
from archiver.history.changelog import links
from archiver.history.comparison import outlined
from archiver.history.versions import EMPTY, opened, stamp
from archiver.language import Stored, sentence, speaking, stored
from archiver.records import canonical
from archiver.records.digest import records_digest
from archiver.records.model import End, Line
from archiver.records.representation import short
from archiver.records.text import Noun, count
from archiver.sources.lines import LinesInMemory
from archiver.store.change import BOT
from archiver.store.commit import writing
from archiver.store.history import Revision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from archiver.capture.origins import Origin
    from archiver.capture.target import Target
    from archiver.errors import RenderError
    from archiver.history.versions import Version, Versions
    from archiver.sources.lines import Lines
    from archiver.store.commit import Writer


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Attributes:
        source: Name of the source.
        committed: Number of new commits.
        present: Number of versions that were there already.
        identical: Number of versions with the records of the one before.
        total: Number of records of the newest version.
        noun: What the records are called.
        skipped: Versions that were left out, each with the reason.
        notes: What is to be known of the others.
    """

    source: str
    committed: int
    present: int
    identical: int
    total: int
    noun: Noun
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    __repr__ = short


def import_all(
    target: Target,
    origins: Iterable[Origin],
    *,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Commit versions to a source that is still empty, each dated at its capture time.

    Author, dates and message depend on the versions alone: importing them into two fresh
    repositories gives equal commits. What a killed import had committed already is recognised,
    and the import goes on from there. History is history: no listing is refused. A last commit
    removes the stamped files that ``[retention]`` does not keep today.

    Args:
        target: The source.
        origins: The versions, oldest first.
        now: Time, UTC.
        progress: Called after each version with the number read so far.

    Raises:
        StoreError: The source holds something else; nothing was committed.
        RepositoryBusy: Another run holds the lock.
        RenderError: The template of the message is wrong; committed with the built-in one.
    """
    with writing(target.repository) as writer, opened(target.catalogue) as versions:
        importing = _Importing(target, writer, versions)
        for number, origin in enumerate(origins, 1):
            importing.add(origin)
            if progress is not None:
                progress(number)
        importing.prune(now)
        return importing.finish()


class _Importing:
    """An import under way; the lock is held."""

    def __init__(self, target: Target, writer: Writer, versions: Versions) -> None:
        self._target = target
        self._writer = writer
        self._versions = versions
        self._policy = target.catalogue.policy
        self._link = links(target.catalogue)
        self._tip = target.tip()
        self._present = self._revisions()
        self._before = versions.stored(self._present[-1]) if self._present else EMPTY
        self._digests: list[str] = []
        self._names: set[str] = set()
        self._identical = 0
        self._total = 0
        self._skipped: list[str] = []
        self._notes: list[str] = []
        self._trouble: RenderError | None = None

    def add(self, origin: Origin) -> None:
        """Commit one version, unless it is there, brings nothing new, or cannot be read."""
        if origin.taken is None:
            self._skipped.append(
                stored("{origin}: nothing says when it was taken", origin=origin.name)
            )
            return
        try:
            version = origin.open()
            lines = LinesInMemory(
                Line(canonical.line_key(data).decode(), data) for data in version.lines()
            )
        except (UnreadableSnapshot, UnknownRevision) as error:
            self._skipped.append(sentence("{name}: {error}", name=origin.name, error=reason(error)))
            return
        self._notes += (
            sentence("{name}: {note}", name=origin.name, note=Stored(note))
            for note in version.notes
        )
        self._total = len(lines)
        digest = records_digest(lines.split(1)[""], self._policy)
        if self._digests[-1:] == [digest]:
            self._identical += 1
        else:
            self._take(lines, origin.taken, digest, version.metrics)

    def prune(self, now: datetime) -> None:
        """Remove the stamped files that ``[retention]`` does not keep, in a commit of its own."""
        target, rules = self._target, prune.configured_retention(self._target.config)
        tip = self._tip
        if tip is None or rules.is_empty or len(self._digests) <= len(self._present):
            return
        if gone := prune.planned(target, tip, rules, now).remove:
            files, text = prune.pruned(target, tip, [file.name for file in gone])
            self._writer.commit(target.change(files, text, tip=tip, taken=now, now=now))
            number = count(len(gone), "stamped file")
            self._notes.append(
                stored("{number} pruned, as [retention] says; history keeps them", number=number)
            )

    def finish(self) -> Imported:
        """Return what was done; raise what was wrong with the user's template."""
        if self._trouble is not None:
            raise self._trouble
        return Imported(
            source=self._target.source.name,
            committed=max(len(self._digests) - len(self._present), 0),
            present=min(len(self._digests), len(self._present)),
            identical=self._identical,
            total=self._total,
            noun=self._target.source.called,
            skipped=tuple(self._skipped),
            notes=tuple(self._notes),
        )

    def _revisions(self) -> list[Revision]:
        """Return what the source holds, oldest first."""
        if self._tip is None:
            return []
        catalogue = self._target.catalogue
        return [*catalogue.committed(self._tip)][::-1]

    def _take(self, lines: Lines, taken: datetime, digest: str, metrics: str) -> None:
        taken = snapshots.free_time(self._target.source.name, taken, self._names)
        number = len(self._digests)
        if number >= len(self._present):
            self._commit(lines, taken, digest, metrics)
        elif not _is(self._present[number], taken, digest):
            raise StoreError(
                sentence(
                    "the source {source} is not empty: it holds other snapshots",
                    source=self._target.source.name,
                ),
                hint=sentence(
                    "import into a new source: add a table [sources.NAME] to archiver.toml"
                ),
            )
        self._digests.append(digest)
        self._names.add(snapshots.stamped_name(self._target.source.name, taken))

    def _commit(self, lines: Lines, taken: datetime, digest: str, metrics: str) -> None:
        target, source, tip = self._target, self._target.source, self._tip
        layout = snapshots.laid_out(
            canonical.Header(source.name, stamp(taken), len(lines), metrics=metrics),
            lines,
            shards=source.shards,
            before=self._before,
            max_bytes=source.max_bytes,
        )
        name = snapshots.stamped_name(source.name, taken)
        report = self._report(layout.version(), name)
        folder = target.config.template_folder
        with speaking(target.config.language):
            text, trouble = commit_message(report, None, digest, folder=folder)
            section, wrong = changelog_file(target, self._writer, report, tip=tip, link=self._link)
        blobs = layout.write(self._writer, self._before)
        files = target.files(blobs, name, tip)
        files |= prune.outdated(target, tip, taken)
        files |= section
        self._trouble = self._trouble or trouble or wrong
        done = self._writer.commit(
            target.change(files, text, tip=tip, taken=taken, now=taken, author=BOT)
        )
        self._writer.pack()
        assert done.revision is not None  # noqa: S101  its header has another time
        self._tip = done.revision
        written = Revision(
            done.revision, blobs[".json"], target.catalogue.path, taken, taken, "", {}
        )
        self._before = self._versions.stored(written)

    def _report(self, version: Version, name: str) -> Report:
        found = outlined(self._before, version, self._policy)
        return Report(
            source=self._target.source.name,
            noun=self._target.source.called,
            outcome="changed" if self._digests else "first",
            snapshot=name,
            old=self._before.end,
            new=End(None, version.end.timestamp, version.end.total),
            summary=found.summary,
            changes=found.changes,
            severities=found.severities,
            fields=found.fields,
            told=found.told,
        )


def _is(revision: Revision, taken: datetime, digest: str) -> bool:
    return (revision.authored_at, revision.trailers.get(DIGEST)) == (taken, digest)
