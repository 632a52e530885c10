"""The methods of the port of gRPC, and where a call begins: what its headers alone decide is decided here.

Errors are gRPC's status codes with the same sentences as over HTTP. Metrics count predictions as protocol "grpc", by
the status that HTTP would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal, NamedTuple

from ..core import Core
from ..errors import Overloaded, ServingError
from ..protocols.edge import Edge
from ..protocols.head import Head
from . import inference, responses
from .calls import PROTOCOL, HandlerCall, PredictionCall, seconds_left
from .descriptors import ProtoFile
from .errors import Unspoken
from .health import WatchCall, check
from .infer_stream import InferStream
from .messages import HEALTH, REFLECTION, SERVICE
from .reflection import ReflectionCall
from .responses import Response
from .stream import Call, Stream

_TYPES = (b"application/grpc", b"application/grpc+proto")


OpenCall = Callable[[Head, Stream, float, float], Call]
"""Begins a call, given its head, its stream, how long its client waits at most, and when its headers had arrived."""


class Method(NamedTuple):
    """One method.

    Attributes:
        path: of its requests.
        access: who may call it; probes stay open unless the operator closes them.
        predicts: it asks the model once: it is counted, and refused where no row has room to wait.
    """

    path: str
    access: Literal["key", "probe"]
    open_call: OpenCall
    predicts: bool = False


def methods(edge: Edge) -> Iterator[Method]:
    """All methods."""
    core, most = edge.core, edge.settings.max_body_bytes

    def handled(handler: Callable[[Core, bytes], bytes]) -> OpenCall:
        bound = partial(handler, core)
        return lambda head, stream, _seconds, _started: HandlerCall(head, stream, most, bound)

    def infer(head: Head, stream: Stream, seconds: float, started: float) -> Call:
        return PredictionCall(edge, head, stream, inference.ask, seconds, started)

    def stream_infer(head: Head, stream: Stream, seconds: float, _started: float) -> Call:
        return InferStream(edge, head, stream, seconds)

    def watch(head: Head, stream: Stream, seconds: float, _started: float) -> Call:
        return WatchCall(core, head, stream, most, seconds)

    def reflect(file: ProtoFile) -> OpenCall:
        return lambda head, stream, seconds, _started: ReflectionCall(file, head, stream, most, seconds)

    yield Method(f"/{SERVICE}/ModelInfer", "key", infer, predicts=True)
    yield Method(f"/{SERVICE}/ModelStreamInfer", "key", stream_infer)
    yield Method(f"/{SERVICE}/ServerLive", "probe", handled(inference.server_live))
    yield Method(f"/{SERVICE}/ServerReady", "probe", handled(inference.server_ready))
    yield Method(f"/{SERVICE}/ServerMetadata", "key", handled(inference.server_metadata))
    yield Method(f"/{SERVICE}/ModelReady", "probe", handled(inference.model_ready))
    yield Method(f"/{SERVICE}/ModelMetadata", "key", handled(inference.model_metadata))
    yield Method(f"/{HEALTH.services[0]}/Check", "probe", handled(check))
    yield Method(f"/{HEALTH.services[0]}/Watch", "probe", watch)
    for file in REFLECTION:
        yield Method(f"/{file.services[0]}/ServerReflectionInfo", "key", reflect(file))


class Service:
    """Where calls begin; one per process."""

    def __init__(self, edge: Edge) -> None:
        self._edge, self._core = edge, edge.core
        self._methods = {method.path.encode(): method for method in methods(edge)}
        most = edge.settings.max_waiting_rows
        # Made once: under overload there are more of these than of anything else.
        self._full = responses.refusal(Overloaded(most, most))

    def open_call(self, headers: Mapping[bytes, bytes], stream: Stream) -> Call | None:
        """Begin a call whose headers have just arrived; None: it was answered."""
        started, method = time.monotonic(), self._methods.get(headers[b":path"])
        response, seconds = _not_grpc(headers), float("inf")
        if response is None:
            try:
                self._check_key(method, headers)
                if method is None:
                    raise self._unknown(headers[b":path"])
                seconds = seconds_left(headers.get(b"grpc-timeout"))
            except ServingError as e:
                response = responses.refusal(e)
        if response is None and method is not None:
            if not (method.predicts and self._core.full):
                return method.open_call(Head(headers, {}), stream, seconds, started)
            self._edge.metrics.shed(Overloaded.reason)
            response = self._full
        assert response is not None
        if method is not None and method.predicts:
            self._edge.answered(PROTOCOL, response.status_code, time.monotonic() - started)
        stream.respond(response)
        return None

    def _check_key(self, method: Method | None, headers: Mapping[bytes, bytes]) -> None:
        keys = self._edge.keys
        is_probe = method is not None and method.access == "probe"
        if keys is not None and (not is_probe or self._edge.settings.api_keys_for_probes):
            keys.check(headers.get(b"authorization", b"").decode("latin-1"))

    def _unknown(self, path: bytes) -> Unspoken:
        known = ", ".join(m.path.rpartition("/")[2] for m in self._methods.values() if SERVICE in m.path)
        return Unspoken(f"There is no method '{path[:200].decode('latin-1')}' here. Call one of /{SERVICE}: {known}")


def _not_grpc(headers: Mapping[bytes, bytes]) -> Response | None:
    """The response to a request that is no call of gRPC."""
    if headers[b":method"] != b"POST":
        return responses.plain(405, "This is a port of gRPC, whose calls are POST. HTTP has another one")
    given = headers.get(b"content-type", b"")
    if given not in _TYPES and given.partition(b";")[0].rstrip() not in _TYPES:
        return responses.plain(415, "This is a port of gRPC: send application/grpc. HTTP has another one")
    return None
