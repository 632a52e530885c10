"""Streams of bytes that are nearly HTTP/1.1: each part of a request is one that servers are known to disagree about.

The same classes as in `tests/conformance/corpus`, which says what is right for each; here they are mixed at random, cut
anywhere and followed by anything. Pure.
"""

from __future__ import annotations

import random

from .requests import Request

_FIRST = (b"", b"", b"", b"", b"\r\n", b"\n", b"\r", b" ", b"\r\n\r\n", b"\0")
_VERSIONS = (
    *(b"HTTP/1.1",) * 8,
    *(b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.1x", b"http/1.1", b"HTTP/1", b""),
)
_METHODS = (*(b"POST",) * 8, b"GET", b"HEAD", b"OPTIONS", b"CONNECT", b"PRI", b"BREW", b"post", b"TRACE")
_HOSTS = (*((b"Host: a",),) * 8, (), (b"Host: a", b"Host: b"), (b"Host:",), (b"Host: a/b",), (b"Host : a",))
_CODINGS = (
    *(b"chunked",) * 4,
    *(b"gzip, chunked", b"chunked, chunked", b"xchunked", b"identity", b"", b",chunked", b"chunked;a", b"\x0bchunked"),
)
_UPGRADES = (
    *((),) * 4,
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Connection: upgrade, close", b"Upgrade: foo/1"),
    (b"Upgrade: TLS/1.0",),
)
_EXPECTS = (*((),) * 4, (b"Expect: 100-continue",), (b"Expect: 200-ok",), (b"Expect: 100-continue, foo",))
_ODD_FIELDS = (
    b"X-A : b", b": b", b"X-A", b"X-A: b\r\n c", b" X-A: b", b"X\0A: b", b"X-A: b\0c", b"X-A: b\nX-C: d", b"X-A: b\rc",
    b"X-\xc3\xa9: \xff", b"Content-Length: 0", b"Content-Length: 1", b"Transfer-Encoding: chunked",
    b"Content_Length: 0",
    b"Connection: close", b"Connection: keep-alive", b"Trailer: Content-Length", b"Authorization: Bearer \xff",
)  # fmt: skip
_LENGTHS = (b"%d", b"%d", b"%d", b"+%d", b"-%d", b"0x%x", b"%d, %d", b"00%d", b"%d0", b"%d.0", b" %d ", b"1e%d")
_SIZES = (
    b"%x",
    b"%x",
    b"%x",
    b"%X",
    b"0x%x",
    b"-%x",
    b"+%x",
    b" %x",
    b"%x ",
    b"000000000000000000%x",
    b"%x;a=b",
    b"%x;\n",
)
_BEHIND = (b"", b"", b"", b"xyz", b"\0\1\r\n\r\n", b"0\r\n\r\n", b"\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_LINE_ENDS = (*(b"\r\n",) * 10, b"\n", b"\r")


def stream(rng: random.Random, request: Request) -> tuple[bytes, ...]:
    """Segments of such a stream; `request` is what a part of them is about."""
    end = rng.choice(_LINE_ENDS)
    line = b"%s %s %s" % (rng.choice(_METHODS), _target(rng, request.path), rng.choice(_VERSIONS))
    fields = [*rng.choice(_HOSTS), *rng.choice(_UPGRADES), *rng.choice(_EXPECTS)]
    body = request.body
    if rng.random() < 0.5:
        fields.append(b"Transfer-Encoding: " + rng.choice(_CODINGS))
        body = _chunks(rng, body)
    if rng.random() < 0.6:
        length = rng.choice(_LENGTHS)
        fields.append(b"Content-Length: " + length % ((len(body),) * length.count(b"%")))
    if rng.random() < 0.5:
        fields.append(rng.choice(_ODD_FIELDS))
    rng.shuffle(fields)
    behind = request.raw() if rng.random() < 0.3 else rng.choice(_BEHIND)
    whole = rng.choice(_FIRST) + end.join([line, *fields, b"", b""]) + body + behind
    cuts = sorted(rng.randrange(len(whole) + 1) for _ in range(rng.choice([0, 0, 1, 2])))
    return tuple(whole[at:to] for at, to in zip([0, *cuts], [*cuts, len(whole)], strict=True))


def large(rng: random.Random, request: Request) -> tuple[str, bytes]:
    """What a head or the framing of a body may have too much of, and a request with that."""
    many = rng.choice([100_000, 1_000_000])
    chunked = request.head((b"Transfer-Encoding", b"chunked"))
    whole = b"%x\r\n%s\r\n0\r\n" % (len(request.body), request.body)
    return rng.choice([
        lambda: ("one field", request.head((b"X-Long", b"x" * many)) + request.body),
        lambda: ("many fields", request.head(*[(b"X-%d" % n, b"y") for n in range(many // 10)])),
        lambda: ("a name", request.head((b"x" * many, b"y"))),
        lambda: ("a target", b"GET /" + b"x" * many + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        lambda: ("a path of slashes", b"GET " + b"/" * many + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        lambda: ("a path of percents", b"GET /" + b"%25" * (many // 3) + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        lambda: ("a head without an end", b"GET / HTTP/1.1\r\nX: " + b"x" * many),
        lambda: ("empty lines", b"\r\n" * (many // 2) + request.raw()),
        lambda: ("an extension", chunked + b"1;" + b"x" * many + b"\r\n" + request.body),
        lambda: ("a trailer", chunked + whole + b"X-Long: " + b"x" * many + b"\r\n\r\n"),
        lambda: ("many trailers", chunked + whole + b"X: y\r\n" * (many // 6) + b"\r\n"),
        lambda: ("chunks of a byte", chunked + b"1\r\nx\r\n" * (many // 6) + b"0\r\n\r\n"),
        lambda: ("a query", request.raw().replace(b" HTTP/1.1", b"?" + b"a=b&" * (many // 4) + b" HTTP/1.1", 1)),
        lambda: ("a refused body", request.raw().replace(request.path, b"/none", 1).replace(
            b"Content-Length: %d" % len(request.body), b"Content-Length: %d" % many) + b"x" * many),
    ])()  # fmt: skip


def _target(rng: random.Random, path: bytes) -> bytes:
    return rng.choice([
        lambda: path, lambda: path, lambda: path, lambda: path, lambda: path + b"%0A", lambda: path + b"%00",
        lambda: path + b"/", lambda: b"/" + path, lambda: b"http://a" + path, lambda: b"http://a", lambda: b"*",
        lambda: path + b";a=b", lambda: path + b"?a=b", lambda: b"/x/%2e%2e" + path, lambda: path.replace(b"/", b"%2f"),
        lambda: path + b"\xc3\xa9", lambda: path + b"#a", lambda: path + b"%ff", lambda: path[1:], lambda: b"",
    ])()  # fmt: skip


def _chunks(rng: random.Random, body: bytes) -> bytes:
    size = rng.randint(1, max(1, len(body)))
    parts = [body[at : at + size] for at in range(0, len(body), size)][:200]
    written = [
        b"%s\r\n%s%s" % (rng.choice(_SIZES) % len(p), p, rng.choice([*(b"\r\n",) * 9, b"\n", b""])) for p in parts
    ]
    trailers = rng.choice([b"", b"", b"X-Sum: 1\r\n", b"Content-Length: 5\r\n", b"nothing\r\n", b": x\r\n"])
    return b"".join(written) + rng.choice([b"0\r\n", b"0\r\n", b"000\r\n", b""]) + trailers + b"\r\n"
