"""Plain uvicorn with h11 and a small app that has the routes of a model server, to ask it the same as tenfold.

Its answers differ from tenfold's only where the two read HTTP differently: the app knows the same paths, reads the
whole body and predicts 2 * x + 1 as the model of the tests does.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn
from support.places import wait_until

PROBES = {"/", "/ping", "/health", "/version", "/metrics", "/v2", "/v2/health/live", "/v2/health/ready", "/docs"}


class App:
    """An ASGI application; `predicted` counts what it predicted."""

    def __init__(self) -> None:
        self.predicted = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        status, content = self._answer(scope["method"], scope["path"], body)
        headers = [(b"content-length", b"%d" % len(content))] if status != 204 else []
        headers += [(name, value) for name, value in scope["headers"] if name == b"x-request-id"]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method == "OPTIONS" and path in (*PROBES, "/predict", "*"):
            return 204, b""
        if path in PROBES:
            return (200, b"{}") if method in ("GET", "HEAD") else (405, b"{}")
        if path != "/predict":
            return 404, b"{}"
        if method != "POST":
            return 405, b"{}"
        try:
            predictions = [2 * x + 1 for (x,) in orjson.loads(body)["rows"]]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return 400, b"{}"
        self.predicted += 1
        return 200, orjson.dumps({"predictions": predictions})


@contextmanager
def running() -> Generator[tuple[App, int]]:
    """The app and the port that it is served on."""
    app = App()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started, what="uvicorn with h11")
            yield app, listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(30)
