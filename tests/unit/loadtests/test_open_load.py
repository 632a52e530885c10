"""The load generator of the overload measurement, against a server that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import repeat

from tenfold.loadtests.benchmark.open_load import closed, opened
from tenfold.loadtests.benchmark.overload import Measured

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@asynccontextmanager
async def serving(*answers: bytes, every: int = 1) -> AsyncGenerator[int]:
    """A port at which each request is answered with the next of the answers, over and over; only each `every`-th is."""
    count = 0
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        connections.append(asyncio.current_task())
        with suppress(ConnectionError):  # a load that is over hangs up on answers that it has not read: a reset
            while await reader.read(65536):
                count += 1
                if count % every == 0:
                    writer.write(answers[count % len(answers)])
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(task for task in connections if task))


def answer(status: int, *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 %d X" % status, b"content-length: 2", *headers, b"", b"{}"])


async def test_a_closed_loop_waits_for_its_answers() -> None:
    async with serving(answer(200), answer(503)) as port:
        seen = await closed(port, REQUEST, connections=3, seconds=0.2)
    assert abs(seen.count(200) - seen.count(503)) <= 1
    assert seen.count(200) > 10
    assert seen.latencies(200) == sorted(seen.latencies(200))


async def test_an_open_loop_sends_on_time_whatever_is_answered() -> None:
    async with serving(answer(200)) as port:
        seen = await opened(port, repeat(REQUEST), rate=200, seconds=0.5, connections=20)
    assert (90 <= seen.count(200) <= 100, seen.unsent) == (True, 0)


async def test_what_finds_no_connection_is_counted() -> None:
    async with serving(b"", every=10**9) as port:
        seen = await opened(port, repeat(REQUEST), rate=200, seconds=0.5, connections=20)
    assert seen.answers == []
    assert 70 <= seen.unsent <= 80


async def test_a_connection_that_the_server_closes_is_made_anew() -> None:
    async with serving(answer(200, b"connection: close")) as port:
        seen = await opened(port, repeat(REQUEST), rate=100, seconds=0.5, connections=5)
    assert seen.count(200) > 15
    assert seen.count(0) == 0


def test_every_bar_can_break() -> None:
    good = Measured("m", 1000, 16, 2000, 950, 1050, 0, 0, 0.005, 0.05, (100.0, 102.0), 0.1)
    assert good.broken == []
    bad = Measured("m", 1000, 16, 2000, 800, 1050, 3, 0, 0.1, 0.05, (100.0, 110.0), 2.0)
    assert [sentence.partition(" ")[0] for sentence in bad.broken] == ["goodput", "99", "memory", "it", "3"]
