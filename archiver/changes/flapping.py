"""Records that flap: gone, and back within a few captures.

A removal flaps where the record is back at most `damping` captures later. Such pairs form one
*episode* as long as the record then stays at most `damping` captures before it goes again. A
removal that lasted is in no episode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from archiver.changes.severity import of_kind
from archiver.language import stored
from archiver.records.canonical import line_key
from archiver.records.representation import short
from archiver.records.text import count

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Kind, RecordChange

GOING: Final[frozenset[Kind]] = frozenset({"removed", "left"})
"""The kinds of change with which a record vanishes."""
COMING: Final[frozenset[Kind]] = frozenset({"returned", "entered", "new"})
"""The kinds with which it is there again; where nobody recorded a removal, it seems to be new."""


class Moves(NamedTuple):
    """Which records came and went in one capture.

    Attributes:
        capture: What names the capture.
        timestamp: Its time, as people read it.
        gone: Keys of the records that went.
        back: Keys of the records that came, for the first time or again.
    """

    capture: str
    timestamp: str
    gone: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return short(self)


class Moving:
    """Collects the moves of a capture from its changes, as a `Breakdown` counts them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._gone: set[str] = set()
        self._back: set[str] = set()

    __repr__ = short

    def add(self, kind: Kind, line: bytes) -> None:
        """Take note of a change: its kind, and the canonical line of its record."""
        if kind in GOING:
            self._gone.add(line_key(line).decode())
        elif kind in COMING:
            self._back.add(line_key(line).decode())

    def moves(self, capture: str, timestamp: str) -> Moves:
        """Return the moves of a capture, given its name and time."""
        return Moves(capture, timestamp, frozenset(self._gone), frozenset(self._back))


class Episode(NamedTuple):
    """A time in which a record flapped.

    Attributes:
        key: Its key.
        times: How often it went and was back.
        since: Time of the capture in which it went first.
        first: What names that capture.
        last: What names the capture in which it was back last.
    """

    key: str
    times: int
    since: str
    first: str
    last: str

    def __repr__(self) -> str:
        return short(self)

    @property
    def words(self) -> str:
        """The episode in words; they go after the name of the record."""
        if self.times == 1:
            return stored("flapped: gone and back since {since}", since=self.since)
        times = count(self.times, "time")
        return stored("flapped: gone and back {times} since {since}", times=times, since=self.since)


class _Move(NamedTuple):
    """One time that a record came or went: the number of the capture, counted from the newest."""

    place: int
    came: bool


class Flapping:
    """Knows which removals and returns flap, of captures that are read only as far as needed."""

    def __init__(self, moves: Iterable[Moves], damping: int) -> None:
        """Take the captures, newest first.

        Args:
            moves: What came and went in each; read as far back as a question needs.
            damping: Captures within which a record is back if it flaps; 0: none does.
        """
        self._unread = iter(moves)
        self._damping = damping
        self._read: list[Moves] = []
        self._places: dict[str, int] = {}
        self._moves: dict[str, list[_Move]] = {}
        self._known: dict[tuple[str, int], Episode] = {}

    __repr__ = short

    @property
    def damps(self) -> bool:
        """Whether anything may flap."""
        return self._damping > 0

    def episode(self, capture: str, key: str) -> Episode | None:
        """Return the episode of which the move of a record in a capture is a part, if any.

        A capture that was not given has no part in any.
        """
        place = self._place(capture) if self._damping else None
        if place is None:
            return None
        here = self._read[place]
        if (key, place) not in self._known and (key in here.gone or key in here.back):
            self._find(key, place)
        return self._known.get((key, place))

    def latest(self, key: str, *, after: str) -> Episode | None:
        """Return the episode that the newest move of a record ends, if any.

        Args:
            key: The record.
            after: The capture up to which, not included, to look back for that move.
        """
        for place in self._back_from(0) if self._damping else ():
            moves = self._read[place]
            if moves.capture == after or key in moves.gone:
                return None
            if key in moves.back:
                return self.episode(moves.capture, key)
        return None

    def read_on(self) -> bool:
        """Read one more capture, and say whether there was one."""
        return self._reads(len(self._read))

    def ended(self, capture: str) -> list[Episode]:
        """Return the episodes that end in a capture, by key."""
        place = self._place(capture) if self._damping else None
        keys = () if place is None else sorted(self._read[place].back)
        found = (self.episode(capture, key) for key in keys)
        return [each for each in found if each is not None and each.last == capture]

    def _place(self, capture: str) -> int | None:
        while capture not in self._places:
            if not self.read_on():
                return None
        return self._places[capture]

    def _back_from(self, place: int) -> Iterator[int]:
        while self._reads(place):
            yield place
            place += 1

    def _reads(self, place: int) -> bool:
        """Read up to a place, and say whether there is a capture there."""
        while len(self._read) <= place:
            moves = next(self._unread, None)
            if moves is None:
                return False
            here = self._places[moves.capture] = len(self._read)
            self._read.append(moves)
            for keys, came in ((moves.gone, False), (moves.back, True)):
                for key in keys:
                    self._moves.setdefault(key, []).append(_Move(here, came))
        return True

    def _find(self, key: str, place: int) -> None:
        """Find the episode around the move of a record, and remember it for all of its moves."""
        at = [each.place for each in self._moves[key]].index(place)
        newest = oldest = at if self._moves[key][at].came else at - 1
        if not self._flaps(key, oldest):
            return
        while self._joins(key, newest - 2):
            newest -= 2
        while self._joins(key, oldest):
            oldest += 2
        chain = self._moves[key][newest : oldest + 2]
        first, last = self._read[chain[-1].place], self._read[chain[0].place]
        times = len(chain) // 2
        found = Episode(key, times, first.timestamp, first.capture, last.capture)
        self._known |= {(key, each.place): found for each in chain}

    def _joins(self, key: str, at: int) -> bool:
        """Say whether the pair of moves at a position follows another one closely enough."""
        return self._flaps(key, at) and self._near(key, at + 1) and self._flaps(key, at + 2)

    def _flaps(self, key: str, at: int) -> bool:
        """Say whether the moves at a position are a return, and the removal shortly before it."""
        return at >= 0 and self._moves[key][at].came and self._near(key, at)

    def _near(self, key: str, at: int) -> bool:
        """Say whether the move before the one at a position is another one, and close to it."""
        moves = self._moves[key]
        self._reads(moves[at].place + self._damping)
        if at + 1 == len(moves):
            return False
        here, before = moves[at], moves[at + 1]
        return here.came != before.came and before.place - here.place <= self._damping


class Damping:
    """Folds the changes of captures, which come newest first: an episode is told once.

    It is told in the newest capture that lists one of its changes, and that change stands for it.
    """

    def __init__(self, flapping: Flapping) -> None:
        """Fold what `flapping` knows to flap."""
        self._flapping = flapping
        self._told: set[Episode] = set()

    __repr__ = short

    def folded(
        self, capture: str, changes: Iterable[RecordChange], counts: Counter[Kind]
    ) -> Iterator[RecordChange]:
        """Yield the changes of a capture that are shown.

        Args:
            capture: What names the capture.
            changes: All of its changes.
            counts: Receives how many of each kind are told elsewhere.
        """
        for change in changes:
            shown = self.fold(capture, change)
            if shown is None:
                counts[change.kind] += 1
            else:
                yield shown

    @property
    def damps(self) -> bool:
        """Whether anything may flap."""
        return self._flapping.damps

    def concerns(self, kind: Kind) -> bool:
        """Say whether a change of this kind may flap."""
        return self.damps and (kind in GOING or kind in COMING)

    def fold(self, capture: str, change: RecordChange) -> RecordChange | None:
        """Return a change as it is shown; None: it is told elsewhere."""
        episode = self.episode(capture, change.kind, change.key)
        if episode is None:
            return change
        return told(change, episode) if self.tells(episode) else None

    def episode(self, capture: str, kind: Kind, key: str) -> Episode | None:
        """Return the episode of which a change is a part, if any."""
        return self._flapping.episode(capture, key) if self.concerns(kind) else None

    def tells(self, episode: Episode) -> bool:
        """Say whether an episode is to be told now: it was not told before."""
        if episode in self._told:
            return False
        self._told.add(episode)
        return True


def told(change: RecordChange, episode: Episode | None) -> RecordChange:
    """Return a change with the words for its episode; they stand where causes do.

    What flapped is there: it is as bad as a record that returned, whichever change stands for it.
    """
    if episode is None:
        return change
    return replace(change, cause=episode.words, flapping=True, severity=of_kind("returned"))
