"""`GET /`: what this server is and where everything is, for someone who has nothing but its address."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ... import __version__
from .bodies import reply
from .edge import Edge


def router(edge: Edge) -> APIRouter:
    """The route, bound to `edge`."""
    routes = APIRouter(tags=["tenfold"])

    @routes.get("/")
    async def about() -> Response:
        """The server, its model, and its paths."""
        core = edge.core
        model = {"name": core.model.name, "version": core.model.version} if core.loaded else None
        name = f"/models/{core.model.name}" if core.loaded else ""
        return reply(
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

    return routes
