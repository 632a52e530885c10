"""Around every request to the app: it is matched, refused where its head says enough, and counted.

Plain ASGI, between the server and the routes. What a route answers comes back through here, so that each response has
its request id, and a request that arrives with an `X-Request-Id` keeps it in the answer and in the log.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import NamedTuple, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.routing import Match as Matched
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .batching import settle
from .bodies import Body
from .context import Context
from .errors import ServingError
from .exchange import CLIENT_WENT_AWAY, HttpExchange
from .logs import request_id
from .request import RequestHead
from .routes import Match, Route

LAST = "tenfold.last"
"""Key in the ASGI scope of a request that is to be the last of its connection."""
AUTHENTICATE = "tenfold.authenticate"
"""Key in the ASGI scope of the function that is told whether the request came with a key."""
_STATE = "tenfold.state"
_LONGEST_WANTED = 1000  # bytes of the names of headers that a browser asks for

_logger = logging.getLogger(__name__)


class _State(NamedTuple):
    """What the middleware knows of a request, for its route."""

    match: Match
    exchange: HttpExchange
    body: Body


class Middleware:
    """ASGI middleware; one per app."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app, self._context = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; never raises for what a route did."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        match = self._context.table.match(method, path)
        head = RequestHead(dict(scope["headers"]), match.parameters)
        exchange = HttpExchange(self._context, method, path, match, head)
        body = Body(receive, head.headers, self._context.settings.max_body_bytes, self._context.held)
        scope[_STATE] = _State(match, exchange, body)
        request_id.set(exchange.request_id)
        status = 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *exchange.headers()]
                # A client that waits for 100 Continue may send its body all the same, or not.
                if LAST in scope or (b"expect" in head.headers and not body.whole):
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            asks_what_is_allowed = method == "OPTIONS" and (match.allowed or path == "*")
            if AUTHENTICATE in scope:
                scope[AUTHENTICATE](exchange.authenticated)
            if asks_what_is_allowed:  # browsers send no key with it
                await _options(match, head)(scope, receive, respond)
            elif exchange.error is not None:
                await exchange.response_to(exchange.error)(scope, receive, respond)
            else:
                await self._app(scope, receive, respond)
        except ClientDisconnect:
            status = status or CLIENT_WENT_AWAY
        except asyncio.CancelledError:  # `Connection` does that when the client goes away
            status = status or CLIENT_WENT_AWAY
            raise
        except Exception:
            _logger.exception("the request to %s failed", path)
            if status:
                raise
            await exchange.failed()(scope, receive, respond)
        finally:
            body.release()
            exchange.count(status or 500)
            del scope[_STATE]  # which leads back to the scope, and would keep the request until the collector comes


class TableRoute(APIRoute):
    """A route of the app, made of one of the table's: the middleware has matched the request."""

    table_route: Route

    def matches(self, scope: Scope) -> tuple[Matched, Scope]:
        """Whether the request is of this route."""
        return (Matched.FULL if scope[_STATE].match.route is self.table_route else Matched.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it; the table has looked at the method, and takes HEAD for a GET."""
        await self.app(scope, receive, send)


async def endpoint(request: Request) -> Response:
    """Answers every request that a route of the table takes."""
    _, exchange, body = cast("_State", request.scope[_STATE])
    route = exchange.route
    try:
        content = await body.read() if route.method == "POST" else b""
    except ServingError as e:
        return exchange.response_to(e)
    if route.reader is None:
        return await exchange.handle(content)
    predicted: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    exchange.predict(route.reader, content, partial(settle, predicted))
    try:
        return await predicted
    finally:
        exchange.drop()


def _options(match: Match, head: RequestHead) -> Response:
    """What may be done at a path; a browser asks before it sends a page's request to another origin."""
    allowed = ", ".join(match.allowed or ("GET", "HEAD", "POST", "OPTIONS"))
    headers = {"Allow": allowed}
    wanted = head.get(b"access-control-request-headers")
    if wanted is not None and len(wanted) <= _LONGEST_WANTED:
        headers |= {"Access-Control-Allow-Methods": allowed, "Access-Control-Allow-Headers": wanted}
        headers["Access-Control-Max-Age"] = "600"
    return Response(status_code=204, headers=headers)  # which has no Content-Length, as HTTP wants it
