"""The lazy group: quick, complete, and helpful about names."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import run_process

from archiver import __version__
from archiver.cli import COMMANDS, GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

HEAVY = ("git", "requests", "deepdiff", "jinja2", "rich", "msgspec")
LOADED = f"""
import sys
from archiver.cli import archiver
try:
    archiver.main(sys.argv[1:], prog_name="archiver")
finally:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_completion_of_names_imports_nothing_heavy() -> None:
    done = run_process(_ARCHIVER_COMPLETE="zsh_complete", COMP_WORDS="archiver ver", COMP_CWORD="1")
    assert done.stdout == f"plain\nverify\n{COMMANDS['verify'].help}\n"


def test_help_lists_every_command_in_the_order_of_the_table(
    archiver: Callable[..., CompletedProcess[str]],
) -> None:
    shown = archiver("--help").stdout
    found = []
    for title in GROUPS:
        table = shown.partition(f"\n{title}:\n")[2]
        found += [line.split()[0] for line in table.partition("\n\n")[0].splitlines()]
    assert found == list(COMMANDS)


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_told(archiver: Callable[..., CompletedProcess[str]], flag: str) -> None:
    assert archiver(flag).stdout == f"archiver {__version__}\n"


@pytest.mark.parametrize("name", ["init", "sources", "schema", "completion"])
def test_the_help_of_a_command_has_an_example(
    archiver: Callable[..., CompletedProcess[str]], name: str
) -> None:
    done = archiver(name, "--help")
    assert f"  $ archiver {name}" in done.stdout.replace('eval "$(archiver', "archiver")


def test_an_unknown_command_is_refused_with_the_nearest_one(
    archiver: Callable[..., CompletedProcess[str]],
) -> None:
    done = archiver("comprae")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no command is called "comprae"; did you mean "compare"?' in done.stderr
