"""Push to another copy of the data repository and fetch from it; never by force.

git itself finds the way and the credentials. A token is handed to git by its environment
(``http.<origin>.extraHeader``): it stands in no argument vector, no file and no message.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from archiver.errors import PushRejected
from archiver.store.repository import BRANCHES, STATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.store.plumbing import Answer, Plumbing
    from archiver.store.repository import Repository

FETCHED_BRANCH: Final = "refs/archiver/fetched/branch"
FETCHED_STATE: Final = "refs/archiver/fetched/state"
"""Where the tips of the other copy are kept after a fetch."""

TIME_LIMIT: Final = 1800.0
_RACED: Final = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref"
    r"|incorrect old value|reference already exists|is at [0-9a-f]+ but expected"
)
_SECRET: Final = re.compile(r"//[^/@\s]+@")
_WAY: Final = re.compile(
    r"GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|SSL_\w+|HTTP_\w+|CURL_\w+)"
)
"""Variables that say how to reach the other copy; git may have these, and no others."""
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Raced(PushRejected):
    """Somebody else pushed meanwhile: fetch, and build on what is there."""


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
            raise PushRejected(f"no remote is called {name!r}", hint="see: git remote -v")
        chosen = "origin" if "origin" in known else known[0] if len(known) == 1 else ""
        if not chosen:
            message = "there is no remote to push to" if not known else "which remote is meant?"
            hint = "git remote add origin URL, or set `remote` in [archive]"
            raise PushRejected(message, hint=hint)
        return cls(repository, chosen, branch, variables, token)

    def tips(self) -> Tips:
        """Ask where the other copy stands.

        Raises:
            PushRejected: It cannot be reached.
        """
        wanted = (self.branch, STATE_REF)
        out = self._git("ls-remote", "--refs", "--quiet", self.name, *wanted).out
        rows = (line.split("\t") for line in os.fsdecode(out).splitlines())
        found = {row[1]: row[0] for row in rows if len(row) == len(wanted)}
        return Tips(found.get(self.branch), found.get(STATE_REF))

    def fetch(self) -> Tips:
        """Bring what the other copy has here, and return where it stands.

        Raises:
            PushRejected: It cannot be reached.
        """
        tips = self.tips()
        kept = {self.branch: (tips.branch, FETCHED_BRANCH), STATE_REF: (tips.state, FETCHED_STATE)}
        missing = {ref: to for ref, (tip, to) in kept.items() if tip and not self._has(tip)}
        if not missing:
            return tips
        specs = (f"+{ref}:{to}" for ref, to in missing.items())
        self._git("fetch", *_QUIET, self.name, *specs)
        there = {ref: self.repository.tip(to) for ref, to in missing.items()}
        return Tips(there.get(self.branch, tips.branch), there.get(STATE_REF, tips.state))

    def deepen(self) -> None:
        """Bring the whole history of the branch into a shallow clone.

        Raises:
            PushRejected: The other copy cannot be reached.
        """
        self._git("fetch", *_QUIET, "--unshallow", self.name, self.branch)

    def push(self) -> bool:
        """Push branch and state together, or neither.

        Returns:
            Whether the state went along; False: the other copy takes no such ref at all, so the
            branch went alone.

        Raises:
            Raced: Somebody pushed something else meanwhile.
            PushRejected: It does not take them, or cannot be reached.
        """
        refs = [ref for ref in (self.branch, STATE_REF) if self.repository.tip(ref)]
        answer = self._push(refs)
        refused = _refused(answer)
        raced = any(map(_RACED.search, (*refused.values(), answer.err)))
        if answer.code and not raced and refused.keys() == {STATE_REF} and self.branch in refs:
            answer, refs = self._push([self.branch]), [self.branch]
            refused = _refused(answer)
        if answer.code:
            if any(map(_RACED.search, (*refused.values(), answer.err))):
                raise Raced(f"{self.name} has moved meanwhile", hint="run again")
            raise self._unreached("does not take the push", answer.err, refused.values())
        return STATE_REF in refs

    def _push(self, refs: list[str]) -> Answer:
        specs = [f"{ref}:{ref}" for ref in refs]
        answer = self._ask("push", "--porcelain", "--atomic", *_PLAIN, self.name, *specs)
        if answer.code and "does not support --atomic" in answer.err:
            answer = self._ask("push", "--porcelain", *_PLAIN, self.name, *specs)
        return answer

    def _has(self, commit: str) -> bool:
        """Say whether a commit is here, with all of its history."""
        answer = self.repository.git.ask("cat-file", "-e", f"{commit}^{{commit}}")
        connected = ("rev-list", "--quiet", "--objects", commit, "--not", "--all")
        return not answer.code and not self.repository.git.ask(*connected).code

    def _git(self, *arguments: str) -> Answer:
        answer = self._ask(*arguments)
        if answer.code:
            raise self._unreached("cannot be reached", answer.err, ())
        return answer

    def _ask(self, *arguments: str) -> Answer:
        return self._network().ask(*arguments, limit=TIME_LIMIT)

    def _unreached(self, what: str, words: str, reasons: Iterable[str]) -> PushRejected:
        first = next(iter([*reasons, *_told(words)]), "git does not say why")
        message = f"{self.name} {what}: {_SECRET.sub('//***@', first)}"
        return PushRejected(
            message, hint="what is committed stays here; when it is mended: archiver run --push"
        )

    def _network(self) -> Plumbing:
        """Return git with what it needs to reach the other copy, and nothing else."""
        way = {name: value for name, value in self.variables.items() if _WAY.fullmatch(name)}
        way |= self._credentials()
        return replace(self.repository.git, variables=tuple(way.items()))

    def _credentials(self) -> dict[str, str]:
        """Return the token as git's configuration in the environment, for its address only."""
        if not self.token:
            return {}
        url = self.repository.git.line("remote", "get-url", "--push", self.name)
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
        if not secure:
            return {}
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
        word = base64.b64encode(f"x-access-token:{self.token}".encode()).decode("ascii")
        name = f"http.{place}.extraHeader"
        return {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": name,  # an empty one forgets those of the configuration: two of
            "GIT_CONFIG_VALUE_0": "",  # a kind, and GitHub answers 400
            "GIT_CONFIG_KEY_1": name,
            "GIT_CONFIG_VALUE_1": f"Authorization: Basic {word}",
        }


_QUIET: Final = (
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
)
_PLAIN: Final = ("--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")


def _refused(answer: Answer) -> dict[str, str]:
    """Return the refs that were refused for their own sake, with git's words for it."""
    rows = (line.split("\t") for line in os.fsdecode(answer.out).splitlines())
    reasons = {row[1].partition(":")[2]: row[2] for row in rows if row[0] == "!"}
    own = {ref: reason for ref, reason in reasons.items() if "atomic" not in reason}
    return own or reasons


def _told(words: str) -> Iterator[str]:
    """Yield the lines in which git says what is wrong, the most telling first."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    for start in ("fatal: ", "remote: error: ", "error: ", ""):
        yield from (line.removeprefix(start) for line in lines if line.startswith(start))
