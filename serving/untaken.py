"""What a client has not taken of its answers: part of the bytes that the server may hold, and bounded in time."""

from __future__ import annotations

import asyncio

from .budget import ByteBudget

LEAST_TAKEN = 64 * 2**10
"""Bytes: a client that takes so much of its answers in `write_seconds` goes on, over HTTP and gRPC."""


class Untaken:
    """Of one connection. A client that has no room for more, or takes nothing for too long, is cut off.

    Args:
        transport: of the connection.
        budget: that the bytes are part of.
        seconds: that a client may take nothing.
    """

    def __init__(self, transport: asyncio.Transport, budget: ByteBudget, seconds: float) -> None:
        self._transport, self._budget, self._seconds = transport, budget, seconds
        self._counted, self._gone = 0, False
        self._unwritten, self._since = 0, 0.0

    def count(self) -> None:
        """Have the budget know what the client leaves, or cut it off: it is the one that does not read."""
        left = self._transport.get_write_buffer_size()
        if left == self._counted or self._gone:
            return
        if self._budget.take(left - self._counted):
            self._counted = left
        else:
            self._transport.abort()

    def check(self, now: float) -> None:
        """Cut the client off if it takes nothing of what is written; asked from time to time, of `time.monotonic()`."""
        self.count()
        left = self._transport.get_write_buffer_size()
        if not left or self._unwritten - left >= LEAST_TAKEN or not self._unwritten:
            self._unwritten, self._since = left, now
        elif now - self._since > self._seconds:
            self._transport.abort()

    def forget(self) -> None:
        """The client is gone."""
        self._budget.give(self._counted)
        self._counted, self._gone = 0, True
