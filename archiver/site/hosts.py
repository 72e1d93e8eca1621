"""What a server is called: requests that call it something else are not meant for it.

A website can give its own name the address 127.0.0.1; the browser then takes what is there for
the website's own. But it still tells the server by which name it came.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

LOCAL: Final = "127.0.0.1"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", re.IGNORECASE)


class Names:
    """The names of a server that listens somewhere.

    Attributes:
        url: Where its site is.
        is_private: Whether only this machine reaches it.
    """

    def __init__(self, asked: str, address: str, port: int) -> None:
        """Call the server what people call it.

        Args:
            asked: Where it was asked to listen: a name or an address.
            address: The address that this is.
            port: Where it listens.
        """
        bound = ipaddress.ip_address(address)
        called = f"[{asked}]" if ":" in asked else asked.lower()
        self.url = f"http://{called}:{port}/"
        self.is_private = bound.is_loopback
        self._is_everywhere = bound.is_unspecified
        self._names = {LOCAL, "localhost", "[::1]", called, address}
        self._port = port

    def include(self, host: str) -> bool:
        """Return whether a request that names this `host` (and port) means this server.

        Whoever listens everywhere is called by any address, but by no other name: addresses
        belong to nobody's website.
        """
        parts = _HOST.fullmatch(host)
        if parts is None or int(parts[2] or 80) != self._port:
            return False
        name = parts[1].lower()
        return name in self._names or (self._is_everywhere and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
