"""Read objects, and verify announced length and object id every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import IO, TYPE_CHECKING, NamedTuple, Self, cast

from archiver.errors import DamagedObject
from archiver.language import sentence
from archiver.store.plumbing import RECOVER

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from archiver.store.plumbing import Plumbing
    from archiver.store.promised import Promised


class Header(NamedTuple):
    """What git announces for an object: its id, type, and length in bytes."""

    oid: str
    kind: str
    size: int


class ObjectReader:
    """Verified reads through one git process; a context manager, used by one thread.

    The process starts with the first read and is gone at the end of the ``with`` block.
    """

    def __init__(self, git: Plumbing, object_format: str, promised: Promised | None = None) -> None:
        """Prepare to read the objects of one repository.

        Args:
            git: Its git.
            object_format: How they are hashed.
            promised: Fetches what is missing; None: it is no partial clone.
        """
        self._git = git
        self._promised = promised
        self.object_format = object_format
        self._child: subprocess.Popen[bytes] | None = None
        self._streaming = False

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End git and wait for it."""
        self._stop()

    def size(self, oid: str) -> int:
        """Return the announced length of an object in bytes.

        Raises:
            DamagedObject: The object is missing.
        """
        header, _ = self._ask("info", oid)
        return header.size

    def read(self, oid: str) -> bytes:
        """Return the whole content of an object.

        Raises:
            DamagedObject: It is missing, short, or its content has another id.
        """
        return b"".join(self.stream(oid))

    def stream(self, oid: str, chunk: int = 1 << 20) -> Iterator[bytes]:
        """Yield the content of an object piece by piece, in constant memory.

        The last piece is yielded when the whole content is verified; what came before it is
        trustworthy only when the iteration ends without an error.

        Args:
            oid: Full object id.
            chunk: Largest piece in bytes.

        Raises:
            DamagedObject: It is missing, short, or its content has another id.
        """
        header, source = self._ask("contents", oid)
        self._streaming = True
        last = None
        try:
            last = yield from self._all_but_last(source, header, chunk)
        finally:
            self._streaming = False
            if last is None:  # the rest of the content still stands in the pipe
                self._stop()
        yield last

    def _all_but_last(
        self, source: IO[bytes], header: Header, chunk: int
    ) -> Generator[bytes, None, bytes]:
        """Yield all pieces but the last, and return that one: then the content is verified."""
        oid, kind, left = header
        digest = hashlib.new(self.object_format, f"{kind} {left}\0".encode())
        piece = b""
        while left:
            piece = source.read(min(chunk, left))
            if not piece:
                message = sentence(
                    "object {oid} is damaged: git could not read it to its end", oid=oid
                )
                raise DamagedObject(message, hint=RECOVER)
            digest.update(piece)
            left -= len(piece)
            if left:
                yield piece
        if source.read(1) != b"\n" or digest.hexdigest() != oid:
            message = sentence("object {oid} is damaged: its content has another id", oid=oid)
            raise DamagedObject(message, hint=RECOVER)
        return piece

    def located(self, commit: str, path: str) -> str | None:
        """Return the id of what is at `path` in a commit; None where absent, or no line can ask.

        Args:
            commit: Full commit id.
            path: Relative to the top of the tree, with ``/``.
        """
        folder, _, name = path.rpartition("/")
        return self.entries(commit, folder).get(name)

    def entries(self, commit: str, folder: str) -> dict[str, str]:
        """Return the names and object ids in a folder of a commit; empty where absent.

        Args:
            commit: Full commit id.
            folder: Relative to the top of the tree, with ``/``; empty: the top.
        """
        place = f"{commit}:{folder}" if folder else f"{commit}^{{tree}}"
        words, _ = ([], None) if "\n" in place else self._answer("info", place)
        if len(words) != len(Header._fields) or words[1] != "tree" or not words[2].isdecimal():
            return {}
        return dict(_entries(self.read(words[0]), len(words[0]) // 2))

    def _ask(self, command: str, oid: str) -> tuple[Header, IO[bytes]]:
        words, output = self._answer(command, oid)
        if self._promised is not None and words[1:2] in ([], ["missing"]):
            self._stop()  # it ends where it must not fetch
            self._promised.bring(oid)
            words, output = self._answer(command, oid)
        if len(words) != len(Header._fields) or words[0] != oid:
            self._stop()
            reason = (
                sentence("missing")
                if words[-1:] == ["missing"]
                else sentence("damaged: git cannot read it")
            )
            raise DamagedObject(
                sentence("object {oid} is {reason}", oid=oid, reason=reason), hint=RECOVER
            )
        return Header(words[0], words[1], int(words[2])), output

    def _answer(self, command: str, name: str) -> tuple[list[str], IO[bytes]]:
        """Ask git about one object; return the words of its first line, and what follows."""
        if self._streaming:
            raise RuntimeError(sentence("a reader gives one stream at a time; open another reader"))
        child = self._running()
        output = cast("IO[bytes]", child.stdout)
        try:
            # past the buffer: it must reach git at once, and must not fail again in close()
            os.write(cast("IO[bytes]", child.stdin).fileno(), f"{command} {name}\n".encode())
            return output.readline().decode().split(), output
        except BrokenPipeError:
            return [], output

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._stop()
            arguments = ("cat-file", "--batch-command")
            self._child = self._git.start(
                *arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._child

    def _stop(self) -> None:
        child, self._child, self._streaming = self._child, None, False
        if child is not None:
            child.kill()  # it only reads: nothing can be left half done
            with child:
                pass


def _entries(tree: bytes, width: int) -> Iterator[tuple[str, str]]:
    """Yield name and object id of what a tree holds; an id has so many bytes."""
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        name = tree[tree.index(b" ", at) + 1 : end]
        at = end + 1 + width
        yield os.fsdecode(name), tree[end + 1 : at].hex()
