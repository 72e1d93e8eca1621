"""Read a document with the bare library of its format, or with the reader of `archiver`.

``python -m bench.with_libraries library|archiver FILE`` prints how many records it made, as
dictionaries; ``lines`` makes canonical lines and keeps none.
"""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import csv
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from archiver.formats import read
from archiver.records import document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_decode = msgspec.json.Decoder().decode
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PIECE = 1 << 18


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def with_csv(path: Path) -> list[Any]:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def with_msgspec(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return [_decode(line) for line in file]


def with_yaml(path: Path) -> list[Any]:
    return list(yaml.load(path.read_bytes(), LOADER))


def with_toml(path: Path) -> list[Any]:
    return list(tomllib.loads(path.read_text(encoding="utf-8"))["all"])


LIBRARIES: dict[str, Callable[[Path], list[Any]]] = {
    ".csv": with_csv,
    ".tsv": with_csv,
    ".jsonl": with_msgspec,
    ".yaml": with_yaml,
    ".toml": with_toml,
}


def with_archiver(path: Path) -> list[Any]:
    content = read(pieces(path), path.name).content
    if isinstance(content, bytes):
        found = _decode(content)
        return list(found["all"] if path.suffix == ".toml" else found)
    return [_decode(text) for _, text in content]  # type: ignore[misc, arg-type]


def lines(path: Path) -> int:
    content = read(pieces(path), path.name).content
    return sum(1 for _ in document.read(content, ".", ("id",)))


def main() -> None:
    side, path = sys.argv[1], Path(sys.argv[2])
    if side == "lines":
        print(lines(path))
    else:
        print(len((with_archiver if side == "archiver" else LIBRARIES[path.suffix])(path)))


if __name__ == "__main__":
    main()
