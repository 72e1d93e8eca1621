"""The index of a catalogue: its history as a database, kept up to date with git."""

from __future__ import annotations

import hashlib
import logging
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from archiver import __version__
from archiver.changes.lifecycle import read_tombstones
from archiver.database import reading, rows
from archiver.database.join import join
from archiver.database.storage import Storage
from archiver.errors import (
    ConfigError,
    DatabaseDamaged,
    RepositoryBusy,
    ShallowHistory,
    StoreError,
    UnreadableSnapshot,
)
from archiver.history import ranges
from archiver.history.catalogue import REMOVED, RUNS, policy_of
from archiver.history.workers import alone
from archiver.records.representation import short
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from archiver.database.storage import Seal
    from archiver.history.catalogue import Catalogue
    from archiver.history.workers import Workers
    from archiver.store.history import Revision

Progress: TypeAlias = "Callable[[int, int], None]"
"""Receives how many captures are in an index, and how many there are."""

FOLDER: Final = "archiver/index"
"""Folder of the databases, below git's common folder."""

_READERS_WAIT: Final = 0.0
_WRITERS_WAIT: Final = 600.0
_CATCH_UP: Final = 100
"""Number of new captures up to which a reading command brings an index up to date."""


_MANY: Final = 200
"""Number of versions from which on reading all of them is slow enough to say so."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Index:
    """A database that is open for reading, and up to date.

    Attributes:
        connection: The database.
        last: Number of the newest capture to look at.
    """

    connection: sqlite3.Connection
    last: int

    __repr__ = short


def silent(_done: int, _all: int) -> None:
    """Show no progress."""


@contextmanager
def index(catalogue: Catalogue, tip: str | None = None) -> Iterator[Index | None]:
    """Yield the index of a catalogue; None: there is none that can be used.

    One that is a few captures behind is brought up to date first, unless another process does so.

    Args:
        catalogue: The catalogue.
        tip: Full id of the commit to end at; None: the newest.
    """
    place = storage(catalogue)
    if place is None or not place.exists:
        yield None
        return
    with ExitStack() as stack:
        found = None
        with suppress(DatabaseDamaged):
            seal = _caught_up(catalogue, place)
            if seal is not None:
                connection = stack.enter_context(place.opened(seal))
                last = _last(catalogue, connection, seal, tip)
                if reading.last_readable(connection, last) is not None:
                    found = Index(connection, last)
        yield found


def storage(catalogue: Catalogue) -> Storage | None:
    """Return the place of a catalogue's index; None: it cannot have one."""
    repository = catalogue.repository
    if repository is None or repository.shallow or not catalogue.indexed:
        return None
    name = catalogue.source if _is_as_configured(catalogue) else description(catalogue)[:16]
    return Storage(repository.common_dir / FOLDER, name)


def _is_as_configured(catalogue: Catalogue) -> bool:
    """Return whether a catalogue is a source of archiver.toml, without metrics beside its own."""
    config = catalogue.config
    return config is not None and policy_of(config.source(catalogue.source)) == catalogue.policy


def description(catalogue: Catalogue) -> str:
    """Return a digest of all that gives the rows of an index another content than git's history."""
    policy = {each.name: getattr(catalogue.policy, each.name) for each in fields(catalogue.policy)}
    policy.pop("label")
    policy["tolerance"] = sorted(policy["tolerance"].items())
    about = (catalogue.path, policy, catalogue.shape)
    return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()


def update(
    catalogue: Catalogue,
    *,
    wait: float = _WRITERS_WAIT,
    most: int | None = None,
    rebuild: bool = False,
    workers: Workers = alone,
    progress: Progress = silent,
) -> Seal | None:
    """Bring the index of a catalogue up to date, or build it.

    What the history has in common with the index is kept. Nothing of an index is believed that is
    damaged, of another program, or of another description of the fields.

    Args:
        catalogue: The catalogue.
        wait: Seconds to wait for another process that does the same.
        most: Number of new captures above which nothing is done; None: there is no such number.
        rebuild: Whether to build it from nothing.
        workers: Who derives what is new.
        progress: Receives how many captures are in it, and how many there are.

    Returns:
        The seal of what is up to date; None: another process is at work, or there is too much
        to do.

    Raises:
        ShallowHistory: The clone is shallow: it does not hold the history.
        UnreadableSnapshot: A version cannot be read to its end.
        NotADataRepository: Nothing was ever committed.
        StoreFull: The disk is full.
    """
    place = storage(catalogue)
    if place is None:
        raise ShallowHistory(
            "this clone is shallow, and an index holds the whole history",
            hint="git fetch --unshallow",
        )
    with place.locked(wait) as alone:
        if not alone:
            return None
        return _Update(catalogue, place, workers, progress).made(
            most, None if rebuild else place.seal()
        )


def is_current(catalogue: Catalogue) -> bool:
    """Return whether there is an index that is up to date, perhaps after a small update."""
    with index(catalogue) as found:
        return found is not None


@contextmanager
def ready(catalogue: Catalogue, progress: Progress = silent) -> Iterator[Index]:
    """Yield the index of a catalogue, which is made or updated first where that is needed.

    Args:
        catalogue: The catalogue.
        progress: Receives how many captures are in the index, and how many there are.

    Raises:
        ConfigError: No index may be used.
        ShallowHistory: The clone is shallow: it does not hold the history.
        NotADataRepository: Nothing was ever committed.
        RepositoryBusy: Another process changes the index.
    """
    if not catalogue.indexed:
        raise ConfigError(
            f"this needs the index of {catalogue.source}, which is not to be used",
            hint='leave out --no-index, or set [archive] index to "auto"',
        )
    with index(catalogue) as found:
        if found is not None:
            yield found
            return
    update(catalogue, progress=progress)
    with index(catalogue) as found:
        if found is None:
            raise RepositoryBusy(f"another process changes the index of {catalogue.source}")
        yield found


def keep(catalogue: Catalogue) -> None:
    """Bring the index up to date where archiver.toml wants one kept; make one only if ``always``.

    Raises:
        StoreError: It cannot be brought up to date.
    """
    place = storage(catalogue)
    always = catalogue.config is not None and catalogue.config.archive.index == "always"
    if always or (place is not None and place.exists):
        update(catalogue)


T = TypeVar("T")


def advised(catalogue: Catalogue, versions: Iterable[T]) -> Iterator[T]:
    """Yield `versions`, and say once, where they are many, that an index would help."""
    for number, version in enumerate(versions, 1):
        if number == _MANY and storage(catalogue) is not None:
            _log.warning("more than %d versions are read: archiver index makes this fast", _MANY)
        yield version


class _Update:
    """One update of one index, by the one process that may write it."""

    def __init__(
        self,
        catalogue: Catalogue,
        place: Storage,
        workers: Workers,
        progress: Progress,
    ) -> None:
        self._catalogue = catalogue
        self._place = place
        self._workers = workers
        self._progress = progress
        self._description = description(catalogue)
        repository = catalogue.required()
        self._tip = repository.tip(catalogue.ref)
        self._state = repository.tip(STATE_REF) if catalogue.folder else None

    def made(self, most: int | None, seal: Seal | None) -> Seal | None:
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
            raise UnreadableSnapshot(f"no version of {self._catalogue.source} can be read")
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


def is_of(seal: Seal, described: str) -> bool:
    """Return whether an index was written by this program, of what is described alike."""
    return (seal.program, seal.description) == (__version__, described)


def _caught_up(catalogue: Catalogue, place: Storage) -> Seal | None:
    """Return the seal of an index that is up to date, perhaps after a small update."""
    seal = place.seal()
    newest = catalogue.required().tip(catalogue.ref)
    if seal and seal.tip == newest and is_of(seal, description(catalogue)):
        return seal
    try:
        return update(catalogue, wait=_READERS_WAIT, most=_CATCH_UP)
    except StoreError:
        return None


def _last(catalogue: Catalogue, connection: sqlite3.Connection, seal: Seal, tip: str | None) -> int:
    """Return the number of captures up to `tip`; 0: the index has another history of it."""
    if tip is None or tip == seal.tip:
        return seal.captures
    wanted = [(each.id, each.blob) for each in catalogue.revisions(tip)][::-1]
    same = wanted == reading.revisions(connection)[: len(wanted)]
    return len(wanted) if same else 0
