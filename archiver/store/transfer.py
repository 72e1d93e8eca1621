"""Move objects between repositories: git does it, GitPython reads its progress.

Why GitPython does not start git as well: docs/store.md.
"""

from __future__ import annotations

import base64
import logging
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from archiver.language import sentence
from archiver.store.plumbing import GRACE, Answer, TimedOut, end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git import RemoteProgress

    from archiver.store.plumbing import Plumbing

TRANSFERS: Final = logging.getLogger("archiver.store.transfer")
"""Receives at level DEBUG how far a transfer is: stage, objects done, objects in all, and size."""
STALLED: Final = 60
"""Seconds without a byte after which git's own HTTP client gives up, and leaves nothing behind."""
TIME_LIMIT: Final = 1800.0
"""Seconds that a transfer may take."""
ANSWER_LIMIT: Final = 120.0
"""Seconds in which the other copy must list its refs."""
FETCH: Final = (
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
)
PROTOCOLS: Final = ("https", "http", "ssh", "git", "file")
"""What leads to another repository without running a program that a setting names."""
TOKEN: Final = "ARCHIVER_PUSH_TOKEN"  # noqa: S105  the name of a variable
"""Environment variable with a token for the other copy's HTTPS address."""
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_WAY: Final = re.compile(
    r"GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|SSL_\w+|HTTP_\w+|CURL_\w+)"
)
"""Variables that say how to reach a remote: the only ones of the caller that git receives."""
_CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name trusted certificates, the first that is set (as `config.Environment`)."""
_CREDENTIALS: Final = re.compile(r"//[^/@\s]+@")
_STARTS: Final = ("remote: error: ", "remote: ", "fatal: ", "error: ")
_EMPTY: Final = re.compile(
    r"Could not read from remote repository|failed to push some refs|Total \d+ \(delta"
)
"""Lines of git that name no cause."""


def transfer(git: Plumbing, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> Answer:
    """Run fetch, push or clone to its end, log its progress, and return its answer.

    Args:
        git: As `networked` returns it.
        arguments: The command and its arguments.
        stdin: What git may read.

    Raises:
        TimedOut: It did not end within `TIME_LIMIT`.
    """
    from git.cmd import handle_process_output

    command, *rest = arguments
    child = git.start(command, "--progress", *rest, stdin=stdin, text=True)
    progress = _progress()
    parse = progress.new_message_handler()
    out: list[str] = []
    try:
        handle_process_output(
            child,
            out.append,
            lambda line: parse(line.expandtabs(1)),  # it cuts a line at a control character
            decode_streams=False,
            kill_after_timeout=TIME_LIMIT,
        )
        code = child.wait(GRACE)
    except BaseException as stopped:
        end(child)
        if isinstance(stopped, (RuntimeError, subprocess.TimeoutExpired)):  # GitPython's, ours
            raise TimedOut(
                sentence(
                    "git {command} did not end within {time_limit:.0f} s",
                    command=command,
                    time_limit=TIME_LIMIT,
                )
            ) from stopped
        raise
    words = "\n".join((*progress.other_lines, *progress.error_lines))
    return Answer(code, "".join(out).encode(), words)


def _progress() -> RemoteProgress:
    """Return GitPython's parser of git's progress, which logs what it finds."""
    from git import RemoteProgress

    stages = {
        RemoteProgress.COUNTING: sentence("counting objects"),
        RemoteProgress.COMPRESSING: sentence("compressing objects"),
        RemoteProgress.WRITING: sentence("sending objects"),
        RemoteProgress.RECEIVING: sentence("receiving objects"),
        RemoteProgress.RESOLVING: sentence("resolving deltas"),
    }

    class Progress(RemoteProgress):
        def update(
            self, op_code: int, cur_count: Any, max_count: Any = None, message: str = ""
        ) -> None:
            if stage := stages.get(op_code & self.OP_MASK):
                total = None if max_count is None else int(max_count)
                TRANSFERS.debug("%s: %d of %s %s", stage, int(cur_count), total, message)

    return Progress()


def networked(git: Plumbing, variables: Mapping[str, str]) -> Plumbing:
    """Return git with those of `variables` that say how to reach a remote."""
    way = {name: value for name, value in variables.items() if _WAY.fullmatch(name)}
    settings = (
        "http.lowSpeedLimit=1",
        f"http.lowSpeedTime={STALLED}",
        "fetch.unpackLimit=1",  # git shows no progress while it unpacks
        *_certificates(git, variables),
    )
    options = (word for each in settings for word in ("-c", each))
    return replace(git, options=(*git.options, *options), variables=tuple(way.items()))


def guarded(git: Plumbing, url: str, token: str = "") -> Plumbing:
    """Return git for a repository at `url` that nobody vouches for, by known protocols only.

    Args:
        git: As `networked` returns it.
        url: The address.
        token: See `credentials`.
    """
    # a setting such as url.X.insteadOf must not lead to a protocol that runs a program
    allowed = ("GIT_ALLOW_PROTOCOL", ":".join(PROTOCOLS))
    return replace(git, variables=(*git.variables, allowed, *credentials(url, token).items()))


def credentials(url: str, token: str) -> dict[str, str]:
    """Return a token as git's configuration in the environment, for one address only.

    Args:
        url: The address: of HTTPS, or of this machine; no other gets it.
        token: The token; empty: git finds the credentials.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not token or not secure:
        return {}
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
    word = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    name = f"http.{place}.extraHeader"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": name,  # an empty one forgets those of the configuration: two of
        "GIT_CONFIG_VALUE_0": "",  # a kind, and GitHub answers 400
        "GIT_CONFIG_KEY_1": name,
        "GIT_CONFIG_VALUE_1": f"Authorization: Basic {word}",
    }


def _certificates(git: Plumbing, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the setting that lets git trust what every other request trusts.

    What git is told itself goes before: by its configuration here, by ``GIT_SSL_CAINFO`` in git.
    """
    file = next((variables[name] for name in _CERTIFICATES if variables.get(name)), "")
    known = file and git.ask("config", "--get-regexp", r"^http\.(.*\.)?sslca(info|path)$").out
    if not file or known:
        return ()
    path = Path(file).absolute()
    return (f"http.{'sslCAPath' if path.is_dir() else 'sslCAInfo'}={path}",)


def hidden(words: str, urls: Iterable[str]) -> str:
    """Return `words` without users, passwords and queries of `urls`, and of any other URL."""
    for url in urls:
        _, slashes, rest = url.partition("://")
        user, at, _ = rest.rpartition("@")
        named = slashes and at and user != "git"  # everybody's name at a git server
        for each in (user if named else "", url.partition("?")[2]):
            words = words.replace(each, "***") if each else words
    return _CREDENTIALS.sub("//***@", words)


def causes(words: str) -> Iterator[str]:
    """Yield the lines in which git names the cause of a failure, the most specific first."""
    lines = [line.strip() for line in words.splitlines() if line.strip(" \t:")]
    for start in _STARTS:
        found = (line.removeprefix(start).strip() for line in lines if line.startswith(start))
        yield from (line for line in found if line and not _EMPTY.match(line))
    yield from (line for line in lines if not line.startswith(_STARTS))
