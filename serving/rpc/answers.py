"""What a call is answered with: header blocks and bytes, as they go over the wire. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote_from_bytes

from ..errors import ServingError
from .headers import written

_TYPE = (b"content-type", b"application/grpc")
_HEAD = written((b":status", b"200"), _TYPE)
_TAIL = written((b"grpc-status", b"0"))
# gRPC's codes by the status that HTTP would have.
_CODES = {400: 3, 401: 16, 404: 5, 413: 8, 422: 3, 501: 12, 503: 14, 504: 4}
_INTERNAL = 13
# Clients refuse long headers, and then nobody reads the sentence at all.
_LONGEST = 1500
_PRINTABLE = bytes(each for each in range(0x20, 0x7F) if each != ord("%"))


class Answer(NamedTuple):
    """An answer: the block of its headers, its body, and the block of its trailers, where it has them.

    Attributes:
        status_code: that HTTP would have, for metrics and traces.
    """

    head: bytes
    body: bytes = b""
    tail: bytes = b""
    status_code: int = 200


def message(content: bytes) -> Answer:
    """The answer to a call that went well."""
    return Answer(_HEAD, b"\0" + len(content).to_bytes(4, "big") + content, _TAIL)


def refusal(error: ServingError) -> Answer:
    """The answer to a call that cannot be answered."""
    return _failed(error.status, str(error))


def failure(identity: str) -> Answer:
    """The answer where the server itself failed; `identity` is the call's in its log."""
    return _failed(500, f"The server failed on this request. Its log has the reason under {identity}")


def plain(status: int, sentence: str) -> Answer:
    """The answer to what is no call of gRPC."""
    head = written((b":status", b"%d" % status), (b"content-type", b"text/plain; charset=utf-8"))
    return Answer(head, sentence.encode(), status_code=status)


def _failed(status: int, sentence: str) -> Answer:
    if len(sentence) > _LONGEST:
        sentence = sentence[:_LONGEST] + "..."
    said = quote_from_bytes(sentence.encode(errors="replace"), _PRINTABLE).encode()
    code = b"%d" % _CODES.get(status, _INTERNAL)
    fields = ((b":status", b"200"), _TYPE, (b"grpc-status", code), (b"grpc-message", said))
    if status == 501:
        fields = (*fields, (b"grpc-accept-encoding", b"identity"))
    return Answer(written(*fields), status_code=status)
