"""Open a data repository, name its commits, and read what they hold."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from archiver.errors import (
    DamagedObject,
    NotADataRepository,
    NotInARepository,
    StoreError,
    UnknownRevision,
)
from archiver.language import sentence
from archiver.store import history, lfs
from archiver.store.folder import FolderReader
from archiver.store.joined import BASE, VARIABLES, Join, joins
from archiver.store.objects import ObjectReader
from archiver.store.plumbing import RECOVER, Plumbing, require_git
from archiver.store.promised import LOCAL, Promised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.records.lfs import Pointer
    from archiver.store.history import Came, Revision

STATE_REF = "refs/archiver/state"
BRANCHES = "refs/heads/"
DISCOVERY = (
    "--is-bare-repository",
    "--is-inside-work-tree",
    "--git-dir",
    "--git-common-dir",
    "--show-object-format",
    "--is-shallow-repository",
    "--show-cdup",
)
_GONE, _PROGRAM = "000000", "100755"
_FOLDER = "040000"
_KINDS = {
    _FOLDER: sentence("a folder"),
    "120000": sentence("a symbolic link"),
    "160000": sentence("a submodule"),
}
_FILES = frozenset({_GONE, "100644", _PROGRAM})
_LOST, _ELSEWHERE = "BAD", "-"
"""What ``git ls-tree -l`` says in place of the size of a lost file, and of a submodule."""
FORBIDDEN = ("..", ":", "@{", "\n", "\0")


class Differences(NamedTuple):
    """In which files two commits differ.

    Attributes:
        files: Path to the blob id in the new one; None: it is gone.
        replaced: Path to the blob id in the old one; None: it was not there.
        programs: Those that are programs in the new one.
    """

    files: dict[str, str | None]
    replaced: dict[str, str | None]
    programs: set[str]


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository; cheap to open, opened for one operation and closed after it.

    Attributes:
        root: Root of the work tree; None in a bare repository.
        git_dir: Its git folder; in a linked work tree the one of that work tree.
        common_dir: The git folder that all linked work trees share.
        object_format: ``sha1`` or ``sha256``.
        shallow: Whether the history is cut off on purpose.
        git: git, running in this repository; it fetches nothing by itself.
        joined: Where its history goes on in what was fetched of the repository before it.
        promised: What the clone may lack because it is a partial one; None: it is whole.
    """

    root: Path | None
    git_dir: Path
    common_dir: Path
    object_format: str
    shallow: bool
    git: Plumbing
    joined: tuple[Join, ...] = ()
    promised: Promised | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the repository that `path` is in, searching its parents.

        Raises:
            NotADataRepository: There is none, or git does not trust its owner.
            StoreError: git is missing or too old.
        """
        folder = path if path.is_dir() else path.parent
        if not folder.is_dir():
            raise NotADataRepository(
                sentence("there is no folder {folder}", folder=folder), hint="archiver init"
            )
        require_git()
        here = Plumbing(folder.resolve())
        answer = here.ask("rev-parse", "--path-format=absolute", *DISCOVERY)
        facts = os.fsdecode(answer.out).splitlines()
        if answer.code or len(facts) < len(DISCOVERY) - 1:
            raise unopened(path, answer.err)
        return cls._from_facts(here.folder, facts)

    @classmethod
    def _from_facts(cls, folder: Path, facts: list[str]) -> Self:
        bare, inside, git_dir, common_dir, object_format, shallow, *up = facts
        if bare == "false" and inside == "false":
            message = sentence("{folder} is the inside of a git folder", folder=folder)
            raise NotADataRepository(
                message, hint=sentence("go to the work tree that it belongs to")
            )
        root = None if bare == "true" else (folder / "".join(up)).resolve()
        shared = Path(common_dir)
        options = (f"--git-dir={git_dir}",)
        git = Plumbing(root or Path(git_dir), options, variables=LOCAL)
        joined = joins(shared)
        if joined and not git.run("for-each-ref", "--count=1", BASE):
            joined = ()  # somebody removed what the mark speaks of
        git = replace(git, variables=(*LOCAL, *(VARIABLES if joined else ())))
        known = cls(root, Path(git_dir), shared, object_format, shallow == "true", git, joined)
        return replace(known, promised=Promised.of(known.plain, shared))

    @classmethod
    def init(cls, path: Path, *, branch: str = "main", object_format: str = "sha1") -> Self:
        """Make a repository on an unborn branch, in a new or existing folder.

        Args:
            path: The folder.
            branch: The branch's plain name.
            object_format: ``sha1`` or ``sha256``.

        Raises:
            StoreError: There is a repository already, or the folder cannot be made.
        """
        if (path / ".git").exists():
            raise StoreError(sentence("{path} is a git repository already", path=path))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise StoreError(
                sentence(
                    "cannot make the folder {path}: {strerror}",
                    path=path,
                    strerror=refused.strerror,
                )
            ) from refused
        require_git()
        how = (f"--initial-branch={branch}", f"--object-format={object_format}")
        Plumbing(path.resolve()).run("init", "--quiet", *how, "--template=")
        return cls.open(path)

    def __enter__(self) -> Self:
        """Return the repository itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hold nothing: processes belong to the readers that started them."""

    @property
    def null_id(self) -> str:
        """The object id that git writes for "nothing"."""
        return "0" * (2 * hashlib.new(self.object_format).digest_size)

    @property
    def plain(self) -> Plumbing:
        """Git without what was joined: every commit as it was written."""
        return replace(self.git, variables=LOCAL)

    def inheriting(self, descriptor: int) -> Self:
        """Return the same repository, whose git keeps `descriptor` open (the lock)."""
        return replace(self, git=replace(self.git, inherited=(descriptor,)))

    def offline(self) -> Self:
        """Return the same repository, which says what it lacks and fetches nothing."""
        return replace(self, promised=self.promised and self.promised.closed())

    def expect(self, wanted: Mapping[str, str]) -> None:
        """Take note of what is read together: where a partial clone lacks it, one fetch brings it.

        Args:
            wanted: Full object id to what people call it.
        """
        if self.promised is not None:
            self.promised.expect(wanted)

    def bring(self, wanted: Mapping[str, str]) -> None:
        """Fetch at once what a partial clone lacks of these: object id to what people call it."""
        if self.promised is not None and wanted:
            self.promised.bring_all(wanted)

    def _mention(self, files: Mapping[str, str]) -> None:
        """Take note of files of a commit that may be read together: path to object id."""
        if self.promised is not None:
            self.promised.mention({oid: path for path, oid in files.items()})

    def branch(self, name: str | None) -> str:
        """Return the full ref of branch `name`, or of the branch checked out (maybe unborn).

        Raises:
            StoreError: HEAD is detached, or `name` is no plain name of a branch.
        """
        if name is None:
            ref = self._head()
            if not ref.startswith(BRANCHES):
                raise StoreError(
                    sentence("HEAD is detached"),
                    hint=sentence("git switch BRANCH, or set `branch`"),
                )
            return ref
        ref = BRANCHES + name
        plain = not name.startswith(("-", "refs/")) and name != "HEAD" and "\0" not in name
        if not plain or self.git.ask("check-ref-format", ref).code:
            raise StoreError(
                sentence("{name!r} is no name of a branch", name=name),
                hint=sentence("a plain name, as `data`"),
            )
        return ref

    def checked_out(self) -> str | None:
        """Return the full ref of the branch in the work tree; None: detached or no work tree."""
        return None if self.root is None else self._head() or None

    def _head(self) -> str:
        """Return the full ref that HEAD stands for; empty: it is detached."""
        return os.fsdecode(self.git.ask("symbolic-ref", "--quiet", "HEAD").out).strip()

    def _parsed(self, ref: str) -> str | None:
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        return None if answer.code else answer.out.decode().strip()

    def tip(self, ref: str) -> str | None:
        """Return the id that a full ref or ``HEAD`` has; None: unborn.

        Raises:
            StoreError: The ref is there but cannot be read.
        """
        if (found := self._parsed(ref)) is not None:
            return found
        named = self._head() if ref == "HEAD" else ref
        if not named or (self.common_dir / named).is_file():
            if (made := self._parsed(ref)) is not None:
                return made  # by another run, after the first look
            raise StoreError(
                sentence("{ref} is damaged", ref=ref),
                hint=sentence("see `git reflog` for what it was"),
            )
        return None

    def resolve(self, text: str) -> str:
        """Return the full id of the one commit that `text` names; tags are peeled.

        Args:
            text: A full or abbreviated id, branch, tag, or ``HEAD~3``.

        Raises:
            UnknownRevision: It names no commit, or more than one.
        """
        if not text or text[0] in "-^" or any(bad in text for bad in FORBIDDEN):
            raise UnknownRevision(
                sentence("{text!r} is not the name of one revision", text=text), hint="archiver log"
            )
        wanted = f"{text}^{{commit}}"
        answer = self.git.ask("rev-parse", "--verify", "--end-of-options", wanted)
        if "is ambiguous" in answer.err:
            raise UnknownRevision(
                sentence("{text!r} is ambiguous", text=text), hint=sentence("give more of its name")
            )
        if answer.code:
            raise UnknownRevision(
                sentence("there is no revision {text!r}", text=text), hint="archiver log"
            )
        return answer.out.decode().strip()

    def history(
        self, path: str, *, tip: str, captures: bool = False, follow: bool = False
    ) -> Iterator[Revision]:
        """Yield every commit that changed `path`, newest first, along first parents.

        Args:
            path: File, relative, with ``/``; taken literally.
            tip: Full id of the commit to begin with.
            captures: Whether the captures of merged branches count too, and moves are followed.
            follow: Whether a file is followed as by ``git log --follow``.

        Raises:
            ShallowHistory: The clone ends here; all that was yielded before is certain.
            DamagedObject: A commit or folder is missing or broken.
        """
        return history.walk(
            self.git, path, tip=tip, shallow=self.shallow, captures=captures, follow=follow
        )

    def folder_history(self, pattern: str, *, tip: str) -> Iterator[Revision]:
        """Yield every commit that changed a file that a pattern names, as `history` does."""
        return history.walk_folder(self.git, pattern, tip=tip, shallow=self.shallow)

    def commits(self, tip: str) -> Iterator[Revision]:
        """Yield the commits of this repository alone along first parents, newest first."""
        return history.commits(self.plain, tip)

    def first_parents(self, tip: str) -> list[str]:
        """Return the commits back from `tip` along first parents, newest first."""
        return self.git.run("rev-list", "--first-parent", tip).decode().split()

    def folders(self, pattern: str) -> FolderReader:
        """Return what reads which files a pattern names, to be used in a ``with`` block."""
        return FolderReader(
            self.git, pattern, self.git.line("hash-object", "-t", "tree", "--stdin")
        )

    def deleted(self, path: str, *, since: str, tip: str) -> bool:
        """Return whether a commit of `tip` that `since` lacks deleted the file `path`.

        Args:
            path: File, relative, with ``/``.
            since: Full commit id.
            tip: Full commit id.
        """
        found = ("log", "-1", "--full-history", "-m", "--no-renames", "--diff-filter=D")
        shown = ("--format=%H", "--no-follow", "--no-show-signature")
        return bool(self.git.run(*found, *shown, f"{since}..{tip}", "--", path))

    def revision(self, commit: str, path: str) -> Revision:
        """Return a commit with what it holds at `path`, whether or not it changed that.

        Args:
            commit: Full commit id.
            path: File, relative, with ``/``.
        """
        mode, _, oid = self._rows(commit, path).get(path, [_GONE, "", ""])[:3]
        blob = oid if mode in _FILES - {_GONE} else None
        return history.single(self.git, commit, path, blob)

    def obstacle(self, commit: str, path: str) -> str:
        """Return why a commit has no file at `path`, as words; empty: it has one.

        Another program may have put a link, a folder or a submodule in its place, or in that of
        a folder above it. None is followed: a link would lead out of the history.

        Args:
            commit: Full commit id.
            path: File, relative, with ``/``.
        """
        *above, last = [*accumulate(path.split("/"), "{}/{}".format)]
        for place in above:
            mode = self._listed(commit, place, column=0).get(place, _GONE)
            if mode == _GONE:
                break
            if mode != _FOLDER:
                return sentence(
                    "{place} is {mode}", place=place, mode=_KINDS.get(mode, sentence("a file"))
                )
        mode = self._listed(commit, last, column=0).get(last, _GONE)
        if mode == _GONE:
            return history.GONE
        return sentence("it is {kinds}", kinds=_KINDS[mode]) if mode in _KINDS else ""

    def moved_from(self, commit: str, path: str) -> str | None:
        """Return the path from which a commit moved a file to `path`; None: it is new there.

        Args:
            commit: Full commit id.
            path: File, relative, with ``/``.
        """
        return history.moved_from(self.git, commit, path)

    def departure(self, commit: str, path: str) -> Came:
        """Return where the file at `path` went in the commit in which it is gone."""
        return history.departure(self.git, commit, path)

    def moved_to(self, path: str, tip: str) -> str | None:
        """Return where the newest commit that deleted the file `path` moved it; None: nowhere.

        Args:
            path: File, relative, with ``/``.
            tip: Full id of the commit to begin with.
        """
        for revision in self.history(path, tip=tip):
            return history.moved_to(self.git, revision.id, path) if not revision.blob else None
        return None

    def object_at(self, commit: str, path: str) -> str | None:
        """Return the id of the file or folder at `path` in a commit; None where absent."""
        return self._listed(commit, path).get(path)

    def entries(self, commit: str, path: str) -> dict[str, str]:
        """Return the names and object ids in a folder of a commit; empty where absent.

        Args:
            commit: Full commit id.
            path: The folder, relative, with ``/``; empty for the root.
        """
        folder = f"{path}/" if path else ""
        listed = self._listed(commit, folder)
        self._mention(listed)
        return {name.removeprefix(folder): oid for name, oid in listed.items()}

    def _listed(self, commit: str, path: str, *options: str, column: int = 2) -> dict[str, str]:
        rows = self._rows(commit, path, *options)
        return {name: columns[column] for name, columns in rows.items()}

    def _rows(self, commit: str, path: str, *options: str) -> dict[str, list[str]]:
        """Return path to mode, type, object id and, with ``-l``, size."""
        wanted = ("--", path) if path else ()
        out = self.git.run("ls-tree", *options, "-z", "--full-tree", commit, *wanted)
        rows = (os.fsdecode(row).partition("\t") for row in out.split(b"\0") if row)
        return {name: meta.split() for meta, _, name in rows}

    def blobs(self, commit: str) -> dict[str, str]:
        """Return the object id of every file in a commit, by path."""
        return self._listed(commit, "", "-r")

    def sizes(self, commit: str, folder: str) -> dict[str, int]:
        """Return the size in bytes of every file below `folder` in a commit, by path.

        Raises:
            DamagedObject: One is missing or broken.
        """
        if self.promised is not None:
            return self._sizes_here(commit, folder, self.promised)
        sizes = self._listed(commit, f"{folder}/", "-r", "-l", column=3)
        lost = next((path for path, size in sizes.items() if size == _LOST), None)
        if lost is not None:
            raise DamagedObject(
                sentence("the content of {lost} is missing or damaged", lost=lost), hint=RECOVER
            )
        return {path: int(size) for path, size in sizes.items() if size != _ELSEWHERE}

    def _sizes_here(self, commit: str, folder: str, promised: Promised) -> dict[str, int]:
        """Return the sizes of those files that a partial clone has."""
        rows = self._rows(commit, f"{folder}/", "-r")
        blobs = {path: columns[2] for path, columns in rows.items() if columns[1] == "blob"}
        here = promised.here(blobs.values())
        with self.objects() as reader:
            return {path: reader.size(oid) for path, oid in blobs.items() if oid in here}

    def parent(self, commit: str) -> str | None:
        """Return the full id of the first parent; None: there is none, or the clone ends here."""
        return self._parsed(f"{commit}^")

    def first(self, tip: str) -> str:
        """Return the first commit along first parents; empty: the clone ends before it."""
        found = self.plain.line("rev-list", "--first-parent", "--max-parents=0", tip)
        return "" if self.shallow else found

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether the commit `old` is an ancestor of `new`, as far as the clone reaches."""
        return not self.git.ask("merge-base", "--is-ancestor", old, new).code

    def since(self, base: str, tip: str) -> list[str]:
        """Return the commits of `tip` that `base` lacks, oldest first, along first parents.

        git's own ``^base`` relies on commit dates: with a wrong clock it lists what both have.
        """
        found: list[str] = []
        for commit in self.git.run("rev-list", "--first-parent", tip).decode().split():
            if self.is_ancestor(commit, base):
                break
            found.append(commit)
        return found[::-1]

    def differences(self, old: str | None, new: str) -> Differences:
        """Return in which files two commits differ.

        Args:
            old: Full id; None: an empty tree.
            new: Full id.

        Raises:
            StoreError: One is a link or a submodule, or its name is not in UTF-8.
        """
        start = old or self.git.line("hash-object", "-t", "tree", "--stdin")  # of an empty tree
        out = self.git.run("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", start, new)
        pieces = out.split(b"\0")[:-1]
        found = Differences({}, {}, set())
        for meta, name in zip(pieces[::2], pieces[1::2], strict=True):
            was, mode, before, after, _ = meta.decode("ascii").removeprefix(":").split(" ")
            path = name.decode("utf-8", "backslashreplace")
            if not {was, mode} <= _FILES or path.encode() != name:
                raise StoreError(
                    sentence("{path} is no plain file", path=path), hint=sentence("run git pull")
                )
            found.replaced[path] = before if was != _GONE else None
            found.files[path] = after if mode != _GONE else None
            if mode == _PROGRAM:
                found.programs.add(path)
        return found

    def message(self, commit: str) -> str:
        """Return the whole message of a commit."""
        with self.objects() as reader:
            return reader.read(commit).partition(b"\n\n")[2].decode(errors="replace")

    def read_state(self, path: str) -> bytes | None:
        """Return a file of the state ref, verified; None where absent."""
        commit = self.tip(STATE_REF)
        return self.read(commit, path) if commit else None

    def read(self, commit: str, path: str) -> bytes | None:
        """Return the content of the file at `path` in a commit, verified; None where absent."""
        oid = self.object_at(commit, path)
        if oid is None:
            return None
        self._mention({path: oid})
        with self.objects() as reader:
            return reader.read(oid)

    def is_folder(self, commit: str, path: str) -> bool:
        """Return whether there is a folder at `path` in a commit."""
        return self._listed(commit, path, column=0).get(path) == _FOLDER

    def large_file(self, pointer: Pointer) -> Path | None:
        """Return the file that a Git LFS pointer stands for, verified; None: it is not here."""
        return lfs.found(self.common_dir, pointer)

    def objects(self) -> ObjectReader:
        """Return a reader of objects, to be used in a ``with`` block."""
        return ObjectReader(self.plain, self.object_format, self.promised)


def unopened(path: Path, words: str) -> NotADataRepository:
    """Build the error for a folder that git does not open."""
    if "dubious ownership" in words:
        hint = sentence(
            "if you trust it: git config --global --add safe.directory {resolve}",
            resolve=path.resolve(),
        )
        return NotADataRepository(sentence("{path} belongs to another user", path=path), hint=hint)
    if "not a git repository" in words:
        return NotInARepository(
            sentence("{path} is not in a git repository", path=path), hint="archiver init"
        )
    first = words.splitlines()[0] if words else sentence("git does not open it")
    return NotADataRepository(
        sentence("{path}: {removeprefix}", path=path, removeprefix=first.removeprefix("fatal: "))
    )
