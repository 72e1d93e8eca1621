"""A record that is back within a few captures flaps; a removal that lasted is always told."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from archiver.changes.flapping import Damping, Episode, Flapping, Moves
from archiver.records.model import RecordChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Kind

KEYS = "abc"
Presence = list[frozenset[str]]
"""The keys that each capture has, oldest first."""

histories = st.lists(st.frozensets(st.sampled_from(KEYS)), min_size=1, max_size=40)


class Line(NamedTuple):
    """A line that people read."""

    capture: int
    key: str
    kind: Kind
    words: str


def moves(presence: Presence) -> list[Moves]:
    """Return what came and went, newest first; the first capture is compared with nothing."""
    found = []
    for number in range(len(presence) - 1, 0, -1):
        before, after = presence[number - 1], presence[number]
        found.append(Moves(str(number), f"t{number}", before - after, after - before))
    return found


def changes(each: Moves) -> Iterator[RecordChange]:
    for key in sorted(each.gone | each.back):
        yield RecordChange("removed" if key in each.gone else "returned", key, record={})


def shown(presence: Presence, damping: int) -> tuple[list[Line], Counter[Kind]]:
    """Return all lines that are shown, newest first, and how many changes were folded."""
    found = moves(presence)
    damped = Damping(Flapping(found, damping))
    lines = []
    folded: Counter[Kind] = Counter()
    for each in found:
        for change in damped.folded(each.capture, changes(each), folded):
            words = change.cause if isinstance(change.cause, str) else ""
            lines.append(Line(int(each.capture), change.key, change.kind, words))
    return lines, folded


def spans(presence: Presence, key: str) -> list[tuple[int, int | None]]:
    """Return when a key went and when it was back (None: never), as a plain reader counts."""
    found: list[tuple[int, int | None]] = []
    for number in range(1, len(presence)):
        if key in presence[number - 1] and key not in presence[number]:
            later = range(number + 1, len(presence))
            found.append((number, next((at for at in later if key in presence[at]), None)))
    return found


def flaps(went: int, back: int | None, damping: int) -> bool:
    return back is not None and back - went <= damping


@given(histories, st.integers(0, 5))
def test_every_removal_that_lasted_is_shown_at_its_place(presence: Presence, damping: int) -> None:
    lines, _ = shown(presence, damping)
    told = {(each.capture, each.key) for each in lines if each.kind == "removed" and not each.words}
    lasted = {
        (went, key)
        for key in KEYS
        for went, back in spans(presence, key)
        if not flaps(went, back, damping)
    }
    assert told == lasted


@given(histories, st.integers(0, 5))
def test_shown_and_folded_changes_add_up_to_their_counts(presence: Presence, damping: int) -> None:
    lines, folded = shown(presence, damping)
    counts = Counter(change.kind for each in moves(presence) for change in changes(each))
    assert Counter(each.kind for each in lines) + folded == counts


@given(histories, st.integers(0, 5))
def test_every_folded_pair_is_one_within_the_damping(presence: Presence, damping: int) -> None:
    found = moves(presence)
    flapping = Flapping(found, damping)
    told: dict[Episode, int] = Counter()
    for key in KEYS:
        for went, back in spans(presence, key):
            episode = flapping.episode(str(went), key)
            assert (episode is not None) == flaps(went, back, damping)
            assert back is None or flapping.episode(str(back), key) == episode
            if episode is not None:
                told[episode] += 1
    assert all(episode.times == number for episode, number in told.items())
    lines, _ = shown(presence, damping)
    ends = Counter((each.capture, each.key) for each in lines if each.words)
    assert ends == Counter((int(each.last), each.key) for each in told)


@given(histories, st.integers(0, 5))
def test_two_episodes_of_a_record_are_farther_apart_than_the_damping(
    presence: Presence, damping: int
) -> None:
    flapping = Flapping(moves(presence), damping)
    for key in KEYS:
        pairs = [each for each in spans(presence, key) if flaps(*each, damping)]
        for (_, back), (went, _) in pairwise(pairs):
            assert back is not None
            one = flapping.episode(str(back), key) == flapping.episode(str(went), key)
            assert one == (went - back <= damping)


@given(histories, st.integers(0, 5))
def test_no_more_is_read_than_an_episode_needs(presence: Presence, damping: int) -> None:
    """To know where one begins takes one more return, and its removal."""
    read: list[int] = []

    def reading() -> Iterator[Moves]:
        for each in moves(presence):
            read.append(int(each.capture))
            yield each

    flapping = Flapping(reading(), damping)
    for each in moves(presence):
        for key in sorted(each.gone | each.back):
            found = flapping.episode(each.capture, key)
            oldest = int(found.first if found else each.capture)
            assert damping == 0 or min(read) >= min(oldest, int(each.capture)) - 2 * damping
            if found:
                return


def test_an_episode_is_told_in_words_with_its_number_and_its_beginning() -> None:
    present, absent = frozenset("a"), frozenset[str]()
    lines, folded = shown([present, absent, present, absent, present, absent], 1)
    assert lines == [
        Line(5, "a", "removed", ""),
        Line(4, "a", "returned", "flapped: gone and back 2 times since t1"),
    ]
    assert folded == {"removed": 2, "returned": 1}
    lines, _ = shown([present, absent, present], 1)
    assert [each.words for each in lines] == ["flapped: gone and back since t1"]


def test_the_newest_move_of_a_record_says_whether_it_flaps() -> None:
    present, absent = frozenset("a"), frozenset[str]()
    flapping = Flapping(moves([present, absent, present, present]), 1)
    found = flapping.latest("a", after="0")
    assert found is not None
    assert (found.first, found.last) == ("1", "2")
    assert flapping.latest("a", after="2") is None
    assert flapping.latest("b", after="0") is None


def test_an_episode_whose_newest_changes_are_not_listed_is_told_at_the_next_one() -> None:
    """A condition may hold for a record when it went, and not when it was back."""
    present, absent = frozenset("a"), frozenset[str]()
    found = moves([present, absent, present])
    damped = Damping(Flapping(found, 1))
    folded: Counter[Kind] = Counter()
    assert list(damped.folded("2", (), folded)) == []
    (line,) = damped.folded("1", changes(found[1]), folded)
    assert (line.kind, line.cause) == ("removed", "flapped: gone and back since t1")
    assert line.severity == "notable"
