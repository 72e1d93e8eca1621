"""Clients of PyPI, npm, GitHub and Ollama judge the servers that test the sources of these."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.apis import Server, serving
from support.registries import GitHub, Npm, Ollama, PyPI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ask = Callable[..., Any]

FLAGS = ("--disable-pip-version-check", "--no-input", "--isolated", "--json")


def needs(module: str) -> pytest.MarkDecorator:
    absent = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(absent, reason=f"{module} is not installed (extra: peers)")


NEEDS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(PyPI()) as running:
        yield running


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Return what runs a client in a process of its own, and returns the JSON that it prints."""

    def asked(*command: str, **environ: str) -> Any:
        own = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        own = {name: value for name, value in own.items() if not name.startswith(("PIP_", "npm_"))}
        own |= {"HOME": str(tmp_path), **environ}
        done = subprocess.run(
            command, env=own, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return asked


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-W", "ignore", "-c", f"import json\n{code}"


@needs("pypi_simple")
def test_pypi_simple_reads_the_index(ask: Ask, server: Server) -> None:
    pypi = server.api = PyPI()
    for name in ("Flask", "zope.interface"):
        pypi.upload(name)
    found = ask(
        *python(f"""
from pypi_simple import ACCEPT_JSON_ONLY, PyPISimple
with PyPISimple({server.url + "/simple/"!r}, accept=ACCEPT_JSON_ONLY) as client:
    page = client.get_index_page()
    project = client.get_project_page("zope-interface")
print(json.dumps([page.projects, page.last_serial, page.repository_version, project.versions]))
""")
    )
    assert found == [["Flask", "zope.interface"], "2", "1.4", ["1.0"]]


def test_pip_finds_the_versions(ask: Ask, server: Server) -> None:
    pypi = server.api = PyPI()
    pypi.upload("Zope.Interface", "6.1")
    index = ("--index-url", f"{server.url}/simple/")
    command = (sys.executable, "-m", "pip", "index", "versions", "zope-interface")
    assert ask(*command, *index, *FLAGS)["versions"] == ["6.1"]


@NEEDS_NPM
def test_npm_views_what_the_registry_has(ask: Ask, server: Server) -> None:
    npm = server.api = Npm()
    npm.publish("@types/node", "26.1.0")
    flags = ("--registry", server.url, "--json", "--no-update-notifier")
    name = "@types/node"
    assert ask("npm", "view", name, "name", "version", "license", *flags) == {
        "name": name,
        "version": "26.1.0",
        "license": "ISC",
    }


@needs("github")
def test_pygithub_follows_the_links(ask: Ask, server: Server) -> None:
    github = server.api = GitHub(token="t0ken")
    for number in range(250):
        github.publish("o/r", f"v{number}")
    found = ask(
        *python(f"""
from github import Auth, Github
with Github(base_url={server.url!r}, auth=Auth.Token("t0ken"), per_page=100) as client:
    releases = list(client.get_repo("o/r").get_releases())
    one = client.get_repo("o/r").get_release("v7")
    assets = [[each["name"], each["size"]] for each in one.raw_data["assets"]]
print(json.dumps([[each.tag_name for each in releases], one.tag_name, assets]))
""")
    )
    assert found == [[f"v{number}" for number in reversed(range(250))], "v7", [["a.zip", 7]]]


@needs("ollama")
def test_ollama_lists_what_is_installed(ask: Ask, server: Server) -> None:
    server.api = Ollama({"qwen3:8b": 5000, "me/own:q4": 3})
    found = ask(
        *python("""
from ollama import Client
models = Client().list().models
print(json.dumps([[each.model, each.size, each.details.family] for each in models]))
"""),
        OLLAMA_HOST=server.url,
    )
    assert found == [["qwen3:8b", 5000, "qwen3"], ["me/own:q4", 3, "qwen3"]]
