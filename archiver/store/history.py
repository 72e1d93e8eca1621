"""Walk the history of one path by one ``git log``.

Along first parents it streams, and goes on at the path from which a commit moved the file. In an
archive the captures of merged branches count too, and a file is followed only to another folder:
then everything below the newest merge, or below the commit in which the file appears, is read and
put in one order. Merges that change nothing and moves are left out there.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from itertools import islice
from math import inf
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from archiver.errors import ShallowHistory
from archiver.language import sentence, stored
from archiver.records.representation import short
from archiver.records.text import few
from archiver.store.plumbing import Answer, Plumbing, failed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from io import BufferedReader

FIELDS = ("%H", "%P", "%at", "%ct", "%s", "%(trailers:only,unfold)")
FORMAT = f"--format={'%x00'.join(FIELDS)}"
LOG = (
    "log",
    "--diff-merges=first-parent",
    "--raw",
    "-t",
    "-z",
    "--no-renames",
    "--no-abbrev",
    "--no-follow",
    "--no-relative",
    "--no-color",
    "--no-notes",
    "--no-show-signature",
    "--no-mailmap",
    "--encoding=UTF-8",
    FORMAT,
)
FIRST_PARENTS = ("--first-parent",)
ALL_PARENTS = ("--full-history", "--parents")  # names every merge, and the parents that it lists
IN_ORDER = (*ALL_PARENTS, "--topo-order")  # reads all before it prints
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z; git stores later ones, datetime does not
GONE = stored("the file is gone")
LIMIT = "-l1000"  # git's own for renames, whatever a setting says
FILES = (b"100644", b"100755")  # a link, a folder or a submodule holds no catalogue


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit that changed a path.

    Attributes:
        id: Full commit id.
        blob: Object id of the file at the path in this commit; None: there is none (see
            `Repository.obstacle`).
        path: The path in this commit; another one than today's where the file was moved since.
        authored_at: Author date, UTC; of our own commits the capture time.
        committed_at: Committer date, UTC.
        subject: First line of the message.
        trailers: The ``Archiver-*`` trailers by their full names; empty in foreign commits.
        came: How the file came to the path, where the commit brought it there from elsewhere.
    """

    id: str
    blob: str | None
    path: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    trailers: Mapping[str, str]
    came: Came | None = field(default=None, kw_only=True)

    __repr__ = short


class Came(NamedTuple):
    """What a commit, in which a file appears, says about where it came from.

    Of a commit in which it is gone, the same about where it went.

    Attributes:
        old: The path that it moved it from; empty: none.
        left: The files of its format, the first few, that it removed; of several it says nothing.
        unknown: Whether a partial clone lacks what would say it.
    """

    old: str
    left: str = ""
    unknown: bool = False

    def __repr__(self) -> str:
        return short(self)


class Entry(NamedTuple):
    """Object id at a path in the first parent and in a commit; None: there is nothing."""

    before: str | None
    after: str | None

    def __repr__(self) -> str:
        return short(self)

    @property
    def appears(self) -> bool:
        """Whether the path was not there before."""
        return self.before is None and self.after is not None


class Node(NamedTuple):
    """A commit as ``git log`` prints it, with the nearest printed commits that it stands on.

    A parent without any printed commit below it is left out: a merge may have one parent.

    Attributes:
        revision: The commit, with the first of the paths.
        parents: Full ids.
        entries: Path to what the commit changed there.
    """

    revision: Revision
    parents: tuple[str, ...]
    entries: Mapping[str, Entry]

    def __repr__(self) -> str:
        return short(self)

    @property
    def changed(self) -> bool:
        """Whether it names the path; else it is a merge, or was cut short."""
        return self.revision.path in self.entries

    @property
    def merges(self) -> bool:
        """Whether it joins several parents."""
        return len(self.parents) > 1


def walk(
    git: Plumbing,
    path: str,
    *,
    tip: str,
    shallow: bool,
    captures: bool = False,
    follow: bool = False,
) -> Iterator[Revision]:
    """Yield the revisions that changed `path`, newest first.

    They are those along first parents: what a merged branch held came into effect by its merge.
    With `captures`, those of merged branches are revisions of their own, and where one commit
    moved the file here, those of the path that it left follow; the move itself is none. With
    `follow`, they follow too, and the move is a revision: it may have changed the file.

    Args:
        git: The repository's git, running at the root of the work tree or in a bare repository.
        path: File, relative, with ``/``; taken literally.
        tip: Full id of the commit to begin with.
        shallow: Whether the clone is shallow.
        captures: Whether what merged branches changed counts, and moves are followed.
        follow: Whether a file is followed as by ``git log --follow``.

    Raises:
        ShallowHistory: The clone ends here; all that was yielded before is certain.
        DamagedObject: A commit or folder is missing or broken.
    """
    ends = shallow_ends(git) if shallow else frozenset()
    place = path
    alone = _followed(git, path, tip) if follow else _first_parents(git, path, tip)
    for revision in _all(git, path, tip) if captures else alone:
        place = revision.path
        if revision.id in ends:  # a clone's last commit looks as if it had added everything
            raise cut_off(revision.id, place)
        yield revision
    if ends:
        root = git.line("rev-list", "--first-parent", "--max-parents=0", tip)
        if root in ends:
            raise cut_off(root, place)


def single(git: Plumbing, commit: str, path: str, blob: str | None) -> Revision:
    """Return one commit as a revision that holds `blob` at `path`."""
    out = git.run("log", "--no-walk", "--no-mailmap", "--encoding=UTF-8", "-z", FORMAT, commit)
    return revision(out.removesuffix(b"\0").split(b"\0"), path, blob)


def moved_from(git: Plumbing, commit: str, path: str) -> str | None:
    """Return the path from which a commit moved a file to `path`; None: it is new there.

    git finds renames by similarity: a file that changed by more than half is new.
    """
    alike = "--find-renames=100%" if is_partial(git) else "--find-renames"
    command = ("diff-tree", "-r", "-z", alike, "--diff-filter=R", f"{commit}^", commit)
    answer = git.ask(*command)
    pieces = [] if answer.code else os.fsdecode(answer.out).split("\0")
    return next(
        (old for old, new in zip(pieces[1::3], pieces[2::3], strict=False) if new == path), None
    )


def shallow_ends(git: Plumbing) -> frozenset[str]:
    """Return the commits whose parents are missing on purpose."""
    listed = git.line("rev-parse", "--path-format=absolute", "--git-path", "shallow")
    return frozenset(Path(listed).read_text(encoding="ascii").split())


def cut_off(commit: str, path: str) -> ShallowHistory:
    """Build the error for the history of `path` that ends at `commit`: the clone is shallow."""
    message = sentence(
        "this clone is shallow: its history ends at {commit}, before the answer", commit=commit[:12]
    )
    hint = sentence("git fetch --unshallow, or git fetch --deepen=100 for a part of it")
    return ShallowHistory(message, hint=hint, commit=commit, path=path)


def walk_folder(git: Plumbing, pattern: str, *, tip: str, shallow: bool) -> Iterator[Revision]:
    """Yield the revisions that changed any file that a pattern names, newest first.

    What each holds is in its tree: as its object it has its own commit. The oldest one says what
    else its commit removed: the folder may have been moved, or one file split.

    Args:
        git: The repository's git.
        pattern: What names the files, as git understands it.
        tip: Full id of the commit to begin with.
        shallow: Whether the clone is shallow.

    Raises:
        ShallowHistory: The clone ends here; all that was yielded before is certain.
        DamagedObject: A commit or folder is missing or broken.
    """
    ends = shallow_ends(git) if shallow else frozenset()
    quiet = (*LOG, "--no-patch", *FIRST_PARENTS)
    before: Revision | None = None
    has_parents = False
    for fields in _listed(by_pattern(git), (*quiet, tip, "--", spec(pattern))):
        if before is not None:
            yield before
        before = revision(fields, pattern, fields[0].decode())
        if before.id in ends:
            raise cut_off(before.id, pattern)
        has_parents = bool(fields[1])
    if before is not None:
        left = few(_alike(git, before.id, pattern, "D")) if has_parents else ""
        yield replace(before, came=Came("", left=left) if left else None)
    if ends:
        root = git.line("rev-list", "--first-parent", "--max-parents=0", tip)
        if root in ends:
            raise cut_off(root, pattern)


def commits(git: Plumbing, tip: str) -> Iterator[Revision]:
    """Yield every commit along first parents, newest first, whatever it changed."""
    quick = [each for each in LOG if each not in ("--raw", "-t")]  # else git compares all trees
    for fields in _listed(git, (*quick, "--no-patch", *FIRST_PARENTS, tip)):
        yield revision(fields, "", None)


def _listed(git: Plumbing, command: Sequence[str]) -> Iterator[list[bytes]]:
    """Yield the `FIELDS` of each commit that ``git log`` prints."""
    with reading(git.start(*command), "log") as stream:
        pieces = tokens(stream)
        while len(fields := list(islice(pieces, len(FIELDS)))) == len(FIELDS):
            yield fields


def by_pattern(git: Plumbing) -> Plumbing:
    """Return the same git, for which a path may be a pattern."""
    return replace(git, variables=(*git.variables, ("GIT_LITERAL_PATHSPECS", "0")))


def spec(pattern: str) -> str:
    """Return a pattern as git takes it from the top: ``*`` ends at a ``/``, ``**`` does not."""
    return f":(top,glob){pattern}"


def _first_parents(git: Plumbing, path: str, tip: str) -> Iterator[Revision]:
    return (node.revision for node in logged(git, (path,), tip, FIRST_PARENTS) if node.changed)


def _followed(git: Plumbing, path: str, tip: str) -> Iterator[Revision]:
    """Yield the revisions along first parents, each at the path that the file had then."""
    place, start = path, tip
    while place:
        came = None
        with closing(logged(git, (place,), start, FIRST_PARENTS)) as nodes:
            for node in nodes:
                if not node.changed:
                    continue
                came = _came(git, node)
                yield replace(node.revision, came=came) if came else node.revision
                if came and came.old:
                    start = node.parents[0]
                    break
        place = came.old if came else ""


def _came(git: Plumbing, node: Node) -> Came | None:
    """Return what is to be said about where a file came from; None: nothing.

    As by ``git log --follow``: by similarity, and never from a file that stayed.
    """
    if not node.parents or not node.entries[node.revision.path].appears:
        return None
    partial = is_partial(git)
    # Unless names and content are all the same, git reads files; it would fetch missing ones.
    alike = "--find-renames=100%" if partial else "--find-renames"
    shown = ("--format=", "--raw", "-z", "--no-abbrev", "--no-color", "--no-show-signature")
    out = git.run(
        *("log", "-1", "--follow", alike, LIMIT, "--diff-merges=first-parent", "--first-parent"),
        *(*shown, "--no-relative", node.revision.id, "--", node.revision.path),
    )
    meta, *names = out.split(b"\0")
    was, _, _, _, status = meta.lstrip(b"\n:").split(b" ") if names else [b""] * 5
    if status.startswith(b"R") and was in FILES:
        return Came(os.fsdecode(names[0]))
    if partial:
        return Came("", unknown=True)
    left = _alike(git, node.revision.id, node.revision.path, "D")
    return Came("", left=left[0]) if len(left) == 1 else None


def departure(git: Plumbing, commit: str, path: str) -> Came:
    """Return what a commit, in which the file at `path` is gone, says about where it went."""
    alike = "--find-renames=100%" if is_partial(git) else "--find-renames"
    command = ("diff-tree", "-r", "-z", "--no-commit-id", alike, LIMIT, "--diff-filter=R")
    answer = git.ask(*command, f"{commit}^", commit)
    pieces = [] if answer.code else os.fsdecode(answer.out).split("\0")
    for old, new in zip(pieces[1::3], pieces[2::3], strict=False):
        if old == path:
            return Came(new)
    return Came("", left=few(_alike(git, commit, path, "A")))


def _alike(git: Plumbing, commit: str, path: str, status: str) -> list[str]:
    """Return the files with the suffix of `path` that a commit removed (D) or added (A)."""
    shown = ("-r", "-z", "--no-renames", "--no-commit-id", "--name-only")
    answer = git.ask("diff-tree", *shown, f"--diff-filter={status}", f"{commit}^", commit)
    names = [] if answer.code else os.fsdecode(answer.out).split("\0")
    suffix = PurePosixPath(path).suffix
    return [name for name in names if name and PurePosixPath(name).suffix == suffix]


def is_partial(git: Plumbing) -> bool:
    """Tell whether the clone may lack the content of files, which git would fetch one by one."""
    asked = ("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$")
    return not git.ask(*asked).code


def _all(git: Plumbing, path: str, tip: str) -> Iterator[Revision]:
    """Yield the revisions in one order.

    It streams down to the newest merge, or to where the file appears or is gone. A commit that is
    no capture may be a merge, too: git leaves out parents without the file. Where a clock ran
    ahead or behind, git prints a commit before those that stand on it, and names wrong parents,
    unless it reads all before it prints.
    """
    nodes = logged(git, (path,), tip, ALL_PARENTS)
    given: set[str] = set()
    following: str | None = None
    for node in nodes:
        entry = node.entries.get(path)
        joins = node.merges or following not in (None, node.revision.id)
        if joins or (entry and (None in entry or not node.revision.trailers)):
            rest = [] if joins else [node, *nodes]
            if len(rest) != 1:
                rest = [*logged(git, (path,), tip, IN_ORDER)]
            ordered = joined(*_traced(git, path, rest), path)
            yield from (each for each in reversed(ordered) if each.id not in given)
            return
        if entry:
            given.add(node.revision.id)
            yield node.revision
        following = "".join(node.parents)


def _traced(
    git: Plumbing, path: str, nodes: list[Node]
) -> tuple[list[Node], frozenset[tuple[str, str]]]:
    """Return `nodes` with those of all paths from which a commit moved the file.

    Args:
        git: The repository's git.
        path: Where the file is in the first of the nodes.
        nodes: What git prints about that path alone, newest first.

    Returns:
        The nodes, and where a file was moved elsewhere: commit and path that it left.
    """
    names = [path]
    gone: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    while True:
        turns = [
            (node.revision.id, name)
            for node in nodes
            for name, entry in node.entries.items()
            if None in entry and (node.revision.id, name) not in seen
        ]
        seen.update(turns)
        moves = {turn: _moves(git, *turn) for turn in turns}
        gone.update(turn for turn, (_, new) in moves.items() if new)
        left = {old for olds, _ in moves.values() for old in olds} - {*names}
        if not left:
            return nodes, frozenset(gone)
        names += sorted(left)
        nodes = [*logged(git, names, nodes[0].revision.id, IN_ORDER)]


def _moves(git: Plumbing, commit: str, path: str) -> tuple[list[str], list[str]]:
    """Return the paths from which a commit moved the file to `path`, and to which it moved it.

    The file keeps its name and its content; where it is copied, it is not moved. A merge is
    looked at from each parent.
    """
    command = ("diff-tree", "-r", "-m", "-z", "--no-renames", "--no-commit-id", "--diff-filter=AD")
    pieces = os.fsdecode(git.run(*command, commit)).split("\0")
    rows = [
        (meta.split(" "), found)
        for meta, found in zip(pieces[::2], pieces[1::2], strict=False)
        if found.rpartition("/")[-1] == path.rpartition("/")[-1]
    ]
    old = {(meta[2], found) for meta, found in rows if meta[4] == "D"}
    new = {(meta[3], found) for meta, found in rows if meta[4] == "A"}
    came = {blob for blob, found in new if found == path}
    went = {blob for blob, found in old if found == path}
    return (
        sorted(found for blob, found in old if blob in came),
        sorted(found for blob, found in new if blob in went),
    )


def moved_to(git: Plumbing, commit: str, path: str) -> str | None:
    """Return the path to which a commit moved the file at `path`; None: it did not."""
    return next(iter(_moves(git, commit, path)[1]), None)


def joined(nodes: Sequence[Node], gone: AbstractSet[tuple[str, str]], path: str) -> list[Revision]:
    """Return the revisions of a history with merges and moves in one order, oldest first.

    Ancestry decides; among commits that do not stand on each other, the author date. A merge counts
    if it holds something else than the revision before it, a move never.

    Args:
        nodes: The commits; the first is the newest and stands on all others.
        gone: Where a file was moved elsewhere, commit and path: what was before is not its
            successor's.
        path: Where the file is in the newest.
    """
    known = {node.revision.id: node for node in nodes}
    order = _oldest_first(known)
    places = _places(order, gone, path)
    blobs: dict[str, str | None] = {}
    found: list[Revision] = []
    for node in order:
        commit, place = node.revision.id, places[node.revision.id]
        entry = node.entries.get(place)
        moved = not node.merges and any(places.get(up, place) != place for up in node.parents)
        changed = entry is not None and not moved
        before = next((blobs[each] for each in node.parents if each in blobs), None)
        blobs[commit] = entry.after if entry and changed else before
        revision = replace(node.revision, path=place, blob=blobs[commit])
        other = revision.blob != (found[-1].blob if found else None)
        if other if node.merges else changed:
            found.append(revision)
    return found


def _places(order: Sequence[Node], gone: AbstractSet[tuple[str, str]], path: str) -> dict[str, str]:
    """Return where the file is in each commit: at `path`, or where it was moved from.

    Empty: it is not there yet, what stands at its path is another one.

    Args:
        order: The commits, oldest first.
        gone: See `joined`.
        path: Where it is in the newest.
    """
    if not gone and not any(node.entries.keys() - {path} for node in order):
        return {node.revision.id: path for node in order}
    held: dict[str, dict[str, str]] = {}
    for node in order:
        files = dict(held.get(node.parents[0], {})) if node.parents else {}
        for name, entry in node.entries.items():
            files.pop(name, None)
            if entry.after is not None:
                files[name] = entry.after
        held[node.revision.id] = files
    places = {order[-1].revision.id: path}
    for node in reversed(order):
        place, files = places[node.revision.id], held[node.revision.id]
        if (node.revision.id, place) in gone:
            place = ""
        for parent in node.parents:
            if parent in held:
                places.setdefault(parent, _place(held[parent], files, place, merges=node.merges))
    return places


def _place(before: Mapping[str, str], after: Mapping[str, str], place: str, *, merges: bool) -> str:
    """Return where a parent has the file that a commit has at `place`.

    Args:
        before: Path to object id in the parent.
        after: Path to object id in the commit.
        place: Path in the commit.
        merges: Whether the commit is a merge: then another branch may have moved the file while
            this one changed it.
    """
    if place in before or place not in after:
        return place
    left = sorted(before.keys() - after.keys())
    same = [name for name in left if before[name] == after[place]]
    return next(iter(same or (left if merges else ())), place)


def _oldest_first(known: Mapping[str, Node]) -> list[Node]:
    """Order commits: none before all that it stands on, else the earlier author date first.

    What brings no content follows at once what it stands on: the date of a merge or a move says
    when a person made it.
    """
    parents = {each: [up for up in node.parents if up in known] for each, node in known.items()}
    children: dict[str, list[str]] = {each: [] for each in known}
    for each, ups in parents.items():
        for parent in ups:
            children[parent].append(each)
    left = {each: len(ups) for each, ups in parents.items()}
    ready = [_rank(known[each]) for each, count in left.items() if not count]
    heapify(ready)
    found = []
    while ready:
        node = known[heappop(ready)[-1]]
        found.append(node)
        for child in children[node.revision.id]:
            left[child] -= 1
            if not left[child]:
                heappush(ready, _rank(known[child]))
    return found


def _rank(node: Node) -> tuple[float, str]:
    known = {None, *(entry.before for entry in node.entries.values())}
    brings = not node.merges and any(each.after not in known for each in node.entries.values())
    return node.revision.authored_at.timestamp() if brings else -inf, node.revision.id


def logged(
    git: Plumbing, paths: Sequence[str], tip: str, parents: Sequence[str]
) -> Generator[Node]:
    """Yield what ``git log`` prints about `paths`."""
    with reading(git.start(*LOG, *parents, tip, "--", *paths), "log") as stream:
        yield from revisions(tokens(stream), paths)


@contextmanager
def reading(child: subprocess.Popen[bytes], command: str) -> Iterator[BufferedReader]:
    """Yield what a git writes; end it with the block, and raise what it complains of."""
    with child:
        try:
            yield cast("BufferedReader", child.stdout)
            errors = cast("IO[bytes]", child.stderr).read().decode(errors="replace").strip()
        except BaseException:
            child.kill()  # the reader has stopped
            raise
    if child.returncode:
        failed(command, Answer(child.returncode, b"", errors))


def tokens(stream: BufferedReader) -> Iterator[bytes]:
    """Yield the NUL-terminated pieces of a stream."""
    rest = b""
    while chunk := stream.read1(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def revisions(pieces: Iterator[bytes], paths: Sequence[str]) -> Iterator[Node]:
    """Parse the pieces of `LOG`: the fields of a commit, then pairs of ``:meta`` and path."""
    path, names = paths[0], {name.encode("utf-8", "surrogateescape"): name for name in paths}
    fields = list(islice(pieces, len(FIELDS)))
    while len(fields) == len(FIELDS):
        found, following = entries_at(pieces, names)
        state = found[path].after if path in found else None
        parents = tuple(fields[1].decode().split())
        yield Node(revision(fields, path, state), parents, found)
        fields = [*following, *islice(pieces, len(FIELDS) - len(following))]


def entries_at(
    pieces: Iterator[bytes], names: Mapping[bytes, str]
) -> tuple[dict[str, Entry], tuple[bytes, ...]]:
    """Return what a commit changed at the paths `names`, and the piece that begins what follows."""
    found: dict[str, Entry] = {}
    for piece in pieces:
        if piece.lstrip(b"\n")[:1] != b":":
            return found, (piece,)
        name = names.get(next(pieces, b""))
        if name is not None:
            was, mode, before, after, _ = piece.lstrip(b"\n:").split(b" ")
            found[name] = Entry(content(was, before), content(mode, after))
    return found, ()


def content(mode: bytes, oid: bytes) -> str | None:
    """Return the object id of an entry; None: it is no file."""
    return oid.decode() if mode in FILES else None


def revision(fields: list[bytes], path: str, blob: str | None) -> Revision:
    """Build a revision from the `FIELDS` that ``git log`` printed."""
    commit, _, authored, committed, subject, trailers = fields
    return Revision(
        commit.decode(),
        blob,
        path,
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
