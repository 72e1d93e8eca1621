"""A large body in a file: read in pieces, as often as wanted, and never in memory as a whole."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.errors import SourceUnavailable, StoreError, StoreFull
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO, Self

    Change: TypeAlias = Callable[[Iterator[bytes]], Iterator[bytes]]

_PIECE: Final = 1 << 20


class _State(NamedTuple):
    """What stays the same while nobody writes to a file."""

    size: int
    changed: int

    @classmethod
    def of(cls, file: IO[bytes]) -> Self:
        found = os.fstat(file.fileno())
        return cls(found.st_size, found.st_mtime_ns)


class Spool:
    """A body in a file.

    Attributes:
        size: Its bytes.
        most_whole: Bytes of the largest body that may be read as a whole.
    """

    def __init__(self, file: IO[bytes], name: str, *, most_whole: int) -> None:
        """Read `file`, which `close` closes.

        Args:
            file: The file.
            name: Its path; empty: nobody else can write to it.
            most_whole: See `Spool`.
        """
        self._file = file
        self._name = name
        self._state = _State.of(file)
        self._change: Change = iter
        self.size = self._state.size
        self.most_whole = most_whole

    @classmethod
    def of(cls, pieces: Iterable[bytes], *, most_whole: int) -> Spool:
        """Return a body that comes in pieces, in a temporary file.

        Raises:
            StoreFull: There is no room for it.
            StoreError: It cannot be written.
        """
        place = sentence("a temporary file")
        with _translated(place):
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  the page closes it
        try:
            for piece in pieces:
                with _translated(place):
                    _write(file, piece)
            return cls(file, "", most_whole=most_whole)
        except BaseException:
            file.close()
            raise

    def change(self, change: Change) -> None:
        """Read from now on what `change` makes of the pieces."""
        self._change = change

    def pieces(self) -> Iterator[bytes]:
        """Yield the body from its start.

        Raises:
            SourceUnavailable: The file was changed meanwhile: nobody knows what was read.
        """
        return self._change(self._read())

    def close(self) -> None:
        """Close the file; a temporary one is gone then."""
        self._file.close()

    def _read(self) -> Iterator[bytes]:
        at = 0
        while piece := os.pread(self._file.fileno(), _PIECE, at):
            at += len(piece)
            yield piece
        if self._name and (at != self.size or _State.of(self._file) != self._state):
            raise SourceUnavailable(
                sentence("{path}: it was changed while it was read", path=self._name),
                hint=sentence("try again later"),
            )


def _write(file: IO[bytes], piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


@contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                sentence("no room to keep the listing: {place}", place=place)
            ) from error
        raise StoreError(
            sentence(
                "the listing cannot be kept in {place}: {strerror}",
                place=place,
                strerror=error.strerror,
            )
        ) from error
