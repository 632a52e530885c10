"""What the head of an HTTP/1.1 request must be beyond what its parser checks (RFC 9112, 2.3, 3.2, 6.1, 7.8). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .request import ONCE

Fields = Iterable[tuple[bytes, bytes]]
"""Names in lower case, and values."""

_HOST = re.compile(rb"([\w.~!$&'()*+,;=%-]*|\[[\da-fA-F:.]+\])(:\d*)?", re.ASCII)
_NO_PATH = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_DROPPED_BY_UPGRADE = (b"upgrade", b"http2-settings")


class Unreadable(Exception):
    """The request cannot be read any further, and what its client is told."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check_head(version: str, fields: Fields) -> None:
    """Refuse a head that two readers could take for two different requests.

    Raises:
        Unreadable: 505 for another version than 1.0 and 1.1, 501 for another transfer encoding than chunked, 400 for a
            Host that is missing, twice there or not a host, and for a field twice that may be there once.
    """
    if version not in ("1.0", "1.1"):
        raise Unreadable(505, "This server speaks HTTP/1.1 and 1.0. Send one of them")
    hosts, seen = 0, set[bytes]()
    for name, value in fields:
        if name in ONCE:
            if name in seen:
                raise Unreadable(400, f"The request has the field {name.decode()} twice. Send it once")
            seen.add(name)
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                raise Unreadable(400, "The Host of the request is not a host. Send the server's name and port")
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise Unreadable(501, "The request has a Transfer-Encoding that is not understood here. Send chunked")
    if hosts > 1 or (not hosts and version == "1.1"):
        raise Unreadable(400, f"The request has {hosts} fields Host. Send one, with the server's name and port")


def body_length(fields: Fields) -> int:
    """The bytes of the request's body, as far as the head tells them: 0 for chunks, and for no body."""
    return next((int(value) for name, value in fields if name == b"content-length"), 0)


def target_of(url: bytes) -> bytes:
    """The target of a request line; one in absolute form without a path means the root."""
    return url + b"/" if _NO_PATH.fullmatch(url) else url


def without_upgrade(method: bytes, url: bytes, version: str, fields: Fields) -> bytes:
    """The same head without what asks for another protocol, for a new parser.

    Raises:
        Unreadable: 405 for CONNECT, which asks for one by its method.
    """
    if method == b"CONNECT":
        raise Unreadable(405, "This server is not a proxy: CONNECT is not possible here")
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    for name, value in fields:
        if name == b"connection":
            options = [option.strip() for option in value.split(b",")]
            value = b", ".join([o for o in options if o.lower() not in _DROPPED_BY_UPGRADE])
        if value and name not in _DROPPED_BY_UPGRADE:
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def too_large(most: int) -> Unreadable:
    """A head of more than `most` bytes."""
    return Unreadable(
        431,
        f"The head of the request has more than {most} bytes. Send less, or raise TENFOLD_MAX_HEAD_BYTES on the server",
    )
