"""One prediction between the wire and the core, whatever brought its bytes.

    head and body -> the protocol's `Ask`      -> Question: rows, outputs, and how its answer is written
    Question      -> `Core.ask`                -> Prediction
    Prediction    -> the question's `answer`   -> Response

`route` has one answered by the app, `Lane` by a connection, past the app; gRPC's have answers of their own. Each counts
itself in the metrics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from ..batching import Job, settle
from ..core import Core
from ..errors import ServingError, Shed
from ..logs import request_id
from ..prediction import Prediction
from ..validation import Batch
from .dialects import Dialect, dialect_of
from .edge import CLIENT_WENT_AWAY, COUNTED, IDENTITY, STARTED, Edge
from .head import EVENT_TIME, Head
from .refusals import failure, refusal

_logger = logging.getLogger(__name__)


class Answer(Protocol):
    """Whatever a request is answered with."""

    @property
    def status_code(self) -> int:
        """Its status, as HTTP has them."""
        ...


A = TypeVar("A", bound=Answer)


class Asked(NamedTuple, Generic[A]):
    """What a request asks of the model, and what makes its answer of the prediction."""

    batch: Batch
    outputs: tuple[str, ...]
    answer: Callable[[Prediction], A]


class Question(Asked[Response]):
    """One over HTTP."""

    __slots__ = ()


Ask = Callable[[Core, Head, bytes], Question]
"""A protocol's reading of a request; raises `ServingError` for what it cannot take."""


def route(edge: Edge, path: str, ask: Ask) -> APIRoute:
    """The app's route for a POST to `path`; `ask` also says in the documentation what it does."""

    async def predict(request: Request) -> Response:
        body = await edge.body(request)
        scope = request.scope
        scope[COUNTED] = True
        exchange = HttpExchange(edge, ask, dialect_of(scope["path"]), Head.of(request), scope[IDENTITY], scope[STARTED])
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        exchange.begin(body, partial(settle, answered))
        try:
            return await answered
        finally:
            exchange.drop()

    return APIRoute(path, predict, methods=["POST"], description=ask.__doc__)


class Exchange(Generic[A]):
    """One per prediction. It never raises: whatever goes wrong is an answer, in the shape of the protocol.

    Args:
        edge: of the server.
        ask: reads the body.
        protocol: its name in metrics and traces.
        head: of the request.
        identity: of the request, for its answer and the log.
        started: when its head had arrived, of `time.monotonic()`.
        seconds: that its client waits, at most.
    """

    __slots__ = (
        *("_edge", "_ask", "_protocol", "_head", "identity", "_started", "_deadline"),
        *("_then", "_answer", "_decoded", "_job", "_done"),
    )

    def __init__(
        self,
        edge: Edge,
        ask: Callable[[Core, Head, bytes], Asked[A]],
        protocol: str,
        head: Head,
        identity: str,
        started: float,
        seconds: float = float("inf"),
    ) -> None:
        self._edge, self._ask, self._protocol, self._head = edge, ask, protocol, head
        self.identity, self._started = identity, started
        self._deadline = started + min(seconds, edge.settings.deadline_seconds)
        self._decoded, self._done = 0.0, False
        self._job: Job | None = None
        self._then: Callable[[A], None] | None = None
        self._answer: Callable[[Prediction], A] | None = None

    def refused(self, error: ServingError) -> A:
        """The answer to a request that cannot be answered."""
        raise NotImplementedError

    def failed(self) -> A:
        """The answer where the server itself failed."""
        raise NotImplementedError

    def begin(self, body: bytes, then: Callable[[A], None]) -> None:
        """Ask; `then` is told the answer, maybe within this call."""
        self._then, core = then, self._edge.core
        try:
            question = self._ask(core, self._head, body)
            self._answer, self._decoded = question.answer, time.monotonic()
            when = core.event_time(self._head.get(EVENT_TIME))
            self._job = core.ask(question.batch, question.outputs, when, self._deadline, self._answered)
        except Exception as e:
            self._finish(self.response_to(e))

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        if self._done:
            return
        if self._job is not None:
            self._edge.core.drop(self._job)
        self.count(CLIENT_WENT_AWAY, time.monotonic())

    def _answered(self, prediction: Prediction | Exception) -> None:
        try:
            if isinstance(prediction, Exception):
                raise prediction
            assert self._answer is not None
            answer = self._answer(prediction)
        except Exception as e:
            answer = self.response_to(e)
        self._finish(answer)

    def _finish(self, answer: A) -> None:
        edge, job, then, now = self._edge, self._job, self._then, time.monotonic()
        # They lead back here. Without them all of a request goes at once, and not when the collector finds the circle.
        self._job = self._then = self._answer = None
        times: tuple[float, ...] = (self._started, now)
        if job is not None and job.answered:
            times = (self._started, self._decoded, job.taken, job.answered, now)
            edge.metrics.staged(self._protocol, times)
        if edge.tracer:
            attributes = {"tenfold.protocol": self._protocol, "tenfold.request_id": self.identity}
            edge.tracer.prediction(self._head.headers, attributes, answer.status_code, times)
        self.count(answer.status_code, now)
        assert then is not None
        then(answer)

    def count(self, status: int, now: float) -> None:
        """It is over, with this status of HTTP. Only the first time counts."""
        if not self._done:
            self._done = True
            self._edge.answered(self._protocol, status, now - self._started)

    def response_to(self, error: Exception) -> A:
        """The response to a request that met this error."""
        if not isinstance(error, ServingError) or error.status == 500:
            request_id.set(self.identity)
            _logger.error("the request failed", exc_info=error)
        if isinstance(error, Shed):
            self._edge.metrics.shed(error.reason)
        return self.refused(error) if isinstance(error, ServingError) else self.failed()


class HttpExchange(Exchange[Response]):
    """One over HTTP, in the shape that the dialect gives to an error."""

    __slots__ = ("_dialect",)

    def __init__(self, edge: Edge, ask: Ask, dialect: Dialect, head: Head, identity: str, started: float) -> None:
        super().__init__(edge, ask, dialect.name, head, identity, started)
        self._dialect = dialect

    def refused(self, error: ServingError) -> Response:
        """The answer to a request that cannot be answered."""
        return refusal(self._dialect, error)

    def failed(self) -> Response:
        """The answer where the server itself failed."""
        return failure(self._dialect, self.identity)
