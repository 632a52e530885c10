"""The methods of the port of gRPC, and where a call begins: what its headers alone decide is decided here.

Errors are gRPC's status codes with the same sentences as over HTTP. The metrics count what they count over HTTP, by the
status that HTTP would have: every call but probes, when it ends, and of a stream of predictions each message instead.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from ..context import Context
from ..echo import echo
from ..errors import InvalidInput, Overloaded, ServingError, UnknownPath
from ..request import RequestHead
from ..routes import GRPC, OTHER, Route, RouteTable
from . import inference, responses
from .calls import HandlerCall, NoCall, PredictionCall, seconds_left
from .errors import Unimplemented
from .health import WatchCall, check
from .infer_stream import InferStream
from .messages import HEALTH, REFLECTION, SERVICE
from .reflection import ReflectionCall
from .responses import Response
from .stream import Call, Stream

# What is kept of a probe's headers.
_OF_PROBES = (b"grpc-encoding", b"x-request-id")
_TYPES = (b"application/grpc", b"application/grpc+proto")

ROUTES = (
    Route("POST", f"/{SERVICE}/ModelInfer", GRPC, reader=inference.ask),
    Route("POST", f"/{SERVICE}/ModelStreamInfer", GRPC, open_call=InferStream),
    Route(
        "POST", f"/{SERVICE}/ServerLive", OTHER, open_call=partial(HandlerCall, inference.server_live), access="probe"
    ),
    Route(
        "POST", f"/{SERVICE}/ServerReady", OTHER, open_call=partial(HandlerCall, inference.server_ready), access="probe"
    ),
    Route("POST", f"/{SERVICE}/ServerMetadata", OTHER, open_call=partial(HandlerCall, inference.server_metadata)),
    Route(
        "POST", f"/{SERVICE}/ModelReady", OTHER, open_call=partial(HandlerCall, inference.model_ready), access="probe"
    ),
    Route("POST", f"/{SERVICE}/ModelMetadata", OTHER, open_call=partial(HandlerCall, inference.model_metadata)),
    Route("POST", f"/{HEALTH.services[0]}/Check", OTHER, open_call=partial(HandlerCall, check), access="probe"),
    Route("POST", f"/{HEALTH.services[0]}/Watch", OTHER, open_call=WatchCall, access="probe"),
    *(
        Route("POST", f"/{file.services[0]}/ServerReflectionInfo", OTHER, open_call=partial(ReflectionCall, file))
        for file in REFLECTION
    ),
)


class Service:
    """Where calls begin; one per process."""

    def __init__(self, context: Context) -> None:
        self._context, self._table = context, RouteTable(ROUTES)
        most = context.settings.max_waiting_rows
        # Made once: under overload there are more of these than of anything else.
        self._full = responses.refusal(Overloaded(most, most))

    def open_call(self, headers: Mapping[bytes, bytes], stream: Stream) -> Call | None:
        """Begin a call whose headers have just arrived; None: it was answered."""
        started, head, path = time.monotonic(), RequestHead(headers, {}), headers[b":path"].decode("latin-1")
        match = self._table.match("POST", path)
        route = match.route
        if match.counted:
            stream.on_end = partial(self._count, match.protocol.name, started)
        stream.authenticated, error = self._context.judge("POST", path, match, head)
        if (response := _not_grpc(headers)) is not None:
            return NoCall(head, stream, response)
        if error is None:
            assert route is not None
            if route.access != "key":  # nobody without a key shall take the room of those who have one
                stream.light = True
                head = RequestHead({name: headers[name] for name in _OF_PROBES if name in headers}, {})
            try:
                seconds = seconds_left(headers.get(b"grpc-timeout"))
            except InvalidInput as e:
                error = e.with_traceback(None)
            else:
                if route.reader is not None:
                    return PredictionCall(self._context, head, stream, route.reader, seconds, started)
                assert route.open_call is not None
                return route.open_call(self._context, head, stream, seconds)
        stream.respond(self._refusal(error, path))
        return None

    def _count(self, protocol: str, started: float, status: int) -> None:
        self._context.answered(protocol, status, time.monotonic() - started)

    def _refusal(self, error: ServingError, path: str) -> Response:
        if isinstance(error, Overloaded):
            self._context.metrics.shed(error.reason)
            return self._full
        if isinstance(error, UnknownPath):
            known = ", ".join(route.path for route in self._table.routes)
            error = Unimplemented(f"There is no method {echo(path)} here. Call one of {known}")
        return responses.refusal(error)


def _not_grpc(headers: Mapping[bytes, bytes]) -> Response | None:
    """The response to a request that is no call of gRPC."""
    if headers[b":method"] != b"POST":
        return responses.plain(405, "This is a port of gRPC, whose calls are POST. HTTP has another one")
    given = headers.get(b"content-type", b"")
    if given not in _TYPES and given.partition(b";")[0].rstrip() not in _TYPES:
        return responses.plain(415, "This is a port of gRPC: send application/grpc. HTTP has another one")
    return None
