"""The methods of the port of gRPC, and where a call begins: what its headers alone decide is decided here.

Errors are gRPC's status codes with the same sentences as over HTTP. Metrics count predictions as protocol "grpc", by
the status that HTTP would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from ..context import Context
from ..core import Core
from ..echo import echo
from ..errors import InvalidInput, Overloaded, ServingError, UnknownPath
from ..request import RequestHead
from ..routes import GRPC, Access, Match, Reader, Route
from . import inference, responses
from .calls import HandlerCall, NoCall, PredictionCall, seconds_left
from .descriptors import ProtoFile
from .errors import Unspoken
from .health import WatchCall, check
from .infer_stream import InferStream
from .messages import HEALTH, REFLECTION, SERVICE
from .reflection import ReflectionCall
from .responses import Response
from .stream import Call, Stream

# What is kept of a probe's headers, and how long its message may be.
_OF_PROBES = (b"grpc-encoding", b"x-request-id")
_PROBE_BYTES = 1024
_TYPES = (b"application/grpc", b"application/grpc+proto")


OpenCall = Callable[[Context, RequestHead, Stream, float, float], Call]
"""Begins a call, given its head, its stream, how long its client waits at most, and when its headers had arrived."""


class Method(NamedTuple):
    """One method: its route, which has a reader if it asks the model once, and what begins a call of it."""

    route: Route
    open_call: OpenCall


def _infer(context: Context, head: RequestHead, stream: Stream, seconds: float, started: float) -> Call:
    return PredictionCall(context, head, stream, inference.ask, seconds, started)


def _stream_infer(context: Context, head: RequestHead, stream: Stream, seconds: float, _started: float) -> Call:
    return InferStream(context, head, stream, seconds)


def _watch(context: Context, head: RequestHead, stream: Stream, seconds: float, _started: float) -> Call:
    return WatchCall(context.core, head, stream, _PROBE_BYTES, seconds)


def _reflect(
    file: ProtoFile, context: Context, head: RequestHead, stream: Stream, seconds: float, _started: float
) -> Call:
    return ReflectionCall(file, head, stream, context.settings.max_body_bytes, seconds)


def _handle(handler: Callable[[Core, bytes], bytes]) -> OpenCall:
    def open_call(context: Context, head: RequestHead, stream: Stream, _seconds: float, _started: float) -> Call:
        most = _PROBE_BYTES if stream.light else context.settings.max_body_bytes
        return HandlerCall(head, stream, most, partial(handler, context.core))

    return open_call


def _method(
    service: str, name: str, open_call: OpenCall, access: Access = "key", reader: Reader | None = None
) -> Method:
    return Method(Route("POST", f"/{service}/{name}", GRPC, reader=reader, access=access), open_call)


METHODS = (
    _method(SERVICE, "ModelInfer", _infer, reader=inference.ask),
    _method(SERVICE, "ModelStreamInfer", _stream_infer),
    _method(SERVICE, "ServerLive", _handle(inference.server_live), "probe"),
    _method(SERVICE, "ServerReady", _handle(inference.server_ready), "probe"),
    _method(SERVICE, "ServerMetadata", _handle(inference.server_metadata)),
    _method(SERVICE, "ModelReady", _handle(inference.model_ready), "probe"),
    _method(SERVICE, "ModelMetadata", _handle(inference.model_metadata)),
    _method(HEALTH.services[0], "Check", _handle(check), "probe"),
    _method(HEALTH.services[0], "Watch", _watch, "probe"),
    *(_method(file.services[0], "ServerReflectionInfo", partial(_reflect, file)) for file in REFLECTION),
)
"""All methods."""
_BY_PATH = {method.route.path.encode(): (method, Match(method.route, {}, (), GRPC)) for method in METHODS}
_UNKNOWN = None, Match(None, {}, (), GRPC)


class Service:
    """Where calls begin; one per process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        most = context.settings.max_waiting_rows
        # Made once: under overload there are more of these than of anything else.
        self._full = responses.refusal(Overloaded(most, most))

    def open_call(self, headers: Mapping[bytes, bytes], stream: Stream) -> Call | None:
        """Begin a call whose headers have just arrived; None: it was answered."""
        started, head, path = time.monotonic(), RequestHead(headers, {}), headers[b":path"]
        method, match = _BY_PATH.get(path, _UNKNOWN)
        if (response := _not_grpc(headers)) is not None:
            return NoCall(head, stream, response)
        error = self._context.refuse_by_head("POST", "", match, head)
        if error is None:
            assert method is not None
            if method.route.access != "key":  # nobody without a key shall take the room of those who have one
                stream.light = True
                head = RequestHead({name: headers[name] for name in _OF_PROBES if name in headers}, {})
            try:
                seconds = seconds_left(headers.get(b"grpc-timeout"))
                return method.open_call(self._context, head, stream, seconds, started)
            except InvalidInput as e:
                error = e
        response = self._refusal(error, path)
        if method is not None and method.route.reader is not None:
            self._context.answered(GRPC.name, response.status_code, time.monotonic() - started)
        stream.respond(response)
        return None

    def _refusal(self, error: ServingError, path: bytes) -> Response:
        if isinstance(error, Overloaded):
            self._context.metrics.shed(error.reason)
            return self._full
        if isinstance(error, UnknownPath):
            named, known = echo(path.decode("latin-1")), ", ".join(method.route.path for method in METHODS)
            error = Unspoken(f"There is no method {named} here. Call one of {known}")
        return responses.refusal(error)


def _not_grpc(headers: Mapping[bytes, bytes]) -> Response | None:
    """The response to a request that is no call of gRPC."""
    if headers[b":method"] != b"POST":
        return responses.plain(405, "This is a port of gRPC, whose calls are POST. HTTP has another one")
    given = headers.get(b"content-type", b"")
    if given not in _TYPES and given.partition(b";")[0].rstrip() not in _TYPES:
        return responses.plain(415, "This is a port of gRPC: send application/grpc. HTTP has another one")
    return None
