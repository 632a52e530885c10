"""What clients without a key send to the port of HTTP. Data; each is repeated for as long as the attack lasts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, count, repeat

from ..protocols import MODEL
from .kind import Kind

MIB = 2**20
BODY = 16 * MIB
"""Bytes of the largest body that a server takes by default."""
_INFER = f"/v2/models/{MODEL}/infer"
_JSON = "Content-Type: application/json\r\n"
_SMALL = b'{"rows":[[0,0,0,0,0,0,0,0,0,0]]}'
_PART = bytes(64 * 1024).replace(b"\0", b" ")


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    """A request's head with these lines, and the empty line that ends it."""
    return "".join((f"{method} {path} HTTP/1.1\r\nHost: tenfold\r\n", *lines, "\r\n")).encode()


def small(path: str, *lines: str) -> bytes:
    """A whole request with a small body."""
    return head(path, _JSON, *lines, f"Content-Length: {len(_SMALL)}\r\n") + _SMALL


def _slowly(request: bytes) -> Iterator[bytes]:
    return (request[at : at + 1] for at in range(len(request)))


def _header_lines(number: int) -> Iterator[bytes]:
    yield head("/predict", _JSON).removesuffix(b"\r\n")
    # 144 MB on one connection, and then it waits.
    for first in range(144):
        yield b"".join(b"x-%d-%d-%d: %b\r\n" % (number, first, each, b"a" * 1000) for each in range(1000))


def _large_body(path: str, *lines: str, kept_back: int = 0) -> Iterator[bytes]:
    body = BODY - kept_back
    yield head(path, _JSON, *lines, f"Content-Length: {BODY}\r\n")
    yield from repeat(_PART, body // len(_PART))
    yield _PART[: body % len(_PART)]


def _chunked(part: bytes) -> Iterator[bytes]:
    return chain([head("/predict", _JSON, "Transfer-Encoding: chunked\r\n")], repeat(part))


def _trailers() -> Iterator[bytes]:
    yield head("/predict", _JSON, "Transfer-Encoding: chunked\r\n") + b"0\r\n"
    yield from repeat(b"x-trailer: %b\r\n" % (b"a" * 16_000))


def _differing(number: int) -> Iterator[bytes]:
    drawn = random.Random(number)  # noqa: S311
    for each in count():
        keys = (f"Authorization: Bearer {drawn.randbytes(2000).hex()}\r\n", f"X-Request-Id: {number}-{each}\r\n")
        yield small(f"/predict?{each}", *keys)


def _unknown_paths(number: int) -> Iterator[bytes]:
    return (head(f"/{number}/{each}/{'a' * 4000}", method="GET") for each in count())


def _random(number: int) -> Iterator[bytes]:
    drawn = random.Random(number)  # noqa: S311
    yield b"POST /predict HTTP/1.1\r\n" if number % 2 else b""
    while True:
        yield drawn.randbytes(16_384)


_FLOOD = b"".join([small("/predict"), small(_INFER), small("/invocations"), small("/feedback")] * 16)
_OPEN = b"".join(head(path, method="GET") for path in ("/v2/health/live", "/v2/health/ready", "/ping", "/health")) * 16
_LARGE_ANSWERS = b"".join(head(path, method="GET") for path in ("/openapi.json", "/docs", f"/v2/models/{MODEL}")) * 16

KINDS = (
    Kind("idle", "nothing", lambda _: ()),
    Kind("slow head", "a head, a byte each 50 ms", lambda _: _slowly(small("/predict")), pause=0.05),
    Kind(
        "one line", "a head with one line that does not end", lambda _: chain([b"GET / HTTP/1.1\r\nx: "], repeat(_PART))
    ),
    Kind("header lines", "a head with 144 MB of lines", _header_lines),
    Kind("long path", "a path that does not end", lambda _: chain([b"GET /"], repeat(b"a" * 65536))),
    Kind("body", "16 MB of a body, again and again", lambda _: _large_body("/predict")),
    Kind("body held", "16 MB of a body, without its last byte", lambda _: _large_body(_INFER, kept_back=1)),
    Kind(
        "body expected",
        "Expect: 100-continue and 16 MB without the last byte",
        lambda _: _large_body("/predict", "Expect: 100-continue\r\n", kept_back=1),
    ),
    Kind(
        "body upgraded",
        "Upgrade: h2c and 16 MB without the last byte",
        lambda _: _large_body("/predict", "Connection: Upgrade\r\nUpgrade: h2c\r\n", kept_back=1),
    ),
    Kind("body elsewhere", "16 MB for a path that there is not", lambda _: _large_body("/nowhere", kept_back=1)),
    Kind("chunks", "a chunked body that does not end", lambda _: _chunked(b"10000\r\n" + _PART + b"\r\n")),
    Kind("small chunks", "chunks of one byte", lambda _: _chunked(b"1\r\na\r\n" * 4096)),
    Kind("extensions", "a chunk's extension that does not end", lambda _: chain(_first_extension(), repeat(_PART))),
    Kind("trailers", "trailers that do not end", lambda _: _trailers()),
    Kind("pipelined", "refused predictions, pipelined", lambda _: repeat(_FLOOD)),
    Kind("pipelined, not read", "the same, and no answer is read", lambda _: repeat(_FLOOD), reads=False),
    Kind("probes", "health checks, pipelined", lambda _: repeat(_OPEN)),
    Kind("probes, not read", "the same, and no answer is read", lambda _: repeat(_OPEN), reads=False),
    Kind("large answers", "/openapi.json, /docs and metadata, pipelined", lambda _: repeat(_LARGE_ANSWERS)),
    Kind("large answers, not read", "the same, and none is read", lambda _: repeat(_LARGE_ANSWERS), reads=False),
    Kind("scrapes", "/metrics, pipelined", lambda _: repeat(head("/metrics", method="GET") * 16)),
    Kind("differing", "refused predictions, each with another head and key", _differing),
    Kind("unknown paths", "requests for paths that there are not", _unknown_paths),
    Kind("come and go", "one refused prediction a connection", lambda _: [small("/predict", "Connection: close\r\n")]),
    Kind("random", "random bytes, half of them after a request line", _random),
)


def _first_extension() -> list[bytes]:
    return [head("/predict", _JSON, "Transfer-Encoding: chunked\r\n") + b"1;"]
