"""A server whose waiting room is full refuses what comes before it looks at it, in the shape of each protocol."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from integration.serving.threads import running
from support.places import wait_until
from unit.serving.stage import Folders

KEY = "of-the-shop"
ROW = {f"c{n}": 0.5 for n in range(8)}
SENTENCE = "Too many rows wait for the model: 1, and 1 may. Try again in a second, or run more replicas"


def post(path: str, body: bytes, *, key: str = KEY) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def shed(port: int) -> float:
    """Requests that were refused for want of room."""
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    counted = (line for line in lines if line.startswith('tenfold_shed_total{reason="queue"}'))
    return float(next(counted, "0").rpartition(" ")[2])


def rows(count: int) -> bytes:
    return orjson.dumps({"rows": [ROW] * count})


def answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    head, _, body = said.partition(b"\r\n\r\n")
    start, *lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(start.split(" ")[1]), headers, orjson.loads(body)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/predict", {"error": SENTENCE}),
        ("/v2/models/slow/infer", {"error": SENTENCE}),
        ("/invocations", {"error_code": "TEMPORARILY_UNAVAILABLE", "message": SENTENCE}),
    ],
)
def test_what_finds_no_room_is_refused_unread(
    folders: Folders, tmp_path: Path, path: str, expected: dict[str, str]
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    with running(folders.slow, max_waiting_rows=1, api_keys_file=keys) as (server, port):
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        asked, waits, refused = connections
        with closing(asked), closing(waits), closing(refused):
            asked.sendall(post("/predict", rows(400)))
            batcher: Any = server.core._batcher
            wait_until(lambda: batcher._running, what="the model to be asked")
            waits.sendall(post("/predict", rows(1)))
            wait_until(lambda: server.core.full, what="a full waiting room")
            refused.sendall(post(path, b"no JSON at all", key="guessed"))
            assert answer(refused)[0] == 401
            assert shed(port) == 0, "who has no key is not refused for want of room"
            refused.sendall(post(path, b"no JSON at all"))
            status, headers, said = answer(refused)
            assert (status, headers["retry-after"], headers["x-request-id"], said) == (503, "1", "mine", expected)
            assert shed(port) == 1
            assert server.core.full, "it was refused while others waited"
            assert [answer(each)[0] for each in (asked, waits)] == [200, 200]
            refused.sendall(post("/predict", rows(1)))
            assert answer(refused)[0] == 200
