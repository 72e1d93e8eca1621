"""Find what can be imported: old snapshot files, or the history of another repository."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver.errors import ConfigError, UnknownRevision, UnreadableSnapshot
from archiver.history import compare, snapshots
from archiver.history.catalogue import anywhere
from archiver.history.foreign import Shape, skipped
from archiver.history.versions import Part, Version, Versions, chunks
from archiver.records import canonical
from archiver.records.decoding import decoded
from archiver.records.document import Reader
from archiver.records.jsontext import UNREADABLE
from archiver.records.model import Bad, End, Line
from archiver.sources.model_record import size_in_bytes
from archiver.store.clone import cloned
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.config import SourceConfig

_STAMPED = "*_models_????????_??????.json"
_LAST = datetime.max.replace(tzinfo=UTC)


class Origin(NamedTuple):
    """A version of a catalogue that was kept in some other way.

    Attributes:
        name: What a person calls it: a file, or a commit.
        taken: Capture time, UTC; None: nothing says it.
        open: Reads it; UnreadableSnapshot or UnknownRevision where it holds no catalogue.
    """

    name: str
    taken: datetime | None
    open: Callable[[], Version]


def from_files(
    paths: Iterable[Path], source: SourceConfig, *, records: str | None, key: tuple[str, ...]
) -> list[Origin]:
    """Return old snapshot files, oldest first.

    The capture time is the one in the name, in UTC, else the document's ``timestamp``.

    Args:
        paths: Files, gzipped or not; folders are searched for stamped names.
        source: Where they will go; its key keys the records.
        records: Path of the records; None: ``models``, as the original design wrote them.
        key: Fields of the key, if it is another one.

    Raises:
        ConfigError: A folder holds no such file, or those of several sources.
    """
    fields = key or source.key
    shape = Shape(records or "models", fields) if records or fields else None
    versions = Versions(None, "", shape=shape, key=source.key)
    of_a_hub = source.type != "json" and source.key == ("id",) and not (records or key)
    read = partial(_of_a_hub, versions) if of_a_hub else versions.file
    found = [
        Origin(str(file), _taken(file), partial(read, file))
        for path in paths
        for file in (_stamped_files(path, source.name) if path.is_dir() else (path,))
    ]
    return sorted(found, key=lambda origin: (origin.taken or _LAST, origin.name))


@contextmanager
def from_history(
    place: Path | str,
    file: str,
    source: SourceConfig,
    *,
    records: str | None,
    key: tuple[str, ...],
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[list[Origin]]:
    """Yield the versions of a file in another repository, oldest first.

    The capture time is the author date.

    Args:
        place: A folder of that repository, or its URL: then it is cloned into a temporary folder.
        file: The file, relative to the top of its work tree.
        source: Where they will go; says path and key of the records where they are not given.
        records: Path of the records.
        key: Fields of the key.
        variables: The environment, for how to reach a URL.

    Raises:
        ConfigError: The URL has a protocol that is not cloned.
        StoreError: It cannot be cloned.
        NotADataRepository: There is no repository, or nothing was ever committed there.
        ShallowHistory: The clone does not reach back to the first version.
    """
    where = records or (None if source.records == "." else source.records)
    here = cloned(place, file, variables) if isinstance(place, str) else nullcontext(place)
    with here as folder:
        catalogue = anywhere(Repository.open(folder), file, records=where, key=key or source.key)
        revisions = [*catalogue.revisions()]
        if not revisions:
            raise catalogue.no_revision()
        with compare.opened(catalogue) as versions:
            yield [
                Origin(revision.id, revision.authored_at, partial(versions.stored, revision))
                for revision in reversed(revisions)
            ]


def _of_a_hub(versions: Versions, file: Path) -> Version:
    """Read a snapshot file into the source of a hub.

    The original design's records have no ``id``: their ``name`` is the key, and their ``size``,
    a text such as ``4.5GB``, becomes bytes.
    """
    text = decoded(b"".join(chunks(file)))
    if canonical.is_canonical(text.body):
        return versions.file(file)
    by_id, by_name = (Reader("models", (field,)).once(text.body) for field in ("id", "name"))
    lines: dict[str, bytes] = {}
    bad: list[str] = []
    twice: list[str] = []
    for keyed, named in zip(by_id, by_name, strict=True):
        found = keyed if isinstance(keyed, Line) else named
        if isinstance(found, Bad):
            bad.append(f"{found.place} ({found.reason})")
            continue
        if found.key in lines:
            twice.append(found.key)
        lines[found.key] = _adopted(found)
    if bad and not lines:
        raise UnreadableSnapshot(f"no record can be read: {bad[0]}")
    in_order = [lines[key] for key in sorted(lines)]
    notes = (*text.notes, *skipped(bad, twice))
    return Version(End(None, None, len(lines)), {"": Part(None, lambda: in_order)}, notes)


def _adopted(line: Line) -> bytes:
    record = {"id": line.key} | canonical.decode(line.data)
    if "size" in record:
        record["size"] = size_in_bytes(record["size"])
    return canonical.encode_as(line.key, record, ("id",)).data


def _stamped_files(folder: Path, source: str) -> list[Path]:
    """Return the stamped files below `folder`: those of `source`, or of the only one there is."""
    files = [*folder.rglob(_STAMPED), *folder.rglob(f"{_STAMPED}.gz")]
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(file.name.rpartition("_models_")[0], []).append(file)
    if not files:
        raise ConfigError(
            f"{folder} holds no file NAME_models_YYYYMMDD_HHMMSS.json",
            hint="name the files, or with --file the file of a git repository",
        )
    if source in by_name or len(by_name) == 1:
        return by_name.get(source, files)
    names = ", ".join(sorted(by_name))
    raise ConfigError(f"{folder} holds files of several sources: {names}", hint="name the files")


def _taken(file: Path) -> datetime | None:
    return snapshots.taken_at(file.name.removesuffix(".gz")) or _said(file)


class _Envelope(msgspec.Struct):
    timestamp: str


def _said(file: Path) -> datetime | None:
    """Return the time that a document says of itself, UTC where it names no zone."""
    try:
        document = msgspec.json.decode(decoded(b"".join(chunks(file))).body, type=_Envelope)
        time = datetime.fromisoformat(document.timestamp)
    except (*UNREADABLE, ValueError, UnknownRevision, UnreadableSnapshot):
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
