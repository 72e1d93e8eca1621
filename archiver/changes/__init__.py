"""WHAT CHANGED: comparison, belief, retention."""

from __future__ import annotations
