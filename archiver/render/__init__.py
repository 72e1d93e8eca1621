"""WHERE changes and records are shown."""

from __future__ import annotations
