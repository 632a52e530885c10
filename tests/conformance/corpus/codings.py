"""Bodies in chunks, and every other `Transfer-Encoding`."""

from __future__ import annotations

from . import reasons
from .stream import CHUNKED, HOST, ONE, SMUGGLED, Stream, chunks, head

POST = "POST /predict HTTP/1.1"
REFUSED = "400 closed"
UNKNOWN = "400 closed | 501 closed"
LAST = "0\r\n\r\n"
SIZE = f"{len(ONE):x}\r\n"
MILLION = "x" * 2**20


def _coded(name: str, *codings: str | bytes, content: bytes = CHUNKED) -> tuple[str, tuple[bytes, ...]]:
    return name, (head(POST, HOST, *codings) + content,)


STREAMS = (
    Stream("one chunk", (chunks(CHUNKED),), "9112 7.1", "200=3 open"),
    Stream("a chunk a byte", (chunks(*(b"1\r\n%c\r\n" % byte for byte in ONE), LAST),), "9112 7.1", "200=3 open"),
    Stream("the last chunk in a segment of its own", (chunks(CHUNKED[:-5]), CHUNKED[-5:]), "9112 7.1", "200=3 open"),
    Stream("a size in capitals, zeros in front", (chunks("0011\r\n", ONE, "\r\n", LAST),), "9112 7.1", "200=3 open"),
    Stream("the last size of many zeros", (chunks(SIZE, ONE, "\r\n", "0" * 12, "\r\n\r\n"),), "9112 7.1",
           "200=3 open"),
    Stream("a size of 17 digits", (chunks("0" * 15 + "11\r\n", ONE, "\r\n", LAST),), "9112 7.1",
           "200=3 open | 400 closed"),
    Stream("a size of 2**64 + 17", (chunks("10000000000000011\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED,
           h11="waiting", why=reasons.LONG_LENGTH),
    Stream("a size of 2**63", (chunks("8000000000000000\r\n", ONE, "\r\n", LAST),), "9112 7.1",
           "413 closed | 400 closed | 408 closed", ours="408 closed", h11="waiting", why=reasons.TIME),
    Stream("a size of a million digits", (chunks("1" * 2**20, "\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size above the limit", (chunks(f"{17 * 2**20:x}\r\n", ONE),), "9110 15.5.14",
           "413 closed | 408 closed", ours="408 closed", h11="waiting", why=reasons.TIME),
    Stream("a negative size", (chunks("-11\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size with a plus", (chunks("+11\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size that begins with 0x", (chunks("0x11\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size with an underscore", (chunks("1_1\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("an empty size", (chunks("\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size that is no number", (chunks("zz\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a space in front of a size", (chunks(" 11\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a space behind a size", (chunks("11 \r\n", ONE, "\r\n", LAST),), "9112 7.1", "400 closed | 200=3 open",
           h11="200=3 open", why=reasons.CHUNK_BLANKS),
    Stream("a tab behind a size", (chunks("11\t\r\n", ONE, "\r\n", LAST),), "9112 7.1", "400 closed | 200=3 open",
           h11="200=3 open", why=reasons.CHUNK_BLANKS),
    Stream("a size that is too small", (chunks("10\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size that is too large", (chunks("12\r\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a chunk without its CRLF", (chunks(SIZE, ONE, LAST),), "9112 7.1", REFUSED),
    Stream("a chunk that ends in LF", (chunks(SIZE, ONE, "\n", LAST),), "9112 7.1", REFUSED),
    Stream("a chunk that ends in CR", (chunks(SIZE, ONE, "\r", LAST),), "9112 7.1", REFUSED),
    Stream("a size that ends in LF", (chunks("11\n", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size that ends in CR", (chunks("11\r", ONE, "\r\n", LAST),), "9112 7.1", REFUSED),
    Stream("a size that ends in CR, and LF in the next segment", (chunks("11\r"),
           b"\n" + ONE + b"\r\n" + LAST.encode()),
           "9112 7.1", "200=3 open"),
    Stream("the last chunk ends in LF", (chunks(SIZE, ONE, "\r\n0\n\n"),), "9112 7.1", REFUSED),
    Stream("an extension", (chunks("11;name=value\r\n", ONE, "\r\n", LAST),), "9112 7.1.1", "200=3 open"),
    Stream("an extension in quotes", (chunks('11;name="a;b"\r\n', ONE, "\r\n", LAST),), "9112 7.1.1", "200=3 open"),
    Stream("an extension without a name", (chunks("11;\r\n", ONE, "\r\n", LAST),), "9112 7.1.1",
           "400 closed | 200=3 open", h11="200=3 open", why=reasons.EXTENSIONS),
    Stream("an extension with a bare LF", (chunks("11;a\nb\r\n", ONE, "\r\n", LAST),), "9112 7.1.1", REFUSED),
    Stream("an extension with a bare CR", (chunks("11;a\rb\r\n", ONE, "\r\n", LAST),), "9112 7.1.1", REFUSED,
           h11="200=3 open", why=reasons.EXTENSIONS),
    Stream("an extension with NUL", (chunks("11;a\0b\r\n", ONE, "\r\n", LAST),), "9112 7.1.1", REFUSED,
           h11="200=3 open", why=reasons.EXTENSIONS),
    Stream("an extension that hides a request", (chunks("2;\nxx\r\n4c\r\n0\r\n\r\n", SMUGGLED),), "9112 7.1.1",
           REFUSED),
    Stream("an extension of 1 MB", (chunks(f"11;{MILLION}\r\n", ONE, "\r\n", LAST),), "9112 7.1.1",
           "400 closed | 413 closed | 431 closed", h11="closed | 400 closed", why=reasons.HEADS),
    Stream("a trailer", (chunks(SIZE, ONE, "\r\n0\r\nX-Sum: 1\r\n\r\n"),), "9112 7.1.2", "200=3 open"),
    Stream("a trailer that says the length", (chunks(SIZE, ONE, "\r\n0\r\nContent-Length: 5\r\n\r\n"),), "9110 6.5.1",
           "400 closed | 200=3 open", h11="200=3 open", why=reasons.TRAILERS),
    Stream("a trailer that says the encoding", (chunks(SIZE, ONE, "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),),
           "9110 6.5.1", "400 closed | 200=3 open", h11="200=3 open", why=reasons.TRAILERS),
    Stream("a trailer that says the host", (chunks(SIZE, ONE, "\r\n0\r\nHost: b\r\n\r\n"),), "9110 6.5.1",
           "200=3 open | 400 closed"),
    Stream("a trailer that is no field", (chunks(SIZE, ONE, "\r\n0\r\nnothing\r\n\r\n"),), "9112 7.1.2", REFUSED),
    Stream("a trailer of 1 MB", (chunks(SIZE, ONE, f"\r\n0\r\nX-Long: {MILLION}\r\n\r\n"),), "9110 5.4",
           "431 closed | 400 closed | 413 closed", h11="closed | 400 closed", why=reasons.HEADS),
    Stream("100,000 trailers", (chunks(SIZE, ONE, "\r\n0\r\n", "X-A: b\r\n" * 100_000, "\r\n"),), "9110 5.4",
           "431 closed | 400 closed | 413 closed", h11="closed | 400 closed", why=reasons.HEADS),
    Stream("a request behind the last chunk", (chunks(CHUNKED) + SMUGGLED,), "9112 7.1", "200=3 200=19 open"),
    Stream("a request in a chunk", (chunks(f"{len(SMUGGLED):x}\r\n", SMUGGLED, "\r\n", LAST),), "9112 7.1",
           "400 open"),
    Stream("chunks that end early", (chunks(CHUNKED[:-2]),), "9112 6.3", "408 closed", h11="waiting", why=reasons.TIME),
    Stream(*_coded("Chunked in capitals", "Transfer-Encoding: CHUNKED"), "9112 7", "200=3 open"),
    Stream(*_coded("chunked twice in a list", "Transfer-Encoding: chunked, chunked"), "9112 6.1", REFUSED),
    Stream(*_coded("chunked twice in two fields", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
           "9112 6.1", REFUSED),
    Stream(*_coded("gzip, chunked", "Transfer-Encoding: gzip, chunked"), "9112 6.1", UNKNOWN),
    Stream(*_coded("gzip and chunked in two fields", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"),
           "9112 6.1", UNKNOWN),
    Stream(*_coded("chunked, gzip", "Transfer-Encoding: chunked, gzip"), "9112 6.3", REFUSED),
    Stream(*_coded("gzip alone", "Transfer-Encoding: gzip", content=ONE), "9112 6.3", REFUSED),
    Stream(*_coded("identity", "Transfer-Encoding: identity", content=b""), "9112 6.3", UNKNOWN),
    Stream(*_coded("identity with a length", "Transfer-Encoding: identity", f"Content-Length: {len(ONE)}", content=ONE),
           "9112 6.3", UNKNOWN),
    Stream(*_coded("xchunked", "Transfer-Encoding: xchunked"), "9112 6.1", UNKNOWN),
    Stream(*_coded("chunkedx", "Transfer-Encoding: chunkedx"), "9112 6.1", UNKNOWN),
    Stream(*_coded("chunked behind a tab", "Transfer-Encoding:\tchunked"), "9110 5.6.3", "200=3 open"),
    Stream(*_coded("chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked"), "9112 6.1", REFUSED),
    Stream(*_coded("chunked with a parameter", "Transfer-Encoding: chunked;a=b"), "9112 6.1", UNKNOWN),
    Stream(*_coded("chunked in quotes", 'Transfer-Encoding: "chunked"'), "9112 6.1", UNKNOWN),
    Stream(*_coded("chunked, and an empty member", "Transfer-Encoding: , chunked"), "9110 5.6.1",
           "200=3 open | 400 closed", h11="400 closed", why=reasons.EMPTY_MEMBER),
    Stream(*_coded("an empty encoding", "Transfer-Encoding:", content=b""), "9112 6.1", UNKNOWN),
    Stream("chunked in HTTP/1.0", (head("POST /predict HTTP/1.0", "Transfer-Encoding: chunked") + CHUNKED,), "9112 6.1",
           "200=3 closed | 400 closed"),
    Stream("chunked on GET, whose body is a request",
           (head("GET /ping HTTP/1.1", HOST, "Transfer-Encoding: chunked")
            + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),), "9112 6.3", "200 open"),
)  # fmt: skip
