"""The Open Inference Protocol v2 over REST, as KServe, Triton and MLServer speak it; tensors in JSON or in bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

import orjson
from fastapi import APIRouter, Request, Response

from ... import __version__
from ..core import Core, Prediction
from ..errors import InvalidInput
from ..schema import v2_inputs
from ..signature import Signature
from . import binary, infer, plain, tensors, triton
from .bodies import JSON, Written, is_json, media_type, object_of, parse_object, reply
from .edge import Edge
from .exchange import Question, route
from .head import Head
from .infer import InferRequest
from .plain import PlainRequest

EXTENSIONS = ("binary_tensor_data", "statistics", "model_configuration")
"""Triton's names for what is spoken beyond the protocol itself."""
_LENGTH = binary.HEADER.lower().encode()


def router(edge: Edge) -> APIRouter:
    """The routes, bound to `edge`."""
    routes = APIRouter(tags=["Open Inference Protocol v2"])
    core = edge.core

    @routes.get("/v2")
    @routes.get("/v2/", include_in_schema=False)
    async def server() -> Response:
        """What this server is."""
        return reply({"name": "tenfold", "version": __version__, "extensions": EXTENSIONS})

    # Before the model's own path: a model called "stats" still has that of its version.
    @routes.get("/v2/models/stats")
    @routes.get("/v2/models/{name}/stats")
    @routes.get("/v2/models/{name}/versions/{version}/stats")
    async def stats(request: Request) -> Response:
        """Counts and times since the server started, as Triton's tools read them."""
        if "name" in request.path_params:
            _check_model(edge, request)
        edge.publish()
        samples = await asyncio.to_thread(edge.metrics.samples)
        return reply({"model_stats": [triton.statistics(core.model, samples, edge.metrics.last_predicted)]})

    @routes.get("/v2/models/{name}/config")
    @routes.get("/v2/models/{name}/versions/{version}/config")
    async def config(request: Request) -> Response:
        """The model's configuration, as Triton's tools read it."""
        _check_model(edge, request)
        return reply(triton.config(core.model, edge.settings.max_rows))

    @routes.get("/v2/models/{name}")
    @routes.get("/v2/models/{name}/versions/{version}")
    async def metadata(request: Request) -> Response:
        """The model's inputs and outputs."""
        _check_model(edge, request)
        model = core.model
        return reply(
            {
                "name": model.name,
                "versions": [model.version],
                "platform": model.platform,
                "inputs": v2_inputs(model.signature),
                "outputs": [spec.v2() for spec in model.output_specs],
                **({"parameters": {"not_accelerated": model.not_compiled}} if model.not_compiled else {}),
            }
        )

    @routes.get("/v2/models/{name}/ready")
    @routes.get("/v2/models/{name}/versions/{version}/ready")
    async def ready(request: Request) -> Response:
        """Whether the model may be sent requests."""
        _check_model(edge, request)
        return reply({"name": core.model.name, "ready": core.ready}, 200 if core.ready else 503)

    routes.routes += (route(edge, path, ask) for path, ask in PREDICTIONS.items())
    return routes


def ask(core: Core, head: Head, body: bytes) -> Question:
    """Predict rows that come as tensors: one of [rows, columns], or one per column."""
    core.check_model(head.parameters["name"], head.parameters.get("version"))
    model = core.model
    if (plainly := _plainly(model.signature, head, body)) is not None:
        asked = InferRequest((), plainly.outputs, plainly.id)
        batch = core.packed(plainly.values)
    else:
        asked = _asked(core, head, body)
        batch = tensors.batch(core, asked.inputs)
    return Question(batch, asked.outputs or model.outputs, partial(_answer, asked, model.datatypes))


def _answer(asked: InferRequest, datatypes: Mapping[str, str], prediction: Prediction) -> Response:
    if not (asked.binary or asked.as_bytes):
        return Written(infer.written(asked.id, prediction, datatypes), JSON.encode())
    content, data = infer.answer(asked, prediction, datatypes)
    if not data:
        return reply(content)
    head = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Written(head + b"".join(data), binary.OCTETS.encode(), headers={binary.HEADER: str(len(head))})


def _plainly(signature: Signature, head: Head, body: bytes) -> PlainRequest | None:
    if not signature.doubles or _LENGTH in head.headers or not is_json(head):
        return None
    return plain.read(body, len(signature.columns))


def _asked(core: Core, head: Head, body: bytes) -> InferRequest:
    length = head.get(_LENGTH)
    if length is None:
        if head.get(b"content-type") == binary.OCTETS:
            raise InvalidInput(f"The request has no header {binary.HEADER}. Send the length of its JSON part in it")
        return infer.take(object_of(head, body))
    media_type(head, JSON, binary.OCTETS)
    document, data = binary.split(body, length)
    return infer.take(parse_object(document), data) if document else infer.raw(core.model.signature, data)


def _check_model(edge: Edge, request: Request) -> None:
    edge.core.check_model(request.path_params["name"], request.path_params.get("version"))


PREDICTIONS = {"/v2/models/{name}/infer": ask, "/v2/models/{name}/versions/{version}/infer": ask}
