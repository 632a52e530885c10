"""What is done to a valid request: to its JSON, to its bytes, to its head, and by a client that behaves badly. Pure.

Each function takes the generator of the case and returns other bytes; none of them knows the protocol that it breaks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import orjson

from .requests import Request

# As they stand in JSON; several are none.
VALUES = (
    b"null", b"true", b"-0", b"1e999", b"-1e-999", b"NaN", b"-Infinity", b"9" * 400, b"1" * 5000, b"0x10", b"01",
    b"1e5", b"18446744073709551616", b"-9223372036854775809", b"2147483648", b"[]", b"{}", b'""', b'"\\u0000"',
    b'"\\ud800"', b'"\xff\xfe"', b"[[[]]]", b"[null]", b'{"a":{"b":[]}}', b"'x'", b'"' + b"x" * 100_000 + b'"',
    b'"2013-02-30"', b'"9999-12-31T23:59:59Z"', b'"-00:00"', b"0.1e", b'"\xc3\xa9\xf0\x9f\x92\xa9"',
)  # fmt: skip
TYPES = (
    b"text/plain", b"application/xml", b"application/json; charset=latin-1", b"application/json; charset=\xff",
    b"", b";", b"application/octet-stream", b"text/csv", b"multipart/form-data", b"application/json;charset=\"utf-8",
    b"a" * 5000,
)  # fmt: skip
METHODS = (
    b"GET",
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"BREW",
    b"post",
    b"P\0ST",
    b"",
)
PATHS = (
    b"/v2/models/none/infer", b"/v2/models//infer", b"/v2/models/%00/infer", b"/v2/models/%ff%fe/infer", b"/..//../etc",
    b"/v2/models/a/versions/9/infer", b"/v2/repository/index", b"/%", b"/%zz", b"*", b"http://other/predict", b"/\xff",
    b"/predict?" + b"x=1&" * 500, b"/predict/", b"//predict", b"/" + b"a" * 70_000, b"/v1/models/:predict", b"?", b"",
    b"/v2/models/none/versions/%0a/stats", b"/docs/..%2f..", b"/feedback#x", b"/metrics?name[]=%00",
)  # fmt: skip
HEADERS = (
    (b"X-Request-Id", b"\x01\x02"), (b"X-Request-Id", b"x" * 10_000), (b"Tenfold-Event-Time", b"yesterday"),
    (b"Tenfold-Event-Time", b"9" * 300), (b"Content-Encoding", b"gzip"), (b"Content-Encoding", b"\xff"),
    (b"Expect", b"200-ok"), (b"Authorization", b"Bearer \xff\x80"), (b"Upgrade", b"h2c"), (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade, HTTP2-Settings"), (b"Accept", b"image/png"), (b"Inference-Header-Content-Length", b"5"),
    (b"Inference-Header-Content-Length", b"-1"), (b"Inference-Header-Content-Length", b"9" * 30), (b"Host", b""),
    (b"Inference-Header-Content-Length", "\u0663".encode()), (b"X-Large", b"y" * 70_000), (b"Bad Name", b"1"),
    (b"Content-Length", b"-5"), (b"Content-Length", b"1e3"), (b"Content-Length", b"9" * 25), (b"Content-Length", b""),
    (b"Transfer-Encoding", b"gzip"), (b"Transfer-Encoding", b"chunked, chunked"), (b"Range", b"bytes=0-"), (b"", b"x"),
    (b"Content-Type", b"application/json\r\n folded: 1"), (b"Null", b"\0"), (b"If-Match", b"*"),
)  # fmt: skip


def value(rng: random.Random, body: bytes) -> bytes:
    """One value of a JSON document replaced by a strange one."""
    document = _parsed(body)
    if document is None:
        return garbled(rng, body)
    holder, key = rng.choice(_places(document))
    holder[key] = _MARK
    return orjson.dumps(document).replace(orjson.dumps(_MARK), rng.choice(VALUES), 1)


def structure(rng: random.Random, body: bytes) -> bytes:
    """A part of a JSON document lost, renamed, added, doubled, or put elsewhere."""
    document = _parsed(body)
    if document is None:
        return cut(rng, body)
    holder, key = rng.choice(_places(document))
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(["unknown", "", "\0", "é", "x" * 1000])] = holder.pop(key)
        case 2:
            holder[key] = [holder[key]] * rng.choice([0, 2, 50])
        case 3:
            other, place = rng.choice(_places(document))
            other[place] = orjson.loads(orjson.dumps(holder[key]))
        case _:
            holder[key] = {"unknown": holder[key]}
    return orjson.dumps(document)


def cut(rng: random.Random, body: bytes) -> bytes:
    """Truncated, or with a hole."""
    start, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return body[:start] if rng.random() < 0.5 else body[:start] + body[end:]


def garbled(rng: random.Random, body: bytes) -> bytes:
    """Some bytes flipped, inserted or swapped."""
    garbled = bytearray(body or b"x")
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(len(garbled))
        match rng.randrange(3):
            case 0:
                garbled[at] ^= 1 << rng.randrange(8)
            case 1:
                garbled[at:at] = rng.choice([b"\0", b"\xff", b'"', b"{", b"]", b",", b"\r\n", b"\xed\xa0\x80", b"\\u"])
            case _:
                garbled[at] = rng.randrange(256)
    return bytes(garbled)


def tensors(rng: random.Random, document: dict[str, Any], data: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """An inference in bytes whose parts disagree."""
    tensor = rng.choice(document["inputs"])
    at = rng.randrange(len(data)) if data else 0
    match rng.randrange(6):
        case 0:
            tensor["shape"] = rng.choice(
                [[], [0], [-1], [2**40], [1, 2, 3], ["1"], None, [1.5], [2**63, 2], [10**18] * 1000]
            )
        case 1:
            tensor["datatype"] = rng.choice(["FP16", "BF16", "UINT8", "INT64", "BYTES", "BOOL", "FP128", "", None, 3])
        case 2:
            size = rng.choice([0, -1, 1, 2**31, 2**63, "8", 1.5, True, None])
            tensor.setdefault("parameters", {})["binary_data_size"] = size
        case 3 if data:
            data[at] = garbled(rng, data[at])
        case 4 if data:
            data[at] = cut(rng, data[at])
        case _:
            tensor["name"] = rng.choice(["", "unknown", None, "input"])
    return document, data


def head(rng: random.Random, request: Request) -> Request:
    """Another method, path, type, or a header too many."""
    match rng.randrange(4):
        case 0:
            return replace(request, method=rng.choice(METHODS))
        case 1:
            return replace(request, path=rng.choice(PATHS))
        case 2:
            return replace(request, headers=((b"Content-Type", rng.choice(TYPES)), *request.headers[1:]))
        case _:
            return replace(request, headers=(*request.headers, rng.choice(HEADERS)))


def framing(rng: random.Random, request: Request) -> bytes:
    """A request that is no HTTP, or says two things about its length."""
    raw, body = request.raw(), request.body
    length = str(len(body)).encode()
    two = request.head((b"Content-Length", length), (b"Transfer-Encoding", b"chunked"))
    return rng.choice([
        lambda: garbled(rng, raw[: raw.index(b"\r\n\r\n")]) + b"\r\n\r\n" + body,
        lambda: raw.replace(b"HTTP/1.1", rng.choice([b"HTTP/9.9", b"HTTP/1.", b"http/1.1", b"HTTP/2.0", b"XTTP/1.1"])),
        lambda: raw.replace(b"\r\n", b"\n"),
        lambda: raw.replace(b"Host: fuzz\r\n", b""),
        lambda: two + body,
        lambda: two + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        lambda: request.head((b"Content-Length", length), (b"Content-Length", b"1")) + body,
        lambda: request.head((b"Transfer-Encoding", b"chunked")) + b"zz\r\n" + body,
        lambda: request.head((b"Transfer-Encoding", b"chunked")) + b"ffffffffffffffffff\r\n" + body,
        lambda: request.head((b"Transfer-Encoding", b"chunked")) + b"1;" + b"x" * 70_000 + b"\r\n" + body,
        lambda: request.head(*[(b"X-%d" % n, b"y" * 100) for n in range(2000)]),
        lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(rng.randrange(256) for _ in range(200)),
        lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body,
        lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))) + b"\r\n\r\n",
    ])()  # fmt: skip


_MARK = "\x01here\x01"
_Place = tuple[Any, Any]


def _parsed(body: bytes) -> Any:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict | list) and document else None


def _places(document: Any) -> list[_Place]:
    """Every value of a document, as what holds it and where."""
    found: list[_Place] = []
    waiting: list[Any] = [document]
    while waiting:
        holder = waiting.pop()
        items = (
            cast("dict[Any, Any]", holder).items() if isinstance(holder, dict) else enumerate(cast("list[Any]", holder))
        )
        for key, value in list(items):
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


Break = Callable[[random.Random, bytes], bytes]
BODIES: dict[str, Break] = {
    "a strange value": value, "another structure": structure, "cut": cut, "garbled": garbled,
}  # fmt: skip
