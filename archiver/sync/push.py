"""Keep this copy and another in step: fetch, rebuild captures on what others pushed, push."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.capture.target import open_target
from archiver.errors import PushRejected
from archiver.store.change import Change
from archiver.store.commit import KEPT_REF, writing
from archiver.store.identity import Identity
from archiver.store.remote import Raced, Refused, Remote
from archiver.store.repository import STATE_REF, Differences, Repository
from archiver.sync import merge
from archiver.sync.rebase import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.config import Config
    from archiver.store.commit import Writer
    from archiver.store.remote import Tips
    from archiver.sync.recapture import Rebuilt

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
        rebuilt: Full id of a commit that was here to what stands for it now.
        notes: What the person should know.
    """

    rebuilt: dict[str, Rebuilt]
    notes: tuple[str, ...] = ()

    def then(self, later: Synced) -> Synced:
        """Return what became of this copy after both."""
        followed = {old: _followed(each, later.rebuilt) for old, each in self.rebuilt.items()}
        return Synced({**later.rebuilt, **followed}, self.notes + later.notes)


def _followed(first: Rebuilt, later: Mapping[str, Rebuilt]) -> Rebuilt:
    second = later.get(first.revision, first)
    return second if second.report else first._replace(revision=second.revision)


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
        return _Meeting(config, repository, remote, clock).join(remote.fetch())


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
    stands = False  # then nobody was faster: git only words it so
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
                stands, seen = tips == seen, tips
                if not stands:
                    synced = synced.then(_Meeting(config, repository, remote, clock).join(tips))
            except Refused:
                return synced.then(_alone(remote))
            else:
                return synced
    if stands:
        with Repository.open(config.root) as repository:
            return synced.then(_alone(_remote(config, repository)))
    message = f"others were faster than this run, {TRIES} times"
    raise PushRejected(message, hint="what is committed stays here: run again")


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


def _alone(remote: Remote) -> Synced:
    """Push the branch without the state, to a copy that may refuse just that."""
    remote.push_branch()
    return Synced({}, (f"{remote.name} takes no {STATE_REF}: the reports stay here",))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """This copy and the other one, to be joined."""

    config: Config
    repository: Repository
    remote: Remote
    clock: Callable[[], datetime]

    def join(self, theirs: Tips) -> Synced:
        """Move branch and state to where everything of both copies is in them."""
        with writing(self.repository) as writer:
            replay = Replay(self.config, self.repository, writer, self.clock)
            ours = self.repository.tip(self.remote.branch)
            tip = self._joined(ours, theirs.branch, replay)
            kept = self._adopt(writer, replay, ours, tip, theirs.state)
        notes = (f"your changes to {path} are kept on {KEPT_REF}" for path in kept)
        return Synced(replay.rebuilt, (*replay.notes, *notes))

    def _joined(self, ours: str | None, theirs: str | None, replay: Replay) -> str | None:
        """Return the tip of the branch with the commits of both."""
        here = self.repository
        if theirs is None or ours == theirs:
            return ours
        if ours is None or here.is_ancestor(ours, theirs):
            return theirs
        if here.is_ancestor(theirs, ours):
            return ours
        tip = theirs
        for commit in here.since(theirs, ours):
            tip = replay.onto(commit, tip)
        return tip

    def _adopt(
        self, writer: Writer, replay: Replay, ours: str | None, tip: str | None, state: str | None
    ) -> tuple[str, ...]:
        """Move both refs in one transaction; return what it kept aside of a person's files."""
        here, now = self.repository.tip(STATE_REF), self.clock()
        base, files = merge.joined_state(self.repository, here, state, now)
        rebuilt = replay.rebuilt.values()
        files |= merge.corrected(self.repository, base, files, rebuilt, now)
        files |= merge.carrying(rebuilt)
        if tip == ours and base == here and not files:
            return ()
        return writer.commit(self._change(ours, tip, base, files, now)).kept

    def _change(
        self,
        ours: str | None,
        tip: str | None,
        base: str | None,
        state: Mapping[str, bytes | None],
        now: datetime,
    ) -> Change:
        moved = tip is not None and tip != ours
        shown = self.repository.checked_out() == self.remote.branch
        changed = self.repository.differences(ours, tip) if tip and moved and shown else NOTHING
        identity = self.config.archive.identity
        return Change(
            branch=self.remote.branch,
            expected=ours,
            files=changed.files,
            message="",
            state=state,
            author=Identity(*identity) if identity else None,
            authored_at=now,
            committed_at=now,
            managed=tuple(map(self._folder, self.config.sources)),
            state_base=base,
            adopted=tip if moved else ours,
            replaced=changed.replaced,
            programs=changed.programs,
        )

    def _folder(self, source: str) -> str:
        return open_target(self.config, source, self.repository).catalogue.folder
