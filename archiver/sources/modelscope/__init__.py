"""The source ``modelscope``: the top of the hub, all of it, or some owners, tasks or words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from archiver.errors import SourceError
from archiver.language import sentence, stored
from archiver.records.text import few
from archiver.sources import ids
from archiver.sources.model_record import DEFAULTS
from archiver.sources.modelscope import website
from archiver.sources.modelscope.cover import everything
from archiver.sources.modelscope.pages import (
    description,
    fate,
    is_id,
    listing,
    oldest,
    single,
    version,
)
from archiver.sources.modelscope.queries import PATH, ModelScopeSettings, Query, Reach
from archiver.sources.modelscope.slices import Slices
from archiver.sources.modelscope.survey import Conversation, Survey
from archiver.sources.protocol import Source, own_rate
from archiver.transport import Rate, Request, Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from archiver.records.model import Json
    from archiver.sources.ledger import Entry, Kind, Ledger
    from archiver.sources.modelscope.survey import Steps
    from archiver.sources.protocol import Fate, Parsed
    from archiver.transport import Page

__all__ = ["ModelScope", "ModelScopeSettings"]

OVERLAP: Final = timedelta(hours=1)
"""Changes this long before the mark are listed again: clocks differ, and listings take time."""
_RATE: Final = 4.0
_MARK = "%Y-%m-%dT%H:%M:%SZ"
_DOWNLOADS = Query(sort="downloads")
_CHANGES = Query(sort="last_modified")
_WINDOW_DRIFT: Final = 0.01
"""Share of a window that may be repeated or skipped while metrics change."""
_LACKING: Final = sentence(
    "run again: the hub changed too much meanwhile, or hides models; `drift` allows more"
)


class ModelScope(Source):
    """Lists ModelScope by its OpenAPI (1.1.0, ``GET /openapi/v1/models``)."""

    Settings = ModelScopeSettings
    defaults = DEFAULTS
    variables = {"endpoint": ("MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN")}  # noqa: RUF012  read only
    token_variable = "MODELSCOPE_API_TOKEN"  # noqa: S105  the name of a variable
    resumable = True
    overlapping = True
    in_flight = 4

    def __init__(
        self,
        settings: ModelScopeSettings,
        *,
        base: Path,
        since: str = "",
        reach: Reach = Reach(),  # noqa: B008  immutable
    ) -> None:
        """Store the settings.

        Args:
            settings: The table of archiver.toml.
            base: Folder of archiver.toml.
            since: List only what changed since this moment, as ``YYYY-MM-DDTHH:MM:SSZ``.
            reach: How far one query reaches.
        """
        super().__init__(settings, base=base)
        host = settings.endpoint.rstrip("/")
        self.endpoint = host if "://" in host else f"https://{host}"
        self.kind: Kind = "complete"
        if since:
            self.kind = "incremental"
        elif settings.scope == "top" and not (settings.queries or settings.ids):
            self.kind = "window"
        self.drift = settings.drift
        self.full_every = settings.period
        self._since = since
        self._reach = reach
        self._conversation: Conversation | None = None

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The exact ids that the settings name."""
        given = self.settings.ids
        return ids.named(given, self.base, valid=is_id) if given else ()

    def _single(self) -> list[Request]:
        return [self._request(f"{ids.ID}{key}", key) for key in self.watched]

    def _request(self, name: str, key: str) -> Request:
        """Return the request for one model's own page (ModelScope OpenAPI, getModel)."""
        return Request(name, f"{self.endpoint}{PATH}/{_path(key)}", accept=(200, 404))

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Continue the conversation; replay it for another ledger than before."""
        if self.watched:
            return ids.unanswered(self._single(), ledger)
        if self._conversation is None or self._conversation.used > len(ledger.entries):
            survey = Survey()
            self._conversation = Conversation(survey, self._steps(survey))
        return self._conversation.next_requests(ledger.entries)

    def _steps(self, survey: Survey) -> Steps:
        settings: ModelScopeSettings = self.settings
        if self._since:
            return self._changes()
        if self.kind == "window":
            return self._top()
        slices = Slices(self.endpoint, self._reach, survey, drift=self.drift)
        if settings.queries:
            return slices.walk(settings.queries)
        return everything(slices, self.endpoint, website=settings.website)

    def _top(self) -> Steps:
        """List the models with the most downloads, as far as one query reaches."""
        (first,) = yield [_DOWNLOADS.request(self.endpoint, self._reach, 1)]
        pages = self._reach.pages(first.matches or 0)
        yield [_DOWNLOADS.request(self.endpoint, self._reach, n) for n in range(2, pages + 1)]

    def _changes(self) -> Steps:
        """List the newest changes, until a page shows none since the mark."""
        pages = range(1, self._reach.window // self._reach.page + 1)
        for page in pages[:: self.in_flight]:
            batch = [each for each in range(page, page + self.in_flight) if each in pages]
            entries = yield [_CHANGES.request(self.endpoint, self._reach, each) for each in batch]
            if any(self._is_before(entry) for entry in entries):
                return

    def _is_before(self, entry: Entry) -> bool:
        """Tell whether a page reaches back beyond the mark, or is the last one."""
        reached = oldest(entry.facts)
        return not reached or reached < self._since

    def parse(self, page: Page) -> Parsed:
        """Return what a page of the documented listing, or of the website, means."""
        if page.request.id.startswith("website "):
            return website.parse(page)
        if page.request.id.startswith(ids.ID):
            return ids.parsed(page, fate(page), partial(single, page))
        return listing(page)

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; see `Source.end`."""
        if self.watched:
            return ids.end(self._single(), ledger)
        survey = Survey.of(ledger.entries)
        found = ledger.distinct + ledger.bad
        if self.kind == "incremental":
            return self._reached_mark(ledger)
        if self.kind == "window":
            return self._whole_window(ledger, found)
        if self.settings.queries:
            return self._whole_slices(survey, found)
        allowed = self.drift * survey.total
        if ledger.distinct - allowed > survey.total or survey.total > found + allowed:
            raise SourceError(_lacking(survey, found), hint=_LACKING)
        return stored("the union of {number:,} slices", number=len(survey.slices))

    def covered(self, ledger: Ledger) -> Kind:
        """Return what the listing covers: the top of a hub that fits into it is all of the hub."""
        return "complete" if self.kind == "window" and self._is_whole(ledger) else self.kind

    def _is_whole(self, ledger: Ledger) -> bool:
        return ledger.announced is not None and ledger.announced <= self._reach.window

    def _reached_mark(self, ledger: Ledger) -> str:
        if not any(self._is_before(entry) for entry in ledger.entries):
            raise SourceError(
                sentence("more changed since {since} than one query reaches", since=self._since)
            )
        return stored("changes since {since}", since=self._since)

    def _whole_window(self, ledger: Ledger, found: int) -> str:
        if self._is_whole(ledger):  # the proof compares the numbers
            return stored("every page by downloads")
        expected = self._reach.window
        if found < expected * (1 - _WINDOW_DRIFT):
            raise SourceError(
                sentence(
                    "only {found:,} different models of the top {expected:,} received",
                    found=found,
                    expected=expected,
                )
            )
        return stored("the top {expected:,} by downloads", expected=expected)

    def _whole_slices(self, survey: Survey, found: int) -> str:
        queries = self.settings.queries
        for query in queries:
            asked = survey.slices[query.name]
            announced, window = asked.announced or 0, self._reach.window
            if announced > window and len(queries) > 1:
                hint = sentence("configure it as a separate source")
                raise SourceError(
                    sentence(
                        "{query}: more than {window:,} models", query=query.name, window=window
                    ),
                    hint=hint,
                )
            came = found if len(queries) == 1 else asked.received
            if came < announced * (1 - self.drift) - 1:
                raise SourceError(
                    sentence(
                        "{query}: {announced:,} announced, {came:,} received",
                        query=query.name,
                        announced=announced,
                        came=came,
                    )
                )
        return stored("every page of {few}", few=few([query.name for query in queries]))

    def site(self, token: str) -> Site:
        """Return the rate limit, and the token in the two ways that the hub's clients send it."""
        headers = {}
        if token:
            cookie = f"m_session_id={token}; modelscope_session={token}"
            headers = {"Authorization": f"Bearer {token}", "Cookie": cookie}
        usual = Rate(_RATE, burst=self.in_flight)
        return Site(self.endpoint, own_rate(self.endpoint, self.settings.rate, usual), headers)

    def changed_since(self, mark: str) -> Source | None:
        """Return a source that lists what changed since `mark`, with some overlap."""
        if not self.settings.incremental:
            return None
        since = ""
        if mark:
            moment = datetime.strptime(mark, _MARK).replace(tzinfo=UTC)
            since = (moment - OVERLAP).strftime(_MARK)
        return ModelScope(self.settings, base=self.base, since=since, reach=self._reach)

    def confirm(self, key: str) -> Request | None:
        """Return the request for the model's own page."""
        return self._request(f"confirm {key}", key) if is_id(key) else None

    def confirmed(self, page: Page) -> Fate:
        """Return the status of the model: private and deleted ones look alike."""
        return fate(page)

    def details(self, key: str) -> Sequence[Request]:
        """Return the requests for version and description that the settings ask for."""
        if not is_id(key):
            return ()
        addresses = {
            "version": f"{self.endpoint}/api/v1/models/{_path(key)}/revisions",
            "description": f"{self.endpoint}{PATH}/{_path(key)}",
        }
        return [
            Request(f"{field} {key}", addresses[field], accept=(200, 404))
            for field in self.settings.enrich
        ]

    def detailed(self, page: Page) -> Mapping[str, Json]:
        """Return the version or the description."""
        field = page.request.id.partition(" ")[0]
        return {field: version(page) if field == "version" else description(page)}

    def link(self, key: str) -> str:
        """Return the model's page on the hub."""
        return f"{self.endpoint}/models/{_path(key)}" if is_id(key) else ""


def _path(key: str) -> str:
    owner, _, name = key.partition("/")
    return f"{quote(owner, safe='')}/{quote(name, safe='')}"


def _lacking(survey: Survey, found: int) -> str:
    worst = [
        sentence("{name} lacks {short:,}", name=name, short=each.short)
        for name, each in survey.worst()
    ]
    slices = f" ({few(worst)})" if worst else ""
    return sentence(
        "{total:,} models are announced, {found:,} different ones received{slices}",
        total=survey.total,
        found=found,
        slices=slices,
    )
