"""The way of a prediction past ASGI, whose machinery takes longer than all that a prediction needs of it.

A `Connection` finds here what its request asks for and hands over the bytes; the answer comes back as a `Response` like
that of any route. What is not found here, or does not come whole (chunked, pipelined, with `Expect`), goes to the app,
which answers the very same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Response
from starlette.routing import compile_path

from ..errors import Overloaded
from .dialects import Dialect, dialect_of
from .edge import CLIENT_WENT_AWAY, Edge
from .exchange import Ask, Exchange
from .head import Head
from .refusals import refusal

# Paths come from clients, who may make up any number of them.
_MOST_KNOWN = 100


@dataclass(frozen=True, slots=True)
class Way:
    """What a path asks for."""

    ask: Ask
    dialect: Dialect
    parameters: dict[str, str]


class Lane:
    """One per process, for all connections."""

    def __init__(self, edge: Edge, asks: Mapping[str, Ask]) -> None:
        """
        Args:
            edge: of the server.
            asks: what may be asked for, by path.
        """
        self._edge = edge
        self._asks = [(compile_path(path)[0], ask) for path, ask in asks.items()]
        self.known: dict[bytes, Way] = {}
        # Made once: under overload there are more of these than of anything else.
        self._refusals: dict[str, Response] = {}
        self.max_body_bytes = edge.settings.max_body_bytes

    def find(self, url: bytes) -> Way | None:
        """What a POST to `url` asks for, as it stands in the request; None if that is for the app to say."""
        known = self.known.get(url)
        if known is not None:
            return known
        try:
            path = url.decode("ascii")
        except UnicodeDecodeError:
            return None
        for pattern, ask in self._asks:
            if match := pattern.fullmatch(path):
                if "%" in path or "?" in path:
                    return None
                way = Way(ask, dialect_of(path), match.groupdict())
                if len(self.known) < _MOST_KNOWN:
                    self.known[url] = way
                return way
        return None

    def enter(self, way: Way, headers: dict[bytes, bytes]) -> Passage:
        """A request whose head has just arrived. One that cannot find room is refused before its body is looked at."""
        head, edge = Head(headers, way.parameters), self._edge
        refused = edge.turned_away(way.dialect, head.get(b"authorization"))
        if refused is None and edge.core.full:
            refused = self._full(way.dialect)
        return Passage(edge, way, head, refused)

    def _full(self, dialect: Dialect) -> Response:
        self._edge.metrics.shed(Overloaded.reason)
        if dialect.name not in self._refusals:
            most = self._edge.settings.max_waiting_rows
            self._refusals[dialect.name] = refusal(dialect, Overloaded(most, most))
        return self._refusals[dialect.name]


class Passage:
    """One request on its way through the lane, and back.

    Attributes:
        identity: of the request, which its answer carries.
    """

    __slots__ = ("_dialect", "_done", "_edge", "_exchange", "_refusal", "identity", "started")

    def __init__(self, edge: Edge, way: Way, head: Head, refused: Response | None) -> None:
        self.started = time.monotonic()
        self.identity = head.identity()
        self._edge, self._dialect, self._done = edge, way.dialect, False
        self._refusal = refused
        if refused is None:
            self._exchange = Exchange(edge, way.ask, way.dialect, head, self.identity, self.started)

    def begin(self, body: bytes, then: Callable[[Response], None]) -> None:
        """The body has arrived; `then` is told the answer, maybe within this call."""

        def answered(response: Response) -> None:
            self._count(response.status_code)
            then(response)

        if self._refusal is not None:
            answered(self._refusal)
        else:
            self._exchange.begin(body, answered)

    def drop(self) -> None:
        """The client is gone."""
        if not self._done:
            if self._refusal is None:
                self._exchange.drop()
            self._count(CLIENT_WENT_AWAY)

    def _count(self, status: int) -> None:
        self._done = True
        self._edge.answered(self._dialect, status, time.monotonic() - self.started)
