"""The time that a client has to send what it began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .turns import Turn

# For the event loop to read what has come while the process stood still, before a client is taken to be late.
_LOOK_SECONDS = 0.01


class Arrival:
    """Of one connection: its first byte, and then each request from its first byte on, has so many seconds to arrive.

    What the server itself does not read meanwhile does not count.

    Args:
        seconds: that each may take.
        turn: of the connection. The time that it waits is not the client's.
        is_awaited: whether the server would read more now, and has no answer under way.
        on_late: called when the time is over.
    """

    def __init__(self, seconds: float, turn: Turn, is_awaited: Callable[[], bool], on_late: Callable[[], None]) -> None:
        self._seconds, self._turn, self._is_awaited, self._on_late = seconds, turn, is_awaited, on_late
        self._timer: asyncio.TimerHandle | None = None
        self._waited = 0.0  # by the turn, when the time began
        self._looked = False  # once more, when the time was over

    def begin(self) -> None:
        """The time begins, unless it has."""
        if self._timer is None:
            self._waited, self._looked = self._turn.waited, False
            self._wait(self._seconds)

    def end(self) -> None:
        """All has arrived, or is no longer waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        waited = self._turn.waited - self._waited
        if not self._is_awaited():
            self.begin()
        elif waited > 0:
            self._waited += waited
            self._wait(waited)
        elif not self._looked:
            self._looked = True
            self._wait(_LOOK_SECONDS)
        else:
            self._on_late()
