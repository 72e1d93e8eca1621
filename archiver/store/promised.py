"""Fetch what a partial clone left with its remote: in batches, when the first of each is read.

git would fetch object by object, by whatever the repository's configuration names. So our git
never fetches by itself (`LOCAL`): what it lacks is asked for here, from the clone's own promisor
remotes, by the protocols of `transfer.PROTOCOLS`.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from archiver.errors import MissingContent, reason
from archiver.language import sentence, sentences
from archiver.store.plumbing import Plumbing, TimedOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

LOCAL: Final = (("GIT_NO_LAZY_FETCH", "1"), ("GIT_ALLOW_PROTOCOL", "none"))
"""Keeps git from the network: the first from 2.45 on, the second in every version."""
_PLANS: Final = 8
"""Batches that are remembered: a question has one or two, and several may be asked in turn."""
_PRESENT: Final = (
    *("rev-list", "--objects", "--no-walk", "--no-object-names"),
    *("--ignore-missing", "--missing=allow-any", "--stdin"),  # read where it stands
)
"""Says which objects are here, and fetches none."""
_SETTINGS: Final = (
    *("-c", "fetch.negotiationAlgorithm=noop"),  # no commit is asked for
    *("-c", "core.alternateRefsCommand=:"),
)
_PROMISOR: Final = r"^(remote\..*\.(promisor|partialclonefilter)|extensions\.partialclone)$"


class Promised:
    """What a partial clone may lack, and who promised it."""

    def __init__(self, git: Plumbing, *, is_closed: bool = False) -> None:
        """Look at the repository of `git`; one that `is_closed` is asked nothing."""
        self._git = git
        self._is_closed = is_closed
        self._plans: deque[Mapping[str, str]] = deque(maxlen=_PLANS)
        self._mentioned: deque[Mapping[str, str]] = deque(maxlen=_PLANS)

    @classmethod
    def of(cls, git: Plumbing, common_dir: Path) -> Promised | None:
        """Return what the clone in `common_dir` may lack; None: it is no partial one."""
        packs = common_dir / "objects" / "pack"
        return cls(git) if any(packs.glob("*.promisor")) else None

    def closed(self) -> Promised:
        """Return the same, for a question that must not need the network."""
        return Promised(self._git, is_closed=True)

    def expect(self, wanted: Mapping[str, str]) -> None:
        """Take note of what will be read together: the first of it that is missing brings all.

        Args:
            wanted: Full object id to what people call it.
        """
        if wanted:
            self._plans.append(wanted)

    def mention(self, wanted: Mapping[str, str]) -> None:
        """Take note of what may be read together, where nothing better is expected.

        Args:
            wanted: Full object id to what people call it.
        """
        self._mentioned.append(wanted)

    def bring(self, oid: str) -> None:
        """Fetch a missing object, and all that is expected with it.

        Raises:
            MissingContent: No promisor has it, or none can be reached.
        """
        plans = (*self._plans, *reversed(self._mentioned))
        self.bring_all(next((plan for plan in plans if oid in plan), {oid: oid}))

    def bring_all(self, wanted: Mapping[str, str]) -> None:
        """Fetch what is missing of these.

        Args:
            wanted: Full object id to what people call it.

        Raises:
            MissingContent: No promisor has it, or none can be reached.
        """
        missing = self._missing(wanted)
        if missing and self._is_closed:
            raise MissingContent(
                _words(missing, wanted),
                hint=sentence("a command that reads the history fetches it: archiver log"),
            )
        why = sentence("no remote is its promisor") if missing else ""
        if missing:
            import logging  # noqa: PLC0415  most questions fetch nothing

            words = sentences("fetching {number:,} file", "fetching {number:,} files", len(missing))
            logging.getLogger(__name__).info(words)
        for remote in self._remotes() if missing else ():
            why = self._fetched(remote, missing)
            missing = self._missing(missing)
            if not missing:
                return
        if missing:
            raise MissingContent(
                sentence("{missing}: {why}", missing=_words(missing, wanted), why=why),
                hint=sentence(
                    "no answer was given, for it would lack that; try again when it is there"
                ),
            )

    def _missing(self, wanted: Iterable[str]) -> list[str]:
        """Return the ids of those objects that are not here."""
        ids = [*wanted]
        out = self._git.run(*_PRESENT, stdin="".join(f"{oid}\n" for oid in ids).encode())
        here = set(out.decode("ascii").split())
        return [oid for oid in ids if oid not in here]

    def here(self, ids: Iterable[str]) -> set[str]:
        """Return which of the objects are here."""
        known = {*ids}
        return known.difference(self._missing(known))

    def _remotes(self) -> Iterator[str]:
        """Yield the names of the promisor remotes, the clone's own first."""
        answer = self._git.ask("config", "-z", "--get-regexp", _PROMISOR)
        own, others = dict[str, None](), dict[str, None]()
        for row in os.fsdecode(answer.out).split("\0")[:-1]:
            key, _, value = row.partition("\n")
            section, _, name = key.partition(".")
            if section == "extensions":
                own[value] = None
            elif not name.endswith(".promisor") or value.lower() in ("", "true", "yes", "on", "1"):
                others[name.rpartition(".")[0]] = None
        yield from (name for name in own | others if name and not name.startswith("-"))

    def _fetched(self, remote: str, ids: Iterable[str]) -> str:
        """Fetch objects; return why that failed, empty: it did not."""
        from archiver.store import transfer  # noqa: PLC0415  most questions fetch nothing

        url = os.fsdecode(self._git.ask("remote", "get-url", remote).out).removesuffix("\n")
        here = os.environ  # noqa: TID251  not read, but handed on: git must find its way
        git = transfer.guarded(
            transfer.networked(self._git, here), url, here.get(transfer.TOKEN, "")
        )
        git = replace(git, options=(*git.options, *_SETTINGS))
        options = ("--filter=blob:none", "--upload-pack=git-upload-pack", "--stdin")
        with tempfile.TemporaryFile() as stdin:
            stdin.write("".join(f"{oid}\n" for oid in ids).encode())
            stdin.seek(0)
            try:
                answer = transfer.transfer(
                    git, "fetch", *transfer.FETCH, *options, remote, stdin=stdin
                )
            except TimedOut as late:
                return reason(late)
        if not answer.code:
            return sentence("{remote} does not have it any more", remote=remote)
        said = next(transfer.causes(answer.err), sentence("git does not say why"))
        words = transfer.hidden(said, [url])
        return sentence("{remote} cannot be reached: {words}", remote=remote, words=words)


def _words(missing: list[str], wanted: Mapping[str, str]) -> str:
    return sentences(
        "this partial clone lacks {number:,} file: {first}",
        "this partial clone lacks {number:,} files, {first} first",
        len(missing),
        first=wanted[missing[0]],
    )
