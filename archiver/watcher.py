"""The original design's names for the use cases: one class for any source."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from archiver import clock
from archiver import config as configuration
from archiver.capture import capture, prune, setup
from archiver.capture.target import open_target
from archiver.changes.retention import Retention
from archiver.config import scaffold
from archiver.config.scaffold import NewSource, array
from archiver.errors import ConfigError
from archiver.history import datasets, queries
from archiver.history.catalogue import configured
from archiver.history.foreign import ORIGINAL
from archiver.jobs.job import Job
from archiver.jobs.watch import AutoSnapshot
from archiver.language import sentence, stored
from archiver.notify import delivery
from archiver.records import canonical
from archiver.records.model import KINDS, RecordUpdate, Rename
from archiver.records.query import search
from archiver.records.text import terminal
from archiver.render import wording
from archiver.render.atomic_file import whole_file
from archiver.render.export import EXPORT_FORMS, export
from archiver.sources.listing import listed
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from threading import Event

    from archiver.capture.report import Report
    from archiver.config import Config
    from archiver.history.catalogue import Catalogue
    from archiver.history.comparison import Comparison
    from archiver.history.datasets import History
    from archiver.records.model import ChangeSet, Record
    from archiver.render.export import ExportForm
    from archiver.sources.listing import Listing


_log = logging.getLogger(__name__)

NEWS_IN_ORDER = tuple(kind for kind in KINDS if kind != "metrics")


class Watcher:
    """Watches one source of a data repository; every method is one use case.

    The repository is opened for each call and held by none of them. Times are UTC.

    A class with its own `fetch_latest_models` watches what that returns: a new hub. It has a
    source of its own, named by `name`, else after the class: ``CivitaiWatcher`` watches
    ``civitai``. It never writes into a source of another type. Its first snapshot adds a table of
    ``type = "class"`` to archiver.toml, so that the command line knows it; from then on that
    table decides about `key`, `metrics` and `confirmations`.

    Attributes:
        type: Type of the source that is watched where none is named; empty: the only one.
        name: Name of the class's own source; empty: its type, or the name of the class in lower
            case without ``Watcher``.
        key: Fields of the key of what `fetch_latest_models` returns; a record that has no
            ``id`` is known by its ``name``.
        metrics: Fields of it that count.
        confirmations: Listings in a row that must lack a record before it is removed.
    """

    type: ClassVar[str] = ""
    name: ClassVar[str] = ""
    key: ClassVar[tuple[str, ...]] = ORIGINAL.key
    metrics: ClassVar[tuple[str, ...]] = ()
    confirmations: ClassVar[int] = 2

    def __init__(self, source: str | None = None, *, repo: str | Path = ".") -> None:
        """Watch `source` of the data repository that `repo` is in.

        None is the class's own source, else the only one. A class that has its own source makes
        the data repository where there is none.

        Raises:
            ConfigError: archiver.toml is wrong, or has no such source, or its source of that name
                is none of this class; or there is none, and `repo` lies in a git repository that
                is no archive.
        """
        folder, environ = Path(repo), configuration.process_environment()
        if source is None and self._own and configuration.locate(folder, environ) is None:
            self._make_repository(folder)
        config = configuration.discover(folder, environ)
        self._file = configuration.locate(folder, environ) or config.root / configuration.FILE_NAME
        self._config, named = self._with_source(config, source)
        self._recorded = named is None or named in config.sources
        with Repository.open(self._config.root) as repository:
            self.source = configured(self._config, named, repository).source

    @property
    def _lists(self) -> bool:
        """Whether the class lists its source itself."""
        return type(self).fetch_latest_models is not Watcher.fetch_latest_models

    @property
    def _own(self) -> NewSource | None:
        """The class's own source, as its first snapshot adds it; None: it has none."""
        if not self._lists:
            return NewSource(self.name or self.type, type=self.type) if self.type else None
        named = type(self).__name__.strip("_").lower()
        settings = {"key": array(self.key), "metrics": array(self.metrics)}
        settings["confirmations"] = str(self.confirmations)
        name = self.name or named.removesuffix("watcher") or named
        return NewSource(name, type="class", settings=settings)

    def _make_repository(self, folder: Path) -> None:
        """Make a data repository of `folder`, unless it lies in a git repository."""
        if (outer := setup.enclosing(folder)) is not None:
            raise ConfigError(
                sentence(
                    "no {file_name} in {folder} or above it, and it lies in the git "
                    "repository {outer}, which is no archive",
                    file_name=configuration.FILE_NAME,
                    folder=folder.absolute(),
                    outer=outer,
                ),
                hint=sentence("name a folder of its own with repo=…, or run `archiver init` there"),
            )
        setup.make(folder, scaffold.files(None if self._lists else self._own))
        path = folder.absolute()
        _log.warning(
            sentence(
                "made a data repository in {path}; archiver.toml says what it keeps", path=path
            )
        )

    def _with_source(self, config: Config, source: str | None) -> tuple[Config, str | None]:
        """Return the configuration with the class's own source, and the name of what it watches.

        Raises:
            ConfigError: That source is none of a class that lists its source itself.
        """
        own = self._own
        if own is None or (source is not None and not self._lists):
            return config, source or self.name or None
        if not self._lists and not self.name:
            of_type = [each.name for each in config.sources.values() if each.type == self.type]
            if len(of_type) == 1:
                return config, of_type[0]
            if of_type:
                return config, own.name
        name = own.name if source is None else config.source(source).name
        if name not in config.sources:
            table = scaffold.table(own).encode()
            return configuration.with_table(config, table, name), name
        if self._lists and not config.source(name).by_class:
            raise ConfigError(
                sentence(
                    'the source {name} has the type "{type}": what {name2} lists is something else',
                    name=name,
                    type=config.source(name).type,
                    name2=type(self).__name__,
                ),
                hint=sentence("give the class a `name` of its own"),
            )
        return config, name

    def _record(self) -> None:
        """Add the class's own source to archiver.toml, where it is not there."""
        if self._recorded or self._own is None:
            return
        own = replace(self._own, name=self.source)
        if setup.add_source(self._config, self._file, own):
            _log.warning(
                sentence("added the source {source} to {file}", source=self.source, file=self._file)
            )
        self._recorded = True

    def _given(self) -> Listing | None:
        """Return what a class's own `fetch_latest_models` lists; None: it has none."""
        if not self._lists:
            return None
        key = self._config.source(self.source).key
        return listed(
            self.fetch_latest_models(),
            key=key,
            otherwise=ORIGINAL.otherwise if key == ORIGINAL.key else (),
            end=stored("fetch_latest_models returned"),
        )

    def fetch_latest_models(self) -> list[Record]:
        """List the source now and return its records, by key; nothing is written.

        Raises:
            SourceError: There is no complete listing.
        """
        with capture.listed(self._config, self.source, clock=clock.now) as lines:
            return [canonical.decode(line.data) for line in lines]

    def take_snapshot(self, *, accept: bool = False) -> Report:
        """Capture the source: list, guard, commit; then tell the channels of archiver.toml.

        Args:
            accept: Take the listing even if it is not plausible.

        Raises:
            SourceError: There is no complete listing.
            SnapshotRejected: The listing is not plausible.
            ConfigError: The class's own source cannot be added to archiver.toml.
            StoreError: It could not be committed.
            NotifyError: It is committed, but a channel was not notified.
        """
        self._record()
        job = Job(accept=accept)
        return job.run(self._config, self.source, clock=clock.now, lister=self._given)

    def detect_changes(self) -> ChangeSet:
        """List the source now and return what changed since the newest snapshot; writes nothing.

        Raises:
            SourceError: There is no complete listing.
        """
        return capture.detected(self._config, self.source, clock=clock.now, given=self._given())

    def enable_auto_snapshot(
        self, interval_hours: float = 24, *, stop: Event | None = None
    ) -> AutoSnapshot:
        """Take snapshots once in each `interval_hours`, in a thread that runs beside.

        The first one is taken at once, unless the reports say that one was taken less than the
        interval ago. Trouble is logged and kept in `last_error`, and the snapshot is tried again
        early. The thread ends with the program, by its `stop()`, or when `stop` is set.

        Raises:
            ConfigError: The interval is shorter than a second or longer than a year.
        """
        thread = AutoSnapshot(
            self.source,
            interval_hours * 3600,
            lambda _: self.take_snapshot(),
            folder=self._config.root,
            clock=clock.now,
            stop=stop,
        )
        thread.start()
        return thread

    def notify_updates(
        self, changes: ChangeSet, *, out: Callable[[str], object] | None = None
    ) -> None:
        """Tell the channels of archiver.toml of `changes`, each once; without any, print them.

        Args:
            changes: What changed.
            out: Called instead, with one line a change.

        Raises:
            NotifyError: A channel was not notified.
        """
        if out is None and self._config.notify:
            delivery.notify_change_set(self._config, self.source, changes, now=clock.now())
            return
        out = out or print
        if not changes.summary.news:
            return
        found = wording.headline(
            changes.summary, changes.current.total, noun=self._config.source(self.source).called
        )
        out(f"{self.source}: {found}")
        for kind in NEWS_IN_ORDER:
            for each in changes[kind]:
                out(f"  {kind}: {_named(each)}")

    def compare_snapshots(
        self, snapshot1: str | None = None, snapshot2: str | None = None
    ) -> ChangeSet:
        """Return what changed from one snapshot to another.

        Args:
            snapshot1: A snapshot file's name, a revision, a date or a plain file; None: the
                last change.
            snapshot2: The same; None: the newest.

        Raises:
            UnknownRevision: Nothing has this name.
        """
        return self._collected(
            lambda catalogue: queries.compare(catalogue, snapshot1, snapshot2, now=clock.now())
        )

    def search_models(self, query: str) -> list[Record]:
        """Return the records of the newest snapshot that hold every word of `query`.

        Upper and lower case are the same; words are plain text, never patterns.
        """
        wanted = search(query)
        return [record for key, record in self._records() if wanted(key, record)]

    def get_changes_since(self, days: float = 7) -> ChangeSet:
        """Return the net change of the last `days`.

        An archive that began later is compared with its first snapshot.
        """
        since = clock.now() - timedelta(days=days)
        return self._collected(lambda catalogue: queries.changes_since(catalogue, since))

    def export_report(
        self,
        format: ExportForm = "csv",  # noqa: A002  the original design's name
        output_path: str | Path = "model_report.csv",
    ) -> Path:
        """Write the newest snapshot to a file, as ``csv``, ``csv-raw``, ``json``, ``html`` ….

        Returns:
            The file; it is complete or was not written at all.

        Raises:
            ConfigError: There is no such format, or the file cannot be written.
        """
        if format not in EXPORT_FORMS:
            raise ConfigError(
                sentence('no format is called "{format}"', format=format),
                hint=sentence("formats: {export_forms}", export_forms=", ".join(EXPORT_FORMS)),
            )
        path = Path(output_path)
        with whole_file(path) as out:
            export(self._records(), format, out, title=self.source)
        return path

    def history(self) -> History:
        """Return the whole history as tables, for Python and its data tools.

        They are read from the index, which is made where there is none.

        Raises:
            ConfigError: No index may be used.
            NotADataRepository: There is no snapshot yet.
            ShallowHistory: The clone is shallow: it does not hold the history.
        """
        return datasets.history(self._catalogue)

    def cleanup_old_snapshots(self, days: int = 30) -> tuple[str, ...]:
        """Remove the stamped files that are older than `days`; history keeps everything.

        Returns:
            The names of the files that were removed, newest first.

        Raises:
            NotADataRepository: There is no snapshot yet.
        """
        with Repository.open(self._config.root) as repository:
            target = open_target(self._config, self.source, repository)
            rules = Retention(older_than=days)
            plan, _ = prune.prune(target, rules, clock=clock.now, dry_run=False)
        return tuple(file.name for file in plan.remove)

    def _records(self) -> Iterator[tuple[str, Record]]:
        with (
            self._catalogue() as catalogue,
            queries.version_at(catalogue, None, now=clock.now()) as version,
        ):
            for line in version.lines():
                yield canonical.line_key(line).decode(), canonical.decode(line)

    def _collected(
        self, asked: Callable[[Catalogue], AbstractContextManager[Comparison]]
    ) -> ChangeSet:
        with self._catalogue() as catalogue, asked(catalogue) as found:
            return found.collect()

    @contextmanager
    def _catalogue(self) -> Iterator[Catalogue]:
        with Repository.open(self._config.root) as repository:
            yield configured(self._config, self.source, repository)


def _named(change: RecordUpdate | Rename | Record) -> str:
    if isinstance(change, RecordUpdate):
        return terminal(change.key)
    if isinstance(change, Rename):
        return terminal(f"{change.old} → {change.new}")
    return terminal(wording.key(change))


class ModelScopeWatcher(Watcher):
    """Watches ModelScope; without a source of that type in archiver.toml, its top 3,000."""

    type = "modelscope"


class HuggingFaceWatcher(Watcher):
    """Watches Hugging Face; without a source of that type in archiver.toml, its top 10,000."""

    type = "huggingface"
