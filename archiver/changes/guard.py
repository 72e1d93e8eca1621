"""Is this listing believable? Not empty, not suddenly smaller, its records of the same shape."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import SnapshotRejected

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCEPT = "`archiver run --accept` takes it as it is"
"""What a person can do who finds a refused listing believable."""

MAX_DRIFT: Final = 0.05
"""Share of the records in which a field may go, or change its type, at once."""
FEW: Final = 20
"""Of fewer records in both snapshots, nothing can be said about their shape."""

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TYPES = {
    **dict.fromkeys(b"-0123456789", "a number"),
    ord('"'): "a text",
    ord("["): "a list",
    ord("{"): "an object",
    **dict.fromkeys(b"tf", "a boolean"),
}


def refuse_unbelievable(
    *, before: int | None, after: int, vanished: int, max_shrink: float
) -> None:
    """Refuse a listing that looks like a fault of the source.

    Args:
        before: Number of records of the last snapshot; None for the first capture.
        after: Number of records of this listing.
        vanished: Number of keys of the last snapshot that this listing lacks; of a window, by
            how much it is smaller (records come and go, but a window keeps its size).
        max_shrink: Largest believable share of vanished records, 0 to 1.

    Raises:
        SnapshotRejected: It is empty, or too many records vanished.
    """
    if after == 0 and before != 0:
        lost = "" if before is None else f": all {before:,} records are gone"
        raise SnapshotRejected(f"the listing is empty{lost}", hint=ACCEPT)
    if before and vanished > max_shrink * before:
        raise SnapshotRejected(
            f"{vanished:,} of {before:,} records vanished at once, "
            f"more than the {max_shrink:.0%} that are believable",
            hint=ACCEPT,
        )


class Drift:
    """Counts, over the records that differ, what a fault of the source would do to all of them."""

    def __init__(self, metrics: Iterable[str]) -> None:
        """Look at all fields, and at the `metrics` for their collapse."""
        self._metrics = frozenset(metrics)
        self._gone: Counter[str] = Counter()
        self._turned: Counter[tuple[str, str, str]] = Counter()
        self._zeroed: Counter[str] = Counter()
        self._alive: Counter[str] = Counter()

    def see(self, before: bytes, after: bytes) -> None:
        """Take the line before and the line after of one record."""
        old, new = _split(before), _split(after)
        for name, text in old.items():
            now = new.get(name)
            if now is None:
                self._gone[name] += 1
            elif now != text:
                self._look(name, bytes(text), bytes(now))

    def _look(self, name: str, old: bytes, new: bytes) -> None:
        was, now = _TYPES.get(old[0]), _TYPES.get(new[0])
        if was and now and was != now:
            self._turned[name, was, now] += 1
        if name in self._metrics:
            if new == b"0":
                self._zeroed[name] += 1
            elif new != b"null":
                self._alive[name] += 1

    def refuse(self, common: int) -> None:
        """Refuse what cannot be believed.

        Args:
            common: Number of records in both snapshots, equal ones included.

        Raises:
            SnapshotRejected: A field is gone from more than 5 % of them, or has another type
                there, or a metric that counted is 0 wherever it changed.
        """
        if common < FEW:
            return
        for name, number in self._gone.items():
            _refuse(number, common, f'the field "{name}" is gone')
        for (name, was, now), number in self._turned.items():
            _refuse(number, common, f'the field "{name}" was {was} and is {now}')
        for name, number in self._zeroed.items():
            if not self._alive[name]:
                _refuse(number, common, f'"{name}" fell to 0')


def _refuse(number: int, common: int, what: str) -> None:
    if number > MAX_DRIFT * common:
        raise SnapshotRejected(
            f"{what} in {number:,} of {common:,} records at once, "
            f"more than the {MAX_DRIFT:.0%} that are believable",
            hint=ACCEPT,
        )
