"""Read a document of any format: what is not JSON becomes JSON text first.

So paths, keys, repeated members and limits are one code for all formats (`records.document`), and
a record that stays the same is not parsed again, whatever its file was.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from archiver.errors import UnreadableSnapshot
from archiver.formats.packing import SUFFIXES as PACKED
from archiver.formats.packing import unpacked
from archiver.language import sentence
from archiver.plugins import Kinds
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.records.document import Content


class Reading(NamedTuple):
    """How a document is read, where a person says it; else its name and content do.

    Attributes:
        input: Name of its format; empty: by its name, else by its content.
        encoding: Its encoding, where it has no byte order mark; empty: UTF-8.
        types: ``text``: the cells of a table are strings; ``infer``: numbers and booleans where
            writing them back gives the same characters.
        member: The file of a zip archive that is meant; empty: the only one.
        finite: Whether a value that is not finite is refused; else it is null, and counted.
        strict: Whether a row with more or fewer cells than the header is unusable; else it is read
            as far as both go, and counted.
        whole: Bytes of the largest document that may be read as a whole, as a format reads whose
            records do not follow one another; 0: nobody minds.
    """

    input: str = ""
    encoding: str = ""
    types: str = ""
    member: str = ""
    finite: bool = False
    strict: bool = False
    whole: int = 0


UNSAID: Final = Reading()
"""Nobody says how a document is read."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as JSON text.

    Attributes:
        format: Name of its format.
        content: The document as one JSON text; or, of a format whose records follow one another,
            the line and the text of one record after the other, to be read once. `Bad` stands for
            one that is none.
        notes: What its reader should know; complete once all records are read.
        columns: The names of the columns of a table; empty: it is none.
    """

    format: str
    content: Content
    notes: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()

    __repr__ = short

    @property
    def body(self) -> bytes | None:
        """The document, where it is one JSON text."""
        return self.content if isinstance(self.content, bytes) else None

    def require(self, key: Iterable[str]) -> None:
        """Refuse a table that has none of the columns `key`: it would seem to hold no records."""
        if self.columns and not any(name in self.columns for name in key):
            raise UnreadableSnapshot(
                sentence(
                    'its header has no column "{name}" (found: {there})',
                    name=next(iter(key), ""),
                    there=", ".join(self.columns[:_SHOWN]),
                )
            )


class Format(ABC):
    """One format. A class without state: a new instance reads each document.

    Attributes:
        in_pieces: Whether it reads one record after the other: a document may be larger than
            memory.
    """

    in_pieces: ClassVar[bool] = False

    @abstractmethod
    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return a document as JSON text.

        Args:
            content: Its bytes, unpacked.
            how: What a person said of it.

        Raises:
            UnreadableSnapshot: It is not of this format; may be raised while its text is read.
        """


BUILT_IN: Final[Mapping[str, str]] = {
    "json": "archiver.formats.json_format:JsonFormat",
    "jsonl": "archiver.formats.json_lines:JsonLines",
    "csv": "archiver.formats.table:Csv",
    "tsv": "archiver.formats.table:Tsv",
    "yaml": "archiver.formats.yaml_format:YamlFormat",
    "toml": "archiver.formats.toml_format:TomlFormat",
}
"""Name of a format to its class."""

KINDS: Final = Kinds(sentence("format"), Format, "archiver.formats", BUILT_IN)  # type: ignore[type-abstract]

SUFFIXES: Final[Mapping[str, str]] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
}
"""Suffix of a file's name to the name of its format; the name of a plug-in is its suffix."""

ENDING: Final = re.compile(
    rf"(({'|'.join(map(re.escape, SUFFIXES))})({'|'.join(map(re.escape, PACKED))})?|\.zip)$",
    re.IGNORECASE,
)
"""How the name of a document ends, perhaps packed."""

_HERE: Final = Path()
_SHOWN: Final = 8


def read(
    content: Iterable[bytes],
    name: str = "",
    how: Reading = UNSAID,
    media: str = "",
) -> Text:
    """Return a document as JSON text.

    Args:
        content: Its bytes, perhaps packed.
        name: Name of its file, or its address; empty: unknown.
        how: What a person said of it.
        media: What a server called it (``Content-Type``), where its name says nothing.

    Raises:
        UnreadableSnapshot: It cannot be unpacked, or is not of its format; may be raised later,
            while `Text.content` is read.
        ConfigError: No format or encoding is called as `how` says.
    """
    pieces, name = unpacked(content, name, how.member, how.whole)
    return text(pieces, name, how, media)


def text(
    content: Iterator[bytes],
    name: str = "",
    how: Reading = UNSAID,
    media: str = "",
) -> Text:
    """Return a document that is not packed as JSON text; see `read`."""
    kind = how.input or by_name(name)
    if not kind:
        from archiver.formats.detection import by_content, by_media  # noqa: PLC0415 - seldom needed

        kind = by_media(media)
        if not kind:
            content, kind = by_content(content, how)
    reader = KINDS.find(kind, folder=_HERE)()
    return reader.text(content if reader.in_pieces else bounded(content, how.whole), how)


def bounded(content: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Return a document as it comes; 0 bytes at most: nobody minds how large it is.

    Raises:
        UnreadableSnapshot: It is larger; raised while it is read.
    """
    return _bounded(content, most) if most else content


def _bounded(content: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for piece in content:
        size += len(piece)
        if size > most:
            raise UnreadableSnapshot(
                sentence("larger than the limit of {limit:,} bytes", limit=most)
            )
        yield piece


def is_document(name: str) -> bool:
    """Say whether a file is called as documents are."""
    return bool(ENDING.search(name))


def by_name(name: str) -> str:
    """Return the name of the format that a file's name says; empty: it says none."""
    suffix = PurePosixPath(name.lower()).suffix
    found = SUFFIXES.get(suffix, "")
    if not found and suffix and suffix[1:] in KINDS.available():
        return suffix[1:]
    return found
