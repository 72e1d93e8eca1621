"""A series of numbers as a line of blocks: ``▁▂▅█``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS: Final = "▁▂▃▄▅▆▇█"
"""Lower one eighth block to full block (Unicode 16, Block Elements)."""
_GAP: Final = " "


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Draw `values`, from the smallest to the largest one, in at most `width` columns.

    Of more values, each column shows the last one of its share. None is a gap.
    """
    if len(values) > width:
        values = [values[(column + 1) * len(values) // width - 1] for column in range(width)]
    there = [value for value in values if value is not None]
    return "".join(_block(value, min(there), max(there)) for value in values)


def _block(value: float | None, least: float, most: float) -> str:
    if value is None:
        return _GAP
    last = len(BLOCKS) - 1
    return BLOCKS[round((value - least) / (most - least) * last) if most > least else 0]
