"""What the commits of an archive hold, read by plain git and nothing of the program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from support.git import run_git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT = "%x1e%H%x1f%P%x1f%at%x1f%s%x1f%(trailers:only,unfold)"


class Snapshot(NamedTuple):
    """The catalogue in one commit: object id, capture time as the header says, key to value."""

    id: str
    taken: str
    records: dict[str, int]


class Commit(NamedTuple):
    """One commit, and what it holds of the one source.

    Attributes:
        id: Full id.
        parents: Full ids.
        time: Author date, in seconds.
        trailers: The ``Archiver-*`` trailers.
        place: The folder of the source in it; empty: there is none yet.
        snapshot: Its catalogue; None: there is none yet.
        removed: Keys with a tombstone.
        unlisted: Keys that the snapshot holds and its listing did not name.
        reverted: Full ids of the reverted captures.
    """

    id: str
    parents: tuple[str, ...]
    time: int
    subject: str
    trailers: dict[str, str]
    place: str
    snapshot: Snapshot | None
    removed: frozenset[str]
    unlisted: frozenset[str]
    reverted: frozenset[str]


def read(folder: Path, tip: str, places: Iterable[str], known: dict[str, Commit]) -> None:
    """Add the commits that `tip` reaches to those that are known.

    Args:
        folder: The repository.
        tip: What names the newest one.
        places: Folders in which the source may be kept; the first that a commit has counts.
        known: Full id to commit.
    """
    text = run_git(folder, "log", f"--format={FORMAT}", tip)
    rows = [row.strip("\n").split("\x1f") for row in text.split("\x1e")[1:]]
    rows = [row for row in rows if row[0] not in known]
    names = ("latest.json", "removed.jsonl", "unlisted.jsonl", "reverted.jsonl")
    paths = [f"{row[0]}:{at}/{name}" for row in rows for at in places for name in names]
    files = _files(folder, paths)
    for commit, parents, time, subject, trailers in rows:
        at = next((at for at in places if f"{commit}:{at}/latest.json" in files), "")
        latest, *others = (files.get(f"{commit}:{at}/{name}") for name in names)
        removed, unlisted, reverted = (_rows(each) for each in others)
        known[commit] = Commit(
            commit,
            tuple(parents.split()),
            int(time),
            subject,
            dict(line.split(": ", 1) for line in trailers.splitlines() if line),
            at,
            _snapshot(folder, f"{commit}:{at}/latest", latest) if latest else None,
            frozenset(each["key"] for each in removed),
            frozenset(each["key"] for each in unlisted),
            frozenset(each["revision"] for each in reverted),
        )


def missing(folder: Path, *names: str) -> frozenset[str]:
    """Return the keys that the state ref remembers as missing, by the first name it knows."""
    states = [f"refs/archiver/state:{name}" for name in names]
    runs = _files(folder, [f"{state}/runs.jsonl" for state in states])
    known = next((state for state in states if f"{state}/runs.jsonl" in runs), "")
    found = _files(folder, [f"{known}/missing.jsonl"]) if known else {}
    return frozenset(each["key"] for file in found.values() for each in _rows(file))


def _snapshot(folder: Path, place: str, file: tuple[str, str]) -> Snapshot:
    oid, text = file
    head = json.loads(text)
    shards = _files(folder, [f"{place}/{name}.json" for name in head.get("shards", ())])
    documents = (head, *(json.loads(each) for _, each in shards.values()))
    models = [model for document in documents for model in document.get("models", ())]
    return Snapshot(oid, head["timestamp"], {each["id"]: each["value"] for each in models})


def _rows(file: tuple[str, str] | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file[1].splitlines()] if file else []


def _files(folder: Path, names: list[str]) -> dict[str, tuple[str, str]]:
    """Return object id and content of those of the files that exist."""
    if not names:
        return {}
    wanted = "".join(f"{name}\n" for name in names).encode()
    left = run_git(folder, "cat-file", "--batch", stdin=wanted)  # ASCII: bytes are characters
    found = {}
    for name in names:
        head, _, left = left.partition("\n")
        if not head.endswith(" missing"):
            oid, _, size = head.split()
            found[name] = (oid, left[: int(size)])
            left = left[int(size) + 1 :]
    return found
