"""What every test stands on: own HOME, no GIT_* of the machine, no network but 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from support.checkout import SHARED
from support.git import SETTINGS, new_repository, run_git
from support.misbehaviour import Server
from support.scratch import in_memory

from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOOPBACK = {None, "", "localhost", "127.0.0.1", b"localhost", b"127.0.0.1"}


def only_loopback(host: object) -> None:
    """Refuse every address but this machine's own."""
    if host not in LOOPBACK:
        message = f"a test wanted to reach {host!r}; only 127.0.0.1 is allowed"
        raise PermissionError(message)


class LocalSocket(socket.socket):
    """A socket that reaches this machine alone; sockets in the file system are fine.

    An audit hook would see more, but is called while a tracer is installed in a thread, and
    another thread may run meanwhile: then Python refuses to trace that one, which never starts.
    """

    def connect(self, address: Any) -> None:
        self._check(address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        self._check(address)
        return super().connect_ex(address)

    def bind(self, address: Any) -> None:
        self._check(address)
        super().bind(address)

    def _check(self, address: Any) -> None:
        if isinstance(address, tuple) and may_be_a_host(address[0]):
            only_loopback(address[0])


def may_be_a_host(name: object) -> bool:
    """Return whether a name is one; Python itself refuses the others."""
    try:
        str(name).encode("idna")
    except UnicodeError:
        return False
    return True


def local_addresses(host: Any, *rest: Any, **named: Any) -> Any:
    if may_be_a_host(host):
        only_loopback(host)
    return addresses(host, *rest, **named)


addresses, socket.getaddrinfo = socket.getaddrinfo, local_addresses
socket.socket = LocalSocket  # type: ignore[misc]
# A busy machine takes any time for an example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# A shell starts a background job with SIGINT ignored, and every child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    if folder := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write expected outputs anew")


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    """Return whether what is expected is to be written anew."""
    return bool(request.config.getoption("--renew", default=False))


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the whole run its own HOME with a git identity, and none of the machine's settings."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith(("GIT_", "ARCHIVER_")):
                environment.delenv(name)
        environment.setenv("LC_ALL", "C.UTF-8")
        environment.setenv("HOME", str(home))
        environment.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        environment.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield home


@pytest.fixture(scope="session")
def git() -> Callable[..., str]:
    """Return ``git(folder, *arguments, stdin=None) -> stdout``."""
    return run_git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a new git repository on an unborn branch ``main``."""
    return new_repository(tmp_path / "repo")


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a running server that misbehaves as it is told."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for 127.0.0.1 that signs itself; ``key.pem`` is beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    extension = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    subprocess.run([*command.split(), *extension, *files], check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def waits() -> list[float]:
    """Return the seconds that the transport would have waited, so far."""
    return []


@pytest.fixture
def transport(waits: list[float]) -> Iterator[Transport]:
    """Return a transport that waits only on paper."""
    limits = Limits(retries=2, longest_wait=60, max_bytes=100_000)
    with Transport(limits, sleep=waits.append, chance=lambda: 1.0) as client:
        yield client


@pytest.fixture(scope="session")
def now() -> datetime:
    """Return a moment that never moves."""
    return datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)


@pytest.fixture(scope="session")
def real() -> Path:
    """Return the folder of real histories, or skip."""
    return folder_or_skip("real")


@pytest.fixture(scope="session")
def hostile() -> Path:
    """Return the folder of hostile inputs, or skip."""
    return folder_or_skip("hostile")


def folder_or_skip(name: str) -> Path:
    """Return a folder beside the checkout; it is not part of the project."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"there is no ../shared/{name} beside this checkout")
    return folder
