"""Measure what git keeps on the disk, and pack it before git would decide to."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from hashlib import blake2b
from subprocess import DEVNULL
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import StoreError
from archiver.language import sentence
from archiver.store.durable import disk_errors, sync_folder
from archiver.store.joined import BASE, FETCHED
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from archiver.store.plumbing import Plumbing
    from archiver.store.repository import Repository

_KIB = 1024

MANY = 1000
LARGE = 64 << 20
PACKS = 50
"""Packing is worthwhile from this number of loose objects, of their bytes, or of packs."""
OVERDUE = 512 << 20
"""Bytes of loose objects that are packed however long it takes: else runs that take a second each
would never earn the time, and fill the disk."""
TIME_LIMIT = 86_400.0
SHARE = 0.1
"""The part of the time of the runs since the last packing that packing may take."""
FACTOR = 8
"""A pack is joined with what is up to so many times smaller: each holds a whole version."""
LARGEST = 2 << 30
"""Bytes that a run's pack does not exceed; larger ones are only rewritten when asked for."""
_START = 0.05
_LOOSE_RATE = 8e6
_PACKED_RATE = 100e6
"""What packing takes: seconds, then bytes a second of loose objects and of packs to be joined."""
_WINDOW, _DEPTH = 4, 50
_SETTINGS = ("-c", "pack.packSizeLimit=0", "-c", "pack.compression=-1")
_OPTIONS = (
    "--quiet",
    "--delta-base-offset",
    "--threads=1",  # each thread would begin with a whole version of its own
    f"--depth={_DEPTH}",
    "--window-memory=256m",
)
_DIFF = ("-r", "-t", "--root", "--raw", "--no-abbrev", "--no-renames", "--diff-merges=first-parent")
_SUBMODULE = b"160000"
_NAME = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?")
_NOT_OURS = (".keep", ".promisor", ".mtimes")


class Plan(NamedTuple):
    """What is put into one pack.

    Attributes:
        loose: Number of loose objects.
        packs: Packs that are joined with them, and removed then.
    """

    loose: int
    packs: tuple[Path, ...]


def worthwhile(objects: Path) -> bool:
    """Return whether there are many loose objects, large ones, or many packs (one a fetch)."""
    sizes = [size for _, size in loose_objects(objects)]
    packs = sum(1 for _ in (objects / "pack").glob("*.pack"))
    return len(sizes) >= MANY or sum(sizes) >= LARGE or packs >= PACKS


def loose_sizes(objects: Path) -> Iterator[int]:
    """Yield the size of each loose object in bytes, compressed."""
    yield from (size for _, size in loose_objects(objects))


def loose_objects(objects: Path) -> Iterator[tuple[str, int]]:
    """Yield the id of each loose object, and its size in bytes, compressed."""
    for number in range(256):
        folder = objects / f"{number:02x}"
        if folder.is_dir():
            with os.scandir(folder) as files:
                for file in files:
                    if _NAME.fullmatch(file.name):
                        yield folder.name + file.name, file.stat().st_size


def allowed(repository: Repository, seconds: float) -> float:
    """Return how many seconds packing may take after a run of so many `seconds`.

    The runs before it that packed nothing count too. What is `OVERDUE` may take any time.
    """
    if sum(loose_sizes(repository.common_dir / "objects")) >= OVERDUE:
        return TIME_LIMIT
    runs = 0
    if repository.tip(STATE_REF):
        runs = int(repository.plain.line("rev-list", "--count", "--unpacked", STATE_REF))
    return SHARE * seconds * max(runs, 1)


def planned(objects: Path, limit: float) -> Plan | None:
    """Return what to pack within about `limit` seconds; None: nothing, or it takes longer.

    Loose objects go first, with packs that are not much larger than what is packed anyway.
    """
    sizes = [size for _, size in loose_objects(objects)]
    size, cost = sum(sizes), _START + sum(sizes) / _LOOSE_RATE
    if cost > limit:
        return None
    joined: list[Path] = []
    for pack in sorted(joinable(objects), key=_size):
        cost += _size(pack) / _PACKED_RATE
        if cost > limit or size + _size(pack) > LARGEST or (size and _size(pack) > FACTOR * size):
            break
        joined.append(pack)
        size += _size(pack)
    return Plan(len(sizes), tuple(joined)) if sizes or len(joined) > 1 else None


def joinable(objects: Path) -> list[Path]:
    """Return the packs that may be replaced.

    Those that somebody keeps, or that stand for what a server holds, are left alone; all are where
    an index over several packs names them.
    """
    folder = objects / "pack"
    if (folder / "multi-pack-index").exists():
        return []
    return [
        pack
        for pack in sorted(folder.glob("pack-*.pack"))
        if pack.with_suffix(".idx").exists()
        and not any(pack.with_suffix(suffix).exists() for suffix in _NOT_OURS)
    ]


def pack(
    repository: Repository,
    scratch: Path,
    plan: Plan,
    *,
    whole: bool = False,
    again: bool = False,
    limit: float = TIME_LIMIT,
) -> None:
    """Put loose objects, and packs, into one pack; nothing is removed before that is on the disk.

    git looks for a similar object among those whose names are alike, from the newest to the
    oldest. A snapshot has two names, and git takes the stamped one: then a version stands beside
    one of another day that was taken at the same minute. So each object is given the name under
    which its own commit brought it first, ``latest.json``, as a digest.

    Args:
        repository: Where to pack; the lock is held.
        scratch: A folder on the same disk.
        plan: What is packed.
        whole: Whether all packs are joined: then the whole history is looked through for names.
        again: Whether differences that are stored already are computed again.
        limit: Seconds after which git is ended, and nothing has happened.

    Raises:
        StoreFull: The disk is full; every object is still where it was.
        TimedOut: It took longer; the same.
    """
    objects = repository.common_dir / "objects"
    git = replace(repository.plain, options=(*repository.plain.options, *_SETTINGS))
    folder = objects / "pack"
    with disk_errors():
        folder.mkdir(exist_ok=True)
    listing = scratch / "listing"
    with listing.open("w+b") as names:
        names.writelines(_listing(repository, scratch, plan, whole=whole))
        names.seek(0)
        found = git.run(
            "pack-objects",
            *_OPTIONS,
            f"--window={2 * _WINDOW if again else _WINDOW}",
            *(("--no-reuse-delta",) if again else ()),
            str(folder / "pack"),
            stdin=names,
            limit=limit,
        )
    with disk_errors():
        listing.unlink()
        sync_folder(folder)
        indexed = (folder / "multi-pack-index").exists()  # by another program, meanwhile
        for old in () if indexed else plan.packs:
            if old.stem != f"pack-{found.decode().strip()}":
                _remove(old)
    git.run("prune-packed", "--quiet")


def _remove(pack: Path) -> None:
    """Remove a pack, its index first: without one, git does not look at it."""
    for suffix in (".idx", ".rev", ".bitmap", ".pack"):
        pack.with_suffix(suffix).unlink(missing_ok=True)


def _listing(repository: Repository, scratch: Path, plan: Plan, *, whole: bool) -> Iterator[bytes]:
    """Yield the objects to pack, a line each, newest first and by their names where possible.

    An object may be named again; only the first time counts.
    """
    git, objects = repository.plain, repository.common_dir / "objects"
    loose = {oid.encode() for oid, _ in loose_objects(objects)}
    before: dict[bytes, bytes] = {}
    wanted: set[bytes] | None = {*loose}
    if whole and _is_all(objects, plan):
        wanted = None  # every object
    elif whole:
        wanted = loose.union(*(_members(git, pack) for pack in plan.packs))
    for new, old, name in _named(git, scratch, () if whole else ("--unpacked",)):
        if wanted is None or new in wanted:
            yield b"%b %b\n" % (new, name)
        if not whole:
            before.setdefault(old, name)
    for pack in plan.packs if before else ():
        for oid in _members(git, pack):
            if oid in before:
                yield b"%b %b\n" % (oid, before[oid])
    yield from (oid + b"\n" for oid in loose)
    for pack in plan.packs:
        yield from (oid + b"\n" for oid in _members(git, pack))


def _is_all(objects: Path, plan: Plan) -> bool:
    """Say whether a plan covers every object that a ref may reach."""
    packs = {*(objects / "pack").glob("pack-*.pack")}
    return packs == {*plan.packs} and not (objects / "info" / "alternates").exists()


def _named(
    git: Plumbing, scratch: Path, options: Sequence[str]
) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield what each commit brought, newest first: object, what was there before, its name."""
    commits = git.run("rev-list", "--all", *options, "--no-commit-header", "--format=%H %T")
    rows = [line.split() for line in commits.splitlines()]
    asked = scratch / "commits"
    asked.write_bytes(b"".join(commit + b"\n" for commit, _ in rows))
    for commit, tree in rows:
        yield commit, b"", b""
        yield tree, b"", b""
    with (
        asked.open("rb") as given,
        git.start("diff-tree", "--stdin", *_DIFF, stdin=given, stderr=DEVNULL) as child,
    ):
        for line in child.stdout or ():
            facts, tab, name = line.rstrip(b"\n").partition(b"\t")
            if not tab:
                continue
            _, mode, old, new, status = facts.split()
            if mode != _SUBMODULE and status != b"D":
                yield new, old, _spread(name)
    asked.unlink()
    if child.returncode:
        raise StoreError(sentence("git {command} failed", command="diff-tree"))


def _spread(name: bytes) -> bytes:
    """Return a name that git does not take for the name of another shard.

    git compares names by a number that is the same for ``14.json`` and ``20.json``.
    """
    return blake2b(name, digest_size=8).hexdigest().encode()


def _members(git: Plumbing, pack: Path) -> Iterator[bytes]:
    """Yield the ids of the objects in a pack."""
    with (
        pack.with_suffix(".idx").open("rb") as index,
        git.start("show-index", stdin=index, stderr=DEVNULL) as child,
    ):
        for line in child.stdout or ():
            yield line.split()[1]  # an index of version 1 has no third column


def _size(pack: Path) -> int:
    return pack.stat().st_size


def stored_bytes(repository: Repository) -> int:
    """Return the bytes of all objects, packed and loose, as they lie on the disk.

    What was fetched of previous repositories is none of this one.
    """
    if repository.joined:
        others = (f"--exclude={each}*" for each in (FETCHED, BASE))
        command = ("rev-list", "--disk-usage", "--objects", *others, "--all")
        return int(repository.plain.line(*command))
    rows = (line.split(": ") for line in repository.git.line("count-objects", "-v").splitlines())
    facts = {name: int(value) for name, value in rows if value.isdigit()}
    return (facts.get("size", 0) + facts.get("size-pack", 0)) * _KIB


def disk_usage(repository: Repository, tip: str, since: datetime) -> int:
    """Return the bytes on the disk that the commits since a time added.

    Args:
        repository: A whole clone.
        tip: Full id of the commit to begin with.
        since: Commits that were made before (committer date, UTC) do not count; order is
            ancestry, the date only decides where to begin.
    """
    state = repository.tip(STATE_REF)
    tips = [tip, state] if state else [tip]
    olds = [old for each in tips if (old := _before(repository, each, since))]
    known = [f"^{old}" for old in olds]
    return int(repository.plain.line("rev-list", "--disk-usage", "--objects", *tips, *known))


def _before(repository: Repository, tip: str, since: datetime) -> str:
    """Return the newest commit before a time; empty: there is none."""
    limit = f"--before={int(since.timestamp())}"
    return repository.git.line("rev-list", "--first-parent", "--max-count=1", limit, tip)
