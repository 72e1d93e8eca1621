"""The shape that the records of all model hubs share, and what is read from a README."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

if TYPE_CHECKING:
    from archiver.records.model import Json, Record

DEFAULTS: dict[str, Json] = {
    "key": ["id"],
    "metrics": ["downloads", "likes", "last_modified"],
    "sets": ["tags", "tasks"],
    "noun": "model",
}
"""Settings of model hubs where archiver.toml does not set them."""

_TOO_LARGE: Final = 1 << 63
"""Numbers from here on do not fit the integers of most readers of JSON."""

_LONGEST: Final = 500
"""Characters of a description."""

_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s?([kKMGTP]i?B)\s*|\s*([0-9]{1,15})\s*")
_POWERS: Final = "BKMGTP"

_NO_PROSE = ("#", "|", "```", "~~~", "<", "![", "[![", "---", "===", ">", "- ", "* ", "import ")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]")


class ModelFields(TypedDict, total=False):
    """The fields of a model; unknown ones are left out or None.

    Attributes:
        id: ``owner/name``, the key.
        name: Display name.
        category: The first task.
        tasks: What the model does, as the hub names it.
        size: Bytes of its files.
        params: Number of parameters.
        downloads: Counter of the hub.
        likes: Counter of the hub.
        version: Newest tag, or the id of the newest commit.
        license: As the hub spells it.
        tags: Set by the owner or the hub.
        library: The library that loads it.
        gated: Whether, or how, access must be requested.
        release_date: Creation of the repository, UTC.
        last_modified: Last change of files or settings, UTC.
        description: A sentence or two.
    """

    id: str
    name: str | None
    tasks: list[str] | None
    size: int | None
    params: int | None
    downloads: int | None
    likes: int | None
    version: str | None
    license: str | None
    tags: list[str] | None
    library: str | None
    gated: bool | str | None
    release_date: str | None
    last_modified: str | None
    description: str | None


def model_record(**fields: Unpack[ModelFields]) -> Record:
    """Return the record of one model; unknown fields stay absent.

    Unknown is None, an empty text or list, and 0 for `size` and `params` (hubs write 0 there
    where they do not know). `category` is the first of `tasks`.
    """
    record: dict[str, Any] = {
        name: value for name, value in fields.items() if value is not None and value not in ("", [])
    }
    for name in ("size", "params"):
        if record.get(name) == 0:
            del record[name]
    if "tasks" in record:
        record["category"] = record["tasks"][0]
    return record


def size_in_bytes(text: str) -> int | str:
    """Return a size such as ``4.5GB``, ``1.2 GiB`` or ``1024`` in bytes; other text as it is.

    Decimal and binary prefixes as in IEC 80000-13, with ``KB`` for ``kB``. Nothing is guessed:
    ``7B`` may be parameters, ``4.5Gb`` bits, and ``4,5 GB`` has a comma that means two things.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        return text
    amount, unit, plain = found.groups()
    if plain:
        return int(plain)
    power = _POWERS.index(unit[0].upper())
    size = round(Decimal(amount) * (1024 if "i" in unit else 1000) ** power)
    return size if size < _TOO_LARGE else text


def first_paragraph(markdown: str) -> str | None:
    """Return the first paragraph of prose, on one line, or None.

    YAML front matter, headings, tables, lists, code, HTML and images are skipped.
    """
    for block in re.split(r"\n[ \t]*\n", _without_front_matter(markdown.replace("\r\n", "\n"))):
        text = " ".join(_MARKUP.sub(r"\1", block).split())
        if text and not block.lstrip().startswith(_NO_PROSE):
            return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return None


def _without_front_matter(markdown: str) -> str:
    if not markdown.startswith("---\n"):
        return markdown
    _, _, rest = markdown[4:].partition("\n---")
    return rest
