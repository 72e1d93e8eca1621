"""Read one file of a folder, which is read as one object whose members are the files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.language import stored
from archiver.records.document import Flawed, one_value
from archiver.records.jsontext import dump
from archiver.records.model import Bad

if TYPE_CHECKING:
    from archiver.formats import Text


def as_member(name: str, text: Text) -> tuple[Text, list[Bad]]:
    """Return an object whose one member is a document, and what is no record in it.

    Args:
        name: The name of the file in its folder.
        text: The document.

    Raises:
        UnreadableSnapshot: It is not one JSON value: it could end, and more members follow.
    """
    body, bad = text.content, list[Bad]()
    if not isinstance(body, bytes):
        rows: list[bytes] = []
        for each in body:
            if isinstance(each, Bad):
                bad.append(each)
            elif isinstance(each[1], Flawed):
                bad.append(Bad(stored("line {line:,}", line=each[0]), each[1].reason))
            else:
                rows.append(each[1])
        body = b"[%b]" % b",".join(rows)
    return replace(text, content=b"{%b:%b}" % (dump(name), one_value(body))), bad
