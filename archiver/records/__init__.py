"""WHAT is archived: records, their canonical form and the meaning of their fields."""

from __future__ import annotations
