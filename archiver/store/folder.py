"""Read which files a pattern names in a commit: one git, asked what differs from the last one."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, Self, cast

from archiver.errors import DamagedObject
from archiver.language import sentence
from archiver.store.history import FILES, by_pattern, spec
from archiver.store.plumbing import RECOVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.store.plumbing import Plumbing

_END: Final = b"end\n"
"""A line that git repeats when it has written all that was asked before."""
_ALL: Final = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-relative")
_GONE: Final = "000000"


class FolderReader:
    """The files of a folder at one commit after the other; a context manager."""

    def __init__(self, git: Plumbing, pattern: str, empty: str) -> None:
        """Look at the files that `pattern` names; `empty` is the id of a tree without any."""
        self._git = by_pattern(git)
        self._pattern = pattern
        self._empty = empty
        self._child: subprocess.Popen[bytes] | None = None
        self._last: tuple[str, Mapping[str, str]] = ("", {})

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End git and wait for it."""
        self._stop()

    def files(self, commit: str) -> Mapping[str, str]:
        """Return path to object id of the files in a commit; of a link or a submodule, its mode.

        Raises:
            DamagedObject: A commit or folder is missing or broken.
        """
        known, before = self._last
        if commit == known:
            return before
        found = dict(before)
        for path, mode, blob in self._differences(known, commit):
            if mode == _GONE:
                found.pop(path, None)
            else:
                found[path] = blob if mode.encode() in FILES else mode
        self._last = (commit, found)
        return found

    def _differences(self, old: str, new: str) -> Iterator[tuple[str, str, str]]:
        """Yield path, mode and object id of what is different in the commit `new`."""
        if old:
            out = self._answer(f"{new} {old}\n")
        else:
            out = self._git.run(*_ALL, self._empty, new, "--", spec(self._pattern))
        pieces = out.split(b"\0")
        for meta, name in zip(pieces[::2], pieces[1::2], strict=False):
            _, mode, _, blob, _ = meta.decode("ascii").removeprefix(":").split(" ")
            yield os.fsdecode(name), mode, blob

    def _answer(self, question: str) -> bytes:
        """Return what git writes about two commits: it takes the second for the first's parent."""
        child = self._running()
        with suppress(BrokenPipeError):
            os.write(cast("IO[bytes]", child.stdin).fileno(), question.encode() + _END)
        output, out = cast("IO[bytes]", child.stdout), b""
        while not _is_whole(out):
            piece = os.read(output.fileno(), 1 << 16)
            if not piece:
                self._stop()
                commit = question.split(maxsplit=1)[0]
                raise DamagedObject(
                    sentence(
                        "object {oid} is {reason}",
                        oid=commit,
                        reason=sentence("damaged: git cannot read it"),
                    ),
                    hint=RECOVER,
                )
            out += piece
        return out.removesuffix(_END)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            command = (*_ALL, "--stdin", "--no-commit-id", "--", spec(self._pattern))
            self._child = self._git.start(
                *command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()  # it only reads
            with child:
                pass


def _is_whole(out: bytes) -> bool:
    """Say whether git has written all: a file may be called like the end, so names are counted."""
    if out == _END:
        return True
    return out.endswith(b"\0" + _END) and out.count(b"\0") % 2 == 0
