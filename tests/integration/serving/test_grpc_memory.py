"""What a hundred connections without a key can make a server hold: little, whatever they send and do not read."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import numpy as np
import pytest
from integration.serving.channels import ALONE
from integration.serving.processes import Server, started
from integration.serving.test_grpc_transport import asked, infer, predicted
from support.places import free_port, wait_until
from tenfold.serving.rpc.frames import LARGEST, PREFACE, Flag, Kind, Setting, frame, settings, window_update
from tenfold.serving.rpc.headers import encode
from tenfold.serving.rpc.messages import SERVICE
from unit.serving.stage import Folders

CONNECTIONS, STREAMS, SECONDS = 100, 100, 3
MOST = 64 * 2**20
WHOLE = Flag.END_HEADERS | Flag.END_STREAM
BEGIN = PREFACE + settings({})
CLOSED = PREFACE + settings({Setting.INITIAL_WINDOW_SIZE: 0})


def head(method: str, *more: tuple[bytes, bytes]) -> bytes:
    path = f"/{SERVICE}/{method}".encode() if "/" not in method else method.encode()
    ours = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b"content-type", b"application/grpc"))
    return encode(*ours, *more)


def each_stream(made: Callable[[int], bytes]) -> bytes:
    return b"".join(made(2 * number + 1) for number in range(STREAMS))


def body(size: int) -> Callable[[int], bytes]:
    return lambda stream: b"".join(frame(Kind.DATA, 0, stream, bytes(LARGEST)) for _ in range(size // LARGEST))


def empty(headers: bytes) -> Callable[[int], bytes]:
    """A call with a message of nothing."""
    end = Flag.END_STREAM
    return lambda n: frame(Kind.HEADERS, Flag.END_HEADERS, n, headers) + frame(Kind.DATA, end, n, bytes(5))


def given_up(stream: int) -> bytes:
    return frame(Kind.HEADERS, Flag.END_HEADERS, stream, LIVE) + frame(Kind.RST_STREAM, 0, stream, bytes(4))


SMALL = tuple((b"x%d" % number, b"y") for number in range(60))
INFER, LIVE = head("ModelInfer"), head("ServerLive")
FAT = head("ServerLive", *((b"x%d" % number, b"y" * 200) for number in range(40)))
WATCH = head("/grpc.health.v1.Health/Watch")
ATTACKS: dict[str, bytes] = {
    "bodies of refused calls": BEGIN
    + each_stream(lambda stream: frame(Kind.HEADERS, Flag.END_HEADERS, stream, INFER))
    + each_stream(body(2**17)),
    "bodies of probes": BEGIN
    + each_stream(lambda stream: frame(Kind.HEADERS, Flag.END_HEADERS, stream, LIVE))
    + each_stream(body(2**17)),
    "headers of probes": BEGIN + each_stream(lambda stream: frame(Kind.HEADERS, Flag.END_HEADERS, stream, FAT)),
    "many headers": BEGIN + each_stream(lambda s: frame(Kind.HEADERS, Flag.END_HEADERS, s, head("ServerLive", *SMALL))),
    "refusals that nobody reads": BEGIN
    + b"".join(frame(Kind.HEADERS, WHOLE, 2 * number + 1, INFER) for number in range(20_000)),
    "answers to closed windows": CLOSED + each_stream(empty(LIVE)),
    "windows of a byte": CLOSED
    + each_stream(empty(LIVE))
    + b"".join(window_update(stream, 1) for stream in range(1, 2 * STREAMS, 2)),
    "watches": BEGIN + each_stream(empty(WATCH)),
    "a part of a frame": BEGIN + frame(Kind.HEADERS, 0, 1, INFER)[:-1],
    "a part of the headers": BEGIN + frame(Kind.HEADERS, 0, 1, INFER) + frame(Kind.CONTINUATION, 0, 1, bytes(15_000)),
    "pings that nobody reads": BEGIN + frame(Kind.PING, 0, 0, bytes(8)) * 9000,
    "settings": BEGIN + settings({}) * 9000,
    "streams given up": BEGIN + b"".join(map(given_up, range(1, 3000, 2))),
    "nothing": b"",
}


@pytest.fixture(scope="module")
def server(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    place, port = tmp_path_factory.mktemp("memory"), free_port()
    (place / "keys").write_text("first-key\n")
    given = {"grpc_port": port, "name": "line", "api_keys_file": place / "keys"}
    with started(place, model=folders.line, **given) as server:
        wait_until(lambda: server.answers("/v2/health/ready", 200), within=150, what="a ready server")
        yield server, port


def resident(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def flood(port: int, attack: bytes) -> list[socket.socket]:
    """All of the bytes on each of the connections, as far as the server reads them; nothing is read of its answers."""
    left: dict[socket.socket, memoryview] = {}
    for _ in range(CONNECTIONS):
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
        client.setblocking(False)
        left[client] = memoryview(attack)
    with selectors.DefaultSelector() as selector:
        for client in left:
            selector.register(client, selectors.EVENT_WRITE)
        while selector.get_map() and (ready := selector.select(0.5)):
            for key, _ in ready:
                client = key.fileobj
                assert isinstance(client, socket.socket)
                try:
                    left[client] = left[client][client.send(left[client]) :]
                except OSError:  # the server had enough
                    left[client] = memoryview(b"")
                if not left[client]:
                    selector.unregister(client)
    return [*left]


@pytest.mark.parametrize("attack", ATTACKS)
def test_connections_without_a_key_hold_little(server: tuple[Server, int], attack: str) -> None:
    process, port = server
    before = resident(process)
    with ExitStack() as clients:
        for client in flood(port, ATTACKS[attack]):
            clients.enter_context(client)
        # The server reads a part of each connection in turn, and answers in between.
        most = 0
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=ALONE) as channel:
            key = [("authorization", "Bearer first-key")]
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                asks = infer(channel)(asked("line", np.array([[4.0]])), timeout=60, metadata=key)
                assert predicted(asks) == [9.0]
                most = max(most, resident(process) - before)
    print(f"{attack}: {most / CONNECTIONS / 1024:.0f} KiB a connection")
    assert most < MOST
