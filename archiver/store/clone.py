"""Clone another repository for one reading: bare, its branch only, the blobs of one path."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.errors import ConfigError, StoreError
from archiver.language import sentence
from archiver.records.folder import is_pattern
from archiver.store.history import by_pattern, spec
from archiver.store.plumbing import Plumbing, require_git
from archiver.store.repository import Repository
from archiver.store.transfer import FETCH, causes, hidden, networked, transfer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CLONE: Final = ("--bare", "--single-branch", "--no-tags", "--template=")
PROTOCOLS: Final = ("https", "http", "ssh", "git", "file")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:(?://|:)|[^/:\s]+@[^/:\s]+:", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Return whether `text` has the form of a URL (``https://…``, ``git@host:path``)."""
    return bool(_URL.match(text))


@contextmanager
def cloned(
    url: str, path: str, variables: Mapping[str, str], *, follow: bool = False
) -> Iterator[Path]:
    """Yield a clone that has the history of the default branch and every version of `path`.

    It is bare, in a temporary folder that is removed afterwards. From a server that can filter
    (most can), commits and folders come first, then the blobs at `path` in one fetch.

    Args:
        url: An https, http, ssh, git or file URL, or ``user@host:path``.
        path: File or folder, relative, with ``/``; or a pattern that names files.
        variables: The environment, for how to reach it; git finds the credentials.
        follow: Whether the file is followed to where it was before: where a part of the blobs
            does not say it, all of them are cloned.

    Raises:
        ConfigError: The URL has another protocol.
        StoreError: It cannot be cloned.
    """
    refuse(url)
    require_git()
    with tempfile.TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True) as place:
        git = networked(Plumbing(Path(place)), variables)
        # a setting such as url.X.insteadOf must not lead to a protocol that runs a program
        allowed = ("GIT_ALLOW_PROTOCOL", ":".join(PROTOCOLS))
        git = replace(git, variables=(*git.variables, allowed))
        folder = Path(place, "filtered")
        _transfer(git, url, "clone", *_CLONE, "--filter=blob:none", "--", url, str(folder))
        if not _fetch_blobs(git, folder, path) or (follow and _may_be_moved(folder, path)):
            folder = Path(place, "whole")
            _transfer(git, url, "clone", *_CLONE, "--", url, str(folder))
        yield folder


def refuse(url: str) -> None:
    """Refuse what git could take for an option, or for the name of a program to run.

    Raises:
        ConfigError: It is such a thing.
    """
    protocol = url.partition("://")[0].lower() if "://" in url else "ssh"
    helper = "::" in url.partition("/")[0]
    if helper or protocol not in PROTOCOLS or url.startswith("-"):
        raise ConfigError(
            sentence(
                "{hidden} is not the URL of a repository that can be imported",
                hidden=hidden(url, [url]),
            ),
            hint=sentence(
                "protocols: {protocols}; others: clone it, then import the folder",
                protocols=", ".join(PROTOCOLS),
            ),
        )


def _transfer(git: Plumbing, url: str, *arguments: str) -> None:
    answer = transfer(git, *arguments)
    if answer.code:
        words = next(causes(answer.err), sentence("git does not say why"))
        message = sentence(
            "{hidden} cannot be cloned: {hidden2}",
            hidden=hidden(url, [url]),
            hidden2=hidden(words, [url]),
        )
        raise StoreError(message, hint=sentence("try: git ls-remote URL"))


def _may_be_moved(folder: Path, path: str) -> bool:
    """Tell whether the history of a file begins where it may have come from elsewhere."""
    with Repository.open(folder) as clone:
        tip = clone.tip("HEAD")
        history = clone.history(path, tip=tip, follow=True) if tip else ()
        return any(each.came is not None for each in history)


def _fetch_blobs(git: Plumbing, folder: Path, path: str) -> bool:
    """Fetch the versions of `path` that the filter left out; False: the server refuses that."""
    with Repository.open(folder) as clone:
        tip = clone.tip("HEAD")
        listed = ("rev-list", "--objects", "--full-history", "--missing=print", "--no-object-names")
        alone = tip is None or clone.object_at(tip, path) or not is_pattern(path)
        here, wanted_path = (clone.git, path) if alone else (by_pattern(clone.git), spec(path))
        out = here.run(*listed, tip, "--", wanted_path).decode() if tip else ""
    wanted = [line[1:] for line in out.splitlines() if line.startswith("?")]
    if not wanted:
        return True
    with tempfile.TemporaryFile() as ids:
        ids.write("".join(f"{oid}\n" for oid in wanted).encode())
        ids.seek(0)
        options = (f"--git-dir={folder}", "-c", "fetch.negotiationAlgorithm=noop")
        here = replace(git, options=(*git.options, *options))
        command = ("fetch", *FETCH, "--filter=blob:none", "--stdin", "origin")
        return not transfer(here, *command, stdin=ids).code
