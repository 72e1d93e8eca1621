"""WHERE records are kept: the only room that speaks git."""

from __future__ import annotations
