"""MLflow's scoring protocol, as `mlflow models serve` speaks it; errors in its shape, but never a stack trace."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from . import frames
from .bodies import JSON, media_type, parse_object, reply, values
from .edge import Edge

CSV = "text/csv"


def router(edge: Edge) -> APIRouter:
    """The route, bound to `edge`."""
    routes = APIRouter(tags=["MLflow"])

    @routes.post("/invocations")
    async def invocations(request: Request) -> Response:
        """Predict a data frame. The answer has an id for each row, for /feedback, beside what MLflow answers."""
        kind = media_type(request, JSON, CSV)
        body = await edge.body(request)
        batch = frames.from_csv(edge.core, body) if kind == CSV else frames.from_json(edge.core, parse_object(body))
        prediction = await edge.predict(request, batch)
        return reply({"predictions": values(prediction.outputs["predict"]), "ids": prediction.ids})

    return routes
