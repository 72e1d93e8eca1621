"""Finish or undo what a killed run had begun; the ref decides."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import NotADataRepository, RepositoryBusy
from archiver.language import sentence
from archiver.store import worktree
from archiver.store.durable import disk_errors, sync_folder
from archiver.store.index import Index
from archiver.store.journal import Journal, Move, move_refs
from archiver.store.plumbing import stale
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

ABANDONED = 60.0
"""Seconds after which a file counts as unused on systems without /proc."""
_log = logging.getLogger(__name__)
PACKING = re.compile(r"tmp_|\.tmp-(\d+)-")


def heal(repository: Repository, home: Path) -> None:
    """Finish or undo a run that was killed, if there is one; the lock is held.

    Args:
        repository: The repository; in a linked work tree any of them.
        home: The folder of our lock, journal and scratch files.

    Raises:
        RepositoryBusy: Another process uses what that run left.
    """
    with disk_errors():
        journal = Journal.load(home / "journal")
        if journal is not None:
            since = (home / "journal").stat().st_mtime
            free_locks(repository, journal, since)
            clear_packs(repository, since)
            complete_refs(repository, journal)
            finish(repository, home, journal)
        shutil.rmtree(home / "scratch", ignore_errors=True)
        (home / "scratch").mkdir()


def unfinished(home: Path) -> Journal | None:
    """Return the transaction whose index entries are still to be set; None: there is none.

    To be called after `heal`.
    """
    with disk_errors():
        return Journal.load(home / "journal")


def complete_refs(repository: Repository, journal: Journal) -> None:
    """Move the refs that a transaction did not reach before it was killed.

    One ref that moved proves that git had checked and locked them all.
    """
    tips = {ref: repository.tip(ref) for ref in journal.refs}
    if any(tips[ref] == move.new for ref, move in journal.refs.items()):
        rest = {ref: move for ref, move in journal.refs.items() if tips[ref] == move.old}
        move_refs(repository, rest)


def finish(repository: Repository, home: Path, journal: Journal) -> None:
    """Update work tree and index to the branch, then remove the journal.

    Where another process holds the index, the journal keeps its entries for the next run, without
    the refs: they have moved, and the user may move them back.
    """
    left: Journal | None = None
    if journal.root is not None:
        left = update(repository, home, journal, Path(journal.root))
    with disk_errors():
        if left is not None:
            left.save(home / "journal")
            return
        (home / "journal").unlink()
        sync_folder(home)


def note_stale_index(repository: Repository, home: Path) -> None:
    """Warn where the index waits for a lock that nobody holds any more."""
    lock = repository.git_dir / "index.lock"
    if unfinished(home) and (since := stale(lock)):
        _log.warning(
            sentence(
                "{lock} {since}; until it is removed, git status shows old entries",
                lock=lock,
                since=since,
            )
        )


def update(repository: Repository, home: Path, journal: Journal, root: Path) -> Journal | None:
    """Update one work tree; return what is left to be done there."""
    try:
        here = repository if repository.root == root else Repository.open(root)
    except NotADataRepository:
        return None  # that work tree is gone
    index = Index(here, root, home / "scratch")
    index.free()
    head = here.tip("HEAD")
    files = held(here, journal, head)
    if not files:
        return None
    with here.objects() as reader:
        seen = worktree.update(files, root, reader, journal.token)
    if index.update(files, seen):
        return None
    return Journal(journal.git_dir, journal.root, journal.branch, files=files, at=head or "")


def held(here: Repository, journal: Journal, head: str | None) -> dict[str, Move]:
    """Return the moves whose result the checked-out commit holds.

    It may be another one by now: the refs did not move, or the user went on from there.
    """
    if head is None:
        return {}
    if head == journal.tip:
        return dict(journal.files)
    blobs = here.blobs(head)
    moves = (move for each in (journal, journal.earlier) if each for move in each.files.items())
    found: dict[str, Move] = {}
    for path, move in moves:
        if blobs.get(path) == move.after:
            found.setdefault(path, move)
    return found


def free_locks(repository: Repository, journal: Journal, since: float) -> None:
    """Remove the ref locks that the killed run's git left behind, and only those."""
    wanted = {ref: move.new for ref, move in journal.refs.items()}
    locks = {repository.common_dir / f"{ref}.lock": new for ref, new in wanted.items()}
    if journal.branch in wanted:
        locks[Path(journal.git_dir) / "HEAD.lock"] = wanted[journal.branch]
    for lock, new in locks.items():
        if not is_ours(lock, new, since):
            continue
        if in_use(lock):
            raise RepositoryBusy(
                sentence("{lock} is in use", lock=lock),
                hint=sentence("try again when git has ended"),
            )
        lock.unlink()


def is_ours(lock: Path, new: str, since: float) -> bool:
    """Return whether a lock is newer than the journal and holds a prefix of the new id."""
    try:
        return lock.stat().st_mtime >= since and f"{new}\n".startswith(lock.read_text("ascii"))
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def clear_packs(repository: Repository, since: float) -> None:
    """Remove unfinished packs that the killed run's git left behind, and only those."""
    folder = repository.common_dir / "objects" / "pack"
    for file in folder.iterdir() if folder.is_dir() else ():
        found = PACKING.match(file.name)
        if not found or file.stat().st_mtime < since or in_use(file):
            continue
        if found[1] is None or not Path(f"/proc/{found[1]}").exists():
            file.unlink()


def in_use(path: Path) -> bool:
    """Return whether a process has the file open, as far as we may see."""
    if not Path("/proc/self/fd").is_dir():
        age = time.time() - path.stat().st_mtime  # noqa: TID251  a file has no other age
        return age < ABANDONED
    wanted = path.stat()
    return any(os.path.samestat(wanted, found) for found in open_files())


def open_files() -> Iterator[os.stat_result]:
    """Yield the status of every file that one of our user's processes has open (Linux)."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            yield link.stat()
        except OSError:
            continue  # closed meanwhile, or another user's
