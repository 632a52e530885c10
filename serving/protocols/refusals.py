"""Answers that refuse: a sentence in the shape of the protocol that was spoken. Pure."""

from __future__ import annotations

from fastapi import Response

from ..errors import ServingError
from .bodies import reply
from .dialects import Dialect


def refusal(dialect: Dialect, error: ServingError) -> Response:
    """The answer to a request that cannot be answered."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == 503:
        headers["Retry-After"] = "1"
    if error.status == 413:
        headers["Connection"] = "close"  # what is left of the body would be taken for the next request
    return reply(dialect.error(error.status, str(error)), error.status, headers)


def failure(dialect: Dialect, identity: str) -> Response:
    """The answer where the server itself failed; `identity` is the request's in its log."""
    sentence = (
        f"The server failed on this request. Its log has the reason under the request id {identity}; "
        f"tell whoever runs the server"
    )
    return reply(dialect.error(500, sentence), 500)
