"""A client's connection: uvicorn's own, with an end to what a client can hold on to.

- A request that does not arrive whole within `receive_seconds` of its first byte, or none on a new connection at all:
  408, and the connection is closed. So slow clients cannot hold the server.
- A client that goes away frees its place: what was under way for it is cancelled.
- An answer later than `connection_seconds` after the connection was made asks the client to close it. Its next one may
  reach another replica, where a Kubernetes Service shares out connections and not requests.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
LAST = "tenfold.last"
"""Key in the ASGI scope of a request that is to be the last of its connection."""
# Connections that were made at the same moment shall not all come back at the same moment.
_SPREAD = 0.1


class Connection(HttpToolsProtocol):
    """One per connection; `limited` makes a class of it with other limits."""

    receive_seconds: float = 30
    connection_seconds: float = 300

    _arriving: asyncio.TimerHandle | None = None
    _asked: asyncio.Task[Any] | None = None
    _gone = False
    _ends = 0.0

    @classmethod
    def limited(cls, *, receive_seconds: float, connection_seconds: float) -> type[Connection]:
        """A class of connections with these limits."""
        limits = {"receive_seconds": receive_seconds, "connection_seconds": connection_seconds}
        return type(cls.__name__, (cls,), limits)

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A client is there; its first request begins now."""
        super().connection_made(transport)
        self._ends = time.monotonic() + self.connection_seconds * random.uniform(1 - _SPREAD, 1)  # noqa: S311
        self._arrives()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it whoever waits for its answer."""
        self._arrived()
        super().connection_lost(exc)
        self._gone = True
        if self._asked is not None:
            self._asked.cancel()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._arriving is None:
            self._arrives()

    def on_headers_complete(self) -> None:
        """The head of a request."""
        if time.monotonic() > self._ends:
            self.scope[LAST] = True  # pyright: ignore[reportGeneralTypeIssues]  # a scope may have more keys
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._arrived()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        async def noted(scope: Any, receive: Any, send: Any) -> None:
            self._asked = asyncio.current_task()
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not self._gone:
                    raise
            finally:
                self._asked = None

        super()._start_asgi_task(cycle, noted)

    def _arrives(self) -> None:
        self._arriving = self.loop.call_later(self.receive_seconds, self._refuse)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _refuse(self) -> None:
        self._arriving = None
        cycle: Any = self.cycle  # None before the first request
        if not self.transport.is_closing():
            if cycle is None or cycle.response_complete or not cycle.response_started:
                self.transport.write(_TOO_SLOW)
            self.transport.close()
