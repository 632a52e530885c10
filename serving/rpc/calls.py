"""A call of gRPC between its stream, which a `Connection` has, and what answers it: a method, or the core.

`Service.enter` begins one. It takes the way of a prediction over HTTP, past all that would need a task for each call.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from ..context import Context
from ..core import Core
from ..errors import InvalidInput, ServingError
from ..exchange import Exchange, ModelCall
from ..logs import request_id
from ..request import RequestHead
from . import answers
from .answers import Answer
from .message import Message

_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT = re.compile(rb"(\d{1,8})([HMSmun])")
PROTOCOL = "grpc"
"""Its name in metrics and traces."""

_logger = logging.getLogger(__name__)


class Call:
    """One call, which is answered once or dropped.

    Args:
        context: of the server.
        method: answers the message of a call that asks for no prediction.
        refusal: the answer, if the headers alone decide it.
        then: told the answer.
    """

    __slots__ = ("_context", "_done", "_head", "_message", "_method", "_refusal", "_then")

    def __init__(
        self,
        context: Context,
        head: RequestHead,
        method: Callable[[bytes], Answer] | None,
        refusal: Answer | None,
        then: Callable[[Answer], None],
    ) -> None:
        self._context, self._head, self._method, self._refusal = context, head, method, refusal
        self._message = Message(context.settings.max_body_bytes)
        self._then: Callable[[Answer], None] | None = then
        self._done = False

    def data(self, part: bytes) -> None:
        """A part of its body."""
        if self._done:
            return
        try:
            self._message.add(part, self._head.headers.get(b"grpc-encoding"))
        except ServingError as e:
            self.answer(self._refusal or answers.refusal(e))

    def end(self) -> None:
        """The body is whole."""
        if self._refusal is not None:
            self.answer(self._refusal)
            return
        try:
            message = self._message.whole()
        except ServingError as e:
            self.answer(answers.refusal(e))
            return
        self.ask(message)

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        self._done = True
        self._then = None

    def ask(self, message: bytes) -> None:
        """The message is there."""
        assert self._method is not None
        try:
            answer = self._method(message)
        except ServingError as e:
            answer = answers.refusal(e)
        except Exception:
            identity = self._head.request_id()
            request_id.set(identity)
            _logger.exception("the request failed")
            answer = answers.failure(identity)
        self.answer(answer)

    def answer(self, answer: Answer) -> None:
        """Answer it, unless that was done."""
        then, self._then, self._done = self._then, None, True
        if then is not None:
            then(answer)


class PredictionCall(Call):
    """A call that asks the model; it is counted.

    Args:
        ask: reads its message.
        seconds: that the client waits, at most.
        started: when its headers had arrived, of `time.monotonic()`.
    """

    __slots__ = ("_exchange", "_reader")

    def __init__(
        self,
        context: Context,
        head: RequestHead,
        ask: Callable[[Core, RequestHead, bytes], ModelCall[Answer]],
        seconds: float,
        started: float,
        refusal: Answer | None,
        then: Callable[[Answer], None],
    ) -> None:
        super().__init__(context, head, None, refusal, then)
        self._reader = ask
        self._exchange = _Exchange(context, PROTOCOL, head, started, seconds=seconds)

    def ask(self, message: bytes) -> None:
        """The message is there."""
        self._exchange.predict(self._reader, message, self.answer)

    def answer(self, answer: Answer) -> None:
        """Answer it, and count it, unless the exchange did."""
        self._exchange.count(answer.status_code)
        super().answer(answer)

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        super().drop()
        self._exchange.drop()


class _Exchange(Exchange[Answer]):
    __slots__ = ()

    def refused(self, error: ServingError) -> Answer:
        """The answer to a call that cannot be answered."""
        return answers.refusal(error)

    def failed(self) -> Answer:
        """The answer where the server itself failed."""
        return answers.failure(self.request_id)


def seconds_left(timeout: bytes | None) -> float:
    """How long the client waits, as its header `grpc-timeout` says it.

    Raises:
        InvalidInput: it says no time.
    """
    if timeout is None:
        return float("inf")
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        said = timeout[:40].decode("latin-1")
        raise InvalidInput(f"grpc-timeout is '{said}'. Send up to eight digits and one of H, M, S, m, u, n")
    return int(found[1]) * _SECONDS[found[2]]
