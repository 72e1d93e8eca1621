"""The data repository: the only package that runs git."""

from __future__ import annotations
