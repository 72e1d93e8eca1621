"""The use cases; import the one that is needed, each costs what it needs."""

from __future__ import annotations
