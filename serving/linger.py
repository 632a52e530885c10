"""The end of a connection whose client may still send: closed with bytes that nobody has read, the system would reset
it, and the client might not see the last answer (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio

from .turns import Turn

# As nginx has them (lingering_timeout, lingering_time): a slow client is not taken for a silent one.
_SILENT_SECONDS, _MOST_SECONDS = 5.0, 30.0
_MOMENT_SECONDS = 1.0


class Linger:
    """What still comes is thrown away, until the client has closed its side, or is silent, or takes too long.

    Args:
        transport: of the connection, whose own side is closed for writing when this begins.
        turn: of the connection. Where others leave it none for a second, it ends: whether its client is still there
            cannot be seen.
    """

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport, self._turn = transport, turn
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._latest = 0.0

    def begin(self, *, counted: bool = True) -> None:
        """The last is written.

        Args:
            counted: whether the connection is one of those of which there may be so many; one more lasts for a moment.
        """
        self._heard = now = asyncio.get_running_loop().time()
        self._latest = now + (_MOST_SECONDS if counted else _MOMENT_SECONDS)
        self._turn.linger()
        self._wait()

    def hurry(self) -> None:
        """The server stops: end in the time in which a client that does nothing would, whatever it does."""
        self._latest = min(self._latest, asyncio.get_running_loop().time() + _SILENT_SECONDS)

    def heard(self) -> None:
        """Something has come."""
        self._heard = asyncio.get_running_loop().time()

    def end(self) -> None:
        """The connection is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        latest = min(self._latest, self._heard + _SILENT_SECONDS, loop.time() + _MOMENT_SECONDS)
        self._timer = loop.call_at(latest, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= min(self._latest, self._heard + _SILENT_SECONDS) or self._turn.waits_for(_MOMENT_SECONDS):
            self._transport.close()
        else:
            self._wait()
