"""Lay out a snapshot: its files, its shards, its stamped names."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from archiver.changes.retention import Stamped
from archiver.errors import StoreError, UnreadableSnapshot
from archiver.history import versions
from archiver.history.catalogue import LATEST
from archiver.history.versions import Part, Version
from archiver.language import sentence
from archiver.records import canonical
from archiver.records.model import End

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from archiver.records.canonical import Header
    from archiver.sources.lines import Lines
    from archiver.store.commit import Writer
    from archiver.store.repository import Repository

Shards: TypeAlias = Literal["auto", 1, 16, 256, 4096]

SPLIT = 40_000_000
"""Bytes from which on a catalogue is split where the number of shards is ``auto``."""
SHARD = 30_000_000
"""Bytes that shards have on average at most, then: each file of a day costs git some 200 bytes."""
LARGE = 45_000_000
"""Bytes from which on a file is warned about; git hosts refuse more than 100 MB."""
COUNTS: Final[tuple[Literal[1, 16, 256, 4096], ...]] = (1, 16, 256, 4096)

_STAMP = "%Y%m%d_%H%M%S"
_NAME = re.compile(r"(.+)_models_(\d{8}_\d{6})\.json")


class Layout:
    """The files of one snapshot, not written yet."""

    def __init__(self, header: Header, lines: Lines, shards: int) -> None:
        """Split the `lines` into `shards` files."""
        self._header = header
        self._split = lines.split(shards)
        self._sizes = lines.sizes(shards)
        self.sizes = {
            name: canonical.snapshot_size(self._file_header(name), size.bytes)
            for name, size in self._sizes.items()
        }

    def version(self) -> Version:
        """Return the snapshot as a version that can be compared."""
        end = End(None, self._header.timestamp, self._header.total)
        parts = {name: Part(None, lines.__iter__) for name, lines in self._split.items()}
        said = self._header
        return Version(end, parts, covers=said.covers, metrics=said.metrics)

    def write(self, writer: Writer, before: Version) -> dict[str, str]:
        """Store the files as blobs; a shard whose records stayed keeps its blob.

        Returns:
            What follows the snapshot's own name (``.json``, or ``/0.json`` of a shard) to blob id.
        """
        if "" in self._split:
            return {".json": _blob(writer, canonical.snapshot(*self._file("")), self.sizes[""])[0]}
        blobs: dict[str, str] = {}
        shards: dict[str, tuple[int, str]] = {}
        for name in self._split:
            blobs[f"/{name}.json"], digest = self._shard(writer, name, before)
            shards[name] = (self._sizes[name].lines, digest)
        index = canonical.head(self._header._replace(shards=shards))
        return {**blobs, ".json": writer.write_blob((index,), len(index))}

    def check(self, repository: Repository, blobs: Mapping[str, str]) -> None:
        """Read the files again that `write` stored.

        Raises:
            UnreadableSnapshot: One of them does not hold the lines that it was given.
        """
        with repository.objects() as reader:
            for name, lines in self._split.items():
                _, written = canonical.read(
                    reader.stream(blobs[f"/{name}.json" if name else ".json"])
                )
                if not _equal(written, lines):
                    raise UnreadableSnapshot(sentence("what was written is not what was read"))

    def _shard(self, writer: Writer, name: str, before: Version) -> tuple[str, str]:
        """Return the blob id of a shard and the SHA-256 of its content."""
        old = before.parts.get(name)
        if old is not None and old.id and _equal(old.lines(), self._split[name]):
            return old.id, before.digests[name]
        return _blob(writer, canonical.snapshot(*self._file(name)), self.sizes[name])

    def _file(self, name: str) -> tuple[Header, Collection[bytes]]:
        return self._file_header(name), self._split[name]

    def _file_header(self, name: str) -> Header:
        return self._header._replace(total=self._sizes[name].lines)


def _equal(old: Iterable[bytes], new: Iterable[bytes]) -> bool:
    return all(before == after for before, after in zip_longest(old, new))


def _blob(writer: Writer, pieces: Iterator[bytes], size: int) -> tuple[str, str]:
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield piece

    return writer.write_blob(hashed(), size), digest.hexdigest()


def laid_out(
    header: Header,
    lines: Lines,
    *,
    shards: Shards,
    before: Version,
    max_bytes: int,
    split: int = SPLIT,
    shard: int = SHARD,
) -> Layout:
    """Lay a snapshot out in as many files as it needs.

    Args:
        header: The header of the whole snapshot.
        lines: Its lines.
        shards: The number of files; ``auto``: one file up to `split` bytes, then as many as
            hold no more than `shard` bytes on average; never fewer than before.
        before: The snapshot before.
        max_bytes: No file may be larger.
        split: See `shards`.
        shard: See `shards`.

    Raises:
        StoreError: A file would be larger.
    """
    fewest = len(before.parts) if len(before.parts) in COUNTS else 1
    layout = Layout(header, lines, fewest if shards == "auto" else shards)
    if shards == "auto":
        whole = sum(layout.sizes.values())
        most = dict.fromkeys(COUNTS, shard) | {1: split}
        count = next((n for n in COUNTS if whole <= n * most[n]), COUNTS[-1])
        if count > fewest:
            layout = Layout(header, lines, count)
    name, size = max(layout.sizes.items(), key=lambda each: each[1])
    if size > max_bytes:
        message = sentence(
            "{latest} would have {size:,} bytes",
            latest=LATEST if not name else sentence("shard {name}", name=name),
            size=size,
        )
        raise StoreError(
            sentence(
                "{message}, more than max_bytes = {max_bytes:,}",
                message=message,
                max_bytes=max_bytes,
            ),
            hint=sentence(
                'set shards = "auto" (or 16, 256, 4096) for this source, or raise max_bytes'
            ),
        )
    return layout


def stamped_name(source: str, taken: datetime) -> str:
    """Return the name of the stamped file of a capture at `taken` (UTC)."""
    return f"{source}_models_{taken.astimezone(UTC).strftime(_STAMP)}.json"


def name_of(source: str, end: End) -> str:
    """Return the name of the stamped file of one end of a comparison; empty: it has none."""
    taken = versions.taken_at(end)
    return stamped_name(source, taken) if taken else ""


def free_time(source: str, taken: datetime, names: Iterable[str]) -> datetime:
    """Return `taken`, or the next second whose stamped name is not among `names`."""
    known = frozenset(names)
    taken = taken.replace(microsecond=0)
    while stamped_name(source, taken) in known:
        taken += timedelta(seconds=1)
    return taken


def taken_at(name: str) -> datetime | None:
    """Return the capture time (UTC) that the name of a stamped file says; None: it is none."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found[2], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def stamped(names: Iterable[str]) -> list[Stamped]:
    """Return the stamped files among `names`; other files are ignored."""
    return [Stamped(name, taken) for name in names if (taken := taken_at(name))]


def removal(
    repository: Repository, commit: str, folder: str, names: Iterable[str]
) -> dict[str, None]:
    """Return what to remove from `commit` so that the stamped snapshots `names` are gone.

    Args:
        repository: The data repository.
        commit: Full id.
        folder: The folder ``snapshots``, relative to the top.
        names: Names of index files; their shards go with them.
    """
    gone: dict[str, None] = {}
    for name in names:
        shards = repository.entries(commit, f"{folder}/{name.removesuffix('.json')}")
        gone[f"{folder}/{name}"] = None
        gone |= {f"{folder}/{name.removesuffix('.json')}/{shard}": None for shard in shards}
    return gone
