"""A closed-loop HTTP load generator that forgives nothing: raw sockets, keep-alive, no retries.

Each of `connections` sends its next request as soon as the last one is answered, so a connection that the server
closes without having announced it always takes a request with it, and that is counted as failed. What HTTP promises
is honoured: after `Connection: close` a new connection is opened.

    async with Load(port, post("/predict", {"rows": [...]}), connections=16) as load:
        await load.reached(5_000)
    assert load.outcome.failed == 0, load.outcome
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from .places import GUARD


def post(path: str, document: Any, *, headers: str = "") -> bytes:
    """A complete POST request with `document` as JSON; `headers` as lines that each end in CRLF."""
    body = orjson.dumps(document)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@dataclass
class Outcome:
    """What happened; `failures` counts each reason, `closes` the answers that announced `Connection: close`."""

    requests: int = 0
    failed: int = 0
    connected: int = 0
    closes: int = 0
    seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list, repr=False)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Seconds within which `share` (0 to 1) of the answered requests were answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Load:
    """Load that runs while the context is open; the outcome is complete when it has closed."""

    def __init__(
        self,
        port: int,
        request: bytes | Callable[[int], bytes],
        *,
        host: str = "127.0.0.1",
        connections: int = 16,
        per_connection: int | None = None,
        total: int | None = None,
        pause: float = 0.0,
        check: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Prepare the load.

        Args:
            request: the same bytes each time, or a function of the request's number.
            per_connection: open a new connection after so many requests; None keeps it as long as the server does.
            total: stop by itself after so many requests; None runs until the context is left.
            pause: seconds that a connection waits after an answer, where the number of requests is not what matters.
            check: looks at each body; False counts the request as failed.
        """
        self.host, self.port = host, port
        self.make = request if callable(request) else lambda _number: request
        self.connections, self.per_connection, self.total, self.check = connections, per_connection, total, check
        self.pause = pause
        self.outcome = Outcome()
        self.started = 0
        self._stopping = False
        self._progress = asyncio.Event()
        self._slots: list[asyncio.Task[None]] = []

    @property
    def over(self) -> bool:
        return self._stopping or (self.total is not None and self.started >= self.total)

    async def __aenter__(self) -> Self:
        self._since = time.perf_counter()
        self._slots = [asyncio.create_task(self._slot()) for _ in range(self.connections)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        await self._finish()

    async def reached(self, requests: int) -> None:
        """Wait until so many requests have been answered or have failed."""
        async with asyncio.timeout(GUARD):
            while self.outcome.requests < requests:
                self._progress.clear()
                await self._progress.wait()

    async def finished(self) -> Outcome:
        """Wait for the last of `total` requests."""
        await self._finish()
        return self.outcome

    async def _finish(self) -> None:
        _, hanging = await asyncio.wait(self._slots, timeout=GUARD)
        for slot in hanging:
            slot.cancel()
            self.note(f"no answer within {GUARD:g} s", 0.0)
        await asyncio.gather(*self._slots, return_exceptions=True)
        self.outcome.seconds = self.outcome.seconds or time.perf_counter() - self._since

    async def _slot(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.over:
            try:
                _, connection = await loop.create_connection(lambda: _Connection(self), self.host, self.port)
            except OSError as e:
                self.note(f"no connection: {e}", 0.0)
                await asyncio.sleep(0.01)
            else:
                self.outcome.connected += 1
                await connection.lost

    def note(self, failure: str, seconds: float) -> None:
        self.outcome.requests += 1
        if failure:
            self.outcome.failed += 1
            self.outcome.failures[failure] += 1
        else:
            self.outcome.latencies.append(seconds)
        self._progress.set()


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self.load = load
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.waiting = False
        self.answered = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[: end + 2].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 : head.index(b"\r\n", at + 17)]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
        self._answered(int(head[9:12]), body, closes=b"\r\nconnection: close\r\n" in head)

    def _answered(self, status: int, body: bytes, *, closes: bool) -> None:
        failure = "" if status == 200 else f"status {status}: {body[:200].decode(errors='replace')}"
        if not failure and self.load.check is not None and not self.load.check(body):
            failure = f"wrong answer: {body[:200].decode(errors='replace')}"
        self.waiting = False
        self.answered += 1
        self.load.outcome.closes += closes
        self.load.note(failure, time.perf_counter() - self.sent)
        if closes or self.answered == self.load.per_connection:
            self.transport.close()
        elif self.load.pause:
            asyncio.get_running_loop().call_later(self.load.pause, self._next)
        else:
            self._next()

    def _next(self) -> None:
        if self.load.over or self.transport.is_closing():
            self.transport.close()
            return
        self.waiting = True
        self.sent = time.perf_counter()
        self.transport.write(self.load.make(self.load.started))
        self.load.started += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiting:
            self.load.note(f"connection lost before the answer: {exc or 'closed by the server'}", 0.0)
        if not self.lost.done():
            self.lost.set_result(None)
