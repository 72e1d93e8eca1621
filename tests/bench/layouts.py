"""Keep one catalogue in several layouts, and say what each costs: ``python -m bench.layouts``.

The table stands in docs/scale.md. Each layout is a function from the sorted lines of a day to
files; whatever a day leaves as it was is not written again. Everything is packed as the store does
it: versions of one file beside each other, newest first.
"""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple, TypeAlias

from archiver.records.canonical import Header, head, snapshot
from archiver.store.loose import FILE, Entry, LooseStore, encoded
from archiver.store.repository import Repository
from bench.measure import once
from bench.repositories import created, git

Row: TypeAlias = tuple[str, str, str]
"""The key of a record, its line, and the same without metrics."""
Files: TypeAlias = Iterator[tuple[str, list[str]]]
Layout: TypeAlias = Callable[[list[Row]], Files]

NEWS, ENTERED, GONE = 0.01, 0.002, 0.001
RANGE = 4096
"""Records between two boundaries of a range, on average: some 0.9 MB."""
_TASKS = ("text-generation", "image-to-text", "feature-extraction", "translation")
_LICENCES = ("apache-2.0", "mit", "other", "cc-by-4.0")


class Catalogue:
    """Lines of some 220 bytes that change from day to day."""

    def __init__(self, records: int, churn: float) -> None:
        """Begin with this many `records`, of which `churn` have other metrics each day."""
        self._random = random.Random(1)
        self._churn = churn
        self._number = 0
        self._models: dict[str, list[int]] = {}
        for _ in range(records):
            self._enter()

    def day(self) -> list[Row]:
        """Return the sorted rows of the day."""
        return [(key, *_lines(key, *self._models[key])) for key in sorted(self._models)]

    def pass_day(self) -> None:
        """Let a day go by."""
        chance, models = self._random, self._models
        for key in [key for key in models if chance.random() < GONE]:
            del models[key]
        for model in models.values():
            if chance.random() < self._churn:
                model[0] += 1 + int(model[0] * chance.random() / 50)
            if chance.random() < NEWS:
                model[2] = chance.getrandbits(160)
        for _ in range(int(len(models) * ENTERED)):
            self._enter()

    def _enter(self) -> None:
        chance = self._random
        self._number += 1
        owner = int(chance.paretovariate(0.7)) % 50_000
        key = f"owner{owner}/chat-base-{chance.getrandbits(24):x}-{self._number}"
        downloads = int(chance.paretovariate(0.6)) % 10_000_000
        likes = int(chance.paretovariate(0.9)) % 10_000
        self._models[key] = [downloads, likes, chance.getrandbits(160), chance.getrandbits(8)]


def _lines(key: str, downloads: int, likes: int, sha: int, kind: int) -> tuple[str, str]:
    tags = f'["chat","transformers","{kind:x}"]'
    rest = f'"sha":"{sha:040x}","tags":{tags},"task":"{_TASKS[kind & 3]}"}}'
    licence = _LICENCES[kind >> 2 & 3]
    start = f'{{"id":"{key}",'
    return (
        f'{start}"downloads":{downloads},"license":"{licence}","likes":{likes},{rest}',
        f'{start}"license":"{licence}",{rest}',
    )


def one(rows: list[Row]) -> Files:
    """Lay everything out in one file."""
    yield "latest.json", [row[1] for row in rows]


def hashed(digits: int) -> Layout:
    """Return the layout of shards by the hash of the key."""

    def layout(rows: list[Row]) -> Files:
        for name, shard in _by_hash(rows, digits).items():
            yield f"latest/{name}.json", [row[1] for row in shard]

    return layout


def ranges(rows: list[Row]) -> Files:
    """Cut the sorted lines where a key's hash says so; a file is called by its first key."""
    start = 0
    bounds = [n for n, row in enumerate(rows) if n and _hash(row[0]) % RANGE == 0]
    for end in (*bounds, len(rows)):
        name = "first" if not start else hashlib.sha256(rows[start][0].encode()).hexdigest()[:12]
        yield f"latest/{name}.json", [row[1] for row in rows[start:end]]
        start = end


def parts(rows: list[Row]) -> Files:
    """Keep metrics in files of their own, beside the records."""
    for name, shard in _by_hash(rows, 2).items():
        yield f"latest/{name}.json", [row[2] for row in shard]
        yield f"metrics/{name}.json", [_metrics(*row) for row in shard]


class Journal:
    """A base of 256 shards once, then a file of the lines that changed for each day."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._known: dict[str, int] = {}
        self._day = 0

    def __call__(self, rows: list[Row]) -> Files:
        """Lay one more day out."""
        known = {row[0]: _hash(row[1]) for row in rows}
        if self._known:
            changed = [row[1] for row in rows if self._known.get(row[0]) != known[row[0]]]
            gone = [f'{{"id":"{key}"}}' for key in self._known if key not in known]
            yield f"changes/{self._day}.json", changed + gone
        else:
            yield from hashed(2)(rows)
        self._known = known
        self._day += 1


LAYOUTS: dict[str, Callable[[], Layout]] = {
    "one file": lambda: one,
    "16 by hash": lambda: hashed(1),
    "256 by hash": lambda: hashed(2),
    "4,096 by hash": lambda: hashed(3),
    "ranges of keys": lambda: ranges,
    "base and changes": Journal,
    "metrics apart": lambda: parts,
}


class Cost(NamedTuple):
    """What one layout cost.

    Attributes:
        base: Bytes of the first day, packed.
        growth: Bytes a day, packed.
        write: Seconds of processor time to write the objects of a day.
        pack: Seconds of processor time to pack a day.
        compare: Seconds of processor time to read, of two days, the files that differ.
        read: Seconds of processor time to read the file of one record, of the oldest day.
    """

    base: int
    growth: int
    write: float
    pack: float
    compare: float
    read: float


def measured(folder: Path, layout: Layout, catalogue: Catalogue, days: int) -> Cost:
    """Keep `days` of a `catalogue` in a repository of its own."""
    root = created(folder / "repository")
    with Repository.open(root) as repository:
        scratch = repository.common_dir / "scratch"
        scratch.mkdir()
        store = LooseStore(repository.common_dir / "objects", scratch, repository.object_format)
        known: dict[str, str] = {}
        oids: dict[str, str] = {}
        versions: list[dict[str, str]] = []
        writes = []
        for _ in range(days):
            rows = catalogue.day()
            written, seconds = {}, 0.0
            for name, lines in layout(rows):
                digest = hashlib.sha1("\n".join(lines).encode()).hexdigest()
                if known.get(name) != digest:
                    known[name] = digest
                    started = process_time()
                    written[name] = _blob(store, lines, len(versions))
                    seconds += process_time() - started
            started = process_time()
            written |= _index(store, known, oids := {**oids, **written})
            store.settle()
            writes.append(seconds + process_time() - started)
            versions.append(written)
            catalogue.pass_day()
        del rows
    base, _ = _packed(root, versions[:1])
    whole, seconds = _packed(root, versions)
    shutil.rmtree(root / ".git" / "objects" / "pack")
    git(root, "pack-objects", *OPTIONS, ".git/objects/pack/pack", stdin=_names(versions))
    git(root, "prune-packed", "--quiet")
    last = "\n".join((*versions[-1].values(), *versions[-2].values())) + "\n"
    compare = once(["git", "cat-file", "--batch"], root, stdin=last.encode())
    oldest = [oid for name, oid in versions[0].items() if name != "latest"]
    reads = [
        once(["git", "cat-file", "blob", each], root).cpu
        for each in oldest[:: max(len(oldest) // 8, 1)]
    ]
    return Cost(
        base,
        (whole - base) // (days - 1),
        median(writes),
        seconds / days,
        compare.cpu,
        median(reads),
    )


OPTIONS = ("--quiet", "--threads=1", "--window=4", "--depth=50")


def _packed(root: Path, versions: list[dict[str, str]]) -> tuple[int, float]:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        command = ["git", "pack-objects", *OPTIONS, f"{folder}/pack"]
        cost = once(command, root, stdin=_names(versions))
        return sum(each.stat().st_size for each in Path(folder).glob("*.pack")), cost.cpu


def _names(versions: Iterable[dict[str, str]]) -> bytes:
    newest = reversed([*versions])
    rows = (f"{oid} {_called(name)}\n" for each in newest for name, oid in each.items())
    return "".join(rows).encode()


def _called(name: str) -> str:
    """Return the name under which the store packs a file (see `archiver.store.packing`)."""
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def _blob(store: LooseStore, lines: list[str], day: int) -> str:
    header = Header("hub", f"2026-01-{day + 1:02} 03:00:00", len(lines))
    pieces = [*snapshot(header, [line.encode() for line in lines])]
    return store.write("blob", pieces, sum(map(len, pieces)))


def _index(store: LooseStore, digests: dict[str, str], oids: dict[str, str]) -> dict[str, str]:
    """Write what names the files of a day: the index and the tree."""
    if len(oids) == 1:
        return {}
    shards = {name: (0, hashlib.sha256(digests[name].encode()).hexdigest()) for name in oids}
    index = head(Header("hub", "2026-01-01 03:00:00", 0, shards))
    entries = {name.encode(): Entry(FILE, oid) for name, oid in oids.items()}
    tree = b"".join(encoded(entries))
    return {
        "latest.json": store.write("blob", [index], len(index)),
        "latest": store.write("tree", [tree], len(tree)),
    }


def _by_hash(rows: list[Row], digits: int) -> dict[str, list[Row]]:
    shards: dict[str, list[Row]] = {f"{n:0{digits}x}": [] for n in range(16**digits)}
    for row in rows:
        shards[hashlib.sha256(row[0].encode()).hexdigest()[:digits]].append(row)
    return shards


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _metrics(key: str, line: str, _: str) -> str:
    downloads = line.partition('"downloads":')[2].partition(",")[0]
    likes = line.partition('"likes":')[2].partition(",")[0]
    return f'{{"id":"{key}","downloads":{downloads},"likes":{likes}}}'


def main() -> None:
    """Print a row for each layout."""
    parser = argparse.ArgumentParser(prog="bench.layouts", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--churn", type=float, default=0.0, help="records with other metrics a day")
    parser.add_argument("--only", choices=[*LAYOUTS], action="append")
    asked = parser.parse_args()
    print(
        "| layout | base | a day | write | pack | compare | read |\n|---|---|---|---|---|---|---|"
    )
    for name in asked.only or LAYOUTS:
        started = perf_counter()
        with tempfile.TemporaryDirectory(prefix="archiver-layouts-") as folder:
            catalogue = Catalogue(asked.records, asked.churn)
            cost = measured(Path(folder), LAYOUTS[name](), catalogue, asked.days)
        print(
            f"| {name} | {cost.base / 1e6:.1f} MB | {cost.growth / 1e6:.2f} MB | {cost.write:.1f} s"
            f" | {cost.pack:.1f} s | {cost.compare:.2f} s | {cost.read * 1000:.0f} ms |"
            f" <!-- {perf_counter() - started:.0f} s -->",
            flush=True,
        )


if __name__ == "__main__":
    main()
