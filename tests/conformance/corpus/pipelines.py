"""Several requests in one go."""

from __future__ import annotations

from . import reasons
from .stream import CHUNKED, HOST, ONE, Stream, body, chunks, get, head, post

HEAD = head("HEAD /ping HTTP/1.1", HOST)
REFUSED = post(content=b'{"rows": [["x"]]}')


def _posts(*values: float) -> bytes:
    return b"".join(post(content=body(value)) for value in values)


MIXED = get() + _posts(1, 2) + REFUSED + HEAD + chunks(CHUNKED) + get("/none") + _posts(4)
"""Of every kind; the one that is cut at every byte."""
MIXED_ANSWER = "200 200=3 200=5 400 200 200=3 404 200=9 open"

STREAMS = (
    Stream("two predictions", (_posts(1, 2),), "9112 9.3.2", "200=3 200=5 open"),
    Stream("five predictions", (_posts(1, 2, 3, 4, 5),), "9112 9.3.2", "200=3 200=5 200=7 200=9 200=11 open"),
    Stream("100 predictions", (_posts(*([1, 2] * 50)),), "9112 9.3.2", "200=3 200=5 " * 50 + "open"),
    Stream("a probe, then a prediction", (get() + _posts(1),), "9112 9.3.2", "200 200=3 open"),
    Stream("a prediction, then a probe", (_posts(1) + get(),), "9112 9.3.2", "200=3 200 open"),
    Stream("a refused one between two", (_posts(1) + REFUSED + _posts(2),), "9112 9.3.2", "200=3 400 200=5 open"),
    Stream("HEAD between two", (_posts(1) + HEAD + _posts(2),), "9112 9.3.2", "200=3 200 200=5 open", bodiless=(1,)),
    Stream("one of each kind", (MIXED,), "9112 9.3.2", MIXED_ANSWER, bodiless=(4,)),
    Stream("one that closes between two", (_posts(1) + post("Connection: close") + _posts(2),), "9112 9.6",
           "200=3 200=3 closed"),
    Stream("HTTP/1.0 between two", (_posts(1) + head("GET /ping HTTP/1.0") + _posts(2),), "9112 9.3",
           "200=3 200 closed"),
    Stream("garbage behind a prediction", (_posts(1) + b"\0\1\2\r\n\r\n",), "9112 9.3.2", "200=3 400 closed"),
    Stream("garbage behind a probe", (get() + b"\0\1\2\r\n\r\n",), "9112 9.3.2", "200 400 closed"),
    Stream("garbage behind three probes", (get() * 3 + b"\0\1\2\r\n\r\n",), "9112 9.3.2", "200 200 200 400 closed"),
    Stream("half a request behind a prediction", (_posts(1) + _posts(2)[:-5],), "9112 9.3.2", "200=3 408 closed",
           h11="200=3 waiting", why=reasons.TIME),
    Stream("half a head behind a probe", (get() + get()[:-5],), "9112 9.3.2", "200 408 closed", h11="200 waiting",
           why=reasons.TIME),
    Stream("bytes behind the body", (_posts(1) + b"xyz",), "9112 6.3", "200=3 400 closed | 200=3 408 closed",
           h11="200=3 waiting", why=reasons.NO_METHOD),
    Stream("GET without a length, with a body", (get() + ONE,), "9112 6.3", "200 400 closed | 200 408 closed",
           h11="200 waiting", why=reasons.NO_METHOD),
)  # fmt: skip
