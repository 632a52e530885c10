"""gRPC for the benchmark: a message as it stands in the body of an HTTP/2 request, and one call with bytes."""

from __future__ import annotations

from typing import Any, cast

import grpc
import httpx

HEADERS = {"Content-Type": "application/grpc", "TE": "trailers"}
FRAME = 5
"""Bytes before a message: whether it is compressed, and its length."""


def framed(message: bytes) -> bytes:
    """The message as a request's body."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def ask(address: str, path: str, body: bytes) -> bytes:
    """Send the message in `body`, and return the message that answers it.

    Raises:
        httpx.HTTPError: nobody answers, or with an error; as the other protocols say it.
    """
    with grpc.insecure_channel(address) as channel:
        method = cast("Any", channel.unary_unary(path))
        try:
            return method(body[FRAME:], timeout=30)
        except grpc.RpcError as e:
            raise httpx.HTTPError(str(e)) from e
