"""Who derives the ranges of a long history: this process, several ones, or a Dask cluster."""

from __future__ import annotations

import os
import signal
import tempfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver import __version__
from archiver import config as configuration
from archiver.errors import ArchiverError, ConfigError, StoreError, reason
from archiver.history import ranges
from archiver.history.versions import chunks
from archiver.language import sentence
from archiver.store.clone import cloned, is_url
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from distributed import Client

    from archiver.database.storage import Storage
    from archiver.history.catalogue import Catalogue

Derived: TypeAlias = "Iterator[tuple[range, Path | None]]"
"""Ranges of captures in order, each with its part; None: it is still to be derived."""
Workers: TypeAlias = "Callable[[Catalogue, range, Storage], AbstractContextManager[Derived]]"
"""Derives the captures of a catalogue (see `ranges.pinned`); its parts lie beside an index."""

_DISTRIBUTION: Final = "snapshot-archiver"
_INSTALL: Final = sentence("pip install '{distribution}[dask]'", distribution=_DISTRIBUTION)


@contextmanager
def alone(_catalogue: Catalogue, captures: range, _place: Storage) -> Iterator[Derived]:
    """Leave everything to this process."""
    yield iter([(captures, None)] if captures else [])


def processes(number: int) -> Workers:
    """Return so many processes of this machine; 0: one for each of its cores."""
    jobs = number or os.cpu_count() or 1
    return alone if jobs == 1 else partial(_in_processes, jobs)


@contextmanager
def _in_processes(
    jobs: int, catalogue: Catalogue, captures: range, place: Storage
) -> Iterator[Derived]:
    """Derive in processes; what a process that fails or is killed leaves is still to be derived."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - only for several processes
    from multiprocessing import active_children, get_context  # noqa: PLC0415 - likewise

    found = ranges.cut(captures, jobs)
    if len(found) < 2:  # noqa: PLR2004  one range is for one process, and that is this one
        with alone(catalogue, captures, place) as derived:
            yield derived
        return
    with place.scratch() as folder:
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin)
        try:
            paths = [folder / str(each[0]) for each in found]
            work = [
                pool.submit(ranges.write_part, catalogue, each, path)
                for each, path in zip(found, paths, strict=True)
            ]
            yield (
                (each, path if _is_done(future) else None)
                for each, path, future in zip(found, paths, work, strict=True)
            )
        finally:
            for child in active_children():
                child.terminate()
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Prepare a process: it ends with its parent, which alone is told of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process  # noqa: PLC0415 - only in those processes

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _is_done(future: Future[None]) -> bool:
    return future.exception() is None


def cluster(address: str, repository: str) -> Workers:
    """Return the workers of a Dask cluster.

    Args:
        address: Address of its scheduler, as ``tcp://127.0.0.1:8786``.
        repository: Path of the repository on the workers, or a URL that each clones once; empty:
            the path that it has here.
    """
    return partial(_on_cluster, address, repository)


@contextmanager
def _on_cluster(
    address: str, repository: str, catalogue: Catalogue, captures: range, place: Storage
) -> Iterator[Derived]:
    """Derive on a Dask cluster, which begins a range again whose worker died.

    Raises:
        ConfigError: Dask is not installed, or no scheduler answers.
        StoreError: A worker has not what it needs, or ranges were given up.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(sentence("Dask is not installed here"), hint=_INSTALL) from None
    there = repository or str(catalogue.required().root or catalogue.required().git_dir)
    sent = replace(catalogue, repository=None)
    with ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, set_as_default=False))
        except (OSError, ValueError) as error:
            raise ConfigError(
                sentence(
                    "no Dask scheduler answers at {address}: {error}",
                    address=address,
                    error=reason(error),
                )
            ) from error
        _refuse_other_versions(client)
        _refuse_other_repositories(client, sent, there)
        found = ranges.cut(captures, sum(client.nthreads().values()))
        work = [
            client.submit(_part, sent, there, __version__, each, pure=False, priority=-each[0])
            for each in found
        ]
        folder = stack.enter_context(place.scratch())
        yield ((each, _received(folder / str(each[0]), work.pop(0), address)) for each in found)


def _refuse_other_versions(client: Client) -> None:
    """Refuse a cluster whose scheduler or workers could not even read what they are sent."""
    from importlib import metadata  # noqa: PLC0415 - only for a cluster

    found = client.run(metadata.version, _DISTRIBUTION, on_error="return")
    if not found:
        raise StoreError(
            sentence("the Dask cluster has no worker"), hint=sentence("dask worker ADDRESS")
        )
    everyone = {
        sentence("the worker {name}", name=name): version for name, version in found.items()
    }
    try:
        everyone[sentence("the scheduler")] = client.run_on_scheduler(
            metadata.version, _DISTRIBUTION
        )
    except ImportError as error:
        everyone[sentence("the scheduler")] = error
    for name, version in everyone.items():
        if version != __version__:
            has = (
                sentence("archiver {version}", version=version)
                if isinstance(version, str)
                else sentence("no archiver")
            )
            raise StoreError(
                sentence(
                    "{name} has {has}, and this is {version}",
                    name=name,
                    has=has,
                    version=__version__,
                ),
                hint=_INSTALL,
            )


def _refuse_other_repositories(client: Client, catalogue: Catalogue, there: str) -> None:
    """Refuse a cluster of which a worker has not the history, before any works."""
    asked = [
        client.submit(
            _refusal,
            catalogue,
            there,
            pure=False,
            workers=[name],
            allow_other_workers=True,  # the worker may be gone
        )
        for name in client.nthreads()
    ]
    for refusal in client.gather(asked):
        if refusal:
            raise StoreError(refusal, hint=sentence("--repository-on-workers PATH_OR_URL"))


def _received(path: Path, future: Future[list[bytes]], address: str) -> Path:
    """Write the part that a worker sends."""
    from distributed import CancelledError, KilledWorker

    try:
        pieces = future.result()
    except KilledWorker as error:
        captures = sentence("the captures from number {path} on", path=path.name)
        message = sentence(
            "every worker of the Dask cluster {address} that began {captures} died",
            address=address,
            captures=captures,
        )
        raise StoreError(message, hint=sentence("give the workers more memory")) from error
    except (CancelledError, OSError) as error:
        raise StoreError(
            sentence("the Dask scheduler {address} does not answer any more", address=address)
        ) from error
    with path.open("wb") as file:
        file.writelines(map(zlib.decompress, pieces))
    return path


# What follows is done by the workers.


def _part(catalogue: Catalogue, there: str, version: str, captures: range) -> list[bytes]:
    """Derive a range and return its part, in compressed pieces."""
    if version != __version__:  # of a worker that came later
        raise StoreError(
            sentence(
                "{name} has archiver {version}, and this is {version2}",
                name=_name(),
                version=__version__,
                version2=version,
            )
        )
    with tempfile.TemporaryDirectory(prefix="archiver-") as folder:
        path = Path(folder, "part")
        ranges.write_part(_opened(catalogue, there), captures, path)
        return [zlib.compress(piece, 1) for piece in chunks(path)]


def _refusal(catalogue: Catalogue, there: str) -> str:
    """Return why this worker cannot help; empty: it can."""
    try:
        _opened(catalogue, there)
    except ArchiverError as error:
        return str(error)
    return ""


def _opened(catalogue: Catalogue, there: str) -> Catalogue:
    """Return the catalogue with the repository that this worker reaches.

    Raises:
        StoreError: It has none, or one without the whole history.
    """
    try:
        path = _clone(there, catalogue) if is_url(there) else Path(there)
        repository = Repository.open(path)
        repository.resolve(catalogue.ref)
    except ArchiverError as error:
        raise StoreError(
            sentence(
                "{name} cannot read {there}: {error}",
                name=_name(),
                there=there,
                error=reason(error),
            )
        ) from error
    if repository.shallow:
        raise StoreError(
            sentence("{name} cannot read {there}: the clone is shallow", name=_name(), there=there)
        )
    return replace(catalogue, repository=repository)


_clones: Final[dict[str, Path]] = {}
_cloning: Final = Lock()
_until_exit: Final = ExitStack()


def _clone(url: str, catalogue: Catalogue) -> Path:
    """Clone a repository, once in this process and for as long as it lives."""
    with _cloning:
        if url not in _clones:
            wanted = catalogue.folder or catalogue.path
            environ = configuration.process_environment()
            _clones[url] = _until_exit.enter_context(
                cloned(url, wanted, environ, follow=catalogue.follow)
            )
        return _clones[url]


def _name() -> str:
    from distributed import get_worker

    return sentence("the worker {address}", address=get_worker().address)
