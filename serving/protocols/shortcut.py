"""The way of a prediction past FastAPI's router, which takes longer to find a route than the rest of it takes together.

FastAPI still holds every route, documents it, and answers all that is not found here. A route's function does the same
wherever it is called from: it takes the request and returns the response, or raises a `ServingError`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import ServingError
from .envelope import refuse

Endpoint = Callable[[Request], Awaitable[Response]]

# Paths come from clients, who may make up any number of them.
_MOST_KNOWN = 100


class Shortcut:
    """ASGI application around another one."""

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute], around: Callable[[ASGIApp], ASGIApp]) -> None:
        """
        Args:
            app: answers what is not found here.
            routes: those that are called at once, by their POST.
            around: makes what stands around such a call, as it does within `app`.
        """
        self.app, self._called = app, around(_call)
        self._routes: list[tuple[re.Pattern[str], Endpoint]] = [
            (route.path_regex, route.endpoint) for route in routes if "POST" in (route.methods or ())
        ]
        self.known: dict[str, tuple[Endpoint, dict[str, Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the route's function, or pass the request on."""
        found = self._find(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None or scope.get("root_path"):
            await self.app(scope, receive, send)
            return
        scope["endpoint"], parameters = found
        scope["path_params"] = {**parameters}
        await self._called(scope, receive, send)

    def _find(self, path: str) -> tuple[Endpoint, dict[str, Any]] | None:
        known = self.known.get(path)
        if known is not None:
            return known
        for pattern, endpoint in self._routes:
            if match := pattern.match(path):
                found = endpoint, match.groupdict()
                if len(self.known) < _MOST_KNOWN:
                    self.known[path] = found
                return found
        return None


async def _call(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        response: Response = await scope["endpoint"](request)
    except ServingError as e:
        response = await refuse(request, e)
    await response(scope, receive, send)
