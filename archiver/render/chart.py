"""The geometry of charts; templates draw them as inline SVG, with text around them in HTML.

Drawings are stretched to their place, so that there is one for every width; strokes keep theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH: Final = 1_000
HEIGHT: Final = 200
_MARGIN: Final = 6
_GAP: Final = 0.3
"""Share of its place that a bar leaves free."""

Point = tuple[float, float | None]
"""Place from 0 to 1, and a value; None: there is none from here on."""


class Line(NamedTuple):
    """A value over time, which holds until the next one.

    Attributes:
        path: The line (SVG 2, 9.3).
        area: What is below it.
        least: The smallest value.
        most: The largest value.
        first: The first value.
        last: The last value.
    """

    path: str
    area: str
    least: float
    most: float
    first: float
    last: float

    def __repr__(self) -> str:
        return short(self)


class Bar(NamedTuple):
    """A bar of several parts: its place, and height and top of each part by name."""

    x: str
    width: str
    parts: dict[str, tuple[str, str]]


def line(points: Sequence[Point], *, from_zero: bool = False) -> Line | None:
    """Return the line through `points`, in the order of their places; None: there is no value.

    Args:
        points: The values; each holds until the next one, the last one to the right border.
        from_zero: Whether the vertical axis begins at zero.
    """
    values = [value for _, value in points if value is not None]
    if not values:
        return None
    least, most = min(values), max(values)
    low = min(0.0, least) if from_zero else least
    span = (most - low) or 1.0
    lines: list[str] = []
    areas: list[str] = []
    for run in _runs(points):
        steps, last = [], ""
        for place, value in run[:-1]:
            y = _number(_MARGIN + (HEIGHT - 2 * _MARGIN) * (1 - ((value or 0.0) - low) / span))
            if y != last:
                steps.append(f"{f'H{_number(place * WIDTH)}' if last else ''}V{y}")
            last = y
        start, end = _number(run[0][0] * WIDTH), _number(run[-1][0] * WIDTH)
        lines.append(f"M{start} {''.join(steps).removeprefix('V')}H{end}")
        areas.append(f"M{start} {HEIGHT}{''.join(steps)}H{end}V{HEIGHT}z")
    return Line("".join(lines), "".join(areas), least, most, values[0], values[-1])


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the points of each time without a gap, and the place at which it ends."""
    run: list[Point] = []
    for place, value in [*points, (1.0, None)]:
        if value is not None:
            run.append((place, value))
        elif run:
            yield [*run, (place, None)]
            run = []


def bars(rows: Sequence[dict[str, int]]) -> list[Bar]:
    """Return one bar for each row, its parts on top of each other, in the order of their names."""
    most = max((sum(row.values()) for row in rows), default=0) or 1
    place = WIDTH / (len(rows) or 1)
    found = []
    for number, row in enumerate(rows):
        top, parts = float(HEIGHT), {}
        for name, value in row.items():
            height = value / most * (HEIGHT - _MARGIN)
            height = max(height, 2.0) if value else 0.0
            top -= height
            if value:
                parts[name] = (_number(height), _number(max(top, 0.0)))
        left = number * place + place * _GAP / 2
        found.append(Bar(_number(left), _number(place * (1 - _GAP)), parts))
    return found


def _number(value: float) -> str:
    """Write a coordinate with at most one digit behind the point."""
    return f"{value:.1f}".removesuffix(".0")
