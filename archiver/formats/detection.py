"""Tell the format of a document whose name does not say it: by its media type, by its content."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.formats import encoding
from archiver.formats.table import delimiter_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.formats import Reading

MEDIA: Final[Mapping[str, str]] = {
    "application/json": "json",
    "application/jsonl": "jsonl",
    "application/jsonlines": "jsonl",
    "application/json-lines": "jsonl",
    "application/ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/toml": "toml",
    "application/x-yaml": "yaml",
    "application/yaml": "yaml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/x-yaml": "yaml",
    "text/yaml": "yaml",
}
"""Media type to the name of a format. ``text/plain`` and others say nothing."""

_ENOUGH: Final = 1 << 16
"""Characters that are looked at."""
_YAML: Final = re.compile(r"(%YAML\b|---(\s|$)|- |(['\"]?)[\w./ -]+\3:(\s|$))")
_TOML: Final = re.compile(r"\[\[?\s*[\w\"'.-]+\s*\]\]?\s*(#.*)?$|[\w\"'.-]+\s*=\s*\S")


def by_media(media: str) -> str:
    """Return the name of the format that a media type means; empty: it means none."""
    found = media.partition(";")[0].strip().lower()
    if found.endswith("+json"):
        return "json"
    return MEDIA.get(found, "")


def by_content(content: Iterator[bytes], how: Reading) -> tuple[Iterator[bytes], str]:
    """Return a document as it came, and the name of the format that it looks like: ``json``."""
    first = next(content, b"")
    codec, pieces = encoding.marked((first[:_ENOUGH],), how.encoding)
    start = b"".join(pieces).decode(codec, "replace").lstrip()
    return chain((first,), content), _looks_like(start)


def _looks_like(start: str) -> str:
    first = start.partition("\n")[0].rstrip()
    if _TOML.match(first) and not _is_json(first):
        return "toml"
    if start[:1] in ("", "{", "[", "<"):
        return "json"
    if _YAML.match(first):
        return "yaml"
    delimiter, alike = delimiter_of(start)
    if alike:
        return "tsv" if delimiter == "\t" else "csv"
    return "json"


def _is_json(text: str) -> bool:
    """Say whether a line is JSON: ``[1]`` is an array, and a table of TOML too."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
