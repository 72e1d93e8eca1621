"""Walk the history of one path: one streaming ``git log``, along first parents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from archiver.errors import ShallowHistory
from archiver.records.representation import short
from archiver.store.plumbing import Answer, Plumbing, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader

FIELDS = ("%H", "%at", "%ct", "%s", "%(trailers:only,unfold)")
FORMAT = f"--format={'%x00'.join(FIELDS)}"
LOG = (
    "log",
    "--first-parent",
    "--diff-merges=first-parent",
    "--raw",
    "-t",
    "-z",
    "--no-renames",
    "--no-abbrev",
    "--no-follow",
    "--no-show-signature",
    "--no-mailmap",
    "--encoding=UTF-8",
    FORMAT,
)
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z; git stores later ones, datetime does not
NO_CONTENT = (b"000000", b"160000")  # gone, or a submodule: no content in this repository


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit that changed a path.

    Attributes:
        id: Full commit id.
        blob: Object id at the path in this commit; None: the path is gone in it.
        authored_at: Author date, UTC; of our own commits the capture time.
        committed_at: Committer date, UTC.
        subject: First line of the message.
        trailers: The ``Archiver-*`` trailers by their full names; empty in foreign commits.
    """

    id: str
    blob: str | None
    authored_at: datetime
    committed_at: datetime
    subject: str
    trailers: Mapping[str, str]

    __repr__ = short


def walk(git: Plumbing, path: str, *, tip: str, shallow: bool) -> Iterator[Revision]:
    """Yield the revisions that changed `path`, newest first, along first parents.

    Args:
        git: The repository's git, running at the root of the work tree or in a bare repository.
        path: File or folder, relative, with ``/``; taken literally.
        tip: Full id of the commit to begin with.
        shallow: Whether the clone is shallow.

    Raises:
        ShallowHistory: The clone ends here; all that was yielded before is certain.
        DamagedObject: A commit or folder is missing or broken.
    """
    ends = shallow_ends(git) if shallow else frozenset()
    for revision in logged(git, path, tip):
        if revision.id in ends:  # a clone's last commit looks as if it had added everything
            raise cut_off(revision.id)
        yield revision
    if ends:
        root = git.line("rev-list", "--first-parent", "--max-parents=0", tip)
        if root in ends:
            raise cut_off(root)


def single(git: Plumbing, commit: str, blob: str | None) -> Revision:
    """Return one commit as a revision that holds `blob`."""
    out = git.run("log", "--no-walk", "--no-mailmap", "--encoding=UTF-8", "-z", FORMAT, commit)
    return revision(out.removesuffix(b"\0").split(b"\0"), blob)


def moved_from(git: Plumbing, commit: str, path: str) -> str | None:
    """Return the path from which a commit moved a file to `path`; None: it is new there.

    git finds renames by similarity: a file that changed by more than half is new.
    """
    command = ("diff-tree", "-r", "-z", "--find-renames", "--diff-filter=R", f"{commit}^", commit)
    answer = git.ask(*command)
    pieces = [] if answer.code else os.fsdecode(answer.out).split("\0")
    return next(
        (old for old, new in zip(pieces[1::3], pieces[2::3], strict=False) if new == path), None
    )


def shallow_ends(git: Plumbing) -> frozenset[str]:
    """Return the commits whose parents are missing on purpose."""
    listed = git.line("rev-parse", "--path-format=absolute", "--git-path", "shallow")
    return frozenset(Path(listed).read_text(encoding="ascii").split())


def cut_off(commit: str) -> ShallowHistory:
    """Build the error for a history that ends at `commit` because the clone is shallow."""
    message = f"this clone is shallow: its history ends at {commit[:12]}, before the answer"
    hint = "git fetch --unshallow, or git fetch --deepen=100 for a part of it"
    return ShallowHistory(message, hint=hint, commit=commit)


def logged(git: Plumbing, path: str, tip: str) -> Iterator[Revision]:
    """Yield what ``git log`` prints about `path`, as revisions."""
    child = git.start(*LOG, tip, "--", path)
    with child:
        try:
            yield from revisions(tokens(cast("BufferedReader", child.stdout)), path.encode())
            errors = cast("IO[bytes]", child.stderr).read().decode(errors="replace").strip()
        except BaseException:
            child.kill()  # the reader has stopped
            raise
    if child.returncode:
        failed("log", Answer(child.returncode, b"", errors))


def tokens(stream: BufferedReader) -> Iterator[bytes]:
    """Yield the NUL-terminated pieces of a stream."""
    rest = b""
    while chunk := stream.read1(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def revisions(pieces: Iterator[bytes], path: bytes) -> Iterator[Revision]:
    """Parse the pieces of `LOG`: the fields of a commit, then pairs of ``:meta`` and path.

    Every commit names `path`; one that does not was cut short, and is not yielded.
    """
    fields = list(islice(pieces, len(FIELDS)))
    while len(fields) == len(FIELDS):
        found, following = entry_at(pieces, path)
        if found is None:
            return
        mode, blob = found
        yield revision(fields, None if mode in NO_CONTENT else blob)
        fields = [*following, *islice(pieces, len(FIELDS) - len(following))]


def entry_at(
    pieces: Iterator[bytes], path: bytes
) -> tuple[tuple[bytes, str] | None, tuple[bytes, ...]]:
    """Return the new mode and object id at `path`, and the piece that begins what follows."""
    found = None
    for piece in pieces:
        if piece.lstrip(b"\n")[:1] != b":":
            return found, (piece,)
        _, mode, _, oid, _ = piece.split(b" ")
        if next(pieces, b"") == path:
            found = (mode, oid.decode())
    return found, ()


def revision(fields: list[bytes], blob: str | None) -> Revision:
    """Build a revision from the `FIELDS` that ``git log`` printed."""
    commit, authored, committed, subject, trailers = fields
    return Revision(
        commit.decode(),
        blob,
        moment(authored),
        moment(committed),
        subject.decode(errors="replace"),
        own_trailers(trailers.decode(errors="replace")),
    )


def moment(seconds: bytes) -> datetime:
    """Return the UTC time of a git date, at most the last one that `datetime` can hold."""
    return datetime.fromtimestamp(min(int(seconds), LAST_SECOND), UTC)


def own_trailers(text: str) -> dict[str, str]:
    """Return the ``Archiver-*`` trailers of a message, the last of each name."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name: value for name, _, value in pairs if name.startswith("Archiver-")}
