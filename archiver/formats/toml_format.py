"""The format ``toml``: one TOML document; dates and times become strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.errors import UnreadableSnapshot, reason
from archiver.formats import Format, Text
from archiver.formats.encoding import whole
from archiver.language import sentence
from archiver.records.decoding import Tally
from archiver.records.jsontext import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.formats import Reading

_LONG_KEY: Final = re.compile(
    r"""(?:^|[\[{,])[ \t]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{MAX_DEPTH}}}",
    re.ASCII | re.MULTILINE,
)
"""A key with more parts than anything may be deep: reading it takes the square of their number."""
_PLACE: Final = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)


class TomlFormat(Format):
    """TOML 1.0."""

    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return the document; see `Format.text`."""
        text = whole(content, how.encoding)
        if not text.strip():
            raise UnreadableSnapshot(sentence("the file is empty"))
        tally = Tally(finite=how.finite)
        return Text("toml", _json(text, tally), [*tally.notes])


def _json(text: str, tally: Tally) -> bytes:
    import tomllib  # noqa: PLC0415 - for such documents only

    def number(written: str) -> Any:
        value = float(written)
        if value - value == 0:
            return value
        tally.not_finite(written)
        return None

    too_deep = sentence("nested deeper than {max_depth}", max_depth=MAX_DEPTH)
    if _LONG_KEY.search(text):
        raise UnreadableSnapshot(too_deep)
    try:
        return msgspec.json.encode(tomllib.loads(text, parse_float=number))
    except RecursionError:
        raise UnreadableSnapshot(too_deep) from None
    except ValueError as error:
        lines = text.count("\n") + 1
        words = reason(error).replace("(at end of document)", f"(at line {lines}, column 1)")
        raise _not_toml(words) from error


def _not_toml(words: str) -> UnreadableSnapshot:
    found = _PLACE.fullmatch(words)
    if found is None:
        return UnreadableSnapshot(sentence("not TOML: {error}", error=words))
    return UnreadableSnapshot(
        sentence(
            "not TOML: line {line:,}, column {column:,}: {error}",
            line=int(found[2]),
            column=int(found[3]),
            error=found[1],
        )
    )
