"""Push this copy; where another copy pushed first, rebase onto what it pushed and push again."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.capture.target import open_target
from archiver.errors import PushRejected, reason
from archiver.language import sentence
from archiver.store.change import Change, Identity
from archiver.store.commit import KEPT_REF, writing
from archiver.store.parts import Raced, Refused
from archiver.store.remote import Remote
from archiver.store.repository import STATE_REF, Differences, Repository
from archiver.store.transfer import TOKEN
from archiver.sync.merge import merged_state
from archiver.sync.rebase import Rebase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from archiver.config import Config
    from archiver.store.remote import Tips
    from archiver.sync.rebase import Rebased

TRIES: Final = 5
"""How often a push is tried while others are faster."""
_PAUSE: Final = 0.5  # seconds

_log = logging.getLogger(__name__)


class Synced(NamedTuple):
    """The outcome of a fetch or a push.

    Attributes:
        rebuilt: Full id of a commit that was here to what stands for it now.
        notes: What the person should know.
    """

    rebuilt: dict[str, Rebased]
    notes: tuple[str, ...] = ()

    def then(self, later: Synced) -> Synced:
        """Return the outcome of both, one after the other."""
        rebuilt = dict(later.rebuilt)
        for old, first in self.rebuilt.items():
            second = later.rebuilt.get(first.revision, first)
            rebuilt[old] = second if second.report else first._replace(revision=second.revision)
        return Synced(rebuilt, self.notes + later.notes)


def check(config: Config) -> None:
    """Find the other copy, so that a mistake is known before anything is fetched.

    Raises:
        PushRejected: There is none.
        StoreError: HEAD is detached.
    """
    with Repository.open(config.root) as repository:
        _remote(config, repository)


def fetched(config: Config, *, clock: Callable[[], datetime]) -> Synced:
    """Update this copy to the other one before a run; captures that are only here are rebased.

    Raises:
        PushRejected: There is no other copy, it cannot be reached, or the two cannot be joined.
        StoreError: HEAD is detached, or a person's file stands in the way.
    """
    with Repository.open(config.root) as repository:
        remote = _remote(config, repository)
        return _joined(config, remote, remote.fetch(), clock())


def push(
    config: Config,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251  a use case may wait
    chance: Callable[[], float] = random.random,
) -> Synced:
    """Push branch and state; where others were faster, rebase onto what they pushed.

    Raises:
        PushRejected: The other copy does not take it; what is committed stays here.
        StoreError: HEAD is detached, or a person's file stands in the way.
    """
    synced = Synced({})
    seen: Tips | None = None
    unmoved = False
    for attempt in range(TRIES):
        with Repository.open(config.root) as repository:
            remote = _remote(config, repository)
            try:
                remote.push()
            except Raced as raced:
                _log.info(reason(raced))
                if attempt == TRIES - 1:
                    break
                sleep(_PAUSE * 2**attempt * (0.5 + chance()))
                tips = remote.fetch()
                unmoved, seen = tips == seen, tips
                if not unmoved:
                    synced = synced.then(_joined(config, remote, tips, clock()))
            except Refused:
                return synced.then(_branch_alone(remote))
            else:
                return synced
    if unmoved:  # nobody was faster: git only words it so
        with Repository.open(config.root) as repository:
            return synced.then(_branch_alone(_remote(config, repository)))
    message = sentence("others were faster than this run, {tries} times", tries=TRIES)
    raise PushRejected(message, hint=sentence("what is committed stays here: run again"))


def deepened(config: Config) -> None:
    """Fetch the whole history into a shallow clone.

    Raises:
        PushRejected: There is no other copy, or it cannot be reached.
    """
    with Repository.open(config.root) as repository:
        if repository.shallow:
            _remote(config, repository).deepen()


def _remote(config: Config, repository: Repository) -> Remote:
    variables = config.environment.variables
    return Remote.find(
        repository,
        repository.branch(config.archive.branch),
        name=config.archive.remote,
        variables=variables,
        token=variables.get(TOKEN, ""),
    )


def _branch_alone(remote: Remote) -> Synced:
    """Push the branch without the state, to a copy that may refuse just that."""
    remote.push_branch()
    return Synced(
        {},
        (
            sentence(
                "{remote} takes no {state_ref}: the reports stay here",
                remote=remote.name,
                state_ref=STATE_REF,
            ),
        ),
    )


def _joined(config: Config, remote: Remote, theirs: Tips, now: datetime) -> Synced:
    """Move branch and state, in one transaction, to where both hold everything of both copies."""
    repository, kept = remote.repository, tuple[str, ...]()
    with writing(repository) as writer:
        rebase = Rebase(config, repository, writer, now)
        ours, state = repository.tip(remote.branch), repository.tip(STATE_REF)
        tip = rebase.join(ours, theirs.branch)
        base, files = merged_state(
            repository, state, theirs.state, rebased=rebase.rebuilt.values(), now=now
        )
        if tip != ours or base != state or files:
            moved = _moved(remote, ours, tip)
            identity = config.archive.identity
            kept = writer.commit(
                Change(
                    branch=remote.branch,
                    expected=ours,
                    files=moved.files,
                    message="",
                    state=files,
                    author=Identity(*identity) if identity else None,
                    authored_at=now,
                    committed_at=now,
                    managed=tuple(
                        open_target(config, name, repository).catalogue.folder
                        for name in config.sources
                    ),
                    state_base=base,
                    adopted=tip or ours,
                    replaced=moved.replaced,
                    programs=moved.programs,
                )
            ).kept
    notes = (
        sentence("your changes to {path} are kept on {kept_ref}", path=path, kept_ref=KEPT_REF)
        for path in kept
    )
    return Synced(rebase.rebuilt, (*rebase.notes, *notes))


def _moved(remote: Remote, ours: str | None, tip: str | None) -> Differences:
    """Return the files that a move of the branch changes in the work tree."""
    repository = remote.repository
    if tip in (None, ours) or repository.checked_out() != remote.branch:
        return Differences({}, {}, set())
    return repository.differences(ours, tip)
