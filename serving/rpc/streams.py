"""The streams of one connection, each of them a call: what the client sends on them, and the answers to it.

    HEADERS, DATA -> a stream's `Call`: `data`, `end`, `drop`
    the call's `Answer` -> `Outflow` -> HEADERS, DATA

`Connection` hands over the frames. What a client can hold on to here is bounded, in bytes and in time: headers and a
request that do not arrive, an answer that it does not take, calls at once and what they hold together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from . import frames
from .answers import Answer
from .errors import Code, ConnectionBroken, StreamBroken
from .flow import Inflow, Outflow
from .frames import FIRST_WINDOW, LARGEST_WINDOW, Flag, Kind, Setting
from .headers import LARGEST_LIST, Reader
from .message import PREFIX
from .patience import Calm, Patience

MOST_STREAMS = 1000
# The calls of a connection may hold as much as so many of the largest ones.
_MOST_BODIES = 8
# Bytes that a client has a reason to send, or to open a window for, on their own.
_LITTLE = 1024
# What it costs to begin a call for nothing, in pings.
_GIVEN_UP = 5
# What is waited for, besides requests (the numbers of their streams) and answers being taken (the negative ones).
_BLOCK = 2**32


class Call(Protocol):
    """A request on its stream."""

    def data(self, part: bytes, /) -> None:
        """A part of its body."""
        ...

    def end(self) -> None:
        """The body is whole."""
        ...

    def drop(self) -> None:
        """Nobody waits for its answer any more."""
        ...


Enter = Callable[[Mapping[bytes, bytes], Callable[[Answer], None]], Call]
"""Begins a call with these headers. It is told what takes its answer, later than this, but maybe within `data`."""


class _Stream:
    __slots__ = ("answered", "call", "ended", "length", "number", "received")

    call: Call

    def __init__(self, number: int, length: bytes | None) -> None:
        self.number, self.length, self.received = number, length, 0
        self.ended = self.answered = False


class Streams:
    """All of one connection's.

    Args:
        enter: begins a call.
        max_body_bytes: of a request.
        write: sends frames.
        calm, patience: of the connection.
        emptied: told when the last of the streams has ended.

    Attributes:
        highest: number of the newest stream that was looked at.
        closed: no stream begins any more.
    """

    def __init__(
        self,
        enter: Enter,
        max_body_bytes: int,
        write: Callable[[bytes], None],
        calm: Calm,
        patience: Patience,
        emptied: Callable[[], None],
    ) -> None:
        self._enter, self._write, self._calm, self._patience, self._emptied = enter, write, calm, patience, emptied
        self._window = max(FIRST_WINDOW, min(max_body_bytes + PREFIX, LARGEST_WINDOW))
        self._inflow = Inflow(min(2 * self._window, LARGEST_WINDOW))
        self._outflow, self._reader = Outflow(), Reader()
        self._open: dict[int, _Stream] = {}
        self._held = 0
        self._block: tuple[int, int, bytearray] | None = None  # headers that have not ended
        self._given_up: set[int] = set()  # by us, so that the client may still be sending on them
        self.highest, self.closed = 0, False

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._open)

    def greeting(self) -> bytes:
        """What the client has to know, as frames."""
        ours = {
            Setting.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            Setting.INITIAL_WINDOW_SIZE: self._window,
            Setting.MAX_HEADER_LIST_SIZE: LARGEST_LIST,
        }
        return frames.settings(ours) + frames.window_update(0, self._inflow.size - FIRST_WINDOW)

    def set(self, settings: dict[int, int]) -> None:
        """The client tells what it takes. Raises as `Outflow.set` does."""
        self._send(self._outflow.set(settings))

    def check_turn(self, kind: int) -> None:
        """Whether a frame of this kind may come now.

        Raises:
            ConnectionBroken: it may not: headers come without a break.
        """
        if (self._block is not None) != (kind == Kind.CONTINUATION):
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "headers that are broken off, or go on without a beginning")

    def drop(self) -> None:
        """Nobody waits for any answer any more."""
        for stream in [*self._open.values()]:
            self._drop(stream)

    def too_slow(self, thing: int) -> bool:
        """A thing took too long. Returns whether it was a stream's, which ends; else all of the connection is stuck."""
        stream = self._open.get(abs(thing))
        if stream is not None:
            self.give_up(stream.number, Code.ENHANCE_YOUR_CALM)
        return stream is not None

    def give_up(self, number: int, code: Code) -> None:
        """End a stream that the client may still be sending on."""
        self._write(frames.reset(number, code))
        stream = self._open.get(number)
        if stream is None or not stream.ended:
            self._given_up.add(number)
            if len(self._given_up) > MOST_STREAMS:
                self._given_up.discard(min(self._given_up))
        if stream is not None:
            self._drop(stream)

    def data(self, flags: int, number: int, payload: bytes) -> None:
        """DATA has come."""
        if more := self._inflow.take(len(payload)):
            self._write(frames.window_update(0, more))
        if len(payload) < _LITTLE and not flags & Flag.END_STREAM:
            self._calm.disturb()
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
        stream.received += len(payload)
        self._held += len(payload)
        if stream.received > self._window:
            raise StreamBroken(Code.FLOW_CONTROL_ERROR, "more data than the stream's window")
        if self._held > _MOST_BODIES * self._window:
            raise StreamBroken(Code.ENHANCE_YOUR_CALM, "too much data that waits for its end")
        stream.ended = bool(flags & Flag.END_STREAM)
        stream.call.data(payload)
        if stream.ended:
            self._whole(stream)

    def headers(self, flags: int, number: int, payload: bytes) -> None:
        """HEADERS have come."""
        if flags & Flag.PADDED:
            payload = frames.unpadded(payload)
        if flags & Flag.PRIORITY:
            frames.check_priority(number, payload[:5])
            payload = payload[5:]
        if flags & Flag.END_HEADERS:
            self._head(flags, number, payload)
        else:
            self._block = (flags, number, bytearray(payload))
            self._patience.begin(_BLOCK)

    def continuation(self, flags: int, number: int, payload: bytes) -> None:
        """More of the headers has come."""
        assert self._block is not None
        first, stream, block = self._block
        self._calm.disturb()
        block += payload
        if number != stream:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "headers of another stream")
        if len(block) > LARGEST_LIST:
            raise ConnectionBroken(Code.ENHANCE_YOUR_CALM, "too many headers")
        if flags & Flag.END_HEADERS:
            self._block = None
            self._patience.end(_BLOCK)
            self._head(first, number, bytes(block))

    def reset(self, _flags: int, number: int, payload: bytes) -> None:
        """The client ends a stream."""
        frames.read_number(payload)
        if not number or number > self.highest:
            self._idle(number)
        self._given_up.discard(number)
        stream = self._open.get(number)
        self._calm.disturb(1 if stream is None else _GIVEN_UP)
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
            self._calm.disturb()
        self._send(out)

    def _head(self, flags: int, number: int, block: bytes) -> None:
        stream = self._open.get(number)
        if stream is not None:
            self._trailers(flags, stream, block)
        elif number in self._given_up:
            self._calm.disturb()
            self._reader.fields(block)
        elif number <= self.highest or not number % 2:
            code = Code.STREAM_CLOSED if number == self.highest else Code.PROTOCOL_ERROR
            raise ConnectionBroken(code, f"{number} is the number of no new stream")
        elif self.closed:  # the client will know by now, and ask another server
            self._calm.disturb()
            self._reader.fields(block)
        else:
            self.highest = number
            self._begin(flags, number, self._reader.request(block))

    def _begin(self, flags: int, number: int, headers: Mapping[bytes, bytes]) -> None:
        if len(self._open) >= MOST_STREAMS:
            raise StreamBroken(Code.REFUSED_STREAM, "too many streams")
        stream = _Stream(number, headers.get(b"content-length"))
        stream.call = self._enter(headers, partial(self._answer, stream))
        self._open[number] = stream
        if flags & Flag.END_STREAM:
            stream.ended = True
            self._whole(stream)
        else:
            self._patience.begin(number)

    def _trailers(self, flags: int, stream: _Stream, block: bytes) -> None:
        fields = self._reader.fields(block)
        if stream.ended:
            raise StreamBroken(Code.STREAM_CLOSED, "headers after the end")
        if not flags & Flag.END_STREAM or any(name.startswith(b":") for name, _ in fields):
            raise StreamBroken(Code.PROTOCOL_ERROR, "headers that are no trailers")
        stream.ended = True
        self._whole(stream)

    def _whole(self, stream: _Stream) -> None:
        self._patience.end(stream.number)
        if stream.length is not None and stream.length != b"%d" % stream.received:
            raise StreamBroken(Code.PROTOCOL_ERROR, "a body that is not as long as content-length says")
        if not stream.answered:
            stream.call.end()

    def _answer(self, stream: _Stream, answer: Answer) -> None:
        stream.answered = True
        self._calm.answered()
        self._send(self._outflow.put(stream.number, answer))
        if stream.number in self._outflow.waiting:
            self._patience.begin(-stream.number)

    def _send(self, out: bytes) -> None:
        if out:
            self._write(out)
        while self._outflow.done:
            stream = self._open[self._outflow.done.pop()]
            if stream.ended:
                self._close(stream)
            else:  # there is no need of the rest
                self.give_up(stream.number, Code.NO_ERROR)

    def _drop(self, stream: _Stream) -> None:
        if not stream.answered:
            stream.call.drop()
        self._outflow.forget(stream.number)
        self._close(stream)

    def _close(self, stream: _Stream) -> None:
        del self._open[stream.number]
        self._held -= stream.received
        self._patience.end(stream.number)
        self._patience.end(-stream.number)
        if not self._open:
            self._emptied()

    def _idle(self, number: int) -> None:
        """A frame of a stream that has not begun; when they are closed, the client may not know that it never will."""
        if not (self.closed and number):
            raise ConnectionBroken(Code.PROTOCOL_ERROR, f"a frame of {number}, which is no stream")
