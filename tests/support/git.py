"""Plain git, as a person types it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
[user]
	name = A Person
	email = person@example.org
[init]
	defaultBranch = main
	templateDir =
[gc]
	auto = 0
[maintenance]
	auto = false
"""
"""What HOME/.gitconfig says in tests: an identity, and no work that no test asked for.

Without the last three a new repository is given a dozen sample hooks, and each commit, fetch and
push starts ``git maintenance``, which then does nothing.
"""


def run_git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git in `folder` and return what it prints; a failure is an error with its words."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, input=stdin or b"", capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def new_repository(folder: Path) -> Path:
    """Make `folder` a git repository on an unborn branch ``main``."""
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def copy_repository(folder: Path, target: Path) -> Path:
    """Copy a repository with its work tree; its index knows the inodes of the copied files.

    Building a repository with two captures costs some thirty processes of git, a copy one.
    """
    shutil.copytree(folder, target, symlinks=True)
    run_git(target, "update-index", "-q", "--refresh")
    return target
