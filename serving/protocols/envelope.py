"""Around every request to the app: its id, its place in the metrics, and the answer when all else fails.

Plain ASGI, between the server and the routes. A request that arrives with an `X-Request-Id` keeps it, any other is
given one; the answer carries it and so does every log line written on the way.
"""

from __future__ import annotations

import asyncio
import logging
import time

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..connection import LAST
from ..echo import echo
from ..errors import ServingError
from ..logs import request_id
from .bodies import reply
from .dialects import dialect_of
from .edge import CLIENT_WENT_AWAY, COUNTED, IDENTITY, STARTED, Edge
from .head import Head
from .refusals import failure, refusal

_logger = logging.getLogger(__name__)


class Envelope:
    """ASGI middleware; one per app."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        self.app, self.edge = app, edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; never raises for what a route did."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.monotonic(), 0
        head = Head(dict(scope["headers"]), {})
        identity, dialect = head.identity(), dialect_of(scope["path"])
        scope[STARTED], scope[IDENTITY] = started, identity
        request_id.set(identity)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identity.encode())]
                if LAST in scope:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            turned_away = self.edge.turned_away(dialect, head.get(b"authorization"))
            await (turned_away or self.app)(scope, receive, answer)
        except ClientDisconnect:
            status = status or CLIENT_WENT_AWAY
        except asyncio.CancelledError:  # `connection` does that when the client goes away
            status = status or CLIENT_WENT_AWAY
            raise
        except Exception:
            _logger.exception("the request to %s failed", scope["path"])
            if status:
                raise
            await failure(dialect, identity)(scope, receive, answer)
        finally:
            if dialect.counted and COUNTED not in scope:
                self.edge.answered(dialect.name, status or 500, time.monotonic() - started)


async def refuse(request: Request, error: Exception) -> Response:
    """Answer a `ServingError` in the shape of the protocol that was spoken."""
    assert isinstance(error, ServingError)
    if error.status == 500:
        _logger.error("the request to %s failed", request.url.path, exc_info=error)
    return refusal(dialect_of(request.url.path), error)


async def refuse_route(request: Request, error: Exception) -> Response:
    """Answer an unknown path or a method that a path does not have."""
    assert isinstance(error, HTTPException)
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == 405:
        sentence = (
            f"{echo(request.method)} is not possible on {echo(path)}; use {headers.get('Allow', 'another method')}"
        )
    elif error.status_code == 404:
        sentence = f"There is nothing at {echo(path)}. GET / lists what there is"
    else:
        sentence = str(error.detail)
    return reply(dialect_of(path).error(error.status_code, sentence), error.status_code, headers)
