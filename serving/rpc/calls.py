"""Unary calls: one message, one response. Between a call's stream, which a `Connection` has, and what answers it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from ..context import Context
from ..core import Core
from ..echo import echo
from ..errors import InvalidInput, ServingError
from ..exchange import Exchange
from ..logs import request_id
from ..request import RequestHead
from ..routes import GRPC, Reader
from . import responses
from .message_buffer import MessageBuffer
from .responses import Response
from .stream import Stream

# How long the message of a probe may be.
_PROBE_BYTES = 1024
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT = re.compile(rb"(\d{1,8})([HMSmun])")

_logger = logging.getLogger(__name__)


class UnaryCall:
    """One call, which is answered once or dropped.

    Args:
        head: of the call.
        stream: that it came on.
        most: bytes that its message may have.
    """

    __slots__ = ("_buffer", "_head", "_stream")
    endless = False

    def __init__(self, head: RequestHead, stream: Stream, most: int) -> None:
        self._head, self._buffer = head, MessageBuffer(most, head.headers.get(b"grpc-encoding"))
        self._stream: Stream | None = stream

    def data(self, part: bytes) -> None:
        """A part of its body has come."""
        try:
            self._buffer.add(part, only=True)
        except ServingError as e:
            self.refuse(e)

    def end(self) -> None:
        """The body is whole."""
        try:
            message = self._buffer.only()
        except ServingError as e:
            self.refuse(e)
            return
        self.handle(message)

    def sent(self) -> None:
        """Its response has one part."""

    def drain(self) -> None:
        """It ends soon enough."""

    def refuse(self, error: ServingError) -> None:
        """It cannot be answered."""
        self.respond(responses.refusal(error))

    def drop(self) -> None:
        """Nobody waits for the response any more."""
        self._stream = None

    def handle(self, message: bytes) -> None:
        """The message is there."""
        raise NotImplementedError

    def respond(self, response: Response) -> None:
        """Answer it, unless nobody waits."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.respond(response)


class NoCall(UnaryCall):
    """A request that is not a gRPC call: read to its end, and none of it kept.

    A client of HTTP that is answered earlier may not read the answer, but say that its connection was reset.

    Args:
        response: to it.
    """

    __slots__ = ("_response",)

    def __init__(self, head: RequestHead, stream: Stream, response: Response) -> None:
        super().__init__(head, stream, 0)
        self._response = response

    def data(self, part: bytes) -> None:
        """A part of its body has come."""
        if self._stream is not None:
            self._stream.accept(len(part), 0)

    def end(self) -> None:
        """The body is whole."""
        self.respond(self._response)


class HandlerCall(UnaryCall):
    """A call that is not for a prediction.

    Args:
        handler: makes the message of the response of that of the request.
        context: of the server.
        head: of the call.
        stream: that it came on.
    """

    __slots__ = ("_core", "_handler")

    def __init__(
        self,
        handler: Callable[[Core, bytes], bytes],
        context: Context,
        head: RequestHead,
        stream: Stream,
        _seconds: float,
    ) -> None:
        super().__init__(head, stream, most_bytes(context, stream))
        self._core, self._handler = context.core, handler

    def handle(self, message: bytes) -> None:
        """The message is there."""
        try:
            response = responses.message(self._handler(self._core, message))
        except ServingError as e:
            response = responses.refusal(e)
        except Exception:
            response = responses.failure(log_failure(self._head))
        self.respond(response)


class PredictionCall(UnaryCall):
    """A call that runs the model.

    Args:
        context: of the server.
        reader: of its message.
        seconds: that the client waits, at most.
        started: when its headers had arrived, of `time.monotonic()`.
    """

    __slots__ = ("_exchange", "_reader")

    def __init__(
        self,
        context: Context,
        head: RequestHead,
        stream: Stream,
        reader: Reader,
        seconds: float,
        started: float,
    ) -> None:
        super().__init__(head, stream, context.settings.max_body_bytes)
        self._reader = reader
        # `Service` counts it when its stream ends, as every call.
        self._exchange = _Exchange(context, GRPC.name, head, started, counted=False, seconds=seconds)

    def handle(self, message: bytes) -> None:
        """The message is there."""
        self._exchange.predict(self._reader, message, self.respond)

    def refuse(self, error: ServingError) -> None:
        """It cannot be answered."""
        self.respond(self._exchange.response_to(error))

    def drop(self) -> None:
        """Nobody waits for the response any more."""
        super().drop()
        self._exchange.drop()


class _Exchange(Exchange[Response]):
    __slots__ = ()

    def refused(self, error: ServingError) -> Response:
        """The response to a call that cannot be answered."""
        return responses.refusal(error)

    def failed(self) -> Response:
        """The response where the server itself failed."""
        return responses.failure(self.request_id)


def most_bytes(context: Context, stream: Stream) -> int:
    """How long a message of the call on this stream may be."""
    return _PROBE_BYTES if stream.light else context.settings.max_body_bytes


def log_failure(head: RequestHead) -> str:
    """Log the exception that is being handled. Returns the id of the request, under which it stands there."""
    identity = head.request_id()
    request_id.set(identity)
    _logger.exception("the request failed")
    return identity


def seconds_left(timeout: bytes | None) -> float:
    """How long the client waits, as its header `grpc-timeout` says it.

    Raises:
        InvalidInput: it says no time.
    """
    if timeout is None:
        return float("inf")
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        raise InvalidInput(
            f"grpc-timeout is '{echo(timeout, limit=40)}'. Send up to eight digits and one of H, M, S, m, u, n"
        )
    return int(found[1]) * _SECONDS[found[2]]
