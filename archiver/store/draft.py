"""Write the commits that a change asks for; no ref knows them yet, so nothing has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import StoreError
from archiver.language import sentence
from archiver.store import worktree
from archiver.store.change import configured
from archiver.store.durable import disk_errors
from archiver.store.index import Index
from archiver.store.journal import Journal, Move, RefMove
from archiver.store.loose import TreeEditor
from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.store.change import Change
    from archiver.store.loose import LooseStore
    from archiver.store.objects import ObjectReader
    from archiver.store.repository import Repository

KEPT_REF = "refs/archiver/kept"
"""Holds the local changes that managed files had, below ``worktree/`` and ``index/``."""
KEPT_MESSAGE = "Keep what a capture replaced in managed files\n"
STATE_MESSAGE = "Remember the state of the archive\n"


class Draft:
    """One change, on its way from values to commits."""

    def __init__(
        self, repository: Repository, change: Change, reader: ObjectReader, loose: LooseStore
    ) -> None:
        """Prepare to write the objects of `change` to `loose`."""
        self._repository = repository
        self._change = change
        self._reader = reader
        self._loose = loose
        author = change.author or configured(repository.git)
        self._signatures = (
            f"author {author.signature(change.authored_at)}\n"
            f"committer {author.signature(change.committed_at)}\n"
        )
        self._replaced: dict[str, str | None] = {}
        self._gone = frozenset(path for path, after in change.files.items() if after is None)
        self.kept: dict[str, str] = {}

    def journal(self, scratch: Path, ours: Mapping[str, Move]) -> Journal:
        """Write every object and return what is to be moved.

        Args:
            scratch: Our scratch folder, on the same disk.
            ours: Path to what an earlier transaction could not set in the index.

        Raises:
            StoreError: A folder or link of the user is in the place of a managed file.
        """
        change, git_dir = self._change, str(self._repository.git_dir)
        refs = self._state()
        branch = self._branch()
        root = self._work_tree() if branch else None
        if root is None:
            return Journal(git_dir, None, change.branch, branch | refs)
        index = Index(self._repository, root, scratch)
        entries = index.entries()
        if change.adopted is not None:
            self._refuse_foreign(index, entries)
        files = self._files(root, entries, ours)
        tip = self._repository.tip(KEPT_REF) if self.kept else None
        kept = self._move(KEPT_REF, tip, self.kept, KEPT_MESSAGE)
        return Journal(git_dir, str(root), change.branch, branch | refs | kept, files)

    def commit(self) -> str:
        """Write the commit on top of `expected` and return its id; no ref is to be moved."""
        change = self._change
        moved = self._move(change.branch, change.expected, change.files, change.message)
        return moved[change.branch].new if moved else change.expected or ""

    def _branch(self) -> dict[str, RefMove]:
        change = self._change
        if change.adopted is None:
            return self._move(change.branch, change.expected, change.files, change.message)
        if change.adopted == change.expected:
            return {}
        self._replaced.update(change.replaced)
        return {change.branch: RefMove(change.expected, change.adopted)}

    def _state(self) -> dict[str, RefMove]:
        state = {path: self._blob(content) for path, content in self._change.state.items()}
        tip, base = self._repository.tip(STATE_REF), self._change.state_base
        if base is None or base == tip:
            return self._move(STATE_REF, tip, state, STATE_MESSAGE)
        moved = self._move(STATE_REF, base, state, STATE_MESSAGE)
        return {STATE_REF: RefMove(tip, moved[STATE_REF].new if moved else base)}

    def _work_tree(self) -> Path | None:
        here, branch = self._repository, self._change.branch
        worktree.refuse_elsewhere(here.git, here.common_dir, branch, here.root)
        return here.root if here.checked_out() == branch else None

    def _move(
        self, ref: str, old: str | None, files: Mapping[str, str | None], message: str
    ) -> dict[str, RefMove]:
        if not files:
            return {}
        base = self._tree_of(old) if old else None
        editor = TreeEditor(self._reader, self._loose, self._replaced)
        tree = editor.edit(base, files)
        return {} if tree == base else {ref: RefMove(old, self._commit(tree, old, message))}

    def _files(
        self, root: Path, entries: Mapping[str, str], ours: Mapping[str, Move]
    ) -> dict[str, Move]:
        files = {}
        for path, after in self._change.files.items():
            before = self._content_id(root, path)
            program = path in self._change.programs
            files[path] = move = Move(before, entries.get(path), after, program)
            if not self._change.manages(path):
                continue
            known = {None, after, self._replaced[path]}
            if move.before not in known:
                self.kept[f"worktree/{path}"] = self._keep(root / path)
            if path in ours:
                known = known | {ours[path].staged}
            if move.staged not in known | {move.before}:
                self.kept[f"index/{path}"] = entries[path]
        return files

    def _refuse_foreign(self, index: Index, entries: Mapping[str, str]) -> None:
        """Check that an unmanaged file has no local changes before it is replaced.

        git decides what is a change: it knows about line ends and filters. Files that a sparse
        checkout leaves out are left to git.
        """
        changed = index.changed()
        for path, after in self._change.files.items():
            was, staged = self._change.replaced[path], entries.get(path)
            if self._change.manages(path) or (staged == after and path not in changed):
                continue
            clean = staged == was and path not in changed
            if was is None and clean:
                clean = self._content_id(index.root, path) in (None, after)
            if not clean:
                message = sentence("{path} is changed here and elsewhere", path=path)
                raise StoreError(message, hint=sentence("commit it, then: git pull"))

    def _content_id(self, root: Path, path: str) -> str | None:
        return worktree.content_id(root, path, self._repository.object_format, gone=self._gone)

    def _keep(self, file: Path) -> str:
        with disk_errors():
            return self._loose.write("blob", worktree.pieces(file), file.stat().st_size)

    def _blob(self, content: bytes | None) -> str | None:
        return None if content is None else self._loose.write("blob", [content], len(content))

    def _tree_of(self, commit: str) -> str:
        first, _, _ = self._reader.read(commit).partition(b"\n")
        return first.removeprefix(b"tree ").decode()

    def _commit(self, tree: str, parent: str | None, message: str) -> str:
        parents = f"parent {parent}\n" if parent else ""
        text = f"tree {tree}\n{parents}{self._signatures}\n{message.rstrip()}\n"
        try:
            content = text.encode()
        except UnicodeEncodeError as lone:
            raise StoreError(sentence("a commit message must be valid Unicode")) from lone
        return self._loose.write("commit", [content], len(content))
