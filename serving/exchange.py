"""One request from its head to its response, whatever brought its bytes.

    head          -> `Context.judge`  -> refused before its body is looked at, or not
    head and body -> the route's reader        -> ModelCall: rows, outputs, and what writes the response
    ModelCall     -> `Core.ask`                -> Prediction
    Prediction    -> `ModelCall.respond`       -> response

`Connection` has predictions answered by one that come whole, `Middleware` has all other requests; gRPC's have responses
of their own. Request id, deadline, metrics, traces and refusals are the same for all of them, and stand here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from fastapi import Response

from .batching import Job
from .context import Context
from .errors import ServingError, Shed
from .logs import request_id
from .prediction import Prediction
from .refusals import failure, refusal
from .request import EVENT_TIME, RequestHead
from .routes import Match, Reader, Route
from .validation import Batch

CLIENT_WENT_AWAY = 499  # as nginx counts it

_logger = logging.getLogger(__name__)


class Answer(Protocol):
    """Whatever a request is answered with."""

    @property
    def status_code(self) -> int:
        """Its status, as HTTP has them."""
        ...


A = TypeVar("A", bound=Answer)


class ModelCall(NamedTuple, Generic[A]):
    """What a request asks of the model, and what makes its response of the prediction."""

    batch: Batch
    outputs: tuple[str, ...]
    respond: Callable[[Prediction], A]


class Exchange(Generic[A]):
    """One per request. It never raises: whatever goes wrong is a response, in the shape of the protocol.

    Args:
        context: of the server.
        protocol: its name in metrics and traces.
        counted: whether the metrics count it.
        head: of the request.
        started: when its head had arrived, of `time.monotonic()`.
        seconds: that its client waits, at most.

    Attributes:
        request_id: for its response and the log.
    """

    __slots__ = (
        *("_context", "_protocol", "_head", "request_id", "_started", "_deadline"),
        *("_callback", "_respond", "_decoded", "_job", "_done"),
    )

    def __init__(
        self,
        context: Context,
        protocol: str,
        head: RequestHead,
        started: float,
        *,
        counted: bool = True,
        seconds: float = float("inf"),
    ) -> None:
        self._context, self._protocol, self._head = context, protocol, head
        self.request_id, self._started = head.request_id(), started
        self._deadline = started + min(seconds, context.settings.deadline_seconds)
        self._decoded, self._done = 0.0, not counted
        self._job: Job | None = None
        self._callback: Callable[[A], None] | None = None
        self._respond: Callable[[Prediction], A] | None = None

    def refused(self, error: ServingError) -> A:
        """The response to a request that cannot be answered."""
        raise NotImplementedError

    def failed(self) -> A:
        """The response where the server itself failed."""
        raise NotImplementedError

    def predict(self, reader: Reader, body: Any, callback: Callable[[A], None]) -> None:
        """Ask the model; `callback` is given the response, maybe within this call."""
        self._callback, core = callback, self._context.core
        try:
            call: ModelCall[A] = reader(core, self._head, body)
            self._respond, self._decoded = call.respond, time.monotonic()
            when = core.event_time(self._head.get(EVENT_TIME))
            self._job = core.ask(call.batch, call.outputs, when, self._deadline, self._predicted)
        except Exception as e:
            self._finish(self.response_to(e))

    def drop(self) -> None:
        """Nobody waits for the response any more."""
        if self._job is not None:
            self._context.core.drop(self._job)
        self._job = self._callback = self._respond = None
        self.count(CLIENT_WENT_AWAY)

    def response_to(self, error: Exception) -> A:
        """The response to a request that met this error."""
        if not isinstance(error, ServingError) or error.status == 500:
            request_id.set(self.request_id)
            _logger.error("the request failed", exc_info=error)
        if isinstance(error, Shed):
            self._context.metrics.shed(error.reason)
        return self.refused(error) if isinstance(error, ServingError) else self.failed()

    def count(self, status: int) -> None:
        """It is over, with this status of HTTP. Only the first time counts."""
        if not self._done:
            self._done = True
            self._context.answered(self._protocol, status, time.monotonic() - self._started)

    def _predicted(self, prediction: Prediction | Exception) -> None:
        if self._respond is None:  # dropped
            return
        try:
            failed = isinstance(prediction, Exception)
            answer = self.response_to(prediction) if failed else self._respond(prediction)
        except Exception as e:
            answer = self.response_to(e)
        self._finish(answer)

    def _finish(self, answer: A) -> None:
        context, job, callback, now = self._context, self._job, self._callback, time.monotonic()
        # They lead back here. Without them all of a request goes at once, and not when the collector finds the cycle.
        self._job = self._callback = self._respond = None
        times: tuple[float, ...] = (self._started, now)
        if job is not None and job.answered:
            times = (self._started, self._decoded, job.taken, job.answered, now)
            context.metrics.staged(self._protocol, times)
        if context.tracer:
            attributes = {"tenfold.protocol": self._protocol, "tenfold.request_id": self.request_id}
            context.tracer.prediction(self._head.headers, attributes, answer.status_code, times)
        self.count(answer.status_code)
        assert callback is not None
        callback(answer)


class HttpExchange(Exchange[Response]):
    """One over HTTP.

    Attributes:
        authenticated, error: see `Context.judge`.
    """

    __slots__ = ("_match", "authenticated", "error")

    def __init__(self, context: Context, method: str, path: str, match: Match, head: RequestHead) -> None:
        super().__init__(context, match.protocol.name, head, time.monotonic(), counted=match.counted)
        self._match = match
        self.authenticated, self.error = context.judge(method, path, match, head)

    @property
    def route(self) -> Route:
        """What answers it, unless it is refused."""
        assert self._match.route is not None
        return self._match.route

    def refused(self, error: ServingError) -> Response:
        """The response to a request that cannot be answered."""
        return refusal(self._match.protocol, error)

    def failed(self) -> Response:
        """The response where the server itself failed."""
        return failure(self._match.protocol, self.request_id)

    def refuse(self, error: ServingError) -> Response:
        """The response to it, which is counted."""
        response = self.response_to(error)
        self.count(response.status_code)
        return response

    async def handle(self, body: bytes) -> Response:
        """Answer a request that asks for no prediction."""
        assert self.route.handler is not None
        try:
            return await self.route.handler(self._context, self._head._replace(deadline=self._deadline), body)
        except Exception as e:
            return self.response_to(e)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that every response has."""
        found = [(b"x-request-id", self.request_id.encode())]
        allowed = self._context.settings.cors_origins
        if allowed and (origin := self._head.headers.get(b"origin")) is not None:
            found.append((b"vary", b"origin"))
            if "*" in allowed or origin.decode("latin-1") in allowed:
                found += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"x-request-id")]
        return found
