"""Keep secrets out of what answers bring back: whatever repeats one has ``***`` in its place.

Servers repeat what they were sent: in the address of the next page, in an error, in a header. What
is never read cannot be archived, logged or quarantined.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from archiver.errors import SourceError
from archiver.transport.throttle import Retryable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.transport.message import Page, Site

_MASK: Final = "***"
_LONGEST_ESCAPE: Final = 12
"""Bytes that JSON may write for one character: two escapes."""
_SHORTEST: Final = 8
"""Characters of the shortest secret that is looked for: a shorter one is a word like others."""


def masked(page: Page, site: Site | None) -> Page:
    """Return `page` without the secrets of its `site`."""
    forms = _forms(site)
    if not forms:
        return page
    if page.spool is not None:
        page.spool.change(partial(_masked_pieces, forms=forms))
    body = page.body
    for form in forms:
        body = body.replace(form.encode(), _MASK.encode())
    if b"\\u" in body:
        for form in forms:
            body = _escaped(form).sub(_MASK.encode(), body)
    return replace(
        page,
        body=body,
        headers={name: _without(value, forms) for name, value in page.headers.items()},
    )


def _masked_pieces(pieces: Iterator[bytes], forms: tuple[str, ...]) -> Iterator[bytes]:
    """Yield pieces without secrets, also those that begin in one piece and end in another."""
    plain = [form.encode() for form in forms]
    ways = b"|".join((*map(re.escape, plain), *(_escaped(form).pattern for form in forms)))
    secret = re.compile(ways)
    longest = max(map(len, forms)) * _LONGEST_ESCAPE
    held = b""
    for piece in pieces:
        held += piece
        sure = len(held) - longest  # a secret that begins before it is here as a whole
        if sure <= 0:
            continue
        if b"\\u" in held or any(form in held for form in plain):
            out, end = list[bytes](), 0
            for found in secret.finditer(held):
                if found.start() >= sure:
                    break
                out += held[end : found.start()], _MASK.encode()
                end = found.end()
            sure = max(sure, end)
            yield b"".join((*out, held[end:sure]))
        else:
            yield held[:sure]
        held = held[sure:]
    yield secret.sub(_MASK.encode(), held)


@contextmanager
def masked_errors(site: Site | None) -> Iterator[None]:
    """Mask the secrets of `site` in the errors of an exchange.

    They may quote the server; what caused them, which a traceback shows, quotes the address.
    """
    try:
        yield
    except (Retryable, ValueError, SourceError) as error:
        forms = _forms(site)
        if not forms:
            raise
        text = str(error)
        if _without(text, forms) == text:
            raise error from None
        kind = Retryable if isinstance(error, Retryable) else ValueError
        raise kind(_without(text, forms)) from None


def _forms(site: Site | None) -> tuple[str, ...]:
    """Return each secret as JSON and addresses may write it, longest first."""
    secrets = site.hidden if site else ()
    found = {
        form
        for secret in secrets
        if len(secret) >= _SHORTEST
        for plain in (secret, json.dumps(secret)[1:-1])
        for form in (plain, plain.replace("/", r"\/"), quote(plain, safe=""), quote_plus(plain))
    }
    return tuple(sorted(found, key=len, reverse=True))


def _escaped(text: str) -> re.Pattern[bytes]:
    """Return what JSON may write for `text` where it escapes some of its characters, or all."""
    ways = []
    for char in text:
        units = char.encode("utf-16-be")
        pairs = (units[at : at + 2].hex().encode() for at in range(0, len(units), 2))
        escape = b"".join(b"\\\\u(?i:%b)" % pair for pair in pairs)
        ways.append(b"(?:%b|%b)" % (re.escape(char.encode()), escape))
    return re.compile(b"".join(ways))


def _without(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        text = text.replace(form, _MASK)
    return text
