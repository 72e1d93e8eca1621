"""Run git isolated from the machine's settings: one environment, one set of options."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

from archiver.errors import (
    DamagedObject,
    MissingContent,
    RepositoryBusy,
    StoreError,
    StoreFull,
)
from archiver.language import joined, sentence
from archiver.records.text import count
from archiver.store.durable import MAKE_ROOM

if TYPE_CHECKING:
    from collections.abc import Iterable

OLDEST_GIT = (2, 39)
"""The oldest git that this was tried with; `core.fsync` and `--batch-command` came with 2.36."""

SETTINGS = (
    *("-c", "core.fsync=all,-commit-graph"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "core.splitIndex=false"),
    *("-c", "core.commentChar=#"),  # else lines of trailers may be comments
    *("-c", "trailer.separators=:"),
    *("-c", "log.showRoot=true"),
    *("-c", "diff.ignoreSubmodules=none"),
    *("-c", "gc.auto=0"),
    *("-c", f"diff.orderFile={os.devnull}"),
)
ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
TIME_LIMIT = 600.0
GRACE = 2.0
FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large|file size limit")
DAMAGED = re.compile(
    r"(?:is corrupt|corrupt loose|unable to (?:read|unpack|parse)|[Cc]ould not (?:read|parse)"
    r"|bad tree|not a tree|bad object|missing (?:blob|tree|commit)|inflate:|Failed to traverse"
    r"|unable to find|hash mismatch|garbage at end|object file .* is empty)"
)
_PROMISED = re.compile(r"could not fetch [0-9a-f]+ from promisor remote|lazy fetching disabled")
"""What git says of an object that a partial clone lacks, where it must not fetch it."""
RECOVER = sentence("fetch it again from a clone that has it, see `git fsck`")
"""The hint for a damaged object."""
LOCKED = re.compile(r"Unable to create '(.+\.lock)': File exists")
STALE = TIME_LIMIT
"""Seconds after which a lock belongs to nobody: git holds one for less than a second."""
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
OBJECT_ID = re.compile(r"\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b")


class TimedOut(StoreError):
    """git did not end in time, and was ended."""


class Answer(NamedTuple):
    """git's exit status, standard output and standard error."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class Plumbing:
    """git, to be run in one place.

    Attributes:
        folder: Where git runs.
        options: Options before the command's name, such as ``--git-dir=…``.
        inherited: Descriptors that children keep open: a lock lives as long as they do.
        variables: Additional environment.
    """

    folder: Path
    options: tuple[str, ...] = ()
    inherited: tuple[int, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def ask(
        self, *arguments: str, stdin: bytes | IO[bytes] = b"", limit: float = TIME_LIMIT
    ) -> Answer:
        """Run git to its end and return its answer, whatever it is.

        Args:
            arguments: The command and its arguments.
            stdin: All that git may read, or a file of it.
            limit: Seconds after which git is killed.

        Raises:
            StoreError: There is no git.
            TimedOut: It did not end in time.
        """
        text = stdin if isinstance(stdin, bytes) else None
        given = subprocess.PIPE if isinstance(stdin, bytes) else stdin
        child = self.start(*arguments, stdin=given, stderr=subprocess.PIPE)
        with child:
            try:
                out, err = child.communicate(text, timeout=limit)
            except BaseException as stopped:
                end(child)
                if isinstance(stopped, subprocess.TimeoutExpired):
                    message = sentence(
                        "git {arguments} did not end within {limit:.0f} s",
                        arguments=arguments[0],
                        limit=limit,
                    )
                    raise TimedOut(message) from stopped
                raise
        return Answer(child.returncode, out, err.decode(errors="replace").strip())

    def run(
        self, *arguments: str, stdin: bytes | IO[bytes] = b"", limit: float = TIME_LIMIT
    ) -> bytes:
        """Run git and return its standard output; anything but success is an error.

        Raises:
            StoreFull: The disk or a quota is full.
            DamagedObject: git met an object that is missing or broken.
            StoreError: git failed for another reason.
        """
        answer = self.ask(*arguments, stdin=stdin, limit=limit)
        if answer.code:
            failed(arguments[0], answer)
        return answer.out

    def line(self, *arguments: str) -> str:
        """Run git and return its one line of output, without the line's end."""
        return os.fsdecode(self.run(*arguments)).removesuffix("\n")

    def start(
        self,
        *arguments: str,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int = subprocess.PIPE,
        text: bool = False,
    ) -> subprocess.Popen[Any]:
        """Start git with a piped standard output; the caller ends it.

        Args:
            arguments: The command and its arguments.
            stdin: What git may read.
            stderr: Where its words go.
            text: Decode what it writes, whatever it is, and end lines at CR too.

        Raises:
            StoreError: There is no git on this machine.
        """
        try:
            return subprocess.Popen(
                ["git", *SETTINGS, *trusted(), *self.options, *arguments],
                cwd=self.folder,
                env=clean_environment(self.variables),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=self.inherited,
                pipesize=1 << 20,
                encoding="utf-8" if text else None,
                errors="replace" if text else None,
            )
        except FileNotFoundError as missing:
            raise StoreError(
                sentence("git was not found"), hint=sentence("install git 2.39 or newer")
            ) from missing


def end(child: subprocess.Popen[Any]) -> None:
    """End git; on SIGTERM it removes its lock files."""
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()


def clean_environment(variables: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Return this process's environment without any ``GIT_*``, with ours instead."""
    here = os.environ  # noqa: TID251  not read, but handed on: git needs PATH and HOME
    kept = {name: value for name, value in here.items() if not name.startswith("GIT_")}
    chosen = dict(variables)
    ours = dict(ENVIRONMENT)
    if "GIT_REPLACE_REF_BASE" in chosen:
        del ours["GIT_NO_REPLACE_OBJECTS"]
    return kept | ours | chosen


def trusted() -> list[str]:
    """Return the caller's ``safe.directory`` as options: of its ``GIT_CONFIG_*`` only these.

    A job in a container, whose repository belongs to another user, has no other place for them.
    The order stays: an empty one forgets those before it.
    """
    here = os.environ  # noqa: TID251  not read, but handed on
    if not {"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"} & here.keys():
        return []
    import shlex  # noqa: PLC0415 - hardly ever

    try:
        words = shlex.split(here.get("GIT_CONFIG_PARAMETERS", ""))
    except ValueError:  # an open quote: git refuses it too
        words = []
    pairs = [word.partition("=")[::2] for word in words]
    count = here.get("GIT_CONFIG_COUNT", "")
    for number in range(int(count) if count.isdecimal() else 0):
        name = f"GIT_CONFIG_KEY_{number}"
        if name not in here:
            break
        pairs.append((here[name], here.get(f"GIT_CONFIG_VALUE_{number}", "")))
    values = (value for key, value in pairs if key.lower() == "safe.directory")
    return [word for value in values for word in ("-c", f"safe.directory={value}")]


def failed(command: str, answer: Answer) -> NoReturn:
    """Raise the narrowest error for a failure of git."""
    words = (
        answer.err.splitlines()[0]
        if answer.err
        else sentence("it ended with {code}", code=answer.code)
    )
    message = sentence(
        "git {command}: {removeprefix}",
        command=command,
        removeprefix=words.removeprefix("fatal: ").removeprefix("error: "),
    )
    if held := held_lock(answer.err):
        raise held
    if FULL.search(answer.err):
        raise StoreFull(message, hint=MAKE_ROOM)
    if _PROMISED.search(answer.err):
        raise MissingContent(
            sentence("this clone is partial: git {command} needs more of it", command=command),
            hint=sentence("all but the content of files: git fetch --refetch --filter=blob:none"),
        )
    if DAMAGED.search(answer.err):
        found = OBJECT_ID.search(answer.err)
        if found:
            message = sentence(
                "object {found} is missing or damaged: git {command} ends at it",
                found=found[0],
                command=command,
            )
        raise DamagedObject(message, hint=RECOVER)
    raise StoreError(message)


def held_lock(words: str) -> StoreError | None:
    """Return the error for a lock of another git that stopped ours; None: that is not what it said.

    Whoever runs a job again and again because a repository is busy must learn that nobody is
    at work there any more.
    """
    found = LOCKED.search(words)
    if found is None:
        return None
    lock = Path(found[1])
    if left := stale(lock):
        return StoreError(
            joined(" ", (str(lock), left)), hint=sentence("if no git is at work there, remove it")
        )
    return RepositoryBusy(
        sentence("another git holds {lock}", lock=lock),
        hint=sentence("try again when it has ended"),
    )


def stale(lock: Path) -> str:
    """Return since when a lock stands there, if that is longer than any git works; else nothing."""
    try:
        age = time.time() - lock.stat().st_mtime  # noqa: TID251  a file has no other age
    except OSError:
        return ""  # it is gone
    if age < STALE:
        return ""
    unit, seconds = next(each for each in _UNITS if age >= 2 * each[1])
    return sentence("is stale: it was left behind {age} ago", age=count(int(age / seconds), unit))


@cache
def require_git() -> None:
    """Check once that git is new enough.

    Raises:
        StoreError: git is missing or older than `OLDEST_GIT`.
    """
    answer = Plumbing(Path.cwd()).ask("version")
    version = re.search(rb"(\d+)\.(\d+)", answer.out)
    if not version or (int(version[1]), int(version[2])) < OLDEST_GIT:
        found = answer.out.decode(errors="replace").strip() or answer.err
        oldest = ".".join(map(str, OLDEST_GIT))
        raise StoreError(
            sentence("{found} is too old", found=found),
            hint=sentence("install git {oldest} or newer", oldest=oldest),
        )
