"""The hubs at the command line: set up, checked, captured, and made up."""

from __future__ import annotations

import json
import operator
import signal
import subprocess
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from support.apis import serving
from support.processes import started
from support.registries import GitHub, Npm, Ollama, PyPI

from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.apis import Api


@pytest.fixture(scope="module")
def server() -> Iterator[FakeHub]:
    with FakeHub(hub=Hub(120)) as running:
        yield running


@pytest.mark.parametrize("kind", ["modelscope", "huggingface", "openrouter"])
def test_a_hub_is_set_up_checked_and_captured(
    archiver: Callable[..., subprocess.CompletedProcess[str]],
    server: FakeHub,
    tmp_path: Path,
    kind: str,
) -> None:
    made = archiver("init", tmp_path / "models", "--type", kind)
    assert made.returncode == 0, made.stderr
    config = tmp_path / "models" / "archiver.toml"
    own = f'type = "{kind}"\nendpoint = "{server.endpoint}"'
    config.write_text(config.read_text().replace(f'type = "{kind}"', own))
    checked = archiver("sources", "--check", "--repo", tmp_path / "models")
    assert checked.stdout.startswith(f"{kind}: answers: "), checked.stderr
    listed = archiver("sources", "--repo", tmp_path / "models")
    assert listed.stdout.startswith(f"{kind}  {kind}  data/{kind}  {server.endpoint}\n")
    done = archiver("run", "--repo", tmp_path / "models")
    assert done.stdout.startswith(f"{kind}: first snapshot (120 models)"), done.stderr


def registries() -> dict[str, tuple[Api, tuple[str, ...], str, str]]:
    """Return a made-up registry for each type, what init needs, what a run says, and a key."""
    pypi, npm, github = PyPI(), Npm(), GitHub()
    for name in ("a", "b"):
        pypi.upload(name)
        npm.publish(name)
        github.publish("o/r", name)
    return {
        "pypi": (pypi, (), "2 packages", "a"),
        "npm": (npm, (), "2 packages", "a"),
        "github-releases": (github, ("--set", 'repositories=["o/r"]'), "2 releases", "o/r/a"),
        "ollama": (Ollama({"a:b": 1, "b:c": 2}), (), "2 models", "a:b"),
    }


@pytest.mark.parametrize("kind", registries())
def test_a_registry_is_set_up_checked_captured_and_pinned(
    archiver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, kind: str
) -> None:
    api, given, said, key = registries()[kind]
    repo = tmp_path / "kept"
    with serving(api) as server:
        places = {"endpoint": server.url}
        if kind == "npm":
            places = {"endpoint": f"{server.url}/registry", "registry": server.url}
        more = [each for name, url in places.items() for each in ("--set", f"{name}={url}")]
        made = archiver("init", repo, "--type", kind, *given, *more)
        assert made.returncode == 0, made.stderr
        checked = archiver("sources", "--check", "--repo", repo)
        assert checked.stdout.startswith(f"{kind}: answers: "), checked.stderr
        done = archiver("run", "--repo", repo)
        assert done.stdout.startswith(f"{kind}: first snapshot ({said})"), done.stderr
        pins = tmp_path / "pins.txt"
        pins.write_text(f"{key}\n")
        assert archiver("check", pins, "--repo", repo).returncode == 0


def test_init_says_what_a_type_cannot_do_without(
    archiver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = archiver("init", tmp_path / "a", "--type", "github-releases")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: The type github-releases needs --set repositories=…"
    )
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_a_check_fails_for_a_deleted_model_with_what_init_wrote(
    archiver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, kind: str
) -> None:
    repo = tmp_path / "models"
    archiver("init", repo, "--type", kind)
    config = repo / "archiver.toml"
    hub = Hub(120)
    with FakeHub(hub=hub) as server:
        own = f'type = "{kind}"\nendpoint = "{server.endpoint}"\nretries = 0'
        config.write_text(config.read_text().replace(f'type = "{kind}"', own))
        archiver("run", "--repo", repo)
        pins = tmp_path / "pins.txt"
        pins.write_text(f"{min(hub.truth())}\n{max(hub.truth())}\n")
        hub.remove(min(hub.truth()))
        hub.add()
        archiver("run", "--repo", repo)
        done = archiver("check", pins, "--repo", repo)
        assert (done.returncode, done.stdout.split()[0]) == (1, "removed")
        assert done.stdout.endswith(f"{kind}: 1 of 2 records failed the check\n")
        assert archiver("check", pins, "--repo", repo, "--allow", "removed").returncode == 0
    for options in ((), ("--offline",)):
        done = archiver("check", pins, "--repo", repo, *options)
        assert (done.returncode, done.stdout.split()[0]) == (1, "unconfirmed")
        allowed = archiver("check", pins, "--repo", repo, "--allow", "unconfirmed", *options)
        assert allowed.returncode == 0


def test_a_hub_that_does_not_answer_is_said_with_a_hint(
    archiver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    archiver("init", tmp_path)
    table = '[sources.x]\ntype = "modelscope"\nendpoint = "http://127.0.0.1:9"\nretries = 0\n'
    (tmp_path / "archiver.toml").write_text(table)
    checked = archiver("sources", "--check", "--repo", tmp_path)
    assert checked.returncode == 3
    assert "x: http://127.0.0.1:9/openapi/v1/models" in checked.stderr
    assert "check the network, the proxy" in checked.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--type", "modelscop"), 'unknown type of source "modelscop"; did you mean'),
        (
            ("--type", "modelscope", "--url", "x"),
            "--metric belong to the types json and api",
        ),
    ],
)
def test_a_wrong_type_is_refused(
    archiver: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    options: tuple[str, ...],
    words: str,
) -> None:
    done = archiver("init", tmp_path, *options)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_made_up_hub_runs_by_hand_until_it_is_stopped() -> None:
    command = ("fakehub", "--models", "20", "--day", "1", "--misbehave", "burst", "--churn", "2")
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        endpoint = running.stdout.readline()
        told = running.stderr.readline()
        for _ in range(10):  # Python swallows what interrupts the deletion of an object
            running.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                running.communicate(timeout=2)
                break
    assert endpoint.startswith("http://127.0.0.1:")
    assert told.startswith(f"use it: export MODELSCOPE_ENDPOINT={endpoint.strip()} HF_ENDPOINT=")
    assert running.returncode == 0


@contextmanager
def made_up(*options: str) -> Iterator[str]:
    """Yield the address of ``archiver fakehub``."""
    with started("fakehub", "--models", "40", *options, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()


def test_what_is_new_on_a_made_up_hub_is_new_today(
    archiver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1, minutes=10)
    archiver("init", tmp_path, "--type", "modelscope")
    with made_up() as endpoint:
        archiver("run", "--repo", tmp_path, MODELSCOPE_ENDPOINT=endpoint)
    recent = ("--where", "release_date", ">=", f"{yesterday:%Y-%m-%d}")
    listed = archiver("list", "--repo", tmp_path, *recent, "-f", "jsonl")
    assert len(listed.stdout.splitlines()) == 40, listed.stderr


def test_a_made_up_hub_of_a_given_date_is_always_the_same() -> None:
    def pages(*options: str) -> list[bytes]:
        with made_up(*options) as endpoint:
            paths = ("/models.json", "/api/models?full=true", "/openapi/v1/models")
            return [urlopen(endpoint + path).read() for path in paths]

    then = ("--date", "2026-01-01")
    assert pages(*then, "--day", "2") == pages(*then, "--day", "2")
    assert all(map(operator.ne, pages(*then), pages("--date", "2026-01-02")))
    listed, *_ = pages(*then)
    dates = [each["release_date"] for each in json.loads(listed)["models"]]
    assert max(dates) <= "2026-01-01"


def test_a_made_up_hub_stops_by_itself(
    archiver: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = archiver("fakehub", "--models", "5", "--minutes", "0.001")
    assert (done.returncode, done.stdout[:17]) == (0, "http://127.0.0.1:")
