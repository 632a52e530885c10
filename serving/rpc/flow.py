"""Flow control: what the client may still send, and what we may (RFC 9113, 5.2). Pure."""

from __future__ import annotations

from .errors import Code, ConnectionBroken, StreamBroken
from .frames import FIRST_WINDOW, HEAD, LARGEST, LARGEST_WINDOW, Flag, Kind, Setting, frame
from .responses import Response

_LAST = Flag.END_HEADERS | Flag.END_STREAM


class Inflow:
    """What the client may send on a connection. All that comes is taken off the wire at once, so it gets it back soon.

    Args:
        size: bytes that may be in flight.
    """

    def __init__(self, size: int) -> None:
        self.size = self._left = size

    def take(self, size: int) -> int:
        """Some bytes came. Returns how many more the client is to be allowed.

        Raises:
            ConnectionBroken: they were more than it may send.
        """
        self._left -= size
        if self._left < 0:
            raise ConnectionBroken(Code.FLOW_CONTROL_ERROR, "more data than the connection's window")
        if self._left * 2 > self.size:
            return 0
        more = self.size - self._left
        self._left = self.size
        return more


class _Rest:
    """What is left of a response, or of a part of one."""

    __slots__ = ("at", "body", "last", "tail")

    def __init__(self, response: Response) -> None:
        self.body, self.tail, self.last, self.at = memoryview(response.body), response.tail, response.last, 0


class Outflow:
    """Responses as frames, as many as the client's windows allow; the rest of them waits here for larger ones.

    Attributes:
        done: streams whose response, or the part of one that was put, is out; for the caller to take from here.
    """

    def __init__(self) -> None:
        self.done: list[tuple[int, bool]] = []
        self._waiting: dict[int, _Rest] = {}
        self._window = self._initial = FIRST_WINDOW
        self._largest = LARGEST
        # Of each stream, what its window is larger or smaller than the client's initial one.
        self._credits: dict[int, int] = {}

    def put(self, stream: int, response: Response) -> bytes:
        """Answer a stream, on which nothing waits. Returns the frames to write."""
        head, body, tail, _, last = response
        size = len(body)
        window = min(self._initial + self._credits.get(stream, 0), self._window, self._largest)
        if head and tail and 0 < size <= window:  # nearly all
            self._window -= size
            self._finish(stream, last=True)
            return b"".join(
                (
                    HEAD.pack(0, len(head), Kind.HEADERS, Flag.END_HEADERS, stream),
                    head,
                    HEAD.pack(size >> 16, size & 0xFFFF, Kind.DATA, 0, stream),
                    body,
                    HEAD.pack(0, len(tail), Kind.HEADERS, _LAST, stream),
                    tail,
                )
            )
        begun = b""
        if head:
            ends = last and not (body or tail)
            begun = frame(Kind.HEADERS, _LAST if ends else Flag.END_HEADERS, stream, head)
            if ends:
                self._finish(stream, last=True)
                return begun
        self._waiting[stream] = _Rest(response)
        return begun + self._more(stream)

    def waiting(self, stream: int) -> int:
        """How many bytes of a response wait here."""
        rest = self._waiting.get(stream)
        return 0 if rest is None else len(rest.body) - rest.at

    def forget(self, stream: int) -> None:
        """The stream is over."""
        self._waiting.pop(stream, None)
        self._credits.pop(stream, None)

    def allow(self, stream: int, more: int) -> bytes:
        """The client takes more on a stream; on all of them if it is 0. Returns the frames to write.

        Raises:
            ConnectionBroken, StreamBroken: a window that there is not.
        """
        broken = StreamBroken if stream else ConnectionBroken
        if not more:
            raise broken(Code.PROTOCOL_ERROR, "a window that grows by nothing")
        if not stream:
            self._window += more
            self._check(self._window, broken)
            return self._all()
        self._credits[stream] = self._credits.get(stream, 0) + more
        self._check(self._initial + self._credits[stream], broken)
        return self._more(stream)

    def set(self, settings: dict[int, int]) -> bytes:
        """The client's settings. Returns the frames to write.

        Raises:
            ConnectionBroken: a stream's window becomes larger than there are.
        """
        self._largest = settings.get(Setting.MAX_FRAME_SIZE, self._largest)
        self._initial = settings.get(Setting.INITIAL_WINDOW_SIZE, self._initial)
        self._check(self._initial + max(self._credits.values(), default=0), ConnectionBroken)
        return self._all()

    def _all(self) -> bytes:
        parts: list[bytes] = []
        for stream in [*self._waiting]:
            if self._window <= 0:
                break
            parts.append(self._more(stream))
        return b"".join(parts)

    def _more(self, stream: int) -> bytes:
        rest = self._waiting.get(stream)
        if rest is None:
            return b""
        parts: list[bytes] = []
        size, window = len(rest.body), self._initial + self._credits.get(stream, 0)
        sent = rest.at
        end = sent + max(0, min(size - sent, window, self._window))
        while rest.at < end:
            start, rest.at = rest.at, min(rest.at + self._largest, end)
            last = rest.at == size and rest.last and not rest.tail
            parts.append(frame(Kind.DATA, Flag.END_STREAM if last else 0, stream, rest.body[start : rest.at]))
        self._window -= end - sent
        if not rest.last or end < size:
            self._credits[stream] = window - (end - sent) - self._initial
        if end < size:
            return b"".join(parts)
        if rest.tail:
            parts.append(frame(Kind.HEADERS, _LAST, stream, rest.tail))
        del self._waiting[stream]
        self._finish(stream, last=rest.last)
        return b"".join(parts)

    def _finish(self, stream: int, *, last: bool) -> None:
        if last:
            self._credits.pop(stream, None)
        self.done.append((stream, last))

    @staticmethod
    def _check(window: int, broken: type[ConnectionBroken | StreamBroken]) -> None:
        if window > LARGEST_WINDOW:
            raise broken(Code.FLOW_CONTROL_ERROR, "a window that is too large")
