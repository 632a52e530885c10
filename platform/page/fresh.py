"""`Fresh`: one blocking read per key and moment, however many ask for it.

The board reads the platform through it: a hundred open pages cost one status scan a second. The read runs in a
thread; who comes while it runs waits for the same one. A failure is kept as long as a value, so that a platform in
trouble is not asked more often than a healthy one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio.to_thread

from .errors import SourceTooSlow

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class _Outcome(Generic[V]):
    """A value or the exception in its place, and when it was there (monotonic seconds)."""

    value: V | None
    error: Exception | None
    at: float


class Fresh(Generic[K, V]):
    """Values that are at most `seconds` old, read by `read(key)`.

    Args:
        read: blocking; called in a thread, once at a time for a key.
        seconds: how long a value or a failure is kept.
        patience: how long one waits for a read before `SourceTooSlow`; the read itself goes on, and is not repeated.
    """

    def __init__(self, read: Callable[[K], V], *, seconds: float, patience: float) -> None:
        self._read = read
        self._seconds = seconds
        self._patience = patience
        self._tasks: dict[K, asyncio.Task[_Outcome[V]]] = {}

    async def get(self, key: K) -> V:
        """The value of `key`, or the exception that reading it raised."""
        task = self._tasks.get(key)
        if task is None or (task.done() and time.monotonic() - task.result().at >= self._seconds):
            task = self._tasks[key] = asyncio.create_task(self._outcome(key))
        try:
            outcome = await asyncio.wait_for(asyncio.shield(task), self._patience)
        except TimeoutError as e:
            raise SourceTooSlow(
                f"No answer about '{key}' for {self._patience:g} s. Look at the platform with: tenfold status"
            ) from e
        if outcome.error is not None:
            raise outcome.error
        return outcome.value  # pyright: ignore[reportReturnType]  # V may be None itself

    def keep_only(self, keys: set[K]) -> None:
        """Forget what is about other keys, e.g. deleted services."""
        for key in self._tasks.keys() - keys:
            del self._tasks[key]

    async def _outcome(self, key: K) -> _Outcome[V]:
        try:
            value = await anyio.to_thread.run_sync(self._read, key)
        except Exception as e:
            return _Outcome(None, e, time.monotonic())
        return _Outcome(value, None, time.monotonic())
