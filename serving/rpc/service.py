"""`inference.GRPCInferenceService`: the six methods of the Open Inference Protocol v2, over the same core as HTTP.

Errors are gRPC's status codes with the same sentences. Metrics count predictions as protocol "grpc", by the status that
HTTP would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError

from ... import __version__
from ..context import Context
from ..core import Core
from ..errors import InvalidInput, Overloaded, ServingError
from ..exchange import ModelCall
from ..prediction import Prediction
from ..protocols.infer import InferRequest
from ..protocols.tensors import batch
from ..request import RequestHead
from ..schema import OutputSpec, v2_inputs
from . import answers, tensors
from .answers import Answer
from .calls import Call, PredictionCall, seconds_left
from .errors import Unspoken
from .messages import MESSAGES, PACKAGE, SERVICE

# As in HTTP, they stay open unless the operator closes them.
_PROBES = ("ServerLive", "ServerReady", "ModelReady")
_INFER = "ModelInfer"
_TYPES = (b"application/grpc", b"application/grpc+proto")


class Service:
    """Where calls begin; one per process."""

    def __init__(self, context: Context) -> None:
        self._context, self._core = context, context.core
        self._methods: dict[str, Callable[[Any], Any]] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ServerMetadata": self._server,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model,
        }
        self._names = {f"/{SERVICE}/{name}".encode(): name for name in (*self._methods, _INFER)}
        most = context.settings.max_waiting_rows
        # Made once: under overload there are more of these than of anything else.
        self._full = answers.refusal(Overloaded(most, most))

    def enter(self, headers: Mapping[bytes, bytes], then: Callable[[Answer], None]) -> Call:
        """A call whose headers have just arrived; `then` is told its answer."""
        context, head, started = self._context, RequestHead(headers, {}), time.monotonic()
        name = self._names.get(headers[b":path"], "")
        refusal, seconds = _not_grpc(headers), float("inf")
        if refusal is None:
            try:
                if not name:
                    raise self._unknown(headers[b":path"])
                if context.keys is not None and (name not in _PROBES or context.settings.api_keys_for_probes):
                    context.keys.check(headers.get(b"authorization", b""))
                seconds = seconds_left(headers.get(b"grpc-timeout"))
            except ServingError as e:
                refusal = answers.refusal(e)
        if name != _INFER:
            return Call(context, head, partial(self._tell, name), refusal, then)
        if refusal is None and self._core.full:
            context.metrics.shed(Overloaded.reason)
            refusal = self._full
        return PredictionCall(context, head, ask, seconds, started, refusal, then)

    def _tell(self, name: str, message: bytes) -> Answer:
        return answers.message(self._methods[name](_read(f"{name}Request", message)).SerializeToString())

    def _unknown(self, path: bytes) -> Unspoken:
        named, known = path[:200].decode("latin-1"), ", ".join(self._names.values())
        return Unspoken(f"There is no method '{named}' here. Call one of /{SERVICE}: {known}")

    def _live(self, _request: Any) -> Any:
        return MESSAGES["ServerLiveResponse"](live=True)

    def _ready(self, _request: Any) -> Any:
        return MESSAGES["ServerReadyResponse"](ready=self._core.ready)

    def _server(self, _request: Any) -> Any:
        return MESSAGES["ServerMetadataResponse"](name="tenfold", version=__version__)

    def _model_ready(self, request: Any) -> Any:
        self._core.check_model(request.name, request.version or None)
        return MESSAGES["ModelReadyResponse"](ready=self._core.ready)

    def _model(self, request: Any) -> Any:
        self._core.check_model(request.name, request.version or None)
        model = self._core.model
        return MESSAGES["ModelMetadataResponse"](
            name=model.name,
            versions=[model.version],
            platform=model.platform,
            inputs=v2_inputs(model.signature),
            outputs=[spec.v2() for spec in model.output_specs],
        )


def ask(core: Core, _head: RequestHead, body: bytes) -> ModelCall[Answer]:
    """Predict rows that come as tensors: one of [rows, columns], or one per column."""
    request = _read(f"{_INFER}Request", body)
    core.check_model(request.model_name, request.model_version or None)
    asked = tensors.take(request)
    rows = batch(core, asked.inputs)
    return ModelCall(rows, asked.outputs or core.model.outputs, partial(_answer, asked, core.model.output_specs))


def _not_grpc(headers: Mapping[bytes, bytes]) -> Answer | None:
    """The answer to a request that is no call of gRPC."""
    if headers[b":method"] != b"POST":
        return answers.plain(405, "This is a port of gRPC, whose calls are POST. HTTP has another one")
    given = headers.get(b"content-type", b"")
    if given not in _TYPES and given.partition(b";")[0].rstrip() not in _TYPES:
        return answers.plain(415, "This is a port of gRPC: send application/grpc. HTTP has another one")
    return None


def _answer(asked: InferRequest, specs: Sequence[OutputSpec], prediction: Prediction) -> Answer:
    return answers.message(tensors.answer(asked, prediction, specs).SerializeToString())


def _read(kind: str, message: bytes) -> Any:
    """The message.

    Raises:
        InvalidInput: it is none of that kind.
    """
    try:
        return MESSAGES[kind].FromString(message)
    except DecodeError as e:
        raise InvalidInput(f"The {len(message)} bytes of the message are no {PACKAGE}.{kind}. Send one") from e
