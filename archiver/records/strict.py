"""Read a snapshot strictly: every byte must be what the canonical form says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import UnreadableSnapshot, reason
from archiver.language import sentence
from archiver.records import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from archiver.records.canonical import Header


class Strict(NamedTuple):
    """A file that is canonical byte by byte.

    Attributes:
        header: What stands before its records.
        lines: Its records; none in an index of shards.
        sha256: Of the whole file, in hex.
    """

    header: Header
    lines: tuple[bytes, ...]
    sha256: str


def read(content: bytes, known: Collection[bytes] = frozenset()) -> Strict:
    """Return what the file `content` holds.

    Args:
        content: The whole file.
        known: Lines that were found canonical before; they are not looked into again.

    Raises:
        UnreadableSnapshot: Something in it is not canonical, or the numbers are wrong.
    """
    if not canonical.is_canonical(content):
        raise UnreadableSnapshot(sentence("it is no canonical snapshot"))
    header, found = canonical.read((content,))
    lines = tuple(_in_order(found))
    for line in lines:
        if line not in known:
            _refuse_other_form(line)
    sha256 = _sha256((content,))
    if sha256 != _sha256(_written(header, lines)):
        raise UnreadableSnapshot(
            sentence("what stands around its records is not in canonical form")
        )
    if not header.shards and header.total != len(lines):
        counts = sentence(
            "{total:,}, but holds {number:,} records", total=header.total, number=len(lines)
        )
        raise UnreadableSnapshot(sentence("it says total_models {counts}", counts=counts))
    return Strict(header, lines, sha256)


def _in_order(lines: Iterable[bytes]) -> Iterator[bytes]:
    before = b""
    for line in lines:
        key = canonical.line_key(line)
        if key <= before:
            raise UnreadableSnapshot(
                sentence(
                    "{key!r} stands after {before!r}", key=key.decode(), before=before.decode()
                )
            )
        before = key
        yield line


def _refuse_other_form(line: bytes) -> None:
    record = canonical.decode_with_key(line)
    key = canonical.line_key(line).decode()
    try:
        again = canonical.encode_as(key, record, (next(iter(record)),)).data
    except ValueError as error:
        raise UnreadableSnapshot(
            sentence("{key!r}: {error}", key=key, error=reason(error))
        ) from error
    if again != line:
        raise UnreadableSnapshot(sentence("the record {key!r} is not in canonical form", key=key))


def _written(header: Header, lines: tuple[bytes, ...]) -> Iterable[bytes]:
    return (canonical.head(header),) if header.shards else canonical.snapshot(header, lines)


def _sha256(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
