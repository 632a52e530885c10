"""What every route is given: the core, its settings and the metrics, and the few steps that all protocols share.

bytes -> media type -> document        (`bodies`)
document -> Question                   (the protocol's own module, with `Core`'s validator)
Question -> Prediction -> answer       (`exchange`)
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from ..batching import settle
from ..core import Core
from ..errors import Unauthorized
from ..keys import ApiKeys
from ..metrics import Metrics
from ..settings import Settings
from . import bodies
from .dialects import Dialect, dialect_of
from .exchange import Ask, Exchange
from .head import Head
from .refusals import refusal

STARTED, IDENTITY = "tenfold.started", "tenfold.identity"
"""Keys in the ASGI scope: when the request's head had arrived, of `time.monotonic()`; its id."""
CLIENT_WENT_AWAY = 499  # as nginx counts it


@dataclass(frozen=True, slots=True)
class Edge:
    """One per app, handed to each protocol's router.

    Attributes:
        keys: None where nobody needs one.
        ways: the paths that ask for predictions, and what reads their bodies.
    """

    core: Core
    settings: Settings
    metrics: Metrics
    keys: ApiKeys | None = None
    ways: list[tuple[re.Pattern[str], Ask]] = field(default_factory=list[tuple[re.Pattern[str], Ask]])

    def predictions(self, routes: APIRouter, path: str, ask: Ask) -> None:
        """Let a POST to `path` be answered by way of `ask`, which also says in the documentation what it does."""

        async def predict(request: Request) -> Response:
            return await self._exchange(request, ask)

        route = APIRoute(f"{routes.prefix}{path}", predict, methods=["POST"], description=ask.__doc__, tags=routes.tags)
        routes.routes.append(route)
        self.ways.append((route.path_regex, ask))

    async def body(self, request: Request) -> bytes:
        """The request's bytes, at most `max_body_bytes`."""
        return await bodies.read(request, self.settings.max_body_bytes)

    def turned_away(self, dialect: Dialect, authorization: str | None) -> Response | None:
        """The answer to a request without a valid key; None for one that may pass."""
        if self.keys is None or not (dialect.counted or self.settings.api_keys_for_probes):
            return None
        try:
            self.keys.check(authorization or "")
        except Unauthorized as e:
            return refusal(dialect, e)
        return None

    def answered(self, dialect: Dialect, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        version = self.core.model.version if self.core.loaded else ""
        self.metrics.answered(dialect.name, status, version, seconds)

    def publish(self) -> None:
        """Bring the metrics up to date."""
        self.metrics.publish()
        if self.core.writer:
            self.metrics.logged(self.core.writer.counts())

    async def _exchange(self, request: Request, ask: Ask) -> Response:
        body = await self.body(request)
        scope = request.scope
        exchange = Exchange(
            self.core, self.metrics, ask, dialect_of(scope["path"]), Head.of(request), scope[IDENTITY], scope[STARTED]
        )
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        exchange.begin(body, partial(settle, answered))
        try:
            return await answered
        finally:
            exchange.drop()
