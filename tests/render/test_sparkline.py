"""A series of numbers as a line of blocks."""

from __future__ import annotations

import pytest

from archiver.render.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"),
        ([0, None, 10], "▁ █"),
        ([-5, 5, 0.0], "▁█▅"),
        ([3, 3], "▁▁"),
        ([10**30, 0], "█▁"),
    ],
)
def test_values_become_blocks(values: list[float | None], drawn: str) -> None:
    assert sparkline(values, 40) == drawn


def test_many_values_share_columns_and_the_last_one_is_shown() -> None:
    drawn = sparkline([0] * 99 + [7], 10)
    assert drawn == "▁" * 9 + "█"
