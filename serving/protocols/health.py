"""Whether this process lives and may be sent requests, and what it has counted: asked by machines, never counted.

Live from the first moment; ready only while the model is loaded, warmed up and the process is not about to stop.
MLflow's `/ping` and `/health` mean ready, as in its own server.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from ... import __version__
from ..errors import NotReady
from ..metrics import CONTENT_TYPE
from .bodies import reply
from .edge import Edge


def router(edge: Edge) -> APIRouter:
    """The routes, bound to `edge`."""
    routes = APIRouter(tags=["health"])

    @routes.get("/v2/health/live")
    async def live() -> Response:
        """Whether the process lives. Restart it only when this fails."""
        return reply({"ready": edge.core.ready, "live": True})

    @routes.get("/v2/health/ready")
    async def ready() -> Response:
        """Whether predictions may be sent here; while not, the answer is 503 and has the reason."""
        if edge.core.ready:
            return reply({"ready": True, "live": True})
        return reply({"ready": False, "live": True, "reason": edge.core.reason, "state": edge.core.state}, 503)

    @routes.get("/ping")
    @routes.get("/health")
    async def ping() -> Response:
        """Whether predictions may be sent here, as MLflow's server says it."""
        if not edge.core.ready:
            raise NotReady(edge.core.reason)
        return Response("\n", media_type="text/plain")

    @routes.get("/version")
    async def version() -> Response:
        """The server's own version."""
        return Response(__version__, media_type="text/plain")

    @routes.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus; where replicas share a folder of metrics, the sum over all of them."""
        edge.publish()
        return Response(await asyncio.to_thread(edge.metrics.render), media_type=CONTENT_TYPE)

    return routes
