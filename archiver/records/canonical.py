"""Records and snapshots in canonical form, format 1: one record per line, sorted by key.

The form is described in ``docs/format.md``; ``jsontext`` says how a value is written.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver.errors import UnreadableSnapshot, reason
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE, dump, parse, plain
from archiver.records.key import key_of
from archiver.records.model import Line, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FORMAT = 1
KEY = "@key"
"""First member of a line whose key is not one string field of the record."""
_START = b'{\n"format": 1,\n"source": '
_MODELS = b'"models": [\n'
_SEPARATOR = b",\n"
_EMPTY = b"]\n}\n"
_TAIL = b"\n" + _EMPTY
_LONGEST_HEAD = 1 << 20  # an index of 4,096 shards has 403 kB
_BATCH = 4096  # lines


class Header(NamedTuple):
    """What stands before the records of a snapshot.

    Attributes:
        source: Name of the source.
        timestamp: Capture time in UTC, ``YYYY-MM-DD HH:MM:SS``.
        total: Number of records, over all shards.
        shards: Shard name to (number of records, SHA-256 of the shard file in hex); empty
            where the records stand in the file itself.
        covers: ``window`` where the records are only a part of the catalogue, ``incremental``
            where only what changed was listed since; empty: everything was listed.
        swept: Capture time in UTC of the last full listing, of an ``incremental`` one.
        metrics: Capture time in UTC that the metrics are as of; empty: `timestamp`.
    """

    source: str
    timestamp: str
    total: int
    shards: Mapping[str, tuple[int, str]] = MappingProxyType({})
    covers: str = ""
    swept: str = ""
    metrics: str = ""


def encode(record: Record, fields: tuple[str, ...]) -> Line:
    """Return the canonical line of `record`, whose key is made of `fields`.

    Raises:
        ValueError: It has no usable key, or something in it is no JSON value; the message is
            a plain reason.
    """
    return encode_as(key_of(record, fields), record, fields)


def encode_as(key: str, record: Record, fields: tuple[str, ...] = ()) -> Line:
    """Return the canonical line of `record` under a `key` that is known already."""
    if KEY in record and record[KEY] != key:
        raise ValueError(sentence('the record has a member "{key}" of its own', key=KEY))
    first = fields[0] if len(fields) == 1 and record.get(fields[0]) == key else KEY
    if '"' in first or "\\" in first:
        first = KEY
    rest = dict(record)
    rest.pop(first, None)
    rest.pop(KEY, None)
    return Line(key, _opening(first) + dump(key) + (b"," if rest else b"") + dump(rest)[1:])


@lru_cache(maxsize=64)
def _opening(first: str) -> bytes:
    return b"{%b:" % dump(first)


def decode(line: bytes) -> Record:
    """Return the record of a canonical line, without the member ``@key``.

    Raises:
        UnreadableSnapshot: The line is no record.
    """
    record = decode_with_key(line)
    record.pop(KEY, None)
    return record


def decode_with_key(line: bytes) -> Record:
    """Return the record of a canonical line as it stands there, ``@key`` included.

    Raises:
        UnreadableSnapshot: The line is no record.
    """
    try:
        record = parse(line)
    except ValueError as error:
        raise UnreadableSnapshot(
            sentence("a line is no record: {error}", error=reason(error))
        ) from error
    if not isinstance(record, dict):
        raise UnreadableSnapshot(sentence("a line is no record: it is not an object"))
    return record


def line_key(line: bytes) -> bytes:
    """Return the key of a canonical line as UTF-8; sorts as the decoded key does.

    Raises:
        UnreadableSnapshot: The line does not begin with a key.
    """
    try:
        _, _, colon, key, _ = line.split(b'"', 4)
    except ValueError:
        raise UnreadableSnapshot(sentence("a line does not begin with a key")) from None
    if colon != b":":
        raise UnreadableSnapshot(sentence("a line does not begin with a key"))
    if b"\\" not in key:
        return key
    return str(next(iter(decode_with_key(line).values()))).encode()


def head(header: Header) -> bytes:
    """Return the bytes before the records, or the whole index where there are shards."""
    start = b'%b%b,\n"timestamp": %b,\n"total_models": %d,\n' % (
        _START,
        dump(header.source),
        dump(header.timestamp),
        header.total,
    )
    for name in ("covers", "swept", "metrics"):
        if value := getattr(header, name):
            start += b'"%b": %b,\n' % (name.encode(), dump(value))
    if not header.shards:
        return start + _MODELS
    rows = (
        b'"%b": {"records": %d, "sha256": "%b"}' % (name.encode(), records, digest.encode())
        for name, (records, digest) in sorted(header.shards.items())
    )
    return start + b'"shards": {\n' + _SEPARATOR.join(rows) + b"\n}\n}\n"


def snapshot(header: Header, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the canonical bytes of a snapshot in large pieces; `lines` are sorted by key."""
    yield head(header)
    rest, before = iter(lines), b""
    while batch := list(islice(rest, _BATCH)):
        yield before + _SEPARATOR.join(batch)
        before = _SEPARATOR
    yield _TAIL if before else _EMPTY


def snapshot_size(header: Header, length: int) -> int:
    """Return the number of bytes that `snapshot` yields for lines of together `length` bytes."""
    around = len(head(header)) + len(_TAIL if header.total else _EMPTY)
    return around + length + len(_SEPARATOR) * max(header.total - 1, 0)


def is_canonical(start: bytes) -> bool:
    """Say whether a file that begins with `start` claims to be in canonical form."""
    return start.startswith(_START)


def read(chunks: Iterable[bytes]) -> tuple[Header, Iterator[bytes]]:
    """Read a canonical snapshot from `chunks` of any size, in constant memory.

    Returns:
        The header and the record lines (none where the file is an index of shards). Whether
        the file is whole is known when the lines end.

    Raises:
        UnreadableSnapshot: Not a canonical snapshot, or truncated (while iterating).
    """
    parts = iter(chunks)
    start = b""
    for chunk in parts:
        start += chunk
        if _MODELS in start or len(start) > _LONGEST_HEAD:
            break
    top, models, rest = start.partition(_MODELS)
    if not models:
        return _index(top), iter(())
    header = _header(top.removesuffix(_SEPARATOR) + b"\n}")
    return header, chain.from_iterable(_batches(chain((rest,), parts)))


def _batches(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield lists of lines; a raw newline never stands inside a JSON text of one line."""
    held: list[bytes] = []  # joining them at every chunk would be quadratic in a long line
    lines: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if _SEPARATOR in chunk or (chunk[:1] == b"\n" and held[-2:-1] and held[-2][-1:] == b","):
            lines = b"".join(held).split(_SEPARATOR)
            held = [lines.pop()]
            yield lines
    rest = b"".join(held)
    if rest == _EMPTY and not lines:
        return
    if not rest.endswith(_TAIL):
        raise UnreadableSnapshot(sentence("the snapshot ends too early (truncated)"))
    yield [rest.removesuffix(_TAIL)]


class _Shard(msgspec.Struct):
    records: int
    sha256: str


class _Head(msgspec.Struct):
    format: int
    source: str
    timestamp: str
    total: int = msgspec.field(name="total_models")
    shards: dict[str, _Shard] = msgspec.field(default_factory=dict)
    covers: str = ""
    swept: str = ""
    metrics: str = ""


def _header(text: bytes) -> Header:
    try:
        found = msgspec.json.decode(text, type=_Head)
    except UNREADABLE as error:
        raise UnreadableSnapshot(
            sentence("the header is wrong: {plain}", plain=plain(error))
        ) from error
    if found.format != FORMAT:
        raise UnreadableSnapshot(
            sentence(
                "the snapshot has format {format}, this program reads format {format2}",
                format=found.format,
                format2=FORMAT,
            )
        )
    shards = {name: (shard.records, shard.sha256) for name, shard in found.shards.items()}
    said = found.covers, found.swept, found.metrics
    return Header(found.source, found.timestamp, found.total, shards, *said)


def _index(text: bytes) -> Header:
    header = _header(text)
    if not header.shards:
        raise UnreadableSnapshot(sentence('the snapshot has neither "models" nor "shards"'))
    return header


def shard_name(key: str, shards: int) -> str:
    """Return the name of the shard that holds `key`: leading hex digits of its SHA-256.

    Args:
        key: The decoded key.
        shards: 16, 256 or 4,096.
    """
    return shard_names(shards)[shard_of(key, shards)]


def shard_of(key: str, shards: int) -> int:
    """Return the number of the shard of `key`: the leading bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:2]) * shards >> 16


@cache
def shard_names(shards: int) -> tuple[str, ...]:
    """Return the names of this many `shards`, in order; of one: the empty name."""
    digits = {1: 0, 16: 1, 256: 2, 4096: 3}[shards]
    return tuple(f"{number:0{digits}x}" for number in range(shards)) if digits else ("",)
