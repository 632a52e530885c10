"""Whether a server answers what scikit-learn does: looked at before each load, and again after it.

A server that is fast and wrong is no peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
from google.protobuf.message import DecodeError

from .errors import WrongAnswer
from .protocols import Protocol, Request, Rows

REQUESTS = 8
"""That a look sends, each with other rows."""


@dataclass(frozen=True)
class Questions:
    """Rows with their right answers.

    Attributes:
        rows: [rows, columns].
        expected: the label of each.
    """

    rows: Rows
    expected: Sequence[int]

    def request(self, protocol: Protocol, size: int, number: int = 0) -> Request:
        """The request with the `number`th `size` rows; the load repeats the first one."""
        return protocol.request(self.rows[number * size : (number + 1) * size])

    def check(self, protocol: Protocol, url: str, size: int) -> bytes:
        """Ask a few times for `size` rows. Returns the right answer to the first request.

        Raises:
            WrongAnswer: an answer is none, or differs from what is expected.
        """
        first = b""
        for number in range(min(REQUESTS, len(self.rows) // size)):
            expected = list(self.expected[number * size : (number + 1) * size])
            try:
                body = protocol.ask(url, self.request(protocol, size, number))
            except httpx.HTTPError as e:
                raise WrongAnswer(f"To {size} rows by {protocol.name} it answered no 200: {e}") from e
            found = _read(protocol, body)
            if found != expected:
                raise WrongAnswer(
                    f"To {size} rows by {protocol.name} it answered {_short(found)}, scikit-learn {_short(expected)}; "
                    f"the answer begins with {body[:100]!r}"
                )
            first = first or body
        return first

    def answered(self, protocol: Protocol, url: str) -> bool:
        """Whether the server answers one row rightly; not yet, when it does not answer at all."""
        with suppress(httpx.HTTPError):
            return _read(protocol, protocol.ask(url, self.request(protocol, 1))) == list(self.expected[:1])
        return False


def _read(protocol: Protocol, body: bytes) -> list[int] | None:
    """The predictions; None when there are none in it."""
    try:
        return protocol.read(body)
    except (ValueError, KeyError, TypeError, IndexError, DecodeError):
        return None


def _short(labels: list[int] | None) -> str:
    return "no predictions" if labels is None else f"{labels[:10]}{'...' if len(labels) > 10 else ''}"
