"""Where records are and what keys them in a file of which nothing is said: the file says it.

Only a file of any repository, or a plain one, is read so; a source of archiver.toml never is.
"""

from __future__ import annotations

import codecs
import logging
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import ArchiverError, ConfigError, UnreadableSnapshot
from archiver.formats import UNSAID, by_name, text
from archiver.formats.packing import unpacked
from archiver.history.foreign import ORIGINAL
from archiver.history.versions import chunks
from archiver.language import joined, sentence
from archiver.records import canonical
from archiver.records.finding import Candidate, Finding, find
from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.formats import Reading
    from archiver.history.catalogue import Catalogue
    from archiver.records.document import Content

_log = logging.getLogger(__name__)

_BACK: Final = 30
"""Versions that are looked at, at most, until one can be read; and how old the other one is."""
_NAMED: Final = 8


class Said(NamedTuple):
    """What a person says of a file.

    Attributes:
        records: Path of the records; None: nothing.
        key: Fields of the key; empty: nothing.
        excluded: Members of objects on the path that are no records.
        how: How it is read.
    """

    records: str | None
    key: tuple[str, ...]
    excluded: tuple[str, ...]
    how: Reading


def assumed(name: str, documents: Iterable[Content], said: Said) -> tuple[str, tuple[str, ...]]:
    """Return the path of the records and the fields of the key; where nothing is found, no path.

    What is assumed is logged; that a file is as the original design wrote it is no assumption.

    Args:
        name: What the file is called.
        documents: Its newest version that can be read, and others.
        said: What is known.

    Raises:
        ConfigError: It can be read in several ways, or no field tells its records apart.
    """
    found = find(documents, records=said.records, key=said.key, excluded=said.excluded)
    chosen = found.chosen
    if said.records is None and not said.key and _is_original(found):
        return "", ()
    if not found.candidates:
        return said.records or "", said.key
    if chosen is None or not chosen.key:
        raise unclear(name, found)
    if (chosen.records, chosen.key) != (said.records or ".", said.key):
        _log.warning(was_read(chosen, name))
    return chosen.records, chosen.key


def was_read(chosen: Candidate, name: str) -> str:
    """Say what was assumed of a file, and who can say otherwise."""
    return sentence(
        "assuming {setting} for {name}; --records and --key override this",
        setting=chosen.words,
        name=name,
    )


def unclear(name: str, found: Finding) -> ConfigError:
    """Return the error of a file that can be read in several ways; names them."""
    named = found.candidates[:_NAMED]
    lines = [
        sentence(
            "{setting}  ({records}: {reason})",
            setting=each.words,
            records=count(each.total, "record"),
            reason=each.reason,
        )
        if each.reason
        else each.words
        for each in named
    ]
    if len({each.records for each in named}) > 1:
        message = sentence("{name} may hold records in several places", name=name)
    elif named[0].key and len(named) == 1:
        message = sentence("the key of {name} is a guess that is not certain", name=name)
    elif named[0].key:
        message = sentence("several fields of {name} may be the key", name=name)
    else:
        message = sentence("no field tells the records of {name} apart", name=name)
    return ConfigError(
        joined("\n", (message, *lines)), hint=sentence("say it with --records PATH and --key FIELD")
    )


def in_files(paths: Iterable[Path], how: Reading) -> Iterator[Content]:
    """Yield what plain files hold that are no snapshots; what cannot be read is left out."""
    for path in paths:
        with suppress(ArchiverError):
            if path.is_file():
                yield from _document(chunks(path), path.name, how)


def in_history(catalogue: Catalogue, how: Reading) -> Iterator[Content]:
    """Yield the newest version of a file that can be read, an older one, and those between."""
    with suppress(ArchiverError), catalogue.required().objects() as reader:
        known = [each for each in islice(catalogue.reachable(), _BACK) if each.blob]
        for some in (known[:1] + known[1:][-1:], known):  # hardly ever more than the first two
            catalogue.required().expect({each.blob: each.path for each in some if each.blob})
        for revision in (*known[:1], *known[:0:-1]):
            with suppress(UnreadableSnapshot):
                assert revision.blob is not None  # noqa: S101  see above
                yield from _document((reader.read(revision.blob),), revision.path, how)


def _document(content: Iterable[bytes], name: str, how: Reading) -> Iterator[Content]:
    """Yield a document, unless it is canonical and says itself what it holds.

    What seems to be JSON comes as it is first: to look for what is none in it takes as long as
    to find the records.
    """
    pieces, name = unpacked(content, name, how.member)
    start = next(pieces, b"").removeprefix(codecs.BOM_UTF8)
    if canonical.is_canonical(start):
        return
    rest: Iterator[bytes] = chain((start,), pieces)
    if start[:1] in (b"{", b"[") and how == UNSAID and by_name(name) in ("", "json"):
        body = b"".join(rest)
        yield body.rstrip()
        rest = iter((body,))
    found = text(rest, name, how).content
    yield found.strip() if isinstance(found, bytes) else found


def _is_original(found: Finding) -> bool:
    """Tell whether a file is as the original design wrote it."""
    keys = (ORIGINAL.key, ORIGINAL.otherwise)
    return any(each.records == ORIGINAL.records and each.key in keys for each in found.candidates)
