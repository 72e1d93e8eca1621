"""The original design's names for the use cases: one class for any source."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import config as configuration
from archiver.changes.retention import Retention
from archiver.errors import ConfigError
from archiver.publish.export import EXPORT_FORMS, export
from archiver.publish.files import whole_file
from archiver.records import canonical
from archiver.records.query import search
from archiver.store.repository import Repository
from archiver.watcher import capture, clock, history, upkeep
from archiver.watcher.catalogue import configured
from archiver.watcher.target import open_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from archiver.publish.export import ExportForm
    from archiver.records.model import ChangeSet, Record
    from archiver.watcher.catalogue import Catalogue
    from archiver.watcher.comparison import Comparison
    from archiver.watcher.report import Report


class Watcher:
    """Watches one source of a data repository; every method is one use case.

    The repository is opened for each call and held by none of them. Times are UTC.
    """

    def __init__(self, source: str | None = None, *, repo: str | Path = ".") -> None:
        """Watch `source` (None: the only one) of the data repository that `repo` is in.

        Raises:
            ConfigError: There is no archiver.toml, or it is wrong, or has no such source.
        """
        self._config = configuration.discover(Path(repo), configuration.process_environment())
        with Repository.open(self._config.root) as repository:
            self.source = configured(self._config, source, repository).source

    def fetch_latest_models(self) -> list[Record]:
        """List the source now and return its records, by key; nothing is written.

        Raises:
            SourceError: There is no complete listing.
        """
        with capture.listed(self._config, self.source, clock=clock.now) as lines:
            return [canonical.decode(line.data) for line in lines]

    def take_snapshot(self, *, accept: bool = False) -> Report:
        """Capture the source: list, guard, commit.

        Args:
            accept: Take the listing even if it is not believable.

        Raises:
            SourceError: There is no complete listing.
            SnapshotRejected: The listing is not believable.
            StoreError: It could not be committed.
        """
        return capture.run(self._config, self.source, clock=clock.now, accept=accept)

    def detect_changes(self) -> ChangeSet:
        """List the source now and return what changed since the newest snapshot; writes nothing.

        Raises:
            SourceError: There is no complete listing.
        """
        return capture.detected(self._config, self.source, clock=clock.now)

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
            lambda catalogue: history.compare(catalogue, snapshot1, snapshot2, now=clock.now())
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
        return self._collected(lambda catalogue: history.changes_since(catalogue, since))

    def export_report(
        self,
        format: ExportForm = "csv",  # noqa: A002  the original design's name
        output_path: str | Path = "model_report.csv",
    ) -> Path:
        """Write the newest snapshot as ``csv``, ``json``, ``jsonl``, ``markdown`` or ``html``.

        Returns:
            The file; it is complete or was not written at all.

        Raises:
            ConfigError: There is no such format, or the file cannot be written.
        """
        if format not in EXPORT_FORMS:
            raise ConfigError(
                f'no format is called "{format}"', hint=f"formats: {', '.join(EXPORT_FORMS)}"
            )
        path = Path(output_path)
        with whole_file(path) as out:
            export(self._records(), format, out, title=self.source)
        return path

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
            plan, _ = upkeep.prune(target, rules, clock=clock.now, dry_run=False)
        return tuple(file.name for file in plan.remove)

    def _records(self) -> Iterator[tuple[str, Record]]:
        with (
            self._catalogue() as catalogue,
            history.version_at(catalogue, None, now=clock.now()) as version,
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
