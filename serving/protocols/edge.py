"""What every route is given: the core, its settings and the metrics, and the few steps that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response

from ..core import Core
from ..errors import Unauthorized
from ..keys import ApiKeys
from ..metrics import Metrics
from ..settings import Settings
from ..tracing import Tracer
from . import bodies
from .dialects import Dialect
from .refusals import refusal

STARTED, IDENTITY, COUNTED = "tenfold.started", "tenfold.identity", "tenfold.counted"
"""Keys in the ASGI scope: when the request's head had arrived, of `time.monotonic()`; its id; that it counts itself."""
CLIENT_WENT_AWAY = 499  # as nginx counts it


@dataclass(frozen=True, slots=True)
class Edge:
    """One per app, handed to each protocol's router.

    Attributes:
        keys: None where nobody needs one.
        tracer: None where nothing is traced.
    """

    core: Core
    settings: Settings
    metrics: Metrics
    keys: ApiKeys | None = None
    tracer: Tracer | None = None

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

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        version = self.core.model.version if self.core.loaded else ""
        self.metrics.answered(protocol, status, version, seconds)

    def publish(self) -> None:
        """Bring the metrics up to date."""
        self.metrics.publish()
        if self.core.writer:
            self.metrics.logged(self.core.writer.counts())
