"""MLflow's scoring protocol, as `mlflow models serve` speaks it; errors in its shape, but never a stack trace."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ..core import Core, Prediction
from . import frames
from .bodies import JSON, media_type, parse_object, reply, values
from .edge import Edge
from .exchange import Question, route
from .head import Head

CSV = "text/csv"


def router(edge: Edge) -> APIRouter:
    """The route, bound to `edge`."""
    routes = APIRouter(tags=["MLflow"])
    routes.routes += (route(edge, path, ask) for path, ask in PREDICTIONS.items())
    return routes


def ask(core: Core, head: Head, body: bytes) -> Question:
    """Predict a data frame. The answer has an id for each row, for /feedback, beside what MLflow answers."""
    kind = media_type(head, JSON, CSV)
    batch = frames.from_csv(core, body) if kind == CSV else frames.from_json(core, parse_object(body))
    return Question(batch, ("predict",), answer)


def answer(prediction: Prediction) -> Response:
    """The answer."""
    return reply({"predictions": values(prediction.outputs["predict"]), "ids": prediction.ids})


PREDICTIONS = {"/invocations": ask}
