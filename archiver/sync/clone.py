"""Clone a data repository to read it: its history without the content, which comes when asked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver import config as configuration
from archiver.errors import ConfigError, StoreError
from archiver.history.catalogue import REVERTED, RUNS
from archiver.language import sentence
from archiver.records.text import few
from archiver.store import clone as clones
from archiver.store.repository import STATE_REF, Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SPECIAL: Final = frozenset("\\*?[!#")
"""What a pattern of git's sparse checkout does not take as it is."""


class Cloned(NamedTuple):
    """What was cloned.

    Attributes:
        is_partial: Whether the content was left with the server; False: it cannot do that.
        sources: Names of the sources of archiver.toml; empty: there is none.
        is_empty: Whether nothing was ever committed.
    """

    is_partial: bool
    sources: tuple[str, ...]
    is_empty: bool = False


def clone(url: str, folder: Path, variables: Mapping[str, str], token: str = "") -> Cloned:
    """Clone the default branch and the state of a data repository without the content of files.

    archiver.toml and what lies beside the sources is checked out; of their folders only what says
    which captures were reverted. `git sparse-checkout disable` checks out all.

    Args:
        url: As of `store.clone.partial`.
        folder: Where to; must not exist, or be empty.
        variables: The environment, for how to reach it.
        token: Sent to its HTTPS address; empty: git finds the credentials.

    Raises:
        ConfigError: The folder is in use, or the URL has another protocol.
        StoreError: It cannot be cloned.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            sentence("{folder} is there already", folder=folder),
            hint=sentence("name another folder; a clone is brought up to date by: git pull"),
        )
    if Path(url.removeprefix("file://")).resolve() == folder.resolve():
        raise ConfigError(sentence("{folder} would be a clone of itself", folder=folder))
    was_there = folder.exists()
    try:
        is_partial = clones.partial(url, folder, variables, token)
        with Repository.open(folder) as repository:
            tip = repository.tip("HEAD")
            if tip is None:
                _refuse_unborn(repository)
                return Cloned(is_partial, (), is_empty=True)
            files = repository.blobs(tip)
            place, sources = _sources(repository, tip, files)
            clones.check_out(repository, [*_patterns(sources.values(), found=bool(place))])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if was_there:
            folder.mkdir(exist_ok=True)
        raise
    return Cloned(is_partial, tuple(sources))


def _refuse_unborn(repository: Repository) -> None:
    """Refuse a repository that has branches, but not the one that its HEAD names."""
    names = ("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/*/*")
    branches = os.fsdecode(repository.plain.run(*names)).split()
    if branches:
        raise StoreError(
            sentence(
                "its HEAD names a branch that is not there; there is: {few}", few=few(branches)
            ),
            hint=sentence("in that repository: git symbolic-ref HEAD refs/heads/main"),
        )


def _sources(
    repository: Repository, tip: str, files: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return the path of archiver.toml, and each source with its folder; empty: there is none."""
    places = [each for each in files if PurePosixPath(each).name == configuration.FILE_NAME]
    if not places:
        return "", {}
    place = min(places, key=lambda each: (each.count("/"), each))
    top = PurePosixPath(place).parent
    wanted = {files[place]: place}
    if state := repository.tip(STATE_REF):
        reports = repository.blobs(state)
        wanted |= {oid: path for path, oid in reports.items() if path.endswith(f"/{RUNS}")}
    repository.bring(wanted)
    content = repository.read(tip, place) or b""
    try:
        config = configuration.parse(content, Path(place), {})
    except ConfigError:
        return "", {}
    return place, {name: str(top / config.folder(name)) for name in config.sources}


def _patterns(folders: Iterable[str], *, found: bool) -> Iterator[str]:
    """Yield what to check out, as patterns of git's sparse checkout; the last that fits counts."""
    yield "/*"
    if not found:
        yield "!/*/"  # another repository: its top alone
    for folder in folders:
        name = "".join(f"\\{each}" if each in _SPECIAL else each for each in folder)
        yield from (f"!/{name}/*", f"/{name}/{REVERTED}")
