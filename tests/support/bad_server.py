"""A small real HTTP server that misbehaves on purpose, and both clients behind one call: for the client's tests."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tenfold import AsyncClient, Client

Do = Callable[["Handler"], None]
ANSWER = {"predictions": [1], "ids": ["id-0"], "model": {"name": "flights", "version": "3"}}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: Any
    """The client's address: another one for every connection."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BadServer

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        if self.server.early:
            self.server.early.pop(0)(self)
            return
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers, body, self.client_address))
        do = self.server.script.pop(0) if self.server.script else self.server.usual
        do(self)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gives it
        """Tests need no log."""


class BadServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []
        self.script: list[Do] = []
        self.early: list[Do] = []
        """Comes first, when only the head of a request was read."""
        self.usual: Do = says(200, ANSWER)
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is expected."""


def says(status: int, content: Any, **headers: str) -> Do:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda handler: handler.answer(status, body, {n.replace("_", "-"): v for n, v in headers.items()})


def resets(handler: Handler) -> None:
    """As a killed process: the connection is reset before an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def breaks_off(handler: Handler) -> None:
    """Half an answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    handler.close_connection = True


def dribbles(handler: Handler) -> None:
    """An answer that never ends, though it never stops."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"{")


def says_no_http(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
    handler.close_connection = True


def never_answers(handler: Handler) -> None:
    handler.server.over.wait()
    handler.close_connection = True


@dataclass
class Both:
    """One kind of client: makes it, calls it, closes it."""

    kind: str

    def __call__(self, url: str, method: str, *args: Any, options: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """The result of one call."""
        return self.several(url, [(method, args, kwargs)], **(options or {}))[0]

    def several(self, url: str, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]], **options: Any) -> list[Any]:
        """The results of calls of the same client, one after the other."""
        if self.kind == "sync":
            with Client(url, **options) as client:
                return [getattr(client, method)(*args, **kwargs) for method, args, kwargs in calls]

        async def run() -> list[Any]:
            async with AsyncClient(url, **options) as client:
                return [await getattr(client, method)(*args, **kwargs) for method, args, kwargs in calls]

        return asyncio.run(run())
