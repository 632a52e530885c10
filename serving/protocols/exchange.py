"""One prediction between the wire and the core, whatever brought its bytes.

    head and body -> the protocol's `Ask`      -> Question: rows, outputs, and how its answer is written
    Question      -> `Core.ask`                -> Prediction
    Prediction    -> the question's `answer`   -> Response

`route` has one answered by the app, `Lane` by a connection, past the app. Either way it counts itself in the metrics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

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


class Question(NamedTuple):
    """What a request asks of the model, and what makes its answer of the prediction."""

    batch: Batch
    outputs: tuple[str, ...]
    answer: Callable[[Prediction], Response]


Ask = Callable[[Core, Head, bytes], Question]
"""A protocol's reading of a request; raises `ServingError` for what it cannot take."""


def route(edge: Edge, path: str, ask: Ask) -> APIRoute:
    """The app's route for a POST to `path`; `ask` also says in the documentation what it does."""

    async def predict(request: Request) -> Response:
        body = await edge.body(request)
        scope = request.scope
        scope[COUNTED] = True
        exchange = Exchange(edge, ask, dialect_of(scope["path"]), Head.of(request), scope[IDENTITY], scope[STARTED])
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        exchange.begin(body, partial(settle, answered))
        try:
            return await answered
        finally:
            exchange.drop()

    return APIRoute(path, predict, methods=["POST"], description=ask.__doc__)


class Exchange:
    """One per prediction. It never raises: whatever goes wrong is an answer, in the shape of the protocol.

    Args:
        edge: of the server.
        ask: reads the body.
        dialect: the protocol that is spoken.
        head: of the request.
        identity: of the request, for its answer and the log.
        started: when its head had arrived, of `time.monotonic()`.
    """

    __slots__ = (
        *("_edge", "_ask", "_dialect", "_head", "identity", "_started"),
        *("_then", "_answer", "_decoded", "_job", "_done"),
    )

    def __init__(self, edge: Edge, ask: Ask, dialect: Dialect, head: Head, identity: str, started: float) -> None:
        self._edge, self._ask, self._dialect, self._head = edge, ask, dialect, head
        self.identity, self._started = identity, started
        self._decoded, self._done = 0.0, False
        self._job: Job | None = None
        self._then: Callable[[Response], None] | None = None
        self._answer: Callable[[Prediction], Response] | None = None

    def begin(self, body: bytes, then: Callable[[Response], None]) -> None:
        """Ask; `then` is told the answer, maybe within this call."""
        self._then, core = then, self._edge.core
        try:
            question = self._ask(core, self._head, body)
            self._answer, self._decoded = question.answer, time.monotonic()
            when = core.event_time(self._head.get(EVENT_TIME))
            deadline = self._started + core.settings.deadline_seconds
            self._job = core.ask(question.batch, question.outputs, when, deadline, self._answered)
        except Exception as e:
            self._finish(self._refusal(e))

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        if self._done:
            return
        if self._job is not None:
            self._edge.core.drop(self._job)
        self._count(CLIENT_WENT_AWAY, time.monotonic())

    def _answered(self, prediction: Prediction | Exception) -> None:
        try:
            if isinstance(prediction, Exception):
                raise prediction
            assert self._answer is not None
            response = self._answer(prediction)
        except Exception as e:
            response = self._refusal(e)
        self._finish(response)

    def _finish(self, response: Response) -> None:
        edge, job, then, now = self._edge, self._job, self._then, time.monotonic()
        # They lead back here. Without them all of a request goes at once, and not when the collector finds the circle.
        self._job = self._then = self._answer = None
        times: tuple[float, ...] = (self._started, now)
        if job is not None and job.answered:
            times = (self._started, self._decoded, job.taken, job.answered, now)
            edge.metrics.staged(self._dialect.name, times)
        if edge.tracer:
            attributes = {"tenfold.protocol": self._dialect.name, "tenfold.request_id": self.identity}
            edge.tracer.prediction(self._head.headers, attributes, response.status_code, times)
        self._count(response.status_code, now)
        assert then is not None
        then(response)

    def _count(self, status: int, now: float) -> None:
        self._done = True
        self._edge.answered(self._dialect, status, now - self._started)

    def _refusal(self, error: Exception) -> Response:
        if not isinstance(error, ServingError) or error.status == 500:
            request_id.set(self.identity)
            _logger.error("the request failed", exc_info=error)
        if isinstance(error, Shed):
            self._edge.metrics.shed(error.reason)
        if isinstance(error, ServingError):
            return refusal(self._dialect, error)
        return failure(self._dialect, self.identity)
