"""Update managed files of the work tree to a commit, and no other file."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from contextlib import suppress
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from archiver.errors import StoreError, reason
from archiver.language import sentence
from archiver.store.durable import disk_errors, make_folders, sync_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from archiver.store.journal import Move
    from archiver.store.objects import ObjectReader
    from archiver.store.plumbing import Plumbing


_NOT_OURS: Final = frozenset({
    *(errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY),
})  # fmt: skip
"""The user arranged it so; after the refs moved it must not stop every later run."""

_log = logging.getLogger(__name__)


class InTheWay(StoreError):
    """A folder or link of the user is in the place of a file."""


def refuse_elsewhere(git: Plumbing, common_dir: Path, branch: str, root: Path | None) -> None:
    """Check that no other work tree has `branch` checked out: it would look modified.

    Raises:
        StoreError: Another linked work tree has it.
    """
    if not (common_dir / "worktrees").is_dir():
        return
    for block in os.fsdecode(git.run("worktree", "list", "--porcelain", "-z")).split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0"))
        if facts.get("branch") == branch and facts.get("worktree") != str(root):
            message = sentence(
                "{branch} is checked out in {facts}", branch=branch, facts=facts["worktree"]
            )
            raise StoreError(message, hint=sentence("run it there"))


def content_id(
    root: Path, path: str, object_format: str, *, gone: AbstractSet[str] = frozenset()
) -> str | None:
    """Return the blob id of a file's bytes as they are; None: there is no file.

    Args:
        root: Root of the work tree.
        path: The file.
        object_format: Name of the hash.
        gone: Files that will have been removed by then.

    Raises:
        InTheWay: The path is no plain file, or leads through a symbolic link.
    """
    if gone and makes_room(root, path, gone):
        return None
    target = plain(root, path)
    if target is None:
        return None
    with disk_errors():
        digest = hashlib.new(object_format, f"blob {target.stat().st_size}\0".encode())
        for piece in pieces(target):
            digest.update(piece)
    return digest.hexdigest()


def plain(root: Path, path: str) -> Path | None:
    """Return the plain file at `path`; None where there is none."""
    place = root
    *folders, name = path.split("/")
    for folder in folders:
        place /= folder
        mode = mode_of(place)
        if mode and not stat.S_ISDIR(mode):
            what = sentence("a symbolic link") if stat.S_ISLNK(mode) else sentence("not a folder")
            raise InTheWay(
                sentence("{place} is {what}", place=place, what=what),
                hint=sentence("move it out of the way"),
            )
    mode = mode_of(place / name)
    if mode and not stat.S_ISREG(mode):
        what = sentence("a symbolic link") if stat.S_ISLNK(mode) else sentence("not a plain file")
        raise InTheWay(
            sentence("{place} is {what}", place=place / name, what=what),
            hint=sentence("move it out of the way"),
        )
    return place / name if mode else None


def makes_room(root: Path, path: str, gone: AbstractSet[str]) -> bool:
    """Return whether whatever is in the place of a file will have been removed.

    That is a file where its folder belongs, or a folder in its place with nothing else in it.
    """
    parents = (parent.as_posix() for parent in PurePosixPath(path).parents)
    if any(parent in gone for parent in parents):
        return True
    place = root / path
    if not stat.S_ISDIR(mode_of(place)):
        return False
    if any(not folders and not files for _, folders, files in os.walk(place)):
        return False  # an empty folder would be left
    files = (each for each in place.rglob("*") if not stat.S_ISDIR(mode_of(each)))
    return all(each.relative_to(root).as_posix() in gone for each in files)


def mode_of(path: Path) -> int:
    """Return the mode of what is at `path` itself; 0 where there is nothing."""
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of 1 MiB."""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def update(
    files: Mapping[str, Move], root: Path, reader: ObjectReader, token: str
) -> dict[str, os.stat_result]:
    """Update files; one that changed since, or cannot be written, is left to the user.

    Args:
        files: Path to what happens to it.
        root: Root of the work tree.
        reader: Where their content comes from.
        token: Makes the names of temporary files this run's own.

    Returns:
        Path to the status of each file while it matched the new commit.

    Raises:
        StoreFull: The disk is full; the journal stays, and the next run continues.
    """
    ongoing = _Update(root, reader, token)
    with disk_errors():
        # Deletions first: a folder may take the place of a file.
        for path, move in sorted(files.items(), key=lambda row: row[1].after is not None):
            try:
                ongoing.apply(path, move)
            except InTheWay as error:
                _log.warning(
                    sentence("{path} stays as it is: {error}", path=path, error=reason(error))
                )
            except OSError as error:
                if error.errno not in _NOT_OURS:
                    raise
                _log.warning(
                    sentence("{path} stays as it is: {error}", path=path, error=error.strerror)
                )
    return ongoing.seen


class _Update:
    """An update of files to a commit; repeating it changes nothing.

    Attributes:
        seen: Path to the status of each file while it matched the commit.
    """

    def __init__(self, root: Path, reader: ObjectReader, token: str) -> None:
        self.seen: dict[str, os.stat_result] = {}
        self._root = root
        self._reader = reader
        self._temporary = f".archiver.{token}"
        self._copies: dict[str, Path] = {}

    def apply(self, path: str, move: Move) -> None:
        """Update one file, unless it changed since or something else is in its place.

        Raises:
            InTheWay: Something else is in its place.
        """
        target = self._root / path
        if move.after is None and not stat.S_ISREG(mode_of(target)):
            remove_empty(self._root, target)  # a run may have been killed before it did
            return  # it is gone; a folder or a file of the same commit may have its name
        target.with_name(self._temporary).unlink(missing_ok=True)
        status = target.lstat() if mode_of(target) else None
        held = content_id(self._root, path, self._reader.object_format)
        if held == move.before and held != move.after:
            status = self._write(target, move)
            held = move.after
        elif held and held == move.after and status:
            status = program(target, status, executable=move.executable)
        if held and held == move.after and status and (later := unchanged(target, status)):
            self.seen[path] = later
            self._copies[held] = target

    def _write(self, target: Path, move: Move) -> os.stat_result | None:
        """Replace or remove a file; return the status that its new content has."""
        if move.after is None:
            remove(self._root, target)
            return None
        copy = self._copies.get(move.after)
        new = pieces(copy) if copy else self._reader.stream(move.after)
        temporary = target.with_name(self._temporary)
        return replace(target, temporary, new, executable=move.executable)


def unchanged(path: Path, before: os.stat_result) -> os.stat_result | None:
    """Return the status of a file if it was not written to since `before`."""
    now = path.lstat()
    same = (now.st_ino, now.st_mtime_ns, now.st_size)
    return now if same == (before.st_ino, before.st_mtime_ns, before.st_size) else None


def replace(
    target: Path, temporary: Path, content: Iterable[bytes], *, executable: bool
) -> os.stat_result:
    """Replace a file as a whole, durably; return its status before it got its name."""
    make_folders(target.parent)
    try:
        write_new(temporary, content)
        if executable:
            temporary.chmod(temporary.stat().st_mode | 0o111)
        status = temporary.lstat()
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
    return status


def program(target: Path, status: os.stat_result, *, executable: bool) -> os.stat_result:
    """Set or clear a file's executable bit where its content is right already."""
    if bool(status.st_mode & stat.S_IXUSR) == executable:
        return status
    target.chmod(status.st_mode | 0o111 if executable else status.st_mode & ~0o111)
    return target.lstat()


def remove(root: Path, target: Path) -> None:
    """Remove a file, and the folders that it leaves empty, as git does."""
    target.unlink()
    sync_folder(target.parent)
    remove_empty(root, target)


def remove_empty(root: Path, target: Path) -> None:
    """Remove the folders above a removed file that are empty; none is reached through a link."""
    folders = [*takewhile(lambda folder: folder != root, target.parents)]
    for folder in folders if not any(map(Path.is_symlink, folders)) else ():
        with suppress(OSError):  # not empty, or not there
            folder.rmdir()
