"""The door: parse, one call into the hall, print, exit code."""

from __future__ import annotations
