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
from .exchange import Ask, HttpExchange
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

    def enter(self, way: Way, headers: dict[bytes, bytes]) -> HttpExchange | Refused:
        """A request whose head has just arrived. One that cannot find room is refused before its body is looked at."""
        head, edge, started = Head(headers, way.parameters), self._edge, time.monotonic()
        refused = edge.turned_away(way.dialect, head.get(b"authorization")) if edge.keys else None
        if refused is None and edge.core.full:
            refused = self._full(way.dialect)
        if refused is not None:
            return Refused(edge, way.dialect, refused, head.identity(), started)
        return HttpExchange(edge, way.ask, way.dialect, head, head.identity(), started)

    def _full(self, dialect: Dialect) -> Response:
        self._edge.metrics.shed(Overloaded.reason)
        if dialect.name not in self._refusals:
            most = self._edge.settings.max_waiting_rows
            self._refusals[dialect.name] = refusal(dialect, Overloaded(most, most))
        return self._refusals[dialect.name]


class Refused:
    """In place of an `HttpExchange`, of a request that is refused for its head; `identity` is the request's."""

    __slots__ = ("_dialect", "_edge", "_response", "_started", "identity")

    def __init__(self, edge: Edge, dialect: Dialect, response: Response, identity: str, started: float) -> None:
        self._edge, self._dialect, self._response, self._started = edge, dialect, response, started
        self.identity = identity

    def begin(self, _body: bytes, then: Callable[[Response], None]) -> None:
        """The body has arrived; `then` is told the answer."""
        self._count(self._response.status_code)
        then(self._response)

    def drop(self) -> None:
        """The client is gone."""
        self._count(CLIENT_WENT_AWAY)

    def _count(self, status: int) -> None:
        self._edge.answered(self._dialect.name, status, time.monotonic() - self._started)
