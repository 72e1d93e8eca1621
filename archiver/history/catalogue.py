"""One catalogue: in which repository and file it is kept, and what its fields mean."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from itertools import chain, takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from archiver import config as configuration
from archiver.changes.lifecycle import read_missing, read_unlisted
from archiver.errors import (
    ConfigError,
    NotADataRepository,
    PreviousNotHere,
    ShallowHistory,
    StoreError,
    reason,
)
from archiver.formats import UNSAID, Reading
from archiver.history.foreign import Shape, shape_of
from archiver.language import joined, sentence
from archiver.records.folder import is_pattern, within
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.policy import Policy
from archiver.records.representation import short
from archiver.records.text import RECORD
from archiver.store.history import Revision
from archiver.store.joined import PREVIOUS
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archiver.changes.lifecycle import Missing
    from archiver.config import Config, SourceConfig
    from archiver.records.text import Noun
    from archiver.store.repository import Repository

LATEST = "latest.json"
CHANGELOG = "CHANGELOG.md"
"""File of a source's folder: one section for each capture with news, newest first."""
REVERTED = "reverted.jsonl"
"""File of a source's folder: one line per revision that was reverted."""
REMOVED = "removed.jsonl"
"""File of a source's folder: one tombstone a line."""
UNLISTED = "unlisted.jsonl"
"""File of a source's folder: the keys that the snapshot holds and its listing did not name."""
PREVIOUS_FILE = "previous.json"
"""File beside archiver.toml: which repository this one goes on from."""
NEXT_FILE = "next.json"
"""File beside archiver.toml of a finished archive: in which repository it goes on."""
DIGEST = "Archiver-Records-Digest"
"""Trailer of a capture: the digest of its records."""
LAYOUT = "Archiver-Layout"
"""Trailer of a commit that holds the records of another one in another number of files.

It says that number, and the full id of the other one.
"""
MISSING = "missing.jsonl"
"""File of the state ref: the records that are missing and not removed yet."""
RUNS = "runs.jsonl"
"""File of the state ref: the report of one run a line, oldest first."""


class Reverted(msgspec.Struct, frozen=True):
    """A line of `REVERTED`: the revision's full id, its time, and when it was reverted (UTC)."""

    revision: str
    timestamp: str
    reverted_at: str

    __repr__ = short


@dataclass(frozen=True)
class Edge(Revision):
    """The commit at which a shallow clone ends: a state, not a change.

    Which change led to it, and when, is not known. Without a `blob` the file is not in it. The
    first commit of a repository that goes on from another one is one too, until that is fetched.

    Attributes:
        end: Says where the clone ends, and how to deepen it.
    """

    end: ShallowHistory = field(compare=False)

    __repr__ = short

    @classmethod
    def of(cls, revision: Revision, end: ShallowHistory) -> Edge:
        """Return the state that `revision` holds."""
        return cls(
            **{each.name: getattr(revision, each.name) for each in fields(revision)}, end=end
        )

    @property
    def note(self) -> str:
        """Where the clone ends, and how to deepen it."""
        if isinstance(self.end, PreviousNotHere):
            return joined("; ", (reason(self.end), self.end.hint))
        return sentence(
            "this clone is shallow: its history ends at {id}; {hint}",
            id=self.id[:10],
            hint=self.end.hint,
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What every reading use case looks at.

    Attributes:
        source: Its name; for a file of any repository, the name of the file.
        path: The file, relative to the top of the work tree, with ``/``; empty: none.
        policy: What the fields mean, as configured today.
        shape: How to read what is not canonical; None: as the original design wrote it.
        repository: Where its history is; None: plain files only.
        ref: Full name of its branch, or ``HEAD``.
        config: The archiver.toml it stands in, if any.
        noun: What its records are called.
        indexed: Whether its index may be used.
        damping: Captures within which a record that was removed is back if it flaps; 0: none does.
        follow: Whether a file of any repository is followed to where it was before.
        is_folder: Whether `path` is a pattern that names the files of a folder.
        walked: Path and full id of a commit to path and object id of the versions back from it,
            of the histories that were read to their end.
    """

    source: str
    path: str
    policy: Policy
    shape: Shape | None = None
    repository: Repository | None = None
    ref: str = "HEAD"
    config: Config | None = None
    noun: Noun = RECORD
    indexed: bool = True
    damping: int = 0
    follow: bool = False
    is_folder: bool = False
    walked: dict[tuple[str, str], dict[tuple[str, str], None]] = field(
        default_factory=dict, compare=False
    )

    __repr__ = short

    @property
    def folder(self) -> str:
        """Folder of a configured source; empty for a file of any repository."""
        return folder_of(self.path) if self.config else ""

    @property
    def stamped(self) -> str:
        """Folder of the stamped files of a configured source."""
        return f"{self.folder}/snapshots"

    @property
    def has_tombstones(self) -> bool:
        """Whether it is that of a source from which a record was ever removed.

        A person who merges, or goes back to an older state, may leave a tip without the file.
        """
        tip = self.required().tip(self.ref) if self.folder else None
        if tip is None or self.required().object_at(tip, f"{self.folder}/{REMOVED}"):
            return tip is not None
        folders = map(folder_of, self.places(tip))
        with suppress(ShallowHistory):
            return any(True for each in folders for _ in self.beside(f"{each}/{REMOVED}", tip))
        return False

    @property
    def settings(self) -> str:
        """Path of archiver.toml, relative to the top; empty for a file of any repository."""
        if self.config is None:
            return ""
        return _within(self.required(), self.config, configuration.FILE_NAME)

    @property
    def previous(self) -> str:
        """Path of the file that says which repository was before, of a configured source."""
        return beside_settings(self.settings, PREVIOUS_FILE)

    def revisions(self, tip: str | None = None) -> Iterator[Revision]:
        """Yield the revisions that changed the catalogue, newest first.

        Reverted captures are left out; of a capture that was carried over to another layout, the
        newest layout stands for it.

        Args:
            tip: Full id to begin at; None: the newest of the branch.

        Raises:
            NotADataRepository: Nothing was ever committed.
            ShallowHistory: The clone ends here; all revisions before are yielded.
        """
        newest = self._newest(tip)
        start = tip or newest
        if start is None:
            raise self.no_revision()
        reverted = {row.revision for row in self.reverted(newest)}
        found = self._followed(self._place(start, newest), start)
        first = next(found, None)
        if first is not None:
            self._refuse_folder(first)
            found = chain((first,), found)
        for revision in _laid_out_once(found):
            if revision.id not in reverted:
                yield revision

    def _refuse_folder(self, newest: Revision) -> None:
        """Refuse a path that is a folder now, and never was a file.

        Raises:
            NotADataRepository: It is one.
        """
        if self.folder or newest.blob or not self.required().is_folder(newest.id, self.path):
            return
        with suppress(ShallowHistory):
            if any(each.blob for each in self._followed(self.path, newest.id)):
                return
        inside = f"{self.path}/"
        paths = self.required().blobs(newest.id)
        files = [each.removeprefix(inside) for each in paths if each.startswith(inside)]
        suffix = PurePosixPath(next(iter(files), "")).suffix
        pattern = f"{inside}{'**/' if all('/' in each for each in files) else ''}*{suffix}"
        raise NotADataRepository(
            sentence("{path} is a folder", path=self.path),
            hint=sentence(
                "name a file in it, or several by a pattern: --file '{pattern}'", pattern=pattern
            ),
        )

    def elsewhere(self, revision: Revision) -> str:
        """Return where the file was in a revision; empty: where it is in the newest, or gone."""
        return revision.path if self.follow and revision.path != self.path else ""

    def at(self, commit: str, path: str = "") -> Revision:
        """Return a commit with what it holds, whether or not it changed that.

        Args:
            commit: Full id.
            path: Where the catalogue is in it; empty: where it is in the newest.
        """
        found = self.required().revision(commit, path or self.path)
        return replace(found, blob=commit) if self.is_folder else found

    def committed(self, tip: str) -> Iterator[Revision]:
        """Yield the revisions that changed the catalogue, reverted captures included.

        Args:
            tip: Full id to begin at.

        Raises:
            ShallowHistory: The clone ends here; all revisions before are yielded.
        """
        return self._followed(self._place(tip, self._newest(tip)), tip)

    def beside(self, path: str, tip: str) -> Iterator[Revision]:
        """Yield the commits that changed a file that belongs to the catalogue, newest first.

        Args:
            path: Where it is in the newest commit, relative to the top of the work tree.
            tip: Full id to begin at.

        Raises:
            ShallowHistory: The clone ends here; all revisions before are yielded.
        """
        return self._followed(path, tip)

    def _followed(self, path: str, tip: str) -> Iterator[Revision]:
        """Yield the commits that changed a file, newest first.

        In an archive the captures of merged branches count: a plain ``git pull`` hides none, and
        a file is followed to the folder that one commit moved here. In other histories a merged
        branch comes into effect by its merge, and a file is followed as by ``git log --follow``.
        """
        known: dict[tuple[str, str], None] = {}
        repository, captures = self.required(), bool(self.folder)
        found = (
            repository.folder_history(path, tip=tip)
            if self.is_folder
            else repository.history(path, tip=tip, captures=captures, follow=self.follow)
        )
        for revision in found:
            if revision.blob is not None:
                known[revision.path, revision.blob] = None
            yield revision
        self.walked[path, tip] = known

    def _newest(self, tip: str | None) -> str | None:
        """Return the tip of the branch; None: it is not looked at, or unborn."""
        unmoved = not (self.folder or self.follow)
        return None if tip and unmoved else self.required().tip(self.ref)

    def _place(self, commit: str, newest: str | None) -> str:
        """Return where the catalogue is in a commit: a source may have been renamed since.

        Args:
            commit: Full id.
            newest: Full id of the tip of the branch, as `_newest` returns it.
        """
        repository = self.required()
        if newest in (None, commit):
            return self.path
        if repository.object_at(commit, self.path) and not (
            self.folder and repository.deleted(self.path, since=commit, tip=newest)
        ):
            return self.path  # where it was deleted since, it may be that of another source
        known = self._versions(newest)
        blobs = {path: repository.object_at(commit, path) for path in {path for path, _ in known}}
        for path, blob in known:
            if blobs[path] == blob:
                return path
        return next((path for path, _ in known if blobs[path]), self.path)

    def _versions(self, tip: str) -> dict[tuple[str, str], None]:
        """Return path and object id of every version, newest first, as far as the clone reaches."""
        if (self.path, tip) in self.walked:
            return self.walked[self.path, tip]
        found: dict[tuple[str, str], None] = {}
        with suppress(ShallowHistory):
            for revision in self._followed(self.path, tip):
                if revision.blob is not None:
                    found[revision.path, revision.blob] = None
        return found

    def blobs(self, tip: str) -> frozenset[str]:
        """Return the object id of every version back from `tip`, as far as the clone reaches."""
        return frozenset(blob for _, blob in self._versions(tip))

    def places(self, tip: str) -> tuple[str, ...]:
        """Return every path that the catalogue had until `tip`, newest first.

        A source that was never renamed has one.
        """
        return tuple(dict.fromkeys((self.path, *(path for path, _ in self._versions(tip)))))

    def names(self) -> tuple[str, ...]:
        """Return what the source was ever called, newest first, as far as the clone reaches."""
        tip = self._newest(None)
        former = self.places(tip)[1:] if tip else ()
        return tuple(dict.fromkeys((self.source, *map(source_at, former))))

    def namesake(self, tip: str) -> Revision | None:
        """Return the newest version of another catalogue that was at this path before.

        There is one where this catalogue was moved to a name that had been in use.
        """
        if not self.folder or len(self.places(tip)) == 1:
            return None
        blobs = {None, *self.blobs(tip)}
        with suppress(ShallowHistory):
            for revision in self.required().history(self.path, tip=tip):
                if revision.blob not in blobs:
                    return revision
        return None

    def reachable(self, tip: str | None = None) -> Iterator[Revision]:
        """Yield the revisions of a clone as far as it reaches, newest first.

        In a shallow clone the last one is an `Edge`, unless its capture was reverted. So is the
        first commit of a repository that goes on from one that was not fetched.

        Args:
            tip: Full id to begin at; None: the newest of the branch.

        Raises:
            NotADataRepository: Nothing was ever committed.
        """
        try:
            for revision in self.revisions(tip):
                end = self.beginning(revision)
                yield Edge.of(revision, end) if end else revision
        except ShallowHistory as end:
            newest = self.required().tip(self.ref)
            if all(row.revision != end.commit for row in self.reverted(newest)):
                yield Edge.of(self.at(end.commit, end.path), end)

    def beginning(self, revision: Revision) -> PreviousNotHere | None:
        """Return the error of who asks what was before a revision; None: the history is here."""
        previous = revision.trailers.get(PREVIOUS)
        known = any(each.first == revision.id for each in self.required().joined)
        if previous is None or known or self.required().parent(revision.id):
            return None
        message = sentence(
            "what was before {time} UTC is in the previous repository, which is not here",
            time=f"{revision.authored_at:%Y-%m-%d %H:%M:%S}",
        )
        return PreviousNotHere(
            message,
            hint=sentence("fetch it with: archiver rollover --fetch"),
            commit=revision.id,
            path=revision.path,
        )

    def not_here(self, tip: str | None = None) -> PreviousNotHere | None:
        """Return the error of who asks for more than this repository has; None: it has all."""
        repository = self.required()
        start = tip or repository.tip(self.ref)
        if not (self.folder and start and repository.object_at(start, self.previous)):
            return None
        first = repository.first(start)
        return self.beginning(self.at(first)) if first else None

    def count(self, tip: str | None = None, before: str = "") -> int:
        """Return how many revisions there are, as far as the clone reaches.

        Args:
            tip: Full id to begin at; None: the newest of the branch.
            before: Full id of the revision to end at, which is not counted; empty: there is none.
        """
        return sum(1 for _ in takewhile(lambda each: each.id != before, self.reachable(tip)))

    def no_revision(self) -> NotADataRepository:
        """Return the error of a catalogue without any revision."""
        if not self.folder:
            return self._no_file()
        message = sentence("there is no snapshot of {source} yet", source=self.source)
        tip = self._newest(None)
        if tip and (moved := self.required().moved_to(self.path, tip)):
            name = source_at(moved)
            words = sentence(
                "{message}: {path} was moved to {moved}",
                message=message,
                path=self.path,
                moved=moved,
            )
            hint = sentence(
                "rename [sources.{source}] in archiver.toml to [sources.{name}], too",
                source=self.source,
                name=name,
            )
            return NotADataRepository(words, hint=hint)
        by_class = self.config is not None and self.config.source(self.source).by_class
        hint = (
            configuration.RUN_CLASS
            if by_class
            else sentence("take one with: archiver run {source}", source=self.source)
        )
        return NotADataRepository(message, hint=hint)

    def _no_file(self) -> NotADataRepository:
        """Return the error that a file of any repository is in no commit."""
        tip = self.required().tip(self.ref)
        paths = self.required().blobs(tip) if tip else {}
        near = nearest(self.path, paths)
        hint = (
            sentence("did you mean {near}?", near=near)
            if near
            else sentence("--file names a file of the repository, relative to its top")
        )
        message = (
            sentence("no commit holds a file that matches {path}", path=self.path)
            if self.is_folder
            else sentence("no commit holds {path}", path=self.path)
        )
        return NotADataRepository(message, hint=hint)

    def policy_then(self, commit: str) -> Policy | None:
        """Return what the fields meant by the archiver.toml in `commit`; None: unknown."""
        if self.config is None:
            return None
        blob = self.required().object_at(commit, self.settings)
        return None if blob is None else self.policy_in(blob)

    def policy_in(self, blob: str) -> Policy | None:
        """Return what the fields meant by an archiver.toml, given its object id; None: unknown."""
        if self.config is None:
            return None
        with self.required().objects() as reader:
            content = reader.read(blob)
        try:
            then = configuration.parse(content, self.config.root / configuration.FILE_NAME, {})
            known = (self.source,) if self.source in then.sources else self.names()
            called = next((name for name in known if name in then.sources), self.source)
            return policy_of(then.source(called))
        except ConfigError:
            return None

    def reverted(self, tip: str | None) -> list[Reverted]:
        """Return the captures that were reverted, as the commit `tip` says.

        Raises:
            StoreError: The file that says it cannot be read.
        """
        if not self.folder or tip is None:
            return []
        content = self.required().read(tip, f"{self.folder}/{REVERTED}")
        try:
            return msgspec.json.Decoder(Reverted).decode_lines(content or b"")
        except UNREADABLE as error:
            raise StoreError(
                sentence(
                    "{reverted} cannot be read: {plain}", reverted=REVERTED, plain=plain(error)
                )
            ) from error

    def unlisted(self, commit: str) -> frozenset[str]:
        """Return the keys that the snapshot of a commit holds and its listing did not name.

        Raises:
            StoreError: The file that says it cannot be read.
        """
        if not self.folder:
            return frozenset()
        folder = folder_of(self._place(commit, self._newest(commit)))
        content = self.required().read(commit, f"{folder}/{UNLISTED}")
        try:
            return read_unlisted(content or b"")
        except ValueError as error:
            raise StoreError(
                sentence(
                    "{unlisted} cannot be read: {error}", unlisted=UNLISTED, error=reason(error)
                )
            ) from error

    def missing(self) -> dict[str, Missing]:
        """Return the records that are missing and not removed yet, as the last run remembers.

        Raises:
            StoreError: The file that says it cannot be read.
        """
        content = self.remembered(MISSING) if self.folder else None
        try:
            return read_missing(content or b"")
        except ValueError as error:
            words = sentence(
                "what is remembered of {source} cannot be read: {error}",
                source=self.source,
                error=reason(error),
            )
            raise StoreError(words) from error

    def remembered(self, file: str) -> bytes | None:
        """Return a file of the source's folder on the state ref, verified; None where absent.

        Until the first run after the source was renamed, that folder has the name before.
        """
        repository = self.required()
        state = repository.tip(STATE_REF)
        if state is None:
            return None
        content = repository.read(state, f"{self.source}/{file}")
        former = self._former_memory(state) if content is None else ""
        return repository.read(state, f"{former}/{file}") if former else content

    def adopted(self) -> dict[str, bytes | None]:
        """Return what moves the folder of the state ref to the source's new name.

        It belongs to the first change of the state after the source was renamed.
        """
        repository = self.required()
        state = repository.tip(STATE_REF)
        former = self._former_memory(state) if state else ""
        if not state or not former:
            return {}
        names = repository.entries(state, former)
        old: dict[str, bytes | None] = {f"{former}/{name}": None for name in names}
        new = {
            f"{self.source}/{name}": repository.read(state, f"{former}/{name}") for name in names
        }
        return old | new

    def _former_memory(self, state: str) -> str:
        """Return the name under which alone the state remembers the source; empty: there is none.

        Nobody else has it: no source of archiver.toml is called so.
        """
        folders = self.required().entries(state, "")
        if self.config is None or self.source in folders:
            return ""
        others = folders.keys() - self.config.sources.keys()
        return next((name for name in self.names() if name in others), "") if others else ""

    def required(self) -> Repository:
        """Return the repository; NotADataRepository if there is none."""
        if self.repository is None:
            raise NotADataRepository(
                sentence("there is no git repository here"),
                hint=sentence("name one with --repo DIR, or make one with: archiver init"),
            )
        return self.repository


def stands_for(revision: Revision) -> str:
    """Return the full id of the commit whose records it holds in another layout; empty: of none."""
    return revision.trailers.get(LAYOUT, "").partition(" ")[2]


def _laid_out_once(revisions: Iterable[Revision]) -> Iterator[Revision]:
    """Leave out the revisions, newest first, that a later commit holds in another layout.

    One whose capture was rebased meanwhile knows it by its time and digest.
    """
    again: set[tuple[datetime, str] | str] = set()
    for revision in revisions:
        capture = revision.authored_at, revision.trailers.get(DIGEST, revision.id)
        if again.isdisjoint((revision.id, capture)):
            yield revision
        if LAYOUT in revision.trailers:
            again |= {stands_for(revision), capture}


def beside_settings(settings: str, name: str) -> str:
    """Return the path of a file beside the archiver.toml at `settings`."""
    return (PurePosixPath(settings).parent / name).as_posix()


def folder_of(path: str) -> str:
    """Return the folder of the source whose `LATEST`, or whose stamped file, is at `path`."""
    file = PurePosixPath(path)
    return str(file.parent if file.name == LATEST else file.parent.parent)


def source_at(path: str) -> str:
    """Return the name of the source whose `LATEST` is at `path`."""
    return path.rpartition("/")[0].rpartition("/")[2]


def configured(config: Config, name: str | None, repository: Repository) -> Catalogue:
    """Return the catalogue of a source of archiver.toml.

    Args:
        config: The archiver.toml.
        name: The source; None: the only one.
        repository: The data repository.

    Raises:
        ConfigError: There is no such source, or several and none is named.
    """
    source = config.source(name or _only(config))
    return Catalogue(
        source=source.name,
        path=_within(repository, config, f"{config.folder(source.name)}/{LATEST}"),
        policy=policy_of(source),
        shape=shape_of(source),
        repository=repository,
        ref="HEAD" if config.archive.branch is None else repository.branch(config.archive.branch),
        config=config,
        noun=source.called,
        indexed=config.archive.index != "never",
        damping=source.damping,
    )


def _within(repository: Repository, config: Config, path: str) -> str:
    """Return a path of archiver.toml, which may lie below the top of the work tree."""
    if repository.root is None:
        return path
    return (config.root.resolve().relative_to(repository.root) / path).as_posix()


def policy_of(source: SourceConfig) -> Policy:
    """Return what the fields of a configured source mean."""
    return Policy(
        key=source.key,
        metrics=source.metrics,
        volatile=source.volatile,
        sets=source.sets,
        tolerance=source.tolerance,
        label=source.label,
        severity=source.severity,
        null=source.null,
        renames=source.renames,
    )


def anywhere(
    repository: Repository | None,
    file: str,
    *,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...] = (),
    how: Reading = UNSAID,
    follow: bool = True,
) -> Catalogue:
    """Return the catalogue that a file of any repository is, or the files of a folder.

    Args:
        repository: The repository; None: plain files only.
        file: The file, relative to the top of the work tree; a name where there is none. A
            pattern names the files of a folder, unless a file is called so.
        records: Path of the records; None: the document is the array, or as the original
            design wrote it where nothing else is given either.
        key: Fields of the key.
        excluded: Members of objects on the path that are no records.
        how: How the file is read.
        follow: Whether the file is followed to where it was before.
    """
    described = records or key or excluded or how != UNSAID
    shape = Shape(records or ".", key, excluded=excluded, how=how) if described else None
    path = Path(file).as_posix().removeprefix("./")
    found = Catalogue(path, path, Policy(key=key), shape, repository)
    if repository is None or not is_pattern(path) or _is_file(repository, path):
        return replace(found, follow=follow)
    return replace(found, shape=in_folder(shape), is_folder=True)


def _is_file(repository: Repository, path: str) -> bool:
    tip = repository.tip("HEAD")
    return tip is not None and repository.object_at(tip, path) is not None


def in_folder(shape: Shape | None) -> Shape:
    """Return a shape whose path goes through the files of a folder."""
    described = shape or Shape(".", ())
    return described._replace(records=within(described.records))


def nearest(path: str, others: Iterable[str]) -> str:
    """Return which of `others` a person may have meant by `path`; empty: none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415  for a wrong path only

    known = [*others]
    name = path.rpartition("/")[2]
    same = [each for each in known if each.rpartition("/")[2] == name]
    return next(iter(same or get_close_matches(path, known, 1)), "")


def _only(config: Config) -> str:
    if len(config.sources) == 1:
        return next(iter(config.sources))
    names = ", ".join(config.sources)
    raise ConfigError(
        sentence("there is more than one source") if names else sentence("no source is configured"),
        hint=sentence("name one with --source: {names}", names=names)
        if names
        else sentence("add a table [sources.NAME]"),
    )
