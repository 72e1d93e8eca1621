"""Keep the trustworthy, git-backed history of a catalogue and answer questions about it."""

from __future__ import annotations

__version__ = "0.1.0"
