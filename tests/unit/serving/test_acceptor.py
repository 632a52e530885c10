"""Replicas that share a socket share its connections, and leave none behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tenfold.serving.acceptor import Acceptor


class Greeter(asyncio.Protocol):
    """Says at once who it is, and tells `said` of it."""

    def __init__(self, name: bytes, said: list[bytes]) -> None:
        self.name = name
        said.append(name)

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


def acceptor(shared: socket.socket, name: bytes, said: list[bytes] | None = None) -> Acceptor:
    return Acceptor(shared.dup(), lambda: Greeter(name, [] if said is None else said), 100)


async def greeted(shared: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*shared.getsockname())
    said = await reader.read()
    writer.close()
    return said


async def test_a_burst_is_shared(shared: socket.socket) -> None:
    said: list[bytes] = []
    acceptors = [acceptor(shared, b"one", said), acceptor(shared, b"two", said)]
    # Blocking: all of them wait when the event loop, and with it both acceptors, has its next turn.
    waiting = [socket.create_connection(shared.getsockname()) for _ in range(40)]
    for client in waiting:
        with client:
            client.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(client, 100) in (b"one", b"two")
    assert len(said) == 40
    assert set(said[:4]) == {b"one", b"two"}
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
