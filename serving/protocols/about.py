"""`GET /`: what this server is and where everything is, for someone who has nothing but its address."""

from __future__ import annotations

from fastapi import Response

from ... import __version__
from ..context import Context
from ..request import RequestHead
from ..responses import json_response
from ..routes import OTHER, Operation, Route


async def about(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """The server, its model, and its paths."""
    core = context.core
    model, name = None, ""
    if core.loaded:
        model, name = {"name": core.model.name, "version": core.model.version}, f"/models/{core.model.name}"
        if core.model.classes is not None:
            model["classes"] = core.model.classes.tolist()  # in the order of their probabilities
    return json_response(
        {
            "name": "tenfold",
            "version": __version__,
            "status": "alive",  # KServe v1's word for a server that lives
            "model": model,
            "paths": {
                "predict": "/predict",
                "feedback": "/feedback",
                "Open Inference Protocol v2": f"/v2{name}",
                "KServe v1": f"/v1{name or '/models'}",
                "MLflow scoring": "/invocations",
                "metrics": "/metrics",
                "documentation": "/docs",
                "OpenAPI": "/openapi.json",
            },
        }
    )


ROUTES = (Route("GET", "/", OTHER, handler=about, operation=Operation("tenfold", "About")),)
