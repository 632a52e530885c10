"""Liveness, readiness and metrics of this process. Their requests are not counted in the metrics.

Live from the first moment; ready only while the model is loaded, warmed up and the process is not about to stop.
MLflow's `/ping` and `/health` mean ready, as in its own server.
"""

from __future__ import annotations

from fastapi import Response

from ... import __version__
from ..context import Context
from ..errors import NotReady
from ..metrics import CONTENT_TYPE
from ..request import RequestHead
from ..responses import json_response, text_response
from ..routes import MLFLOW, OTHER, Operation, Route


async def live(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """Whether the process lives. Restart it only when this fails."""
    return json_response({"ready": context.core.ready, "live": True})


async def ready(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """Whether predictions may be sent here; while not, the answer is 503 and has the reason."""
    core = context.core
    if core.ready:
        return json_response({"ready": True, "live": True})
    return json_response({"ready": False, "live": True, "reason": core.reason, "state": core.state}, 503)


async def ping(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """Whether predictions may be sent here, as MLflow's server says it."""
    if not context.core.ready:
        raise NotReady(context.core.reason)
    return text_response("\n")


async def version(_context: Context, _head: RequestHead, _body: bytes) -> Response:
    """The server's own version."""
    return text_response(__version__)


async def metrics(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """Counters for Prometheus; where replicas share a folder of metrics, the sum over all of them."""
    return text_response(await context.scrapes.text(), CONTENT_TYPE)


_LIVE = Operation("health", "Health")
_HEALTH = Operation("health", "Health", (503,), answer_errors=(503,))
_READY = Operation("health", "text/plain", (503,))
_TEXT = Operation("health", "text/plain")

ROUTES = (
    Route("GET", "/v2/health/live", OTHER, handler=live, operation=_LIVE, access="probe"),
    Route("GET", "/v2/health/ready", OTHER, handler=ready, operation=_HEALTH, access="probe"),
    Route("GET", "/ping", MLFLOW, handler=ping, operation=_READY, access="probe"),
    Route("GET", "/health", MLFLOW, handler=ping, operation=_READY, access="probe"),
    Route("GET", "/version", MLFLOW, handler=version, operation=_TEXT, access="probe"),
    Route("GET", "/metrics", OTHER, handler=metrics, operation=_TEXT, access="probe"),
)
