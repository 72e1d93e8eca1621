"""The version in effect at a date, by times that do not contradict the order of ancestry."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import UnknownRevision
from archiver.history.catalogue import Edge
from archiver.history.versions import stamp
from archiver.language import sentence
from archiver.records.text import few
from archiver.render.wording import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from archiver.history.catalogue import Catalogue
    from archiver.store.history import Revision


class Dates(NamedTuple):
    """The times of a catalogue's revisions, and which of them can be used.

    A time cannot be used where a clock ran ahead or behind: it contradicts the order of ancestry.
    The longest series of times that never go back is used; of two equally long ones, that of the
    later revisions.

    Attributes:
        revisions: The revisions, newest first.
        used: Those whose times are used, newest first.
        edge: Where a shallow clone ends; None: all of the history is here.
    """

    revisions: tuple[Revision, ...]
    used: tuple[Revision, ...]
    edge: Edge | None

    @classmethod
    def of(cls, catalogue: Catalogue, tip: str | None = None) -> Dates:
        """Read the times of a catalogue, as far as the clone reaches.

        Args:
            catalogue: The catalogue.
            tip: Full id of the commit to begin at; None: the newest of the branch.
        """
        found = [*catalogue.reachable(tip)]
        edge = found[-1] if found and isinstance(found[-1], Edge) else None
        if edge is not None and edge.blob is None:
            found.pop()
        found.reverse()
        used = [found[index] for index in _rising([each.authored_at for each in found])]
        return cls(tuple(reversed(found)), tuple(used), edge)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the times; none where all are used."""
        if len(self.used) == len(self.revisions):
            return ()
        known = {each.id for each in self.used}
        wrong = [each for each in self.revisions if each.id not in known]
        named = few([f"{short(each.id)} ({stamp(each.authored_at)} UTC)" for each in wrong])
        return (
            sentence(
                "times that contradict the order of the commits are not used: {named}", named=named
            ),
        )

    def at(self, time: datetime) -> Revision:
        """Return the revision in effect at `time`, UTC.

        Raises:
            UnknownRevision: The first snapshot was taken later.
            ShallowHistory: The clone ends after that time.
        """
        for revision in self.used:
            if revision.authored_at <= time:
                return revision
        if self.edge is not None:
            raise self.edge.end
        began = (
            sentence(
                "; the first one is of {authored_at}", authored_at=stamp(self.used[-1].authored_at)
            )
            if self.used
            else ""
        )
        raise UnknownRevision(
            sentence(
                "there is no snapshot at or before {time} UTC{began}", time=stamp(time), began=began
            )
        )

    def until(self, time: datetime) -> tuple[Revision, ...]:
        """Return the revision in effect at `time` and those before it, newest first."""
        for revision in self.used:
            if revision.authored_at <= time:
                return self.revisions[self.revisions.index(revision) :]
        return ()

    def began(self, base: Revision) -> datetime:
        """Return the time of the version that a period begins with, UTC."""
        return base.authored_at if base in self.used else self.used[-1].authored_at


def _rising(times: Sequence[datetime]) -> Iterable[int]:
    """Return the indices of the longest series of `times` that never goes back."""
    lasts: list[datetime] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, time in enumerate(times):
        length = bisect_right(lasts, time)
        before.append(ends[length - 1] if length else None)
        lasts[length : length + 1] = [time]
        ends[length : length + 1] = [index]
    last = ends[-1] if ends else None
    while last is not None:
        yield last
        last = before[last]
