"""Every command of the README is run, and what it shows is what comes out.

``python -m pytest tests/test_readme.py --renew`` writes the real output into the README.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "en", "README.zh-CN.md": "zh"}
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{40}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{7,12}\b"), "<short id>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"_\d{8}_\d{6}"), "_<stamp>"),
    (re.compile(r"-[0-9a-f]{16}\.sqlite"), "-<digest>.sqlite"),
    (re.compile(r"\d+(\.\d)? kB(?= in |\uff0c位于)"), "<size>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
)
ELIDED = "…"


@dataclass
class Step:
    """One command as it is typed, and the lines that the page shows below it."""

    typed: list[str]
    shown: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        return "\n".join(line[2:] for line in self.typed)


def steps(block: str) -> list[Step]:
    found: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Step([line]))
        elif line.startswith("> ") and not found[-1].shown:
            found[-1].typed.append(line)
        else:
            found[-1].shown.append(line)
    return found


def play(page: str, folder: Path, language: str) -> list[tuple[list[str], list[str]]]:
    """Run the commands of a page, one after the other; return what is shown and what came."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ARCHIVER_LANG": language,
    }
    played, here = [], folder / "work"
    here.mkdir()
    for block in _BLOCK.findall(page):
        for step in steps(block):
            script = f"{step.command}\ncode=$?\npwd > {folder}/here\nexit $code\n"
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=here,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
            )
            here = Path((folder / "here").read_text().strip())
            played.append((step.shown, done.stdout.decode().splitlines()))
    return played


def steady(lines: list[str]) -> list[str]:
    for pattern, name in _CHANGING:
        lines = [pattern.sub(name, line) for line in lines]
    return [line.rstrip() for line in lines]


def as_shown(shown: list[str], came: list[str]) -> list[str]:
    """Return what came, cut where the page says that there is more."""
    cut = ELIDED in shown and len(came) >= len(shown)
    return [*came[: len(shown) - 1], ELIDED] if cut else came


def renewed(page: str, played: list[tuple[list[str], list[str]]]) -> str:
    answers = iter(played)

    def block(match: re.Match[str]) -> str:
        lines: list[str] = []
        for step in steps(match[1]):
            shown, came = next(answers)
            lines += [*step.typed, *as_shown(shown, came)]
        return "```console\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(block, page)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_page_shows_what_really_comes_out(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    played = play(page, tmp_path, PAGES[name])
    assert played
    for program in _PYTHON.findall(page):
        command = [sys.executable, "-c", program]
        subprocess.run(command, cwd=tmp_path / "work", check=True, timeout=60)
    if request.config.getoption("--renew"):
        (ROOT / name).write_text(renewed(page, played), encoding="utf-8")
        return
    for shown, came in played:
        assert steady(as_shown(shown, came)) == steady(shown)


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\w+)", page, re.MULTILINE)
    assert {"demo", "test"} <= set(commands)
    subprocess.run(["make", "--dry-run", *commands], cwd=ROOT, check=True, capture_output=True)


def test_every_page_that_is_linked_exists() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
