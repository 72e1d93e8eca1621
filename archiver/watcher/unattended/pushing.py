"""Keep this copy and another in step: fetch, rebuild captures on what others pushed, push."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import PushRejected
from archiver.store.change import Change
from archiver.store.commit import writing
from archiver.store.identity import Identity
from archiver.store.remote import Raced, Refused, Remote
from archiver.store.repository import STATE_REF, Differences, Repository
from archiver.watcher.capturing.target import open_target
from archiver.watcher.unattended import joining
from archiver.watcher.unattended.replaying import Replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from archiver.config import Config
    from archiver.store.commit import Writer
    from archiver.store.remote import Tips

NOTHING: Final = Differences({}, {}, set())
TRIES: Final = 5
"""So often a push is tried when somebody else is faster."""
TOKEN: Final = "ARCHIVER_PUSH_TOKEN"  # noqa: S105  the name of a variable
"""Environment variable with a token for the other copy's HTTPS address."""
_PAUSE: Final = 0.5

_log = logging.getLogger(__name__)


class Synced(NamedTuple):
    """What became of this copy.

    Attributes:
        revisions: Full id of a commit that was here to the one that stands for it now; empty:
            the other copy has a newer capture, so it was dropped.
        notes: What the person should know.
    """

    revisions: dict[str, str]
    notes: tuple[str, ...] = ()

    def then(self, later: Synced) -> Synced:
        """Return what became of this copy after both."""
        followed = {old: later.revisions.get(new, new) for old, new in self.revisions.items()}
        return Synced({**later.revisions, **followed}, self.notes + later.notes)


def check(config: Config) -> None:
    """Find the other copy, so that what cannot work is known before anything is fetched.

    Raises:
        PushRejected: There is none.
        StoreError: HEAD is detached.
    """
    with Repository.open(config.root) as repository:
        _remote(config, repository)


def fetched(config: Config, *, clock: Callable[[], datetime]) -> Synced:
    """Bring this copy to where the other one is, before a run.

    Captures that are only here are built anew on what is there.

    Raises:
        PushRejected: There is no other copy, it cannot be reached, or the two cannot be joined.
        StoreError: HEAD is detached, or a person's file stands in the way.
    """
    with Repository.open(config.root) as repository:
        remote = _remote(config, repository)
        return _join(config, repository, remote, remote.fetch(), clock)


def push(
    config: Config,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251  the hall may wait
    chance: Callable[[], float] = random.random,
) -> Synced:
    """Push branch and state; where others were faster, build on what they pushed.

    Raises:
        PushRejected: The other copy does not take it; what is committed stays here.
        StoreError: HEAD is detached, or a person's file stands in the way.
    """
    synced = Synced({})
    seen: Tips | None = None
    for attempt in range(TRIES):
        with Repository.open(config.root) as repository:
            remote = _remote(config, repository)
            try:
                remote.push()
            except Raced as raced:
                _log.info("%s", raced)
                if attempt == TRIES - 1:
                    break
                sleep(_PAUSE * 2**attempt * (0.5 + chance()))
                tips = remote.fetch()
                if tips == seen:  # nobody was faster: git only words it so
                    return synced.then(_alone(remote))
                seen = tips
                synced = synced.then(_join(config, repository, remote, tips, clock))
            except Refused:
                return synced.then(_alone(remote))
            else:
                return synced
    message = f"others were faster than this run, {TRIES} times"
    raise PushRejected(message, hint="what is committed stays here: run again")


def _alone(remote: Remote) -> Synced:
    """Push the branch without the state, to a copy that may refuse just that."""
    remote.push_branch()
    return Synced({}, (f"{remote.name} takes no {STATE_REF}: the reports stay here",))


def deepened(config: Config) -> None:
    """Bring the whole history into a shallow clone.

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


def _join(
    config: Config,
    repository: Repository,
    remote: Remote,
    theirs: Tips,
    clock: Callable[[], datetime],
) -> Synced:
    """Move branch and state to where everything of both copies is in them."""
    with writing(repository) as writer:
        ours = repository.tip(remote.branch)
        replay = Replay(config, repository, writer, clock)
        tip = _joined_branch(repository, ours, theirs.branch, replay)
        _adopt(config, repository, writer, remote, clock, ours=ours, tip=tip, state=theirs.state)
    return Synced(replay.revisions, tuple(replay.notes))


def _joined_branch(
    repository: Repository, ours: str | None, theirs: str | None, replay: Replay
) -> str | None:
    if theirs is None or ours == theirs:
        return ours
    if ours is None or repository.is_ancestor(ours, theirs):
        return theirs
    if repository.is_ancestor(theirs, ours):
        return ours
    tip = theirs
    for commit in repository.since(theirs, ours):
        tip = replay.onto(commit, tip)
    return tip


def _adopt(
    config: Config,
    repository: Repository,
    writer: Writer,
    remote: Remote,
    clock: Callable[[], datetime],
    *,
    ours: str | None,
    tip: str | None,
    state: str | None,
) -> None:
    here = repository.tip(STATE_REF)
    base, files = joining.joined_state(repository, here, state, clock())
    if tip == ours and base == here and not files:
        return
    moved = tip is not None and tip != ours
    shown = repository.checked_out() == remote.branch
    changed = repository.differences(ours, tip) if tip and moved and shown else NOTHING
    now = clock()
    identity = config.archive.identity
    writer.commit(
        Change(
            branch=remote.branch,
            expected=ours,
            files=changed.files,
            message="",
            state=files,
            author=Identity(*identity) if identity else None,
            authored_at=now,
            committed_at=now,
            managed=tuple(
                open_target(config, name, repository).catalogue.folder for name in config.sources
            ),
            state_base=base,
            adopted=tip if moved else ours,
            replaced=changed.replaced,
            programs=changed.programs,
        )
    )
