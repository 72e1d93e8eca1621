"""Feeds of what changes: of a source, of each kind of change, and of saved queries.

Each is written as Atom (RFC 4287) and as JSON Feed 1.1. The same history gives the same bytes,
and no id of a feed or an entry ever changes: they are tag URIs (RFC 4151) that name the first
capture and the time of the entry's own, and not where the feed is published.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from archiver.changes.filters import Filter
from archiver.changes.flapping import Damping
from archiver.changes.severity import (
    importance,
    of_kind,
    scale,
    severity_of,
    worst,
)
from archiver.errors import ConfigError, RenderError, reason, suggestion
from archiver.history.changelog import links
from archiver.history.flapping import indexed
from archiver.history.versions import taken_at
from archiver.language import Sentence, current, retold, said, sentence, tr
from archiver.records.field_path import readings
from archiver.records.model import KINDS, NEWS, End, Summary
from archiver.records.query import Where, every
from archiver.records.representation import short
from archiver.records.text import clip, few, visible
from archiver.render import wording
from archiver.render.section import CAP, folded, section
from archiver.render.templates import render
from archiver.site.addresses import source_folder
from archiver.site.news import captures, ends, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from archiver.changes.severity import Scale
    from archiver.config import FeedConfig
    from archiver.database.reading import Logged
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.records.model import Kind, RecordChange, Severities, Severity
    from archiver.records.policy import Policy
    from archiver.records.query import Predicate
    from archiver.site.news import Captured, Item

Form: TypeAlias = Literal["atom", "json"]

ENTRIES: Final = 50
"""How many entries a feed has at most."""
ALL: Final = "feed"
"""Name of the feed of all news of a source."""

_TEMPLATE: Final = "feed-entry.html.j2"
_AUTHOR: Final = "archiver"
_DIGITS: Final = 12
_LONGEST_NAME: Final = 200
_KINDS: Final = tuple(kind for kind in KINDS if kind in NEWS)
_VERSION: Final = "https://jsonfeed.org/version/1.1"
_TYPES: Final[Mapping[Form, str]] = {
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed tells.

    Attributes:
        name: Its file, without the ending, relative to the folder of the source.
        title: Its title.
        kinds: Kinds of changes that it tells.
        saved: The table of archiver.toml, if it is a saved query.
        page: The page of the site that it is about, relative to the folder of the source.
    """

    name: str
    title: str
    kinds: tuple[Kind, ...]
    page: str
    saved: FeedConfig | None = None

    __repr__ = short


class Entry(NamedTuple):
    """What a feed says of one capture: all but the content is plain text.

    Its `severity` is that of the worst change; None: there is none.
    """

    id: str
    title: str
    address: str
    taken: datetime
    kinds: tuple[Kind, ...]
    severity: Severity | None
    summary: str
    content: str

    def __repr__(self) -> str:
        return short(self)


def offered(catalogue: Catalogue) -> dict[str, Feed]:
    """Return the feeds of a source by name: all news, each kind, the queries of archiver.toml."""
    source = visible(catalogue.source)
    found = [Feed(ALL, source, _KINDS, "index.html")]
    for kind in _KINDS:
        page = "removed.html" if kind == "removed" else "changes.html"
        found.append(Feed(kind, f"{source}: {said(wording.WORDS[kind])}", (kind,), page))
    saved = catalogue.config.feeds.values() if catalogue.config else ()
    for each in saved:
        if not each.sources or catalogue.source in each.sources:
            title, name = f"{source}: {each.name}", f"feeds/{each.name}"
            found.append(Feed(name, title, each.kinds, "changes.html", each))
    return {each.name: each for each in found}


def named(catalogue: Catalogue, *, kind: str | None = None, name: str | None = None) -> str:
    """Return the name of the feed of a kind, or of a saved query; of neither: of all news.

    Raises:
        ConfigError: There is no such kind or query; suggests the nearest one.
    """
    if kind is not None and kind not in _KINDS:
        hint = tr("the kinds are {kinds}", kinds=", ".join(_KINDS))
        raise ConfigError(
            sentence(
                'no feed tells the kind "{kind}"{suggestion}',
                kind=kind,
                suggestion=suggestion(kind, _KINDS),
            ),
            hint=hint,
        )
    if name is None:
        return kind or ALL
    known = [each.saved.name for each in offered(catalogue).values() if each.saved]
    if name not in known:
        there = tr("its feeds are {known}", known=", ".join(known)) if known else tr("it has none")
        raise ConfigError(
            sentence(
                '{source} has no feed "{name}"{suggestion}',
                source=visible(catalogue.source),
                name=name,
                suggestion=suggestion(name, known),
            ),
            hint=sentence("{there}; a table [feeds.NAME] in archiver.toml adds one", there=there),
        )
    return f"feeds/{name}"


def feeds(
    catalogue: Catalogue, index: Index, *, base_url: str | None = None, limit: int = ENTRIES
) -> Iterator[tuple[str, str]]:
    """Yield the files of all feeds of a source: name, relative to its folder, and content.

    Args:
        catalogue: The source.
        index: Its index.
        base_url: Where the site is published; None: the feeds have no links to it.
        limit: The largest number of entries.

    Raises:
        ConfigError: A condition of a saved query cannot be answered.
        RenderError: The user's template is wrong.
    """
    round_ = _Round(catalogue, index, base_url, limit)
    chosen = tuple(offered(catalogue).values())
    for feed, entries in zip(chosen, round_.entries(chosen), strict=True):
        yield f"{feed.name}.atom", round_.written(feed, entries, "atom")
        yield f"{feed.name}.json", round_.written(feed, entries, "json")


def feed(
    catalogue: Catalogue,
    index: Index,
    name: str,
    form: Form,
    *,
    base_url: str | None = None,
    limit: int = ENTRIES,
) -> str:
    """Return one feed of a source.

    Args:
        catalogue: The source.
        index: Its index.
        name: The feed, as `offered` names it.
        form: How it is written.
        base_url: As of `feeds`.
        limit: As of `feeds`.

    Raises:
        ConfigError: A condition of a saved query cannot be answered.
        RenderError: The user's template is wrong.
    """
    round_ = _Round(catalogue, index, base_url, limit)
    chosen = offered(catalogue)[name]
    (entries,) = round_.entries((chosen,))
    return round_.written(chosen, entries, form)


class _Round:
    """One walk through the captures, newest first, for all feeds that are asked for."""

    def __init__(
        self, catalogue: Catalogue, index: Index, base_url: str | None, limit: int
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._limit = limit
        self._newest, self._first = ends(index)
        self._link = links(catalogue)
        self._templates = catalogue.config.template_folder if catalogue.config else None
        folder = source_folder(catalogue)
        self._id = f"{_authority(catalogue, self._first)}:{folder}"
        self._base = f"{base_url.rstrip('/')}/{folder}/" if base_url else ""

    def entries(self, chosen: Sequence[Feed]) -> list[list[Entry]]:
        """Return the entries of each feed, newest first."""
        found: list[list[Entry]] = [[] for _ in chosen]
        known = indexed(self._index, self._catalogue.damping)
        policy = self._catalogue.policy
        selecting = [_selecting(each, policy, Damping(known)) for each in chosen]
        for captured in captures(self._catalogue, self._index):
            is_open = False
            for feed, select, entries in zip(chosen, selecting, found, strict=True):
                if len(entries) < self._limit:
                    is_open = True
                    entries.extend(
                        self._entry(feed, captured, summary, changes, weights, elsewhere=rest)
                        for summary, changes, weights, rest in select(captured)
                    )
            if not is_open:
                break
        return found

    def _entry(
        self,
        feed: Feed,
        captured: Captured,
        summary: Summary,
        changes: list[RecordChange],
        severities: Severities,
        *,
        elsewhere: Counter[Kind],
    ) -> Entry:
        old, new = captured.ends
        address = f"{self._base}captures/{captured.page}.html" if self._base else ""
        context = section(
            source=self._catalogue.source,
            old=old,
            new=new,
            summary=summary,
            changes=changes,
            severities=severities,
            snapshots=("", ""),
            link=self._link,
            first=captured.before is None,
            noun=self._catalogue.noun,
        )
        title = visible(context["headline"])
        context = folded(context, elsewhere)
        fragment = "" if feed.name == ALL else f"#{feed.name}"
        return Entry(
            id=f"{self._id}/{captured.page}{fragment}",
            title=title,
            address=address,
            taken=captured.taken,
            kinds=tuple(kind for kind in _KINDS if getattr(summary, kind)),
            severity=worst(chain.from_iterable(severities.values())),
            summary=_in_words(summary, changes) or visible(context["headline"]),
            content=render(
                _TEMPLATE, context | {"address": address}, folder=self._templates
            ).strip(),
        )

    def written(self, feed: Feed, entries: list[Entry], form: Form) -> str:
        """Return the file of a feed."""
        id_ = self._id if feed.name == ALL else f"{self._id}/{feed.name}"
        about = f"{self._base}{feed.page}" if self._base else ""
        itself = f"{self._base}{feed.name}.{form}" if self._base else ""
        if form == "json":
            return _json(feed, entries, about, itself)
        updated = max((each.taken for each in entries), default=time_of(self._newest))
        return _atom(feed, entries, id_=id_, updated=updated, about=about, itself=itself)


def _authority(catalogue: Catalogue, first: Logged) -> str:
    """Return the beginning of all ids: it names the first capture there ever was.

    That one need not be readable, and may have been reverted since.
    """
    known = [(time_of(first), first.revision)]
    for each in catalogue.reverted(catalogue.required().tip(catalogue.ref)):
        taken = taken_at(End(each.revision, each.timestamp, 0))
        known += [(taken, each.revision)] if taken else []
    taken, revision = min(known)
    return f"tag:{revision[:_DIGITS]}.archiver.invalid,{taken.date()}"


_Selected: TypeAlias = "Iterator[tuple[Summary, list[RecordChange], Severities, Counter[Kind]]]"


def _selecting(feed: Feed, policy: Policy, damping: Damping) -> Callable[[Captured], _Selected]:
    """Return what selects the news of a feed from a capture: nothing, or counts and changes.

    The last are the numbers of changes that flap, and are told in a newer capture.
    """
    weights = scale(policy)
    if feed.saved is None:
        return lambda captured: _of_kinds(feed, captured, weights, damping)
    least = feed.saved.min_severity
    wanted = Filter(feed.kinds, feed.saved.fields, least=least, scale=weights)
    where = every([Where.read(each) for each in feed.saved.where]) if feed.saved.where else None
    return lambda captured: _of_query(feed, captured, damping, wanted, where)


def _of_kinds(feed: Feed, captured: Captured, weights: Scale, damping: Damping) -> _Selected:
    if captured.before is None and feed.name == ALL:
        yield Summary(), [], {}, Counter()
    counts = _counts(feed, captured)
    if counts:
        severities: Severities = {
            kind: captured.updates if kind == "updated" else {of_kind(kind): number}
            for kind, number in counts.items()
        }
        elsewhere: Counter[Kind] = Counter()
        changes: list[RecordChange] = []
        for kind, number in counts.items():
            if number > CAP and damping.concerns(kind):  # the first ones may all flap
                items = (each for each in captured.items if each.told.kind == kind)
                changes += islice(_folded(items, weights, damping, elsewhere), CAP)
            else:
                changes += _folded(captured.first(kind), weights, damping, elsewhere)
        yield _summary(counts), sorted(changes, key=importance), severities, elsewhere


def _folded(
    items: Iterable[Item], weights: Scale, damping: Damping, elsewhere: Counter[Kind]
) -> Iterator[RecordChange]:
    for item in items:
        change = damping.fold(item.captured.logged.revision, weights.weighed(item.change))
        if change is None:
            elsewhere[item.told.kind] += 1
        else:
            yield item.whole(change)


def _of_query(
    feed: Feed, captured: Captured, damping: Damping, wanted: Filter, where: Predicate | None
) -> _Selected:
    counts: Counter[Kind] = Counter()
    severities: Severities = {}
    shown: Counter[tuple[Kind, Severity]] = Counter()
    elsewhere: Counter[Kind] = Counter()
    named: list[RecordChange] = []
    try:
        for item in captured.items if _counts(feed, captured) else ():
            if not _may_be_wanted(item, feed):
                continue
            if where is not None and not where(item.told.key, item.plain):
                continue
            part = wanted.part(item.change)
            if part is None:
                continue
            counts[part.kind] += 1
            found, severity = severities.setdefault(part.kind, {}), severity_of(part)
            found[severity] = found.get(severity, 0) + 1
            if shown[part.kind, severity] < CAP:
                change = damping.fold(captured.logged.revision, part)
                if change is None:
                    elsewhere[part.kind] += 1
                else:
                    shown[part.kind, severity] += 1
                    named.append(item.whole(change))
    except ConfigError as error:
        raise ConfigError(
            sentence("{feed}: {error}", feed=feed.name, error=reason(error)), hint=error.hint
        ) from error
    if counts:
        yield _summary(counts), sorted(named, key=importance), severities, elsewhere


def _may_be_wanted(item: Item, feed: Feed) -> bool:
    """Return whether a feed may tell a change: most are left out without being explained."""
    if item.told.kind not in feed.kinds:
        return False
    paths = feed.saved.fields if feed.saved and item.told.shifts else ()
    roots = {names[0] for path in paths for names in readings(path)}
    return not roots or "*" in roots or any(each.field in roots for each in item.told.shifts)


def _counts(feed: Feed, captured: Captured) -> dict[Kind, int]:
    """Return how many changes there are of each kind that a feed tells, if there are any."""
    return {kind: number for kind in feed.kinds if (number := getattr(captured.summary, kind))}


def _summary(counts: Mapping[Kind, int]) -> Summary:
    return Summary(**{str(kind): number for kind, number in counts.items()})


def _in_words(summary: Summary, changes: list[RecordChange]) -> str:
    """Return what changed in plain text: the first records of each kind, the worst first."""
    groups: dict[Kind, list[str]] = {}
    for each in changes:
        name = clip(wording.shown(each), _LONGEST_NAME)
        groups.setdefault(each.kind, []).append(
            visible(f"{name} ({retold(each.cause or '')})" if each.flapping else name)
        )
    told = (
        sentence(
            "{kind}: {records}",
            kind=wording.WORDS[kind],
            records=few(groups[kind], total=getattr(summary, kind)),
        )
        for kind in groups
    )
    return said(reduce(_and, told)) if groups else ""


def _and(first: Sentence, second: Sentence) -> Sentence:
    return sentence("{first}; {second}", first=first, second=second)


def _atom(
    feed: Feed, entries: list[Entry], *, id_: str, updated: datetime, about: str, itself: str
) -> str:
    from feedgen.feed import FeedGenerator

    made = FeedGenerator()
    try:
        made.id(id_)
        made.title(feed.title)
        made.updated(updated)
        made.author(name=_AUTHOR)
        made.generator(_AUTHOR)
        made.language(_LANGUAGE_TAGS.get(current(), current()))
        if about:
            made.link(href=about, rel="alternate", type="text/html")
            made.link(href=itself, rel="self", type="application/atom+xml")
        for each in entries:
            entry = made.add_entry(order="append")
            entry.id(each.id)
            entry.title(each.title)
            entry.published(each.taken)
            entry.updated(each.taken)
            entry.summary(each.summary)
            entry.content(each.content, type="html")
            entry.category([{"term": word} for word in _tags(each)])
            if each.address:
                entry.link(href=each.address)
        text: str = made.atom_str(pretty=True).decode()
    except ValueError as error:  # a user's template may hold what XML cannot
        raise RenderError(
            sentence("{template}: {error}", template=_TEMPLATE, error=reason(error))
        ) from error
    return text


_LANGUAGE_TAGS: Final = {"zh": "zh-CN"}
"""What a language is called where a country belongs to it (BCP 47)."""


def _json(feed: Feed, entries: list[Entry], about: str, itself: str) -> str:
    document = {
        "version": _VERSION,
        "title": feed.title,
        **({"home_page_url": about, "feed_url": itself} if about else {}),
        "authors": [{"name": _AUTHOR}],
        "language": _LANGUAGE_TAGS.get(current(), current()),
        "items": [_item(each) for each in entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _item(entry: Entry) -> dict[str, Any]:
    taken = entry.taken.isoformat()
    return {
        "id": entry.id,
        **({"url": entry.address} if entry.address else {}),
        "title": entry.title,
        "content_html": entry.content,
        "summary": entry.summary,
        "date_published": taken,
        "date_modified": taken,
        "tags": _tags(entry),
    }


def _tags(entry: Entry) -> list[str]:
    """Return the kinds of changes that an entry tells, and how bad the worst of them is."""
    return [*entry.kinds, *([entry.severity] if entry.severity else ())]
