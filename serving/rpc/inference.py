"""`inference.GRPCInferenceService`: the methods of the Open Inference Protocol v2, over the same core as HTTP. Pure.

`ModelStreamInfer` is Triton's: predictions of which each is a message of one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from ... import __version__
from ..core import Core
from ..exchange import ModelCall
from ..prediction import Prediction
from ..protocols.infer import InferRequest, check_id
from ..protocols.tensors import batch
from ..request import RequestHead
from ..schema import OutputSpec, v2_inputs
from . import responses, tensors
from .messages import INFERENCE, MESSAGES, read, read_infer
from .responses import Response
from .streaming import Slot


class StreamItem(NamedTuple):
    """A response within a stream: its message, and the status that HTTP would have."""

    message: bytes
    status_code: int = 200


def server_live(_core: Core, message: bytes) -> bytes:
    """Whether the process lives."""
    read(INFERENCE, "ServerLiveRequest", message)
    return MESSAGES["ServerLiveResponse"](live=True).SerializeToString()


def server_ready(core: Core, message: bytes) -> bytes:
    """Whether predictions may be sent here."""
    read(INFERENCE, "ServerReadyRequest", message)
    return MESSAGES["ServerReadyResponse"](ready=core.ready).SerializeToString()


def server_metadata(_core: Core, message: bytes) -> bytes:
    """What the server is."""
    read(INFERENCE, "ServerMetadataRequest", message)
    return MESSAGES["ServerMetadataResponse"](name="tenfold", version=__version__).SerializeToString()


def model_ready(core: Core, message: bytes) -> bytes:
    """Whether the model can predict now."""
    request = read(INFERENCE, "ModelReadyRequest", message)
    core.check_model(request.name, request.version or None)
    return MESSAGES["ModelReadyResponse"](ready=core.ready).SerializeToString()


def model_metadata(core: Core, message: bytes) -> bytes:
    """What the model takes and answers."""
    request = read(INFERENCE, "ModelMetadataRequest", message)
    core.check_model(request.name, request.version or None)
    model = core.model
    return MESSAGES["ModelMetadataResponse"](
        name=model.name,
        versions=[model.version],
        platform=model.platform,
        inputs=v2_inputs(model.signature),
        outputs=[spec.v2() for spec in model.output_specs],
    ).SerializeToString()


def ask(core: Core, _head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict rows that come as tensors: one of [rows, columns], or one per column."""
    request = read_infer(body, core.max_values)
    return _asked(core, request, _response)


def ask_in_stream(slot: Slot, core: Core, _head: RequestHead, body: bytes) -> ModelCall[StreamItem]:
    """The same for a message of a stream; its slot gets the id that the client gave it."""
    request = read_infer(body, core.max_values)
    check_id(request.id)  # a refusal would repeat it too
    slot.id = request.id
    return _asked(core, request, _item)


def refused_in_stream(slot: Slot, sentence: str, status: int) -> StreamItem:
    """The response to a message of a stream that cannot be answered, as in Triton."""
    message = MESSAGES["ModelStreamInferResponse"](error_message=sentence)
    message.infer_response.id = slot.id
    return StreamItem(message.SerializeToString(), status)


def _asked(core: Core, request: Any, respond: Any) -> ModelCall[Any]:
    core.check_model(request.model_name, request.model_version or None)
    asked = tensors.take(request)
    rows = batch(core, asked.inputs)
    return ModelCall(rows, asked.outputs or core.model.outputs, partial(respond, asked, core.model.output_specs))


def _response(asked: InferRequest, specs: Sequence[OutputSpec], prediction: Prediction) -> Response:
    return responses.message(tensors.answer(asked, prediction, specs).SerializeToString())


def _item(asked: InferRequest, specs: Sequence[OutputSpec], prediction: Prediction) -> StreamItem:
    answer = tensors.answer(asked, prediction, specs)
    answer.parameters["triton_final_response"].bool_param = True
    return StreamItem(MESSAGES["ModelStreamInferResponse"](infer_response=answer).SerializeToString())
