"""The client that must not notice: it has a key, and asks for one row so many times a second over a few connections.

What waits for a free connection waits since it was due, and what is not answered at the end took until then: a server
that stands still for a second is not hidden by those requests that were not sent meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from ..open_load import Client

CONNECTIONS = 4
RATE = 200.0
_LATE_SECONDS = 10.0


@dataclass
class Answers:
    """Seconds that each request took, and how many had no good answer."""

    seconds: list[float] = field(default_factory=list[float])
    failed: int = 0

    @property
    def p99(self) -> float:
        """Seconds within which 99 % of the requests were answered; 0 without any."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0


class _Steady:
    """The connections, and the requests that wait for one."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port, self._request = port, request
        self._free: list[Client] = []
        self._due: deque[float] = deque()
        self._sent: dict[Client, float] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._last = False
        self.done = asyncio.Event()
        self.answers = Answers()

    def ask(self) -> None:
        """One more request is due."""
        self._due.append(time.monotonic())
        self._send()

    def nothing_left(self) -> None:
        """No more requests come: `done` is set when the last of them is answered."""
        self._last = True
        self._look()

    def connect(self) -> None:
        """Make a connection, as soon as that is possible."""
        task = asyncio.create_task(self._connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def close(self) -> None:
        """Give up what was not answered."""
        for task in self._connecting:
            task.cancel()
        now, left = time.monotonic(), [*self._due, *self._sent.values()]
        self.answers.seconds += [now - due for due in left]
        self.answers.failed += len(left)
        for client in (*self._free, *self._sent):
            client.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, client = await loop.create_connection(lambda: Client(self._answered), "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            self._free.append(client)
            self._send()
            return

    def _send(self) -> None:
        while self._due and self._free:
            client = self._free.pop()
            if client.open:
                self._sent[client] = due = self._due.popleft()
                client.send(self._request, due)
            else:
                self.connect()

    def _answered(self, client: Client, due: float, took: float, status: int) -> None:
        del self._sent[client]
        self.answers.seconds.append(took)
        self.answers.failed += status != 200
        if client.open:
            self._free.append(client)
        else:
            self.connect()
        self._send()
        self._look()

    def _look(self) -> None:
        if self._last and not (self._due or self._sent):
            self.done.set()


async def ask(port: int, request: bytes, seconds: float) -> Answers:
    """Ask `RATE` times a second for so many seconds, and wait a little for the last answers."""
    steady = _Steady(port, request)
    for _ in range(CONNECTIONS):
        steady.connect()
    over, at = time.monotonic() + seconds, time.monotonic()
    while at < over:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        steady.ask()
        at += 1 / RATE
    steady.nothing_left()
    with suppress(TimeoutError):
        await asyncio.wait_for(steady.done.wait(), _LATE_SECONDS)
    steady.close()
    return steady.answers
