"""Several sources in one picture: all their records, or one of them with its history in each."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from archiver.changes.aliases import folded, loose
from archiver.database import crossing
from archiver.errors import (
    ConfigError,
    NotADataRepository,
    UnknownRecord,
    UnknownRevision,
    reason,
)
from archiver.history import queries, revisions
from archiver.history.across_loading import Loader, Reading
from archiver.history.picture import Picture
from archiver.history.places import Across, Place, Reason
from archiver.history.timeline import timelines
from archiver.language import sentence
from archiver.records import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from archiver.changes.aliases import Level
    from archiver.history.across_loading import Meaning
    from archiver.history.catalogue import Catalogue
    from archiver.history.places import Origin, State
    from archiver.history.timeline import Timeline
    from archiver.records.field_names import FieldNames
    from archiver.records.query import Predicate

    Name = tuple[str, str]
    """Source and key."""

_FEWEST: Final = 2
_SUGGESTED: Final = 5
_ROUNDS: Final = 8
"""How often names lead to further names: rules that lead on and on are not followed for ever."""
_ARRIVALS: Final = frozenset({"new", "returned", "renamed", "entered"})


class Question(NamedTuple):
    """Which sources are asked.

    Attributes:
        catalogues: The sources.
        meaning: What archiver.toml says of them.
        at: What names the version of each; None: the newest.
        now: The time, for periods such as ``7d``.
        left_out: Receives the reason for each source that has no such version.
    """

    catalogues: Sequence[Catalogue]
    meaning: Meaning
    at: str | None
    now: datetime
    left_out: Callable[[str], None] = lambda _: None

    @property
    def sources(self) -> list[str]:
        """The names of the sources.

        Raises:
            ConfigError: There are no two.
        """
        names = [each.source for each in self.catalogues]
        if len(names) < _FEWEST:
            raise ConfigError(
                sentence("there is only one source: {source}", source=names[0]),
                hint=sentence("archiver across compares two or more sources of archiver.toml"),
            )
        return names


@contextmanager
def picture(
    question: Question, *, chosen: Predicate | None = None, names: FieldNames | None = None
) -> Iterator[Picture]:
    """Yield the records of several sources, each once.

    Args:
        question: Which sources.
        chosen: Which records are counted and told: those of which one place fulfils it; None: all.
        names: Takes note of the fields of the records.

    Raises:
        ConfigError: There are no two sources.
        NotADataRepository: No source has a version yet.
        UnknownRevision: No source has one that is called so.
    """
    with crossing.opened() as opened:
        reading = Reading(chosen, names)
        loader = Loader(opened, question.sources, question.meaning, reading)
        for trouble in _load(loader, question):
            question.left_out(trouble)
        yield Picture(loader.loaded, question.meaning, opened)


def across(question: Question, key: str) -> tuple[Across, list[Origin]]:
    """Return one record, and the sources: where it is, was or never was, and what it says there.

    Args:
        question: Which sources.
        key: Its key in any of them, or ``source:key``.

    Raises:
        ConfigError: There are no two sources, or the key is that of several records.
        UnknownRecord: No source ever had it.
    """
    asked = _asked(key, question.sources)
    found, origins = _found(question, asked)
    if len(found) > 1:
        known = ", ".join(place.called for each in found for place in each.places)
        raise ConfigError(
            sentence("{key!r} is the key of several records", key=key),
            hint=sentence("name one: {known}", known=known),
        )
    sources = {each.source for each in origins}
    there = [each for each in question.catalogues if each.source in sources]
    told = _told(question._replace(catalogues=there), found, asked)
    if all(place.state == "never" for place in told.places):
        raise _unknown(question._replace(catalogues=there), key)
    return told, origins


def _load(loader: Loader, question: Question) -> list[str]:
    """Read all sources; return why some have nothing to read."""
    troubles: list[NotADataRepository | UnknownRevision] = []
    for catalogue in question.catalogues:
        try:
            with queries.version_at(catalogue, question.at, now=question.now) as version:
                loader.load(catalogue, version, newest=question.at is None)
        except (NotADataRepository, UnknownRevision) as error:
            troubles.append(error)
    if not loader.loaded.origins:
        raise troubles[0]
    return [reason(each) for each in troubles]


def _asked(key: str, sources: Sequence[str]) -> list[Name]:
    """Return what a person may mean by a key: ``source:key``, else the key in any source."""
    source, colon, rest = key.partition(":")
    everywhere = [(each, key) for each in sources]
    return [(source, rest), *everywhere] if colon and source in sources else everywhere


def _found(question: Question, asked: Sequence[Name]) -> tuple[list[Across], list[Origin]]:
    """Return the records that have one of the names, and the sources that were read.

    Only what may be one with them is read, so that they are paired as in the picture of all.
    """
    among = {loose(folded(key)) for _, key in asked}
    sources = question.sources
    for last in (*(False,) * _ROUNDS, True):
        with crossing.opened() as opened:
            loader = Loader(opened, sources, question.meaning, Reading(among=among))
            troubles = _load(loader, question)
            if last or loader.candidates <= among:
                for trouble in troubles:
                    question.left_out(trouble)
                read = Picture(loader.loaded, question.meaning, opened)
                first = read.find(asked[:1]) if len(asked) > len(sources) else []
                return first or read.find(asked), read.origins
            among |= loader.candidates
    raise AssertionError


def _told(question: Question, found: Sequence[Across], asked: Sequence[Name]) -> Across:
    """Return a record with its history in each source, also in those that do not have it now."""
    base = found[0] if found else Across([], [], [])
    known = {place.source: place for place in base.places}
    places: list[Place] = []
    reasons = [*base.pairing]
    for catalogue in question.catalogues:
        source = catalogue.source
        place = known.get(source)
        pairs = _explicit(question.meaning, base.places, source)
        keys = [each.key for each in base.places] or [key for _, key in asked]
        names = dict.fromkeys((place.key,) if place else (*pairs, *keys))
        tip = revisions.tip(catalogue, question.at, question.now)
        lives = timelines(catalogue, names, tip=tip)
        life = next(iter(lives.values()), None)
        if place is None:
            place = Place(source, life.key if life else keys[0], "never")
            if life is not None and known:
                other = next((p for p in base.places if p.key == life.key), base.places[0])
                by: Level = "pair" if life.key in pairs else "key"
                reasons.append(Reason((other.called, place.called), by))
        places.append(_aged(place, life) if life else place)
    return Across(places, reasons, base.differs)


def _explicit(meaning: Meaning, places: Iterable[Place], source: str) -> list[str]:
    """Return what pairs call a record in `source`."""
    claims = (claim for each in places for claim in meaning.aliases.of(each.source, each.key))
    return [each.key for each in claims if each.source == source and each.level == "pair"]


def _aged(place: Place, life: Timeline) -> Place:
    """Return a place with what its history says."""
    aged = replace(place, first_seen=life.first_seen.timestamp)
    if place.state == "there":
        came = next((each.at.timestamp for each in life.events if each.kind in _ARRIVALS), "")
        return replace(aged, since=came)
    if place.state != "never":
        return aged
    gone = life.events[0]
    state: State = "there" if life.state == "present" else life.state
    return replace(
        aged, state=state, since=gone.at.timestamp, cause=gone.cause or "", now=gone.new_key or ""
    )


def _unknown(question: Question, key: str) -> UnknownRecord:
    near = [*_near(question, key)]
    hint = (
        sentence("did you mean {near}?", near=", ".join(near))
        if near
        else sentence("`archiver search` finds records")
    )
    return UnknownRecord(sentence("no source ever had a record {key!r}", key=key), hint=hint)


def _near(question: Question, key: str) -> Iterator[str]:
    """Yield the names of records whose keys hold the words, a few of each source."""
    source, _, rest = key.partition(":")
    catalogues = question.catalogues
    is_prefix = rest and source in {each.source for each in catalogues}
    wanted = (rest if is_prefix else key).casefold()
    most = max(_SUGGESTED // len(catalogues), 1)
    for catalogue in catalogues:
        with queries.version_at(catalogue, question.at, now=question.now) as version:
            lines = chain.from_iterable(part.lines() for part in version.parts.values())
            keys = (canonical.line_key(line).decode() for line in lines)
            near = (name for name in keys if wanted in name.casefold())
            yield from (f"{catalogue.source}:{name}" for name in islice(near, most))
