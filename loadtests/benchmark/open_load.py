"""Load from one core: as much as is answered (closed loop), or as much as is wished for, answered or not (open loop).

An open loop sends on time, whatever became of the requests before, as many independent clients do. A latency counts
from when a request should have been sent, so that a generator that falls behind hides nothing; where it has no free
connection left the request is counted as not sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

TICK_SECONDS = 0.001


@dataclass
class Seen:
    """Answers: when they were due (monotonic), how long they took, and their status; 0 for a broken connection."""

    answers: list[tuple[float, float, int]] = field(default_factory=list[tuple[float, float, int]])
    unsent: int = 0

    def latencies(self, status: int) -> list[float]:
        """Seconds of the answers of that status, in rising order."""
        return sorted(seconds for _, seconds, code in self.answers if code == status)

    def count(self, status: int) -> int:
        """How many were answered so."""
        return sum(code == status for *_, code in self.answers)


class Client(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, answered: Callable[[Client, float, float, int], None]) -> None:
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._due = 0.0
        self._buffer = b""
        self.busy = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """It may be used."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """What was on its way is lost."""
        self._transport = None
        if self.busy:
            self._done(0)

    @property
    def open(self) -> bool:
        """Whether a request can be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due then."""
        assert self._transport is not None
        self.busy, self._due, self._buffer = True, due, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """A part of an answer, which is nearly always all of it."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._buffer.find(b"content-length: ") + 16
        length = int(self._buffer[at : self._buffer.index(b"\r", at)])
        if len(self._buffer) < head_end + 4 + length:
            return
        if b"connection: close" in self._buffer[:head_end] and self._transport:
            self._transport.close()
        self._done(int(self._buffer[9:12]))

    def close(self) -> None:
        """Let go of the connection."""
        self.busy = False
        if self._transport:
            self._transport.close()

    def _done(self, status: int) -> None:
        self.busy = False
        self._answered(self, self._due, time.monotonic() - self._due, status)


async def closed(port: int, request: bytes, connections: int, seconds: float) -> Seen:
    """As many requests as `connections` clients send that each wait for their answers."""
    seen, over = Seen(), time.monotonic() + seconds
    loop = asyncio.get_running_loop()

    def answered(client: Client, due: float, took: float, status: int) -> None:
        seen.answers.append((due, took, status))
        if time.monotonic() < over and client.open:
            client.send(request, time.monotonic())

    clients = [await _connected(loop, port, answered) for _ in range(connections)]
    for client in clients:
        client.send(request, time.monotonic())
    await asyncio.sleep(seconds)
    await _closed(clients)
    return seen


async def opened(port: int, requests: Iterator[bytes], rate: float, seconds: float, connections: int) -> Seen:
    """`rate` of the requests a second, whatever becomes of them, over at most `connections` connections."""
    seen, loop = Seen(), asyncio.get_running_loop()
    free: deque[Client] = deque()

    def answered(client: Client, due: float, took: float, status: int) -> None:
        seen.answers.append((due, took, status))
        free.append(client)

    clients = [await _connected(loop, port, answered) for _ in range(connections)]
    free.extend(clients)
    started, sent = time.monotonic(), 0
    renewing: set[asyncio.Task[None]] = set()

    async def renew() -> None:
        client = await _connected(loop, port, answered)
        clients.append(client)
        free.append(client)

    while (passed := time.monotonic() - started) < seconds:
        while sent < int(passed * rate):
            due = started + sent / rate
            sent += 1
            client = free.popleft() if free else None
            if client is None:
                seen.unsent += 1
            elif client.open:
                client.send(next(requests), due)
            else:
                seen.unsent += 1
                task = asyncio.create_task(renew())
                renewing.add(task)
                task.add_done_callback(renewing.discard)
        await asyncio.sleep(TICK_SECONDS)
    await asyncio.gather(*renewing)
    await _closed(clients)
    return seen


async def _closed(clients: Sequence[Client]) -> None:
    for client in clients:
        client.close()
    await asyncio.sleep(0)  # the loop closes them in its next turn


async def _connected(
    loop: asyncio.AbstractEventLoop, port: int, answered: Callable[[Client, float, float, int], None]
) -> Client:
    _, client = await loop.create_connection(lambda: Client(answered), "127.0.0.1", port)
    return client
