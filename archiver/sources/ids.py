"""Exact ids: each is requested by itself; one that the hub does not have is not in the listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.errors import ConfigError, MalformedPage, SourceError
from archiver.language import sentence, stored
from archiver.records.pins import read_line
from archiver.records.text import count, few
from archiver.sources.protocol import Parsed
from archiver.transport import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from archiver.records.model import Bad, Record
    from archiver.sources.ledger import Ledger
    from archiver.sources.protocol import Fate
    from archiver.transport import Page, Request

ID: Final = "id "
"""Beginning of the id of a request for one record."""


def named(
    given: tuple[str, ...] | str, base: Path, *, valid: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return the ids of the setting ``ids``, each once: a list, or the path of a list of pins.

    Args:
        given: The setting.
        base: Folder of archiver.toml.
        valid: Whether a text is an id of the hub.

    Raises:
        ConfigError: The file cannot be read, names no id, or something is no id.
    """
    found = given if isinstance(given, tuple) else _pinned(base / given)
    wrong = [each for each in found if not valid(each)]
    if wrong:
        raise ConfigError(
            sentence("ids: the hub has no such ids: {few}", few=few(wrong, total=len(wrong)))
        )
    if not found:
        raise ConfigError(
            sentence("ids: {given} names no id", given=given),
            hint=sentence("one a line, as for archiver check"),
        )
    return tuple(dict.fromkeys(found))


def _pinned(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else sentence("not UTF-8")
        raise ConfigError(
            sentence("ids: cannot read {path}: {reason}", path=path, reason=reason)
        ) from error
    return tuple(key for line in text.splitlines() if (key := read_line(line).key))


def unanswered(requests: Sequence[Request], ledger: Ledger) -> list[Request]:
    """Return those of the requests that have no answer yet."""
    answered = {entry.id for entry in ledger.entries}
    return [request for request in requests if request.id not in answered]


def parsed(page: Page, fate: Fate, read: Callable[[], Record | Bad]) -> Parsed:
    """Return what the answer for one id means.

    Args:
        page: The answer.
        fate: The status of the record, by that answer.
        read: Reads the record of an answer that has one.

    Raises:
        MalformedPage: It does not say whether the record exists.
    """
    key = page.request.id.removeprefix(ID)
    if fate.state == "unknown":
        raise MalformedPage(
            sentence(
                "{redact}: does not say whether {key} exists",
                redact=redact(page.request.url),
                key=key,
            )
        )
    if fate.state == "listed":
        return Parsed((read(),))
    if fate.now:
        return Parsed(
            (read(),), notes=(stored("{key} is called {now} now", key=key, now=fate.now),)
        )
    return Parsed(
        (), notes=(stored("the hub does not have {key}: {cause}", key=key, cause=fate.cause),)
    )


def end(requests: Sequence[Request], ledger: Ledger) -> str:
    """Return how the end was recognised: every id is answered.

    Raises:
        SourceError: One is not.
    """
    if left := unanswered(requests, ledger):
        raise SourceError(
            sentence("no answer for {few}", few=few([request.id for request in left]))
        )
    absent = sum(not (entry.records or entry.bad) for entry in ledger.entries)
    return stored(
        "an answer for each of {ids}, {absent:,} of them absent",
        ids=count(len(requests), "id"),
        absent=absent,
    )
