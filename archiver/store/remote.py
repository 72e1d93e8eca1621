"""Push to another copy of the data repository and fetch from it; never by force.

git itself finds the way and the credentials. A token is handed to git by its environment
(``http.<origin>.extraHeader``): it stands in no argument vector, no file and no message.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import PushRejected, reason
from archiver.language import sentence
from archiver.store import parts
from archiver.store.parts import TOO_LARGE, UPLOAD, Raced, Refused, TooLarge
from archiver.store.plumbing import TimedOut, held_lock
from archiver.store.repository import BRANCHES, STATE_REF
from archiver.store.transfer import (
    ANSWER_LIMIT,
    FETCH,
    causes,
    credentials,
    hidden,
    networked,
    transfer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archiver.store.plumbing import Answer, Plumbing
    from archiver.store.repository import Repository

FETCHED_BRANCH: Final = "refs/archiver/fetched/branch"
FETCHED_STATE: Final = "refs/archiver/fetched/state"
"""Where the tips of the other copy are kept after a fetch."""
UPLOADS: Final = "refs/archiver/fetched/uploads"
"""Is there while the other copy holds parts of a push that did not end."""
FORCED: Final = "refs/archiver/fetched/forced"
"""Their tip, as long as it lacks what `FETCHED_BRANCH` says that they had, and a person decides."""

_RACED: Final = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref"
    r"|incorrect old value|reference already exists|is at [0-9a-f]+ but expected"
)
STAYS: Final = sentence("the commits stay here; once it is fixed: archiver run --push")


class ForcePushed(PushRejected):
    """Their branch no longer contains what they had: a person took it away."""


class Tips(NamedTuple):
    """Full commit ids in the other copy; None where it has no such ref."""

    branch: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Remote:
    """Another copy of a data repository, under one of the names that ``git remote`` lists.

    Attributes:
        repository: This copy.
        name: The remote's name.
        branch: Full ref of the branch, the same in both copies.
        variables: The environment, for how to reach it.
        token: Sent to its HTTPS address; empty: git finds the credentials.
    """

    repository: Repository
    name: str
    branch: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def find(
        cls,
        repository: Repository,
        branch: str,
        *,
        name: str | None,
        variables: Mapping[str, str],
        token: str = "",
    ) -> Remote:
        """Return the remote `name`; None: the branch's own, else ``origin``, else the only one.

        Raises:
            PushRejected: There is none.
        """
        known = os.fsdecode(repository.git.run("remote")).split("\n")[:-1]
        short = branch.removeprefix(BRANCHES)
        own = repository.git.ask("config", "--get", f"branch.{short}.remote").out
        wanted = name or os.fsdecode(own).strip()
        if wanted in known:
            return cls(repository, wanted, branch, variables, token)
        if name is not None:
            raise PushRejected(
                sentence("no remote is called {name!r}", name=name),
                hint=sentence("see: git remote -v"),
            )
        chosen = "origin" if "origin" in known else known[0] if len(known) == 1 else ""
        if not chosen:
            message = (
                sentence("there is no remote to push to")
                if not known
                else sentence("there are several remotes")
            )
            hint = sentence("git remote add origin URL, or set `remote` in [archive]")
            raise PushRejected(message, hint=hint)
        return cls(repository, chosen, branch, variables, token)

    def tips(self) -> Tips:
        """Ask for the tips of the other copy.

        Raises:
            PushRejected: It cannot be reached.
        """
        found = self._listed(self.branch, STATE_REF, f"{UPLOAD}*")
        ours = self.repository.tip(self.branch)
        if ours and any(ref.startswith(UPLOAD) for ref in found):
            self.repository.git.run("update-ref", UPLOADS, ours)
        return Tips(found.get(self.branch), found.get(STATE_REF))

    def _listed(self, *patterns: str) -> dict[str, str]:
        """Return the refs of the other copy with their ids."""
        answer = self._reached("ls-remote", "--refs", "--quiet", self.name, *patterns)
        rows = (line.partition("\t") for line in os.fsdecode(answer.out).splitlines())
        return {ref: oid for oid, _, ref in rows}

    def uploads(self) -> dict[str, str]:
        """Return the refs at which the other copy holds parts of a push, with their ids."""
        return self._listed(f"{UPLOAD}*")

    def has_uploads(self) -> bool:
        """Return whether it held some when it was last asked."""
        return self.repository.tip(UPLOADS) is not None

    def forget_uploads(self) -> None:
        """Take note that it holds none any more."""
        if self.has_uploads():
            self.repository.git.run("update-ref", "-d", UPLOADS)

    def known(self) -> list[str | None]:
        """Return commits that the other copy had when it was last asked."""
        return [*map(self.repository.tip, (self._tracking, FETCHED_BRANCH, FETCHED_STATE))]

    def fetch(self) -> Tips:
        """Fetch branch and state of the other copy, and return its tips.

        Raises:
            ForcePushed: Its branch no longer contains what it had.
            PushRejected: It cannot be reached.
        """
        tracked, before = self.repository.tip(self._tracking), self.repository.tip(FETCHED_BRANCH)
        tips = self._fetched()
        self._refuse_forced(tips.branch, tracked, before)
        return tips

    def _fetched(self) -> Tips:
        tips = self.tips()
        kept = {self.branch: (tips.branch, FETCHED_BRANCH), STATE_REF: (tips.state, FETCHED_STATE)}
        missing = {ref: to for ref, (tip, to) in kept.items() if tip and not self._has(tip)}
        if not missing:
            return tips
        specs = (f"+{ref}:{to}" for ref, to in missing.items())
        self._reached("fetch", *FETCH, self.name, *specs)
        there = {ref: self.repository.tip(to) for ref, to in missing.items()}
        return Tips(there.get(self.branch, tips.branch), there.get(STATE_REF, tips.state))

    @property
    def _tracking(self) -> str:
        """Full ref at which git keeps what it last saw of their branch."""
        return f"refs/remotes/{self.name}/{self.branch.removeprefix(BRANCHES)}"

    def _refuse_forced(self, theirs: str | None, tracked: str | None, before: str | None) -> None:
        """Refuse to go on from a branch that lost commits, until a person has decided.

        Args:
            theirs: Their tip.
            tracked: What git last saw there; a person's ``git fetch`` moves it too.
            before: What we fetched last, perhaps from another copy.
        """
        here = self.repository
        ours, known = here.tip(self.branch), here.tip(FORCED) is not None
        if theirs is not None and ours is not None:
            seen = ((tracked, True), (before, known))
            for tip, back in seen:
                if tip and tip != theirs and self._dropped(tip, theirs, ours, back=back):
                    moves = f"update {FETCHED_BRANCH} {tip}\nupdate {FORCED} {theirs}\n"
                    here.git.run("update-ref", "--stdin", stdin=moves.encode())
                    raise self._forced(theirs, tip)
        if known:
            here.git.run("update-ref", "-d", FORCED)

    def _dropped(self, tip: str, theirs: str, ours: str, *, back: bool) -> bool:
        """Return whether they dropped `tip`, which we have, and nobody has joined the two.

        Args:
            tip: What they had.
            theirs: What they have.
            ours: Our tip.
            back: Whether they count as going back if they have less than `tip` and nothing else.
        """
        held = self.repository.is_ancestor
        if held(tip, theirs) or not held(tip, ours):
            return False
        return back and held(theirs, tip) if held(theirs, ours) else True

    def _forced(self, theirs: str, tip: str) -> ForcePushed:
        short, new = self.branch.removeprefix(BRANCHES), theirs[:10]
        message = sentence(
            "{name}/{short} was force-pushed: it no longer contains {tip}",
            name=self.name,
            short=short,
            tip=tip[:10],
        )
        ours = f"git push --force-with-lease={short}:{new} {self.name} {short}"
        hint = sentence(
            "to take theirs: git reset --keep {new}; to put yours back: {ours}", new=new, ours=ours
        )
        return ForcePushed(
            message, hint=sentence("{hint}; until then commits stay here", hint=hint)
        )

    def deepen(self) -> None:
        """Fetch the whole history of the branch into a shallow clone.

        Raises:
            PushRejected: The other copy cannot be reached.
        """
        self._reached("fetch", *FETCH, "--unshallow", self.name, self.branch)

    def push(self) -> None:
        """Push branch and state together, or neither.

        Raises:
            ForcePushed: Their branch no longer contains what it had.
            Raced: Somebody else pushed meanwhile.
            Refused: It does not take them.
            PushRejected: It cannot be reached.
        """
        if self.repository.tip(FORCED):
            self.fetch()  # a person may have decided meanwhile
        parts.push(self, [ref for ref in (self.branch, STATE_REF) if self.repository.tip(ref)])

    def push_branch(self) -> None:
        """Push the branch alone, to a copy that does not take the state.

        Raises:
            Raced: Somebody else pushed meanwhile.
            Refused: It does not take it.
            PushRejected: It cannot be reached.
        """
        parts.push(self, [ref for ref in (self.branch,) if self.repository.tip(ref)])

    def send(self, specs: Sequence[str]) -> None:
        """Push refs, together or none; what is pushed is named as git does, `from:to`.

        Raises:
            Raced: Somebody else pushed meanwhile.
            TooLarge: It does not take so much at once.
            Refused: It does not take them.
            PushRejected: It cannot be reached.
        """
        answer = self._ask("push", "--porcelain", "--atomic", *_PLAIN, self.name, *specs)
        if answer.code and "does not support --atomic" in answer.err:
            answer = self._ask("push", "--porcelain", *_PLAIN, self.name, *specs)
        if answer.code:
            reasons = _reasons(answer)
            trouble = self._unreached(sentence("does not take the push"), answer.err, reasons)
            raced = any(map(_RACED.search, (*reasons, answer.err)))
            large = TOO_LARGE.search(answer.err)
            kind = TooLarge if large else Raced if raced else Refused if reasons else PushRejected
            raise kind(reason(trouble), hint=trouble.hint)

    def _has(self, commit: str) -> bool:
        """Return whether a commit is here, with all of its history."""
        answer = self.repository.plain.ask("cat-file", "-e", f"{commit}^{{commit}}")
        connected = ("rev-list", "--quiet", "--objects", commit, "--not", "--all")
        return not answer.code and not self.repository.plain.ask(*connected).code

    def _reached(self, *arguments: str) -> Answer:
        answer = self._ask(*arguments)
        if answer.code:
            raise held_lock(answer.err) or self._unreached(
                sentence("cannot be reached"), answer.err, ()
            )
        return answer

    def _ask(self, *arguments: str) -> Answer:
        git = self._network()
        try:
            if arguments[0] == "ls-remote":
                return git.ask(*arguments, limit=ANSWER_LIMIT)
            return transfer(git, *arguments)
        except TimedOut as late:
            raise PushRejected(
                sentence("{name} cannot be reached: {late}", name=self.name, late=reason(late)),
                hint=STAYS,
            ) from late

    def _unreached(self, what: str, words: str, reasons: Iterable[str]) -> PushRejected:
        said = dict.fromkeys((*reasons, *causes(words)))
        first = ": ".join(list(said)[:2]) or sentence("git does not say why")
        return PushRejected(
            sentence(
                "{name} {what}: {hidden}", name=self.name, what=what, hidden=self._hidden(first)
            ),
            hint=STAYS,
        )

    def _hidden(self, words: str) -> str:
        """Return `words` without what may be secret in the addresses of the other copy."""
        options = ((), ("--push",))
        ask = self.repository.git.ask
        answers = (ask("remote", "get-url", "--all", *each, self.name) for each in options)
        return hidden(words, [url for each in answers for url in os.fsdecode(each.out).split()])

    def _network(self) -> Plumbing:
        """Return git with what it needs to reach the other copy, and nothing else."""
        git = networked(self.repository.plain, self.variables)
        ours = ("-c", f"remote.{self.name}.mirror=false")  # we name our refs
        variables = (*git.variables, *self._credentials().items())
        return replace(git, options=(*git.options, *ours), variables=variables)

    def _credentials(self) -> dict[str, str]:
        """Return the token as git's configuration in the environment, for its address only."""
        if not self.token:
            return {}
        url = self.repository.git.line("remote", "get-url", "--push", self.name)
        return credentials(url, self.token)


_PLAIN: Final = ("--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")


def _reasons(answer: Answer) -> list[str]:
    """Return why refs were refused, without those refused only because of another."""
    rows = (line.split("\t") for line in os.fsdecode(answer.out).splitlines())
    reasons = {row[2] for row in rows if row[0] == "!"}
    own = {reason for reason in reasons if "atomic" not in reason}
    return sorted(own or reasons)
