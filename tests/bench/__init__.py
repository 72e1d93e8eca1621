"""The benchmark: ratios measured in one run on one machine, beside what the project promises."""

from __future__ import annotations
