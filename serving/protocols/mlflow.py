"""MLflow's scoring protocol, as `mlflow models serve` speaks it; errors in its shape, but never a stack trace."""

from __future__ import annotations

from functools import partial

from fastapi import Response

from .. import params
from ..core import Core
from ..exchange import ModelCall
from ..prediction import Prediction
from ..request import RequestHead
from ..responses import JSON, JSON_TYPE, BytesResponse, json_response, values
from ..routes import MLFLOW, PREDICTION_ERRORS, Operation, Route
from . import frames
from .documents import media_type, parse_object

CSV = "text/csv"


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict a data frame. The answer has an id for each row, for /feedback, beside what MLflow answers."""
    method, ignored = core.model.scoring_method, list[str]()
    if media_type(head, JSON, CSV) == CSV:
        batch = frames.from_csv(core, body)
    else:
        document = parse_object(body, core.max_values)
        batch = frames.from_json(core, document)
        ignored = params.check(document.get("params"), core.model.params, core.model.flavor)
    # The inference log compares what was predicted with labels, whatever is answered.
    return ModelCall(batch, tuple(dict.fromkeys(("predict", method))), partial(respond, method, ignored))


def respond(method: str, ignored: list[str], prediction: Prediction) -> Response:
    """The response; `warnings` say what of the request had no effect."""
    if not ignored and prediction.call.outputs[method].ndim == 1:
        ids = '","'.join(prediction.ids).encode()
        return BytesResponse(b'{"predictions":[%b],"ids":["%b"]}' % (prediction.flat(method), ids), JSON_TYPE)
    warnings = {"warnings": ignored} if ignored else {}
    return json_response({"predictions": values(prediction.outputs[method]), "ids": prediction.ids, **warnings})


ROUTES = (
    Route(
        "POST",
        "/invocations",
        MLFLOW,
        reader=read,
        operation=Operation("MLflow", "InvocationAnswer", PREDICTION_ERRORS, "Invocation", media=(CSV,)),
    ),
)
