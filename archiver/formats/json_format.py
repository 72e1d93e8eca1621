"""The format ``json``: one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.formats import Format, Text
from archiver.records.decoding import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.formats import Reading


class JsonFormat(Format):
    """JSON (RFC 8259), also with the values that are not finite of Python and pandas."""

    def text(self, content: Iterator[bytes], how: Reading) -> Text:  # noqa: ARG002  nothing to say
        """Return the document; see `Format.text`."""
        found = decoded(b"".join(content))
        return Text("json", found.body, [*found.notes])
