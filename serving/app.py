"""Puts the HTTP edge together: the routes of all protocols, the errors in their shapes, the documentation.

`server` runs what `create_app` returns. It holds no state of its own: all of it is in the `Core`.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from . import __doc__ as summary
from .core import Core
from .errors import ServingError
from .keys import ApiKeys
from .metrics import Metrics
from .protocols import about, feedback, health, mlflow, openapi, predict, v1, v2
from .protocols.edge import Edge
from .protocols.envelope import Envelope, refuse, refuse_route
from .settings import Settings
from .tracing import Tracer

PREDICTIONS = {**predict.PREDICTIONS, **v2.PREDICTIONS, **v1.PREDICTIONS, **mlflow.PREDICTIONS}
"""What reads the body of a POST, by the paths that answer with predictions."""


def create_app(core: Core, settings: Settings, metrics: Metrics) -> tuple[FastAPI, Edge]:
    """The ASGI application over `core`, and the edge that all its routes were given."""
    keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    tracer = Tracer(settings.name or "tenfold") if settings.tracing else None
    edge = Edge(core, settings, metrics, keys, tracer)
    app = FastAPIOffline(title="tenfold model server", summary=summary, redoc_url=None, redirect_slashes=False)
    for protocol in (about, predict, feedback, v2, v1, mlflow, health):
        app.include_router(protocol.router(edge))
    app.add_exception_handler(ServingError, refuse)
    app.add_exception_handler(HTTPException, refuse_route)
    # Around all routes, but within Starlette's own answer to an exception, which is plain text in no protocol's shape.
    app.add_middleware(Envelope, edge)
    _document(app, core, keyed=keys is not None)
    return app, edge


def _document(app: FastAPI, core: Core, *, keyed: bool) -> None:
    """Answer /openapi.json from the model as soon as there is one."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if made:
            return made
        version = core.model.version if core.loaded else ""
        plain = get_openapi(title=app.title, version=version or "0", summary=app.summary, routes=app.routes)
        if not core.loaded:
            return plain
        made.update(openapi.with_model(plain, core.model, core.label_type, keyed=keyed))
        return made

    app.openapi = document
