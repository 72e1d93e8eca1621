"""Metrics at their own pace: which values of the metrics of a record are archived.

Pure. Between two due dates the numbers of a record's metrics are held as they were archived; on a
due date, and where a number jumps, they are those of the listing. Whatever is archived is rounded.
Only numbers are held and rounded: a text among the metrics (``last_modified``) is archived as
listed, and so is all that is no metric.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.changes.compare import NO_RECORD, split
from archiver.clock import period
from archiver.records.jsontext import decode, dump

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from archiver.changes.compare import Texts
    from archiver.records.model import Json
    from archiver.records.policy import Path, Policy

_EARLY: Final = 10
"""The part of `every` by which a run may be early: cron is not punctual."""
_EARLIEST: Final = timedelta(hours=6)
_COUNTER: Final = 40
"""Digits up to which an integer is rounded: what is longer counts nothing."""
_NUMBER: Final = frozenset(b"-0123456789")
"""First bytes of canonical numbers."""

_encode = msgspec.json.Encoder().encode


class Pace(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often and how exactly metrics are archived.

    Attributes:
        every: How often all metrics are archived, such as ``7d``; empty: with each capture.
        round: Number of significant digits; None: all.
        jump: Factor by which a metric moves whose record gets its metrics at once; None: it waits.
    """

    every: str = ""
    round: int | None = None
    jump: float | None = None

    def __str__(self) -> str:
        """Return it as archiver.toml has it."""
        members = (
            f'every = "{self.every}"' if self.every else "",
            "" if self.round is None else f"round = {self.round}",
            "" if self.jump is None else f"jump = {self.jump:g}",
        )
        return f"{{ {', '.join(filter(None, members))} }}"

    def is_due(self, as_of: datetime | None, now: datetime) -> bool:
        """Say whether all metrics are archived, given when they were last (None: unknown).

        A run that is early by a tenth of `every`, but by no more than six hours, is not too early.
        A date in the future says nothing.
        """
        every = period(self.every)
        if every is None or as_of is None:
            return True
        return not timedelta() <= now - as_of < every - min(every / _EARLY, _EARLIEST)


class Pacing:
    """The rule: which line of a record is archived."""

    def __init__(self, pace: Pace, policy: Policy) -> None:
        """Hold and round the numbers of the metrics that `policy` names."""
        self._digits = pace.round
        self._jump = None if pace.jump is None else pace.jump.as_integer_ratio()
        self._policy = policy
        self._measured: dict[str, tuple[bool, bool]] = {}

    def line(self, before: bytes | None, listed: bytes, *, due: bool) -> bytes:
        """Return the line to archive.

        Args:
            before: The archived line; None: the record is new.
            listed: The line that was listed.
            due: Whether all records get their metrics.
        """
        if before is None or due:
            return self.rounded(listed)
        try:
            old, new = split(before), split(listed)
            held = {
                name: self._held(name, old[name], text)
                for name, text in new.items()
                if self._meaning(name)[0] and name in old and text != old[name]
            }
        except NO_RECORD:  # the comparison refuses it
            return listed
        except _Jump:
            return self.rounded(listed)
        new |= held
        if self._digits is not None:
            self._round(new)
        return before if new == old else _encode(new)

    def rounded(self, line: bytes) -> bytes:
        """Return a line with its metrics rounded."""
        if self._digits is None:
            return line
        try:
            texts = split(line)
            return _encode(texts) if self._round(texts) else line
        except NO_RECORD:  # the comparison refuses it
            return line

    def _meaning(self, name: str) -> tuple[bool, bool]:
        """Say whether the field `name` is or may hold a metric, and if it is one as a whole."""
        known = self._measured.get(name)
        if known is None:
            known = self._policy.measures(name), self._policy.is_metric((name,))
            self._measured[name] = known
        return known

    def _held(self, name: str, old: msgspec.Raw, new: msgspec.Raw) -> msgspec.Raw:
        """Return the text of a field in which metrics are as they were archived."""
        if self._jump is None and self._is_counter(name, old) and self._is_counter(name, new):
            return old
        was, now = decode(old), decode(new)
        kept = self._kept((name,), was, now, covered=False)
        return old if kept is was else msgspec.Raw(dump(kept))

    def _is_counter(self, name: str, text: msgspec.Raw) -> bool:
        """Say whether a field is a number, and a metric as a whole."""
        return self._meaning(name)[1] and memoryview(text)[0] in _NUMBER

    def _kept(self, path: Path, old: Json, new: Json, *, covered: bool) -> Json:
        """Return `new` with the numbers of `old` wherever both have one that is a metric."""
        covered = covered or self._policy.is_metric(path)
        if _is_number(old) and _is_number(new):
            if covered and self._jump is not None and _leaps(old, new, *self._jump):
                raise _Jump
            return old if covered else new
        if isinstance(old, dict) and isinstance(new, dict):
            return {
                name: self._kept((*path, name), old[name], value, covered=covered)
                if name in old
                else value
                for name, value in new.items()
            }
        if isinstance(old, list) and isinstance(new, list) and self._alike(path, old, new, covered):
            pairs = enumerate(zip(old, new, strict=True))
            return [self._kept((*path, str(n)), *both, covered=covered) for n, both in pairs]
        return new

    def _alike(self, path: Path, old: Json, new: Json, covered: bool) -> bool:  # noqa: FBT001
        """Say whether two lists differ in nothing but metrics: the places mean the same."""
        blank = (self._mapped(path, each, lambda _: 0, covered=covered) for each in (old, new))
        return dump(next(blank)) == dump(next(blank))

    def _mapped(
        self, path: Path, value: Json, change: Callable[[int | float], Json], *, covered: bool
    ) -> Json:
        """Return a copy of `value` in which every number that is a metric is changed."""
        covered = covered or self._policy.is_metric(path)
        if _is_number(value):
            return change(value) if covered else value
        if isinstance(value, dict):
            return {
                name: self._mapped((*path, name), each, change, covered=covered)
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [
                self._mapped((*path, str(n)), each, change, covered=covered)
                for n, each in enumerate(value)
            ]
        return value

    def _round(self, texts: Texts) -> bool:
        """Round the metrics among the members of a line; say whether any changed."""
        digits, changed = self._digits, False
        assert digits is not None  # noqa: S101  asked before
        for name, text in texts.items():
            if self._meaning(name)[0]:
                content = bytes(text)
                if self._is_counter(name, text):
                    short = len(content) <= _COUNTER
                    rounded = _rounded_text(content, digits) if short else content
                elif content[0] in b"{[":
                    value = self._mapped(
                        (name,), decode(text), lambda n: rounded_to(n, digits), covered=False
                    )
                    rounded = dump(value)
                else:
                    continue
                if rounded != content:
                    texts[name] = msgspec.Raw(rounded)
                    changed = True
        return changed


class _Jump(Exception):
    """A metric moved by more than the factor."""


def rounded_to(number: float, digits: int) -> int | float:
    """Return a number with so many significant digits, a half to the even digit, as JSON has it."""
    if type(number) is int:
        length = len(f"{abs(number)}")
        return round(number, digits - length) if digits < length < _COUNTER else number
    rounded = float(f"{number:.{digits - 1}e}")
    return rounded if isfinite(rounded) else number


@lru_cache(maxsize=1 << 14)
def _rounded_text(text: bytes, digits: int) -> bytes:
    return dump(rounded_to(decode(text), digits))


def _leaps(old: float, new: float, numerator: int, denominator: int) -> bool:
    """Say whether one number is more than a factor larger than another; from 0 it is that far."""
    least, most = (old, new) if old < new else (new, old)
    if least <= 0:
        return (most - least) * denominator >= numerator
    return most * denominator > least * numerator


def _is_number(value: Json) -> bool:
    return type(value) is int or type(value) is float
