"""HTTP and file requests for sources and channels: bounded, retried, without leaking secrets.

Time, size, retries and redirects have limits; nothing is taken from the environment; no secret
of an address or a header appears in an error, a log line or a `repr`.
"""

from __future__ import annotations

import logging
import os
import random
import stat
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from archiver.errors import MalformedPage, SourceRefused, SourceUnavailable, reason
from archiver.language import sentence
from archiver.transport.masking import masked, masked_errors
from archiver.transport.message import (
    Limits,
    Page,
    Rate,
    Request,
    Secret,
    Site,
    next_link,
    origin,
    redact,
    same_origin,
    without_params,
)
from archiver.transport.spool import Spool
from archiver.transport.throttle import (
    Retryable,
    Throttle,
    backoff,
    exhausted_quota,
    is_limited,
    requested_wait,
    sent_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import requests

__all__ = [
    "Limits",
    "Page",
    "Rate",
    "Request",
    "Secret",
    "Site",
    "Transport",
    "next_link",
    "redact",
]

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({401, 403})
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})

_LONG_WAIT = 10.0
"""Seconds from which on a wait is a warning: a job's log shows what it waits for."""

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - only read when a site asks for a wait


class Transport:
    """One client with one connection pool; a context manager that closes it.

    Threads may share it.

    Attributes:
        site_time: When the newest answer was sent by its server's clock, UTC; None: unknown.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        proxies: Mapping[str, str] | None = None,
        ca_bundle: str | None = None,
        sites: Sequence[Site] = (),
        redirect_to: Iterable[str] = (),
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - the one place that waits for a source
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Store the settings; nothing is opened yet.

        Args:
            limits: What one request may cost.
            proxies: Address of the proxy by scheme (``http``, ``https``); under ``no_proxy``
                hosts that need no proxy, with their subdomains, separated by commas.
            ca_bundle: File of trusted certificates that replaces the default.
            sites: Rate limits and secret headers of some origins.
            redirect_to: Hosts to which other origins may redirect; no header of a request goes
                there, and never from ``https`` to ``http``.
            sleep: Waits this many seconds.
            chance: Between 0 and 1; spreads the waits.
            clock: Seconds of a clock that never goes back.
            now: Tells the time in UTC.
        """
        self._limits = limits or Limits()
        self._proxies = dict(proxies or {})
        self._direct = self._proxies.pop("no_proxy", "")
        self._ca_bundle = ca_bundle
        self._sleep = sleep
        self._chance = chance
        self._now = now
        self._redirect_to = frozenset(host.lower() for host in redirect_to)
        self._sites = {origin(site.endpoint): site for site in sites}
        self._throttles = {
            at: Throttle(site.rate, clock, sleep) for at, site in self._sites.items()
        }
        self._opening = threading.Lock()
        self._session: requests.Session | None = None
        self.site_time: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def get(self, request: Request) -> Page:
        """Return the answer to `request`, with one of the statuses that it accepts.

        Raises:
            SourceUnavailable: No answer after all retries, or none can be had, or the site asks
                to wait longer than the limit.
            SourceRefused: 401 or 403.
            MalformedPage: Another status, a redirect elsewhere, a damaged or too large body.
        """
        if request.url.startswith("file:"):
            return _read_file(request, self._limits)
        attempt = 0
        while True:
            try:
                return self._follow(request)
            except Retryable as failure:
                self._wait_after(failure, request, attempt)
            attempt += 1

    def _wait_after(self, failure: Retryable, request: Request, attempt: int) -> None:
        """Wait until `request` may be sent again; `attempt` times it failed before."""
        longest, wait = self._limits.longest_wait, failure.wait
        if wait is None:
            wait = backoff(attempt, chance=self._chance(), longest=longest)
        if attempt == self._limits.retries and wait <= longest:
            message = sentence(
                "{place}: {failure} (attempts: {attempts})",
                place=request.shown(request.url),
                failure=reason(failure),
                attempts=attempt + 1,
            )
            raise SourceUnavailable(message, hint=sentence("try again later")) from failure
        self._wait(request, reason(failure), wait)

    def _wait(self, request: Request, reason: str, seconds: float) -> None:
        """Wait before `request` is sent, and log it.

        Raises:
            SourceUnavailable: The site asks for more than the limit.
        """
        place, longest = request.shown(request.url), self._limits.longest_wait
        if seconds > longest:
            until = sentence("asks to wait until {until}", until=_until(self._now(), seconds))
            message = sentence(
                "{place}: {reason}, {until}, longer than the limit of {longest:g} s",
                place=place,
                reason=reason,
                until=until,
                longest=longest,
            )
            raise SourceUnavailable(
                message, hint=sentence("run again after that time"), wait=seconds
            )
        level = logging.WARNING if seconds >= _LONG_WAIT else logging.INFO
        words = sentence(
            "{place}: {reason}; asking again in {seconds:.3g} s",
            place=place,
            reason=reason,
            seconds=seconds,
        )
        _log.log(level, words)
        self._sleep(seconds)

    def _follow(self, request: Request) -> Page:
        url = request.url
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                page = self._exchange(request, url)
                if page.status not in _REDIRECTS:
                    return _accepted(page, self._sites.get(origin(url)))
                url = self._redirected(request, url, page.headers.get("location", ""))
                if origin(url) != origin(request.url):
                    request = replace(request, headers={})
        except ValueError as error:
            if request.private:  # the target may repeat the secret of this address
                raise MalformedPage(sentence("{id}: redirects elsewhere", id=request.id)) from None
            raise MalformedPage(
                sentence("{shown}: {error}", shown=request.shown(url), error=reason(error))
            ) from error
        raise MalformedPage(
            sentence(
                "{shown}: more than {max_redirects} redirects",
                shown=request.shown(request.url),
                max_redirects=_MAX_REDIRECTS,
            )
        )

    def _redirected(self, request: Request, url: str, location: str) -> str:
        """Return where `url` redirects to; ValueError where that is not allowed."""
        if not location:
            raise ValueError(sentence("redirects without saying where to"))
        absolute = urljoin(url, location)
        host = (urlsplit(absolute).hostname or "").lower()
        downgraded = url.startswith("https:") and not absolute.startswith("https:")
        if host in self._redirect_to and not downgraded and not request.private:
            return absolute
        try:
            return same_origin(url, location)
        except ValueError as error:
            raise ValueError(sentence("redirects to {error}", error=reason(error))) from error

    def _exchange(self, request: Request, url: str) -> Page:
        from archiver.transport import wire  # noqa: PLC0415 - costs 90 ms

        with self._opening:
            if self._session is None:
                self._session = wire.open_session(self._ca_bundle)
        proxies = {} if self._is_direct(url) else self._proxies
        site, throttle = self._sites.get(origin(url)), self._throttles.get(origin(url))
        if site is not None and throttle is not None:
            request = replace(request, headers={**request.headers, **site.headers})
            url = without_params(url, site.params)
            if closed := throttle.closed_for:
                self._wait(request, sentence("rate limited"), closed)
            throttle.wait()
        with masked_errors(site):
            page = wire.exchange(
                self._session,
                request,
                url,
                params=site.params if site else {},
                limits=self._limits,
                proxies=proxies,
            )
        page = masked(page, site)
        self.site_time = sent_at(page.headers) or self.site_time
        limited = is_limited(page.status, page.headers)
        failed = (page.status in _RETRYABLE or limited) and page.status not in request.accept
        wait = requested_wait(page.headers, self._now()) if failed else None
        if throttle is not None:  # other requests to the site wait, too
            throttle.close(wait or exhausted_quota(page.headers) or 0)
        if failed:
            raise Retryable(sentence("answered {status}", status=page.status), wait=wait)
        return page

    def _is_direct(self, url: str) -> bool:
        host = f".{urlsplit(url).hostname or ''}"
        names = (name.strip().lstrip(".").lower() for name in self._direct.split(","))
        return any(name == "*" or host.endswith(f".{name}") for name in names if name)


def _accepted(page: Page, site: Site | None) -> Page:
    """Return `page` if its request accepts the status; raise otherwise."""
    if page.status in page.request.accept:
        return page
    message = sentence(
        "{shown}: answered {status}", shown=page.request.shown(page.request.url), status=page.status
    )
    if page.status in _REFUSED and site is not None and site.variables:
        variables = ", ".join(site.variables)
        raise SourceRefused(
            sentence(
                "{message}; the secret in {variables} was sent",
                message=message,
                variables=variables,
            ),
            hint=sentence(
                "check whether {variables} holds the right secret, and whether it is still valid",
                variables=variables,
            ),
        )
    if page.status in _REFUSED:
        raise SourceRefused(message, hint=sentence("it requires a token, or refuses this client"))
    raise MalformedPage(message, hint=sentence("check the address in archiver.toml"))


def _read_file(request: Request, limits: Limits) -> Page:
    """Return a file as a page.

    Raises:
        SourceUnavailable: It is absent, unreadable, no regular file, or larger than the limit.
    """
    from urllib.request import url2pathname  # noqa: PLC0415 - brings TLS along; 8 ms at start-up

    parts = urlsplit(request.url)
    if parts.netloc not in ("", "localhost"):
        raise SourceUnavailable(
            sentence("{url}: a file on another machine cannot be read", url=request.url)
        )
    path = url2pathname(parts.path)
    limit = limits.max_spooled if request.in_pieces else limits.max_bytes
    try:
        # A named pipe would wait for its writer.
        with open(path, "rb", opener=lambda at, flags: os.open(at, flags | os.O_NONBLOCK)) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise SourceUnavailable(sentence("{path!r}: not a regular file", path=path))
            if request.in_pieces and limits.is_large(state.st_size) and state.st_size <= limit:
                same = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
                return Page(request, 200, {}, b"", Spool(same, path, most_whole=limits.max_bytes))
            body = file.read(limit + 1) if state.st_size <= limit else b""
    except OSError as error:
        raise SourceUnavailable(
            sentence("{path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    except ValueError as error:  # a NUL in the name
        raise SourceUnavailable(
            sentence("{path!r}: {error}", path=path, error=reason(error))
        ) from error
    if max(len(body), state.st_size) > limit:
        raise SourceUnavailable(
            sentence("{path!r}: larger than the limit of {limit:,} bytes", path=path, limit=limit)
        )
    return Page(request, 200, {}, body)


def _until(now: datetime, seconds: float) -> str:
    try:
        return f"{now + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return sentence("after the year 9999")
