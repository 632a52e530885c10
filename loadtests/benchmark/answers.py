"""Whether a server answers what scikit-learn does: looked at before anything is measured, and again after it.

A server that is fast and wrong is no peer.
"""

from __future__ import annotations

from contextlib import suppress

import httpx
from google.protobuf.message import DecodeError

from .errors import WrongAnswer
from .models import Models
from .protocols import Protocol, Request

REQUESTS = 8


def request(protocol: Protocol, models: Models, rows: int, number: int = 0) -> Request:
    """The request with the `number`th `rows` rows; the load repeats the first one."""
    return protocol.request(models.rows[number * rows : (number + 1) * rows])


def check(protocol: Protocol, url: str, models: Models, model: str, rows: int) -> bytes:
    """Ask a few times, each time for other rows. Returns the right answer to the first request.

    Raises:
        WrongAnswer: an answer is none, or differs from scikit-learn's.
    """
    first = b""
    for number in range(min(REQUESTS, len(models.rows) // rows)):
        expected = models.expected[model][number * rows : (number + 1) * rows]
        try:
            body = protocol.ask(url, request(protocol, models, rows, number))
        except httpx.HTTPError as e:
            raise WrongAnswer(f"To {rows} rows by {protocol.name} it answered no 200: {e}") from e
        found = _read(protocol, body)
        if found != expected:
            raise WrongAnswer(
                f"To {rows} rows by {protocol.name} it answered {_short(found)}, scikit-learn {_short(expected)}; "
                f"the answer begins with {body[:100]!r}"
            )
        first = first or body
    return first


def right(protocol: Protocol, url: str, models: Models, model: str) -> bool:
    """Whether the server answers one row as scikit-learn does; not yet, when it does not answer at all."""
    with suppress(httpx.HTTPError):
        return _read(protocol, protocol.ask(url, request(protocol, models, 1))) == models.expected[model][:1]
    return False


def _read(protocol: Protocol, body: bytes) -> list[int] | None:
    """The predictions; None when there are none in it."""
    try:
        return protocol.read(body)
    except (ValueError, KeyError, TypeError, IndexError, DecodeError):
        return None


def _short(labels: list[int] | None) -> str:
    return "no predictions" if labels is None else f"{labels[:10]}{'...' if len(labels) > 10 else ''}"
