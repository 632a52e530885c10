"""Around every request, whatever it asks for: its id, its place in the metrics, and the answer when all else fails.

Plain ASGI, between the server and the routes. A request that arrives with an `X-Request-Id` keeps it, any other is
given one; the answer carries it and so does every log line written on the way.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from os import urandom

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..connection import LAST
from ..core import Core
from ..errors import ServingError, Unauthorized
from ..keys import ApiKeys
from ..logs import request_id
from ..metrics import Metrics
from .bodies import reply
from .dialects import dialect_of
from .edge import STARTED

_CLIENT_WENT_AWAY = 499  # as nginx counts it
_ACCEPTABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
_logger = logging.getLogger(__name__)


class Envelope:
    """ASGI middleware; one per app."""

    def __init__(self, app: ASGIApp, core: Core, metrics: Metrics, keys: ApiKeys | None, keys_for_probes: bool) -> None:
        self.app, self.core, self.metrics = app, core, metrics
        self.keys, self.keys_for_probes = keys, keys_for_probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; never raises for what a route did."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.monotonic(), 0
        scope[STARTED] = started
        identity = _identity(scope)
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
            if self.keys is not None and (refusal := self._refusal(scope, self.keys)):
                await refusal(scope, receive, answer)
            else:
                await self.app(scope, receive, answer)
        except ClientDisconnect:
            status = status or _CLIENT_WENT_AWAY
        except asyncio.CancelledError:  # `connection` does that when the client goes away
            status = status or _CLIENT_WENT_AWAY
            raise
        except Exception:
            _logger.exception("the request to %s failed", scope["path"])
            if status:
                raise
            await _failed(scope["path"], identity)(scope, receive, answer)
        finally:
            dialect = dialect_of(scope["path"])
            if dialect.counted:
                version = self.core.model.version if self.core.loaded else ""
                self.metrics.answered(dialect.name, status or 500, version, time.monotonic() - started)

    def _refusal(self, scope: Scope, keys: ApiKeys) -> Response | None:
        """The answer to a request without a valid key; None for one that may pass."""
        dialect = dialect_of(scope["path"])
        if not dialect.counted and not self.keys_for_probes:
            return None
        try:
            keys.check(_header(scope, b"authorization"))
        except Unauthorized as e:
            return reply(dialect.error(e.status, str(e)), e.status, {"WWW-Authenticate": "Bearer"})
        return None


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _identity(scope: Scope) -> str:
    given = _header(scope, b"x-request-id")
    return given if _ACCEPTABLE_ID.fullmatch(given) else urandom(16).hex()


def _failed(path: str, identity: str) -> Response:
    sentence = (
        f"The server failed on this request. Its log has the reason under the request id {identity}; "
        f"tell whoever runs the server"
    )
    return reply(dialect_of(path).error(500, sentence), 500)


async def refuse(request: Request, error: Exception) -> Response:
    """Answer a `ServingError` in the shape of the protocol that was spoken."""
    assert isinstance(error, ServingError)
    if error.status == 500:
        _logger.error("the request to %s failed", request.url.path, exc_info=error)
    headers: dict[str, str] = {}
    if error.status == 503:
        headers["Retry-After"] = "1"
    if error.status == 413:
        headers["Connection"] = "close"  # what is left of the body would be taken for the next request
    return reply(dialect_of(request.url.path).error(error.status, str(error)), error.status, headers)


async def refuse_route(request: Request, error: Exception) -> Response:
    """Answer an unknown path or a method that a path does not have."""
    assert isinstance(error, HTTPException)
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == 405:
        sentence = f"{request.method} is not possible on {path}; use {headers.get('Allow', 'another method')}"
    elif error.status_code == 404:
        sentence = f"There is nothing at {path}. GET / lists what there is"
    else:
        sentence = str(error.detail)
    return reply(dialect_of(path).error(error.status_code, sentence), error.status_code, headers)
