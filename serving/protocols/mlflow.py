"""MLflow's scoring protocol, as `mlflow models serve` speaks it; errors in its shape, but never a stack trace."""

from __future__ import annotations

from fastapi import Response

from ..core import Core
from ..exchange import ModelCall
from ..prediction import Prediction
from ..request import RequestHead
from ..responses import JSON, json_response, values
from ..routes import MLFLOW, PREDICTING, Operation, Route
from . import frames
from .documents import media_type, parse_object

CSV = "text/csv"


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict a data frame. The answer has an id for each row, for /feedback, beside what MLflow answers."""
    kind = media_type(head, JSON, CSV)
    batch = frames.from_csv(core, body) if kind == CSV else frames.from_json(core, parse_object(body))
    return ModelCall(batch, ("predict",), respond)


def respond(prediction: Prediction) -> Response:
    """The response."""
    return json_response({"predictions": values(prediction.outputs["predict"]), "ids": prediction.ids})


ROUTES = (
    Route(
        "POST",
        "/invocations",
        MLFLOW,
        reader=read,
        operation=Operation("MLflow", "InvocationAnswer", PREDICTING, "Invocation"),
    ),
)
