"""Ask a source only for what was modified: what it said of its last answer is remembered."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from archiver.records.jsontext import UNREADABLE, dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.config import SourceConfig
    from archiver.store.history import Revision
    from archiver.store.repository import Repository


class _Remembered(msgspec.Struct):
    """An answer's validators: of what settings, and which snapshot came of it."""

    settings: str
    blob: str
    validators: dict[str, str]


def remembered(
    source: SourceConfig, validators: Mapping[str, str], blob: str | None
) -> bytes | None:
    """Return what to keep of an answer whose records stand in `blob`; None: nothing."""
    if not validators or blob is None:
        return None
    return msgspec.json.encode(_Remembered(_settings(source), blob, dict(validators))) + b"\n"


def asked(
    source: SourceConfig, repository: Repository, newest: Revision | None
) -> Mapping[str, str]:
    """Return the validators to send.

    There are none unless the answer they belong to is the newest snapshot, read with today's
    settings: a capture that was reverted is fetched again.
    """
    content = repository.read_state(f"{source.name}/validators.json")
    if content is None or newest is None:
        return {}
    try:
        kept = msgspec.json.decode(content, type=_Remembered)
    except UNREADABLE:
        return {}
    known = kept.blob == newest.blob and kept.settings == _settings(source)
    return kept.validators if known else {}


def _settings(source: SourceConfig) -> str:
    return hashlib.sha256(dump([source.settings, list(source.key)])).hexdigest()
