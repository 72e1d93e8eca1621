"""The file of explicit pairs that ``[alias]`` names: CSV, one record a row."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_FEWEST = 2


def read_pairs(path: Path, sources: Collection[str]) -> list[tuple[tuple[str, str], ...]]:
    """Return source and key of each place of each record.

    The first row names sources, the others hold the keys of one record each; an empty cell says
    nothing.

    Raises:
        ConfigError: The file cannot be read, or a row is wrong; names it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [*_pairs(csv.reader(file, strict=True), path.name, sources)]
    except OSError as error:
        raise ConfigError(
            sentence("cannot read {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            sentence("{file}: not UTF-8 at byte {start}", file=path.name, start=error.start + 1)
        ) from error
    except csv.Error as error:
        raise ConfigError(sentence("{file}: {error}", file=path.name, error=str(error))) from error


def _pairs(
    rows: Iterator[list[str]], file: str, sources: Collection[str]
) -> Iterator[tuple[tuple[str, str], ...]]:
    head = [name.strip() for name in next(rows, [])]
    for name in head:
        if name not in sources:
            words = (
                sentence('no source is called "{source}"', source=name),
                suggestion(name, sources),
            )
            raise ConfigError(
                sentence("{file}: {error}", file=file, error=joined("", words)),
                hint=sentence("the first row names sources of archiver.toml"),
            )
    if not _FEWEST <= len({*head}) == len(head):
        words_ = sentence("expected two sources or more, each once")
        raise ConfigError(sentence("{file}: {error}", file=file, error=words_))
    for number, row in enumerate(rows, 2):
        if len(row) > len(head):
            raise ConfigError(
                sentence("{file}: row {number} has too many cells", file=file, number=number)
            )
        places = tuple((name, key) for name, key in zip(head, row, strict=False) if key)
        if len(places) >= _FEWEST:
            yield places
