"""HTTP/1.1 on one connection: uvicorn's, with an end to what a client can hold on to. `Connection` adds the fast path.

- A head has at most `max_head_bytes`, and so have trailers and what stands before a chunk.
- Whoever asks for another protocol than HTTP/1.1 (`Upgrade`) is answered in it, with its body.
- A request has to arrive within `receive_seconds` of its first byte, else it gets 408; a connection on which nothing
  comes for so long is closed. What the server itself does not read does not count.
- A client that takes nothing of its answers for `write_seconds` is cut off. What it leaves with the server is part of
  `max_held_bytes`; where these have no room for it, it is cut off at once.
- What cannot be read is answered once all requests before it are, and the connection is closed.
- An answer that comes before the end of its request's chunks closes the connection.
- There are at most `max_connections`, but for those that probe.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from typing import Any

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .admission import client_of, lifetime
from .context import Context
from .flow import Flow
from .framing import Unreadable, body_length, check_head, target_of, too_large, without_upgrade
from .linger import Linger
from .middleware import AUTHENTICATE, LAST
from .refusals import last_words
from .routes import OTHER
from .timeouts import Timeouts
from .turns import APP_SECONDS, Turn
from .untaken import Untaken

# Bytes that are parsed at a time outside of a body: the requests in them are made before the first is answered.
_STEP = 1024
# Of those who are not authenticated: a turn is to be as short for them as it can be.
_SHORT_STEP = 64
REQUEST = 0  # what `Timeouts` waits for: there is one at a time
_INVALID = 400, "The request is not valid HTTP/1.1. Send it by a library that speaks it"


class Http1(HttpToolsProtocol):
    """One per connection.

    Attributes:
        context: of the server.
        probe_port: connections to it are not bounded in number.
        turn: when it may parse.
    """

    context: Context
    probe_port: int | None = None
    turn: Turn

    _silent = True  # nothing has come yet
    _whole = True  # no request is arriving
    _head_done = False  # the head of the request that arrives, or arrived last, is there
    _head_bytes = 0  # of it so far
    _body_left = 0  # of its body, where its length is known
    _unread: bytes | memoryview = b""  # what is not parsed yet
    _unframed = 0  # bytes since a head began, or a body went on: they belong to a head, a trailer, or a chunk's size
    _over = False  # nothing is read any more
    _ended = False  # nothing is written any more
    _stops = False  # the server does, once the request is whole
    _last_words: bytes | None = None  # for when all requests before are answered
    _task: asyncio.Task[Any] | None = None
    _gone = _counted = False
    cycle: Any
    scope: Any
    flow: Any  # a `Flow`, once the connection is made
    url: bytes
    _ends = 0.0
    _receiving: Timeouts
    _untaken: Untaken
    _linger: Linger

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A client is there; its first byte has as much time as a request."""
        super().connection_made(transport)
        self.flow = Flow(transport, self)
        self._untaken = Untaken(transport, self.context.held, self.context.settings.write_seconds)
        weak = weakref.proxy(self)
        self.turn = Turn(
            self.context.turns,
            transport,
            self._address,
            lambda: weak.parse_unread(),
            lambda: weak.has_unread,
            exempt=self.is_probe or self.context.keys is None,
        )
        turn = self.turn
        self._linger = Linger(transport, turn)
        self._receiving = Timeouts(
            self.context.settings.receive_seconds, lambda _: weak.receive_timeout(), lambda: turn.waited
        )
        self._ends = time.monotonic() + lifetime(self.context.settings.connection_seconds)
        if not self.is_probe:
            self._counted = self.context.admission.admit(self._address)
            if not self._counted:
                self._fail(503, "The server has too many connections. Try again in a second, or run more replicas")
                return
        self._receiving.start(REQUEST)
        if not self.turn.is_now:
            self.turn.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it whoever waits for its answer."""
        self._receiving.close()
        super().connection_lost(exc)
        self.turn.leave()
        self._untaken.forget()
        self._linger.end()
        # What leads back to it would keep it, and what the client has sent, until the collector comes.
        self._unread, self.url, self.headers, self.scope, self.cycle = b"", b"", [], None, None
        self.pipeline.clear()
        self._gone = True
        if self._counted:
            self.context.admission.release(self._address)
        if self._task is not None:
            self._task.cancel()

    @property
    def is_probe(self) -> bool:
        """Whether it was made to the socket for probes."""
        return self.probe_port is not None and self.server is not None and self.server[1] == self.probe_port

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a request, of several, or of a part of one."""
        self.turn.insist()
        if self._over:
            self._linger.heard()
            self.turn.wait()
            return
        if self._silent:
            self._silent = False
            self._receiving.stop(REQUEST)
        self._unset_keepalive_if_required()
        self._unread = b"".join((self._unread, data)) if self._unread else data
        self.parse_unread()

    def parse_unread(self) -> None:
        """Parse what was read, until the requests or the body in it are enough for now, or the turn is over."""
        if self.turn.is_now:
            self.turn.begin_slice()
            self._parse_unread()
            self.turn.end_slice()
        if self.has_unread and not self.flow.read_paused:
            self.turn.wait()

    def _parse_unread(self) -> None:
        data, self._unread = memoryview(self._unread), b""
        try:
            while data and not self.flow.read_paused and not self._over:
                step = _STEP if self.turn.authenticated else _SHORT_STEP
                if self._head_done and self._body_left > 0:
                    step = self._body_left
                self._parse(data[:step])
                data = data[step:]
                if self.turn.is_over:
                    break
        except Unreadable as e:
            self._fail(e.status, str(e))
        except HttpParserCallbackError as e:
            self._fail(*_reason(e))
        except HttpParserError:
            self._fail(*_INVALID)
        if self._over:
            return
        self._unread = data
        # Empty lines before a request are none of it, and end the time that a connection is kept without one.
        if not self._whole or (self._idle() and self.timeout_keep_alive_task is None):
            self._receiving.start(REQUEST)
        if not self._whole and self._unwanted:
            self.turn.wait()

    @property
    def has_unread(self) -> bool:
        """Whether there is something to parse before more is read."""
        return bool(self._unread) and not self._over

    @property
    def _unwanted(self) -> bool:
        """Whether what arrives belongs to a request that is answered already."""
        return self._head_done and self._idle()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._receiving.stop(REQUEST)
        self._whole = self._head_done = False
        self._head_bytes = self._unframed = self._body_left = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or after the body a trailer, which nobody here asks for."""
        self._count_head(len(name) + len(value) + 4)
        if not self._head_done:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request."""
        parser: Any = self.parser  # None once the connection is lost
        if parser.should_upgrade():
            return  # the parser stops here, and another one begins without the upgrade
        self._head_done, self._head_bytes = True, 0
        version = parser.get_http_version()
        check_head(version, self.headers)
        self._body_left = body_length(self.headers)
        if version == "1.0":
            self.expect_100_continue = False
        self.url = target_of(self.url)
        self.on_head()

    def on_head(self) -> None:
        """The head of a request, which asks for no upgrade."""
        if self.is_last:
            self.scope[LAST] = True  # pyright: ignore[reportGeneralTypeIssues]  # a scope may have more keys
        self.scope[AUTHENTICATE] = self.turn.authenticate  # pyright: ignore[reportGeneralTypeIssues]
        if not self.turn.authenticated:
            self.context.turns.spend(APP_SECONDS)
        super().on_headers_complete()

    @property
    def is_last(self) -> bool:
        """Whether the connection has lived for as long as it may."""
        return time.monotonic() > self._ends

    def on_chunk_header(self) -> None:
        """The size of a chunk."""
        self._unframed = 0

    def on_body(self, body: bytes) -> None:
        """A part of a request's body."""
        self._unframed = 0
        self._body_left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        if not self._head_done:
            return  # the parser stops at an upgrade, whose request goes on
        self._whole = True
        self._unframed = 0
        self._receiving.stop(REQUEST)
        if self._stops:
            self.transport.close()
            return
        super().on_message_complete()

    def shutdown(self) -> None:
        """The server stops. Who still sends a body that is refused already has not seen that, and would see a reset."""
        if self._unwanted and not self._whole:
            self._stops = True
        elif self._ended:
            self._linger.hurry()
        elif self._last_words is None:  # else the connection ends by itself
            super().shutdown()

    def on_response_complete(self) -> None:
        """A request is answered; the next one's turn comes."""
        if self._last_words is not None and not self.pipeline and not self.transport.is_closing():
            self.server_state.total_requests += 1
            self._close_with(self._last_words)
        else:
            super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not take its answers. The transport says so while the bytes that are too many are written."""
        super().pause_writing()
        self._untaken.count()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._untaken.count()

    def check_writing(self, now: float) -> None:
        """See `Untaken.check`."""
        self._untaken.check(now)

    def receive_timeout(self) -> None:
        """A request, or the first byte of a connection, did not come in time."""
        if self.transport.is_closing():
            return
        answers = not self._whole and not self._head_done and not self._idle()
        if self.flow.read_paused or answers:  # the server itself reads nothing, or answers what came before
            self._receiving.start(REQUEST)
        elif self._silent:
            self.transport.close()
        elif self._unwanted:  # it was answered before it was whole
            self._close_with(b"")
        else:
            seconds = self.context.settings.receive_seconds
            self._fail(408, f"The request did not arrive within {seconds:g} s. Send it in less time")

    @property
    def _address(self) -> str:
        return client_of(self.client[0]) if self.client else ""

    def _parse(self, data: memoryview | bytes) -> None:
        while True:
            self._unframed += len(data)
            try:
                self.parser.feed_data(data)
                break
            except HttpParserUpgrade as e:
                before: Any = self.parser
                head = without_upgrade(before.get_method(), self.url, before.get_http_version(), self.headers)
                self.parser = type(before)(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
                data = head + bytes(data[e.args[0] :])
        if self._unframed > (most := self.context.settings.max_head_bytes) and not (self._whole and self._head_done):
            raise too_large(most)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > (most := self.context.settings.max_head_bytes):
            raise too_large(most)

    def _idle(self) -> bool:
        before = self.cycle  # None before the first request
        return before is None or before.response_complete

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        async def noted(scope: Any, receive: Any, send: Any) -> None:
            async def respond(message: Any) -> None:
                ends = message["type"] == "http.response.start" and cycle.more_body and self._ends_with(message)
                await send(message)
                if ends:
                    self._last_words = b""
                    cycle.keep_alive = True  # uvicorn would not linger

            if self._gone:  # before this task had its turn; uvicorn marks the last request of a pipeline alone
                cycle.disconnected = True
                return
            self._task = asyncio.current_task()
            try:
                await app(scope, receive, respond)
            except asyncio.CancelledError:
                if not self._gone:
                    raise
                cycle.disconnected = True
            finally:
                self._task = None
                cycle.body = bytearray()  # of a refused request it is there, for as long as the connection is

        super()._start_asgi_task(cycle, noted)

    def _ends_with(self, message: Any) -> bool:
        """Whether the connection ends with an answer that begins before its request is whole; the answer says so then.

        What is still to come is thrown away where its length is known. The end of chunks would take long to find.
        """
        headers = (*self.server_state.default_headers, *message["headers"])
        closes = not self.cycle.keep_alive or any(name == b"connection" for name, _ in headers)
        if not closes and self._body_left <= 0:
            message["headers"].append((b"connection", b"close"))
            closes = True
        return closes

    def _fail(self, status: int, sentence: str) -> None:
        """Tell the client that its request cannot be read, after the answers to those before it, and close."""
        self._over = True
        self._receiving.stop(REQUEST)
        words, cycle = last_words(status, sentence), self.cycle
        self.context.answered(OTHER.name, status, 0)
        if self._idle():
            self._close_with(words)
        elif not self._head_done:
            self._last_words = words
        elif self.pipeline and self.pipeline[0][0] is cycle:  # it waits for its turn
            self.pipeline.popleft()
            self._last_words = words
        else:
            self._close_with(b"" if cycle.response_started else words)

    def _close(self) -> None:
        """The last is written; where the client still sends, it is read to its end."""
        if self._whole:
            self.transport.close()
        else:
            self._close_with(b"")

    def _close_with(self, words: bytes) -> None:
        """The last that is written."""
        self._over = self._ended = True
        self._receiving.stop(REQUEST)
        if self.transport.is_closing():
            return
        if not self._idle():  # its answer has no way to the client any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(words)
        self.transport.write_eof()
        self.flow.resume_reading()
        self._linger.begin(counted=self._counted or self.is_probe)


def _reason(error: HttpParserCallbackError) -> tuple[int, str]:
    """What a callback has raised. In a variable of the frame that parses it would keep that frame, and all it reads."""
    found = error.__context__
    return (found.status, str(found)) if isinstance(found, Unreadable) else _INVALID
