"""Bring an index up to date: keep what it has in common with git, derive the rest."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from archiver import __version__
from archiver.changes.lifecycle import read_tombstones
from archiver.database import reading, rows
from archiver.database.join import join
from archiver.errors import DatabaseDamaged, UnreadableSnapshot
from archiver.history import ranges
from archiver.history.catalogue import REMOVED, RUNS
from archiver.history.index import description, is_of
from archiver.history.workers import alone
from archiver.language import sentence
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from archiver.database.storage import Seal, Storage
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Progress
    from archiver.history.workers import Workers
    from archiver.store.history import Revision


class Update:
    """One update of one index, by the one process that may write it."""

    def __init__(
        self,
        catalogue: Catalogue,
        place: Storage,
        workers: Workers | None,
        progress: Progress,
    ) -> None:
        """Look at the index of `catalogue` in `place`; see `index.update`."""
        self._catalogue = catalogue
        self._place = place
        self._workers = workers or alone
        self._progress = progress
        self._description = description(catalogue)
        repository = catalogue.required()
        self._tip = repository.tip(catalogue.ref)
        self._state = repository.tip(STATE_REF) if catalogue.folder else None

    def made(self, most: int | None, seal: Seal | None) -> Seal | None:
        """Update the index, and return its new seal; None: there is too much to do.

        Args:
            most: Number of new captures above which nothing is done; None: there is none.
            seal: What is there; None: nothing that can be kept.
        """
        if self._tip is None:
            raise self._catalogue.no_revision()
        history = [*self._catalogue.revisions()][::-1]
        if not history:
            raise self._catalogue.no_revision()
        base = seal if seal and is_of(seal, self._description) else None
        common = 0 if base is None else self._common(base, history)
        base = base if common else None
        if most is not None and len(history) - common > most:
            return None
        if base is not None and common == len(history) == base.captures:
            if (base.tip, base.state) == (self._tip, self._state or ""):
                return base
            if base.state == (self._state or ""):
                return self._resealed(base)
        with self._place.rewritten(base) as connection:
            rows.take_back(connection, common + 1)
            self._add(connection, history, common)
            self._replace_current(connection)
        return self._place.commit(
            program=__version__,
            description=self._description,
            tip=self._tip,
            state=self._state or "",
            captures=len(history),
        )

    def _common(self, base: Seal, history: Sequence[Revision]) -> int:
        """Return how many captures the index and the history have in common, from the first on."""
        try:
            with self._place.opened(base) as connection:
                known = reading.revisions(connection)
        except DatabaseDamaged:
            return 0
        pairs = zip(known, history, strict=False)
        same = takewhile(lambda each: each[0] == (each[1].id, each[1].blob), pairs)
        return sum(1 for _ in same)

    def _resealed(self, base: Seal) -> Seal:
        seal = msgspec.structs.replace(base, tip=self._tip or "")
        self._place.reseal(seal)
        return seal

    def _add(self, connection: sqlite3.Connection, history: Sequence[Revision], known: int) -> None:
        """Add the captures that come after the first `known` ones."""
        captures = range(known + 1, len(history) + 1)
        sent = ranges.pinned(self._catalogue, self._tip or "")
        with self._workers(sent, captures, self._place) as derived:
            for each, part in derived:
                if part is None:
                    ranges.derive(self._catalogue, connection, history, each, self._progress)
                else:
                    expected = [(now, history[now - 1].id, history[now - 1].blob) for now in each]
                    join(connection, part, expected)
                    part.unlink()
                    self._progress(each[-1], len(history))
        if reading.last_readable(connection, len(history)) is None:
            raise UnreadableSnapshot(
                sentence("no version of {source} can be read", source=self._catalogue.source)
            )
        self._note_settings(connection, history, known)

    def _note_settings(
        self, connection: sqlite3.Connection, history: Sequence[Revision], known: int
    ) -> None:
        """Write which archiver.toml the captures after the first `known` ones have."""
        settings = self._catalogue.settings
        if not settings:
            return
        with self._catalogue.required().objects() as reader:
            for number, revision in enumerate(history[known:], known + 1):
                rows.note_settings(connection, number, reader.located(revision.id, settings))

    def _replace_current(self, connection: sqlite3.Connection) -> None:
        """Write what stands at the tips: tombstones and reports of runs."""
        repository, folder = self._catalogue.required(), self._catalogue.folder
        content = repository.read(self._tip or "", f"{folder}/{REMOVED}") if folder else None
        rows.replace_tombstones(connection, read_tombstones(content or b"").values())
        if self._state:
            reports = repository.read(self._state, f"{self._catalogue.source}/{RUNS}") or b""
            rows.replace_runs(connection, reports)
