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
from . import frames, plain
from .counting import check_json
from .documents import media_type, parse_object

CSV = "text/csv"


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict a data frame. The answer has an id for each row, for /feedback, beside what MLflow answers."""
    method, ignored = core.model.scoring_method, list[str]()
    if media_type(head, JSON, CSV) == CSV:
        batch = frames.from_csv(core, body)
    elif (packed := _plainly(core, body)) is not None:
        batch = core.packed(packed)
    else:
        document = parse_object(body, core.max_values)
        batch = frames.from_json(core, document)
        ignored = params.check(document.get("params"), core.model.params, core.model.flavor)
    # The inference log compares what was predicted with labels, whatever is answered.
    return ModelCall(batch, tuple(dict.fromkeys(("predict", method))), partial(respond, method, ignored))


def _plainly(core: Core, body: bytes) -> bytes | None:
    signature = core.model.signature
    if not (signature.doubles and signature.named):
        return None
    check_json(body, core.max_values)
    return plain.frame(body, signature.names)


def respond(method: str, ignored: list[str], prediction: Prediction) -> Response:
    """The response; `warnings` say what of the request had no effect."""
    if not ignored and prediction.result.outputs[method].ndim == 1:
        ids = prediction.joined_ids.replace(b",", b'","')
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
