"""A client's connection: HTTP/1.1, with a fast path for predictions.

- A prediction that comes whole is answered by an `HttpExchange` at once; everything else is `Http1`'s to read and the
  app's to answer, by an exchange as well.
- A head that came before is not parsed again, if it comes with its whole body and when no other request is answered.
- The bodies of all requests have at most `max_held_bytes`. What a refused request sends is thrown away as it comes.
- A client that goes away frees its place: what was under way for it is cancelled.
- An answer later than `connection_seconds` after the connection was made asks the client to close it. Its next one may
  reach another replica, where a Kubernetes Service shares out connections and not requests.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from fastapi import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from .context import Context
from .errors import NoRoom, ServingError
from .exchange import HttpExchange
from .heads import KnownHead, KnownHeads
from .http1 import REQUEST, Http1
from .request import RequestHead
from .timeouts import LOOK_SECONDS


class _Cycle:
    """Stands where uvicorn keeps the request that is answered, and has what uvicorn asks of it there."""

    response_started = False  # an answer is written in one go
    __slots__ = ("body", "disconnected", "exchange", "held", "keep_alive", "response_complete")

    def __init__(self, exchange: HttpExchange, *, keep_alive: bool) -> None:
        self.exchange, self.keep_alive = exchange, keep_alive
        self.body: bytes | bytearray = b""
        self.held = 0
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


class Connection(Http1):
    """One per connection; `of` makes a class of it for a server."""

    heads: KnownHeads
    default_headers = _DefaultHeaders()

    _cycle: _Cycle | None = None  # the request that is or was on the fast path
    _data = b""  # what is being read, if a request began with it
    _answered = 0.0
    _looked = False  # once, and the time that it is kept was over

    @classmethod
    def of(cls, context: Context, probe_port: int | None) -> type[Connection]:
        """A class of connections of this server."""
        shared = {"context": context, "heads": KnownHeads(), "probe_port": probe_port}
        return type(cls.__name__, (cls,), shared)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it whoever waits for its answer."""
        super().connection_lost(exc)
        if self._cycle is not None and not self._cycle.response_complete:
            self._release(self._cycle)
            self._cycle.exchange.drop()

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a request, of several, or of a part of one."""
        if (
            self.turn.authenticated
            and self._whole
            and not self._unread
            and (known := self.heads.find(data)) is not None
            and self._idle()
            and not self.flow.write_paused
            and not self._over
        ):
            self._receiving.stop(REQUEST)
            cycle = self._begin(known, keep_alive=True)
            if cycle.exchange.error is not None:
                self._refuse(cycle, cycle.exchange.error)
                return
            self._take(cycle, data[len(data) - known.length :])
            self._end(cycle)
            return
        self._data = data if self._whole and not self._unread else b""
        super().data_received(data)
        self._data = b""

    def on_head(self) -> None:
        """The head of a request."""
        parser: Any = self.parser
        known = self._fast(parser)
        if known is None:
            super().on_head()
            return
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
        cycle = self._begin(known, keep_alive=keep_alive)
        if keep_alive and self._data:
            self.heads.add(self._data, known, len(self.headers) + 1)
        if cycle.exchange.error is not None:
            self._refuse(cycle, cycle.exchange.error)

    def on_body(self, body: bytes) -> None:
        """A part of a request's body."""
        cycle = self._cycle
        if cycle is not None and self.cycle is cycle and not cycle.response_complete:
            self._unframed = 0
            self._body_left -= len(body)
            self._take(cycle, body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        cycle = self._cycle
        if self._head_done and cycle is not None and self.cycle is cycle and not cycle.response_complete:
            self._whole = True
            self._receiving.stop(REQUEST)
            self._end(cycle)
        else:
            super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """The time that a connection is kept without a request is over, or was when the alarm was set."""
        self.timeout_keep_alive_task = None
        left = self._answered + self.timeout_keep_alive - time.monotonic()
        looked, self._looked = self._looked, left <= 0
        if left > 0 or not looked:
            self.timeout_keep_alive_task = self.loop.call_later(
                max(left, LOOK_SECONDS), self.timeout_keep_alive_handler
            )
        elif self._idle():
            super().timeout_keep_alive_handler()

    def _fast(self, parser: Any) -> KnownHead | None:
        """What the request asks for whose head has arrived; None if the app is to answer it."""
        if parser.get_method() != b"POST" or b"%" in self.url or b"?" in self.url or not self.url.isascii():
            return None
        if not self._idle() or self.flow.write_paused:
            return None  # pipelined: its turn comes when the one before is answered, and uvicorn sees to that
        match = self.context.table.match("POST", path := self.url.decode())
        if match.route is None or match.route.reader is None or self.expect_100_continue:
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or b"content-encoding" in headers or b"transfer-encoding" in headers:
            return None
        if int(length) > self.context.settings.max_body_bytes:
            return None
        return KnownHead(match, path, RequestHead(headers, match.parameters), int(length))

    def _begin(self, known: KnownHead, *, keep_alive: bool) -> _Cycle:
        exchange = HttpExchange(self.context, "POST", known.path, known.match, known.head)
        self.turn.authenticate(exchange.authenticated)
        self._cycle = self.cycle = cycle = _Cycle(exchange, keep_alive=keep_alive and not self.is_last)
        return cycle

    def _take(self, cycle: _Cycle, body: bytes) -> None:
        """A part of the body, unless there is no room for it."""
        held = self.context.held
        if not held.take(len(body)):
            self._release(cycle)
            cycle.body = b""
            cycle.exchange.error = NoRoom(held.limit)
            self._refuse(cycle, cycle.exchange.error)
            return
        cycle.held += len(body)
        if not cycle.body:
            cycle.body = body
        elif isinstance(cycle.body, bytes):
            cycle.body = bytearray(cycle.body) + body
        else:
            cycle.body += body

    def _release(self, cycle: _Cycle) -> None:
        self.context.held.give(cycle.held)
        cycle.held = 0

    def _refuse(self, cycle: _Cycle, error: ServingError) -> None:
        """Answer now, whatever is still to come of the body."""
        self._answer(cycle, cycle.exchange.refuse(error))

    def _end(self, cycle: _Cycle) -> None:
        """The body is whole."""
        exchange, body = cycle.exchange, bytes(cycle.body)
        cycle.body = b""
        reader = exchange.route.reader
        assert reader is not None
        exchange.predict(reader, body, partial(self._answer, cycle))

    def _answer(self, cycle: _Cycle, response: Response) -> None:
        self._release(cycle)
        cycle.response_complete = True
        if self.transport.is_closing() or self._ended:
            return
        given, close = self.default_headers.written(self.server_state.default_headers)
        more = b"".join([b"%b: %b\r\n" % header for header in (*response.raw_headers, *cycle.exchange.headers())])
        if not (close or cycle.keep_alive):
            more += b"connection: close\r\n"
        self.transport.write(b"%b%b%b\r\n%b" % (STATUS_LINE[response.status_code], given, more, response.body))
        if close or not cycle.keep_alive:
            self._close()
        self._answered = time.monotonic()
        goes_on = self.pipeline or self._last_words is not None or self.timeout_keep_alive_task is None
        if goes_on and not self._ended:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
