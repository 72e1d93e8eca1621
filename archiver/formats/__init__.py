"""Read a document of any format: what is not JSON becomes JSON text first.

So paths, keys, repeated members and limits are one code for all formats (`records.document`), and
a record that stays the same is not parsed again, whatever its file was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.plugins import Kinds
from archiver.records.decoding import unzipped
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.records.model import Bad


class Reading(NamedTuple):
    """How a document is read, where a person says it; else its name and content do.

    Attributes:
        input: Name of its format; empty: by its name, else by its content.
    """

    input: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as JSON text.

    Attributes:
        format: Name of its format.
        content: The document as one JSON text; or, of a format whose records follow one another,
            the text of one record after the other, to be read once. `Bad` stands for one that is
            none.
        notes: What its reader should know; complete once all records are read.
    """

    format: str
    content: bytes | Iterator[bytes | Bad]
    notes: list[str] = field(default_factory=list)

    __repr__ = short

    @property
    def body(self) -> bytes | None:
        """The document, where it is one JSON text."""
        return self.content if isinstance(self.content, bytes) else None


class Format(ABC):
    """One format. A class without state: a new instance reads each document."""

    @abstractmethod
    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return a document as JSON text.

        Args:
            content: Its bytes, unpacked.
            how: What a person said of it.

        Raises:
            UnreadableSnapshot: It is not of this format; may be raised while its text is read.
        """


BUILT_IN: Final[Mapping[str, str]] = {"json": "archiver.formats.json_format:JsonFormat"}
"""Name of a format to its class."""

KINDS: Final = Kinds("format", Format, "archiver.formats", BUILT_IN)  # type: ignore[type-abstract]

SUFFIXES: Final[Mapping[str, str]] = {".json": "json"}
"""Suffix of a file's name to the name of its format; the name of a plug-in is its suffix."""

_HERE: Final = Path()


def read(content: Iterable[bytes], name: str = "", how: Reading = Reading()) -> Text:  # noqa: B008  it is immutable
    """Return a document as JSON text.

    Args:
        content: Its bytes, perhaps packed (gzip).
        name: Name of its file, or its address; empty: unknown.
        how: What a person said of it.

    Raises:
        UnreadableSnapshot: It cannot be unpacked, or is not of its format; may be raised later,
            while `Text.content` is read.
        ConfigError: No format is called as `how` says.
    """
    kind = how.input or _format_of(name)
    return KINDS.find(kind, folder=_HERE)().text(unzipped(content), how)


def _format_of(name: str) -> str:
    """Return the name of the format that a file's name says, else ``json``."""
    return SUFFIXES.get(PurePosixPath(name.lower()).suffix, "json")
