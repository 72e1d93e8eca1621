"""Find the catalogues that a question is about: sources of archiver.toml, or one file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from archiver import config as configuration
from archiver.errors import (
    ConfigError,
    NotADataRepository,
    NotInARepository,
    UnknownRecord,
    UnknownRevision,
    reason,
)
from archiver.formats import UNSAID, Reading
from archiver.history.assumption import Said, assumed, in_files, in_history
from archiver.history.catalogue import anywhere, configured
from archiver.history.revisions import as_file, is_file
from archiver.language import sentence
from archiver.records.path import RecordsPath
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archiver.config import Config
    from archiver.history.catalogue import Catalogue
    from archiver.records.policy import Null, Renames

T = TypeVar("T")

_STAMPED = re.compile(r"([a-z0-9_-]+)_models_\d{8}_\d{6}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which catalogues a question is about.

    Attributes:
        repo: A folder of the git repository.
        environ: The environment, for ``ARCHIVER_*``.
        sources: Names of sources of archiver.toml; empty: the one whose stamped files are
            among `words`, else all.
        file: A file of any repository instead of sources, relative to `repo` as git's own paths.
        records: Path of the records in `file`, or in plain files; None: the document is the array.
        key: Fields of the key of the records in `file`, or in plain files.
        excluded: Members of objects on the path `records` that are no records.
        metrics: Metric fields, besides those of archiver.toml.
        words: What names versions; the name of a stamped file names its source.
        index: Whether an index may be used.
        damping: Captures within which a record flaps; None: as archiver.toml says.
        how: How `file`, or plain files, are read.
        follow: Whether `file` is followed to where it was before.
        null: What a member that is null is; None: as archiver.toml says.
        renames: What records are that hold the same; None: as archiver.toml says.
    """

    repo: Path
    environ: Mapping[str, str] = field(repr=False)
    sources: tuple[str, ...] = ()
    file: str | None = None
    records: str | None = None
    key: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    index: bool = True
    damping: int | None = None
    how: Reading = UNSAID
    follow: bool = True
    null: Null | None = None
    renames: Renames | None = None

    def one(self) -> Catalogue:
        """Return the one catalogue that is meant.

        Raises:
            ConfigError: archiver.toml is missing or wrong, or several sources could be meant.
            NotADataRepository: There is no git repository.
        """
        first, *others = self.each()
        if others:
            names = ", ".join(each.source for each in (first, *others))
            hint = sentence("name one with --source: {names}", names=names)
            raise ConfigError(sentence("there is more than one source"), hint=hint)
        return first

    def each(self) -> list[Catalogue]:
        """Return the catalogues that are meant, in the order of archiver.toml; at least one.

        Raises:
            ConfigError: archiver.toml is missing or wrong.
            NotADataRepository: There is no git repository.
        """
        if self.file is not None:
            repository = self._repository(self.repo / self.file)
            file = _within(repository, self.repo, self.file)
            found = [self._described(repository, file)]
        elif self._describes:
            message = sentence(
                "--records, --key, --except and --input describe the file that --file names"
            )
            raise ConfigError(message)
        else:
            config = self._config()
            repository = Repository.open(config.root)
            found = [configured(config, name, repository) for name in self._names(config)]
        return [self._measured(each) for each in found]

    def versions(self, at: str | None) -> tuple[list[Catalogue], str | None]:
        """Return the catalogues that are meant, and what names the version of them to read.

        A plain file of which no history is known is one catalogue, and its only version.

        Args:
            at: What names the version; None: the newest.

        Raises:
            ConfigError: archiver.toml is missing or wrong.
            NotADataRepository: There is no git repository.
        """
        if self.file is None and self.knows_only_files():
            at = as_file(at)
            if at is not None and is_file(at):
                return [self.plain(Path(at).name, Path(at))], at
        elif self.file is not None and at is None and self._is_outside(self.repo / self.file):
            path = self.repo / self.file
            return [self._measured(self._described(None, path.name, path))], as_file(str(path))
        return self.each(), at

    def _is_outside(self, path: Path) -> bool:
        """Tell whether a path is that of a plain file of no git repository."""
        if not path.is_file():
            return False
        try:
            Repository.open(self.repo)
        except NotInARepository:
            return True
        return False

    def _repository(self, path: Path) -> Repository:
        """Open the git repository that knows a file.

        Raises:
            NotADataRepository: There is none.
        """
        try:
            return Repository.open(self.repo)
        except NotInARepository as error:
            if not path.is_file():
                raise
            raise NotInARepository(
                sentence("{path} is in no git repository: it has no history", path=path),
                hint=sentence(
                    "archiver list, search and export read such a file, and "
                    "archiver compare OLD NEW compares two"
                ),
            ) from error

    def knows_only_files(self) -> bool:
        """Return whether there is no history to ask: no `file` of one, and no archiver.toml."""
        is_archive = configuration.locate(self.repo, self.environ) is not None
        return self.file is None and (self._describes or not is_archive)

    def plain(self, name: str, *paths: Path) -> Catalogue:
        """Return the catalogue that the plain file called `name` is a version of.

        `paths` are the files of which nothing else may be known, the newest one first.

        Neither archiver.toml nor git is needed. Where there is an archiver.toml, its one source,
        or the one that is named, says what fields mean, unless `records`, `key` or `excluded`
        are given.

        Raises:
            ConfigError: archiver.toml is wrong.
        """
        if self.file is not None:
            return self.one()
        if not self._describes and configuration.locate(self.repo, self.environ) is not None:
            found = self.each()
            if len(found) == 1:
                return found[0]
        return self._measured(self._described(None, name, *paths))

    @property
    def _describes(self) -> bool:
        """Whether it is said where the records of a file are."""
        return bool(self.records or self.key or self.excluded or self.how != UNSAID)

    def _described(self, repository: Repository | None, file: str, *paths: Path) -> Catalogue:
        def described(records: str | None, key: tuple[str, ...]) -> Catalogue:
            return anywhere(
                repository,
                file,
                records=records,
                key=key,
                excluded=self.excluded,
                how=self.how,
                follow=self.follow,
            )

        known = described(self.records, self.key)
        if known.is_folder or (self.records and (self.key or RecordsPath.read(self.records).key)):
            return known
        documents = in_files(paths, self.how) if repository is None else in_history(known, self.how)
        said = Said(self.records, self.key, self.excluded, self.how)
        records, key = assumed(file, documents, said)
        if not records or (records, key) == (self.records, self.key):
            return known
        found = described(records, key)
        return replace(found, shape=found.shape and found.shape._replace(assumed=True))

    def _config(self) -> Config:
        if configuration.locate(self.repo, self.environ) is None:
            raise ConfigError(
                sentence(
                    "no {file_name} in {repo} or above it",
                    file_name=configuration.FILE_NAME,
                    repo=self.repo.absolute(),
                ),
                hint=sentence(
                    "read a JSON file of any git repository with --file PATH --records PATH "
                    "--key FIELD, or make a data repository with: archiver init"
                ),
            )
        return configuration.discover(self.repo, self.environ)

    def _names(self, config: Config) -> tuple[str, ...]:
        stamped = (each[1] for word in self.words for each in _STAMPED.finditer(word))
        named = {name for name in stamped if name in config.sources}
        if len(named) > 1 and not self.sources:
            versions = reduce(_and, sorted(named))
            hint = sentence("A and B are versions of one source")
            raise ConfigError(
                sentence("there is more than one source: {versions}", versions=versions), hint=hint
            )
        return config.chosen(self.sources or named)

    def _measured(self, found: Catalogue) -> Catalogue:
        policy = found.policy
        if self.metrics:
            policy = replace(policy, metrics=(*policy.metrics, *self.metrics))
        policy = replace(
            policy, null=self.null or policy.null, renames=self.renames or policy.renames
        )
        damping = found.damping if self.damping is None else self.damping
        indexed = found.indexed and self.index
        return replace(found, policy=policy, indexed=indexed, damping=damping)


def _and(first: str, second: str) -> str:
    return sentence("{first} and {second}", first=first, second=second)


def _within(repository: Repository, folder: Path, file: str) -> str:
    """Return the path of `file`, which is relative to `folder`, from the top of the work tree.

    In a bare repository all paths begin at the top.

    Raises:
        ConfigError: It lies outside of the repository.
    """
    if repository.root is None:
        return file
    path = os.path.normpath(folder.resolve() / file)
    try:
        return Path(path).relative_to(repository.root).as_posix()
    except ValueError:
        message = sentence(
            "--file: {file} is outside of the git repository {root}",
            file=file,
            root=repository.root,
        )
        raise ConfigError(message, hint=sentence("--repo names another one")) from None


def answering(
    answers: Iterable[Iterator[T]], *, left_out: Callable[[str], None]
) -> list[Iterator[T]]:
    """Return the answers of the catalogues that have one; nothing is read past the first item.

    A catalogue that has no such version or record yet is left out, unless none has one.

    Args:
        answers: One iterator for each catalogue.
        left_out: Receives the reason for each catalogue without such a version.

    Raises:
        StoreError: No catalogue answers; the error of the first one.
    """
    found: list[Iterator[T]] = []
    troubles: list[NotADataRepository | UnknownRevision | UnknownRecord] = []
    for answer in answers:
        try:
            found.append(chain([next(answer)], answer))
        except StopIteration:
            found.append(iter(()))
        except (NotADataRepository, UnknownRevision, UnknownRecord) as error:
            troubles.append(error)
    if troubles and not found:
        raise troubles[0]
    for trouble in troubles:
        if not isinstance(trouble, UnknownRecord):
            left_out(reason(trouble))
    return found
