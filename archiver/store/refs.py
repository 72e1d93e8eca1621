"""Move refs: all of them or none, and only from where they are expected to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.errors import RepositoryBusy, StoreError
from archiver.store.plumbing import failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.store.journal import RefMove
    from archiver.store.repository import Repository

MOVED = re.compile(r"'(\S+)': (?:is at|reference already exists|unable to resolve reference)")
REASON = "archiver: capture"


def move(repository: Repository, moves: Mapping[str, RefMove]) -> None:
    """Move refs in one transaction, each compared with its expected tip under git's lock.

    Raises:
        StoreError: A ref is not where it was expected; nothing moved.
        RepositoryBusy: Somebody's git holds one of them.
    """
    null = repository.null_id
    updates = (f"update {ref} {one.new} {one.old or null}\n" for ref, one in moves.items())
    script = "".join(("start\n", *updates, "prepare\n", "commit\n"))
    answer = repository.git.ask("update-ref", "-m", REASON, "--stdin", stdin=script.encode())
    if not answer.code:
        return
    if found := MOVED.search(answer.err):
        message = f"{found[1]} moved while this run was under way; nothing was written"
        raise StoreError(message, hint="run it again")
    if "File exists" in answer.err:
        message = answer.err.splitlines()[0].removeprefix("fatal: ")
        raise RepositoryBusy(message, hint="another git is working here; try again")
    failed("update-ref", answer)
