"""Calls with streams of messages: each message is answered by one, in the order in which they came.

So many messages are answered at a time. With more, and where the client does not take the responses, no more is read
from it until it does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..context import Context
from ..errors import DeadlineExceeded, InvalidInput, NotReady, ServingError
from ..request import RequestHead
from . import responses
from .calls import log_failure, most_bytes
from .message_buffer import PREFIX, MessageBuffer
from .stream import Stream

# Messages that may wait for their response, and bytes of responses that may wait to be sent. Then no more are begun.
_MOST_MESSAGES, _MOST_UNSENT = 64, 2**20
# Messages that are begun before the event loop gets to its other work.
_AT_ONCE = 64
# Bytes of responses that are sent as one.
_TOGETHER = 2**16


class Slot:
    """The place of a message's response among the others.

    Attributes:
        size: bytes of the message.
        id: of the message, where it has one of its client's.
        response: None as long as it is not there.
        right: it is not an error of the client's.
        cancel: called when nobody waits for it any more.
    """

    __slots__ = ("_call", "cancel", "id", "response", "right", "size")

    def __init__(self, call: StreamingCall, size: int) -> None:
        self._call, self.size, self.id = call, size, ""
        self.response: bytes | None = None
        self.right = True
        self.cancel: Callable[[], None] | None = None

    def fill(self, message: bytes, *, right: bool = True) -> None:
        """The response is there."""
        self.cancel, self.right = None, right
        self._call.fill(self, message)


class StreamingCall:
    """One call, whose messages `handle` answers. It ends with the client's last message, unless it outlives the body.

    Args:
        context: of the server.
        head: of the call.
        stream: that it came on.
        seconds: that the client waits for all of it, at most.
    """

    endless, outlives_body = True, False

    def __init__(self, context: Context, head: RequestHead, stream: Stream, seconds: float) -> None:
        self.context, self.head = context, head
        self._buffer = MessageBuffer(most_bytes(context, stream), head.headers.get(b"grpc-encoding"))
        self._stream: Stream | None = stream
        self._slots: deque[Slot] = deque()
        self._unsent = self._begun = 0
        self._turn: asyncio.Handle | None = None
        self._first = True
        self._sending = self._advancing = self._half_closed = self._draining = False
        self._last: ServingError | bool = False  # True or why: no more messages are taken
        self._timer: asyncio.TimerHandle | None = None
        if seconds != float("inf"):
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def handle(self, message: bytes, slot: Slot) -> None:
        """Fill the slot, now or later. Raises `ServingError` for a message that ends the call."""
        raise NotImplementedError

    def data(self, part: bytes) -> None:
        """A part of its body has come."""
        if self._last or self._draining:
            return
        try:
            self._buffer.add(part)
        except ServingError as e:
            self._last = e.with_traceback(None)
        self._advance()

    def end(self) -> None:
        """The client sends no more messages."""
        self._half_closed = True
        self._advance()

    def sent(self) -> None:
        """The responses that were given last are out."""
        self._sending = False
        self._advance()

    def refuse(self, error: ServingError) -> None:
        """Take no more messages; `error` is why."""
        self._last = self._last or error
        self._advance()

    def drain(self) -> None:
        """The server stops: answer what has come, and take nothing more."""
        self._draining = True
        self._advance()

    def drop(self) -> None:
        """Nobody waits for the responses any more."""
        self._stream = None
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        self._cancel()

    def fill(self, slot: Slot, message: bytes) -> None:
        """A response is there."""
        if self._stream is not None:
            slot.response = responses.prefixed(message)
            self._unsent += len(slot.response)
            self._advance()

    def push(self, message: bytes) -> None:
        """A message that answers none."""
        slot = Slot(self, 0)
        self._slots.append(slot)
        slot.fill(message)

    def exhausted(self) -> ServingError | bool:
        """All messages that have come were taken. Returns whether, or why, the call ends when they are answered."""
        left = len(self._buffer)
        if self._half_closed and left:
            return InvalidInput(f"The last {left} bytes are not a whole message. Send one")
        if self._half_closed and not self.outlives_body:
            return True
        return self._draining and NotReady("The server is about to stop. Call again, which reaches another replica")

    def _advance(self) -> None:
        if not self._advancing:  # else whoever does goes on
            self._advancing = True
            while self._begin() or self._flush():
                pass
            self._advancing = False

    def _go_on(self) -> None:
        """Other work had its turn."""
        self._turn, self._begun = None, 0
        self._advance()

    def _begin(self) -> bool:
        """Begin with the next message. False: there is none, no room for it, or other work comes first."""
        stream = self._stream
        if stream is None or self._last or self._turn is not None:
            return False
        if len(self._slots) >= _MOST_MESSAGES or self._unsent > _MOST_UNSENT:
            return False
        if self._begun == _AT_ONCE:
            self._turn = asyncio.get_running_loop().call_soon(self._go_on)
            return False
        try:
            message = self._buffer.take()
            if message is not None:
                self._begun += 1
                stream.await_rest(False)
                slot = Slot(self, len(message) + PREFIX)
                self._slots.append(slot)
                self.handle(message, slot)
                return True
            self._last = self.exhausted()
        except ServingError as e:
            self._end(e)
        except Exception:
            self._end(ServingError(responses.failure_sentence(log_failure(self.head))))
        if self._last:
            return True
        if len(self._buffer):
            stream.await_rest(True)
        return False

    def _end(self, error: ServingError) -> None:
        """The newest message ends the call."""
        self._last = error.with_traceback(None)
        if self._slots and self._slots[-1].response is None and self._slots[-1].cancel is None:
            self._slots.pop()

    def _flush(self) -> bool:
        """Send the responses that are there, up to the first that is not. False: there are none, or it is too early."""
        stream, slots = self._stream, self._slots
        if stream is None or self._sending:
            return False
        parts: list[bytes] = []
        together = taken = right = 0
        while slots and (response := slots[0].response) is not None and together < _TOGETHER:
            parts.append(response)
            together += len(response)
            slot = slots.popleft()
            taken += slot.size
            right += slot.right
        last = self._last if not slots else False
        if not (parts or last):
            return False
        self._unsent -= together
        stream.accept(taken, right)
        part = responses.part(b"".join(parts), first=self._first, last=last)
        self._sending, self._first = True, False
        if last:
            self.drop()
        stream.respond(part)
        return True

    def _expire(self) -> None:
        self._last = DeadlineExceeded()
        self._cancel()
        self._advance()

    def _cancel(self) -> None:
        slots, self._slots, self._unsent = self._slots, deque(), 0
        for slot in slots:
            if slot.cancel is not None:
                slot.cancel()
