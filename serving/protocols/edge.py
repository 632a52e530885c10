"""What every route is given: the core, its settings and the metrics, and the few steps that all protocols share.

bytes -> media type -> document        (here and in `bodies`)
document -> Batch                      (the protocol's own module, with `Core`'s validator)
Batch -> Prediction                    (`Edge.predict`)
Prediction -> answer                   (the protocol's own module)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from ..core import Core, Prediction
from ..metrics import Metrics
from ..settings import Settings
from ..validation import Batch
from . import bodies

EVENT_TIME = "Tenfold-Event-Time"
STARTED = "tenfold.started"
"""Key in the ASGI scope: when the request's head had arrived, of `time.monotonic()`."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One per app, handed to each protocol's router."""

    core: Core
    settings: Settings
    metrics: Metrics

    async def document(self, request: Request) -> Any:
        """The request's JSON document, of any kind."""
        bodies.media_type(request, bodies.JSON)
        return bodies.parse(await self.body(request))

    async def object(self, request: Request) -> dict[str, Any]:
        """The request's JSON object."""
        bodies.media_type(request, bodies.JSON)
        return bodies.parse_object(await self.body(request))

    async def body(self, request: Request) -> bytes:
        """The request's bytes, at most `max_body_bytes`."""
        return await bodies.read(request, self.settings.max_body_bytes)

    def count_log(self) -> None:
        """Bring the metrics of the inference log up to date."""
        if self.core.writer:
            self.metrics.logged(self.core.writer.counts())

    async def predict(self, request: Request, batch: Batch, outputs: Sequence[str] = ("predict",)) -> Prediction:
        """Ask the model, at the time that the request's header names if it names one."""
        when = self.core.event_time(request.headers.get(EVENT_TIME))
        deadline = request.scope[STARTED] + self.settings.deadline_seconds
        return await self.core.predict(batch, tuple(outputs), when, deadline)
