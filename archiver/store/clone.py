"""Clone another repository: for one reading, or to read it again and again.

For one reading it is bare, has its branch only, and the blobs of one path. Else it is a partial
clone: commits and folders; what is read of the content is fetched when it is read.
"""

from __future__ import annotations

import os
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
from archiver.store.repository import STATE_REF, Repository
from archiver.store.transfer import (
    ANSWER_LIMIT,
    FETCH,
    PROTOCOLS,
    causes,
    guarded,
    hidden,
    networked,
    transfer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.store.plumbing import Answer

_CLONE: Final = ("--bare", "--single-branch", "--no-tags", "--template=")
_UNFILTERED: Final = "filtering not recognized"
"""What git says where the server sends everything."""
_SKIPPED: Final = "S"
"""What git says of a file that is not checked out."""
_LINK: Final = " 160000 "
_NO_PROGRAM: Final = tuple(
    word
    for name in ("smudge=", "process=", "required=false")
    for word in ("-c", f"filter.lfs.{name}")
)
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
        git = guarded(networked(Plumbing(Path(place)), variables), url)
        folder = Path(place, "filtered")
        _transfer(git, url, "clone", *_CLONE, "--filter=blob:none", "--", url, str(folder))
        if not _fetch_blobs(git, folder, path) or (follow and _may_be_moved(folder, path)):
            folder = Path(place, "whole")
            _transfer(git, url, "clone", *_CLONE, "--", url, str(folder))
        yield folder


def partial(url: str, folder: Path, variables: Mapping[str, str], token: str = "") -> bool:
    """Clone the default branch and the state, without the content and without a work tree.

    Args:
        url: An https, http, ssh, git or file URL, ``user@host:path``, or a folder.
        folder: Where to; must not exist, or be empty.
        variables: The environment, for how to reach it.
        token: Sent to its HTTPS address; empty: git finds the credentials.

    Returns:
        Whether the content was left out; False: the server cannot filter, everything is here.

    Raises:
        ConfigError: The URL has another protocol.
        StoreError: It cannot be cloned.
    """
    if Path(url).is_dir() and not url.startswith("-"):
        url = f"file://{Path(url).resolve()}"  # from a path git copies everything
    refuse(url, sentence("protocols: {protocols}", protocols=", ".join(PROTOCOLS)))
    require_git()
    git = guarded(networked(Plumbing(Path.cwd()), variables), url, token)
    options = ("--no-checkout", "--single-branch", "--template=", "--origin=origin")
    answer = _transfer(git, url, "clone", *options, "--filter=blob:none", "--", url, str(folder))
    here = replace(git, options=(*git.options, f"--git-dir={folder / '.git'}"))
    is_partial = _UNFILTERED not in answer.err
    if not is_partial:
        _make_whole(here, folder)
    listed = here.run("ls-remote", "--refs", "--quiet", "origin", STATE_REF, limit=ANSWER_LIMIT)
    if listed:
        filtered = ("--filter=blob:none",) if is_partial else ()
        _transfer(here, url, "fetch", *FETCH, *filtered, "origin", f"{STATE_REF}:{STATE_REF}")
    return is_partial


def _make_whole(git: Plumbing, folder: Path) -> None:
    """Let a clone whose server does not filter be what it is: nobody promises anything."""
    for name in ("promisor", "partialclonefilter"):
        git.ask("config", "--unset-all", f"remote.origin.{name}")
    git.ask("config", "--unset-all", "extensions.partialClone")
    for mark in (folder / ".git/objects/pack").glob("*.promisor"):
        mark.unlink()


def check_out(repository: Repository, patterns: Sequence[str]) -> None:
    """Check out the files of the branch that are chosen; what a partial clone lacks comes at once.

    Args:
        repository: A clone without a work tree so far.
        patterns: Of git's sparse checkout; nothing else of the work tree is written from now on.
    """
    git = repository.git
    git.run("config", "core.sparseCheckout", "true")
    git.run("config", "core.sparseCheckoutCone", "false")
    chosen = repository.git_dir / "info" / "sparse-checkout"
    chosen.parent.mkdir(exist_ok=True)
    chosen.write_text("".join(f"{each}\n" for each in patterns), encoding="utf-8")
    git.run("read-tree", "-m", "HEAD")
    git.run("sparse-checkout", "reapply")  # marks in the index what is left out
    rows = os.fsdecode(git.run("ls-files", "-z", "-t", "--stage")).split("\0")[:-1]
    parts = (row.partition("\t") for row in rows if row[0] != _SKIPPED)
    wanted = {meta.split(" ")[2]: path for meta, _, path in parts if _LINK not in meta}
    repository.bring(wanted)
    git.run(*_NO_PROGRAM, "checkout-index", "--all", "--quiet")
    git.ask("update-index", "-q", "--refresh")


def refuse(url: str, hint: str = "") -> None:
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
            hint=hint
            or sentence(
                "protocols: {protocols}; others: clone it, then import the folder",
                protocols=", ".join(PROTOCOLS),
            ),
        )


def _transfer(git: Plumbing, url: str, *arguments: str) -> Answer:
    answer = transfer(git, *arguments)
    if answer.code:
        words = next(causes(answer.err), sentence("git does not say why"))
        message = sentence(
            "{hidden} cannot be cloned: {hidden2}",
            hidden=hidden(url, [url]),
            hidden2=hidden(words, [url]),
        )
        raise StoreError(message, hint=sentence("try: git ls-remote URL"))
    return answer


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
