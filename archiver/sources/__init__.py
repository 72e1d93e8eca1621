"""WHERE records come from."""

from __future__ import annotations
