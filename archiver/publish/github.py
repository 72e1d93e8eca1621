"""Speak to GitHub Actions by files only: outputs and step summary, never by words in the log."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.publish.notifiers.local import append

if TYPE_CHECKING:
    from collections.abc import Mapping

PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_target"})
"""Events on which nothing is committed."""


def is_pull_request(variables: Mapping[str, str]) -> bool:
    """Say whether the job was started by a pull request."""
    return variables.get("GITHUB_EVENT_NAME") in PULL_REQUESTS


def write_outputs(values: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Set the outputs of the step, whatever their values hold.

    Each stands between two lines that nobody can guess (GitHub docs, "Multiline strings").

    Raises:
        NotifyError: The file cannot be written.
    """
    if place := variables.get("GITHUB_OUTPUT"):
        append(Path(place), "".join(_output(name, value) for name, value in values.items()))


def write_summary(words: str, variables: Mapping[str, str]) -> None:
    """Add Markdown to the summary of the step.

    Raises:
        NotifyError: The file cannot be written.
    """
    if place := variables.get("GITHUB_STEP_SUMMARY"):
        append(Path(place), words)


def _output(name: str, value: str) -> str:
    mark = f"end_{secrets.token_hex(16)}"
    return f"{name}<<{mark}\n{value}\n{mark}\n"
