"""A client of HTTP/2 at the other end of a connection without a network: it sends bytes, and reads what was written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from hpack import Decoder, Encoder
from tenfold.serving.context import Context
from tenfold.serving.core import Core
from tenfold.serving.errors import InvalidInput, ServingError
from tenfold.serving.metrics import Metrics
from tenfold.serving.routes import RouteTable
from tenfold.serving.rpc import frames, responses
from tenfold.serving.rpc.connection import Connection
from tenfold.serving.rpc.frames import PREFACE, Flag, Kind
from tenfold.serving.rpc.stream import Open, Stream
from tenfold.serving.settings import Settings

REQUEST = ((":method", "POST"), (":scheme", "http"), (":path", "/echo"), ("content-type", "application/grpc"))
WHOLE = Flag.END_HEADERS | Flag.END_STREAM


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a RST_STREAM or a GOAWAY."""
        return int.from_bytes(self.payload[:4] if self.kind == Kind.RST_STREAM else self.payload[4:8], "big")


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reads, self.ended, self.aborted, self.closed = True, False, False, False
        self.left = 0  # bytes that the client has not taken

    def write(self, data: Any) -> None:
        assert not self.ended, "written after the end"
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def get_write_buffer_size(self) -> int:
        return self.left

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Echo:
    """A call that is answered with its body, at once or when a test says so."""

    endless = False

    def __init__(self, headers: Mapping[bytes, bytes], stream: Stream) -> None:
        self.headers, self.stream = headers, stream
        self.body, self.whole, self.dropped = b"", False, False

    def data(self, part: bytes) -> None:
        self.body += part
        if self.body == b"early":
            self.answer()

    def end(self) -> None:
        self.whole = True
        if self.headers[b":path"] == b"/echo":
            self.answer()

    def drop(self) -> None:
        assert not self.dropped
        self.dropped = True

    def sent(self) -> None:
        raise AssertionError("its response has one part")

    def drain(self) -> None:
        pass

    def refuse(self, error: ServingError) -> None:
        self.stream.respond(responses.refusal(error))

    def answer(self) -> None:
        self.stream.respond(responses.message(self.body))


class Peer:
    """Connected, and greeted unless it says otherwise. Needs a running event loop.

    Args:
        authenticated: it waits for no turns.
    """

    def __init__(
        self,
        *,
        greets: bool = True,
        authenticated: bool = True,
        context: Context | None = None,
        open_call: Open | None = None,
        **given: Any,
    ) -> None:
        self.calls: list[Echo] = []
        self.made, self.gone = list[Connection](), list[Connection]()
        self.wire, self._encoder, self._decoder = Wire(), Encoder(), Decoder()
        settings, metrics = Settings(model="", **given), Metrics()
        self.context = context or Context(Core(settings, metrics.predicted), settings, metrics, RouteTable(()))
        self.connection = Connection(open_call or self._open, self.context, self.made.append, self.gone.append)
        self.connection.connection_made(self.wire)
        self.connection._turn.authenticated = authenticated
        if greets:
            self.feed(PREFACE + frames.settings({}))
            self.read()

    def _open(self, headers: Mapping[bytes, bytes], stream: Stream) -> Echo | None:
        if headers[b":path"] == b"/refused":
            stream.respond(responses.refusal(InvalidInput("no")))
            return None
        self.calls.append(Echo(headers, stream))
        return self.calls[-1]

    def feed(self, *data: bytes) -> None:
        self.connection.data_received(b"".join(data))

    def block(self, *more: tuple[str, str], path: str = "/echo") -> bytes:
        """A block of headers."""
        return self._encoder.encode([(name, path if name == ":path" else value) for name, value in REQUEST] + [*more])

    def call(self, stream: int, body: bytes = b"hello", path: str = "/echo", *more: tuple[str, str]) -> bytes:
        """The frames of a call."""
        return frames.frame(Kind.HEADERS, Flag.END_HEADERS, stream, self.block(*more, path=path)) + frames.frame(
            Kind.DATA, Flag.END_STREAM, stream, body
        )

    def read(self) -> list[Frame]:
        """What was written since the last time."""
        data, found = bytes(self.wire.written), list[Frame]()
        self.wire.written.clear()
        while data:
            high, low, kind, flags, stream = frames.HEAD.unpack_from(data)
            end = frames.HEAD.size + (high << 16 | low)
            found.append(Frame(kind, flags, stream, data[frames.HEAD.size : end]))
            data = data[end:]
        return found

    def answers(self) -> dict[int, tuple[bytes, dict[str, str]]]:
        """Body and trailers of the streams that were answered since the last time."""
        bodies: dict[int, bytes] = {}
        whole: dict[int, tuple[bytes, dict[str, str]]] = {}
        for frame in self.read():
            if frame.kind == Kind.HEADERS:
                fields = {str(name): str(value) for name, value in self._decoder.decode(frame.payload)}
                if frame.flags & Flag.END_STREAM:
                    whole[frame.stream] = (bodies.get(frame.stream, b""), fields)
            elif frame.kind == Kind.DATA:
                bodies[frame.stream] = bodies.get(frame.stream, b"") + frame.payload
        return whole

    @property
    def broken(self) -> int | None:
        """The code with which the connection was ended since the last time."""
        return next((frame.code for frame in self.read() if frame.kind == Kind.GOAWAY), None)


def framed(body: bytes) -> bytes:
    """As a message stands in a body."""
    return b"\0" + len(body).to_bytes(4, "big") + body
