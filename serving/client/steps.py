"""Each call of the client as steps, without a network: what to send, how long to wait, when to give up.

A generator yields `Send` and is given the response or httpx's error, yields `Wait` and is given nothing, and returns
the call's result. `Client` and `AsyncClient` only carry the steps out, so nothing is written twice.

Every call may be sent again, also one that was sent by half: a prediction changes nothing but the log, and a label that
comes twice is `repeated`. Sent again is what another try may mend soon: connections that broke, 502 and 503 of a server
that starts, stops or has no room, and 429 where the server says when. Never 504: there the server had too much to do,
and would be given more.
"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import orjson

from . import messages
from .answers import Answer, Receipt
from .errors import ClientError, NotUnderstood, Refused, ServerFailed, Unreachable
from .messages import Message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and wait that long for the answer."""

    message: Message
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait that long."""

    seconds: float


Reply = httpx.Response | httpx.HTTPError | None
Steps = Generator[Send | Wait, Reply, T]

_TRY_AGAIN = frozenset({502, 503})  # a proxy without a server behind it, or a server that starts, stops or is full
_TOO_MANY = 429
_FIRST_WAIT, _LONGEST_WAIT, _LEAST_SECONDS = 0.1, 10.0, 0.1


class Calls:
    """The calls to one server."""

    def __init__(self, url: str, name: str | None, retries: int, timeout: float) -> None:
        self._url = url
        self._name = name
        self._retries = retries
        self._timeout = timeout

    def predict(self, rows: Any, outputs: Sequence[str] | None, event_time: datetime | None) -> Steps[Answer]:
        """Predictions."""
        return self._ask(messages.predict(rows, outputs, event_time), messages.answer)

    def feedback(self, ids: Any, labels: Any, event_time: datetime | None) -> Steps[Receipt]:
        """What became of labels."""
        return self._ask(messages.feedback(ids, labels, event_time), messages.receipt)

    def ready(self) -> Steps[bool]:
        """Whether the server is ready now: one request, no retry."""
        reply = yield Send(messages.ready(), self._timeout)
        return isinstance(reply, httpx.Response) and reply.status_code == 200

    def metadata(self) -> Steps[dict[str, Any]]:
        """The model's metadata; the model's name is read from the server when nobody gave it."""
        if self._name is None:
            self._name = yield from self._ask(messages.about(), messages.served_name)
        return (yield from self._ask(messages.metadata(self._name), orjson.loads))

    def _ask(self, message: Message, parse: Callable[[bytes], T]) -> Steps[T]:
        over = time.monotonic() + self._timeout
        tries = counted = 0
        while True:
            reply = yield Send(message, max(over - time.monotonic(), _LEAST_SECONDS))
            tries += 1
            if isinstance(reply, httpx.Response) and reply.status_code == 200:
                try:
                    return parse(reply.content)
                except (ValueError, KeyError, TypeError, AttributeError) as e:
                    raise NotUnderstood(self._url, f"{type(e).__name__}: {e}") from e
            # Where nobody took the connection a machine has died: behind one address, another may take the next.
            counts = not isinstance(reply, httpx.ConnectTimeout)
            wait = wait_before_retry(counted, reply)
            if (counts and counted == self._retries) or not may_succeed_later(reply) or time.monotonic() + wait > over:
                raise self._error(reply, tries)
            counted += counts
            yield Wait(wait)

    def _error(self, reply: Reply, tries: int) -> ClientError:
        if not isinstance(reply, httpx.Response):
            error = Unreachable(self._url, _why(reply), tries)
            error.__cause__ = reply
            return error
        status = reply.status_code
        said = messages.sentence(reply.content, f"{self._url} answers {status} {reply.reason_phrase}")
        return ServerFailed(status, said) if status >= 500 else Refused(status, said)


def may_succeed_later(reply: Reply) -> bool:
    """Whether to send the request again. Not when the time is over: the caller said how long a call may take."""
    if isinstance(reply, httpx.Response):
        return reply.status_code in _TRY_AGAIN or (reply.status_code == _TOO_MANY and _asked(reply) is not None)
    return isinstance(reply, httpx.TransportError) and not _time_is_over(reply)


def _time_is_over(error: httpx.HTTPError | None) -> bool:
    """Whether the answer was waited for in vain. httpx calls it the same when the other end's machine is silent."""
    if not isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
        return False
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
            return False
        cause = cause.__cause__ or cause.__context__
    return True


def wait_before_retry(tried: int, reply: Reply) -> float:
    """Seconds: doubling, spread so that clients do not come back all at once, never less than the server asks for."""
    seconds = min(_FIRST_WAIT * 2**tried, _LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311 - no secret
    return seconds + (_asked(reply) or 0) * random.uniform(1, 1.5)  # noqa: S311


def _asked(reply: Reply) -> float | None:
    """Seconds that the server asks to wait for, in one of the two forms of Retry-After; None: it does not."""
    given = reply.headers.get("Retry-After", "").strip() if isinstance(reply, httpx.Response) else ""
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _why(error: httpx.HTTPError | None) -> str:
    if _time_is_over(error):
        return "the time for an answer is over"
    if isinstance(error, httpx.ConnectTimeout):
        return "nothing takes the connection"
    return str(error) or type(error).__name__
