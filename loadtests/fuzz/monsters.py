"""Bodies with too much of something: depth, rows, names, digits, sizes, or bytes once they are unpacked. Pure.

Each is a kind of its own in the report, since each takes another part of the server's time and memory.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from functools import cache

import orjson

_SIZES = (b"1", b"0", b"-1", b"1000000000000000000", b"9223372036854775807", b"18446744073709551616", b"1e300", b"0.5")
_TIMES = (
    b"9999-12-31T23:59:59-05:00", b"0001-01-01T00:00:00+10:00", b"-0001-01-01T00:00:00Z", b"99999-01-01", b"2013-02-30",
    b"1677-09-21T00:12:43Z", b"2262-04-11T23:47:17Z", b"2013-06-31T24:00:00Z", b"2013-01-01T00:00:00+99:99",
)  # fmt: skip
# Of other scripts, and what Python takes for a number but JSON does not.
_DIGITS = (
    rb"\u0661\u0662", rb"\uff11\uff12", rb"\u0967", rb"\ud835\udfd9", rb"\u2167", rb"\u00b2", rb"\u0663.\u0665",
    b"1_000",
    b"0x10", b"1e5", b"+1", b" 1", rb"1\u2009000",
)  # fmt: skip
_IDS = (
    b"ffffffff-ffff-ffff-ffff-ffffffffffff", b"ffffffff-ffff-7fff-bfff-ffffffffffff",
    b"00000000-0000-7000-8000-000000000000",
    b"x" * 1000, b"\\u0000", b"\\ud800", b"\xc3\xa9" * 500,
)  # fmt: skip

Monster = Callable[[random.Random, int], bytes]
"""A body of about so many bytes."""


def _tensor(shape: bytes, name: bytes = b"carrier", data: bytes = b"1") -> bytes:
    return b'{"inputs":[{"name":"%s","shape":[%s],"datatype":"INT64","data":[%s]}]}' % (name, shape, data)


def _shape(rng: random.Random, many: int) -> bytes:
    size = rng.choice(_SIZES)
    return _tensor(b",".join([size] * (many // (len(size) + 1) + 1)))


def _one_row(rng: random.Random, name: bytes, value: bytes) -> bytes:
    return rng.choice([
        b'{"rows":[{"%s":%s}]}', b'{"instances":[{"%s":%s}]}', b'{"dataframe_records":[{"%s":%s}]}',
    ]) % (name, value)  # fmt: skip


def _ids(rng: random.Random, many: int) -> bytes:
    item = b'{"id":"%s","label":1}' % rng.choice(_IDS)
    return b"[" + b",".join([item] * (many // len(item) + 1)) + b"]"


MONSTERS: dict[str, Monster] = {
    "brackets without an end": lambda _, n: b"[" * n,
    "deep lists": lambda _, n: b'{"rows":' + b"[" * (n // 2) + b"]" * (n // 2) + b"}",
    "deep objects": lambda _, n: b'{"a":' * (n // 6) + b"1" + b"}" * (n // 6),
    "a deep value": lambda rng, n: _one_row(rng, b"carrier", b"[" * min(n // 2, 1000) + b"]" * min(n // 2, 1000)),
    "empty rows": lambda _, n: b'{"rows":[' + b",".join([b"{}"] * (n // 3)) + b"]}",
    "many keys": lambda _, n: b"{" + b",".join(b'"k%d":1' % k for k in range(n // 10)) + b"}",
    "many columns": lambda _, n: b'{"rows":[{' + b",".join(b'"k%d":1' % k for k in range(n // 10)) + b"}]}",
    "rows with columns of their own": lambda _, n: (
        b'{"rows":[' + b",".join(b'{"k%d":1}' % k for k in range(n // 12)) + b"]}"
    ),
    "many tensors": lambda _, n: (
        b'{"inputs":['
        + b",".join([b'{"name":"x","shape":[1],"datatype":"FP64","data":[1]}'] * (n // 50))
        + b"]}"
    ),
    "many outputs": lambda _, n: (
        b'{"inputs":[],"outputs":[' + b",".join(b'{"name":"o%d"}' % k for k in range(n // 14)) + b"]}"
    ),
    "a long shape": _shape,
    "a huge size": lambda rng, _: _tensor(b"%s,%s" % (rng.choice(_SIZES), rng.choice(_SIZES))),
    "a long name": lambda _, n: _tensor(b"1", b"x" * n),
    "a long column": lambda rng, n: _one_row(rng, b"carrie" + b"r" * n, b"1"),
    "a name like a column": lambda rng, n: _one_row(rng, b"distance" * (n // 8), b"1"),
    "a long text": lambda rng, n: _one_row(rng, b"carrier", b'"' + b"x" * n + b'"'),
    "a long number": lambda rng, n: _one_row(rng, b"distance", b"9" * n),
    "a long fraction": lambda rng, n: _one_row(rng, b"delay", b"0." + b"1" * n),
    "a long exponent": lambda rng, n: _one_row(rng, b"delay", b"1e" + b"9" * n),
    "escapes": lambda rng, n: _one_row(rng, b"carrier", b'"' + b"\\u00e9" * (n // 6) + b'"'),
    "ends of the calendar": lambda rng, _: _one_row(rng, b"distance", b'"%s"' % rng.choice(_TIMES)),
    "other digits": lambda rng, _: rng.choice([
        _one_row(rng, b"distance", b'"%s"' % rng.choice(_DIGITS)),
        b"carrier,distance,delay,weekend\nAA,%s,1,true\n" % orjson.loads(b'"%s"' % rng.choice(_DIGITS)).encode(),
    ]),
    "strange ids": lambda rng, _: _ids(rng, 1),
    "many strange ids": _ids,
    "a wide table": lambda _, n: b",".join([b"a"] * (n // 4)) + b"\n" + b",".join([b"1"] * (n // 4)) + b"\n",
    "a long table": lambda _, n: b"carrier,distance,delay,weekend\n" + b"AA,1,2,true\n" * (n // 12),
    "a cell of quotes": lambda _, n: b'carrier,distance\n"' + b'""' * (n // 2),
    "a bare value": lambda rng, n: rng.choice([b"1", b"null", b'"x"', b"", b"\xef\xbb\xbf{}", b" " * n]),
}  # fmt: skip


@cache
def _blanks(size: int) -> bytes:
    return gzip.compress(b" " * size, 6, mtime=0)


def packed(rng: random.Random, body: bytes, most: int) -> tuple[str, bytes, int]:
    """What is sent with `Content-Encoding: gzip`, which kind it is, and how many bytes it is once unpacked, at most."""
    fine = gzip.compress(body, 1, mtime=0)
    match rng.randrange(5):
        case 0:
            return "gzip: a bomb", _blanks(most * 2), most
        case 1:
            return "gzip: a bomb in members", _blanks(2**20) * (2 * most // 2**20), most
        case 2:
            return "gzip: cut", fine[: rng.randrange(len(fine))], len(body)
        case 3:
            return "gzip: garbage behind", fine + b"x" * 1000, len(body)
        case _:
            return "gzip: a lie", body, len(body)
