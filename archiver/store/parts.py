"""Push what is too large for one push: older commits first, and a large commit file by file.

A server that limits a push (GitHub: 2 GB) takes the same in several. Every state of its branch in
between is one that the branch had here. The files of one commit that is too large alone are sent
below `UPLOAD`, in commits without parents; a commit that joins these and the large one brings all
the rest of it, so that the branch then moves by a push that sends nothing. Each part is made alike
each time: a push that was killed goes on where it ended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archiver.errors import PushRejected, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archiver.store.remote import Remote, Tips

PART: Final = 1_000_000_000
"""Bytes of one push, as the objects lie on this disk: half of what GitHub takes."""
SMALLEST: Final = 1_000
"""Bytes below which no push is divided any more."""
UPLOAD: Final = "refs/archiver/upload/"
"""Below it stand parts of commits while they are sent."""
TOO_LARGE: Final = re.compile(r"exceeds maximum allowed size|HTTP 413|larger than the maximum")
"""What git, or what stands before it, says of a push that is too large."""


class Refused(PushRejected):
    """The other copy was reached, and does not take a ref."""


class Raced(Refused):
    """Somebody else pushed meanwhile, or git words it so: fetch, then rebase."""


class TooLarge(Refused):
    """It does not take so much at once."""


_NOBODY: Final = "archiver <archiver@localhost> 0 +0000"


class Parts:
    """One push of the branch and what goes with it, in parts."""

    def __init__(self, remote: Remote, limit: int) -> None:
        """Send at most `limit` bytes at once."""
        self._remote = remote
        self._git = remote.repository.plain
        self._limit = limit

    def push(self, refs: Sequence[str], tips: Tips, there: Iterable[str]) -> None:
        """Push `refs`, the branch first.

        Args:
            refs: Full names.
            tips: What the other copy has.
            there: The ids of parts that it has from a push that did not end.

        Raises:
            PushRejected: It does not take a part.
        """
        repository = self._remote.repository
        ours = repository.tip(refs[0]) or ""
        uploaded = set(there)
        before, waiting = tips.branch, 0
        for commit in self._chain(ours, tips.branch):
            size = self.size([commit], [before])
            if waiting and waiting + size > self._limit and before is not None:
                self._remote.send([f"{before}:{refs[0]}"])
                waiting = 0
            if size > self._limit:
                self._upload(commit, before, uploaded)
                size = 0
            before, waiting = commit, waiting + size
        self._remote.send([f"{ref}:{ref}" for ref in refs])

    def _chain(self, ours: str, theirs: str | None) -> Iterator[str]:
        """Yield the commits that they lack, oldest first; each stands on the one before."""
        repository = self._remote.repository
        lacking = () if theirs is None else (f"^{theirs}",)
        listed = self._git.run("rev-list", "--first-parent", "--reverse", ours, *lacking)
        found = listed.decode().split()
        for number, commit in enumerate(found):
            if theirs is None or repository.is_ancestor(theirs, commit):
                yield from found[number:]
                return

    def size(self, new: Iterable[str], known: Iterable[str | None]) -> int:
        """Return the bytes on this disk of what commits have that others lack."""
        lacking = (f"^{each}" for each in known if each)
        answer = self._git.ask("rev-list", "--disk-usage", "--objects", *new, *lacking)
        return int(answer.out) if not answer.code else 0  # a partial clone does not know

    def _upload(self, commit: str, before: str | None, there: set[str]) -> None:
        """Send all that a commit brings, without moving the branch."""
        parts = [self._commit(self._tree(blobs)) for blobs in self._groups(commit, before)]
        # the parents of the last one are there by then, so git leaves out what they hold
        for part in (*parts, self._commit(self._tree(()), *parts, commit)):
            if part not in there:
                self._remote.send([f"{part}:{UPLOAD}{part}"])

    def _groups(self, commit: str, before: str | None) -> Iterator[list[str]]:
        """Yield the files that a commit brings, as many as one push may hold."""
        lacking = () if before is None else (f"^{before}",)
        new = self._git.run("rev-list", "--objects", "--no-object-names", commit, *lacking)
        form = "--batch-check=%(objecttype) %(objectsize:disk) %(objectname)"
        rows = self._git.run("cat-file", form, stdin=new).decode().splitlines()
        group: list[str] = []
        total = 0
        for row in rows:
            kind, size, oid = row.split(" ")
            if kind != "blob":
                continue
            if group and total + int(size) > self._limit:
                yield group
                group, total = [], 0
            group.append(oid)
            total += int(size)
        if group:
            yield group

    def _tree(self, blobs: Iterable[str]) -> str:
        rows = "".join(f"100644 blob {oid}\t{oid}\n" for oid in blobs)
        return self._git.run("mktree", stdin=rows.encode()).decode().strip()

    def _commit(self, tree: str, *parents: str) -> str:
        ups = "".join(f"parent {each}\n" for each in parents)
        text = f"tree {tree}\n{ups}author {_NOBODY}\ncommitter {_NOBODY}\n\nA part of an upload\n"
        made = self._git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        return made.decode().strip()


def push(remote: Remote, refs: Sequence[str]) -> None:
    """Push `refs`, the branch first, at once or in parts; then remove what a push left behind.

    Raises:
        PushRejected: The other copy does not take them.
    """
    if not refs:
        return  # without a ref git would push what is configured
    whole = [f"{ref}:{ref}" for ref in refs]
    limit = PART
    size = Parts(remote, limit).size(refs, remote.known())
    if size <= limit:
        try:
            remote.send(whole)
        except TooLarge:
            limit = size // 2
        else:
            if remote.has_uploads():
                _clean(remote)
            return
    _in_parts(remote, refs, limit, whole)
    _clean(remote)


def _in_parts(remote: Remote, refs: Sequence[str], limit: int, whole: Sequence[str]) -> None:
    """Push in parts that become smaller until the server takes them."""
    ours = remote.repository.tip(refs[0]) or ""
    while True:
        tips = remote.tips()
        theirs = tips.branch
        if theirs is not None and not remote.repository.is_ancestor(theirs, ours):
            remote.send(whole)  # it is refused as it is anywhere: somebody else pushed
            return
        try:
            Parts(remote, limit).push(refs, tips, remote.uploads().values())
        except TooLarge:
            limit //= 2
            if limit < SMALLEST:
                raise
        except Raced:
            raise
        except Refused:
            remote.send(whole)  # it takes no other refs
            return
        else:
            return


def _clean(remote: Remote) -> None:
    """Remove the parts from the other copy; what stays is removed after the next push."""
    try:
        if left := remote.uploads():
            remote.send([f":{ref}" for ref in left])
        remote.forget_uploads()
    except StoreError:
        return
