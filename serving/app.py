"""Puts the HTTP side together: the route table of all protocols, and the app that is made of it.

`server` runs what `create_app` returns. It holds no state of its own: all of it is in the `Core`.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from .context import Context
from .core import Core
from .keys import ApiKeys
from .metrics import Metrics
from .middleware import Middleware, TableRoute, endpoint
from .protocols import about, docs, feedback, health, mlflow, openapi, predict, v1, v2
from .request import RequestHead
from .responses import json_response
from .routes import OTHER, Route, RouteTable
from .settings import Settings
from .tracing import Tracer

_SUMMARY = (
    "Predictions of one model by several protocols, labels of what turned out to be true, and the server's health."
)


def create_app(core: Core, settings: Settings, metrics: Metrics) -> tuple[FastAPI, Context]:
    """The ASGI application over `core`, and what its requests are answered with."""
    keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    tracer = Tracer(settings.name or "tenfold") if settings.tracing else None
    app = FastAPI(title="tenfold model server", summary=_SUMMARY, openapi_url=None, docs_url=None, redoc_url=None)
    document: dict[str, Any] = {}

    async def openapi_document(_context: Context, _head: RequestHead, _body: bytes) -> Response:
        """The document that says what there is and how it looks."""
        return json_response(app.openapi())

    def make_document() -> dict[str, Any]:
        if document:
            return document
        version = core.model.version if core.loaded else "0"
        plain = get_openapi(title=app.title, version=version, summary=app.summary, routes=app.routes)
        if not core.loaded:
            return plain
        document.update(openapi.with_model(plain, table.routes, core.model, core.label_type, context.needs_key))
        return document

    table = RouteTable(
        (
            *(about.ROUTES + predict.ROUTES + feedback.ROUTES + v2.ROUTES + v1.ROUTES + mlflow.ROUTES),
            *(health.ROUTES + docs.ROUTES),
            Route("GET", "/openapi.json", OTHER, handler=openapi_document),
        )
    )
    context = Context(core, settings, metrics, table, keys, tracer)
    app.router.redirect_slashes = False
    app.router.routes.extend(map(_app_route, table.routes))
    app.openapi = make_document
    app.state.routes = table.routes
    # Around all routes, but within Starlette's own answer to an exception, which is plain text in no protocol's shape.
    app.add_middleware(Middleware, context)
    return app, context


def _app_route(route: Route) -> TableRoute:
    answers: Any = route.reader or route.handler
    description: str = answers.__doc__
    operation = route.operation
    made = TableRoute(
        route.path,
        endpoint,
        methods=[route.method],
        name=answers.__name__,
        summary=description.partition(".")[0],
        description=description,
        tags=[operation.tag] if operation else None,
        include_in_schema=operation is not None,
    )
    made.table_route = route
    return made
