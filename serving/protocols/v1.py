"""KServe's first protocol, as TensorFlow Serving had it: for clients that have not moved to v2 yet."""

from __future__ import annotations

from fastapi import Response

from ..context import Context
from ..core import Core
from ..errors import InvalidInput
from ..exchange import ModelCall
from ..prediction import Prediction
from ..request import RequestHead
from ..responses import json_response, values
from ..routes import OTHER, PREDICTION_ERRORS, V1, Operation, Route
from . import frames
from .documents import object_of


async def models(context: Context, _head: RequestHead, _body: bytes) -> Response:
    """The name of the model that is served."""
    return json_response({"models": [context.core.model.name]})


async def ready(context: Context, head: RequestHead, _body: bytes) -> Response:
    """Whether the model may be sent requests."""
    core = context.core
    core.check_model(head.parameters["name"], None)
    return json_response({"name": core.model.name, "ready": core.ready}, 200 if core.ready else 503)


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict instances. The answer has an id for each, for /feedback, beside what KServe answers."""
    core.check_model(head.parameters["name"], None)
    document = object_of(head, body, core.max_values)
    # As in KServe's own servers, "inputs" is another word for it, and keys that mean nothing are tolerated.
    given = [key for key in ("instances", "inputs") if key in document]
    if len(given) != 1:
        what = 'both "instances" and "inputs"' if given else 'no "instances"'
        raise InvalidInput(f'The request has {what}. Send {{"instances": [...]}}')
    return ModelCall(frames.instances(core, document[given[0]]), ("predict",), respond)


def respond(prediction: Prediction) -> Response:
    """The response."""
    return json_response({"predictions": values(prediction.outputs["predict"]), "ids": prediction.ids})


ROUTES = (
    Route("GET", "/v1/models", OTHER, handler=models, operation=Operation("KServe v1", "Models", (503,))),
    Route(
        "POST",
        "/v1/models/{name}:predict",
        V1,
        reader=read,
        operation=Operation("KServe v1", "InvocationAnswer", (404, *PREDICTION_ERRORS), "InstancesRequest"),
    ),
    Route(
        "GET",
        "/v1/models/{name}",
        OTHER,
        handler=ready,
        operation=Operation("KServe v1", "ModelReady", (404, 503), answer_errors=(503,)),
        access="probe",
    ),
)
