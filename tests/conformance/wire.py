"""Sends a stream of bytes as they are, and writes down what comes back in the words of `corpus.stream`.

Reads HTTP by itself: a client library would repair what is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import orjson

GUARD = 30.0  # seconds, against hanging
SEGMENT_PAUSE = 0.005  # so that two segments are two reads of the server, as a rule
QUIET = 0.25  # seconds without an answer that show that a server waits
_PROBE = b"probe-of-the-connection"


class Client:
    """One connection, and all that was answered on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bodiless: Collection[int]) -> None:
        self._reader, self._writer, self._bodiless = reader, writer, bodiless
        self.answers: list[str] = []
        self.ended = self.probed = False
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def to(cls, port: int, bodiless: Collection[int] = ()) -> Client:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**22), bodiless)

    async def send(self, segments: Sequence[bytes], pause: float = SEGMENT_PAUSE) -> None:
        """Send them one after the other; a server that has refused the first may close before the last."""
        for n, segment in enumerate(segments):
            if n:
                await asyncio.sleep(pause)
            with suppress(ConnectionError):
                self._writer.write(segment)
                await self._writer.drain()

    async def until(self, answers: int) -> None:
        """Wait for so many answers, the end of the connection, or the guard's time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GUARD):
                while len(self.answers) < answers and not self.ended:
                    await self._next()

    async def until_ended(self) -> None:
        """Wait for the end of the connection, or the guard's time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GUARD):
                while not self.ended:
                    await self._next()

    async def is_open(self) -> bool:
        """Whether another request is answered."""
        await self.send([b"GET /ping HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n" % _PROBE])
        with suppress(TimeoutError):
            async with asyncio.timeout(GUARD):
                while not (self.probed or self.ended):
                    await self._next()
        return self.probed

    async def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()
        self._reading.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await self._reading
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _next(self) -> None:
        await self._news.wait()
        self._news.clear()

    async def _read(self) -> None:
        try:
            while True:
                self._take(*await self._answer())
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError) as e:
            if isinstance(e, asyncio.IncompleteReadError) and e.partial:
                self.answers.append("cut off")
        except (ValueError, KeyError, IndexError, asyncio.LimitOverrunError):
            self.answers.append("garbage")
        self.ended = True
        self._news.set()

    def _take(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        if headers.get(b"x-request-id") == _PROBE:
            self.probed = True
            return
        self.answers.append(f"{status}{_predicted(body)}" if status == 200 else str(status))

    async def _answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        whole = await self._reader.readuntil(b"\r\n\r\n")
        start, *lines = whole.removesuffix(b"\r\n\r\n").split(b"\r\n")
        version, code, _ = start.split(b" ", 2)
        if version != b"HTTP/1.1":
            raise ValueError(version)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        status = int(code)
        finals = sum(not answer.startswith("1") for answer in self.answers)
        if status < 200 or status in (204, 304) or finals in self._bodiless:
            return status, headers, b""
        if headers.get(b"transfer-encoding") == b"chunked":
            return status, headers, await self._chunks()
        if b"content-length" in headers:
            return status, headers, await self._reader.readexactly(int(headers[b"content-length"]))
        return status, headers, await self._reader.read()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
        return body


async def answered(
    port: int,
    segments: Sequence[bytes],
    expected: str,
    bodiless: Collection[int] = (),
    pause: float = SEGMENT_PAUSE,
) -> str:
    """What is answered to `segments`; `expected` only says what to wait for."""
    *codes, end = expected.split()
    client = await Client.to(port, bodiless)
    try:
        await client.send(segments, pause)
        await client.until(len(codes))
        if end == "closed":
            await client.until_ended()
        elif end == "waiting":
            await asyncio.sleep(QUIET)
        is_open = end == "open" and await client.is_open()
        found = "open" if is_open else "closed" if client.ended else "waiting"
        return " ".join([*client.answers, found])
    finally:
        await client.close()


def _predicted(body: bytes) -> str:
    try:
        document: Any = orjson.loads(body)
        return "=" + ",".join(f"{value:g}" for value in document["predictions"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return ""
