"""Heads of requests that came before: whoever keeps a connection sends the same one again, and need not have it parsed.

Only a head of exactly the same bytes is found again, so it means the same, whoever sent it first. What may
change from one request to the next, such as who has a valid key, is checked each time.
"""

from __future__ import annotations

from typing import NamedTuple

from .request import RequestHead
from .routes import Match

_END = b"\r\n\r\n"
# Clients may make up any number of them, of any length.
_MOST_KNOWN, _LONGEST = 256, 2048


class KnownHead(NamedTuple):
    """What a head says, and the length of the body that follows it."""

    match: Match
    path: str
    head: RequestHead
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

    def add(self, data: bytes, known: KnownHead, lines: int) -> None:
        """A request has arrived whose connection is to be kept; its head is known from now on if it is all of `data`.

        Args:
            data: what began with the request.
            known: what the parser read in its head.
            lines: of the head, as the parser counted them. Where the bytes before the first empty line have others,
                that is not where the parser saw the head end.
        """
        end = data.find(_END) + len(_END)
        if end > _LONGEST or len(data) != end + known.length:
            return
        if data[:1].isspace() or data.count(b"\n", 0, end) != lines + 1:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[data[:end]] = known
