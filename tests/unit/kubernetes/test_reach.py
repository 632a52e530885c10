"""Bytes through a forwarded port, in the frames that a kubelet speaks, over real sockets."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from support.places import GUARD
from tenfold.platform.kubernetes.reach import pump
from websocket import WebSocket, create_connection

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PORT = struct.pack("<H", 80)
SILENCE = b"silence"


class Kubelet:
    """The other end of a port forwarding: says the port on both channels, answers in capitals, but for `SILENCE`."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.listener.getsockname()[1]}/portforward?ports=80"

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            key = next(
                line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
            )
            accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())  # noqa: S324 - as RFC 6455 has it
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            for channel in (b"\0", b"\1"):
                self.send(connection, channel + PORT)
            while (frame := self.receive(connection)) is not None:
                if frame[1:] == SILENCE:
                    continue
                self.send(connection, b"\0" + frame[1:].upper())

    @staticmethod
    def send(connection: socket.socket, content: bytes) -> None:
        length = len(content)
        head = bytes([0x82, length]) if length < 126 else bytes([0x82, 126]) + struct.pack(">H", length)
        connection.sendall(head + content)

    @classmethod
    def receive(cls, connection: socket.socket) -> bytes | None:
        head = cls.exactly(connection, 2)
        if len(head) < 2 or head[0] & 0x0F == 8:
            return None
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", cls.exactly(connection, 2))
        mask = cls.exactly(connection, 4)
        return bytes(b ^ mask[n % 4] for n, b in enumerate(cls.exactly(connection, length)))

    @staticmethod
    def exactly(connection: socket.socket, count: int) -> bytes:
        content = b""
        while len(content) < count and (more := connection.recv(count - len(content))):
            content += more
        return content


@pytest.fixture
def kubelet() -> Iterator[Kubelet]:
    server = Kubelet()
    yield server
    server.listener.close()
    server.thread.join(GUARD)
    assert not server.thread.is_alive()


def test_bytes_go_both_ways_and_the_end_is_passed_on(kubelet: Kubelet) -> None:
    ours, theirs = socket.socketpair()
    tunnel: Any = create_connection(kubelet.url)
    assert isinstance(tunnel, WebSocket)

    def carry() -> None:
        with theirs, closing(tunnel):
            pump(theirs, tunnel, lambda: True)

    carrying = threading.Thread(target=carry)
    carrying.start()
    with ours:
        ours.settimeout(GUARD)
        for sent in (b"hello", b"x" * 30_000):
            ours.sendall(sent)
            assert Kubelet.exactly(ours, len(sent)) == sent.upper()
    carrying.join(GUARD)
    assert not carrying.is_alive()


def test_a_pod_that_is_silent_and_cannot_be_reached_ends_the_connection(
    kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.platform.kubernetes.reach.SILENT_SECONDS", 0.1)
    ours, theirs = socket.socketpair()
    tunnel: Any = create_connection(kubelet.url)
    reachable = iter([True, True, False])
    with ours, theirs, closing(tunnel):
        ours.sendall(SILENCE)
        pump(theirs, tunnel, lambda: next(reachable))
    assert list(reachable) == []
