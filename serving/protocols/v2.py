"""The Open Inference Protocol v2 over REST, as KServe, Triton and MLServer speak it; tensors in JSON or in bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

import orjson
from fastapi import Response

from ... import __version__
from ..context import Context
from ..core import Core
from ..errors import InvalidInput
from ..exchange import ModelCall
from ..prediction import Prediction
from ..request import RequestHead
from ..responses import JSON, JSON_TYPE, BytesResponse, json_response
from ..routes import GRPC, OTHER, PREDICTION_ERRORS, V2, Access, Handler, Operation, Route
from ..schema import v2_inputs
from ..signature import Signature
from . import binary, infer, plain, tensors, triton
from .counting import check_json
from .documents import is_json, media_type, object_of, parse_object
from .infer import InferRequest
from .plain import PlainRequest

EXTENSIONS = ("binary_tensor_data", "statistics", "model_configuration")
"""Triton's names for what is spoken beyond the protocol itself."""
_LENGTH = binary.HEADER.lower().encode()


async def server(_context: Context, _head: RequestHead, _body: bytes) -> Response:
    """What this server is."""
    return json_response({"name": "tenfold", "version": __version__, "extensions": EXTENSIONS})


async def stats(context: Context, head: RequestHead, _body: bytes) -> Response:
    """Counts and times since the server started, as Triton's tools read them."""
    if head.parameters:
        _check_model(context.core, head)
    context.publish()
    samples = await asyncio.to_thread(context.metrics.samples)
    predicting = {GRPC.name, *(route.protocol.name for route in context.table.routes if route.reader)}
    statistics = triton.statistics(context.core.model, samples, context.metrics.last_predicted, predicting)
    return json_response({"model_stats": [statistics]})


async def config(context: Context, head: RequestHead, _body: bytes) -> Response:
    """The model's configuration, as Triton's tools read it."""
    _check_model(context.core, head)
    return json_response(triton.config(context.core.model, context.settings.max_rows))


async def metadata(context: Context, head: RequestHead, _body: bytes) -> Response:
    """The model's inputs and outputs."""
    _check_model(context.core, head)
    model = context.core.model
    return json_response(
        {
            "name": model.name,
            "versions": [model.version],
            "platform": model.platform,
            "inputs": v2_inputs(model.signature),
            "outputs": [spec.v2() for spec in model.output_specs],
            **({"parameters": {"not_accelerated": model.not_compiled}} if model.not_compiled else {}),
        }
    )


async def ready(context: Context, head: RequestHead, _body: bytes) -> Response:
    """Whether the model may be sent requests."""
    core = context.core
    _check_model(core, head)
    return json_response({"name": core.model.name, "ready": core.ready}, 200 if core.ready else 503)


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict rows that come as tensors: one of [rows, columns], or one per column."""
    core.check_model(head.parameters["name"], head.parameters.get("version"))
    model = core.model
    if (plainly := _plainly(model.signature, head, body, core.max_values)) is not None:
        request = InferRequest((), plainly.outputs, plainly.id)
        batch = core.packed(plainly.values)
    else:
        request = _request(core, head, body)
        batch = tensors.batch(core, request.inputs)
    return ModelCall(batch, request.outputs or model.outputs, partial(_respond, request, model.datatypes))


def _respond(request: InferRequest, datatypes: Mapping[str, str], prediction: Prediction) -> Response:
    if not (request.binary or request.as_bytes):
        return BytesResponse(infer.written(request.id, prediction, datatypes), JSON_TYPE)
    content, data = infer.answer(request, prediction, datatypes)
    if not data:
        return json_response(content)
    head = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return BytesResponse(head + b"".join(data), binary.OCTETS.encode(), headers={binary.HEADER: str(len(head))})


def _plainly(signature: Signature, head: RequestHead, body: bytes, most_values: int) -> PlainRequest | None:
    if not signature.doubles or _LENGTH in head.headers or not is_json(head):
        return None
    check_json(body, most_values)
    return plain.read(body, len(signature.columns))


def _request(core: Core, head: RequestHead, body: bytes) -> InferRequest:
    length = head.get(_LENGTH)
    if length is None:
        if head.get(b"content-type") == binary.OCTETS:
            raise InvalidInput(f"The request has no header {binary.HEADER}. Send the length of its JSON part in it")
        return infer.take(object_of(head, body, core.max_values))
    media_type(head, JSON, binary.OCTETS)
    document, data = binary.split(body, length)
    return (
        infer.take(parse_object(document, core.max_values), data) if document else infer.raw(core.model.signature, data)
    )


def _check_model(core: Core, head: RequestHead) -> None:
    core.check_model(head.parameters["name"], head.parameters.get("version"))


_TAG = "Open Inference Protocol v2"
_SERVER = Operation(_TAG, "ServerMetadata")
_INFER = Operation(_TAG, "InferAnswer", (404, *PREDICTION_ERRORS), "InferRequest", media=(binary.OCTETS,))


def _of_model(
    path: str, handler: Handler, answer: str, access: Access = "key", answer_errors: tuple[int, ...] = ()
) -> tuple[Route, Route]:
    """The routes of a model, and of a version of it."""
    operation = Operation(_TAG, answer, (404, 503), answer_errors=answer_errors)
    return (
        Route("GET", f"/v2/models/{{name}}{path}", OTHER, handler=handler, operation=operation, access=access),
        Route(
            "GET",
            f"/v2/models/{{name}}/versions/{{version}}{path}",
            OTHER,
            handler=handler,
            operation=operation,
            access=access,
        ),
    )


ROUTES = (
    Route("GET", "/v2", OTHER, handler=server, operation=_SERVER),
    Route("GET", "/v2/", OTHER, handler=server),
    # A fixed path goes before the model's own: a model called "stats" still has that of its version.
    Route("GET", "/v2/models/stats", OTHER, handler=stats, operation=Operation(_TAG, "Statistics", (503,))),
    *_of_model("", metadata, "ModelMetadata"),
    *_of_model("/stats", stats, "Statistics"),
    *_of_model("/config", config, "ModelConfig"),
    *_of_model("/ready", ready, "ModelReady", "probe", (503,)),
    Route("POST", "/v2/models/{name}/infer", V2, reader=read, operation=_INFER),
    Route("POST", "/v2/models/{name}/versions/{version}/infer", V2, reader=read, operation=_INFER),
)
