"""What a call is answered with: header blocks and bytes, as they go over the wire. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote_from_bytes

from ..errors import ServingError
from .headers import encode

_TYPE = (b"content-type", b"application/grpc")
_HEAD = encode((b":status", b"200"), _TYPE)
_TAIL = encode((b"grpc-status", b"0"))
# gRPC's codes by the status that HTTP would have.
_CODES = {400: 3, 401: 16, 404: 5, 413: 8, 422: 3, 501: 12, 503: 14, 504: 4}
_INTERNAL = 13
# Clients refuse long headers, and then nobody reads the sentence at all.
_LONGEST = 1500
_PRINTABLE = bytes(each for each in range(0x20, 0x7F) if each != ord("%"))


class Response(NamedTuple):
    """A response, or a part of one that is streamed: a block of headers, a body, and a block of trailers, as there are.

    Attributes:
        status_code: that HTTP would have, for metrics and traces.
        last: the stream ends with it.
    """

    head: bytes
    body: bytes = b""
    tail: bytes = b""
    status_code: int = 200
    last: bool = True


def message(content: bytes) -> Response:
    """The response to a call that went well."""
    return Response(_HEAD, prefixed(content), _TAIL)


def prefixed(content: bytes) -> bytes:
    """A message as it stands in a body."""
    return b"\0" + len(content).to_bytes(4, "big") + content


def part(body: bytes, *, first: bool, last: ServingError | bool) -> Response:
    """The next messages of a call that is answered by several.

    Args:
        body: the messages, each of them `prefixed`.
        first: none were sent before.
        last: none come after them; an error is why.
    """
    if isinstance(last, ServingError):
        tail = encode(*_status(last.status, str(last)))
        return Response(_HEAD if first else b"", body, tail, last.status)
    return Response(_HEAD if first else b"", body, _TAIL if last else b"", last=last)


def refusal(error: ServingError) -> Response:
    """The response to a call that cannot be answered."""
    return _failed(error.status, str(error))


def failure(request_id: str) -> Response:
    """The response where the server itself failed; `request_id` is the call's in its log."""
    return _failed(500, failure_sentence(request_id))


def failure_sentence(request_id: str) -> str:
    """The response where the server itself failed."""
    return f"The server failed on this request. Its log has the reason under {request_id}"


def plain(status: int, sentence: str) -> Response:
    """The response to a request that is not a gRPC call."""
    head = encode((b":status", b"%d" % status), (b"content-type", b"text/plain; charset=utf-8"))
    return Response(head, sentence.encode(), status_code=status)


def _failed(status: int, sentence: str) -> Response:
    return Response(encode((b":status", b"200"), _TYPE, *_status(status, sentence)), status_code=status)


def _status(status: int, sentence: str) -> tuple[tuple[bytes, bytes], ...]:
    if len(sentence) > _LONGEST:
        sentence = sentence[:_LONGEST] + "..."
    said = quote_from_bytes(sentence.encode(errors="replace"), _PRINTABLE).encode()
    fields = ((b"grpc-status", b"%d" % _CODES.get(status, _INTERNAL)), (b"grpc-message", said))
    return (*fields, (b"grpc-accept-encoding", b"identity")) if status == 501 else fields
