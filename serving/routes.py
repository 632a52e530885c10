"""The route table: which requests there are, what each of them needs, and how it looks in OpenAPI.

Whoever has to know one of these asks here: the app and its documentation, the fast path of predictions, gRPC's methods,
keys, limits and metrics. A path is compiled once, to its very end, and matched by `RouteTable` alone. HTTP and gRPC
have a port each, and so a table each, of this one class. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from fastapi import Response

    from .context import Context
    from .core import Core
    from .exchange import ModelCall
    from .request import RequestHead
    from .rpc.stream import Call, Stream

MLFLOW_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
    413: "REQUEST_LIMIT_EXCEEDED",
    415: "BAD_REQUEST",
    422: "BAD_REQUEST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol: its name in metrics and traces, and the body that it gives to an error with a status of HTTP."""

    name: str
    error: Callable[[int, str], dict[str, Any]]


def _plain(_status: int, sentence: str) -> dict[str, Any]:
    return {"error": sentence}


def _mlflow(status: int, sentence: str) -> dict[str, Any]:
    return {"error_code": MLFLOW_CODES.get(status, "INTERNAL_ERROR"), "message": sentence}


PREDICT = Protocol("predict", _plain)
FEEDBACK = Protocol("feedback", _plain)
V1 = Protocol("v1", _plain)
V2 = Protocol("v2", _plain)
MLFLOW = Protocol("mlflow", _mlflow)
GRPC = Protocol("grpc", _plain)
"""Of predictions over gRPC. Its methods that ask about the server are of `OTHER`, as in HTTP."""
OTHER = Protocol("other", _plain)
"""Of requests that ask about the server, and of those that no route takes."""

Access = Literal["key", "probe", "page"]
"""key: where there are API keys, one is needed; probe: only where `api_keys_for_probes` says so; page: never, for a
browser sends none before it shows anything."""

Reader = Callable[["Core", "RequestHead", Any], "ModelCall[Any]"]
"""A protocol's reading of a request for predictions; raises `ServingError` for what it cannot take."""
Handler = Callable[["Context", "RequestHead", bytes], Awaitable["Response"]]
"""Answers any other request over HTTP; raises `ServingError` where it cannot."""
OpenCall = Callable[["Context", "RequestHead", "Stream", float], "Call"]
"""Begins any other call of gRPC on its stream; its client waits for so many seconds at most."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How a route looks in OpenAPI.

    Attributes:
        tag: the heading that it stands under.
        answer: the schema of a 200; "text/plain" where it is text.
        errors: the statuses of its errors, 401 apart, which follows from `Route.access`.
        request: the schema of its body; empty: it has none.
        media: other content types that its body may have than JSON.
        answer_errors: those of the errors whose body may be the answer too.
    """

    tag: str
    answer: str
    errors: tuple[int, ...] = ()
    request: str = ""
    media: tuple[str, ...] = ()
    answer_errors: tuple[int, ...] = ()


PREDICTION_ERRORS = (400, 413, 415, 422, 500, 503, 504)
"""Statuses of the errors of an operation that asks for predictions."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One kind of request. It has a `reader` if its body is one prediction request, else a `handler` or `open_call`.

    Attributes:
        path: with its parameters in braces; a parameter holds no slash.
        operation: None: it is not documented.
        access: who may send it. Only what needs a key is counted in the metrics.
    """

    method: Literal["GET", "POST"]
    path: str
    protocol: Protocol
    reader: Reader | None = None
    handler: Handler | None = None
    open_call: OpenCall | None = None
    operation: Operation | None = None
    access: Access = "key"

    @property
    def counted(self) -> bool:
        """Whether the metrics count it: what machines ask all the time says nothing of the service's use."""
        return self.access == "key"


class Match(NamedTuple):
    """What a request is: its route, the parameters in its path, and whether the metrics count it.

    Where no route takes it, `route` is None, and `allowed` has the methods that its path takes; none: an unknown path.
    """

    route: Route | None
    parameters: Mapping[str, str]
    allowed: tuple[str, ...]
    protocol: Protocol
    counted: bool = True


UNKNOWN = Match(None, {}, (), OTHER)
"""Of a path that no route has."""
# Paths come from clients, who may make up any number of them, of any length.
_MOST_KNOWN, _LONGEST_KNOWN = 100, 200
_PARAMETER = re.compile(r"{(\w+)}")


class RouteTable:
    """All routes of a server. A path with parameters is tried in the order of the routes, after all fixed paths."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: dict[re.Pattern[str], dict[str, Route]] = {}
        for route in self.routes:
            by_method = (
                self._patterns.setdefault(_compiled(route.path), {})
                if "{" in route.path
                else self._fixed.setdefault(route.path, {})
            )
            assert route.method not in by_method, f"{route.method} {route.path} stands twice in the table"
            by_method[route.method] = route
        self._known: dict[tuple[str, str], Match] = {}

    def match(self, method: str, path: str) -> Match:
        """The route of a request; HEAD is taken for the GET that it asks about. `path` is decoded, without query."""
        known = self._known.get((method, path))
        if known is not None:
            return known
        match = self._find("GET" if method == "HEAD" else method, path)
        if match.route and len(path) <= _LONGEST_KNOWN and len(self._known) < _MOST_KNOWN:
            self._known[method, path] = match
        return match

    def _find(self, method: str, path: str) -> Match:
        by_method, parameters = self._fixed.get(path), dict[str, str]()
        if by_method is None:
            for pattern, routes in self._patterns.items():
                if found := pattern.match(path):
                    by_method, parameters = routes, found.groupdict()
                    if method in routes:
                        break
        if by_method is None:
            return UNKNOWN
        route = by_method.get(method)
        allowed = ("GET", "HEAD", "OPTIONS") if "GET" in by_method else (*by_method, "OPTIONS")
        protocol = route.protocol if route else next(iter(by_method.values())).protocol
        return Match(route, parameters, allowed, protocol, route is None or route.counted)


def _compiled(path: str) -> re.Pattern[str]:
    # `\Z` is the very end; `$` would also match before a newline there.
    parts = _PARAMETER.split(path)
    return re.compile("".join(f"(?P<{p}>[^/]+)" if n % 2 else re.escape(p) for n, p in enumerate(parts)) + r"\Z")
