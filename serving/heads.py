"""Heads of requests that came before: whoever keeps a connection sends the same one again, and need not have it parsed.

Only the very bytes are known again, which mean what they meant before. So it does not matter who sent them first; what
may change from one request to the next, such as who has a valid key, is looked at each time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_END = b"\r\n\r\n"
# Clients may make up any number of them, of any length.
_MOST_KNOWN, _LONGEST = 256, 2048


class KnownHead(NamedTuple):
    """Where its request goes in the lane, its headers by lower-case name, and the length of its body."""

    way: Any
    headers: dict[bytes, bytes]
    length: int


class KnownHeads:
    """One per process, for all connections."""

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}

    def find(self, data: bytes) -> KnownHead | None:
        """The head at the start of `data`, if it is known and `data` is that and its body, no more and no less."""
        end = data.find(_END) + len(_END)
        known = self._known.get(data[:end])
        return known if known is not None and len(data) == end + known.length else None

    def add(self, data: bytes, way: Any, headers: dict[bytes, bytes]) -> None:
        """A request whose connection is to be kept has arrived; it is known from now on if it is all of `data`."""
        end, length = data.find(_END) + len(_END), int(headers[b"content-length"])
        if end > _LONGEST or len(data) != end + length:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[data[:end]] = KnownHead(way, headers, length)
