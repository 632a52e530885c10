"""How long a client may take for what it began."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_SECONDS = 0.01
"""For the event loop to read what has come while the process stood still: what is then there was in time."""


class Timeouts:
    """Waits for things that have begun. One timer does for all of them, since all may take equally long.

    Args:
        seconds: that each of them may take.
        on_timeout: given the one that took longer.
        waited: for how long, in all, the server was not ready for them: that time is not the client's.
    """

    def __init__(
        self, seconds: float, on_timeout: Callable[[int], None], waited: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._seconds, self._on_timeout, self._waited = seconds, on_timeout, waited
        self._since: dict[int, float] = {}  # on the client's clock; the oldest comes first
        self._timer: asyncio.TimerHandle | None = None
        self._looked = False  # a moment ago, when some were late already

    def start(self, thing: int) -> None:
        """Wait for a thing, unless it is waited for already."""
        if thing not in self._since:
            self._since[thing] = time.monotonic() - self._waited()
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
        now = time.monotonic() + 0.001 - self._waited()
        late = [thing for thing, since in self._since.items() if since + self._seconds <= now]
        self._looked = bool(late) and not self._looked
        if self._looked:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
            return
        for thing in late:
            if self._since.pop(thing, None) is not None:
                self._on_timeout(thing)
        if self._since and self._timer is None:
            first = next(iter(self._since.values()))
            self._timer = asyncio.get_running_loop().call_later(first + self._seconds - now, self._look)
