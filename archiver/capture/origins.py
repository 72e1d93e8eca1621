"""Find what can be imported: old snapshot files, or the history of another repository."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver.errors import ConfigError, UnknownRevision, UnreadableSnapshot
from archiver.formats import ENDING, UNSAID, Reading, by_name, is_document
from archiver.formats.encoding import utf8
from archiver.formats.json_format import json_text
from archiver.formats.json_lines import holds_several
from archiver.formats.packing import unpacked
from archiver.history import snapshots
from archiver.history.catalogue import anywhere
from archiver.history.foreign import ORIGINAL, Shape, shape_of
from archiver.history.versions import Versions, chunks, opened
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE
from archiver.store.clone import cloned
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.config import SourceConfig
    from archiver.history.versions import Version

_STAMPED = "*_models_????????_??????.json"
_DATED = re.compile(
    r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})"
    r"(?:[T_ -]?(\d{2})[-:_.]?(\d{2})(?:[-:_.]?(\d{2}))?)?(?!\d)"
)
"""A date in a file's name, with or without a time: ``2026-11-01``, ``20261101_0317``."""
_BEGINNING = 4096
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
    paths: Iterable[Path],
    source: SourceConfig,
    *,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...] = (),
    how: Reading = UNSAID,
) -> list[Origin]:
    """Return old snapshot files, oldest first.

    The capture time is the one in a stamped name, in UTC, else the document's ``timestamp``, else
    the date in the name, with or without a time.

    Args:
        paths: Files, gzipped or not; folders are searched for stamped names, else for dates.
        source: Where they will go; its key keys the records.
        records: Path of the records; None: that of the source, or ``models``, as the original
            design wrote them; a document that is an array is one of records.
        key: Fields of the key, if it is another one.
        excluded: Members of objects on the path that are no records, if they are others.
        how: How they are read, where it is said; else as the source is.

    Raises:
        ConfigError: A folder holds no such file, or those of several sources.
    """

    @cache
    def versions(usual: str) -> Versions:
        shape = _shape(source, records, key, excluded, how, usual=usual)
        return Versions(None, shape=shape, key=source.key)

    found = [
        Origin(str(file), _taken(file), partial(versions(_usual(file, source, how)).file, file))
        for path in paths
        for file in (_old_files(path, source.name) if path.is_dir() else (path,))
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
    excluded: tuple[str, ...] = (),
    how: Reading = UNSAID,
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
        excluded: Members of objects on the path that are no records.
        how: How it is read, where it is said; else as the source is.
        variables: The environment, for how to reach a URL.

    Raises:
        ConfigError: The URL has a protocol that is not cloned.
        StoreError: It cannot be cloned.
        NotADataRepository: There is no repository, or nothing was ever committed there.
        ShallowHistory: The clone does not reach back to the first version.
    """
    here = cloned(place, file, variables) if isinstance(place, str) else nullcontext(place)
    with here as folder:
        past = anywhere(Repository.open(folder), file, records=records, key=key or source.key)
        catalogue = replace(past, shape=_shape(source, records, key, excluded, how))
        revisions = [*catalogue.revisions()]
        if not revisions:
            raise catalogue.no_revision()
        with opened(catalogue) as versions:
            yield [
                Origin(revision.id, revision.authored_at, partial(versions.stored, revision))
                for revision in reversed(revisions)
            ]


def _shape(
    source: SourceConfig,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...],
    how: Reading,
    *,
    usual: str | None = None,
) -> Shape:
    """Return where old records stand, and what keys them.

    Args:
        source: Where they will go.
        records: Path of the records, as given.
        key: Fields of the key, as given.
        excluded: Members that are no records, as given; none: those of the source, at its path.
        how: How it is read, as given; nothing said: as the source is.
        usual: Path of the records where none is given; None: that of the source.
    """
    shape = shape_of(source)
    where = records or usual or shape.records
    how = how if how != UNSAID else shape.how
    if not excluded and where == shape.records:
        excluded = shape.excluded
    if key:
        return Shape(where, key, excluded=excluded, how=how)
    if not (records or shape.key) and where in (".", ORIGINAL.records):
        return ORIGINAL._replace(how=how)
    return shape._replace(records=where, excluded=excluded, how=how)


def _usual(file: Path, source: SourceConfig, how: Reading) -> str:
    """Return where the records of a file are, where nobody says it."""
    if snapshots.taken_at(file.name.removesuffix(".gz")):
        return ORIGINAL.records
    if source.records != ".":
        return source.records
    with suppress(UnknownRevision, UnreadableSnapshot):
        content, name = unpacked(chunks(file), file.name, how.member)
        if (how.input or shape_of(source).how.input or by_name(name) or "json") != "json":
            return "."
        body = b"".join(utf8(content, how.encoding))
        if body[:_BEGINNING].lstrip()[:1] == b"[" or holds_several(body):
            return "."
    return ORIGINAL.records


def _old_files(folder: Path, source: str) -> list[Path]:
    """Return the old files below `folder`: those of `source`, or of the only one there is.

    They are the stamped ones; where there are none, those with a date in their name.
    """
    files = [*folder.rglob(_STAMPED), *folder.rglob(f"{_STAMPED}.gz")]
    series: dict[str, list[Path]] = {}
    for file in files:
        series.setdefault(file.name.rpartition("_models_")[0], []).append(file)
    if not files:
        files = [
            each
            for each in folder.rglob("*.*")
            if is_document(each.name) and _dated(each) and each.is_file()
        ]
        for file in files:
            series.setdefault(_DATED.sub("", ENDING.sub("", file.name)), []).append(file)
    if not files:
        raise ConfigError(
            sentence(
                "{folder} holds no file NAME_models_YYYYMMDD_HHMMSS.json, and none with a date",
                folder=folder,
            ),
            hint=sentence("name the files, or with --file the file of a git repository"),
        )
    if source in series or len(series) == 1:
        return series.get(source, files)
    names = ", ".join(sorted(series))
    raise ConfigError(
        sentence("{folder} holds files of several sources: {names}", folder=folder, names=names),
        hint=sentence("name the files"),
    )


def _taken(file: Path) -> datetime | None:
    return snapshots.taken_at(file.name.removesuffix(".gz")) or _said(file) or _dated(file)


def _dated(file: Path) -> datetime | None:
    """Return the time that a file's name says, UTC; without a time, the beginning of the day."""
    found = _DATED.search(file.name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


class _Envelope(msgspec.Struct):
    timestamp: str


def _said(file: Path) -> datetime | None:
    """Return the time that a document says of itself, UTC where it names no zone."""
    try:
        text = json_text(b"".join(unpacked(chunks(file))[0])).body
        document = msgspec.json.decode(text, type=_Envelope)
        time = datetime.fromisoformat(document.timestamp)
    except (*UNREADABLE, ValueError, UnknownRevision, UnreadableSnapshot):
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
