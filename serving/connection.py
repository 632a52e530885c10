"""A client's connection: uvicorn's own, with a short way for predictions and an end to what a client can hold on to.

- A prediction that comes whole goes through the `Lane`; everything else is uvicorn's to read and the app's to answer.
- A head that came before is not parsed again, if it comes with its whole body and when no other request is under way.
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
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .heads import KnownHeads

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
LAST = "tenfold.last"
"""Key in the ASGI scope of a request that is to be the last of its connection."""
# Connections that were made at the same moment shall not all come back at the same moment.
_SPREAD = 0.1


class Passage(Protocol):
    """A prediction on its way; `identity` is the request's."""

    identity: str

    def begin(self, body: bytes, then: Callable[[Response], None], /) -> None:
        """The body has arrived; `then` is told the answer, maybe within this call."""
        ...

    def drop(self) -> None:
        """The client is gone."""
        ...


class Lane(Protocol):
    """Where predictions go; `max_body_bytes` is the most that it takes."""

    max_body_bytes: int

    def find(self, url: bytes) -> Any | None:
        """What `enter` wants to know; None where the app answers."""
        ...

    def enter(self, way: Any, headers: dict[bytes, bytes]) -> Passage:
        """A request whose head has arrived."""
        ...


class _Cycle:
    """Stands where uvicorn keeps the request that is answered, and has what uvicorn asks of it there."""

    response_started = False  # an answer is written in one go
    __slots__ = ("body", "disconnected", "keep_alive", "passage", "response_complete")

    def __init__(self, passage: Passage, *, keep_alive: bool) -> None:
        self.passage, self.keep_alive = passage, keep_alive
        self.body: list[bytes] = []
        self.response_complete = self.disconnected = False

    @property
    def message_event(self) -> _Cycle:
        """Nothing waits for more of the body."""
        return self

    def set(self) -> None:
        """As `message_event`."""


class _DefaultHeaders:
    """uvicorn's headers of every answer as bytes, and whether they close the connection; they change once a second."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._written = b"", False

    def written(self, headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bool]:
        if headers is not self._headers:
            self._headers = headers
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            self._written = lines, any(name == b"connection" for name, _ in headers)
        return self._written


class Connection(HttpToolsProtocol):
    """One per connection; `limited` makes a class of it with other limits."""

    receive_seconds: float = 30
    connection_seconds: float = 300
    lane: Lane
    heads: KnownHeads
    default_headers = _DefaultHeaders()

    _arriving: asyncio.TimerHandle | None = None
    _whole = True  # no request is arriving
    _asked: asyncio.Task[Any] | None = None
    _cycle: _Cycle | None = None  # the request that is or was in the lane
    _gone = False
    cycle: Any
    _ends = 0.0
    _data = b""  # what is being read, if a request began with it
    _answered = 0.0

    @classmethod
    def limited(cls, lane: Lane, *, receive_seconds: float, connection_seconds: float) -> type[Connection]:
        """A class of connections with these limits."""
        limits = {"receive_seconds": receive_seconds, "connection_seconds": connection_seconds}
        return type(cls.__name__, (cls,), {"lane": lane, "heads": KnownHeads(), **limits})

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
        if self._cycle is not None and not self._cycle.response_complete:
            self._cycle.passage.drop()

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a request, of several, or of a part of one."""
        if self._whole and (known := self.heads.find(data)) is not None and self._idle() and not self.flow.write_paused:
            self._arrived()
            cycle = self._enter(self.lane.enter(known.way, known.headers), keep_alive=True)
            self._begin(cycle, data[len(data) - known.length :])
            return
        self._data = data if self._whole else b""
        super().data_received(data)
        self._data = b""
        if not self._whole and self._arriving is None:
            self._arrives()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._whole = False

    def on_headers_complete(self) -> None:
        """The head of a request."""
        parser: Any = self.parser  # None once the connection is lost
        way = self._way(parser)
        if way is None:
            if time.monotonic() > self._ends:
                self.scope[LAST] = True  # pyright: ignore[reportGeneralTypeIssues]  # a scope may have more keys
            super().on_headers_complete()
            return
        headers, keep_alive = dict(self.headers), parser.get_http_version() != "1.0" and parser.should_keep_alive()
        self._enter(self.lane.enter(way, headers), keep_alive=keep_alive)
        if keep_alive and self._data:
            self.heads.add(self._data, way, headers)

    def on_body(self, body: bytes) -> None:
        """A part of a request's body."""
        if self.cycle is self._cycle and self._cycle is not None:
            self._cycle.body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._whole = True
        self._arrived()
        cycle = self._cycle
        if cycle is None or self.cycle is not cycle:
            super().on_message_complete()
            return
        body = cycle.body[0] if len(cycle.body) == 1 else b"".join(cycle.body)
        cycle.body = []
        self._begin(cycle, body)

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol than HTTP is answered in HTTP, and uvicorn's advice is for nobody here."""

    def _idle(self) -> bool:
        before = self.cycle  # None before the first request
        return before is None or before.response_complete

    def _way(self, parser: Any) -> Any | None:
        """Where the request whose head has arrived goes in the lane; None if it may not take it."""
        if parser.get_method() != b"POST" or (way := self.lane.find(self.url)) is None:
            return None
        if not self._idle() or self.flow.write_paused:
            return None  # pipelined: its turn comes when the one before is answered, and uvicorn sees to that
        length = dict(self.headers).get(b"content-length", b"")
        if not length.isdigit() or int(length) > self.lane.max_body_bytes:
            return None
        return None if self.expect_100_continue or parser.should_upgrade() else way

    def _enter(self, passage: Passage, *, keep_alive: bool) -> _Cycle:
        last = time.monotonic() > self._ends
        self._cycle = self.cycle = cycle = _Cycle(passage, keep_alive=keep_alive and not last)
        return cycle

    def _begin(self, cycle: _Cycle, body: bytes) -> None:
        cycle.passage.begin(body, lambda response: self._answer(cycle, response))

    def _answer(self, cycle: _Cycle, response: Response) -> None:
        cycle.response_complete = True
        if self.transport.is_closing():
            return
        given, close = self.default_headers.written(self.server_state.default_headers)
        parts: list[bytes | memoryview] = [STATUS_LINE[response.status_code], given]
        for name, value in response.raw_headers:
            close = close or name == b"connection"
            parts += (name, b": ", value, b"\r\n")
        if not (close or cycle.keep_alive):
            parts.append(b"connection: close\r\n")
        parts += (b"x-request-id: ", cycle.passage.identity.encode(), b"\r\n\r\n", response.body)
        self.transport.write(b"".join(parts))
        if close or not cycle.keep_alive:
            self.transport.close()
        self._answered = time.monotonic()
        if self.pipeline or self.timeout_keep_alive_task is None:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        """The time that a connection is kept without a request is over, or was when the alarm was set."""
        self.timeout_keep_alive_task = None
        left = self._answered + self.timeout_keep_alive - time.monotonic()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        elif self._idle():
            super().timeout_keep_alive_handler()

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
