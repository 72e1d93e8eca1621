"""What the benchmark measured, beside what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number.

    Attributes:
        what: What was measured.
        value: The number: a ratio, or megabytes.
        sign: Whether `target` is a lower or an upper bound.
        target: What the project promises.
        unit: ``x``, ``MB`` or ``%``; empty: a number of things.
        detail: Both sides of the ratio.
    """

    what: str
    value: float
    sign: Literal["≥", "≤"]
    target: float
    unit: Literal["x", "MB", "%", ""] = "x"
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.value >= self.target if self.sign == "≥" else self.value <= self.target

    def __str__(self) -> str:
        """Return one row of the table."""
        measured = f"{self.value:.1f} {self.unit}"
        target = f"{self.sign} {self.target:g} {self.unit}"
        verdict = "PASS" if self.kept else "MISS"
        return f"{verdict}  {self.what:<44} {measured:>10}  {target:>9}  {self.detail}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be measured here, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        """Return one row of the table."""
        return f"SKIP  {self.what:<44} {self.reason}"


def faster(what: str, *, ours: float, theirs: float, target: float) -> Result:
    """Return how many times less time we need; seconds in, at least `target` wanted."""
    return Result(what, theirs / ours, "≥", target, detail=f"{theirs:.2f} s : {ours:.2f} s")


def at_most(what: str, *, ours: float, theirs: float, target: float) -> Result:
    """Return our time as a multiple of theirs; seconds in, at most `target` wanted."""
    return Result(what, ours / theirs, "≤", target, detail=f"{ours:.3f} s : {theirs:.3f} s")


def memory(what: str, peak: int, *, target: float) -> Result:
    """Return a peak in megabytes; bytes in, at most `target` MB wanted."""
    return Result(what, peak / 1e6, "≤", target, unit="MB")
