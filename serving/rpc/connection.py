"""HTTP/2 on one connection (RFC 9113), as much of it as calls of gRPC need.

    bytes -> frames -> `Streams`, which answer them; the few frames that are about the connection itself stay here

- Nothing here waits: a call is handed over as it comes, and answers whenever it likes.
- A client that goes away, or gives up a call, frees the call's place.
- What a client can hold on to is bounded in bytes and time, and so is how often it can send frames without a purpose.
  Nothing is read from a client that does not take what is written.
- `go_away` loses no call: the client gets a GOAWAY, what it had begun until it read that is answered, and the
  connection ends. That is also how it ends after `connection_seconds`; only streams of messages then go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar, cast

from ..admission import client_of, lifetime
from ..context import Context
from ..linger import Linger
from ..timeouts import Timeouts
from ..turns import Turn
from ..untaken import LEAST_TAKEN
from . import frames
from .errors import Code, ConnectionBroken, StreamBroken
from .flood_guard import FloodGuard
from .frames import LARGEST, LARGEST_WINDOW, PREFACE, Flag, Kind
from .header_blocks import HeaderBlocks
from .stream import Open
from .streams import Streams

# For what a client sent before it read our GOAWAY.
_NOTICE_SECONDS = 1.0
_NOTICE = b"going..."
# What is waited for: the first settings, the rest of a frame, a client that takes what is written.
_FIRST, _FRAME, _WRITING = range(2**33, 2**33 + 3)

_logger = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One per connection.

    Args:
        open_call: begins a call.
        context: of the server.
        on_made, on_lost: called when the connection is there, and when it is over.
    """

    def __init__(
        self,
        open_call: Open,
        context: Context,
        on_made: Callable[[Connection], None],
        on_lost: Callable[[Connection], None],
    ) -> None:
        self._settings = settings = context.settings
        self._context, self._on_made, self._on_lost = context, on_made, on_lost
        self._guard = FloodGuard()
        self._receiving = Timeouts(settings.receive_seconds, self._receive_timeout, lambda: self._turn.waited)
        self._writing = Timeouts(settings.write_seconds, self._write_timeout)
        self._streams = Streams(
            *(open_call, settings, context.held, self._write, self._guard, self._receiving, self._writing),
            *(self._on_empty, self._authenticate),
        )
        self._blocks = HeaderBlocks(self._streams.largest_list, self._guard, self._receiving, self._streams.headers)
        self._rest = b""  # the first bytes of a frame, and what is to be read later
        self._prefaced = self._greeted = self._noticed = self._stopping = self._over = False
        self._paused = False  # the client does not take what is written
        self._unwritten = 0  # bytes of it, when `_writing` began to wait
        self._timers: list[asyncio.TimerHandle] = []
        self._admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._on_made(self)
        address = client_of(str((transport.get_extra_info("peername") or ("",))[0]))
        self._turn = Turn(
            self._context.turns,
            self._transport,
            address,
            lambda: self.data_received(b""),
            lambda: bool(self._rest),
            exempt=self._context.keys is None,
        )
        self._linger = Linger(self._transport, self._turn)
        self._admitted = self._context.admission.admit(address)
        if not self._admitted:
            self._break(Code.ENHANCE_YOUR_CALM, "too many connections; close one, or try again later")
            return
        if not self._turn.is_now:
            self._turn.wait()
        self._write(self._streams.greeting())
        self._receiving.start(_FIRST)
        self._after(lifetime(self._settings.connection_seconds), self.go_away)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it whoever waits for its responses."""
        self._end()
        self._writing.close()
        self._linger.end()
        for timer in self._timers:
            timer.cancel()
        self._turn.leave()
        if self._admitted:
            self._context.admission.release(self._turn.address)
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The client does not take its responses: nothing more is read from it until it does."""
        self._paused = True
        self._streams.pause()
        self._turn.pause(True)
        self._await_taking()

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        if not self._over:
            self._writing.stop(_WRITING)
        if not self._transport.is_closing():
            self._streams.resume()
            self.data_received(b"")
            self._turn.pause(self._paused)

    def data_received(self, data: bytes) -> None:
        """Some bytes: frames, or parts of them."""
        self._turn.insist()
        if self._over:
            self._linger.heard()
            self._turn.wait()
            return
        self._rest += data
        if not self._turn.is_now:
            self._turn.wait()
            return
        data, self._rest = self._rest, b""
        self._turn.begin_slice()
        try:
            self._read(data)
        except ConnectionBroken as e:
            self._break(e.code, str(e))
        except Exception:
            _logger.exception("a connection failed")
            self._break(Code.INTERNAL_ERROR, "the server failed; its log has the reason")
        self._turn.end_slice()

    def go_away(self) -> None:
        """Have the client begin no more calls, answer those that it began, and end the connection."""
        if not (self._noticed or self._over):
            self._noticed = True
            # Calls may be in flight. The response to this ping comes after the last of them.
            ping = frames.frame(Kind.PING, 0, 0, _NOTICE)
            self._write(frames.go_away(LARGEST_WINDOW, Code.NO_ERROR) + ping)
            self._after(_NOTICE_SECONDS, self._leave)

    def stop(self) -> None:
        """The same, where the server stops: also have streams of messages end, after those that have come."""
        self._stopping = True
        if self._over:
            self._linger.hurry()
        self.go_away()
        if self._streams.closed:  # since `connection_seconds` are over
            self._streams.drain()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def _write(self, out: bytes) -> None:
        self._transport.write(out)

    def _read(self, data: bytes) -> None:
        at, size = 0, len(data)
        if not self._prefaced:
            at = len(PREFACE)
            if data[:at] != PREFACE[:size]:
                raise ConnectionBroken(Code.PROTOCOL_ERROR, "this is a port of gRPC, which begins as HTTP/2 does")
            if size < at:
                self._rest = data
                return
            self._prefaced = True
        first = at
        while size - at >= frames.HEAD.size and not self._paused:
            high, low, kind, flags, number = frames.HEAD.unpack_from(data, at)
            length = high << 16 | low
            if length > LARGEST:
                raise ConnectionBroken(Code.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            start = at + frames.HEAD.size
            if start + length > size:
                break
            at = start + length
            self._frame(kind, flags, number & LARGEST_WINDOW, data[start:at])
            if self._over:
                return
            if self._turn.is_over:
                self._turn.wait()
                break
        if at > first:
            self._receiving.stop(_FRAME)
        if at < size:
            self._rest = data[at:]
            if not (self._paused or self._turn.waits):
                self._receiving.start(_FRAME)

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if not self._greeted and kind != Kind.SETTINGS:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "a client's settings come first")
        self._blocks.check_turn(kind)
        try:
            if (handle := self._OF_STREAMS.get(kind)) is not None:
                handle(self._streams, flags, number, payload)
                return
            if (handle := self._OF_HEADERS.get(kind)) is not None:
                handle(self._blocks, flags, number, payload)
                return
            self._guard.spend()
            if (handle := self._OWN.get(kind)) is not None:  # there may be kinds that we do not know
                handle(self, flags, number, payload)
        except StreamBroken as e:
            self._guard.spend()
            self._streams.give_up(number, e.code)

    def _priority(self, _flags: int, number: int, payload: bytes) -> None:
        if not number:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "the connection has no priority")
        frames.check_priority(number, payload)

    def _set(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "settings of a stream")
        if not flags & Flag.ACK:
            self._greeted = True
            self._receiving.stop(_FIRST)
            theirs = frames.read_settings(payload)
            self._write(frames.frame(Kind.SETTINGS, Flag.ACK, 0))
            self._streams.set(theirs)
        elif payload:
            raise ConnectionBroken(Code.FRAME_SIZE_ERROR, "a confirmation that says more")

    def _ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "a ping of a stream")
        if len(payload) != len(_NOTICE):
            raise ConnectionBroken(Code.FRAME_SIZE_ERROR, "a ping that does not have eight bytes")
        if not flags & Flag.ACK:
            self._write(frames.frame(Kind.PING, Flag.ACK, 0, payload))
        elif self._noticed and payload == _NOTICE:
            self._leave()

    def _client_goes(self, _flags: int, number: int, _payload: bytes) -> None:
        if number:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "the end of a stream, sent as that of the connection")

    def _push(self, _flags: int, _number: int, _payload: bytes) -> None:
        raise ConnectionBroken(Code.PROTOCOL_ERROR, "a push, which is the server's to make")

    def _leave(self) -> None:
        """What comes from now on is too late."""
        if not (self._streams.closed or self._over):
            self._streams.closed = True
            self._write(frames.go_away(self._streams.highest, Code.NO_ERROR))
            if self._stopping:
                self._streams.drain()
            self._on_empty()

    def _on_empty(self) -> None:
        if self._streams.closed and not (self._streams or self._over):
            self._hang_up()

    def _break(self, code: Code, message: str) -> None:
        if not self._over:
            self._write(frames.go_away(self._streams.highest, code, message))
            self._end()
            self._hang_up()

    def _hang_up(self) -> None:
        """Close our side. The client takes what we have written, and then closes its own."""
        self._end()
        if not self._transport.is_closing():
            self._transport.write_eof()
            self._linger.begin(counted=self._admitted)
            self._await_taking()

    def _end(self) -> None:
        self._over, self._rest = True, b""
        self._receiving.close()
        self._streams.drop()

    def _authenticate(self, authenticated: bool | None) -> None:
        if authenticated is not None:
            self._turn.authenticate(authenticated)

    def _receive_timeout(self, thing: int) -> None:
        if not self._streams.receive_timeout(thing):
            self._break(Code.ENHANCE_YOUR_CALM, f"it took longer than {self._settings.receive_seconds:g} s to arrive")

    def _write_timeout(self, thing: int) -> None:
        if thing != _WRITING:
            self._streams.write_timeout(thing)
        elif left := self._transport.get_write_buffer_size():
            if self._unwritten - left < LEAST_TAKEN:
                self._transport.abort()
            else:
                self._await_taking()

    def _await_taking(self) -> None:
        self._unwritten = self._transport.get_write_buffer_size()
        self._writing.start(_WRITING)

    def _after(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, callback))

    _OF_STREAMS: ClassVar[dict[int, Callable[[Streams, int, int, bytes], None]]] = {
        Kind.DATA: Streams.data,
        Kind.RST_STREAM: Streams.reset,
        Kind.WINDOW_UPDATE: Streams.window_update,
    }
    _OF_HEADERS: ClassVar[dict[int, Callable[[HeaderBlocks, int, int, bytes], None]]] = {
        Kind.HEADERS: HeaderBlocks.headers,
        Kind.CONTINUATION: HeaderBlocks.continuation,
    }
    _OWN: ClassVar[dict[int, Callable[[Connection, int, int, bytes], None]]] = {
        Kind.PRIORITY: _priority,
        Kind.SETTINGS: _set,
        Kind.PUSH_PROMISE: _push,
        Kind.PING: _ping,
        Kind.GOAWAY: _client_goes,
    }
