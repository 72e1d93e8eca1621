"""A place in an answer: a path of member names in its body, or the name of a header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER: Final = "header:"
_LAST: Final = "[-1]"
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Answer(NamedTuple):
    """What a source answered.

    Attributes:
        headers: By lower-case name.
        body: JSON, as UTF-8.
    """

    headers: Mapping[str, str]
    body: bytes

    def at(self, place: str) -> Any:
        """Return what stands at `place`; `msgspec.UNSET`: nothing does.

        ``header:X-Total-Count`` is a header, anything else a path: ``meta.next``;
        ``data[-1].id`` leads through the last element of an array. A member whose own name has
        dots (``@odata.nextLink``) goes before the path that reads the same.

        Raises:
            UNREADABLE: What stands there is no value, such as a number beyond all bounds.
        """
        if place.startswith(HEADER):
            return self.headers.get(place.removeprefix(HEADER).strip().lower(), msgspec.UNSET)
        try:
            found = _at(self.body, place.removeprefix("."))
        except UNREADABLE:  # something on the way is neither an object nor an array
            return msgspec.UNSET
        return found if found is msgspec.UNSET else msgspec.json.decode(found)


def _at(text: bytes | msgspec.Raw, path: str) -> Any:
    if not path:
        return text
    name, _, rest = path.partition(".")
    if name == _LAST:
        return _at(elements[-1], rest) if (elements := _ELEMENTS.decode(text)) else msgspec.UNSET
    members = _MEMBERS.decode(text)
    if path in members:
        return members[path]
    array = name.removesuffix(_LAST)
    if array not in members:
        return msgspec.UNSET
    return _at(members[array], path[len(array) :].removeprefix("."))
