"""KServe's first protocol, as TensorFlow Serving had it: for clients that have not moved to v2 yet."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ..core import Core, Prediction
from ..errors import InvalidInput
from . import frames
from .bodies import object_of, reply, values
from .edge import Edge
from .exchange import Question, route
from .head import Head


def router(edge: Edge) -> APIRouter:
    """The routes, bound to `edge`."""
    routes = APIRouter(tags=["KServe v1"])
    core = edge.core

    @routes.get("/v1/models")
    async def models() -> Response:
        """The name of the model that is served."""
        return reply({"models": [core.model.name]})

    @routes.get("/v1/models/{name}")
    async def ready(request: Request) -> Response:
        """Whether the model may be sent requests."""
        core.check_model(request.path_params["name"], None)
        return reply({"name": core.model.name, "ready": core.ready}, 200 if core.ready else 503)

    routes.routes += (route(edge, path, ask) for path, ask in PREDICTIONS.items())
    return routes


def ask(core: Core, head: Head, body: bytes) -> Question:
    """Predict instances. The answer has an id for each, for /feedback, beside what KServe answers."""
    core.check_model(head.parameters["name"], None)
    document = object_of(head, body)
    # As in KServe's own servers, "inputs" is another word for it, and keys that mean nothing are tolerated.
    given = [key for key in ("instances", "inputs") if key in document]
    if len(given) != 1:
        what = 'both "instances" and "inputs"' if given else 'no "instances"'
        raise InvalidInput(f'The request has {what}. Send {{"instances": [...]}}')
    return Question(frames.instances(core, document[given[0]]), ("predict",), answer)


def answer(prediction: Prediction) -> Response:
    """The answer."""
    return reply({"predictions": values(prediction.outputs["predict"]), "ids": prediction.ids})


PREDICTIONS = {"/v1/models/{name}:predict": ask}
