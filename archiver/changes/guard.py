"""Refuse an implausible listing: empty, suddenly smaller, or with records of another shape."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import SnapshotRejected
from archiver.language import sentence
from archiver.records.canonical import KEY
from archiver.records.jsontext import UNREADABLE
from archiver.records.text import clip

if TYPE_CHECKING:
    from archiver.records.policy import Meaning, Policy

ACCEPT = sentence("`archiver run --accept` takes it as it is")
ACCEPT_CLASS = sentence("`take_snapshot(accept=True)` takes it as it is")
"""What a person can do who finds a refused listing plausible."""

MAX_DRIFT: Final = 0.05
"""Share of the records in which a field may go, or change its type, at once."""
FEWEST: Final = 5
"""What happens to fewer records is no fault of the source."""
FEW: Final = 20
"""Where fewer records are in both snapshots, only what happens to all of them is a fault."""

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TYPES = {
    **dict.fromkeys(b"-0123456789", sentence("a number")),
    ord('"'): sentence("a text"),
    ord("["): sentence("a list"),
    ord("{"): sentence("an object"),
    **dict.fromkeys(b"tf", sentence("a boolean")),
}
"""First byte of a canonical value to what it is; null is nothing."""
_NOTHING: Final = msgspec.Raw(b"null")
_ZERO: Final = b"0"
_NO_COUNT: Final = (msgspec.Raw(_ZERO), _NOTHING)
_LONGEST: Final = 60  # columns of a field's name


def refuse_implausible(*, before: int | None, after: int, vanished: int, max_shrink: float) -> None:
    """Refuse a listing that looks like a fault of the source.

    Args:
        before: Number of records of the last snapshot; None for the first capture.
        after: Number of records of this listing.
        vanished: Number of keys of the last snapshot that this listing lacks. For a window, by
            how much it shrank: what a hub ranks highest may change at any time, and a lot after
            a pause, which removes nothing; but a window keeps its size.
        max_shrink: Largest plausible share of vanished records, 0 to 1.

    Raises:
        SnapshotRejected: It is empty, or too many records vanished.
    """
    if after == 0 and before != 0:
        lost = (
            "" if before is None else sentence(": all {before:,} records are gone", before=before)
        )
        raise SnapshotRejected(sentence("the listing is empty{lost}", lost=lost), hint=ACCEPT)
    if before and vanished > max_shrink * before:
        raise SnapshotRejected(
            sentence(
                "{vanished:,} of {before:,} records vanished at once, more than the "
                "{max_shrink:.0%} that `max_shrink` allows",
                vanished=vanished,
                before=before,
                max_shrink=max_shrink,
            ),
            hint=ACCEPT,
        )


def refuse_turnover(*, before: int, lost: int, imported: bool) -> None:
    """Refuse a window that shares hardly a record with the last snapshot: another catalogue.

    Args:
        before: Number of records of the last snapshot.
        lost: Number of them that the window lacks; possible renames are not lost.
        imported: Whether that snapshot was imported: nobody knows yet that both are the same
            catalogue, so a small one counts too.

    Raises:
        SnapshotRejected: More than 95 % of them are lost.
    """
    if before >= (1 if imported else FEWEST) and lost > (1 - MAX_DRIFT) * before:
        origin = sentence("imported ") if imported else ""
        raise SnapshotRejected(
            sentence(
                "{lost:,} of the {before:,} {origin}records are not in the window any "
                "more: is it the same catalogue, with the same keys?",
                lost=lost,
                before=before,
                origin=origin,
            ),
            hint=ACCEPT,
        )


class Drift:
    """Counts, over the records that differ, what a fault of the source would do to all of them.

    Only top-level fields are looked at, and none that is volatile. Records that are equal cost
    nothing.
    """

    def __init__(self, policy: Policy) -> None:
        """Look at the fields to which `policy` gives a meaning."""
        self._policy = policy
        self._meanings: dict[str, Meaning] = {KEY: "same"}
        self._gone: Counter[str] = Counter()
        self._turned: Counter[tuple[str, str, str]] = Counter()
        self._zeroed: Counter[str] = Counter()
        self._alive: set[str] = set()

    def see(self, before: bytes, after: bytes) -> None:
        """Take the line before and the line after of one record that is in both.

        A line that is no record is ignored here: the comparison refuses it.
        """
        try:
            old, new = _split(before), _split(after)
        except (ValueError, *UNREADABLE):
            return
        there = new.get
        for name in [name for name, text in old.items() if text != there(name)]:
            if self._meaning(name) != "same":
                self._look(name, bytes(old[name]), bytes(there(name, _NOTHING)))
        for name in old if self._policy.metrics else ():
            if self._meaning(name) == "metric" and there(name, _NOTHING) not in _NO_COUNT:
                self._alive.add(name)

    def _meaning(self, name: str) -> Meaning:
        known = self._meanings.get(name)
        return known or self._meanings.setdefault(name, self._policy.presence(name))

    def _look(self, name: str, old: bytes, new: bytes) -> None:
        was, now = _TYPES.get(old[0]), _TYPES.get(new[0])
        if was is None:
            return
        if now is None:
            self._gone[name] += 1
        elif was != now:
            self._turned[name, was, now] += 1
        elif new == _ZERO and self._meanings[name] == "metric":
            self._zeroed[name] += 1

    def refuse(self, common: int) -> None:
        """Refuse what is implausible.

        Args:
            common: Number of records in both snapshots, equal ones included.

        Raises:
            SnapshotRejected: A field is gone (or null) in more than 5 % of them, or has another
                type there, or a metric fell to 0 there and no record that differs has another
                number. Fewer than `FEWEST` records never count; of fewer than `FEW` all must.
        """
        for name, number in self._gone.items():
            _refuse(number, common, sentence("the field {shown} is gone", shown=_shown(name)))
        for (name, was, now), number in self._turned.items():
            _refuse(
                number,
                common,
                sentence(
                    "the field {shown} was {was} and is {now}", shown=_shown(name), was=was, now=now
                ),
            )
        for name, number in self._zeroed.items():
            if name not in self._alive:
                _refuse(number, common, sentence("{shown} fell to 0", shown=_shown(name)))


def _refuse(number: int, common: int, what: str) -> None:
    bound = common - 1 if common < FEW else MAX_DRIFT * common
    if number >= FEWEST and number > bound:
        raise SnapshotRejected(
            sentence(
                "{what} in {number:,} of {common:,} records at once, more than the "
                "{max_drift:.0%} that are plausible",
                what=what,
                number=number,
                common=common,
                max_drift=MAX_DRIFT,
            ),
            hint=ACCEPT,
        )


def _shown(name: str) -> str:
    return f'"{clip(name, _LONGEST)}"'
