"""Make data repositories of any size, with plain git and the project's own canonical form."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING

from archiver.fakehub.catalogue import ONE_THIRD, Catalogue
from archiver.records.canonical import Header, encode, head, shard_name, snapshot
from bench.measure import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LATEST = "data/hub/latest.json"
CONFIG = """\
[sources.hub]
type = "json"
url = "catalogue.json"
records = "models"
key = ["id"]
"""


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in `folder` and return what it prints."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, check=True)
    return done.stdout


def created(folder: Path) -> Path:
    """Create a data repository without snapshots in `folder`."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "archiver.toml").write_text(CONFIG)
    return folder


def commit_all(folder: Path, at: str | None = None) -> None:
    """Commit everything in the work tree; as of a time (ISO 8601), if one is given."""
    date = () if at is None else (f"--date={at}",)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=one day", *date)


def two_days(folder: Path, models: int, *, shards: int = 1) -> Path:
    """Create a repository of two commits between which one third of the records changes.

    Args:
        folder: Where; must not exist.
        models: Number of records.
        shards: Number of files: 1, 16 or 256.
    """
    catalogue = Catalogue(models=models, pace=ONE_THIRD)
    return committed(folder, (sorted_lines(catalogue, day) for day in range(2)), shards)


def two_plain_days(folder: Path, records: int, *, shards: int = 1) -> Path:
    """Do the same with records that are quickly made: a key, a number and a text."""
    text = b"x" * 250
    days = (
        {
            f"{number:07}": b'{"id":"%07d","n":%d,"text":"%b"}'
            % (number, day * (not number % 3), text)
            for number in range(records)
        }
        for day in range(2)
    )
    return committed(folder, days, shards)


def committed(folder: Path, days: Iterable[Mapping[str, bytes]], shards: int = 1) -> Path:
    """Commit the lines of each day, by key, in so many files."""
    created(folder)
    (folder / LATEST).parent.mkdir(parents=True)
    for day, lines in enumerate(days, 1):
        header = Header("hub", f"2026-01-{day:02} 12:00:00", len(lines))
        if shards == 1:
            write(folder / LATEST, header, lines.values())
        else:
            write_shards(folder / LATEST, header, lines, shards)
        commit_all(folder)
    return folder


def sorted_lines(catalogue: Catalogue, day: int) -> dict[str, bytes]:
    """Return the canonical lines of a day by their key, in its order."""
    return dict(sorted(encode(record, ("id",)) for record in catalogue.day(day)))


def write(path: Path, header: Header, lines: Iterable[bytes]) -> None:
    """Write one canonical file."""
    with path.open("wb") as file:
        file.writelines(snapshot(header, lines))


def write_shards(latest: Path, header: Header, lines: Mapping[str, bytes], count: int) -> None:
    """Write the index and the shards beside it."""
    parts: dict[str, list[bytes]] = {}
    for key, line in lines.items():
        parts.setdefault(shard_name(key, count), []).append(line)
    latest.with_suffix("").mkdir(exist_ok=True)
    index = {}
    for name, part in parts.items():
        path = latest.with_suffix("") / f"{name}.json"
        write(path, header._replace(total=len(part)), part)
        index[name] = (len(part), sha256(path.read_bytes()).hexdigest())
    latest.write_bytes(head(header._replace(shards=index)))


def catalogue_blobs(folder: Path, *paths: str) -> bytes:
    """Return the ids of the catalogue's files in both commits, one a line: all, or some."""
    listings = (
        git(folder, "ls-tree", "-r", "--object-only", revision, *(paths or ("data",)))
        for revision in ("HEAD~1", "HEAD")
    )
    return b"".join(listings)
