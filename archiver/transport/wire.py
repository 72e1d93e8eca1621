"""One HTTP exchange through `requests`, bounded in time and size.

The only module that imports `requests`; it is itself imported on the first request.
"""

from __future__ import annotations

import socket
import ssl
import threading
import zlib
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import requests  # noqa: TID253 - this module is imported on use, as its docstring says
from requests.adapters import HTTPAdapter  # noqa: TID253 - likewise
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from archiver import __version__
from archiver.errors import ConfigError, SourceUnavailable, reason
from archiver.language import sentence
from archiver.transport.message import Page, Request
from archiver.transport.spool import Spool
from archiver.transport.throttle import Retryable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.transport.message import Limits

_PIECE = 1 << 16
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ONE_LAYER = ("gzip", "x-gzip", "deflate")
_CONNECTIONS = 8  # to one host, kept open
_LONGEST_REASON = 200  # a reason may quote what the server sent


def open_session(ca_bundle: str | None) -> requests.Session:
    """Return a session that takes nothing from the environment, not even ``.netrc``.

    Raises:
        ConfigError: There is no file or folder `ca_bundle`.
    """
    if ca_bundle and not Path(ca_bundle).exists():
        message = sentence("there is no file of certificates {ca_bundle}", ca_bundle=ca_bundle)
        hint = sentence("REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE names it")
        raise ConfigError(message, hint=hint)
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_bundle or True
    session.headers.update(
        {
            "User-Agent": f"snapshot-archiver/{__version__}",
            "Accept": "application/json, */*;q=0.8",
            "Accept-Encoding": "gzip",
        }
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WatchedAdapter(pool_maxsize=_CONNECTIONS))
    return session


def exchange(
    session: requests.Session,
    request: Request,
    url: str,
    *,
    limits: Limits,
    proxies: Mapping[str, str],
    params: Mapping[str, str] = MappingProxyType({}),
) -> Page:
    """Send `request` to `url`; read the body only of a status that it accepts.

    Args:
        session: Sends it.
        request: What to send.
        url: Where to.
        limits: What it may cost.
        proxies: Address of the proxy by scheme.
        params: More parameters of the query, which may be secrets: no message shows them.

    Raises:
        Retryable: The network failed, or the deadline passed.
        SourceUnavailable: The address or the certificate cannot be used; a retry does not help.
        ValueError: The body is too large or damaged.
    """
    with _Cutoff(limits.deadline) as cutoff:
        with _translated(request.shown(url), cutoff, limits):
            page = _exchange(session, request, url, limits, proxies, params=params)
        if cutoff.expired:  # a body without announced length then looks complete
            page.close()
            raise Retryable(
                sentence("not finished within {deadline:g} s", deadline=limits.deadline)
            )
    return page


def _exchange(
    session: requests.Session,
    request: Request,
    url: str,
    limits: Limits,
    proxies: Mapping[str, str],
    *,
    params: Mapping[str, str],
) -> Page:
    with session.request(
        request.method,
        url,
        params=dict(params),
        headers=dict(request.headers),
        data=request.body or None,
        proxies=dict(proxies),
        timeout=(limits.connect, limits.read),
        allow_redirects=False,
        stream=True,
    ) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body, spool = b"", None
        if response.status_code in request.accept:
            received = response.raw.stream(_PIECE, decode_content=False)
            encoding = headers.get("content-encoding", "")
            if request.in_pieces:
                most, unpacked = limits.max_spooled, limits.max_unpacked
                pieces = _plain(received, encoding=encoding, limit=most, unpacked=unpacked)
                body, spool = _kept(pieces, limits)
            else:
                most = limits.max_bytes
                body = b"".join(_plain(received, encoding=encoding, limit=most, unpacked=most))
        return Page(request, response.status_code, headers, body, spool)


def _kept(pieces: Iterable[bytes], limits: Limits) -> tuple[bytes, Spool | None]:
    """Return a body, or the file that holds it because it is large."""
    begun: deque[bytes] = deque()
    size = 0
    rest = iter(pieces)
    for piece in rest:
        begun.append(piece)
        size += len(piece)
        if limits.is_large(size):
            return b"", Spool.of(_drained(begun, rest), most_whole=limits.max_bytes)
    return b"".join(begun), None


def _drained(begun: deque[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces, and forget each."""
    while begun:
        yield begun.popleft()
    yield from rest


def _plain(pieces: Iterable[bytes], *, encoding: str, limit: int, unpacked: int) -> Iterator[bytes]:
    """Return the whole body, decompressed once; an error may be raised while it is read.

    Args:
        pieces: The body as received.
        encoding: The ``Content-Encoding`` (RFC 9110, section 8.4).
        limit: Largest size in bytes before decompression.
        unpacked: Largest size in bytes after decompression.

    Raises:
        ValueError: It is larger, truncated, or encoded in another way or twice.
    """
    wire = _bounded(pieces, limit)
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return wire
    if coding not in _ONE_LAYER:
        raise ValueError(
            sentence(
                "encoded as {encoding!r}; one layer of gzip or deflate is supported",
                encoding=encoding,
            )
        )
    return _bounded(_inflate(wire), unpacked)


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ValueError(sentence("larger than the limit of {limit:,} bytes", limit=limit))
        yield piece


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if stream.eof:  # RFC 1952, section 2.2: one member may follow another
                    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail or stream.unused_data
        yield stream.flush()
    except zlib.error as error:
        raise ValueError(sentence("damaged compression: {error}", error=reason(error))) from error
    if not stream.eof:  # a correct Content-Length does not reveal it: requests returns such a body
        raise ValueError(sentence("the compressed body is truncated"))


@contextmanager
def _translated(place: str, cutoff: _Cutoff, limits: Limits) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        if cutoff.expired:
            raise Retryable(
                sentence("not finished within {deadline:g} s", deadline=limits.deadline)
            ) from error
        if isinstance(error, ValueError):  # InvalidURL, InvalidHeader, …: it quotes secrets
            raise SourceUnavailable(
                sentence("{place}: the request is not valid HTTP", place=place)
            ) from error
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            message = sentence(
                "{place}: its certificate is not trusted ({verify_message})",
                place=place,
                verify_message=root.verify_message,
            )
            raise SourceUnavailable(message, hint=sentence("SSL_CERT_FILE names others")) from error
        raise Retryable(_reason(error, root, limits)) from error


def _reason(error: Exception, root: BaseException, limits: Limits) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return sentence("no connection within {connect:g} s", connect=limits.connect)
    if isinstance(root, TimeoutError):
        return sentence("silent for {read:g} s", read=limits.read)
    return sentence("the connection failed ({root})", root=str(root)[:_LONGEST_REASON])


def _root(error: BaseException) -> BaseException:
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


class _Cutoff:
    """Aborts an exchange at its deadline, whatever it is waiting for.

    The time limit of `requests` bounds single reads: a server that drips a byte a second never
    meets it (40 s at a limit of 3 s were measured). Shutting the socket wakes every read.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _current.reset(self._token)

    def watch(self, connected: socket.socket) -> None:
        self._socket = connected
        if self.expired:  # while the connection was made
            self._cut()

    def _cut(self) -> None:
        self.expired = True
        if self._socket is not None:
            with suppress(OSError):  # closed meanwhile
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[_Cutoff] = ContextVar("_current")


class _WatchedConnection(HTTPConnection):
    def getresponse(self) -> Any:
        _current.get().watch(self.sock)
        return super().getresponse()


class _WatchedSecureConnection(_WatchedConnection, HTTPSConnection):
    pass


class _WatchedAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        secure = pool.scheme == "https"
        pool.ConnectionCls = _WatchedSecureConnection if secure else _WatchedConnection
        return pool
