"""The index of a catalogue: its history as a database, kept up to date with git."""

from __future__ import annotations

import hashlib
import logging
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from archiver import __version__
from archiver.database import reading
from archiver.database.storage import Storage
from archiver.errors import (
    ConfigError,
    DatabaseDamaged,
    RepositoryBusy,
    ShallowHistory,
    StoreError,
)
from archiver.history.catalogue import policy_of
from archiver.language import sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from archiver.database.storage import Seal
    from archiver.history.catalogue import Catalogue
    from archiver.history.workers import Workers

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
    del policy["label"], policy["severity"]
    policy = {name: value for name, value in policy.items() if value not in ("value", "hint")}
    policy["tolerance"] = sorted(policy["tolerance"].items())
    about: tuple[object, ...] = (catalogue.path, policy, catalogue.shape)
    if not (catalogue.folder or catalogue.follow):
        about = (*about, "folder" if catalogue.is_folder else "not followed")
    if catalogue.repository and catalogue.repository.joined:
        about = (*about, [each.first for each in catalogue.repository.joined])
    return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()


def update(
    catalogue: Catalogue,
    *,
    wait: float = _WRITERS_WAIT,
    most: int | None = None,
    rebuild: bool = False,
    workers: Workers | None = None,
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
        workers: Who derives what is new; None: this process.
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
            sentence("this clone is shallow, and an index holds the whole history"),
            hint="git fetch --unshallow",
        )
    with place.locked(wait) as alone:
        if not alone:
            return None
        from archiver.history.index_update import Update  # noqa: PLC0415  reading needs none of it

        made = Update(catalogue, place, workers, progress)
        return made.made(most, None if rebuild else place.seal())


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
            sentence(
                "this needs the index of {source}, which is not to be used", source=catalogue.source
            ),
            hint=sentence('leave out --no-index, or set [archive] index to "auto"'),
        )
    with index(catalogue) as found:
        if found is not None:
            yield found
            return
    update(catalogue, progress=progress)
    with index(catalogue) as found:
        if found is None:
            raise RepositoryBusy(
                sentence("another process changes the index of {source}", source=catalogue.source)
            )
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
            _log.warning(
                sentence(
                    "more than {number} versions are read: archiver index makes this fast",
                    number=_MANY,
                )
            )
        yield version


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
