"""Commit so that a kill, a power cut or a full disk leaves the old history or the new one.

The order is the protocol (docs/store.md): lock, recovery, objects, journal, refs, work tree,
index, removal of the journal.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.errors import RepositoryBusy, StoreError
from archiver.language import sentence
from archiver.store import packing, recovery
from archiver.store.change import Change, Committed, Identity
from archiver.store.draft import KEPT_REF, Draft
from archiver.store.durable import acquired, disk_errors, make_folders
from archiver.store.journal import Journal, move_refs
from archiver.store.loose import LooseStore
from archiver.store.plumbing import TimedOut
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.store.repository import Repository

__all__ = ["KEPT_REF", "Change", "Committed", "Identity", "Writer", "writing"]


@contextmanager
def writing(repository: Repository, *, wait: float = 10.0) -> Iterator[Writer]:
    """Hold the lock of a repository, recover from a run that was killed, and yield a writer.

    Args:
        repository: Where to write.
        wait: Seconds to wait for another writer.

    Raises:
        RepositoryBusy: Another run holds the lock.
        StoreFull: The disk is full.
        StoreError: The repository cannot be written.
    """
    home = repository.common_dir / "archiver"
    if (repository.common_dir / "reftable").is_dir():
        raise StoreError(
            sentence("refs in reftable format cannot be healed yet"),
            hint=sentence("use `files` refs"),
        )
    with disk_errors():
        make_folders(home)
    with _locked(home / "lock", wait) as descriptor:
        yield Writer(repository.inheriting(descriptor), home)


@contextmanager
def _locked(path: Path, wait: float) -> Iterator[int]:
    """Hold a lock file that is never deleted; yield its descriptor.

    The kernel frees the lock when the last process that has the descriptor ends: git's processes
    inherit it. (Libraries for file locks keep the descriptor to themselves.)

    Raises:
        RepositoryBusy: Another run still holds the lock after `wait` seconds.
    """
    with disk_errors():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not acquired(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB), wait):
            message = sentence("another run is writing to this repository")
            raise RepositoryBusy(message, hint=sentence("try again when it has ended"))
        yield descriptor
    finally:
        os.close(descriptor)


class Writer:
    """Writes to one repository; made by `writing`, which holds the lock."""

    def __init__(self, repository: Repository, home: Path) -> None:
        """Recover `repository`; lock, journal and scratch files are in `home`."""
        self._repository = repository
        self._home = home
        self._heal()
        objects = repository.common_dir / "objects"
        self._loose = LooseStore(objects, home / "scratch", repository.object_format)

    def write_blob(self, chunks: Iterable[bytes], size: int) -> str:
        """Store `chunks` of together `size` bytes as they are, and return the blob's id.

        Raises:
            StoreError: `chunks` have another length, or the disk is broken.
            StoreFull: The disk is full.
        """
        return self._loose.write("blob", chunks, size)

    def build(self, change: Change) -> str:
        """Write the commit that `change` asks for, and return its id; no ref knows it yet.

        It stands on `change.expected`, whatever the branch is.
        """
        change.check()
        with self._repository.objects() as reader:
            return Draft(self._repository, change, reader, self._loose).commit()

    def commit(self, change: Change) -> Committed:
        """Move branch and state together, then update work tree and index.

        Raises:
            StoreError: The branch moved meanwhile, or something stands in the way; nothing moved.
            StoreFull: The disk is full; the history is whole, old or new.
            RepositoryBusy: Another git process holds a ref.
        """
        change.check()
        self._heal()
        pending = recovery.unfinished(self._home)
        with self._repository.objects() as reader:
            draft = Draft(self._repository, change, reader, self._loose)
            ours = {} if pending is None else pending.files
            journal = draft.journal(self._home / "scratch", ours).following(pending)
        self._loose.settle()
        if journal.refs:
            self._apply(journal)
        branch = journal.refs.get(change.branch)
        return Committed(
            revision=branch.new if branch else None,
            state=self._repository.tip(STATE_REF),
            kept=tuple(sorted(draft.kept)),
        )

    def pack(self, seconds: float | None = None) -> bool:
        """Pack the loose objects if there are many; an explicit last step of a run.

        Args:
            seconds: How long the run took: packing takes at most a tenth of the time of the runs
                since the last packing, or does not happen, unless it is overdue. None: as long as
                it needs.

        Returns:
            Whether anything was packed.
        """
        objects = self._repository.common_dir / "objects"
        if self._busy() or not packing.worthwhile(objects):
            return False
        limit = packing.TIME_LIMIT
        if seconds is not None:
            limit = packing.allowed(self._repository, seconds)
        plan = packing.planned(objects, limit)
        if plan is None:
            return False
        try:
            self._pack(plan, limit=limit)
        except TimedOut:
            return False
        return True

    def pack_all(self, *, again: bool = False) -> bool:
        """Join all packs, and loose objects, into one, however long it takes.

        Args:
            again: Whether differences that are stored already are computed again.

        Returns:
            Whether anything was packed; False: there is one pack already.
        """
        objects = self._repository.common_dir / "objects"
        loose = sum(1 for _ in packing.loose_sizes(objects))
        packs = tuple(packing.joinable(objects))
        if self._busy() or not (loose or len(packs) > 1 or (packs and again)):
            return False
        self._pack(packing.Plan(loose, packs), whole=True, again=again)
        return True

    def _busy(self) -> bool:
        """Say whether packing must wait.

        A transaction may wait for the index: its objects are in no ref yet. In a partial clone a
        pack would lose what says that the rest is promised.
        """
        self._heal()
        return bool(self._repository.promised) or recovery.unfinished(self._home) is not None

    def _pack(
        self,
        plan: packing.Plan,
        *,
        whole: bool = False,
        again: bool = False,
        limit: float = packing.TIME_LIMIT,
    ) -> None:
        self._save(Journal())
        scratch = self._home / "scratch"
        try:
            packing.pack(self._repository, scratch, plan, whole=whole, again=again, limit=limit)
        finally:
            self._heal()

    def _apply(self, journal: Journal) -> None:
        self._save(journal)
        try:
            move_refs(self._repository, journal.refs)
        except StoreError:
            self._heal()
            raise
        recovery.finish(self._repository, self._home, journal)
        recovery.note_stale_index(self._repository, self._home)

    def _save(self, journal: Journal) -> None:
        with disk_errors():
            journal.save(self._home / "journal")

    def _heal(self) -> None:
        recovery.heal(self._repository, self._home)
