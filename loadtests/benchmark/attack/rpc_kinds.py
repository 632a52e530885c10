"""What clients without a key send to the port of gRPC: frames of HTTP/2 (RFC 9113). Data, as in `http_kinds`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, count, repeat

from ....serving.rpc import messages
from .http_kinds import MIB
from .kind import Kind

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 6, 8, 9
_END_STREAM, _END_HEADERS = 1, 4
_INITIAL_WINDOW_SIZE = 4
FRAME = 16_384
"""Bytes of the largest frame that a server must take."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def block(*fields: tuple[bytes, bytes], indexed: bool = False) -> bytes:
    """A block of headers, none of them compressed (RFC 7541, 6.2); `indexed` puts them into the server's table."""
    first = b"\x40" if indexed else b"\x00"
    return b"".join(first + _string(name) + _string(value) for name, value in fields)


def _string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes((len(text),)) + text
    rest, out = len(text) - 127, bytearray(b"\x7f")
    while rest >= 128:
        out.append(rest % 128 + 128)
        rest //= 128
    return bytes((*out, rest)) + text


def _call(method: str, service: str = messages.SERVICE) -> tuple[tuple[bytes, bytes], ...]:
    path = f"/{service}/{method}".encode()
    names = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"tenfold"))
    return (*names, (b"content-type", b"application/grpc"), (b"te", b"trailers"))


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_GREETING = _PREFACE + frame(_SETTINGS, 0, 0)
# Answers have no window to go through, and the connection stays open for them.
_NO_WINDOW = _PREFACE + frame(_SETTINGS, 0, 0, _INITIAL_WINDOW_SIZE.to_bytes(2, "big") + bytes(4))
_INFER = block(*_call("ModelInfer"))
_LIVE = block(*_call("ServerLive"))
_WATCH = block(*_call("Watch", messages.HEALTH.services[0]))
_EMPTY = bytes(5)


def _data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(_DATA, flags, stream, payload)


def _streams() -> Iterator[int]:
    return count(1, 2)


def _bodies(_: int) -> Iterator[bytes]:
    yield _GREETING
    message = b"\0" + (16 * MIB - 5).to_bytes(4, "big")
    for stream in _streams():
        yield frame(_HEADERS, _END_HEADERS, stream, _INFER) + _data(stream, message)
        yield b"".join([_data(stream, bytes(FRAME))] * 63)


def _held(_: int) -> Iterator[bytes]:
    yield _GREETING
    for stream in range(1, 2000, 2):
        yield frame(_HEADERS, _END_HEADERS, stream, _INFER) + _data(stream, bytes(1000))


def _watches(_: int) -> Iterator[bytes]:
    yield _GREETING
    for stream in range(1, 200, 2):
        yield frame(_HEADERS, _END_HEADERS, stream, _WATCH) + _data(stream, _EMPTY, _END_STREAM)


def _header_flood(_: int) -> Iterator[bytes]:
    yield _GREETING + frame(_HEADERS, 0, 1, _INFER)
    yield from repeat(frame(_CONTINUATION, 0, 1, block((b"x-flood", b"a" * (FRAME - 20)))))


def _table(_: int) -> Iterator[bytes]:
    """A large header in the server's table, named by one byte again and again."""
    yield _GREETING + frame(_HEADERS, _END_HEADERS | _END_STREAM, 1, _INFER + block((b"x", b"a" * 3900), indexed=True))
    named = frame(_HEADERS, _END_HEADERS | _END_STREAM, 0, _INFER + b"\xbe" * 15_000)
    for stream in range(3, 2**31, 2):
        yield named[:5] + stream.to_bytes(4, "big") + named[9:]


def _calls(fields: bytes, greeting: bytes) -> Iterator[bytes]:
    streams = _streams()
    yield greeting
    while True:
        yield b"".join(
            frame(_HEADERS, _END_HEADERS, stream, fields) + _data(stream, _EMPTY, _END_STREAM)
            for stream in (next(streams) for _ in range(50))
        )


def _reset(_: int) -> Iterator[bytes]:
    yield _GREETING
    for stream in _streams():
        yield frame(_HEADERS, _END_HEADERS, stream, _INFER) + frame(_RESET, 0, stream, bytes(4))


def _random(number: int) -> Iterator[bytes]:
    drawn = random.Random(number)  # noqa: S311
    yield _GREETING if number % 2 else b""
    while True:
        yield drawn.randbytes(FRAME)


def _random_frames(number: int) -> Iterator[bytes]:
    drawn = random.Random(number)  # noqa: S311
    yield _GREETING
    while True:
        yield frame(drawn.randrange(12), drawn.randrange(256), drawn.randrange(8), drawn.randbytes(drawn.randrange(64)))


def _repeated(one: bytes) -> Iterator[bytes]:
    return chain([_GREETING], repeat(one * 500))


_PINGED = frame(_PING, 0, 0, b"pingpong")

KINDS = (
    Kind("gRPC idle", "the preface and nothing more", lambda _: [_GREETING], rpc=True),
    Kind("gRPC bodies", "calls with bodies of 1 MB of 16", _bodies, rpc=True),
    Kind("gRPC calls held", "1,000 calls that do not end", _held, rpc=True),
    Kind("gRPC header flood", "continuations that do not end", _header_flood, rpc=True),
    Kind("gRPC table", "4 kB of the header table, 15,000 times a call", _table, rpc=True),
    Kind("gRPC calls", "refused calls", lambda _: _calls(_INFER, _GREETING), rpc=True),
    Kind(
        "gRPC calls, not read",
        "the same, and no answer is read",
        lambda _: _calls(_INFER, _GREETING),
        rpc=True,
        reads=False,
    ),
    Kind("gRPC no window", "health checks whose answers have no window", lambda _: _calls(_LIVE, _NO_WINDOW), rpc=True),
    Kind("gRPC watches", "100 watches of the health", _watches, rpc=True),
    Kind("gRPC resets", "calls that are given up at once", _reset, rpc=True),
    Kind("gRPC pings", "pings", lambda _: _repeated(_PINGED), rpc=True),
    Kind(
        "gRPC pings, not read", "the same, and no answer is read", lambda _: _repeated(_PINGED), rpc=True, reads=False
    ),
    Kind("gRPC settings", "settings", lambda _: _repeated(frame(_SETTINGS, 0, 0)), rpc=True, reads=False),
    Kind("gRPC windows", "windows of one byte", lambda _: _repeated(frame(_WINDOW, 0, 0, b"\0\0\0\1")), rpc=True),
    Kind("gRPC random", "random bytes, half of them after the preface", _random, rpc=True),
    Kind("gRPC random frames", "frames with random content", _random_frames, rpc=True),
)
