"""Replicas that share a socket share its connections, and leave none behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tenfold.serving.acceptor import Acceptor


class Greeter(asyncio.Protocol):
    """Says at once who it is."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self.name)
        transport.close()


@pytest.fixture
def shared() -> Iterator[socket.socket]:
    """Bound, and inherited by each acceptor as a duplicate, as by a process."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def acceptor(shared: socket.socket, name: bytes) -> Acceptor:
    return Acceptor(shared.dup(), lambda: Greeter(name), 100)


async def greeted(shared: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*shared.getsockname())
    said = await reader.read()
    writer.close()
    return said


async def test_a_burst_is_shared(shared: socket.socket) -> None:
    acceptors = [acceptor(shared, b"one"), acceptor(shared, b"two")]
    said = await asyncio.gather(*(greeted(shared) for _ in range(40)))
    assert said.count(b"one") + said.count(b"two") == 40
    assert min(said.count(b"one"), said.count(b"two")) >= 10
    for one in acceptors:
        await one.close()


async def test_who_waits_when_the_last_one_closes_is_taken(shared: socket.socket) -> None:
    last = acceptor(shared, b"last")
    # Blocking: the event loop, and with it the acceptor, has no turn until the socket is being closed.
    waiting = [socket.create_connection(shared.getsockname()) for _ in range(20)]
    shared.close()
    await last.close()
    for client in waiting:
        with client:
            client.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(client, 100) == b"last"


async def test_a_closed_one_accepts_no_more(shared: socket.socket) -> None:
    gone, stays = acceptor(shared, b"gone"), acceptor(shared, b"stays")
    await gone.close()
    assert await asyncio.gather(*(greeted(shared) for _ in range(5))) == [b"stays"] * 5
    await stays.close()
    address = shared.getsockname()
    shared.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
