"""Responses that refuse a request: a sentence in the shape of the protocol that was spoken. Pure."""

from __future__ import annotations

from http import HTTPStatus

import orjson

from .errors import RETRY, ServingError
from .responses import BytesResponse, json_response
from .routes import OTHER, Protocol


def refusal(protocol: Protocol, error: ServingError) -> BytesResponse:
    """The response to a request that cannot be answered."""
    return json_response(protocol.error(error.status, str(error)), error.status, error.headers)


def failure(protocol: Protocol, request_id: str) -> BytesResponse:
    """The response where the server itself failed; `request_id` is the request's in its log."""
    sentence = (
        f"The server failed on this request. Its log has the reason under the request id {request_id}; "
        f"tell whoever runs the server"
    )
    return json_response(protocol.error(500, sentence), 500)


def last_words(status: int, sentence: str) -> bytes:
    """The whole response to a request that cannot be read, before its connection is closed."""
    body = orjson.dumps(OTHER.error(status, sentence))
    headers = RETRY if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n%b\r\n%b"
    ) % (
        status,
        HTTPStatus(status).phrase.encode(),
        len(body),
        b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in headers.items()),
        body,
    )
