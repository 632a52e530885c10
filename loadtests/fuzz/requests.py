"""A request, a case of the fuzzer, and what is wrong with an answer. Plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import orjson

Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = ((b"Content-Type", b"application/json"),)

Ending = Literal["keep", "close", "leave", "reset"]
"""After its answers: the connection is kept or closed. `leave` and `reset` go away without waiting for any."""

# Nothing is read there, or the model is away for a while, or it took too long: each says so.
DELIBERATE = {501, 503, 504, 505}
# A server that has too little of the machine may say these to a valid request, now and then.
SHED = {408, 503, 504}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def last(self) -> bool:
        """Whether the server closes the connection after it."""
        return self.headers.get("connection", "").lower() == "close"


Check = Callable[[Answer], str]
"""What is wrong with an answer, in words; "" when nothing is."""


@dataclass(frozen=True)
class Request:
    """One HTTP request; its length is added to its headers unless they have one."""

    protocol: str
    method: bytes
    path: bytes
    headers: Headers = ()
    body: bytes = b""

    def head(self, *more: tuple[bytes, bytes]) -> bytes:
        """All before the body, as it is sent."""
        headers = (*self.headers, *more)
        lines = [b"%s %s HTTP/1.1" % (self.method, self.path), b"Host: fuzz"]
        return b"\r\n".join([*lines, *(name + b": " + value for name, value in headers)]) + b"\r\n\r\n"

    def raw(self) -> bytes:
        """As it is sent."""
        return self.head((b"Content-Length", str(len(self.body)).encode())) + self.body

    def chunked(self, size: int) -> bytes:
        """As it is sent in chunks of so many bytes."""
        chunks = [self.body[at : at + size] for at in range(0, len(self.body), size)]
        encoded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return self.head((b"Transfer-Encoding", b"chunked")) + encoded + b"0\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What is sent as request number `number`.

    Attributes:
        kind: what is done, in words that the report counts by.
        pieces: bytes, sent one after the other with `pause` seconds between.
        checks: one for each answer that is due, in their order.
        then: makes the next request of the same case from the last answer.
        unpacked: bytes that it has once it is unpacked, where it is packed.
        cut_off: whether a server may end the connection with bytes unread, so that its answer is lost on the way.
    """

    number: int
    protocol: str
    kind: str
    pieces: tuple[bytes, ...]
    checks: tuple[Check, ...]
    ending: Ending = "keep"
    pause: float = 0.0
    then: Callable[[Answer], tuple[bytes, Check] | None] | None = field(default=None, compare=False)
    unpacked: int = 0
    cut_off: bool = False

    @property
    def size(self) -> int:
        """Bytes that the server has to look at."""
        return max(self.unpacked, sum(map(len, self.pieces)))

    @property
    def valid(self) -> bool:
        """Whether its answers are known beforehand."""
        return self.kind.startswith("valid")

    @property
    def bodiless(self) -> bool:
        """Whether its answer has a length but no body."""
        return b"".join(self.pieces[:2]).lstrip().startswith(b"HEAD ")


def refused(answer: Answer) -> str:
    """What is wrong with the answer to a broken request: a failure that was not deliberate, or a traceback."""
    if answer.status >= 500 and answer.status not in DELIBERATE:
        return f"answered {answer.status}"
    if answer.status in DELIBERATE and not _says_why(answer):
        return f"answered {answer.status} without a sentence"
    return "a traceback in the answer" if b"Traceback (most" in answer.body else ""


def good(answer: Answer) -> str:
    """What is wrong with the answer to a valid request whose content is not looked at."""
    return refused(answer) or ("" if answer.status == 200 else f"a valid request was answered {answer.status}")


def _says_why(answer: Answer) -> bool:
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and any(said.get(key) for key in ("error", "message", "reason"))
