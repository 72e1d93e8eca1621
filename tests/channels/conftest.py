"""An archive with channels and their receivers."""

from __future__ import annotations

from support.receivers import archive, hook, receiver

__all__ = ["archive", "hook", "receiver"]
