"""Read versions of a catalogue that are not canonical: sort them, name what is wrong with them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.formats import UNSAID, Reading
from archiver.formats import text as text_of
from archiver.formats.folder import as_member
from archiver.language import Stored, sentence, stored
from archiver.records import canonical
from archiver.records.document import Reader
from archiver.records.finding import setting
from archiver.records.folder import within
from archiver.records.jsontext import UNREADABLE
from archiver.records.model import Bad
from archiver.records.representation import short
from archiver.records.text import few

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archiver.config import SourceConfig
    from archiver.records.model import Line


class Shape(NamedTuple):
    """Where records stand in a document that is not canonical, and what keys them.

    Attributes:
        records: Path of the records.
        key: Fields of the key.
        otherwise: Fields that key a record that has none of `key`.
        excluded: Members of objects on the path that are no records.
        models: Whether the records are a hub's models: their `size` in words becomes bytes.
        how: How the document is read.
        assumed: Whether nobody said where the records are and what keys them.
    """

    records: str
    key: tuple[str, ...]
    otherwise: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    models: bool = False
    how: Reading = UNSAID
    assumed: bool = False


_SETTINGS: Final = ("input", "encoding", "types", "member")
"""Settings of a source that say how its document is read."""

_CHECKED: Final = 2
"""Documents in which a key that was assumed is checked: the ends of a comparison."""
_FLAWS: Final = 0.01

ORIGINAL: Final = Shape("models", ("id",), ("name",))
"""How the original design wrote a snapshot."""


def shape_of(source: SourceConfig) -> Shape:
    """Return the shape of files that are older than the archive of a source.

    A document is read as archiver.toml says; any other file as the original design wrote it.
    """
    if source.type in ("json", "api"):
        excluded = tuple(source.settings.get("except", ()))
        how = Reading(**{name: source.settings.get(name, "") for name in _SETTINGS})
        records = within(source.records) if source.settings.get("files") else source.records
        return Shape(records, source.key, excluded=excluded, how=how)
    if source.key in ((), ORIGINAL.key):
        return ORIGINAL._replace(models=not source.by_class)
    return Shape(ORIGINAL.records, source.key)


class Document(NamedTuple):
    """What a document holds.

    Attributes:
        lines: Its canonical lines, sorted by key.
        notes: What is to be known of it.
        unusable: The keys of records that cannot be used.
        unnamed: Number of further ones, whose keys cannot be read either.
    """

    lines: list[bytes]
    notes: tuple[str, ...]
    unusable: frozenset[str]
    unnamed: int

    def __repr__(self) -> str:
        return short(self)


class Documents:
    """Reads one document after the other; records that stay the same are parsed once."""

    def __init__(self, shape: Shape | None) -> None:
        """Read documents of a `shape`; None: as the original design wrote them."""
        self._shape = shape or ORIGINAL
        self._reader: Reader | None = None
        self._unchecked = _CHECKED if self._shape.assumed else 0

    def read(
        self, content: Iterator[bytes], name: str = "", *, member: str | None = None
    ) -> Document:
        """Return what a document holds.

        Args:
            content: Its bytes, unpacked.
            name: Name of its file; empty: unknown.
            member: Its name in a folder, through which the path of the records goes; None: it is
                no file of a folder.

        Raises:
            UnreadableSnapshot: It holds no catalogue.
        """
        text = text_of(content, name, self._shape.how)
        bad: list[Bad] = []
        if member is None:
            text.require((*self._shape.key, *self._shape.otherwise))
        else:
            text, bad = as_member(member, text)
        if self._reader is None:
            self._reader = Reader(*self._shape[:4])
        lines: dict[str, bytes] = {}
        twice: list[str] = []
        for found in self._reader.read(text.content):
            if isinstance(found, Bad):
                bad.append(found)
                continue
            data = _with_size(found) if self._shape.models else found.data
            if found.key in lines:
                twice.append(found.key)
                data = max(data, lines[found.key])
            lines[found.key] = data
        if self._shape.records == ORIGINAL.records and text.body is not None:
            _refuse_shortfall(text.body, len(lines) + len(bad) + len(twice))
        reasons = [
            sentence("{place} ({reason})", place=each.place, reason=Stored(each.reason))
            for each in bad
        ]
        if bad and not lines:
            raise UnreadableSnapshot(
                sentence("no record can be read: {reasons}", reasons=reasons[0]),
                hint=self._reader.hint(text.body),
            )
        keyless = [reasons[at] for at, each in enumerate(bad) if not each.key]
        doubled = [sentence('"{key}" stands twice', key=key) for key in twice]
        self._check([*doubled, *keyless], len(lines) + len(twice) + len(bad))
        keys = {each.key for each in bad if each.key}
        return Document(
            [lines[key] for key in sorted(lines)],
            (*text.notes, *skipped(reasons, twice)),
            frozenset(keys - lines.keys()),
            sum(not each.key for each in bad),
        )

    def _check(self, flaws: Sequence[str], records: int) -> None:
        """Refuse a key that was assumed and does not tell the records apart.

        Args:
            flaws: What is wrong with records that have no key of their own.
            records: Number of all records.

        Raises:
            ConfigError: That is so in one of the two documents that are read first.
        """
        if not self._unchecked:
            return
        self._unchecked -= 1
        if len(flaws) > _FLAWS * records:
            raise ConfigError(
                sentence(
                    "assuming {setting}, {flaws:,} of the {records:,} records "
                    "have no key of their own: {first}",
                    setting=setting(self._shape.records, self._shape.key),
                    flaws=len(flaws),
                    records=records,
                    first=flaws[0],
                ),
                hint=sentence("say it with --records PATH and --key FIELD"),
            )


class _Announced(msgspec.Struct):
    total_models: int | None = None


def _refuse_shortfall(body: bytes, found: int) -> None:
    """Refuse a document of the original design that holds fewer models than it announces."""
    try:
        announced = msgspec.json.decode(body, type=_Announced).total_models
    except UNREADABLE:
        return  # no number, so nothing is announced
    if announced is not None and announced > found:
        raise UnreadableSnapshot(
            sentence(
                "it announces {announced:,} models and holds {found:,}",
                announced=announced,
                found=found,
            )
        )


def _with_size(line: Line) -> bytes:
    """Return the bytes of the line of a model, with its `size` in bytes where words say it."""
    record = canonical.decode_with_key(line.data)
    size = record.get("size")
    if not isinstance(size, str):
        return line.data
    from archiver.sources.model_record import size_in_bytes  # noqa: PLC0415 - rare, and costly

    first = next(iter(record))
    return canonical.encode_as(line.key, {**record, "size": size_in_bytes(size)}, (first,)).data


def rekeyed(
    lines: Iterable[bytes], fields: tuple[str, ...]
) -> tuple[Iterable[bytes], tuple[str, ...]]:
    """Apply the key that `fields` make to lines that may be stored under another one.

    The first line decides. A record without these fields, and a key of which a part stood
    outside the record, stay as stored; nothing is lost.

    Returns:
        The lines, sorted by key, and what is to be known.
    """
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return (), ()
    everything = chain((first,), rest)
    if not fields or canonical.line_key(_rekeyed(first, fields)) == canonical.line_key(first):
        return everything, ()
    note = stored("stored under another key; {fields} is applied", fields=" + ".join(fields))
    found = (_rekeyed(line, fields) for line in everything)
    return sorted(found, key=canonical.line_key), (note,)


def _rekeyed(line: bytes, fields: tuple[str, ...]) -> bytes:
    record = canonical.decode(line)
    try:
        return canonical.encode(record, fields).data
    except ValueError:
        return line


def skipped(bad: Sequence[str], twice: Sequence[str]) -> tuple[str, ...]:
    """Name and count records that were left out, and keys that came twice."""
    notes = []
    if bad:
        notes.append(stored("left out, no usable record: {names}", names=few(bad)))
    if twice:
        notes.append(stored("doubled key, the greatest line counts: {names}", names=few(twice)))
    return tuple(notes)
