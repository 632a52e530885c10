"""How long a client may take for each of its things, and how often it may ask for nothing at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .errors import Code, ConnectionBroken

# A client that works asks for no answer now and then: it measures the way, gives up a call, lets us send more. And it
# may begin a thousand calls before the first is answered.
_MOST, _A_SECOND, _FOR_AN_ANSWER = 10_000, 1000, 10


class Patience:
    """Waits for things that have begun. One timer does for all of them, since all may take equally long.

    Args:
        seconds: that each of them may take.
        over: told which of them took longer.
    """

    def __init__(self, seconds: float, over: Callable[[int], None]) -> None:
        self._seconds, self._over = seconds, over
        self._since: dict[int, float] = {}  # the oldest comes first
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, thing: int) -> None:
        """Wait for a thing, unless it is waited for already."""
        if thing not in self._since:
            self._since[thing] = time.monotonic()
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def end(self, thing: int) -> None:
        """It came, or is no longer waited for."""
        self._since.pop(thing, None)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        # The clock of the timer only knows milliseconds.
        now = time.monotonic() + 0.001
        for thing in [thing for thing, since in self._since.items() if since + self._seconds <= now]:
            if self._since.pop(thing, None) is not None:
                self._over(thing)
        if self._since and self._timer is None:
            first = next(iter(self._since.values()))
            self._timer = asyncio.get_running_loop().call_later(first + self._seconds - now, self._look)


class Calm:
    """Counts what a client asks for that brings no answer: settings, pings, streams that it gives up at once."""

    def __init__(self) -> None:
        self._left, self._at = float(_MOST), time.monotonic()

    def disturb(self, cost: int = 1) -> None:
        """One more, which costs so much more to answer than a ping.

        Raises:
            ConnectionBroken: too many.
        """
        self._left -= cost
        if self._left < 0:
            now = time.monotonic()
            self._left, self._at = min(_MOST, self._left + (now - self._at) * _A_SECOND), now
            if self._left < 0:
                raise ConnectionBroken(Code.ENHANCE_YOUR_CALM, "too many frames that ask for nothing")

    def answered(self) -> None:
        """A call was answered: this client works."""
        self._left = min(_MOST, self._left + _FOR_AN_ANSWER)
