"""The folder of a site: made beside the published one, then put in its place at once.

What did not change is the same file in both (a hard link), so that copying tools see it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST: Final = ".archiver-site.json"
_HERE: Final = -100  # AT_FDCWD of fcntl.h
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of linux/fs.h


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What a site holds of one source, which tells whether its files can be kept.

    Attributes:
        made: Digest of all but the history that its pages depend on.
        captures: Number of captures.
        history: Digest of their commits and objects.
    """

    made: str
    captures: int
    history: str

    __repr__ = short


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a site is.

    Attributes:
        schema: Name of this form.
        names: Names of the files and folders at its top, but for this one.
        sources: Folder of each source to what it holds.
    """

    schema: Literal["archiver/site/1"]
    names: tuple[str, ...]
    sources: dict[str, Section]

    __repr__ = short


class Draft:
    """A site in the making.

    Attributes:
        old: The manifest of the published one; None: there is none.
        written: Number of files that are new or have other bytes than the published ones.
        kept: Number of files that are the same.
    """

    def __init__(self, published: Path, folder: Path, old: Manifest | None) -> None:
        """Make a site in `folder` that will replace `published`."""
        self.old = old
        self.written = 0
        self.kept = 0
        self._published = published
        self._folder = folder
        self._folders: set[str] = set()

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file; one that is the same as the published one stays that file."""
        data = content.encode() if isinstance(content, str) else content
        old = self._published / path
        with suppress(OSError):
            if old.stat().st_size == len(data) and old.read_bytes() == data:
                os.link(old, self._place(path))
                self.kept += 1
                return
        self._place(path).write_bytes(data)
        self.written += 1

    def keep(self, path: str) -> bool:
        """Keep the published file; return whether there is one."""
        try:
            os.link(self._published / path, self._place(path))
        except OSError:
            return False
        self.kept += 1
        return True

    def names(self) -> tuple[str, ...]:
        """Return the names at the top."""
        return tuple(sorted(each.name for each in self._folder.iterdir()))

    def files(self) -> list[str]:
        """Return the paths of all files."""
        found = (each for each in self._folder.rglob("*") if each.is_file())
        return sorted(each.relative_to(self._folder).as_posix() for each in found)

    def _place(self, path: str) -> Path:
        place = self._folder / path
        parent = path.rpartition("/")[0]
        if parent not in self._folders:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(parent)
        return place


@contextmanager
def replaced(folder: Path, *, fresh: bool = False) -> Iterator[Draft]:
    """Yield a draft of the site in `folder`, which replaces it when the block ends without error.

    Args:
        folder: The folder.
        fresh: Whether nothing of the published site is kept.

    Raises:
        ConfigError: It holds something else than a site, or cannot be written.
    """
    published = folder.absolute()
    old = _manifest(published)
    try:
        published.parent.mkdir(parents=True, exist_ok=True)
        _sweep(published)
        with _scratch(published) as scratch:
            yield Draft(published, scratch, None if fresh else old)
            scratch.chmod(0o755)
            _replace(published, scratch)
    except OSError as error:
        raise ConfigError(
            sentence(
                "cannot write the site to {folder}: {strerror}",
                folder=folder,
                strerror=error.strerror,
            )
        ) from error


def _manifest(published: Path) -> Manifest | None:
    """Return the manifest of a folder; None: it is empty, or there is none.

    Raises:
        ConfigError: It holds something that no site does.
    """
    if not published.exists():
        return None
    if not published.is_dir():
        raise ConfigError(sentence("{published} is no folder", published=published))
    names = {each.name for each in published.iterdir()}
    if not names:
        return None
    try:
        found = msgspec.json.decode((published / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        found = None
    others = names - {MANIFEST, *(found.names if found else ())}
    if others:
        raise ConfigError(
            sentence(
                "{published} holds {others}, which is of no site",
                published=published,
                others=min(others),
            ),
            hint=sentence("a site replaces its folder: name a new or empty one with -o"),
        )
    return found


@contextmanager
def _scratch(published: Path) -> Iterator[Path]:
    """Yield a new folder beside the published one, locked as long as it is in use."""
    made = Path(tempfile.mkdtemp(prefix=_prefix(published), dir=published.parent))
    lock = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield made
    finally:
        os.close(lock)
        shutil.rmtree(made, ignore_errors=True)


def _prefix(published: Path) -> str:
    return f".{published.name}.part-"


def _sweep(published: Path) -> None:
    """Remove what killed builds left: a living one holds the lock of its folder."""
    for each in published.parent.glob(f"{_prefix(published)}*"):
        with suppress(OSError):
            lock = os.open(each, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(each, ignore_errors=True)
            finally:
                os.close(lock)


def _replace(published: Path, scratch: Path) -> None:
    """Put the new folder in the place of the published one, which becomes the scratch folder."""
    if not published.exists():
        scratch.rename(published)
        return
    if _exchanged(published, scratch):
        return
    aside = scratch.with_name(f"{scratch.name}.old")
    published.rename(aside)
    scratch.rename(published)
    aside.rename(scratch)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return False where the system cannot (only Linux can)."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done: int = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return done == 0
