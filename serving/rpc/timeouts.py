"""How long a client may take for each of its things."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# For the event loop to read what has come while the process stood still.
_LOOK_SECONDS = 0.01


class Timeouts:
    """Waits for things that have begun. One timer does for all of them, since all may take equally long.

    Args:
        seconds: that each of them may take.
        on_timeout: given the one that took longer.
    """

    def __init__(self, seconds: float, on_timeout: Callable[[int], None]) -> None:
        self._seconds, self._on_timeout = seconds, on_timeout
        self._since: dict[int, float] = {}  # the oldest comes first
        self._timer: asyncio.TimerHandle | None = None
        self._looked = False  # once, and the time of some was over

    def start(self, thing: int) -> None:
        """Wait for a thing, unless it is waited for already."""
        if thing not in self._since:
            self._since[thing] = time.monotonic()
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def stop(self, thing: int) -> None:
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
        over = [thing for thing, since in self._since.items() if since + self._seconds <= now]
        self._looked = bool(over) and not self._looked
        if self._looked:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
            return
        for thing in over:
            if self._since.pop(thing, None) is not None:
                self._on_timeout(thing)
        if self._since and self._timer is None:
            first = next(iter(self._since.values()))
            self._timer = asyncio.get_running_loop().call_later(first + self._seconds - now, self._look)
