"""What a listing has brought so far: its ledger, what is to be asked yet, its lines."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.sources.lines import LinesInMemory
from archiver.sources.protocol import Entry, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.records.model import Bad, Line
    from archiver.sources.lines import Lines
    from archiver.sources.protocol import Parsed
    from archiver.transport import Request

NAMED: Final = 1000
"""So many keys that came again are remembered by name; the ledger counts them all."""


class Answer(NamedTuple):
    """One answered request: what its page says, and the lines it brought."""

    id: str
    parsed: Parsed
    lines: list[Line]
    bad: list[Bad]


class Gathered:
    """A listing in memory.

    Attributes:
        ledger: The answered requests.
        pending: Requests that are planned and not answered, in the order in which to ask.
        lines: One line per key.
        bad: What stood in a record's place and was none.
        again: The first `NAMED` keys that came again, once for each time.
    """

    lines: Lines

    def __init__(self) -> None:
        """Begin with nothing."""
        self.ledger = Ledger()
        self.pending: deque[Request] = deque()
        self.lines = LinesInMemory()
        self.bad: list[Bad] = []
        self.again: list[str] = []

    def plan(self, requests: Iterable[Request]) -> None:
        """Take requests that are to be asked."""
        self.pending.extend(requests)

    def take(self, answer: Answer) -> Entry:
        """Take the answer to the first pending request, and what it leads to."""
        again = self.lines.put(answer.lines)
        self.again += again[: NAMED - len(self.again)]
        self.bad += answer.bad
        parsed = answer.parsed
        entry = Entry(
            id=answer.id,
            records=len(answer.lines),
            fresh=len(answer.lines) - len(again),
            bad=len(answer.bad),
            total=parsed.total,
            matches=parsed.matches,
            end=parsed.end,
            facts=parsed.facts,
            mark=parsed.mark,
        )
        self.ledger.add(entry)
        self.pending.popleft()
        self.pending.extend(parsed.next)
        return entry

    def finish(self) -> None:
        """End the listing: what is done to its lines from now on is not kept."""
