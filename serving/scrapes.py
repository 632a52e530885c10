"""`/metrics` for all who ask, at a cost that does not grow with their number: anybody may ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# From the beginning of one rendering to that of the next. Prometheus asks every few seconds.
_EVERY_SECONDS = 0.1


class Scrapes:
    """Renders the metrics, once for all who wait. For one event loop.

    Args:
        publish: brings the metrics up to date; called in the event loop's thread.
        render: blocks, and is called in another.
    """

    def __init__(self, publish: Callable[[], None], render: Callable[[], bytes]) -> None:
        self._publish, self._render = publish, render
        self._next: asyncio.Task[bytes] | None = None  # has not begun to render
        self._one = asyncio.Lock()
        self._begun = 0.0

    async def text(self) -> bytes:
        """What they are now: nothing is left out that was counted before this was called."""
        if self._next is None:
            self._next = asyncio.create_task(self._rendered())
        return await asyncio.shield(self._next)

    async def _rendered(self) -> bytes:
        async with self._one:
            await asyncio.sleep(self._begun + _EVERY_SECONDS - time.monotonic())
            self._begun, self._next = time.monotonic(), None
            self._publish()
            return await asyncio.to_thread(self._render)
