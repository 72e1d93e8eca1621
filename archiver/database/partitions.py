"""A folder of Parquet files, one for each table and month, that grows with the history.

``table=changes/source=NAME/month=2026-03/000001-000031-0123456789abcdef.parquet``: the name says
which captures are in it, and by a digest which history led to them. So a file never changes: a
month with another capture gets another file, and the old one goes. ``manifest.json`` is written
last and names the files that belong together.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from archiver.database import columnar, plain
from archiver.errors import ConfigError, RepositoryBusy
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE
from archiver.records.representation import short
from archiver.store.durable import disk_errors, sync_folder, write_whole

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

SCHEMA: Final = 1
"""Changes with every column, and with whatever gives a row another content."""
MANIFEST: Final = "manifest.json"

_STAGE: Final = ".part"
_STAMP: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-\d\d \d\d:\d\d:\d\d")
_NAMED: Final = 16
_FILE: Final = re.compile(
    r"table=(?:captures|records|changes|metrics|tombstones|runs)/source=(?P<source>[^/]+)/"
    r"(?:month=\d{4}-\d\d/\d{6,}-\d{6,}|all)-[0-9a-f]{16}\.parquet"
)
_ANOTHER: Final = sentence("name another folder, or remove it")


class File(msgspec.Struct, frozen=True):
    """A Parquet file: its path in the folder, and what is in it.

    Attributes:
        path: With ``/``.
        table: The table.
        rows: Number of rows.
        bytes: Its size.
        sha256: Its digest, in hex.
        month: ``YYYY-MM``; empty: the file has the whole table.
        first: Number of the first capture in it; 0: the file has the whole table.
        last: Number of the last one.
    """

    path: str
    table: str
    rows: int
    bytes: int
    sha256: str
    month: str = ""
    first: int = 0
    last: int = 0

    __repr__ = short


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder of Parquet files holds.

    Attributes:
        format: Always ``archiver-parquet``.
        schema: `SCHEMA` of the program that wrote it.
        source: Name of the source.
        description: Digest of what is archived and of what its fields mean.
        commit: Full id of the newest capture's commit.
        timestamp: Time of the newest capture, UTC.
        captures: Number of captures.
        history: Digest of their commits and objects.
        rows: Number of rows of each table.
        files: The files, by path.
    """

    format: str = "archiver-parquet"
    schema: int
    source: str
    description: str
    commit: str
    timestamp: str
    captures: int
    history: str
    rows: dict[str, int]
    files: tuple[File, ...]

    __repr__ = short


class Month(msgspec.Struct, frozen=True):
    """The captures of a month, oldest first, and the digest of the history up to the last."""

    name: str
    captures: tuple[int, ...]
    digest: str

    __repr__ = short

    @property
    def stem(self) -> str:
        """Name of its files, without suffix."""
        first, last = self.captures[0], self.captures[-1]
        return f"month={self.name}/{first:06}-{last:06}-{self.digest[:_NAMED]}"


class Outcome(msgspec.Struct, frozen=True):
    """What an export did.

    Attributes:
        manifest: What the folder holds now.
        written: Number of files that were written.
        rewritten: Whether the folder held another history, or described its fields otherwise.
    """

    manifest: Manifest
    written: int
    rewritten: bool

    __repr__ = short


class Folder:
    """A folder of Parquet files of one source."""

    def __init__(self, path: Path, source: str, description: str) -> None:
        """Look at the folder `path`, which need not exist, of a source that is described so."""
        self._path = path
        self._source = source
        self._description = description

    def export(self, connection: sqlite3.Connection) -> Outcome:
        """Write what is new in the index; files that hold what they should are not touched.

        Raises:
            ConfigError: The folder holds something else, or pyarrow is not installed.
            RepositoryBusy: Another export writes to it.
            StoreError: It cannot be written.
        """
        columnar.require("pyarrow")
        with disk_errors(), self._alone():
            old = self._held()
            digests = _digests(connection, f"{SCHEMA} {self._description}")
            stage = self._path / _STAGE
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            files = [*self._history(connection, _months(connection, digests), old, stage)]
            files += self._current(connection, stage)
            written = self._placed(files, stage)
            manifest = self._manifest(connection, files, digests)
            write_whole(self._path / MANIFEST, [_pretty(manifest)])
            stage.rmdir()
        return Outcome(manifest, written, _is_other(old, self._description, digests))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Make the folder and keep other exports away; its own descriptor is the lock."""
        if self._path.exists() and not self._path.is_dir():
            raise ConfigError(sentence("{path} is no folder", path=self._path), hint=_ANOTHER)
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RepositoryBusy(
                sentence("another export writes to {path}", path=self._path)
            ) from error
        else:
            yield
        finally:
            os.close(descriptor)

    def _held(self) -> Manifest | None:
        """Return the manifest, once it is clear that everything in the folder is of this source."""
        manifest = self._manifest_there()
        for path in self._files():
            found = _FILE.fullmatch(path)
            if found is None:
                raise ConfigError(
                    sentence(
                        "{path} holds {path2}, which no export wrote", path=self._path, path2=path
                    ),
                    hint=_ANOTHER,
                )
            if found["source"] != self._quoted:
                raise self._other_source(found["source"])
        return manifest

    def _manifest_there(self) -> Manifest | None:
        path = self._path / MANIFEST
        if not path.exists():
            return None
        try:
            content = msgspec.json.decode(path.read_bytes())
            schema = content["schema"]
            if content["format"] == "archiver-parquet" and schema != SCHEMA:
                message = sentence(
                    "{path} was exported with schema {schema}; this is schema {schema2}",
                    path=self._path,
                    schema=schema,
                    schema2=SCHEMA,
                )
                raise ConfigError(message, hint=_ANOTHER)
            found = msgspec.convert(content, Manifest)
        except (*UNREADABLE, KeyError, TypeError) as error:
            raise ConfigError(
                sentence("{path} is no manifest of an export", path=path), hint=_ANOTHER
            ) from error
        if found.source != self._source:
            raise self._other_source(found.source)
        return found

    def _other_source(self, name: str) -> ConfigError:
        return ConfigError(
            sentence(
                "{path} holds the source {name}, not {source}",
                path=self._path,
                name=name,
                source=self._source,
            ),
            hint=sentence("a folder holds one source"),
        )

    @property
    def _quoted(self) -> str:
        return quote(self._source, safe="")

    def _files(self) -> Iterator[str]:
        """Yield the paths of all files, those that readers of Parquet ignore left out."""
        for folder, names, files in os.walk(self._path):
            links = [name for name in names if (Path(folder) / name).is_symlink()]
            names[:] = [name for name in names if not name.startswith(".")]
            for name in (*links, *files):
                path = (Path(folder) / name).relative_to(self._path).as_posix()
                if not name.startswith(".") and path not in (MANIFEST, f"{MANIFEST}.new"):
                    yield path

    def _history(
        self,
        connection: sqlite3.Connection,
        months: Iterable[Month],
        old: Manifest | None,
        stage: Path,
    ) -> Iterator[File]:
        known = {each.path: each for each in old.files} if old else {}
        for month in months:
            for name, table in plain.EVENTS.items():
                path = f"table={name}/source={self._quoted}/{month.stem}.parquet"
                if path in known and self._holds(known[path]):
                    yield known[path]
                    continue
                rows = plain.rows(connection, table, month.captures)
                yield _written(
                    _staged(stage, path),
                    table,
                    rows,
                    File(path, name, 0, 0, "", month.name, month.captures[0], month.captures[-1]),
                )

    def _current(self, connection: sqlite3.Connection, stage: Path) -> Iterator[File]:
        for name, table in plain.CURRENT.items():
            file = File("", name, 0, 0, "")
            staged = stage / name
            file = _written(staged, table, plain.rows(connection, table), file)
            path = f"table={name}/source={self._quoted}/all-{file.sha256[:_NAMED]}.parquet"
            file = msgspec.structs.replace(file, path=path)
            if self._holds(file):
                staged.unlink()
            else:
                staged.rename(_staged(stage, path))
            yield file

    def _holds(self, file: File) -> bool:
        """Return whether the file is there as it was written."""
        path = self._path / file.path
        return (
            path.is_file() and path.stat().st_size == file.bytes and (_digest(path) == file.sha256)
        )

    def _placed(self, files: Iterable[File], stage: Path) -> int:
        """Move what is staged to its place, and remove the files that it replaces."""
        wanted = {each.path for each in files}
        staged = [path for path in sorted(wanted) if _staged(stage, path).exists()]
        for path in staged:
            place = self._path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            _staged(stage, path).replace(place)
        for path in sorted({*self._files()} - wanted):
            (self._path / path).unlink()
        for folder in sorted({(self._path / path).parent for path in staged}):
            sync_folder(folder)
        self._without_empty_folders()
        return len(staged)

    def _without_empty_folders(self) -> None:
        for folder, _, _ in os.walk(self._path, topdown=False):
            path = Path(folder)
            if path.name.startswith(("table=", "source=", "month=")) and not any(path.iterdir()):
                path.rmdir()

    def _manifest(
        self, connection: sqlite3.Connection, files: list[File], digests: list[str]
    ) -> Manifest:
        query = "SELECT revision, timestamp FROM captures ORDER BY id DESC LIMIT 1"
        commit, timestamp = connection.execute(query).fetchone()
        rows = dict.fromkeys((*plain.EVENTS, *plain.CURRENT), 0)
        for each in files:
            rows[each.table] += each.rows
        return Manifest(
            schema=SCHEMA,
            source=self._source,
            description=self._description,
            commit=commit,
            timestamp=timestamp,
            captures=len(digests),
            history=digests[-1],
            rows=rows,
            files=tuple(sorted(files, key=lambda each: each.path)),
        )


def _digests(connection: sqlite3.Connection, seed: str) -> list[str]:
    """Return for each capture the digest of the history up to it."""
    found: list[str] = []
    chain = hashlib.sha256(seed.encode())
    query = "SELECT revision, object, timestamp FROM captures ORDER BY id"
    for row in connection.execute(query):
        chain.update(msgspec.json.encode(row))
        found.append(chain.hexdigest())
    return found


def _months(connection: sqlite3.Connection, digests: list[str]) -> list[Month]:
    """Return the months that have captures; a capture without a usable time is of its commit's."""
    found: dict[str, list[int]] = {}
    query = "SELECT id, timestamp, authored_at FROM captures ORDER BY id"
    for number, timestamp, authored_at in connection.execute(query):
        time = timestamp if _STAMP.fullmatch(timestamp) else authored_at
        found.setdefault(time[:7], []).append(number)
    return [
        Month(name, tuple(numbers), digests[numbers[-1] - 1])
        for name, numbers in sorted(found.items())
    ]


def _staged(stage: Path, path: str) -> Path:
    """Return where a file is written; no suffix, so that no reader finds it."""
    return stage / path.replace("/", " ").removesuffix(".parquet")


def _written(path: Path, table: plain.Table, rows: Iterator[plain.Row], file: File) -> File:
    """Write a file down to the disk; return it with what it is."""
    number = columnar.write_parquet(path, table, rows)
    with path.open("rb") as content:
        os.fsync(content.fileno())
    return msgspec.structs.replace(
        file, rows=number, bytes=path.stat().st_size, sha256=_digest(path)
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_other(old: Manifest | None, description: str, digests: list[str]) -> bool:
    """Return whether a folder held what is no beginning of this history."""
    if old is None:
        return False
    begins = old.captures <= len(digests) and digests[old.captures - 1] == old.history
    return old.description != description or not begins


def _pretty(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
