"""One stream of bytes of HTTP/1.1, what the RFCs want, and what two servers answer. Plain data.

An answer is written as its codes in their order and what became of the connection: `100 200=3 200=5 open`. `=3` is what
was predicted for the request. The end is `open` where the next request is answered, `closed`, or `waiting` where the
server wants more bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

HOST = "Host: a"


@dataclass(frozen=True)
class Stream:
    """A client's bytes, one segment of TCP after the other.

    Attributes:
        rfc: where it is said what to answer.
        wants: what is said there; alternatives are separated by " | ".
        ours: what tenfold answers; "" where it is the first alternative of `wants`.
        h11: what uvicorn with h11 answers; "" where it is the same as `ours`. Alternatives where it is a race.
        why: the reason where `ours` is none of `wants`, or where `ours` and `h11` differ. "" where neither is so.
        bodiless: which answers have no body, since they answer HEAD.
    """

    name: str
    segments: tuple[bytes, ...]
    rfc: str
    wants: str
    ours: str = ""
    h11: str = ""
    why: str = ""
    bodiless: tuple[int, ...] = ()

    @property
    def answer(self) -> str:
        """What tenfold answers."""
        return self.ours or self.wants.split(" | ")[0]

    @property
    def peer(self) -> tuple[str, ...]:
        """What uvicorn with h11 may answer."""
        return tuple((self.h11 or self.answer).split(" | "))

    @property
    def predictions(self) -> int:
        """How many requests tenfold predicts for: no other may have reached the model."""
        return self.answer.count("=")

    @property
    def differs(self) -> bool:
        """Whether there is a difference, from the RFC or from uvicorn with h11, that needs a reason."""
        return self.answer not in self.wants.split(" | ") or self.answer not in self.peer


def body(value: float) -> bytes:
    """A request for one prediction; 2 * value + 1 is predicted. As long for 1 as for 9."""
    return b'{"rows": [[%.1f]]}' % value


ONE, TWO, NINE = body(1), body(2), body(9)
LENGTH = f"Content-Length: {len(ONE)}"


def head(*lines: str | bytes) -> bytes:
    """A head of these lines."""
    return b"\r\n".join([*(line if isinstance(line, bytes) else line.encode("latin-1") for line in lines), b"", b""])


def post(*headers: str | bytes, line: str = "POST /predict HTTP/1.1", content: bytes = ONE) -> bytes:
    """A prediction with its length and these headers besides."""
    return head(line, HOST, *headers, f"Content-Length: {len(content)}") + content


def get(path: str = "/ping", *headers: str | bytes) -> bytes:
    """A GET without a body."""
    return head(f"GET {path} HTTP/1.1", HOST, *headers)


def chunks(*sizes_and_data: str | bytes) -> bytes:
    """A prediction whose body is these bytes, written as the client says that its chunks are."""
    parts = [part if isinstance(part, bytes) else part.encode("latin-1") for part in sizes_and_data]
    return head("POST /predict HTTP/1.1", HOST, "Transfer-Encoding: chunked") + b"".join(parts)


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(ONE), ONE)
"""`ONE` in one chunk, and the last one."""
SMUGGLED = post(content=NINE)
"""A request that must not be answered where it is part of another's body: it would predict 19."""
