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
        turn: of the connection: a client that is not read from is not silent.
    """

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport, self._turn = transport, turn
        self._timer: asyncio.TimerHandle | None = None
        self._heard, self._latest = False, 0.0

    def begin(self, *, counted: bool = True) -> None:
        """The last is written.

        Args:
            counted: whether the connection is one of those of which there may be so many; one more lasts for a moment.
        """
        self._latest = asyncio.get_running_loop().time() + (_MOST_SECONDS if counted else _MOMENT_SECONDS)
        self._wait()

    def hurry(self) -> None:
        """The server stops: end in the time in which a client that does nothing would, whatever it does."""
        self._latest = min(self._latest, asyncio.get_running_loop().time() + _SILENT_SECONDS)

    def heard(self) -> None:
        """Something has come."""
        self._heard = True

    def end(self) -> None:
        """The connection is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._heard = False
        self._timer = loop.call_at(min(loop.time() + _SILENT_SECONDS, self._latest), self._look)

    def _look(self) -> None:
        heard = self._heard or self._turn.waits
        if heard and asyncio.get_running_loop().time() < self._latest:
            self._wait()
        else:
            self._transport.close()
