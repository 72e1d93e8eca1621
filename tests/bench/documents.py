"""Read documents of every format: as fast as a library does, and without filling memory."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from bench.measure import PYTHON, once, repeated
from bench.result import faster, memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from bench.result import Result

RECORDS = 100_000
SHARE = 0.6
LARGE = 1 << 30
MEGABYTES = 100
_SLOW = (".yaml", ".toml")


def records(number: int) -> Iterator[dict[str, str]]:
    """Yield records of about 150 bytes."""
    for n in range(number):
        yield {
            "id": f"org-{n % 997}/model-{n}",
            "name": f"A model, called {n}",
            "task": "text-generation",
            "downloads": str(n * 7919 % 1_000_003),
            "license": "apache-2.0",
            "updated": f"2026-01-{n % 28 + 1:02}",
        }


def written(path: Path, found: Iterable[dict[str, str]]) -> Path:
    """Write records in the format that the suffix of `path` says."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix in (".csv", ".tsv"):
            rows = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            rows.writerow(next(records(1)))
            rows.writerows(each.values() for each in found)
        else:
            file.writelines(map(_TEXTS[path.suffix], found))
    return path


def _pairs(record: dict[str, str], between: str) -> list[str]:
    return [f"{name}{between}{json.dumps(value)}\n" for name, value in record.items()]


_TEXTS: dict[str, Callable[[dict[str, str]], str]] = {
    ".jsonl": lambda record: f"{json.dumps(record)}\n",
    ".yaml": lambda record: "- " + "  ".join(_pairs(record, ": ")),
    ".toml": lambda record: "[[all]]\n" + "".join(_pairs(record, " = ")),
}


def speed(suffix: str, folder: Path) -> Iterator[Result]:
    """100,000 records become dictionaries, by the bare library and by our reader."""
    folder.mkdir(exist_ok=True)
    path = written(folder / f"all{suffix}", records(RECORDS))
    program = [PYTHON, "-m", "bench.with_libraries"]
    cost = once if suffix in _SLOW else repeated
    theirs = cost([*program, "library", str(path)], folder)
    ours = cost([*program, "archiver", str(path)], folder)
    what = f"read {RECORDS:,} records of {suffix[1:]}: library"
    yield faster(what, ours=ours.cpu, theirs=theirs.cpu, target=SHARE)


def streams(folder: Path) -> Iterator[Result]:
    """1 GiB becomes canonical lines, one after the other."""
    for suffix in (".csv", ".jsonl"):
        path = written(folder / f"large{suffix}", _filling(LARGE, suffix))
        cost = once([PYTHON, "-m", "bench.with_libraries", "lines", str(path)], folder)
        path.unlink()
        yield memory(f"1 GiB of {suffix[1:]} as lines: memory", cost.memory, target=MEGABYTES)


def _filling(size: int, suffix: str) -> Iterator[dict[str, str]]:
    """Yield as many records as make about `size` bytes."""
    one = len(_TEXTS[".jsonl"](next(records(1)))) if suffix == ".jsonl" else 85
    return records(size // one)
