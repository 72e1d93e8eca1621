"""Where a database lies, and why it can be believed.

A database is one file that never changes: an update copies it, changes the copy, and names the copy
in a small *seal*, a line of JSON and its digest, which is replaced last. So readers need no lock, a
kill leaves the old database or the new one, and the seal says what the file must be: its digest,
which is compared again whenever the file is not the very one that was sealed (another inode, size
or time).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from archiver.database import schema
from archiver.database.rows import create
from archiver.errors import DatabaseDamaged, StoreError, StoreFull, reason
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE
from archiver.records.representation import short
from archiver.store.durable import MAKE_ROOM, acquired, disk_errors, sync_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED: Final = 16
"""Digits of the digest in the name of a file."""
_CACHE: Final = "PRAGMA cache_size = -65536"
"""Memory for pages while writing: 64 MB."""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What a database is, and what it was made from.

    Attributes:
        schema: `schema.VERSION` of the program that wrote it.
        program: Version of that program.
        description: Digest of what is archived and of what its fields mean.
        tip: Full id of the commit whose history it holds.
        state: Full id of the state ref's commit that its runs are from; empty: there was none.
        captures: Number of revisions.
        file: Name of the database's file.
        digest: SHA-256 of the file, in hex.
        inode: Its inode, size and time of change when it was sealed.
    """

    schema: int
    program: str
    description: str
    tip: str
    state: str
    captures: int
    file: str
    digest: str
    inode: tuple[int, int, int]

    __repr__ = short


class Storage:
    """The place of one database."""

    def __init__(self, folder: Path, name: str) -> None:
        """Look at the database called `name` in `folder`; neither need exist."""
        self._folder = folder
        self._name = name

    @property
    def _seal(self) -> Path:
        return self._folder / f"{self._name}.json"

    def seal(self) -> Seal | None:
        """Return what the database is said to be; None: there is none, or of another program."""
        try:
            text, _, check = self._seal.read_bytes().strip().partition(b"\n")
            found = msgspec.json.decode(text, type=Seal)
        except (OSError, *UNREADABLE):
            return None
        if check != _checked(text):
            return None
        named = found.file.startswith(f"{self._name}-") and "/" not in found.file
        return found if named and found.schema == schema.VERSION else None

    @property
    def exists(self) -> bool:
        """Whether somebody asked for a database: there is a seal, of whatever program."""
        return self._seal.exists()

    def path(self, seal: Seal) -> Path:
        """Return the database's file."""
        return self._folder / seal.file

    @contextmanager
    def opened(self, seal: Seal) -> Iterator[sqlite3.Connection]:
        """Open the database to read it.

        Raises:
            DatabaseDamaged: The file is not what the seal says, or SQLite cannot read it.
        """
        path = self.path(seal)
        self._believed(seal)
        try:
            with closing(_connected(path, "mode=ro&immutable=1")) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise DatabaseDamaged(
                sentence("{path} cannot be read: {error}", path=path, error=reason(error))
            ) from error

    def _believed(self, seal: Seal) -> None:
        path = self.path(seal)
        try:
            if _inode(path) == seal.inode or _digest(path) == seal.digest:
                return
        except OSError as error:
            raise DatabaseDamaged(
                sentence("{path} cannot be read: {strerror}", path=path, strerror=error.strerror)
            ) from error
        raise DatabaseDamaged(sentence("{path} is not what was written", path=path))

    @contextmanager
    def locked(self, wait: float) -> Iterator[bool]:
        """Keep other writers away; yield whether that worked within `wait` seconds."""
        with disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(
                self._folder / f"{self._name}.writer", os.O_RDWR | os.O_CREAT, 0o666
            )
        try:
            flags = fcntl.LOCK_EX | fcntl.LOCK_NB
            yield acquired(lambda: fcntl.flock(descriptor, flags), wait)
        finally:
            os.close(descriptor)

    @contextmanager
    def rewritten(self, base: Seal | None) -> Iterator[sqlite3.Connection]:
        """Yield a copy of the database `base` to change, or an empty one; `commit` keeps it.

        Raises:
            DatabaseDamaged: `base` is not what its seal says.
            StoreFull: The disk is full. The database is the old one.
        """
        building = self._building
        with disk_errors():
            for left_over in (building, *self._scratch_folders()):
                _remove(left_over)
            if base is not None:
                self._believed(base)
                shutil.copyfile(self.path(base), building)
        with written(building, new=base is None) as connection:
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a new folder for files that are needed during an update; the next one empties it.

        Raises:
            StoreError: It cannot be made.
        """
        with disk_errors():
            path = Path(tempfile.mkdtemp(prefix=f"{self._name}.parts-", dir=self._folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def _scratch_folders(self) -> Iterator[Path]:
        return self._folder.glob(f"{self._name}.parts-*")

    @property
    def _building(self) -> Path:
        return self._folder / f"{self._name}.building"

    def commit(
        self, *, program: str, description: str, tip: str, state: str, captures: int
    ) -> Seal:
        """Make what `rewritten` wrote the database; the attributes are those of its seal."""
        with disk_errors():
            digest = _digest(self._building)
            path = self._folder / f"{self._name}-{digest[:_NAMED]}.sqlite"
            with self._building.open("rb") as file:
                os.fsync(file.fileno())
            _remove(path)
            self._building.replace(path)
            sync_folder(self._folder)
            seal = Seal(
                schema=schema.VERSION,
                program=program,
                description=description,
                tip=tip,
                state=state,
                captures=captures,
                file=path.name,
                digest=digest,
                inode=_inode(path),
            )
            self.reseal(seal)
        return seal

    def reseal(self, seal: Seal) -> None:
        """Replace the seal, and remove what it does not name."""
        with disk_errors():
            if self._seal.is_dir():
                _remove(self._seal)
            text = msgspec.json.encode(seal)
            write_whole(self._seal, [text, b"\n", _checked(text), b"\n"])
            for path in self._databases():
                if path.name != seal.file:
                    _remove(path)

    def remove(self) -> bool:
        """Remove the database; return whether there was one."""
        there = self.exists
        with disk_errors():
            for path in (self._seal, self._building, *self._databases()):
                _remove(path)
            for path in self._scratch_folders():
                _remove(path)
        return there

    def _databases(self) -> Iterator[Path]:
        return self._folder.glob(f"{self._name}-{'?' * _NAMED}.sqlite")


@contextmanager
def written(path: Path, *, new: bool) -> Iterator[sqlite3.Connection]:
    """Open a database to write it; without a journal, since nobody believes it before its seal.

    Args:
        path: Its file.
        new: Whether it gets the tables first.

    Raises:
        StoreFull: The disk is full.
        DatabaseDamaged: SQLite cannot read or write it.
    """
    try:
        with closing(_connected(path, "mode=rwc")) as connection:
            for setting in ("journal_mode = OFF", "synchronous = OFF"):
                connection.execute(f"PRAGMA {setting}")
            connection.execute(_CACHE)
            if new:
                create(connection)
            yield connection
            connection.commit()
    except sqlite3.DatabaseError as error:
        raise _failed(error, path) from error


def _connected(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True)


def _checked(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _inode(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failed(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    if "full" in str(error) or "disk I/O" in str(error):
        return StoreFull(sentence("{path}: {error}", path=path, error=error), hint=MAKE_ROOM)
    return DatabaseDamaged(sentence("{path}: {error}", path=path, error=error))
