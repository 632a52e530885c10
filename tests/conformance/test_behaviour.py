"""Clients that behave badly in time and not in bytes: they do not read, stop in the middle, or go away."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Generator

import httpx
import pytest
from conformance import wire
from conformance.conftest import Tenfold
from conformance.corpus.stream import body, get, post
from integration.serving.threads import served
from unit.serving.stage import Folders

GUARD = 60.0


def connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(GUARD)
    return connection


def until_closed(connection: socket.socket) -> bytes:
    whole = b""
    while part := connection.recv(65536):
        whole += part
    return whole


def test_a_client_that_does_not_read_is_cut_off(folders: Folders) -> None:
    with served(folders.line, write_seconds=1) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        poller, ended = select.poll(), False
        poller.register(client, select.POLLOUT)
        # It asks for as long as the server reads; then it only waits for the end, and reads nothing.
        while not ended and poller.poll(GUARD * 1000):
            try:
                client.send(get("/openapi.json") * 20)
            except BlockingIOError:
                poller.modify(client, 0)
            except ConnectionError:
                ended = True
        assert ended
        assert answers_others(port)


@pytest.mark.parametrize("sent", [post()[:20], post()[:-5], get() + post()[:-5], post() * 3], ids=str)
def test_a_client_that_resets_its_connection_hurts_nobody(tenfold: Tenfold, sent: bytes) -> None:
    with connected(tenfold.port) as client:
        client.sendall(sent)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert answers_others(tenfold.port)


@pytest.fixture
def slow(folders: Folders) -> Generator[int]:
    with served(folders.slow, receive_seconds=0.2) as port:
        yield port


def test_what_the_server_itself_does_not_read_is_not_late(slow: int) -> None:
    rows = json.dumps({"rows": [[0.5] * 8] * 100}).encode()
    with connected(slow) as client:
        client.sendall(post(content=rows) * 2 + get("/ping", "Connection: close"))
        answers = until_closed(client)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert b"HTTP/1.1 408" not in answers


async def test_many_predictions_in_one_segment_are_all_answered(tenfold: Tenfold) -> None:
    expected = " ".join(f"200={2 * n + 1}" for n in range(300)) + " open"
    assert (
        await wire.answered(tenfold.port, [b"".join(post(content=body(n)) for n in range(300))], expected) == expected
    )


def test_head_answers_as_get_does_without_the_body(tenfold: Tenfold) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{tenfold.port}", trust_env=False) as http:
        operations = http.get("/openapi.json").json()["paths"].items()
        paths = [path for path, methods in operations if "get" in methods and "{" not in path]
        assert len(paths) >= 8
        for path in paths:
            asked, told = http.get(path), http.head(path)
            assert (told.status_code, told.content) == (asked.status_code, b"")
            assert told.headers["content-type"] == asked.headers["content-type"]
            assert "content-length" in told.headers


def answers_others(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/ping", trust_env=False).status_code == 200
