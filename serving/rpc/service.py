"""`inference.GRPCInferenceService`: the six methods of the Open Inference Protocol v2, over the same core as HTTP.

Errors are gRPC's status codes with the same sentences. Metrics count requests as protocol "grpc", by the status that
HTTP would have.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from ... import __version__
from ..core import Core
from ..errors import InvalidInput, ModelUnloadable, ServingError, Shed
from ..keys import ApiKeys
from ..logs import request_id
from ..metrics import Metrics
from ..protocols.head import EVENT_TIME
from ..protocols.tensors import batch
from ..schema import v2_inputs
from ..settings import Settings
from . import tensors
from .messages import MESSAGES, PACKAGE, SERVICE

Method = Callable[[Any, Any], Awaitable[Any]]

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
# As in HTTP, they stay open unless the operator closes them.
_PROBES = ("ServerLive", "ServerReady", "ModelReady")
_logger = logging.getLogger(__name__)


async def start(core: Core, settings: Settings, metrics: Metrics, port: int) -> tuple[Any, int]:
    """A running server, and its port: `port` of the settings' host, which replicas of a service share.

    Raises:
        ModelUnloadable: nothing can listen there.
    """
    shared = settings.listen_fd is not None
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_body_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", int(shared)),
        ]
    )
    server.add_generic_rpc_handlers((Service(core, settings, metrics).handler(),))
    try:
        bound = server.add_insecure_port(f"{settings.host}:{port}")
    except RuntimeError as e:
        raise ModelUnloadable(
            f"Nothing can listen on {settings.host}:{port} for gRPC. Stop the program that does, or choose another port"
        ) from e
    await server.start()
    return server, bound


class Service:
    """The methods; one per process."""

    def __init__(self, core: Core, settings: Settings, metrics: Metrics) -> None:
        self.core, self.settings, self.metrics = core, settings, metrics
        self.keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods by the names that the protocol gives them."""
        methods: dict[str, Method] = {
            "ServerLive": self.live,
            "ServerReady": self.ready,
            "ServerMetadata": self.server,
            "ModelReady": self.model_ready,
            "ModelMetadata": self.model,
            "ModelInfer": self.infer,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._answering(name, method),
                    response_serializer=MESSAGES[f"{name}Response"].SerializeToString,
                )
                for name, method in methods.items()
            },
        )

    async def live(self, _request: Any, _context: Any) -> Any:
        """Whether the process lives."""
        return MESSAGES["ServerLiveResponse"](live=True)

    async def ready(self, _request: Any, _context: Any) -> Any:
        """Whether predictions may be sent here."""
        return MESSAGES["ServerReadyResponse"](ready=self.core.ready)

    async def server(self, _request: Any, _context: Any) -> Any:
        """What this server is."""
        return MESSAGES["ServerMetadataResponse"](name="tenfold", version=__version__)

    async def model_ready(self, request: Any, _context: Any) -> Any:
        """Whether the model may be sent requests."""
        self.core.check_model(request.name, request.version or None)
        return MESSAGES["ModelReadyResponse"](ready=self.core.ready)

    async def model(self, request: Any, _context: Any) -> Any:
        """The model's inputs and outputs."""
        self.core.check_model(request.name, request.version or None)
        model = self.core.model
        return MESSAGES["ModelMetadataResponse"](
            name=model.name,
            versions=[model.version],
            platform=model.platform,
            inputs=v2_inputs(model.signature),
            outputs=[spec.v2() for spec in model.output_specs],
        )

    async def infer(self, request: Any, context: Any) -> Any:
        """Predict rows that come as tensors: one of [rows, columns], or one per column."""
        left = context.time_remaining()  # None where the client sets no deadline
        deadline = time.monotonic() + min(self.settings.deadline_seconds, float("inf") if left is None else left)
        self.core.check_model(request.model_name, request.model_version or None)
        asked = tensors.take(request)
        rows = batch(self.core, asked.inputs)
        when = self.core.event_time(_metadata(context).get(EVENT_TIME.decode()))
        model = self.core.model
        prediction = await self.core.predict(rows, asked.outputs or model.outputs, when, deadline)
        return tensors.answer(asked, prediction, model.output_specs)

    def _answering(self, name: str, method: Method) -> Method:
        closed = name not in _PROBES or self.settings.api_keys_for_probes

        async def answer(message: bytes, context: Any) -> Any:
            started, status = time.monotonic(), 499  # as nginx counts a client that went away
            metadata = _metadata(context)
            identity = metadata.get("x-request-id") or uuid4().hex
            request_id.set(identity)
            try:
                if closed and self.keys is not None:
                    self.keys.check(metadata.get("authorization", ""))
                content = await method(_read(f"{name}Request", message), context)
                status = 200
                return content
            except ServingError as e:
                status, sentence = e.status, str(e)
                if isinstance(e, Shed):
                    self.metrics.shed(e.reason)
                if status == 500:
                    _logger.error("the request to %s failed", name, exc_info=e)
            except Exception:
                _logger.exception("the request to %s failed", name)
                status, sentence = 500, f"The server failed on this request. Its log has the reason under {identity}"
            finally:
                if name == "ModelInfer":
                    version = self.core.model.version if self.core.loaded else ""
                    self.metrics.answered("grpc", status, version, time.monotonic() - started)
            return await context.abort(_CODES.get(status, grpc.StatusCode.INTERNAL), sentence)

        return answer


def _read(kind: str, message: bytes) -> Any:
    """The message. gRPC would read it before the method is asked, and call what cannot be read a failure of ours.

    Raises:
        InvalidInput: it is none of that kind.
    """
    try:
        return MESSAGES[kind].FromString(message)
    except DecodeError as e:
        raise InvalidInput(f"The {len(message)} bytes of the message are no {PACKAGE}.{kind}. Send one") from e


def _metadata(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
