"""The index is kept up to date, is never believed without reason, and costs nothing if unused."""

from __future__ import annotations

from support.commandline import run_archiver  # noqa: F401
