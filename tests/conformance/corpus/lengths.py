"""Where a body ends: `Content-Length`, once, several times, and beside `Transfer-Encoding`."""

from __future__ import annotations

from . import reasons
from .stream import CHUNKED, HOST, LENGTH, NINE, ONE, SMUGGLED, Stream, get, head, post

POST = "POST /predict HTTP/1.1"
REFUSED = "400 closed"
CHUNKS = "Transfer-Encoding: chunked"
HIDDEN = b"0\r\n\r\n" + SMUGGLED


def _one(name: str, *headers: str | bytes, content: bytes = ONE) -> tuple[str, tuple[bytes, ...]]:
    return name, (head(POST, HOST, *headers) + content,)


STREAMS = (
    Stream("a length and its body", (post(),), "9112 6.2", "200=3 open"),
    Stream("a length and its body, and another", (post() + post(content=NINE),), "9112 6.2", "200=3 200=19 open"),
    Stream("no length", (head(POST, HOST),), "9112 6.3", "400 open | 411 open"),
    Stream("no length, and bytes that look like a body", (head(POST, HOST) + ONE,), "9112 6.3", "400 400 closed",
           h11="400 waiting", why=reasons.NO_METHOD),
    Stream(*_one("two lengths that are the same", LENGTH, LENGTH), "9110 8.6", "400 closed | 200=3 open",
           h11="200=3 open", why=reasons.SAME_LENGTHS),
    Stream(*_one("two lengths that differ", LENGTH, "Content-Length: 1"), "9112 6.3", REFUSED),
    Stream(*_one("two lengths that differ, the longer last", "Content-Length: 0", LENGTH), "9112 6.3", REFUSED),
    Stream(
        *_one("two lengths, the second hides a request", "Content-Length: 0", f"Content-Length: {len(SMUGGLED)}",
              content=SMUGGLED), "9112 6.3", REFUSED,
    ),
    Stream(*_one("a list of two lengths that are the same", "Content-Length: 17, 17"), "9110 8.6",
           "400 closed | 200=3 open", h11="200=3 open", why=reasons.SAME_LENGTHS),
    Stream(*_one("a list of two lengths that differ", "Content-Length: 17, 1"), "9112 6.3", REFUSED),
    Stream(*_one("an empty length", "Content-Length:"), "9112 6.3", REFUSED),
    Stream(*_one("a negative length", "Content-Length: -17"), "9112 6.3", REFUSED),
    Stream(*_one("a length with a plus", "Content-Length: +17"), "9112 6.3", REFUSED),
    Stream(*_one("a length in hexadecimal", "Content-Length: 0x11"), "9112 6.3", REFUSED),
    Stream(*_one("a length with a point", "Content-Length: 17.0"), "9112 6.3", REFUSED),
    Stream(*_one("a length with an exponent", "Content-Length: 1e1"), "9112 6.3", REFUSED),
    Stream(*_one("a length with an underscore", "Content-Length: 1_7"), "9112 6.3", REFUSED),
    Stream(*_one("a length with zeros in front", "Content-Length: 00017"), "9110 8.6", "200=3 open | 400 closed"),
    Stream(*_one("a length with a space within", "Content-Length: 1 7"), "9112 6.3", REFUSED),
    Stream(*_one("a length between tabs", "Content-Length:\t17\t"), "9110 5.6.3", "200=3 open"),
    Stream(*_one("a length in Arabic digits", b"Content-Length: \xd9\xa1\xd9\xa7"), "9112 6.3", REFUSED),
    Stream(*_one("a length with a superscript", b"Content-Length: 1\xb9"), "9112 6.3", REFUSED),
    Stream(*_one("a length of 20 digits", "Content-Length: " + "9" * 20), "9112 6.3", "400 closed | 413 closed",
           h11="waiting", why=reasons.LONG_LENGTH),
    Stream(*_one("a length of 2**64 + 17", f"Content-Length: {2**64 + 17}"), "9112 6.3", "400 closed | 413 closed",
           h11="waiting", why=reasons.LONG_LENGTH),
    Stream(*_one("a length of 5,000 digits", "Content-Length: " + "1" * 5000), "9112 6.3", "400 closed | 413 closed"),
    Stream(*_one("a length above the limit", f"Content-Length: {17 * 2**20}"), "9110 15.5.14",
           "413 closed | 413 waiting", ours="413 waiting",
           h11="waiting", why=reasons.BODY),
    Stream("a length on GET, with a body", (head("GET /ping HTTP/1.1", HOST, LENGTH) + ONE,), "9110 9.3.1",
           "200 open"),
    Stream("a length on GET, whose body is a request",
           (head("GET /ping HTTP/1.1", HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,), "9112 6.3", "200 open"),
    Stream("a length on HEAD, whose body is a request",
           (head("HEAD /ping HTTP/1.1", HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,), "9112 6.3",
           "200 open", bodiless=(0,)),
    Stream("a length on an unknown path, whose body is a request",
           (head("POST /none HTTP/1.1", HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,), "9112 6.3",
           "404 open"),
    Stream("a length on a wrong method, whose body is a request",
           (head("PUT /predict HTTP/1.1", HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,), "9112 6.3",
           "405 open"),
    Stream("a body that ends early", (head(POST, HOST, LENGTH) + ONE[:-1],), "9112 6.3", "408 closed", h11="waiting",
           why=reasons.TIME),
    Stream(*_one("length and chunked", LENGTH, CHUNKS, content=CHUNKED), "9112 6.3", "400 closed | 200=3 closed",
           h11="200=3 open", why=reasons.BOTH),
    Stream(*_one("chunked and length", CHUNKS, LENGTH, content=CHUNKED), "9112 6.3", "400 closed | 200=3 closed",
           h11="200=3 open", why=reasons.BOTH),
    Stream(*_one("length and chunked, CL.TE smuggling", f"Content-Length: {len(HIDDEN)}", CHUNKS,
                 content=HIDDEN), "9112 11.2", "400 closed", h11="400 200=19 open", why=reasons.BOTH),
    Stream(*_one("length and chunked, TE.CL smuggling", "Content-Length: 4", CHUNKS,
                 content=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), "9112 11.2", "400 closed",
           h11="400 open", why=reasons.BOTH),
    Stream(*_one("length and an unknown encoding", LENGTH, "Transfer-Encoding: xchunked"), "9112 6.1",
           "400 closed | 501 closed"),
    Stream("length and chunked in HTTP/1.0",
           (head("POST /predict HTTP/1.0", LENGTH, CHUNKS) + CHUNKED,), "9112 6.1", "400 closed", h11="200=3 closed",
           why=reasons.BOTH),
    Stream("a length after which the client closes", (post("Connection: close") + get(),), "9112 9.6", "200=3 closed"),
)  # fmt: skip
