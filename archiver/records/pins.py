"""Lists of pins: a key a line, with what is right for it and why."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

ACKNOWLEDGED: Final = ("license", "gated")
"""Fields whose right value a pin may name."""

_QUOTED: Final = re.compile(r'\s*"([^"]+)"(?=\s|$)(.*)')
_SETTING: Final = re.compile(rf"({'|'.join(ACKNOWLEDGED)})=(?:\"([^\"]*)\"|(\S+))")


class PinLine(NamedTuple):
    """A line of a list: the key (empty: the line names none), and field to its right value."""

    key: str
    values: dict[str, str]


def read_line(line: str) -> PinLine:
    """Read ``KEY license=apache-2.0 gated=auto  # why``.

    A key in double quotes may contain ``#`` and ``license=``.
    """
    quoted = _QUOTED.fullmatch(line)
    words = re.split(r"(?:^|\s)#", quoted[2] if quoted else line, maxsplit=1)[0].strip()
    values = {name: some or plain for name, some, plain in _SETTING.findall(words)}
    return PinLine(quoted[1] if quoted else _SETTING.sub("", words).strip(), values)
