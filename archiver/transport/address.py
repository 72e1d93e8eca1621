"""Read addresses: hide what is secret in them, tell origins apart."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit

_HIDDEN = "***"
_SECRET_NAME = re.compile(r"token|key|secret|passw|sig|auth|credential|session", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}


def redact(url: str) -> str:
    """Return `url` as it may be shown: without credentials and without secrets in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable address"
    credentials, at, host = parts.netloc.rpartition("@")
    netloc = f"{_HIDDEN}@{host}" if at and credentials else host
    query = "&".join(_hide(pair) for pair in parts.query.split("&"))
    return SplitResult(parts.scheme, netloc, parts.path, query, "").geturl()


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of `url` (RFC 6454, section 4).

    Raises:
        ValueError: `url` is no address.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORT.get(parts.scheme)


def redirected(url: str, location: str) -> str:
    """Return where `url` leads to by a ``Location`` header.

    Raises:
        ValueError: There is no location, or it is at another origin, to which neither
            tokens nor trust are carried.
    """
    if not location:
        raise ValueError("redirects without saying where to")
    target = urljoin(url, location)
    if origin(target) != origin(url):
        raise ValueError(f"redirects to another origin, {redact(target)}")
    return target


def _hide(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if equals and _SECRET_NAME.search(name) else pair
