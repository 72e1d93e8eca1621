"""What a shell completes from an archive: sources, record keys, revisions and dates.

The lines of a snapshot are sorted by key, so keys are found by bisection in the mapped file:
100,000 records cost no more than ten. Where an archive cannot answer, nothing is completed.
"""

from __future__ import annotations

import mmap
from contextlib import ExitStack, suppress
from heapq import merge
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.language import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click
    from click.shell_completion import CompletionItem

_MOST: Final = 200
"""Keys that are offered; of more, only the next character is, lest a shell completes wrongly."""
_REVISIONS: Final = 50
_BEGIN: Final = b'"models": [\n'
_AFTER: Final = b"\xff"
"""Sorts after everything that begins with the same bytes: UTF-8 has no such byte."""

_Content: TypeAlias = "mmap.mmap | bytes"


def sources(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a source."""
    with suppress(Exception):
        return [_item(name) for name in _folders(context) if name.startswith(incomplete)]
    return []


def keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of a record from the newest snapshots."""
    with suppress(Exception), ExitStack() as stack:
        folders = _folders(context)
        files = [
            _Keys(stack.enter_context(_mapped(path)))
            for name in context.params.get("sources") or folders
            for path in _files(folders[name])
        ]
        return [_item(key) for key in _complete(files, incomplete)]
    return []


def versions(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a branch, a tag, or the commit or date of one of the newest captures."""
    found: list[CompletionItem] = []
    with suppress(Exception):
        found = [each for each in _versions(context) if each.value.startswith(incomplete)]
    return found or [_item(incomplete, type_="file")]


def _versions(context: click.Context) -> Iterator[CompletionItem]:
    from archiver.config import discover, process_environment  # noqa: PLC0415 - not for --help
    from archiver.history.catalogue import configured  # noqa: PLC0415 - not for --help
    from archiver.store.repository import Repository  # noqa: PLC0415 - not for --help

    config = discover(context.params.get("repo") or Path(), process_environment())
    repository = Repository.open(config.root).offline()
    refs = repository.git.line(
        "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags"
    )
    yield from map(_item, ("HEAD", *refs.splitlines()))
    catalogues = [
        configured(config, name, repository)
        for name in context.params.get("sources") or config.sources
    ]
    captures = [
        revision
        for catalogue in catalogues
        if repository.tip(catalogue.ref)
        for revision in islice(catalogue.reachable(), _REVISIONS)
    ]
    for each in captures:
        yield _item(each.id[:10], each.subject)
    for day in dict.fromkeys(f"{each.authored_at:%Y-%m-%d}" for each in captures):
        yield _item(day, tr("the end of this day, UTC"))


def _item(value: str, about: str = "", type_: str = "plain") -> CompletionItem:
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - not for --help

    return CompletionItem(value, type_, help=about or None)


def _folders(context: click.Context) -> dict[str, Path]:
    """Return the folders of the sources that the nearest archiver.toml names, unchecked.

    `archiver.config` checks the file, which takes longer than the whole answer may.
    """
    import tomllib  # noqa: PLC0415 - not for --help

    start = (context.params.get("repo") or Path()).absolute()
    file = next(
        each for folder in (start, *start.parents) if (each := folder / "archiver.toml").is_file()
    )
    document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    data = file.parent / document.get("archive", {}).get("path", "data")
    return {name: data / name for name in document.get("sources", {})}


def _files(folder: Path) -> list[Path]:
    """Return the files of the newest snapshot in the work tree: one, or the shards."""
    return sorted((folder / "latest").glob("*.json")) or [folder / "latest.json"]


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _complete(files: list[_Keys], incomplete: str) -> list[str]:
    """Return the keys that begin with `incomplete`, or of too many their next characters."""
    prefix = incomplete.encode()
    found = list(islice(merge(*(each.beginning(prefix) for each in files)), _MOST + 1))
    if len(found) <= _MOST:
        return [key.decode() for key in dict.fromkeys(found)]
    starts = sorted(set(chain.from_iterable(each.starts(incomplete) for each in files)))
    return _complete(files, starts[0]) if len(starts) == 1 else starts


class _Keys:
    """The keys of the sorted lines of a snapshot file."""

    def __init__(self, content: _Content) -> None:
        self._content = content
        self._begin = content.find(_BEGIN) + len(_BEGIN)
        self._end = max(content.rfind(b"\n]"), self._begin) if self._begin >= len(_BEGIN) else 0

    def beginning(self, prefix: bytes) -> Iterator[bytes]:
        """Yield the keys with a prefix, sorted."""
        yield from takewhile(lambda key: key.startswith(prefix), self._from(self._at(prefix)))

    def starts(self, prefix: str) -> Iterator[str]:
        """Yield the beginnings of the keys with a prefix, one character longer than that."""
        wanted = prefix.encode()
        key = next(self.beginning(wanted), None)
        while key is not None and key.startswith(wanted):
            start = key.decode()[: len(prefix) + 1]
            yield start
            key = next(self._from(self._at(start.encode() + _AFTER)), None)

    def _from(self, at: int) -> Iterator[bytes]:
        from archiver.records.canonical import line_key  # noqa: PLC0415 - not for --help

        while at < self._end:
            end = self._content.find(b"\n", at)
            yield line_key(self._content[at:end].removesuffix(b","))
            at = end + 1

    def _at(self, wanted: bytes) -> int:
        """Return where the first line begins whose key is not before `wanted`."""
        low, high = self._begin, self._end
        while low < high:
            middle = (low + high) // 2
            start = max(self._content.rfind(b"\n", low, middle) + 1, low)
            if next(self._from(start)) < wanted:
                low = self._content.find(b"\n", start) + 1
            else:
                high = start
        return low
