"""Look at an address, a file or the history of a file, and say how it can be archived."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from archiver import formats
from archiver.changes.habits import Habits
from archiver.config import SOURCE_NAME
from archiver.errors import (
    ArchiverError,
    ConfigError,
    MissingContent,
    NotADataRepository,
    StoreError,
    UnreadableSnapshot,
    reason,
)
from archiver.formats import encoding
from archiver.formats.packing import unpacked
from archiver.history.catalogue import anywhere
from archiver.history.foreign import Documents, Shape
from archiver.history.versions import chunks
from archiver.language import sentence
from archiver.records import canonical
from archiver.records.document import one_value
from archiver.records.finding import Finding, find
from archiver.records.jsontext import parse
from archiver.records.lfs import pointer
from archiver.records.places import spread
from archiver.records.representation import short
from archiver.records.text import clip, few
from archiver.sources.json_document import first_of_several
from archiver.store.repository import Repository
from archiver.transport import Limits, Request, Transport, next_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.changes.habits import Habit
    from archiver.config import Environment
    from archiver.formats import Reading
    from archiver.records.document import Content
    from archiver.store.history import Revision

VERSIONS: Final = 30
"""Versions of a history that are looked at, evenly spread."""
_BYTES: Final = 100_000_000
"""Bytes of a history that are read."""
_FEWEST: Final = 4
_LONGEST: Final = 60  # columns of a field's name
_STEPS: Final = 3
"""Steps of a history before it says what fields do."""
_LIMITS: Final = Limits(retries=1, longest_wait=10)
"""A person waits: an address that does not answer is looked at another time."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        name: What a source could be called.
        url: Its address, or the path of its file, as archiver.toml has it.
        repository: The folder of the git repository whose history was read; None: none was.
        path: Where the file is in it.
        format: Name of its format.
        said: Whether its name says that.
        encoding: How its characters are encoded.
        size: Bytes.
        versions: How many versions its history has, one that is not committed yet included.
        read: How many were read; of an address, how many answers.
        finding: Where the records may be, and what may be their key.
        habits: What its fields do, where there is more than one version.
        notes: What a reader of the document should know.
        paged: Whether it is the first of several pages, as its header ``Link`` says.
    """

    name: str
    url: str
    format: str
    said: bool
    encoding: str
    size: int
    finding: Finding
    repository: Path | None = None
    path: str = ""
    versions: int = 0
    read: int = 1
    habits: tuple[Habit, ...] = ()
    notes: tuple[str, ...] = field(default=())
    paged: bool = False

    __repr__ = short


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of a document, as it is kept."""

    name: str
    body: bytes
    media: str = ""
    paged: bool = False

    def text(self, how: Reading) -> formats.Text:
        return formats.read((self.body,), self.name, how, self.media)

    def content(self, how: Reading) -> Content:
        found = self.text(how).content
        return found.strip() if isinstance(found, bytes) else found


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says of the document; see `archiver.records.finding.find`."""

    records: str | None
    key: tuple[str, ...]
    excluded: tuple[str, ...]
    how: Reading


def of_address(url: str, asked: Asked, environment: Environment, *, twice: bool) -> Inspection:
    """Look at an address.

    Args:
        url: The address.
        asked: What is known of the document.
        environment: Proxies and certificates.
        twice: Whether to ask for it twice: what differs then is no news.

    Raises:
        SourceError: There is no answer.
        UnreadableSnapshot: The answer is no document.
    """
    with _transport(environment) as transport:
        versions = [_answer(transport, url)]
        if twice:
            with suppress(ArchiverError):
                versions.append(_answer(transport, url))
    return _inspected(versions, asked, url=url, name=urlsplit(url).path or url)


def of_file(path: Path, asked: Asked) -> Inspection:
    """Look at a plain file, and at its history where a git repository has one.

    Raises:
        UnreadableSnapshot: It is no document.
        UnknownRevision: It cannot be read.
    """
    newest = _Version(path.name, b"".join(chunks(path)))
    with suppress(StoreError):
        repository = Repository.open(path.parent)
        if repository.root is not None:
            inside = path.resolve().relative_to(repository.root).as_posix()
            return _of_history(repository, inside, asked, url=str(path), newest=newest)
    return _inspected([newest], asked, url=str(path), name=path.name)


def of_history(folder: Path, file: str, asked: Asked) -> Inspection:
    """Look at the history of a file.

    Args:
        folder: A folder of the git repository.
        file: The file, relative to it.
        asked: What is known of the document.

    Raises:
        NotADataRepository: No commit holds the file.
        ConfigError: It is a pattern, which names several.
    """
    repository = Repository.open(folder)
    if repository.root is not None:
        file = (folder.resolve() / file).relative_to(repository.root).as_posix()
    url = str(folder / file) if repository.root is None else str(repository.root / file)
    return _of_history(repository, file, asked, url=url)


def folder_without_pattern(folder: str) -> ConfigError:
    """Return the error that a folder is named, and not its files; it names their pattern."""
    place = Path(folder).expanduser()
    files = sorted(each.name for each in place.iterdir() if formats.is_document(each.name))
    suffix = Path(files[0]).suffix if files else ".json"
    return ConfigError(
        sentence("{target} is a folder", target=folder),
        hint=sentence(
            "name a file in it, or all by a pattern: '{pattern}'",
            pattern=f"{folder.rstrip('/')}/*{suffix}",
        ),
    )


def folder_pattern(pattern: str, command: str) -> ConfigError:
    """Return the error that a pattern is no file to look at, and the command that reads it."""
    return ConfigError(
        sentence("{path} names several files", path=pattern),
        hint=sentence(
            "look at one of them; their history: {command}; "
            "an archive of them: archiver init --source NAME --url '{pattern}'",
            command=command,
            pattern=pattern,
        ),
    )


def first_look(url: str, asked: Asked, environment: Environment) -> Finding:
    """Return how a document can be read, without its history.

    Args:
        url: Its address, or the path of its file.
        asked: What is known of it.
        environment: Proxies and certificates.

    Raises:
        SourceError: There is no answer.
        StoreError: The file cannot be read, or is no document.
        ConfigError: It is the first of several pages.
    """
    if "://" in url:
        with _transport(environment) as transport:
            version = _answer(transport, url)
        if version.paged:
            refused = first_of_several(url)
            raise ConfigError(reason(refused), hint=refused.hint)
    else:
        version = _Version(Path(url).name, b"".join(chunks(Path(url))))
    content = version.content(asked.how)
    return find((content,), records=asked.records, key=asked.key, excluded=asked.excluded)


@contextmanager
def _transport(environment: Environment) -> Iterator[Transport]:
    proxies, trusted = environment.proxies, environment.ca_bundle
    with Transport(_LIMITS, proxies=proxies, ca_bundle=trusted) as transport:
        yield transport


def _answer(transport: Transport, url: str) -> _Version:
    page = transport.get(Request("document", url))
    media = page.headers.get("content-type", "")
    return _Version(urlsplit(url).path, page.body, media, next_link(page) is not None)


def _of_history(
    repository: Repository, file: str, asked: Asked, *, url: str, newest: _Version | None = None
) -> Inspection:
    catalogue = anywhere(
        repository,
        file,
        records=asked.records,
        key=asked.key,
        excluded=asked.excluded,
        how=asked.how,
    )
    if catalogue.is_folder:
        raise ConfigError(
            sentence("{path} names several files", path=file),
            hint=sentence("look at one of them, or at all with: archiver log --file 'PATTERN'"),
        )
    revisions = [each for each in catalogue.reachable() if each.blob]
    if not revisions:
        raise NotADataRepository(sentence("no commit holds {path}", path=file))
    versions = [*_read(repository, revisions)]
    number = len(revisions)
    if newest and (not versions or newest.body != versions[0].body):
        versions = [newest, *versions[: VERSIONS - 1]]  # it is not committed yet
        number += 1
    found = _inspected(versions, asked, url=url, name=file, fewest=_STEPS)
    place = repository.root or repository.common_dir
    return replace(found, repository=place, path=file, versions=number)


def _read(repository: Repository, revisions: Sequence[Revision]) -> Iterator[_Version]:
    """Yield versions of a file, newest first, evenly spread; fewer of a large file."""
    with repository.objects() as reader:
        size = max(1, reader.size(revisions[0].blob or ""))
        most = max(_FEWEST, min(VERSIONS, _BYTES // size))
        chosen = [*spread(revisions, most)]
        repository.expect({each.blob: each.path for each in chosen if each.blob})
        for each in chosen:
            try:
                yield _Version(each.path, _content(repository, reader.read(each.blob or "")))
            except MissingContent:
                raise
            except StoreError:
                continue


def _content(repository: Repository, kept: bytes) -> bytes:
    """Return what git keeps, or what Git LFS keeps where that is only a pointer to it."""
    found = pointer(kept)
    place = None if found is None else repository.large_file(found)
    return kept if place is None else b"".join(chunks(place))


def _inspected(
    versions: Sequence[_Version], asked: Asked, *, url: str, name: str, fewest: int = 1
) -> Inspection:
    """Return what versions of one document say, the newest first; see `Habits.found`."""
    newest, text = _newest(versions, asked)
    finding = find(
        _contents(newest, versions, asked.how),
        records=asked.records,
        key=asked.key,
        excluded=asked.excluded,
        thorough=True,
    )
    habits, read = _habits(finding, versions, asked)
    pieces, own = unpacked((newest.body,), newest.name, asked.how.member)
    codec, _ = encoding.marked(chain((next(pieces, b""),)), asked.how.encoding)
    return Inspection(
        name=_called(name),
        url=url,
        format=text.format,
        said=formats.by_name(own) == text.format,
        encoding=codec.upper(),
        size=len(newest.body),
        read=read,
        finding=finding,
        habits=tuple(habits.found(fewest=fewest)),
        notes=tuple(text.notes),
        paged=newest.paged,
    )


def _newest(versions: Sequence[_Version], asked: Asked) -> tuple[_Version, formats.Text]:
    """Return the newest version that can be read; the error of the first where none can."""
    trouble: UnreadableSnapshot | None = None
    for each in versions:
        if canonical.is_canonical(each.body[: 1 << 16]):
            raise ConfigError(
                sentence("{name} is a snapshot of an archive already", name=each.name),
                hint=sentence("read it with: archiver compare, log, list"),
            )
        try:
            text = _readable(each, asked)
        except UnreadableSnapshot as error:
            trouble = trouble or error
        else:
            return each, text
    assert trouble is not None  # noqa: S101  there is at least one version
    raise trouble


def _readable(version: _Version, asked: Asked) -> formats.Text:
    if not version.body.strip():
        raise UnreadableSnapshot(sentence("the file is empty"))
    if (found := pointer(version.body)) is not None:
        raise found.unreadable()
    text = version.text(asked.how)
    if text.body is not None:
        one_value(text.body)
    if text.body is not None and asked.records is None and not find((text.body,)).candidates:
        raise UnreadableSnapshot(
            _without_records(text.body),
            hint=sentence("point to them with --records PATH"),
        )
    return text


def _without_records(body: bytes) -> str:
    """Say that a document holds no records, and what an object holds instead."""
    value = parse(body)
    if isinstance(value, dict) and value:
        names = few([clip(name, _LONGEST) for name in value])
        return sentence(
            "there is no list of records in it, and no object of them (there: {names})", names=names
        )
    return sentence("there is no list of records in it, and no object of them")


def _contents(newest: _Version, versions: Sequence[_Version], how: Reading) -> Iterator[Content]:
    """Yield the newest document, one of the middle and the oldest."""
    yield newest.content(how)
    others = [each for each in versions if each is not newest]
    for each in spread(others, 2) if others else ():
        with suppress(UnreadableSnapshot):
            yield each.content(how)


def _habits(finding: Finding, versions: Sequence[_Version], asked: Asked) -> tuple[Habits, int]:
    """Return what fields do from version to version, and how many versions could be read."""
    habits = Habits()
    chosen = finding.chosen
    if chosen is None or not chosen.key:
        return habits, 1
    documents = Documents(Shape(chosen.records, chosen.key, excluded=asked.excluded, how=asked.how))
    found = [
        lines
        for each in reversed(versions)
        if (lines := _lines(documents, each, asked)) is not None
    ]
    for old, new in pairwise(found):
        habits.see(old, new, total=len(new))
    return habits, len(found)


def _lines(documents: Documents, version: _Version, asked: Asked) -> list[bytes] | None:
    with suppress(UnreadableSnapshot):
        pieces, name = unpacked((version.body,), version.name, asked.how.member)
        return documents.read(pieces, name).lines
    return None


def _called(path: str) -> str:
    """Return a name for a source, made of the name of a file."""
    stem = Path(path).name.split(".")[0].lower()
    name = re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-_")[:40]
    return name if re.fullmatch(SOURCE_NAME, name) else "catalogue"
