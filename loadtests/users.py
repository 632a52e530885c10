"""The Locust users of the three protocols: they send what `hooks.py` prepared and judge the answers by `answers.py`.

A user sends its next request when the last one is answered (a closed loop). Importing this module is for Locust
processes only.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from itertools import cycle
from time import monotonic
from typing import Any
from urllib.parse import quote

import gevent
import orjson
from locust import FastHttpUser, task
from locust.env import Environment
from locust.exception import StopTest

from . import access
from .answers import refused, wrong_feedback, wrong_rows
from .bodies import Call
from .hooks import Prepared, options_of
from .measured import FEEDBACK

JSON = {"Content-Type": "application/json", **access.headers()}
MOST_PENDING = 10_000
LONGEST_MESSAGE = 200
PAUSE_AFTER_FAILURE = 0.1


class Failed(Exception):
    """Why a request counts as failed. Workers send the master its repr, so that is the sentence too."""

    def __repr__(self) -> str:
        return str(self)[:LONGEST_MESSAGE]


class ModelUser(FastHttpUser):
    """Sends prepared requests one after the other and looks at each answer; the protocols derive from it."""

    abstract = True
    protocol: str
    endpoint: str

    def __init__(self, environment: Environment) -> None:
        if Prepared.refusal:
            raise StopTest(Prepared.refusal)
        self.options = options_of(environment)
        self.network_timeout = self.connection_timeout = self.options.timeout
        super().__init__(environment)
        calls = Prepared.pools[self.protocol]
        # Users start at different places: the same rows at the same time would be kind to a server that batches.
        start = random.randrange(len(calls))  # noqa: S311  not for secrets
        self.calls = cycle(calls[start:] + calls[:start])

    @property
    def path(self) -> str:
        """Where predictions are asked for."""
        return self.endpoint

    def wait_time(self) -> float:
        return self.options.think_time

    @task
    def predict(self) -> None:
        call = next(self.calls)
        answer = self.send(self.path, self.endpoint, call.body, lambda said: wrong_rows(self.protocol, said, call.rows))
        if answer is None:
            gevent.sleep(PAUSE_AFTER_FAILURE)  # else a dead service would be hammered, and each try counted
        else:
            self.predicted(call, answer)

    def predicted(self, call: Call, answer: Mapping[str, Any]) -> None:
        """What a protocol does with a good answer: by default, nothing."""

    def send(self, path: str, endpoint: str, body: bytes, wrong: Callable[[Any], str]) -> Mapping[str, Any] | None:
        """POST `body`; the answer, or None where it counts as failed because of its status or what `wrong` says."""
        # It is annotated as text, but text would only be encoded at every request.
        data: Any = body
        with self.client.request("POST", path, name=endpoint, data=data, headers=JSON, catch_response=True) as response:
            if not response.status_code:
                error = response.request_meta["exception"]
                response.failure(Failed(f"no answer: {getattr(error, 'original', error)}"))
                return None
            try:
                content = orjson.loads(response.content or b"")
            except orjson.JSONDecodeError:
                content = None
            problem = refused(response.status_code, content) or wrong(content)
            if problem:
                response.failure(Failed(problem))
                return None
            return content


class PredictUser(ModelUser):
    """`POST /predict`, and `POST /feedback` for rows whose true label is known."""

    protocol = "predict"
    endpoint = "/predict"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.pending: deque[tuple[float, str, Any]] = deque()

    def predicted(self, call: Call, answer: Mapping[str, Any]) -> None:
        due = monotonic() + self.options.feedback_delay
        for label, identity in zip(call.labels, answer["ids"], strict=True):
            chosen = label is not None and random.random() < self.options.feedback_share  # noqa: S311
            if chosen and len(self.pending) < MOST_PENDING:
                self.pending.append((due, identity, label))
        self.send_due_feedback()

    def send_due_feedback(self) -> None:
        now, items = monotonic(), list[dict[str, Any]]()
        while self.pending and self.pending[0][0] <= now:
            _, identity, label = self.pending.popleft()
            items.append({"id": identity, "label": label})
        if items:
            self.send(FEEDBACK, FEEDBACK, orjson.dumps(items), lambda said: wrong_feedback(said, len(items)))


class V2User(ModelUser):
    """The Open Inference Protocol."""

    protocol = "v2"
    endpoint = "/v2/infer"

    @property
    def path(self) -> str:
        return f"/v2/models/{quote(Prepared.model.name, safe='')}/infer"


class InvocationsUser(ModelUser):
    """MLflow's scoring protocol."""

    protocol = "invocations"
    endpoint = "/invocations"
