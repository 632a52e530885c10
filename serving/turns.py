"""The part of the event loop's time that all clients together get who have not shown a key.

A connection is a stranger's until a request on it was accepted by a route that needs a key, where there are keys. What
strangers send is parsed in turns: a slice of time each, one address after the other, and all together no more than a
fifth of the time. So whoever has a key waits for a slice at most, however much the others send, and over how many
connections. Where strangers ask little they find time saved up, and no one waits. Connections to the socket for probes
take no turns.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

SLICE_SECONDS = 0.0005
"""After which a stranger's turn ends: somewhat later, with the piece that is being parsed."""
READ_SECONDS = 0.0005
"""What a turn costs in which bytes are read and thrown away."""
APP_SECONDS = 0.0005
"""What it costs to ask the app, whose time is not measured: others have their turns in between."""
# Each turn costs so much at least: the turns end even if nobody in them spends anything.
_TURN_SECONDS = 0.00001
_SHARE = 0.2
# Saved up at most, and owed at most: what took longer than that shall not keep a probe waiting for a second.
_SAVED_SECONDS, _OWED_SECONDS = 0.001, 0.02
_SHORTEST_WAIT = 0.001  # that the event loop's clock knows


class Turns:
    """One per process, for the connections of all protocols. For the event loop's thread."""

    def __init__(self) -> None:
        self._left, self._since = _SAVED_SECONDS, time.monotonic()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._goes_on = False

    @property
    def free(self) -> bool:
        """Whether a stranger may go on now: nobody waits, and there is time left."""
        return not self._waiting and self._refilled() > 0

    def spend(self, seconds: float) -> None:
        """Strangers took so much of the event loop's time."""
        self._left = max(self._left - seconds, -_OWED_SECONDS)

    def wait(self, address: str, take: Callable[[], None]) -> None:
        """Have `take` called when it is the turn of a stranger from this address; it spends what it takes."""
        if not self._goes_on:
            self._goes_on = True
            self._continue()
        self._waiting.setdefault(address, deque()).append(take)

    def _refilled(self) -> float:
        now = time.monotonic()
        self._left = min(self._left + (now - self._since) * _SHARE, _SAVED_SECONDS)
        self._since = now
        return self._left

    def _continue(self) -> None:
        wait = max(-self._left / _SHARE, _SHORTEST_WAIT)
        asyncio.get_running_loop().call_later(wait, self._go_on)

    def _go_on(self) -> None:
        while self._waiting and self._refilled() > 0:
            address, takers = next(iter(self._waiting.items()))
            del self._waiting[address]
            take = takers.popleft()
            if takers:
                self._waiting[address] = takers  # behind all others
            take()
            self.spend(_TURN_SECONDS)
        self._goes_on = bool(self._waiting)
        if self._goes_on:
            self._continue()
