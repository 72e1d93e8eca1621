"""The format ``json``: one JSON document, or several one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.formats import Format, Text
from archiver.formats.encoding import utf8
from archiver.formats.json_lines import JsonLines, holds_several
from archiver.formats.packing import joined
from archiver.records.decoding import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.formats import Reading
    from archiver.records.decoding import Decoded


def json_text(body: bytes) -> Decoded:
    """Return one JSON text as it is read: UTF-8 without byte order mark, and with finite values.

    Raises:
        UnreadableSnapshot: It is not what its byte order mark says.
    """
    return decoded(b"".join(utf8((body,))))


class JsonFormat(Format):
    """JSON (RFC 8259), also with the values that are not finite of Python and pandas."""

    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return the document; see `Format.text`."""
        body = joined(utf8(content, how.encoding))
        if not holds_several(body):
            found = decoded(body, finite=how.finite)
            if not (found.not_finite and holds_several(found.body)):
                return Text("json", found.body, [*found.notes])
        return JsonLines().text(iter((body,)), how._replace(encoding=""))
