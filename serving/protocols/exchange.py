"""One prediction between the wire and the core, whatever brought its bytes.

    head and body -> the protocol's `Ask`      -> Question: rows, outputs, and how its answer is written
    Question      -> `Core.ask`                -> Prediction
    Prediction    -> the question's `answer`   -> Response

`Edge.exchange` runs one for a route of the app, `Lane` for a connection, past the app.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Response

from ..batching import Job
from ..core import Core
from ..errors import ServingError, Shed
from ..logs import request_id
from ..metrics import Metrics
from ..prediction import Prediction
from ..validation import Batch
from .dialects import Dialect
from .head import EVENT_TIME, Head
from .refusals import failure, refusal

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks of the model, and what makes its answer of the prediction."""

    batch: Batch
    outputs: tuple[str, ...]
    answer: Callable[[Prediction], Response]


Ask = Callable[[Core, Head, bytes], Question]
"""A protocol's reading of a request; raises `ServingError` for what it cannot take."""


class Exchange:
    """One per prediction. It never raises: whatever goes wrong is an answer, in the shape of the protocol.

    Args:
        ask: reads the body.
        dialect: the protocol that is spoken.
        head: of the request.
        identity: of the request, for the log.
        started: when its head had arrived, of `time.monotonic()`.
    """

    __slots__ = (
        *("_core", "_metrics", "_ask", "_dialect", "_head", "_identity", "_started"),
        *("_then", "_answer", "_decoded", "_job"),
    )

    def __init__(
        self, core: Core, metrics: Metrics, ask: Ask, dialect: Dialect, head: Head, identity: str, started: float
    ) -> None:
        self._core, self._metrics, self._ask, self._dialect, self._head = core, metrics, ask, dialect, head
        self._identity, self._started = identity, started
        self._job: Job | None = None

    def begin(self, body: bytes, then: Callable[[Response], None]) -> None:
        """Ask; `then` is told the answer, maybe within this call."""
        self._then = then
        try:
            question = self._ask(self._core, self._head, body)
            self._answer, self._decoded = question.answer, time.monotonic()
            when = self._core.event_time(self._head.get(EVENT_TIME))
            deadline = self._started + self._core.settings.deadline_seconds
            self._job = self._core.ask(question.batch, question.outputs, when, deadline, self._answered)
        except Exception as e:
            then(self._refusal(e))

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        if self._job is not None:
            self._core.drop(self._job)

    def _answered(self, prediction: Prediction | Exception) -> None:
        if isinstance(prediction, Exception):
            self._then(self._refusal(prediction))
            return
        try:
            response = self._answer(prediction)
        except Exception as e:
            response = self._refusal(e)
        self._count()
        self._then(response)

    def _count(self) -> None:
        job = self._job
        assert job is not None
        self._metrics.staged(
            self._dialect.name,
            self._decoded - self._started,
            job.taken - job.queued,
            job.answered - job.taken,
            time.monotonic() - job.answered,
        )

    def _refusal(self, error: Exception) -> Response:
        if not isinstance(error, ServingError) or error.status == 500:
            request_id.set(self._identity)
            _logger.error("the request failed", exc_info=error)
        if isinstance(error, Shed):
            self._metrics.shed(error.reason)
        if isinstance(error, ServingError):
            return refusal(self._dialect, error)
        return failure(self._dialect, self._identity)
