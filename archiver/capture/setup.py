"""Make a data repository: a git repository with archiver.toml and what belongs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from archiver import config as configuration
from archiver.config import scaffold
from archiver.errors import ConfigError, reason
from archiver.language import sentence
from archiver.render.atomic_file import whole_file
from archiver.store.commit import writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.config import Config
    from archiver.config.scaffold import NewSource

_BARE: Final = ("HEAD", "objects", "refs")  # gitrepository-layout(5)


Outcome: TypeAlias = Literal["made", "kept", "extended"]


class Made(NamedTuple):
    """What was made.

    Attributes:
        files: Name of each file, and what was done with it; those that were there are kept.
        outer: The git repository in which a new one was made; None: it lies in no other.
    """

    files: dict[str, Outcome]
    outer: Path | None


def make(folder: Path, files: Mapping[str, str], *, extended: Mapping[str, str] = {}) -> Made:
    """Make a data repository of `folder`, which need not exist; nothing is committed.

    Args:
        folder: Where to. A git repository is made unless this is the top of one.
        files: Path relative to `folder` to text; files that exist are kept.
        extended: The same, for files that exist and get this text.

    Raises:
        ConfigError: The folder cannot be written.
        StoreError: git cannot make a repository there.
    """
    _make_folder(folder)
    outer = None
    if not (folder / ".git").exists():
        outer = enclosing(folder)
        with Repository.init(folder):
            pass
    done = {name: _write_new(folder / name, text) for name, text in files.items()}
    for name, text in extended.items():
        with whole_file(folder / name) as file:
            file.write(text)
        done[name] = "extended"
    return Made(done, outer)


def add_source(config: Config, path: Path, source: NewSource) -> bool:
    """Append the table of `source` to the archiver.toml at `path`.

    Returns:
        Whether it was added; else another program had added such a source meanwhile.

    Raises:
        ConfigError: The file cannot take it, or cannot be written.
        RepositoryBusy: Another run holds the lock.
    """
    environ = config.environment.variables
    with Repository.open(config.root) as repository, writing(repository):
        if source.name in configuration.load(path, environ).sources:
            return False
        try:
            text = scaffold.with_source(path.read_bytes(), path, source)
        except ConfigError as error:
            table = scaffold.table(source).rstrip()
            hint = sentence(
                "add this table to {path} yourself:\n{table}", path=path.name, table=table
            )
            raise ConfigError(reason(error), hint=hint) from error
        if text is None:
            return False
        with whole_file(path) as file:
            file.write(text)
    return True


def enclosing(folder: Path) -> Path | None:
    """Return the git repository that `folder`, which may not exist yet, lies in; None: none.

    A bare one counts, and so does one that git would not open, because another user owns it.
    """
    place = folder.resolve()
    for each in (place, *place.parents):
        if (each / ".git").exists() or all((each / part).exists() for part in _BARE):
            return each
    return None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            sentence("cannot make {folder}: {strerror}", folder=folder, strerror=error.strerror)
        ) from error


def _write_new(path: Path, text: str) -> Outcome:
    if path.exists() or path.is_symlink():
        return "kept"
    _make_folder(path.parent)
    with whole_file(path) as file:
        file.write(text)
    return "made"
