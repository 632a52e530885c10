"""Puts the HTTP edge together: the routes of all protocols, the errors in their shapes, the documentation.

`server` runs what `create_app` returns. It holds no state of its own: all of it is in the `Core`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
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
from .protocols.shortcut import Shortcut
from .settings import Settings


def create_app(core: Core, settings: Settings, metrics: Metrics) -> Shortcut:
    """The ASGI application over `core`."""
    edge = Edge(core, settings, metrics)
    app = FastAPIOffline(title="tenfold model server", summary=summary, redoc_url=None, redirect_slashes=False)
    routers = [protocol.router(edge) for protocol in (about, predict, feedback, v2, v1, mlflow, health)]
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(ServingError, refuse)
    app.add_exception_handler(HTTPException, refuse_route)
    keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    around = partial(Envelope, core=core, metrics=metrics, keys=keys, keys_for_probes=settings.api_keys_for_probes)
    # Around all routes, but within Starlette's own answer to an exception, which is plain text in no protocol's shape.
    app.add_middleware(around)
    _document(app, core, keyed=keys is not None)
    return Shortcut(app, [r for router in routers for r in router.routes if isinstance(r, APIRoute)], around)


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
