"""Sends one kind of attack: `python -m tenfold.loadtests.benchmark.attack.attacker KIND PORT SECONDS`.

It comes from another address of the loopback than the client that must not notice, with the lowest priority, so that
where both share a core it is the server that slows the client and not the attack. Prints a line when it begins, and at
the end the bytes that it sent and the connections that it made.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass

import uvloop

from .kind import Kind
from .kinds import named

ADDRESS = ("127.0.0.2", 0)
CONNECTIONS = 100
_LOWEST = 19
_AGAIN_SECONDS = 0.01


@dataclass
class Sent:
    """By all connections together."""

    bytes: int = 0
    connections: int = 0


async def attack(kind: Kind, port: int, seconds: float) -> Sent:
    """Keep `CONNECTIONS` connections, each made anew when the server closes it."""
    sent = Sent()
    tasks = [asyncio.create_task(_keep(kind, port, number, sent)) for number in range(CONNECTIONS)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sent


async def _keep(kind: Kind, port: int, number: int, sent: Sent) -> None:
    while True:
        with suppress(OSError):
            await _connection(kind, port, number, sent)
        await asyncio.sleep(_AGAIN_SECONDS)


async def _connection(kind: Kind, port: int, number: int, sent: Sent) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=ADDRESS)
    sent.connections += 1
    reading = asyncio.create_task(_read(reader) if kind.reads else asyncio.sleep(3600))
    sending = asyncio.create_task(_send(kind, number, writer, sent))
    try:
        # What the server closed is over, though not all was sent; what was all sent waits for the server to close it.
        await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await sending
            await reading
    finally:
        reading.cancel()
        sending.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


async def _send(kind: Kind, number: int, writer: asyncio.StreamWriter, sent: Sent) -> None:
    for chunk in kind.chunks(number):
        writer.write(chunk)
        sent.bytes += len(chunk)
        await writer.drain()
        # Also without a pause the other connections have their turn.
        await asyncio.sleep(kind.pause)


def main(name: str, port: str, seconds: str) -> None:
    """Attack."""
    os.nice(_LOWEST)
    kind = named(name)
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    sent = uvloop.run(attack(kind, int(port), float(seconds)))
    sys.stdout.write(f"{sent.bytes} {sent.connections}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
