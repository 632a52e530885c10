"""Lines and fields of a head: how they end, what stands in them, and how much of it."""

from __future__ import annotations

from .stream import HOST, LENGTH, ONE, SMUGGLED, Stream, get, head, post

POST = "POST /predict HTTP/1.1"
GET = "GET /ping HTTP/1.1"
REFUSED = "400 closed"
EITHER = "400 closed | 200=3 open"
MILLION = "x" * 2**20
TOO_LARGE = "431 closed | 400 closed"


def _field(name: str, field: str | bytes) -> tuple[str, tuple[bytes, ...]]:
    return name, (post(field),)


STREAMS = (
    Stream("lines that end in LF", (post().replace(b"\r\n", b"\n"),), "9112 2.2", EITHER),
    Stream("the request line ends in LF", (post().replace(b"\r\n", b"\n", 1),), "9112 2.2", EITHER),
    Stream("a field that ends in LF", (post("X-A: b\nX-C: d"),), "9112 2.2", EITHER),
    Stream("the head ends in LF", (head(POST, HOST, LENGTH)[:-2] + b"\n" + ONE,), "9112 2.2", EITHER),
    Stream("lines that end in CR", (post().replace(b"\r\n", b"\r"),), "9112 2.2", REFUSED),
    Stream("a bare CR in a value", (post("X-A: b\rX-C: d"),), "9112 2.2", EITHER),
    Stream("a bare CR in the request line", (post().replace(b"/predict ", b"/predict\r "),), "9112 2.2", REFUSED),
    Stream("a bare CR hides a length", (post("X-A: b\rContent-Length: 0"),), "9112 2.2", EITHER),
    Stream("CR CR LF", (post("X-A: b\r"),), "9112 2.2", EITHER),
    Stream("an empty line first", (b"\r\n" + post(),), "9112 2.2", "200=3 open"),
    Stream("two empty lines first", (b"\r\n\r\n" + post(),), "9112 2.2", "200=3 open | 400 closed"),
    Stream("an empty line in a segment of its own first", (b"\r\n", post()), "9112 2.2", "200=3 open"),
    Stream("an LF first", (b"\n" + post(),), "9112 2.2", "200=3 open | 400 closed"),
    Stream("a CR first", (b"\r" + post(),), "9112 2.2", "400 closed"),
    Stream("an empty line between two requests", (post() + b"\r\n" + post(),), "9112 2.2", "200=3 200=3 open"),
    Stream("a space first", (b" " + post(),), "9112 3", REFUSED),
    Stream("an empty line before the fields", (b"POST /predict HTTP/1.1\r\n\r\n" + post(),), "9112 3.2",
           "400 closed"),
    Stream("a space before the first field", (post().replace(b"Host", b" Host", 1),), "9112 2.2", REFUSED),
    Stream("a tab before the first field", (post().replace(b"Host", b"\tHost", 1),), "9112 2.2", REFUSED),
    Stream("a folded line", (post("X-A: b\r\n c"),), "9112 5.2", EITHER),
    Stream("a folded line with a tab", (post("X-A: b\r\n\tc"),), "9112 5.2", EITHER),
    Stream("a folded length", (head(POST, HOST, "Content-Length:\r\n 17") + ONE,), "9112 5.2", EITHER),
    Stream("a folded line hides a length", (post("X-A: b\r\n Content-Length: 0"),), "9112 5.2", EITHER),
    Stream("a folded line of blanks", (post("X-A: b\r\n \t "),), "9112 5.2", EITHER),
    Stream(*_field("a space before the colon", "X-A : b"), "9112 5.1", REFUSED),
    Stream(*_field("a tab before the colon", "X-A\t: b"), "9112 5.1", REFUSED),
    Stream("a space before the colon of the length", (head(POST, HOST, "Content-Length : 17") + ONE,), "9112 5.1",
           REFUSED),
    Stream("a space before the colon of the encoding",
           (head(POST, HOST, LENGTH, "Transfer-Encoding : chunked") + ONE,), "9112 5.1", REFUSED),
    Stream(*_field("no colon", "X-A"), "9112 5", REFUSED),
    Stream(*_field("an empty name", ": b"), "9110 5.1", REFUSED),
    Stream(*_field("an empty value", "X-A:"), "9110 5.5", "200=3 open"),
    Stream(*_field("blanks around a value", "X-A: \t b \t "), "9110 5.5", "200=3 open"),
    Stream(*_field("a space within a name", "X A: b"), "9110 5.1", REFUSED),
    Stream(*_field("a bracket within a name", "X(A: b"), "9110 5.1", REFUSED),
    Stream(*_field("an underscore within a name", "X_A: b"), "9110 5.1", "200=3 open"),
    Stream("an underscore in Content_Length", (post("Content_Length: 0"),), "9110 5.1", "200=3 open"),
    Stream(*_field("every character that a name may have", "!#$%&'*+-.^_`|~09azAZ: b"), "9110 5.6.2", "200=3 open"),
    Stream(*_field("NUL in a name", "X\0A: b"), "9110 5.1", REFUSED),
    Stream(*_field("a control character in a name", "X\x01A: b"), "9110 5.1", REFUSED),
    Stream(*_field("a name that is not ASCII", b"X-\xc3\xa9: b"), "9110 5.1", REFUSED),
    Stream(*_field("NUL in a value", "X-A: b\0c"), "9110 5.5", EITHER),
    Stream(*_field("a control character in a value", "X-A: b\x01c"), "9110 5.5", EITHER),
    Stream(*_field("a vertical tab in a value", "X-A: b\x0bc"), "9110 5.5", EITHER),
    Stream(*_field("DEL in a value", "X-A: b\x7fc"), "9110 5.5", EITHER),
    Stream(*_field("a value in UTF-8", b"X-A: \xc3\xa9"), "9110 5.5", "200=3 open | 400 closed"),
    Stream(*_field("a value that is no UTF-8", b"X-A: \xff\xfe"), "9110 5.5", "200=3 open | 400 closed"),
    Stream(*_field("a request in a value", "X-A: " + SMUGGLED.decode().replace("\r\n", " ")), "9110 5.5", "200=3 open"),
    Stream(*_field("a field 500 times", "\r\n".join(["X-A: b"] * 500)), "9110 5.3", "200=3 open | 431 closed"),
    Stream("a value of 1 MB", (post("X-Long: " + MILLION),), "9110 5.4", TOO_LARGE),
    Stream("a name of 1 MB", (post(MILLION + ": b"),), "9110 5.4", TOO_LARGE),
    Stream("a value of 1 MB without an end", (head(POST, HOST)[:-2] + b"X-Long: " + MILLION.encode(),), "9110 5.4",
           TOO_LARGE),
    Stream("100,000 fields", (post("\r\n".join(["X-A: b"] * 100_000)),), "9110 5.4", TOO_LARGE),
    Stream("100,000 fields without an end", (head(POST, HOST)[:-2] + b"X-A: b\r\n" * 100_000,), "9110 5.4", TOO_LARGE),
    Stream("a folded line of 1 MB", (post("X-A: b" + "\r\n c" * 2**18),), "9110 5.4", TOO_LARGE),
    Stream("empty lines of 1 MB", (b"\r\n" * 2**19 + post(),), "9112 2.2",
           "400 closed | 431 closed | 200=3 open"),
    Stream("a value of 60,000 bytes", (post("X-Long: " + "x" * 60_000),), "9110 5.4", "200=3 open | 431 closed"),
    Stream("two key fields", (post("Authorization: Bearer a", "Authorization: Bearer b"),), "9110 5.3",
           "200=3 open | 400 closed"),
    Stream("Connection: close", (get("/ping", "Connection: close"),), "9112 9.6", "200 closed"),
    Stream("Connection: Close in capitals", (get("/ping", "Connection: CLOSE"),), "9112 9.6", "200 closed"),
    Stream("Connection: close in a list", (get("/ping", "Connection: keep-alive, close"),), "9112 9.6", "200 closed"),
    Stream("Connection in two fields", (get("/ping", "Connection: keep-alive", "Connection: close"),), "9112 9.6",
           "200 closed"),
    Stream("Connection names the length", (post("Connection: Content-Length"),), "9110 7.6.1", "200=3 open"),
    Stream("Connection: close on a prediction", (post("Connection: close"),), "9112 9.6", "200=3 closed"),
    Stream("Connection: keep-alive in HTTP/1.0", (head("GET /ping HTTP/1.0", "Connection: keep-alive"),), "9112 9.3",
           "200 closed | 200 open"),
)  # fmt: skip
