"""The streams of one connection, each of them a call: what the client sends on them, and the responses to it.

    HEADERS, DATA -> a stream's `Call`
    the call's `Response` -> `Outflow` -> HEADERS, DATA

`Connection` hands over the frames. What a client can hold on to here is bounded, in bytes and in time: headers and a
request that do not arrive, a response that it does not take, calls at once and what they hold together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..budget import ByteBudget
from ..errors import NoRoom
from ..exchange import CLIENT_WENT_AWAY
from ..settings import Settings
from ..timeouts import Timeouts
from ..untaken import LEAST_TAKEN
from . import frames, headers
from .errors import Code, ConnectionBroken, StreamBroken
from .flood_guard import FloodGuard
from .flow import Inflow, Outflow
from .frames import FIRST_WINDOW, LARGEST_WINDOW, Flag, Setting
from .headers import LARGEST_LIST, HeaderReader
from .message_buffer import PREFIX
from .responses import Response
from .stream import Open, Stream

# Bytes that a client has a reason to send, or to open a window for, on their own.
_LITTLE = 1024
# What it costs to begin a call for nothing, in pings.
_RESET = 5
# The price of a call without a valid key, in pings: one lost key is forgiven, but nobody can guess keys by trying many.
_UNAUTHORIZED, _NO_KEY = 401, 10


class Streams:
    """All of one connection's.

    Args:
        open_call: begins a call.
        settings: of the server.
        budget: of bytes that requests may hold, over all connections.
        write: sends frames.
        guard: of the connection.
        receiving, writing: its time-outs, of what the client sends and of what it takes.
        on_empty: called when the last of the streams has ended.
        authenticate: told of each call whether it came with a key.

    Attributes:
        largest_list: bytes of a request's headers.
        highest: number of the newest stream that was looked at.
        closed: no stream begins any more.
    """

    def __init__(
        self,
        open_call: Open,
        settings: Settings,
        budget: ByteBudget,
        write: Callable[[bytes], None],
        guard: FloodGuard,
        receiving: Timeouts,
        writing: Timeouts,
        on_empty: Callable[[], None],
        authenticate: Callable[[bool | None], None],
    ) -> None:
        self._open_call, self._write, self._guard, self._on_empty = open_call, write, guard, on_empty
        self._authenticate = authenticate
        self._receiving, self._writing, self._budget = receiving, writing, budget
        self._window = max(FIRST_WINDOW, min(settings.max_body_bytes + PREFIX, LARGEST_WINDOW))
        self._most_streams, self.largest_list = settings.max_streams, min(settings.max_head_bytes, LARGEST_LIST)
        # One connection leaves room for others, if the largest request has room at all.
        self._held, self._most_held = 0, max(self._window, budget.limit // 2)
        self._inflow = Inflow(min(2 * self._window, LARGEST_WINDOW))
        self._outflow, self._reader = Outflow(), HeaderReader(self.largest_list)
        self._open: dict[int, Stream] = {}
        self._uncounted: Stream | None = None  # whose response waits without being counted
        self._given_up: set[int] = set()  # by us, so that the client may still be sending on them
        self._paused, self._untold = False, list[Stream]()  # whose responses are out, but may not be taken
        self.highest, self.closed = 0, False

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._open)

    def greeting(self) -> bytes:
        """What the client has to know, as frames."""
        ours = {
            Setting.MAX_CONCURRENT_STREAMS: self._most_streams,
            Setting.INITIAL_WINDOW_SIZE: self._window,
            Setting.MAX_HEADER_LIST_SIZE: self.largest_list,
        }
        return frames.settings(ours) + frames.window_update(0, self._inflow.size - FIRST_WINDOW)

    def set(self, settings: dict[int, int]) -> None:
        """The client's settings. Raises as `Outflow.set` does."""
        self._send(self._outflow.set(settings))

    def drain(self) -> None:
        """The server stops. Have calls that could go on for ever answer what has come, and end."""
        for stream in [*self._open.values()]:
            if stream.call is not None and not stream.finished:
                stream.call.drain()

    def drop(self) -> None:
        """Nobody waits for any response any more."""
        for stream in [*self._open.values()]:
            self._drop(stream)

    def pause(self) -> None:
        """The client does not take what is written."""
        self._paused = True

    def resume(self) -> None:
        """It does again."""
        self._paused = False
        while self._untold and not self._paused:
            stream = self._untold.pop()
            if stream.call is not None:
                stream.call.sent()

    def receive_timeout(self, thing: int) -> bool:
        """A thing took too long to come. False: it was not a stream's, which ends; all of the connection is stuck."""
        if thing in self._open:
            self.give_up(thing, Code.ENHANCE_YOUR_CALM)
            return True
        return False

    def write_timeout(self, number: int) -> None:
        """A response waits for long; it ends, unless the client took a good part of it."""
        stream, waiting = self._open[number], self._outflow.waiting(number)
        if stream.timed - waiting < LEAST_TAKEN:
            self.give_up(number, Code.ENHANCE_YOUR_CALM)
        else:
            stream.timed = waiting
            self._writing.start(number)

    def give_up(self, number: int, code: Code) -> None:
        """End a stream that the client may still be sending on."""
        self._write(frames.reset(number, code))
        stream = self._open.get(number)
        if stream is None or not stream.ended:
            self._given_up.add(number)
            if len(self._given_up) > self._most_streams:
                self._given_up.discard(min(self._given_up))
        if stream is not None:
            self._drop(stream)

    def data(self, flags: int, number: int, payload: bytes) -> None:
        """DATA has come."""
        if more := self._inflow.take(len(payload)):
            self._write(frames.window_update(0, more))
        if len(payload) < _LITTLE and not flags & Flag.END_STREAM:
            self._guard.spend()
        stream = self._open.get(number)
        if stream is None or stream.ended:
            if not number or number > self.highest:
                self._idle(number)
            elif number not in self._given_up:
                raise StreamBroken(Code.STREAM_CLOSED, "data after the end")
            return
        if flags & Flag.PADDED:
            size, payload = len(payload), frames.unpadded(payload)
            self._write(frames.window_update(number, size - len(payload)))
        size = len(payload)
        stream.received += size
        if stream.received > stream.allowed:
            raise StreamBroken(Code.FLOW_CONTROL_ERROR, "more data than the stream's window")
        stream.ended = bool(flags & Flag.END_STREAM)
        if stream.call is not None and not stream.finished:
            if self._hold(stream, size):
                stream.call.data(payload)
            else:
                stream.call.refuse(NoRoom(self._budget.limit))
        if stream.ended:
            self._whole(stream)

    def reset(self, _flags: int, number: int, payload: bytes) -> None:
        """The client ends a stream."""
        frames.read_number(payload)
        if not number or number > self.highest:
            self._idle(number)
        self._given_up.discard(number)
        stream = self._open.get(number)
        self._guard.spend(1 if stream is None else _RESET)
        if stream is not None:
            self._drop(stream)

    def window_update(self, _flags: int, number: int, payload: bytes) -> None:
        """The client takes more."""
        more = frames.read_number(payload) & LARGEST_WINDOW
        out = b""
        if number > self.highest:
            self._idle(number)
        elif not number or number in self._open:
            out = self._outflow.allow(number, more)
        if len(out) < _LITTLE:
            self._guard.spend()
        self._send(out)

    def respond(self, stream: Stream, response: Response) -> None:
        """Answer a stream; see `Stream.respond`."""
        stream.finished = response.last
        if response.last and stream.on_end is not None:
            stream.on_end(response.status_code)
        if response.status_code == _UNAUTHORIZED:
            self._guard.spend(_NO_KEY)
        else:
            self._guard.earn()
        self._send(self._outflow.put(stream.number, response))
        if waiting := self._outflow.waiting(stream.number):
            stream.timed, size = waiting, len(response.body)
            self._writing.start(stream.number)
            # One of any size may wait, as on a connection of HTTP/1.1: else the client would never get it.
            if self._uncounted is None:
                self._uncounted = stream
            elif self._take(size):
                stream.unsent = size
            else:
                self.give_up(stream.number, Code.ENHANCE_YOUR_CALM)

    def accept(self, stream: Stream, size: int, messages: int) -> None:
        """Allow more on a stream; see `Stream.accept`."""
        self._guard.earn(messages)
        stream.held -= size
        self._give(size)
        stream.allowed += size
        stream.owed += size
        if stream.owed * 2 > self._window and not stream.ended:
            self._write(frames.window_update(stream.number, stream.owed))
            stream.owed = 0

    def await_rest(self, stream: Stream, waits: bool) -> None:
        """See `Stream.await_rest`."""
        if waits:
            self._receiving.start(stream.number)
        else:
            self._receiving.stop(stream.number)

    def headers(self, flags: int, number: int, block: bytes) -> None:
        """A whole block of headers has come."""
        stream = self._open.get(number)
        if stream is not None:
            self._trailers(flags, stream, block)
        elif number in self._given_up:
            self._guard.spend_headers(block)
            self._reader.fields(block)
        elif number <= self.highest or not number % 2:
            code = Code.STREAM_CLOSED if number == self.highest else Code.PROTOCOL_ERROR
            raise ConnectionBroken(code, f"{number} is the number of no new stream")
        elif self.closed:  # the client knows by now, and tries another server
            self._guard.spend_headers(block)
            self._reader.fields(block)
        else:
            self.highest = number
            self._begin(flags, number, self._reader.request(block), block)

    def _begin(self, flags: int, number: int, headers: Mapping[bytes, bytes], block: bytes) -> None:
        if len(self._open) >= self._most_streams:
            self._guard.spend_headers(block)
            raise StreamBroken(Code.REFUSED_STREAM, "too many streams")
        stream = Stream(self, number, self._window, headers.get(b"content-length"))
        self._open[number] = stream
        stream.ended = bool(flags & Flag.END_STREAM)
        stream.call = self._open_call(headers, stream)
        self._authenticate(stream.authenticated)
        if stream.call is None or stream.light:
            self._guard.spend_headers(block)
        if stream.call is None:
            return
        if not (stream.light or self._hold(stream, self._reader.weight)):
            stream.call.refuse(NoRoom(self._budget.limit))
        elif stream.ended:
            self._whole(stream)
        elif not stream.call.endless:
            self._receiving.start(number)

    def _trailers(self, flags: int, stream: Stream, block: bytes) -> None:
        fields = self._reader.fields(block)
        if stream.ended:
            raise StreamBroken(Code.STREAM_CLOSED, "headers after the end")
        if not flags & Flag.END_STREAM or any(name.startswith(b":") for name, _ in fields):
            raise StreamBroken(Code.PROTOCOL_ERROR, "headers that are not trailers")
        headers.check(fields)
        stream.ended = True
        self._whole(stream)

    def _whole(self, stream: Stream) -> None:
        self._receiving.stop(stream.number)
        if stream.finished or stream.call is None:
            return
        if stream.length is not None and stream.length != stream.received:
            raise StreamBroken(Code.PROTOCOL_ERROR, "a body that is not as long as content-length says")
        stream.call.end()

    def _send(self, out: bytes) -> None:
        if out:
            self._write(out)
        while self._outflow.done:
            number, last = self._outflow.done.pop()
            stream = self._open[number]
            if not last:
                self._sent(stream)
            elif stream.ended:
                self._close(stream)
            else:  # there is no need of the rest
                self.give_up(number, Code.NO_ERROR)

    def _sent(self, stream: Stream) -> None:
        """A part of a response is out."""
        self._forget_unsent(stream)
        assert stream.call is not None
        if self._paused:
            self._untold.append(stream)
        else:
            stream.call.sent()

    def _forget_unsent(self, stream: Stream) -> None:
        self._writing.stop(stream.number)
        self._give(stream.unsent)
        stream.unsent = 0
        if self._uncounted is stream:
            self._uncounted = None

    def _drop(self, stream: Stream) -> None:
        if stream.call is not None and not stream.finished:
            stream.call.drop()
            if stream.on_end is not None:
                stream.on_end(CLIENT_WENT_AWAY)
        self._outflow.forget(stream.number)
        self._close(stream)

    def _close(self, stream: Stream) -> None:
        del self._open[stream.number]
        stream.call = None  # which leads back here
        self._give(stream.held)
        self._receiving.stop(stream.number)
        self._forget_unsent(stream)
        if not self._open:
            self._on_empty()

    def _hold(self, stream: Stream, size: int) -> bool:
        """Count bytes of a request. False: there is no room for them."""
        if self._take(size):
            stream.held += size
            return True
        return False

    def _take(self, size: int) -> bool:
        if self._held + size > self._most_held or not self._budget.take(size):
            return False
        self._held += size
        return True

    def _give(self, size: int) -> None:
        self._held -= size
        self._budget.give(size)

    def _idle(self, number: int) -> None:
        """A frame of a stream that has not begun; when they are closed, the client may not know that it never will."""
        if not (self.closed and number):
            raise ConnectionBroken(Code.PROTOCOL_ERROR, f"a frame of {number}, which is not a stream")
