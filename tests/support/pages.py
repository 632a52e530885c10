"""A page over fixed data: a `Source` whose services a test sets, and a server that runs the page over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp
from tenfold.platform.errors import UnknownService
from tenfold.platform.page import Reply
from tenfold.platform.spec import ServiceSpec
from tenfold.platform.target import Replica, Status, Traffic
from tenfold.training.night import Night

from .places import free_port, wait_until

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)

Call = Callable[[str, str, bytes | None], Reply]


def replica(number: int, state: Any = "ready", version: str = "7", reason: str = "") -> Replica:
    started = datetime.now(UTC) - timedelta(minutes=5)
    return Replica(id=str(number), state=state, version=version, reason=reason, pid=4242, started=started)


def status(name: str = "flight-delay", **changes: Any) -> Status:
    """A service of 3 ready replicas of version 7, with the fields of `changes` in their place."""
    spec = ServiceSpec.of(
        name=name, model=f"models:/{name}/7", replicas=3, retraining={"at": "02:00", "timezone": "America/New_York"}
    )
    content: dict[str, Any] = {
        "name": name,
        "verdict": "ready",
        "reason": "3 of 3 replicas are ready.",
        "spec": spec,
        "revision": 9,
        "previous": spec.changed(model=f"models:/{name}/6"),
        "replicas": tuple(replica(n) for n in (1, 2, 3)),
        "restarts": 0,
        "url": "http://127.0.0.1:8080",
        "page_url": "http://127.0.0.1:8081/",
        "registry_url": "http://127.0.0.1:8082",
        "traffic": (Traffic(version="6", requests=1000, errors=2), Traffic(version="7", requests=250, errors=0)),
        "next_run": datetime.now(UTC) + timedelta(hours=3),
    }
    return Status(**content | changes)


def night(day: int = 3, outcome: Any = "promoted", **changes: Any) -> Night:
    content: dict[str, Any] = {
        "date": date(2026, 3, day),
        "outcome": outcome,
        "reason": "log_loss 0.555 is 8.4 % better than 0.606, no other metric is worse.",
        "rows": 12345,
        "champion": "6",
        "challenger": "7",
        "champion_metrics": {"log_loss": 0.606, "roc_auc": 0.611},
        "challenger_metrics": {"log_loss": 0.555, "roc_auc": 0.663},
        "fingerprint": "abc",
        "finished": NOW,
    }
    return Night(**content | changes)


ROW = {"distance": 1400, "carrier": "UA", "wind": None, "late": True, "scheduled": "2013-01-01T05:15:00"}


def openapi(*, properties: dict[str, Any] | None = None, label: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a model server says about /predict and /feedback."""
    columns = properties or {
        "distance": {"type": "integer"},
        "carrier": {"type": "string", "examples": ["UA", "B6", "O'Hare"]},
        "wind": {"type": ["number", "null"]},
        "late": {"type": "boolean"},
        "scheduled": {"type": "string", "format": "date-time"},
    }
    example = ROW if properties is None else {}
    row = {
        "type": "object",
        "properties": columns,
        "required": [n for n, c in columns.items() if "null" not in c["type"]],
        "example": example,
    }
    request = {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}},
            "outputs": {"type": "array", "items": {"type": "string", "enum": ["predict", "predict_proba"]}},
        },
    }
    item = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "label": label or {"enum": ["late", "punctual"]}},
    }
    either = {
        "oneOf": [
            {"$ref": "#/components/schemas/Label"},
            {"type": "array", "items": {"$ref": "#/components/schemas/Label"}},
        ]
    }

    def post(schema: Any, **more: Any) -> dict[str, Any]:
        return {"post": {"requestBody": {"content": {"application/json": {"schema": schema, **more}}}}}

    return {
        "paths": {"/predict": post(request, example={"rows": [example]}), "/feedback": post(either)},
        "components": {"schemas": {"Row": row, "Label": item}},
    }


def model_server(method: str, path: str, body: bytes | None) -> Reply:
    """Answers as a model server would that always predicts "late"; a distance below zero is refused."""
    if path == "/openapi.json":
        return Reply(200, orjson.dumps(openapi()))
    sent = orjson.loads(body or b"null")
    if path == "/predict":
        row = sent["rows"][0]
        if row.get("distance", 0) < 0:
            return Reply(400, orjson.dumps({"error": f"Row 0: 'distance' is {row['distance']}. Send a number from 0"}))
        content = {
            "predictions": ["late"],
            "ids": ["0192-abc"],
            "model": {"name": "flight-delay", "version": "7"},
            "outputs": {"predict": ["late"], "predict_proba": [[0.812, 0.188]]},
        }
        return Reply(200, orjson.dumps(content))
    if sent["id"] != "0192-abc":
        said = f"No prediction has the id '{sent['id']}'"
        result = {"id": sent["id"], "status": "unknown", "message": said}
        return Reply(404, orjson.dumps({"error": said, "results": [result]}))
    return Reply(200, orjson.dumps({"results": [{"id": sent["id"], "status": "accepted"}]}))


@dataclass
class FixedSource:
    """A `Source` of what the test puts in; an exception in the place of a value is raised."""

    statuses: dict[str, Status | Exception] = field(default_factory=dict)
    all_nights: dict[str, Sequence[Night] | Exception] = field(default_factory=dict)
    answer: Call | Exception = model_server
    broken: Exception | None = None
    calls: list[tuple[str, str, str, bytes | None]] = field(default_factory=list)

    def names(self) -> Sequence[str]:
        if self.broken:
            raise self.broken
        return sorted(self.statuses)

    def status(self, name: str) -> Status:
        if name not in self.statuses:
            raise UnknownService(name, tuple(self.statuses))
        return _value(self.statuses[name])

    def nights(self, name: str) -> Sequence[Night]:
        return _value(self.all_nights.get(name, ()))

    def call(self, name: str, method: Any, path: str, body: bytes | None = None) -> Reply:
        self.calls.append((name, method, path, body))
        return _value(self.answer)(method, path, body)


def _value(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


@contextmanager
def serving(app: ASGIApp, port: int | None = None) -> Generator[str]:
    """Run the app while the context is open; yields its address without a slash at its end."""
    port = port or free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), what="the page's server")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
